#include "cli/batch_layout.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <iostream>
#include <vector>

#include "app/batch_inputs.h"
#include "app/image_file.h"
#include "cli/option_table.h"
#include "core/error.h"

namespace pristine::cli {

namespace {

namespace fs = std::filesystem;

const fs::path kStandardStream = "-";

std::vector<fs::path> listedInputs(const BatchOptions& options) {
  if (options.filesFrom.empty()) return {};
  if (options.filesFrom == kStandardStream) return readFileList(std::cin, options.zeros);
  std::ifstream file(options.filesFrom, std::ios::binary);
  if (!file) {
    throw Error(ErrorCode::Usage, "list '" + options.filesFrom + "': " + std::strerror(errno));
  }
  return readFileList(file, options.zeros);
}

void requireOneUseOfEachStream(const Options& options, const std::vector<fs::path>& inputs) {
  const auto piped = std::ranges::count(inputs, kStandardStream);
  if (piped > 1 || (piped == 1 && options.batch.filesFrom == kStandardStream)) {
    throw Error(ErrorCode::Usage, "standard input can be taken once");
  }
  if (options.output != kStandardStream) return;
  if (inputs.size() != 1 || fs::is_directory(inputs.front())) {
    throw Error(ErrorCode::Usage, "-o - takes one picture");
  }
  if (options.json) {
    throw Error(ErrorCode::Usage, "-o - and --json both write to standard output");
  }
}

PlanOptions planOptions(const Options& options) {
  PlanOptions planning;
  planning.recursive = options.recursive;
  planning.format = options.write.format;
  if (options.batch.name != "{dir}/{name}") {
    char strength[32];
    std::snprintf(strength, sizeof(strength), "%g", options.strength);
    planning.name =
        NameTemplate(options.batch.name, {{"verb", infoOf(options.verb).name},
                                          {"model", fs::path(options.model).stem().string()},
                                          {"strength", strength}});
  }
  return planning;
}

void requirePossibleFormats(const Options& options, const BatchPlan& plan) {
  for (const Job& job : plan.jobs) {
    const auto format = options.write.format ? options.write.format : formatOfName(job.output);
    if (!format) continue;
    try {
      requirePossible(options.write, *format);
    } catch (const Error& error) {
      throw Error(ErrorCode::Usage, "output '" + job.output.string() + "': " + error.what());
    }
  }
}

}  // namespace

BatchLayout layOutBatch(const Options& options) {
  BatchLayout layout;
  std::vector<fs::path> inputs = options.inputs;
  const auto listed = listedInputs(options.batch);
  inputs.insert(inputs.end(), listed.begin(), listed.end());
  inputs = expandPatterns(inputs);
  requireOneUseOfEachStream(options, inputs);

  fs::path output = options.output;
  if (output == kStandardStream || std::ranges::count(inputs, kStandardStream) > 0) {
    layout.spool = std::make_unique<SpoolFolder>();
  }
  for (fs::path& input : inputs) {
    if (input == kStandardStream) input = layout.spool->takeInput();
  }
  const auto extension = [&] {
    const FileFormat format = options.write.format
                                  ? *options.write.format
                                  : pictureSize(inputs.front(), options.read).format;
    return traitsOf(format).extensions.front();
  };
  if (output == kStandardStream) {
    output = layout.piped = layout.spool->path() / ("stdout" + extension());
  } else if (layout.spool && inputs.size() == 1 && fs::is_directory(output) &&
             !options.write.format) {
    // The name says nothing of a picture that came without one.
    output /= "stdin" + extension();
  }
  layout.plan = planBatch(inputs, output, planOptions(options));
  requirePossibleFormats(options, layout.plan);
  return layout;
}

}  // namespace pristine::cli
