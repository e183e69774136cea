#include "cli/option_table.h"

#include <algorithm>
#include <charconv>
#include <map>
#include <type_traits>

#include "cli/batch_options.h"
#include "cli/file_options.h"

namespace pristine::cli {

namespace {

using Set = std::function<void(Options&, const std::string&)>;

std::string text(double value) {
  std::string result = std::to_string(value);
  result.erase(result.find_last_not_of('0') + 1);
  if (result.back() == '.') result.pop_back();
  return result;
}

/// A number from `least` to `most`; member: Options& to the number's place.
template <typename Member>
Set number(Member member, double least, double most) {
  return [=](Options& options, const std::string& argument) {
    using Number = std::remove_reference_t<decltype(member(options))>;
    Number value{};
    const char* end = argument.data() + argument.size();
    const auto [rest, error] = std::from_chars(argument.data(), end, value);
    const auto wide = static_cast<double>(value);
    if (error != std::errc() || rest != end || !(wide >= least && wide <= most)) {
      throw UsageError(std::string(std::is_integral_v<Number> ? "a whole number, " : "") +
                       text(least) + " to " + text(most));
    }
    member(options) = value;
  };
}

template <typename Member>
Set flag(Member member) {
  return [=](Options& options, const std::string&) { member(options) = true; };
}

/// Text that is not empty, also of a path.
template <typename Member>
Set word(Member member) {
  return [=](Options& options, const std::string& argument) {
    if (argument.empty()) throw UsageError("something that is not empty");
    member(options) = argument;
  };
}

template <typename Value>
using Choices = std::vector<std::pair<std::string, Value>>;

template <typename Value>
std::vector<std::string> names(const Choices<Value>& choices) {
  std::vector<std::string> result;
  for (const auto& [name, value] : choices) result.push_back(name);
  return result;
}

/// "a, b or c".
std::string listed(const std::vector<std::string>& names) {
  std::string result;
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (i > 0) result += i + 1 == names.size() ? " or " : ", ";
    result += names[i];
  }
  return result;
}

template <typename Member, typename Value>
Set choice(Member member, Choices<Value> choices) {
  return [=](Options& options, const std::string& argument) {
    const auto found = std::ranges::find(choices, argument, &std::pair<std::string, Value>::first);
    if (found == choices.end()) throw UsageError(listed(names(choices)));
    member(options) = found->second;
  };
}

const Choices<Precision> kPrecisions{{"auto", Precision::Auto},
                                     {"f32", Precision::F32},
                                     {"bf16", Precision::BF16},
                                     {"int8", Precision::Int8}};

/// The commands that restore pictures.
const std::vector<Verb> kRestoring{Verb::Auto, Verb::Denoise, Verb::Dejpeg, Verb::Upscale};
/// Those with one model.
const std::vector<Verb> kTasks{Verb::Denoise, Verb::Dejpeg, Verb::Upscale};
const std::vector<Verb> kEvery{Verb::Auto,    Verb::Denoise, Verb::Dejpeg,
                               Verb::Upscale, Verb::Inspect, Verb::Compare,
                               Verb::Models,  Verb::Bench,   Verb::Completions};

std::vector<Verb> with(std::vector<Verb> verbs, std::initializer_list<Verb> more) {
  verbs.insert(verbs.end(), more);
  return verbs;
}

// One function a group; in a table of names each entry reads like the line of the help.
void addFiles(std::vector<OptionInfo>& table) {
  const OptionGroup group = OptionGroup::Files;
  table.push_back({"output", 'o', "PATH", "file or folder to write (required)", group, kRestoring,
                   "", word([](Options & o) -> auto& { return o.output; })});
  table.push_back({"recursive", 'r', "", "descend into sub-folders, keep the tree", group,
                   with(kRestoring, {Verb::Inspect}), "",
                   flag([](Options & o) -> auto& { return o.recursive; })});
  addBatchFileOptions(table, kRestoring);
  addFormatOptions(table, kRestoring);
}

const Choices<int> kScales{{"2", 2}, {"3", 3}, {"4", 4}};

void addPicture(std::vector<OptionInfo>& table) {
  const OptionGroup group = OptionGroup::Picture;
  table.push_back({"scale",
                   's',
                   "N",
                   "how often the sides of the picture fit into the result's",
                   group,
                   {Verb::Upscale},
                   "2",
                   choice(
                       [](Options & o) -> auto& { return o.scale; }, kScales),
                   names(kScales)});
  // Every task begins from all of it, also one without the option.
  table.push_back({"strength",
                   0,
                   "N",
                   "0 to 100: how much of what is wrong to take away",
                   group,
                   {Verb::Denoise, Verb::Dejpeg},
                   "100",
                   number(
                       [](Options & o) -> auto& { return o.strength; }, 0, 100)});
  table.push_back({"model", 'm', "MODEL",
                   "best, fast or another variant that 'pristine models' lists for the task, the "
                   "name of a model, or the path of a .safetensors file",
                   group, kTasks, "best", word([](Options & o) -> auto& { return o.model; })});
  table.push_back({"copy-clean",
                   0,
                   "",
                   "also write pictures that need nothing, as they are; else they are skipped",
                   group,
                   {Verb::Auto},
                   "",
                   flag([](Options & o) -> auto& { return o.copyClean; })});
  table.push_back({"self-check",
                   0,
                   "",
                   "inspect each output and say what is left in it",
                   group,
                   {Verb::Auto, Verb::Denoise, Verb::Dejpeg},
                   "",
                   flag([](Options & o) -> auto& { return o.selfCheck; })});
}

void addComparison(std::vector<OptionInfo>& table) {
  const OptionGroup group = OptionGroup::Picture;
  table.push_back({"luma",
                   0,
                   "",
                   "of Y of BT.601 (16 to 235) alone, as the tables of upscaling are",
                   group,
                   {Verb::Compare},
                   "",
                   flag([](Options & o) -> auto& { return o.compare.luma; })});
  table.push_back({"border",
                   0,
                   "N",
                   "pixels of every edge to leave out; those tables leave out as many as the scale",
                   group,
                   {Verb::Compare},
                   "0",
                   number(
                       [](Options & o) -> auto& { return o.compare.border; }, 0, 32768)});
  table.push_back({"measure",
                   0,
                   "",
                   "seconds for a megapixel of output, measured now",
                   group,
                   {Verb::Models},
                   "",
                   flag([](Options & o) -> auto& { return o.measure; })});
}

void addWork(std::vector<OptionInfo>& table) {
  const OptionGroup group = OptionGroup::Work;
  table.push_back(
      {"precision", 0, "KIND",
       "arithmetic of the network; int8 is for its dense convolutions, the rest is bf16; "
       "auto takes what processor and model offer, 'bench' each of them",
       group, with(kRestoring, {Verb::Bench}), "auto",
       choice(
           [](Options & o) -> auto& { return o.restorer.precision; }, kPrecisions),
       names(kPrecisions)});
  table.push_back({"threads", 0, "N", "threads of the network; 0: all that the process may use",
                   group, with(kRestoring, {Verb::Models, Verb::Bench}), "0",
                   number(
                       [](Options & o) -> auto& { return o.restorer.threads; }, 0, 1024)});
  table.push_back({"tile", 0, "N", "side of a tile in pixels at most; 0: chosen", group, kRestoring,
                   "0",
                   number(
                       [](Options & o) -> auto& { return o.restorer.tile; }, 0, 32768)});
  OptionInfo system{
      "system", 0,
      "NAME",   "which attention systems; all if not given",
      group,    {Verb::Bench},
      "",       [](Options& o, const std::string& name) { o.systems.push_back(name); }};
  system.repeats = true;
  table.push_back(system);
  table.push_back(
      {"quick", 0, "", "small sizes, under half a minute", group, {Verb::Bench}, "", flag([
       ](Options & o) -> auto& { return o.quick; })});
}

void addReport(std::vector<OptionInfo>& table) {
  const OptionGroup group = OptionGroup::Report;
  table.push_back({"json", 0, "",
                   "print JSON on standard output; of a batch a line for each picture as it ends",
                   group,
                   with(kRestoring, {Verb::Inspect, Verb::Compare, Verb::Models, Verb::Bench}), "",
                   flag([](Options & o) -> auto& { return o.json; })});
  table.push_back(
      {"profile", 0, "",
       "print time, work and share of the machine's limit of each kind of operator, with -v "
       "also of each operator",
       group, kTasks, "", flag([](Options & o) -> auto& { return o.restorer.profile; })});
  table.push_back({"trace", 0, "FILE", "write the operators' times as a Chrome trace (JSON)", group,
                   kTasks, "", word([](Options & o) -> auto& { return o.trace; })});
  table.push_back({"quiet", 'q', "", "no progress", group, with(kRestoring, {Verb::Bench}), "",
                   flag([](Options & o) -> auto& { return o.quiet; })});
  table.push_back({"verbose", 'v', "", "say what is used", group, kRestoring, "",
                   flag([](Options & o) -> auto& { return o.verbose; })});
  table.push_back({"help", 'h', "", "print this text", group, kEvery, "",
                   flag([](Options & o) -> auto& { return o.help; })});
}

}  // namespace

