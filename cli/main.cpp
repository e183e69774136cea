#include <csignal>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "cli/bench_attention.h"
#include "cli/bench_models.h"
#include "cli/commands.h"
#include "cli/options.h"
#include "core/error.h"

namespace {

using pristine::Error;
using pristine::ErrorCode;
using pristine::cli::ExitCode;
using pristine::cli::Options;

ExitCode run(const std::vector<std::string>& arguments) {
  const Options options = pristine::cli::parseOptions(arguments);
  switch (options.verb) {
    case Options::Verb::Denoise:
    case Options::Verb::Dejpeg:
    case Options::Verb::Upscale:
      return pristine::cli::restore(options);
    case Options::Verb::Compare:
      return pristine::cli::compare(options);
    case Options::Verb::Models:
      return pristine::cli::models(options);
    case Options::Verb::BenchModels:
      return pristine::cli::benchModels(options);
    case Options::Verb::BenchAttention:
      return pristine::cli::benchAttention(options);
    case Options::Verb::Version:
      std::puts("pristine " PRISTINE_VERSION);
      return ExitCode::Done;
    case Options::Verb::Help:
      std::fputs(options.help.c_str(), stdout);
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
