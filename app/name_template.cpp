#include "app/name_template.h"

#include <algorithm>
#include <array>
#include <functional>

#include "core/error.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

/// Calls field(name) for what is in braces and joins the results with the text between.
std::string substituted(const std::string& text,
                        const std::function<std::string(const std::string&)>& field) {
  std::string result;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '{') {
      result += text[i];
    } else if (i + 1 < text.size() && text[i + 1] == '{') {
      result += text[i++];
    } else {
      const std::size_t end = text.find('}', i);
      if (end == std::string::npos) {
        throw Error(ErrorCode::Usage, "name '" + text + "' has a brace that is not closed");
      }
      result += field(text.substr(i + 1, end - i - 1));
      i = end;
    }
  }
  return result;
}

}  // namespace

NameTemplate::NameTemplate(std::string text, std::map<std::string, std::string> fields)
    : text_(std::move(text)), fields_(std::move(fields)) {
  bool distinct = false;
  substituted(text_, [&](const std::string& name) -> std::string {
    constexpr std::array<const char*, 4> kOfInput{"dir", "stem", "ext", "name"};
    if (std::ranges::find(kOfInput, name) == kOfInput.end() && fields_.count(name) == 0) {
      std::string known = "{dir}, {stem}, {ext}, {name}";
      for (const auto& [other, value] : fields_) known += ", {" + other + "}";
      throw Error(ErrorCode::Usage,
                  "name '" + text_ + "' has the field {" + name + "}, known are " + known);
    }
    distinct = distinct || name == "stem" || name == "name";
    return {};
  });
  if (!distinct) {
    throw Error(ErrorCode::Usage, "name '" + text_ + "' has neither {stem} nor {name}");
  }
}

fs::path NameTemplate::outputFor(const fs::path& relative) const {
  const std::string name = substituted(text_, [&](const std::string& field) -> std::string {
    if (field == "dir") return relative.parent_path().empty() ? "." : relative.parent_path();
    if (field == "stem") return relative.stem();
    if (field == "ext") return relative.extension();
    if (field == "name") return relative.filename();
    return fields_.at(field);
  });
  const fs::path path = fs::path(name).lexically_normal();
  if (path.is_absolute() || path.begin() == path.end() || *path.begin() == "..") {
    throw Error(ErrorCode::Usage, "name '" + name + "' is not inside the folder of outputs");
  }
  return path;
}

}  // namespace pristine