constexpr const char* kRestoringText =
    "INPUT is a picture (PNG, JPEG, TIFF, WebP, AVIF, HEIC, JPEG XL, OpenEXR), a folder of "
    "pictures, a pattern, or - for standard input. With one file OUT may name a file, or be - for "
    "standard output; with a folder or several inputs OUT is a folder and the names are kept. Run "
    "the same command again to go on with what is left.";

const std::vector<VerbInfo>& verbTable() {
  static const std::vector<VerbInfo> kTable{
      {Verb::Auto, "auto", "INPUT... -o OUT [options]", "restore what needs it; without a verb too",
       std::string("Inspects each picture and does what it needs: denoise, dejpeg or nothing. ") +
           kRestoringText},
      {Verb::Denoise, "denoise", "INPUT... -o OUT [options]", "remove noise", kRestoringText},
      {Verb::Dejpeg, "dejpeg", "INPUT... -o OUT [options]", "remove traces of JPEG",
       kRestoringText},
      {Verb::Upscale, "upscale", "INPUT... -o OUT [-s 2|3|4]", "enlarge", kRestoringText},
      {Verb::Inspect, "inspect", "INPUT... [-r] [--json]", "say what damage a picture has",
       "Says of pictures, or of those in folders, what can be told without the original: noise, "
       "past compressions by JPEG, blur, banding, and what they need of 'denoise' and 'dejpeg'. "
       "Nothing is written."},
      {Verb::Compare, "compare", "A B [--luma] [--border N]", "PSNR and SSIM of files or folders",
       "PSNR and SSIM of two pictures, or of two folders whose pictures pair by name. When either "
       "is an 8-bit file both are clipped and rounded to 8 bits first."},
      {Verb::Models, "models", "[check] [NAME...] [--measure]", "list, time or check the models",
       "Lists the installed models, or compares each with its stored digest and output (check). "
       "They are looked for in $PRISTINE_MODELS, in share/pristine/models beside the program and "
       "in the source tree."},
      {Verb::Bench, "bench", "[NAME... | attention] [options]",
       "time the models or the attention systems",
       "Seconds a megapixel of the named models, or of all, in every precision that the processor "
       "offers, and the share of the machine's limit: the time that its 3x3 convolution would take "
       "for the same multiply-adds, divided by the time taken. With 'attention' every attention "
       "system is timed against softmax attention at the same work, beside the ratio of "
       "multiply-adds and the papers' claims."},
      {Verb::Completions, "completions", "bash|zsh|fish", "print completions for a shell",
       "Prints what a shell needs to complete the commands and options of this program."}};
  return kTable;
}

