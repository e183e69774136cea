#include "cli/help.h"

#include <sstream>

#include "cli/exit_code.h"

namespace pristine::cli {

namespace {

constexpr std::size_t kWidth = 80;

/// Words of `text` from column `indent` on, the first line begun at `column`.
std::string wrapped(const std::string& text, std::size_t indent, std::size_t column) {
  std::istringstream words(text);
  std::string result;
  std::string word;
  bool first = true;
  while (words >> word) {
    if (!first && column + 1 + word.size() > kWidth) {
      result += "\n" + std::string(indent, ' ');
      column = indent;
    } else if (!first) {
      result += ' ';
      ++column;
    }
    result += word;
    column += word.size();
    first = false;
  }
  return result + "\n";
}

/// "  term   explanation" with the explanation at a column of its own.
std::string entry(const std::string& term, const std::string& explanation, std::size_t column) {
  std::string line = "  " + term;
  if (line.size() + 2 > column) {
    line += "\n" + std::string(column, ' ');
  } else {
    line.resize(column, ' ');
  }
  return line + wrapped(explanation, column, column);
}

std::string exitStatus() {
  std::string result = "\nexit status:\n";
  for (const ExitCodeInfo& info : exitCodes()) {
    result += entry(std::to_string(static_cast<int>(info.code)), info.meaning, 8);
  }
  return result;
}

}  // namespace

std::string synopsisOf(const OptionInfo& option) {
  std::string result = option.letter != 0 ? std::string("-") + option.letter + ", " : "    ";
  result += "--" + option.name;
  if (!option.implied.empty()) return result + "[=" + option.value + "]";
  if (!option.value.empty()) result += " " + option.value;
  return result + (option.repeats ? "..." : "");
}

std::string explanationOf(const OptionInfo& option) {
  std::string result = option.help;
  if (!option.choices.empty()) {
    result += ": ";
    for (std::size_t i = 0; i < option.choices.size(); ++i) {
      if (i > 0) result += i + 1 == option.choices.size() ? " or " : ", ";
      result += option.choices[i];
    }
  }
  if (!option.implied.empty()) result += " (" + option.implied + " if not said)";
  if (!option.standard.empty()) result += " [" + option.standard + "]";
  return result;
}

std::string programHelp() {
  std::string result = "pristine restores photographs on the processor.\n\nusage:\n";
  for (const VerbInfo& verb : verbTable()) {
    result += entry("pristine " + verb.name + " " + verb.arguments, verb.summary, 49);
  }
  result += entry("pristine --version", "print the version", 49);
  result += entry("pristine --man", "print the manual page", 49);
  result += entry("pristine VERB --help", "options of a verb", 49);
  result += entry("pristine-viewer [FILE|FOLDER]...", "the same in a window, with comparisons", 49);
  return result + exitStatus();
}

std::string verbHelp(Verb verb) {
  const VerbInfo& info = infoOf(verb);
  std::string result = "usage: pristine " + info.name + " " + info.arguments + "\n\n";
  result += wrapped(info.description, 0, 0);
  const OptionInfo* last = nullptr;
  for (const OptionInfo* option : optionsOf(verb)) {
    if (last == nullptr || last->group != option->group) {
      result += "\n" + titleOf(option->group) + ":\n";
    }
    result += entry(synopsisOf(*option), explanationOf(*option), 28);
    last = option;
  }
  return result + exitStatus();
}

}  // namespace pristine::cli
