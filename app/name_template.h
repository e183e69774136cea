#pragma once

#include <filesystem>
#include <map>
#include <string>

namespace pristine {

/// How outputs in a folder are called: text with fields in braces. Of the input: {dir} its folder
/// in the tree, {stem} and {ext} its name before and from the last dot, {name} both. Others have
/// the same value for the whole run, as {verb} or {model}. "{{" is a brace.
class NameTemplate {
 public:
  /// Throws Error(Usage) for unknown fields, open braces, and without {stem} or {name}.
  NameTemplate(std::string text, std::map<std::string, std::string> fields);

  /// The output of an input at `relative`, relative to the folder of outputs. Throws Error(Usage)
  /// for names that would leave that folder.
  std::filesystem::path outputFor(const std::filesystem::path& relative) const;

 private:
  std::string text_;
  std::map<std::string, std::string> fields_;
};

}  // namespace pristine
