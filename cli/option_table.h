#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "cli/options.h"

namespace pristine::cli {

/// A command of the program. The help, the manual and the completions are made from this.
struct VerbInfo {
  Verb verb;
  std::string name;       ///< first word of the command line
  std::string arguments;  ///< of its usage line
  std::string summary;    ///< one line, lower case, no full stop
  std::string description;
};

enum class OptionGroup { Files, Picture, Batch, Work, Report };

/// An option. Everything that is said of it anywhere comes from here.
struct OptionInfo {
  std::string name;     ///< without dashes
  char letter = 0;      ///< of the short form; 0: none
  std::string value{};  ///< name of its argument; empty: a switch
  std::string help{};   ///< lower case, no full stop
  OptionGroup group = OptionGroup::Files;
  std::vector<Verb> verbs{};
  std::string standard{};  ///< what holds without the option, in the form of an argument
  /// Sets it, or throws UsageError with what is expected ("0 to 100").
  std::function<void(Options&, const std::string& argument)> set{};
  std::vector<std::string> choices{};  ///< what the argument may be; empty: anything
  std::string implied{};               ///< argument that may be left out: what it then is
  bool repeats = false;  ///< takes every word up to the next option, set() is called for each
};

const std::vector<VerbInfo>& verbTable();
const std::vector<OptionInfo>& optionTable();

/// The options of a command in the order of the table, --help last.
std::vector<const OptionInfo*> optionsOf(Verb verb);
const VerbInfo& infoOf(Verb verb);
/// Headline of a group in the help.
std::string titleOf(OptionGroup group);

}  // namespace pristine::cli
