#include "app/files/failure.h"

#include <unistd.h>

#include "core/error.h"

namespace pristine {

namespace fs = std::filesystem;

void failInput(const fs::path& path, const std::string& why) {
  throw Error(ErrorCode::Input, "picture '" + path.string() + "': " + why);
}

void failOutput(const fs::path& path, const std::string& why) {
  throw Error(ErrorCode::Output, "picture '" + path.string() + "': " + why);
}

void failIfStopped(const fs::path& path, const std::stop_token& stop) {
  if (stop.stop_requested()) {
    throw Error(ErrorCode::Stopped, "picture '" + path.string() + "': stopped");
  }
}

void requireReadable(const fs::path& path) {
  std::error_code error;
  const auto status = fs::status(path, error);
  if (status.type() == fs::file_type::not_found) failInput(path, "does not exist");
  if (error) failInput(path, error.message());
  if (fs::is_directory(status)) failInput(path, "is a folder");
  if (!fs::is_regular_file(status)) failInput(path, "is not a file");
  if (fs::file_size(path, error) == 0 && !error) failInput(path, "is empty");
  if (::access(path.c_str(), R_OK) != 0) failInput(path, "cannot be read: permission denied");
}

}  // namespace pristine
