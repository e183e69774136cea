#include "cli/options.h"

#include <algorithm>
#include <boost/program_options.hpp>

#include "cli/file_options.h"
#include "cli/option_table.h"

namespace pristine::cli {

namespace {

namespace po = boost::program_options;
using Words = std::vector<std::string>;

void require(bool condition, const std::string& message) {
  if (!condition) throw UsageError(message);
}

po::options_description describe(Verb verb) {
  po::options_description description;
  auto add = description.add_options();
  for (const OptionInfo* option : optionsOf(verb)) {
    std::string names = option->name;
    if (option->letter != 0) names += std::string(",") + option->letter;
    const char* help = option->help.c_str();
    if (option->value.empty()) {
      add(names.c_str(), help);
    } else if (option->repeats) {
      add(names.c_str(), po::value<Words>()->multitoken(), help);
    } else if (!option->implied.empty()) {
      add(names.c_str(), po::value<Words>()->implicit_value({option->implied}, option->implied),
          help);
    } else {
      add(names.c_str(), po::value<std::string>(), help);
    }
  }
  add("input", po::value<Words>(), "");
  return description;
}

po::variables_map parse(const Words& arguments, Verb verb) {
  const po::options_description description = describe(verb);
  po::positional_options_description positional;
  positional.add("input", -1);
  po::variables_map values;
  try {
    // No guessing of abbreviated names: a new option must not change what an old script means.
    const int style =
        po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(po::command_line_parser(arguments)
                  .options(description)
                  .positional(positional)
                  .style(style)
                  .run(),
              values);
  } catch (const po::error& error) {
    throw UsageError(infoOf(verb).name + ": " + error.what());
  }
  return values;
}

void apply(const OptionInfo& option, const std::string& argument, Options& options) {
  try {
    option.set(options, argument);
  } catch (const UsageError& expected) {
    throw UsageError(infoOf(options.verb).name + ": --" + option.name + " is '" + argument +
                     "', expected " + expected.what());
  }
}

void applyAll(const po::variables_map& values, Options& options) {
  for (const OptionInfo* option : optionsOf(options.verb)) {
    if (!option->standard.empty()) apply(*option, option->standard, options);
    if (values.count(option->name) == 0) continue;
    const po::variable_value& given = values[option->name];
    if (option->value.empty()) {
      apply(*option, "", options);
    } else if (option->repeats || !option->implied.empty()) {
      for (const std::string& word : given.as<Words>()) apply(*option, word, options);
    } else {
      apply(*option, given.as<std::string>(), options);
    }
  }
  if (values.count("input") == 0) return;
  for (const std::string& input : values["input"].as<Words>()) options.inputs.emplace_back(input);
}

std::string nameOf(Verb verb) {
  const bool listed = verb != Verb::Help && verb != Verb::Manual && verb != Verb::Version;
  return listed ? infoOf(verb).name : "";
}

/// What no single option can tell.
void check(const Options& options) {
  const std::size_t inputs = options.inputs.size();
  const std::string verb = nameOf(options.verb);
  switch (options.verb) {
    case Verb::Auto:
    case Verb::Denoise:
    case Verb::Dejpeg:
    case Verb::Upscale:
      checkFormatOptions(options);
      require(inputs > 0 || !options.batch.filesFrom.empty(), verb + ": no input given");
      require(!options.output.empty(), verb + ": no output given (-o FILE or -o FOLDER)");
      return;
    case Verb::Inspect:
      require(inputs > 0, "inspect: no input given");
      return;
    case Verb::Compare:
      require(inputs == 2, "compare: " + std::to_string(inputs) + " inputs given, expected 2");
      return;
    case Verb::Models:
      require(!(options.check && options.measure),
              "models: 'check' and --measure exclude each other");
      return;
    case Verb::Bench: {
      const bool attention = inputs > 0 && options.inputs.front() == "attention";
      require(!attention || inputs == 1, "bench: 'attention' takes no further words");
      require(attention || (options.systems.empty() && !options.quick),
              "bench: --system and --quick are of 'pristine bench attention'");
      require(!attention || options.restorer.precision == Precision::Auto,
              "bench: --precision is not of 'pristine bench attention', which has f32 alone");
      return;
    }
    case Verb::Completions:
      require(inputs == 1 && (options.inputs.front() == "bash" || options.inputs.front() == "zsh" ||
                              options.inputs.front() == "fish"),
              "completions: expected 'bash', 'zsh' or 'fish'");
      return;
    case Verb::Help:
    case Verb::Manual:
    case Verb::Version:
      return;
  }
}

/// Whether the first word is no verb but what 'auto' takes: an option, a picture, a folder, a
/// pattern. A mistyped verb is none of these.
bool isAuto(const std::string& word) {
  static const Words kOthers{"--help", "-h", "--version", "--man"};
  if (std::ranges::find(kOthers, word) != kOthers.end()) return false;
  if (std::ranges::find(verbTable(), word, &VerbInfo::name) != verbTable().end()) return false;
  std::error_code unknown;
  return word.starts_with('-') || word.find_first_of("/*?[") != std::string::npos ||
         isImageExtension(word) || std::filesystem::exists(word, unknown);
}

}  // namespace

Options parseOptions(const std::vector<std::string>& given) {
  if (given.empty()) throw UsageError("no verb given; pristine --help lists them");
  std::vector<std::string> arguments = given;
  if (isAuto(arguments.front())) arguments.insert(arguments.begin(), infoOf(Verb::Auto).name);
  const std::string& word = arguments.front();
  Options options;
  if (word == "--help" || word == "-h" || word == "help") return options;
  if (word == "--version" || word == "version") {
    options.verb = Verb::Version;
    return options;
  }
  if (word == "--man") {
    options.verb = Verb::Manual;
    return options;
  }
  for (const VerbInfo& verb : verbTable()) {
    if (verb.name != word) continue;
    options.verb = verb.verb;
    const auto values = parse({arguments.begin() + 1, arguments.end()}, verb.verb);
    if (values.count("help") != 0) {
      options.help = true;
      return options;
    }
    applyAll(values, options);
    if (options.verb == Verb::Models && !options.inputs.empty() &&
        options.inputs.front() == "check") {
      options.check = true;
      options.inputs.erase(options.inputs.begin());
    }
    check(options);
    return options;
  }
  throw UsageError("unknown verb '" + word + "'; pristine --help lists them");
}

}  // namespace pristine::cli
