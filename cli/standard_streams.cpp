#include "cli/standard_streams.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "core/error.h"

namespace pristine::cli {

namespace {

namespace fs = std::filesystem;

/// Bytes copied, or -1 with errno.
long long copy(int from, int to) {
  std::vector<char> buffer(1U << 16U);
  long long total = 0;
  while (true) {
    const ssize_t count = ::read(from, buffer.data(), buffer.size());
    if (count == 0) return total;
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    for (ssize_t written = 0; written < count;) {
      const ssize_t part =
          ::write(to, buffer.data() + written, static_cast<std::size_t>(count - written));
      if (part < 0 && errno == EINTR) continue;
      if (part <= 0) return -1;
      written += part;
    }
    total += count;
  }
}

/// copy() from or to a file, which is opened and closed.
long long copyFile(const fs::path& path, bool create) {
  const int flags = create ? O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC : O_RDONLY | O_CLOEXEC;
  const int file = ::open(path.c_str(), flags, 0600);
  if (file < 0) return -1;
  const long long count = create ? copy(STDIN_FILENO, file) : copy(file, STDOUT_FILENO);
  const int error = errno;
  ::close(file);
  errno = error;
  return count;
}

}  // namespace

SpoolFolder::SpoolFolder() {
  const char* temporary = std::getenv("TMPDIR");
  std::string name = std::string(temporary != nullptr && *temporary == '/' ? temporary : "/tmp") +
                     "/pristine-XXXXXX";
  if (::mkdtemp(name.data()) == nullptr) {
    throw Error(ErrorCode::Output, "folder '" + name + "': " + std::strerror(errno));
  }
  path_ = name;
}

SpoolFolder::~SpoolFolder() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

fs::path SpoolFolder::takeInput() const {
  fs::path path = inputFile();
  const long long count = copyFile(path, true);
  if (count < 0) {
    throw Error(ErrorCode::Input, std::string("standard input: ") + std::strerror(errno));
  }
  if (count == 0) throw Error(ErrorCode::Input, "standard input: is empty");
  return path;
}

void copyToOutput(const fs::path& path) {
  if (copyFile(path, false) < 0) {
    throw Error(ErrorCode::Output, std::string("standard output: ") + std::strerror(errno));
  }
}

}  // namespace pristine::cli
