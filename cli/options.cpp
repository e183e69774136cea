#include "cli/options.h"

#include <boost/program_options.hpp>
#include <map>
#include <sstream>

namespace pristine::cli {

namespace {

namespace po = boost::program_options;

constexpr const char* kOverview =
    "pristine restores photographs on the processor.\n"
    "\n"
    "usage:\n"
    "  pristine denoise INPUT... -o OUT [options]       remove noise\n"
    "  pristine dejpeg INPUT... -o OUT [options]        remove traces of JPEG\n"
    "  pristine upscale INPUT... -o OUT [-s 2|3|4]      enlarge\n"
    "  pristine compare A B [--luma] [--border N]       PSNR and SSIM of files or folders\n"
    "  pristine models [check] [NAME...] [--measure]    list, time or check the models\n"
    "  pristine bench [options]                         time the models on this processor\n"
    "  pristine bench attention [options]               time the attention systems\n"
    "  pristine --version\n"
    "  pristine VERB --help                         options of a verb\n";

constexpr const char* kExitCodes =
    "\n"
    "exit status: 0 all done, 1 some failed, 2 wrong usage, 3 no picture found,\n"
    "5 model or processor unfit, 130 interrupted\n";

constexpr const char* kRestoreUsage =
    " INPUT... -o OUT [options]\n"
    "\n"
    "INPUT is a picture (PNG, JPEG, TIFF, WebP) or a folder of pictures. With one file OUT may "
    "name\n"
    "a file; with a folder or several inputs OUT is a folder and the names are kept.\n\n";

po::options_description restoreOptions(Options& options, std::string& precision) {
  po::options_description description("options");
  auto add = description.add_options();
  add("output,o", po::value<std::string>(), "file or folder to write (required)");
  if (options.verb == Options::Verb::Upscale) {
    add("scale,s", po::value(&options.scale)->default_value(2),
        "2, 3 or 4: how often the sides of the picture are to fit into the result's");
  } else {
    add("strength", po::value(&options.strength)->default_value(100, "100"),
        "0 to 100: how much of what is wrong to take away");
  }
  add("model,m", po::value(&options.model)->default_value(options.model),
      "best, fast or another variant that 'pristine models' lists for the task, the name of a "
      "model, or the path of a .safetensors file");
  add("recursive,r", po::bool_switch(&options.recursive),
      "descend into sub-folders, keep the tree");
  add("quality,Q", po::value(&options.quality)->default_value(95), "1 to 100, of JPEG and WebP");
  add("precision", po::value(&precision)->default_value("auto"),
      "auto, f32, bf16 or int8 (the dense convolutions, the rest in bf16); auto: the fastest that\n"
      "processor and model offer");
  add("threads", po::value(&options.restorer.threads)->default_value(0),
      "threads of the network; 0: all that the process may use");
  add("tile", po::value(&options.restorer.tile)->default_value(0),
      "side of a tile in pixels at most; 0: chosen");
  add("profile", po::bool_switch(&options.restorer.profile),
      "print time, work and share of the machine's limit of each kind of operator, with -v of "
      "each\n"
      "operator");
  add("trace", po::value<std::string>()->value_name("FILE"),
      "write the operators' times as a Chrome trace (JSON)");
  add("quiet,q", po::bool_switch(&options.quiet), "no progress");
  add("verbose,v", po::bool_switch(&options.verbose), "say what is used");
  add("help,h", "this text");
  return description;
}

void require(bool condition, const std::string& message) {
  if (!condition) throw UsageError(message);
}

po::variables_map parse(const std::vector<std::string>& arguments,
                        const po::options_description& visible) {
  po::options_description all;
  all.add(visible).add_options()("input", po::value<std::vector<std::string>>());
  po::positional_options_description positional;
  positional.add("input", -1);
  po::variables_map values;
  try {
    // No guessing of abbreviated names: a new option must not change what an old script means.
    const int style =
        po::command_line_style::default_style & ~po::command_line_style::allow_guessing;
    po::store(
        po::command_line_parser(arguments).options(all).positional(positional).style(style).run(),
        values);
    po::notify(values);
  } catch (const po::error& error) {
    throw UsageError(error.what());
  }
  return values;
}

std::vector<std::filesystem::path> inputsOf(const po::variables_map& values) {
  std::vector<std::filesystem::path> inputs;
  if (values.count("input") != 0) {
    for (const auto& input : values["input"].as<std::vector<std::string>>())
      inputs.emplace_back(input);
  }
  return inputs;
}

Options help(const std::string& usage, const po::options_description& description) {
  Options options;
  std::ostringstream text;
  text << usage << description << kExitCodes;
  options.help = text.str();
  return options;
}

Options parseRestore(Options::Verb verb, const std::string& task,
                     const std::vector<std::string>& arguments) {
  Options options;
  options.verb = verb;
  options.task = task;
  std::string precision;
  const auto description = restoreOptions(options, precision);
  const auto values = parse(arguments, description);
  if (values.count("help") != 0)
    return help("usage: pristine " + task + kRestoreUsage, description);
  options.inputs = inputsOf(values);
  require(!options.inputs.empty(), task + ": no input given");
  require(values.count("output") != 0, task + ": no output given (-o FILE or -o FOLDER)");
  options.output = values["output"].as<std::string>();
  if (values.count("trace") != 0) {
    options.trace = values["trace"].as<std::string>();
    require(!options.trace.empty(), task + ": the file of --trace is empty");
  }
  require(!options.output.empty(), task + ": the output is empty");
  require(options.strength >= 0 && options.strength <= 100,
          task + ": --strength is " + std::to_string(options.strength) + ", expected 0 to 100");
  require(options.quality >= 1 && options.quality <= 100,
          task + ": --quality is " + std::to_string(options.quality) + ", expected 1 to 100");
  require(
      options.restorer.threads >= 0 && options.restorer.threads <= 1024,
      task + ": --threads is " + std::to_string(options.restorer.threads) + ", expected 0 to 1024");
  require(options.restorer.tile >= 0 && options.restorer.tile <= 32768,
          task + ": --tile is " + std::to_string(options.restorer.tile) + ", expected 0 to 32768");
  require(verb != Options::Verb::Upscale || (options.scale >= 2 && options.scale <= 4),
          task + ": --scale is " + std::to_string(options.scale) + ", expected 2, 3 or 4");
  require(!options.model.empty(), task + ": --model is empty");
  static const std::map<std::string, Precision> kPrecisions{{"auto", Precision::Auto},
                                                            {"f32", Precision::F32},
                                                            {"bf16", Precision::BF16},
                                                            {"int8", Precision::Int8}};
  const auto found = kPrecisions.find(precision);
  require(found != kPrecisions.end(),
          task + ": --precision is '" + precision + "', expected auto, f32, bf16 or int8");
  options.restorer.precision = found->second;
  return options;
}

void requireThreads(const std::string& verb, int threads) {
  require(threads >= 0 && threads <= 1024,
          verb + ": --threads is " + std::to_string(threads) + ", expected 0 to 1024");
}

Options parseBenchAttention(const std::vector<std::string>& arguments) {
  Options options;
  options.verb = Options::Verb::BenchAttention;
  po::options_description description("options");
  auto add = description.add_options();
  add("system", po::value(&options.systems)->multitoken()->value_name("NAME..."),
      "which systems; all if not given");
  add("quick", po::bool_switch(&options.quick), "small sizes, under half a minute");
  add("json", po::bool_switch(&options.json), "print JSON");
  add("threads", po::value(&options.restorer.threads)->default_value(0),
      "threads; 0: all that the process may use");
  add("quiet,q", po::bool_switch(&options.quiet), "no progress");
  add("help,h", "this text");
  const auto values = parse(arguments, description);
  if (values.count("help") != 0) {
    return help(
        "usage: pristine bench attention [options]\n\n"
        "Times every attention system against softmax attention at the same work, beside the\n"
        "ratio of multiply-adds and the papers' claims.\n\n",
        description);
  }
  require(inputsOf(values).empty(), "bench attention: takes no inputs");
  requireThreads("bench", options.restorer.threads);
  return options;
}

Options parseBenchModels(const std::vector<std::string>& arguments) {
  Options options;
  options.verb = Options::Verb::BenchModels;
  po::options_description description("options");
  auto add = description.add_options();
  add("model,m", po::value(&options.models)->multitoken()->value_name("NAME..."),
      "names or paths of models; all that are installed if not given");
  add("precision", po::value(&options.precisions)->multitoken()->value_name("P..."),
      "f32, bf16 or int8; all on offer if not given");
  add("json", po::bool_switch(&options.json), "print JSON");
  add("threads", po::value(&options.restorer.threads)->default_value(0),
      "threads; 0: all that the process may use");
  add("help,h", "this text");
  const auto values = parse(arguments, description);
  if (values.count("help") != 0) {
    return help(
        "usage: pristine bench [options]\n"
        "       pristine bench attention [options]\n\n"
        "Seconds a megapixel of every model in every precision that the processor offers, and\n"
        "the share of the machine's limit: the time that its 3x3 convolution would take for\n"
        "the same multiply-adds, divided by the time taken.\n\n",
        description);
  }
  require(inputsOf(values).empty(),
          "bench: expected 'pristine bench [options]' or 'pristine bench attention [options]'");
  for (const std::string& precision : options.precisions) {
    require(precision == "f32" || precision == "bf16" || precision == "int8",
            "bench: --precision is '" + precision + "', expected f32, bf16 or int8");
  }
  requireThreads("bench", options.restorer.threads);
  return options;
}

Options parseBench(const std::vector<std::string>& arguments) {
  if (!arguments.empty() && arguments.front() == "attention") {
    return parseBenchAttention({arguments.begin() + 1, arguments.end()});
  }
  return parseBenchModels(arguments);
}

Options parseCompare(const std::vector<std::string>& arguments) {
  Options options;
  options.verb = Options::Verb::Compare;
  po::options_description description("options");
  auto add = description.add_options();
  add("luma", po::bool_switch(&options.compare.luma),
      "of Y of BT.601 (16 to 235) alone, as the tables of upscaling are");
  add("border", po::value(&options.compare.border)->default_value(0),
      "pixels of every edge to leave out; those tables leave out as many as the scale");
  add("json", po::bool_switch(&options.json), "print JSON");
  add("help,h", "this text");
  const auto values = parse(arguments, description);
  if (values.count("help") != 0) {
    return help(
        "usage: pristine compare A B [options]\n\n"
        "PSNR and SSIM of two pictures, or of two folders whose pictures pair by name.\n"
        "When either is an 8-bit file both are clipped and rounded to 8 bits first.\n\n",
        description);
  }
  options.inputs = inputsOf(values);
  require(options.inputs.size() == 2,
          "compare: " + std::to_string(options.inputs.size()) + " inputs given, expected 2");
  require(
      options.compare.border >= 0 && options.compare.border <= 32768,
      "compare: --border is " + std::to_string(options.compare.border) + ", expected 0 to 32768");
  return options;
}

Options parseModels(const std::vector<std::string>& arguments) {
  Options options;
  options.verb = Options::Verb::Models;
  po::options_description description("options");
  auto add = description.add_options();
  add("measure", po::bool_switch(&options.measure),
      "seconds for a megapixel of output, measured now");
  add("threads", po::value(&options.restorer.threads)->default_value(0),
      "threads of the network; 0: all that the process may use");
  add("json", po::bool_switch(&options.json), "print JSON");
  add("help,h", "this text");
  const auto values = parse(arguments, description);
  if (values.count("help") != 0) {
    return help(
        "usage: pristine models [NAME...] [options]\n"
        "       pristine models check [NAME...] [options]\n\n"
        "Lists the installed models, or compares each with its stored digest and output.\n\n",
        description);
  }
  options.inputs = inputsOf(values);
  if (!options.inputs.empty() && options.inputs.front() == "check") {
    options.check = true;
    options.inputs.erase(options.inputs.begin());
  }
  require(!(options.check && options.measure), "models: 'check' and --measure exclude each other");
  require(
      options.restorer.threads >= 0 && options.restorer.threads <= 1024,
      "models: --threads is " + std::to_string(options.restorer.threads) + ", expected 0 to 1024");
  return options;
}

}  // namespace

Options parseOptions(const std::vector<std::string>& arguments) {
  if (arguments.empty()) throw UsageError("no verb given; pristine --help lists them");
  const std::string& verb = arguments.front();
  const std::vector<std::string> rest(arguments.begin() + 1, arguments.end());
  if (verb == "--help" || verb == "-h" || verb == "help") {
    Options options;
    options.help = std::string(kOverview) + kExitCodes;
    return options;
  }
  if (verb == "--version" || verb == "version") {
    Options options;
    options.verb = Options::Verb::Version;
    return options;
  }
  if (verb == "denoise") return parseRestore(Options::Verb::Denoise, verb, rest);
  if (verb == "dejpeg") return parseRestore(Options::Verb::Dejpeg, verb, rest);
  if (verb == "upscale") return parseRestore(Options::Verb::Upscale, verb, rest);
  if (verb == "bench") return parseBench(rest);
  if (verb == "compare") return parseCompare(rest);
  if (verb == "models") return parseModels(rest);
  throw UsageError("unknown verb '" + verb + "'; pristine --help lists them");
}

}  // namespace pristine::cli
