// The help, the manual and the completions say what the parser takes.
#include <gmock/gmock.h>

#include <algorithm>
#include <map>
#include <regex>
#include <set>

#include "cli/exit_code.h"
#include "cli/option_table.h"
#include "tests/cli/command_line.h"

namespace pristine {
namespace {

using cli::OptionInfo;
using cli::VerbInfo;
using test::CommandLine;
using test::ProcessResult;
using testing::HasSubstr;
using Names = std::set<std::string>;

/// The forms of an option that the table gives a verb: "--output", "-o".
Names namesOf(cli::Verb verb) {
  Names names;
  for (const OptionInfo* option : cli::optionsOf(verb)) {
    names.insert("--" + option->name);
    if (option->letter != 0) names.insert(std::string("-") + option->letter);
  }
  return names;
}

/// The options at the beginning of lines of a help text.
Names namesInHelp(const std::string& help) {
  Names names;
  const std::regex line(R"((?:^|\n)  (?:(-\w), |    )(--[a-z][a-z0-9-]*))");
  for (std::sregex_iterator match(help.begin(), help.end(), line), end; match != end; ++match) {
    if ((*match)[1].matched) names.insert((*match)[1]);
    names.insert((*match)[2]);
  }
  return names;
}

std::vector<std::string> lines(const std::string& text) {
  std::vector<std::string> result;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) result.push_back(line);
  return result;
}

class OptionTexts : public CommandLine {
 protected:
  /// What bash offers for the last of these words.
  std::vector<std::string> offered(const std::string& words) const {
    const ProcessResult result =
        test::runProcess({"/bin/bash", "-c",
                          "source <(\"$0\" completions bash); COMP_WORDS=(pristine " + words +
                              "); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); cd /; _pristine; "
                              "printf '%s\\n' \"${COMPREPLY[@]}\"",
                          PRISTINE_PROGRAM},
                         environment());
    EXPECT_EQ(result.err, "");
    return lines(result.out);
  }
};

TEST_F(OptionTexts, HelpOfAVerbListsItsOptionsAndNoOthers) {
  for (const VerbInfo& verb : cli::verbTable()) {
    const ProcessResult help = run({verb.name, "--help"});
    EXPECT_EQ(help.exitCode, 0);
    EXPECT_EQ(namesInHelp(help.out), namesOf(verb.verb)) << verb.name;
    for (const std::string& line : lines(help.out)) EXPECT_LE(line.size(), 80U) << line;
  }
  const ProcessResult help = run({"--help"});
  for (const VerbInfo& verb : cli::verbTable()) {
    EXPECT_THAT(help.out, HasSubstr("pristine " + verb.name));
  }
}

TEST_F(OptionTexts, ParserKnowsEveryOptionOfAVerbAndRefusesThoseOfOthers) {
  std::map<std::string, const OptionInfo*> all;
  for (const VerbInfo& verb : cli::verbTable()) {
    for (const OptionInfo* option : cli::optionsOf(verb.verb)) all["--" + option->name] = option;
  }
  for (const VerbInfo& verb : cli::verbTable()) {
    const Names own = namesOf(verb.verb);
    auto options = all;
    for (const OptionInfo* option : cli::optionsOf(verb.verb)) {
      options.insert_or_assign("--" + option->name, option);
    }
    options.erase("--help");
    for (const auto& [name, option] : options) {
      std::vector<std::string> words{verb.name, name};
      if (!option->value.empty() && option->implied.empty()) words.emplace_back("?");
      words.emplace_back("--help");
      const ProcessResult result = run(words);
      if (own.count(name) != 0) {
        EXPECT_EQ(result.exitCode, 0) << verb.name << " " << name << ": " << result.err;
      } else {
        EXPECT_EQ(result.exitCode, 2) << verb.name << " " << name;
        EXPECT_THAT(result.err, HasSubstr(name));
      }
    }
  }
}

TEST_F(OptionTexts, DefaultsAndChoicesAreWhatTheParserTakes) {
  for (const OptionInfo& option : cli::optionTable()) {
    cli::Options options;
    options.verb = option.verbs.front();
    std::vector<std::string> arguments = option.choices;
    if (!option.standard.empty()) arguments.push_back(option.standard);
    if (!option.implied.empty()) arguments.push_back(option.implied);
    for (const std::string& argument : arguments) {
      EXPECT_NO_THROW(option.set(options, argument)) << option.name << " " << argument;
    }
    if (option.choices.empty()) continue;
    EXPECT_THROW(option.set(options, "frobnicate"), cli::UsageError) << option.name;
  }
}

TEST_F(OptionTexts, ManualNamesEveryVerbOptionAndExitStatus) {
  const ProcessResult manual = run({"--man"});
  EXPECT_EQ(manual.exitCode, 0);
  EXPECT_TRUE(manual.out.starts_with(".TH PRISTINE 1"));
  const std::string plain = std::regex_replace(manual.out, std::regex(R"(\\-)"), "-");
  Names inManual;
  const std::regex entry(R"(\n\.B (?:(-\w), )?(--[a-z][a-z0-9-]*))");
  for (std::sregex_iterator match(plain.begin(), plain.end(), entry), end; match != end; ++match) {
    if ((*match)[1].matched) inManual.insert((*match)[1]);
    inManual.insert((*match)[2]);
  }
  Names all;
  for (const VerbInfo& verb : cli::verbTable()) {
    EXPECT_THAT(plain, HasSubstr(".B pristine " + verb.name + " "));
    all.merge(namesOf(verb.verb));
  }
  EXPECT_EQ(inManual, all);
  const ProcessResult help = run({"--help"});
  for (const cli::ExitCodeInfo& info : cli::exitCodes()) {
    const std::string number = std::to_string(static_cast<int>(info.code));
    EXPECT_THAT(plain, HasSubstr(".B " + number + "\n"));
    EXPECT_THAT(help.out, testing::ContainsRegex("\n  " + number + " +[a-z]"));
  }
}

TEST_F(OptionTexts, ManualIsValidRoff) {
  if (std::system("command -v groff >/dev/null 2>&1") != 0) GTEST_SKIP() << "groff is missing";
  const ProcessResult page = test::runProcess(
      {"/bin/sh", "-c", "\"$0\" --man | groff -man -Tutf8 -ww", PRISTINE_PROGRAM}, environment());
  EXPECT_EQ(page.exitCode, 0);
  EXPECT_EQ(page.err, "");
  EXPECT_THAT(page.out, HasSubstr("every file failed"));
}

TEST_F(OptionTexts, BashOffersVerbsOptionsAndChoices) {
  const auto verbs = offered("''");
  for (const VerbInfo& verb : cli::verbTable()) {
    EXPECT_THAT(verbs, testing::Contains(verb.name));
    const auto options = offered(verb.name + " -");
    EXPECT_EQ(Names(options.begin(), options.end()), namesOf(verb.verb)) << verb.name;
  }
  for (const OptionInfo& option : cli::optionTable()) {
    if (option.choices.empty() || !option.implied.empty()) continue;
    const std::string verb = cli::infoOf(option.verbs.front()).name;
    EXPECT_EQ(offered(verb + " --" + option.name + " ''"), option.choices);
  }
}

TEST_F(OptionTexts, ZshAndFishNameEveryOptionOfAVerb) {
  const std::string zsh = run({"completions", "zsh"}).out;
  const std::string fish = run({"completions", "fish"}).out;
  for (const VerbInfo& verb : cli::verbTable()) {
    const std::size_t begin = zsh.find("    " + verb.name + ")\n");
    ASSERT_NE(begin, std::string::npos);
    const std::string part = zsh.substr(begin, zsh.find(";;", begin) - begin);
    Names inZsh;
    const std::regex zshName(R"('(--?[a-zA-Z0-9][a-z0-9-]*?)(?:=-?|\+)?\[)");
    for (std::sregex_iterator match(part.begin(), part.end(), zshName), end; match != end; ++match)
      inZsh.insert((*match)[1]);
    EXPECT_EQ(inZsh, namesOf(verb.verb)) << verb.name;

    Names inFish;
    const std::regex fishName(R"( -l ([a-z0-9-]+)(?: -s (\w))?)");
    for (const std::string& line : lines(fish)) {
      std::smatch match;
      if (line.find("seen_subcommand_from " + verb.name + "'") == std::string::npos) continue;
      if (!std::regex_search(line, match, fishName)) continue;
      inFish.insert("--" + match[1].str());
      if (match[2].matched) inFish.insert("-" + match[2].str());
    }
    EXPECT_EQ(inFish, namesOf(verb.verb)) << verb.name;
  }
}

TEST_F(OptionTexts, ShellsTakeTheScripts) {
  for (const std::string shell : {"bash", "zsh", "fish"}) {
    if (std::system(("command -v " + shell + " >/dev/null 2>&1").c_str()) != 0) continue;
    const ProcessResult result = test::runProcess(
        {"/bin/sh", "-c", "\"$0\" completions " + shell + " | " + shell + " -n", PRISTINE_PROGRAM},
        environment());
    EXPECT_EQ(result.exitCode, 0) << shell;
    EXPECT_EQ(result.err, "") << shell;
  }
}

}  // namespace
}  // namespace pristine