const std::vector<OptionInfo>& optionTable() {
  static const std::vector<OptionInfo> kTable = [] {
    std::vector<OptionInfo> table;
    addFiles(table);
    addPicture(table);
    addComparison(table);
    addBatchRunOptions(table, kRestoring);
    addWork(table);
    addLimitOptions(table, kRestoring);
    addReport(table);
    return table;
  }();
  return kTable;
}

std::vector<const OptionInfo*> optionsOf(Verb verb) {
  std::vector<const OptionInfo*> result;
  for (const OptionInfo& option : optionTable()) {
    if (std::ranges::find(option.verbs, verb) != option.verbs.end()) result.push_back(&option);
  }
  return result;
}

const VerbInfo& infoOf(Verb verb) {
  const auto found = std::ranges::find(verbTable(), verb, &VerbInfo::verb);
  if (found == verbTable().end()) throw std::logic_error("verb without an entry in the table");
  return *found;
}

std::string titleOf(OptionGroup group) {
  switch (group) {
    case OptionGroup::Files:
      return "Files";
    case OptionGroup::Picture:
      return "Picture";
    case OptionGroup::Batch:
      return "Batch";
    case OptionGroup::Work:
      return "Work";
    case OptionGroup::Report:
      return "Report";
  }
  return {};
}

}  // namespace pristine::cli
