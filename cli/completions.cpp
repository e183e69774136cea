#include "cli/completions.h"

#include "cli/help.h"
#include "cli/option_table.h"

namespace pristine::cli {

namespace {

std::string joined(const std::vector<std::string>& words) {
  std::string result;
  for (const std::string& word : words) result += (result.empty() ? "" : " ") + word;
  return result;
}

/// Text inside single quotes of a POSIX shell, of zsh and of fish alike.
std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    if (c == '\'') {
      result += "'\\''";
    } else {
      result += c;
    }
  }
  return result + "'";
}

std::vector<std::string> verbNames() {
  std::vector<std::string> result;
  for (const VerbInfo& verb : verbTable()) result.push_back(verb.name);
  return result;
}

/// Words that a verb takes instead of files.
std::vector<std::string> wordsOf(Verb verb) {
  if (verb == Verb::Completions) return {"bash", "zsh", "fish"};
  if (verb == Verb::Bench) return {"attention"};
  if (verb == Verb::Models) return {"check"};
  return {};
}

std::string patternOf(const OptionInfo& option) {
  std::string result = "--" + option.name;
  if (option.letter != 0) result = std::string("-") + option.letter + "|" + result;
  return result;
}

std::string bash() {
  std::string script =
      "# bash completion for pristine\n"
      "_pristine() {\n"
      "  local word=${COMP_WORDS[COMP_CWORD]} last=${COMP_WORDS[COMP_CWORD-1]} options=\n"
      "  COMPREPLY=()\n"
      "  if [ \"$COMP_CWORD\" -eq 1 ]; then\n"
      "    COMPREPLY=($(compgen -W '" +
      joined(verbNames()) +
      " --help --version --man' -- \"$word\"))\n"
      "    return\n"
      "  fi\n"
      "  case ${COMP_WORDS[1]} in\n";
  for (const VerbInfo& verb : verbTable()) {
    std::string options = joined(wordsOf(verb.verb));
    std::string arguments;
    for (const OptionInfo* option : optionsOf(verb.verb)) {
      options += " --" + option->name;
      if (option->letter != 0) options += std::string(" -") + option->letter;
      // A file's name is as good a guess as any for an argument without choices.
      if (option->value.empty() || !option->implied.empty()) continue;
      const std::string reply = option->choices.empty()
                                    ? "compgen -f -- \"$word\""
                                    : "compgen -W '" + joined(option->choices) + "' -- \"$word\"";
      arguments += "        " + patternOf(*option) + ") COMPREPLY=($(" + reply + ")); return ;;\n";
    }
    script += "    " + verb.name + ")\n";
    if (!arguments.empty()) script += "      case $last in\n" + arguments + "      esac\n";
    script += "      options='" + options + "' ;;\n";
  }
  return script +
         "  esac\n"
         "  COMPREPLY=($(compgen -W \"$options\" -- \"$word\"))\n"
         "  [[ $word == -* ]] || COMPREPLY+=($(compgen -f -- \"$word\"))\n"
         "}\n"
         "complete -o filenames -F _pristine pristine\n";
}

/// A description inside the brackets of zsh's _arguments.
std::string zshText(const std::string& text) {
  std::string result;
  for (const char c : text) {
    if (c == '[' || c == ']' || c == ':' || c == '\\') result += '\\';
    result += c;
  }
  return result;
}

std::string zsh() {
  std::string script =
      "#compdef pristine\n"
      "_pristine() {\n"
      "  local -a verbs\n"
      "  verbs=(\n";
  for (const VerbInfo& verb : verbTable()) {
    script += "    " + quoted(verb.name + ":" + zshText(verb.summary)) + "\n";
  }
  script +=
      "  )\n"
      "  if (( CURRENT == 2 )); then\n"
      "    _describe 'verb' verbs\n"
      "    _arguments '--help[print the verbs]' '--version[print the version]' '--man[print the "
      "manual page]'\n"
      "    return\n"
      "  fi\n"
      "  local verb=$words[2]\n"
      "  shift words\n"
      "  (( CURRENT-- ))\n"
      "  case $verb in\n";
  for (const VerbInfo& verb : verbTable()) {
    script += "    " + verb.name + ")\n      _arguments -S";
    for (const OptionInfo* option : optionsOf(verb.verb)) {
      std::string argument;
      if (!option->value.empty()) {
        argument = (option->implied.empty() ? ":" : "::") + option->value + ":" +
                   (option->choices.empty() ? "_files" : "(" + joined(option->choices) + ")");
      }
      const std::string text = "[" + zshText(option->help) + "]" + argument;
      script += " \\\n        " + quoted("--" + option->name +
                                         (option->value.empty()     ? ""
                                          : option->implied.empty() ? "="
                                                                    : "=-") +
                                         text);
      if (option->letter != 0) {
        script += " \\\n        " + quoted(std::string("-") + option->letter +
                                           (option->value.empty() ? "" : "+") + text);
      }
    }
    const auto words = wordsOf(verb.verb);
    script += " \\\n        " +
              quoted(words.empty() ? "*:file:_files" : "1:what:(" + joined(words) + ")") + " ;;\n";
  }
  return script +
         "  esac\n"
         "}\n"
         "if [[ $funcstack[1] == _pristine ]]; then _pristine \"$@\"; else compdef _pristine "
         "pristine; fi\n";
}

std::string fish() {
  std::string script =
      "# fish completion for pristine\n"
      "complete -c pristine -n __fish_use_subcommand -l help -d 'print the verbs'\n"
      "complete -c pristine -n __fish_use_subcommand -l version -d 'print the version'\n"
      "complete -c pristine -n __fish_use_subcommand -l man -d 'print the manual page'\n";
  for (const VerbInfo& verb : verbTable()) {
    script += "complete -c pristine -f -n __fish_use_subcommand -a " + verb.name + " -d " +
              quoted(verb.summary) + "\n";
    const std::string inVerb =
        "complete -c pristine -n '__fish_seen_subcommand_from " + verb.name + "'";
    const auto words = wordsOf(verb.verb);
    if (!words.empty()) script += inVerb + " -f -a " + quoted(joined(words)) + "\n";
    for (const OptionInfo* option : optionsOf(verb.verb)) {
      script += inVerb + " -l " + option->name;
      if (option->letter != 0) script += std::string(" -s ") + option->letter;
      if (!option->value.empty() && option->implied.empty()) script += " -r";
      if (!option->choices.empty()) script += " -f -a " + quoted(joined(option->choices));
      script += " -d " + quoted(option->help) + "\n";
    }
  }
  return script;
}

}  // namespace

std::string completionsFor(const std::string& shell) {
  if (shell == "bash") return bash();
  return shell == "zsh" ? zsh() : fish();
}

}  // namespace pristine::cli
