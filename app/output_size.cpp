#include "app/output_size.h"

#include <algorithm>
#include <cctype>
#include <limits>
#include <string>

#include "core/error.h"

namespace pristine {

void requireOutputSize(const std::filesystem::path& path, std::int64_t width, std::int64_t height) {
  std::string extension = path.extension().string();
  std::ranges::transform(extension, extension.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  std::int64_t most = std::numeric_limits<std::int32_t>::max();
  if (extension == ".jpg" || extension == ".jpeg") most = 65500;
  if (extension == ".webp") most = 16383;
  if (std::max(width, height) <= most) return;
  throw Error(ErrorCode::Output, "a picture of " + std::to_string(width) + "x" +
                                     std::to_string(height) + " does not fit into a " +
                                     extension.substr(1) + " file, which holds " +
                                     std::to_string(most) + " pixels a side");
}

}  // namespace pristine
