#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/bench_attention.h"
#include "cli/bench_models.h"
#include "cli/commands.h"
#include "cli/completions.h"
#include "cli/help.h"
#include "cli/manual.h"
#include "cli/options.h"
#include "cli/restore_command.h"
#include "core/error.h"

namespace {

using pristine::Error;
using pristine::ErrorCode;
using pristine::cli::ExitCode;
using pristine::cli::Options;
using pristine::cli::Verb;

ExitCode run(const std::vector<std::string>& arguments) {
  const Options options = pristine::cli::parseOptions(arguments);
  if (options.help) {
    std::fputs(pristine::cli::verbHelp(options.verb).c_str(), stdout);
    return ExitCode::Done;
  }
  switch (options.verb) {
    case Verb::Auto:
    case Verb::Denoise:
    case Verb::Dejpeg:
    case Verb::Upscale:
      return pristine::cli::restore(options);
    case Verb::Inspect:
      return pristine::cli::inspect(options);
    case Verb::Compare:
      return pristine::cli::compare(options);
    case Verb::Models:
      return pristine::cli::models(options);
    case Verb::Bench:
      return options.inputs.empty() || options.inputs.front() != "attention"
                 ? pristine::cli::benchModels(options)
                 : pristine::cli::benchAttention(options);
    case Verb::Completions:
      std::fputs(pristine::cli::completionsFor(options.inputs.front().string()).c_str(), stdout);
      return ExitCode::Done;
    case Verb::Version:
      std::puts("pristine " PRISTINE_VERSION);
      return ExitCode::Done;
    case Verb::Manual:
      std::fputs(pristine::cli::manualPage(PRISTINE_VERSION).c_str(), stdout);
      return ExitCode::Done;
    case Verb::Help:
      std::fputs(pristine::cli::programHelp().c_str(), stdout);
      return ExitCode::Done;
  }
  return ExitCode::Usage;
}

ExitCode exitCodeOf(ErrorCode code) {
  switch (code) {
    case ErrorCode::Model:
      return ExitCode::Environment;
    case ErrorCode::Usage:
      return ExitCode::Usage;
    case ErrorCode::Input:
    case ErrorCode::Output:
    case ErrorCode::Memory:
      return ExitCode::SomeFailed;
    case ErrorCode::Stopped:
      return ExitCode::Interrupted;
  }
  return ExitCode::SomeFailed;
}

}  // namespace

int main(int argc, char** argv) {
  // A reader that went away or a file too large is an error to report, not an end half-way.
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  try {
    return static_cast<int>(run({argv + 1, argv + argc}));
  } catch (const pristine::cli::UsageError& error) {
    std::fprintf(stderr, "pristine: %s\n", error.what());
    return static_cast<int>(ExitCode::Usage);
  } catch (const Error& error) {
    std::fprintf(stderr, "pristine: %s\n", error.what());
    return static_cast<int>(exitCodeOf(error.code()));
  } catch (const std::exception& error) {
    std::fprintf(stderr, "pristine: %s\n", error.what());
    return static_cast<int>(ExitCode::Environment);
  }
}
