#include "cli/manual.h"

#include "cli/exit_code.h"
#include "cli/help.h"
#include "cli/option_table.h"

namespace pristine::cli {

namespace {

/// Text as roff takes it: dashes that can be copied, no accidental requests.
std::string escaped(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '\\') {
      result += "\\e";
    } else if (c == '-') {
      result += "\\-";
    } else if ((c == '.' || c == '\'') && (result.empty() || result.back() == '\n')) {
      result += std::string("\\&") + c;
    } else {
      result += c;
    }
  }
  return result;
}

std::string trimmed(const std::string& text) {
  const std::size_t begin = text.find_first_not_of(' ');
  return begin == std::string::npos ? "" : text.substr(begin);
}

std::string verbNames(const OptionInfo& option) {
  std::string result;
  for (const Verb verb : option.verbs) result += (result.empty() ? "" : ", ") + infoOf(verb).name;
  return result;
}

std::string commands() {
  std::string page = ".SH COMMANDS\n";
  for (const VerbInfo& verb : verbTable()) {
    page += ".TP\n.B pristine " + escaped(verb.name + " " + verb.arguments) + "\n" +
            escaped(verb.description) + "\n";
  }
  return page;
}

std::string options() {
  std::string page = ".SH OPTIONS\n";
  const OptionInfo* last = nullptr;
  for (const OptionInfo& option : optionTable()) {
    if (last == nullptr || last->group != option.group) {
      page += ".SS " + titleOf(option.group) + "\n";
    }
    page += ".TP\n.B " + escaped(trimmed(synopsisOf(option))) + "\n" +
            escaped(explanationOf(option)) + ".\nTaken by " + escaped(verbNames(option)) + ".\n";
    last = &option;
  }
  return page;
}

std::string exitStatus() {
  std::string page = ".SH EXIT STATUS\n";
  for (const ExitCodeInfo& info : exitCodes()) {
    page += ".TP\n.B " + std::to_string(static_cast<int>(info.code)) + "\n" +
            escaped(info.meaning) + "\n";
  }
  return page;
}

std::string environment() {
  static const std::vector<std::pair<std::string, std::string>> kVariables{
      {"PRISTINE_MODELS", "a folder of models, searched before all others"},
      {"XDG_STATE_HOME",
       "journals of outputs that are named as files, in its folder pristine; "
       "~/.local/state without it"},
      {"XDG_CACHE_HOME", "measured speeds, in pristine/speed.json; ~/.cache without it"},
      {"TMPDIR", "pictures from standard input and to standard output pass through it"},
      {"ONEDNN_MAX_CPU_ISA", "the instructions that the network may use at most, as AVX2"}};
  std::string page = ".SH ENVIRONMENT\n";
  for (const auto& [name, meaning] : kVariables) {
    page += ".TP\n.B " + name + "\n" + escaped(meaning) + "\n";
  }
  return page;
}

}  // namespace

std::string manualPage(const std::string& version) {
  return ".TH PRISTINE 1 \"\" \"pristine " + escaped(version) +
         "\" \"User Commands\"\n"
         ".SH NAME\npristine \\- restore photographs on the processor\n"
         ".SH SYNOPSIS\n.B pristine\n.I VERB\n[\\fIINPUT\\fR...] [\\fIoptions\\fR]\n"
         ".br\n.B pristine\n\\-\\-help | \\-\\-version | \\-\\-man\n" +
         commands() + options() + exitStatus() + environment();
}

}  // namespace pristine::cli
