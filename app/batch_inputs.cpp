#include "app/batch_inputs.h"

#include <glob.h>

#include "core/error.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

class Matches {
 public:
  explicit Matches(const fs::path& pattern) { ::glob(pattern.c_str(), 0, nullptr, &found_); }
  ~Matches() { ::globfree(&found_); }
  Matches(const Matches&) = delete;
  Matches& operator=(const Matches&) = delete;

  std::size_t size() const { return found_.gl_pathc; }
  const char* operator[](std::size_t i) const { return found_.gl_pathv[i]; }

 private:
  glob_t found_{};
};

}  // namespace

std::vector<fs::path> readFileList(std::istream& in, bool zeros) {
  std::vector<fs::path> names;
  for (std::string name; std::getline(in, name, zeros ? '\0' : '\n');) {
    if (!zeros && name.ends_with('\r')) name.pop_back();
    if (!name.empty()) names.emplace_back(name);
  }
  if (in.bad()) throw Error(ErrorCode::Input, "the list of files cannot be read");
  return names;
}

ExpandedInputs expandPatterns(const std::vector<fs::path>& inputs) {
  ExpandedInputs expanded;
  for (const fs::path& input : inputs) {
    std::error_code error;
    const bool pattern = input.native().find_first_of("*?[") != std::string::npos &&
                         !fs::exists(fs::symlink_status(input, error));
    if (!pattern) {
      expanded.inputs.push_back(input);
      continue;
    }
    const Matches matches(input);
    for (std::size_t i = 0; i < matches.size(); ++i) expanded.inputs.emplace_back(matches[i]);
    if (matches.size() == 0) expanded.unmatched.push_back(input);
  }
  return expanded;
}

}  // namespace pristine
