#include "app/file_state.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <vector>

#include "core/digest.h"
#include "core/error.h"

namespace pristine {

namespace {

constexpr std::int64_t kBillion = 1'000'000'000;

class OpenFile {
 public:
  explicit OpenFile(const std::filesystem::path& path)
      : descriptor_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~OpenFile() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  OpenFile(const OpenFile&) = delete;
  OpenFile& operator=(const OpenFile&) = delete;
  int descriptor() const { return descriptor_; }

 private:
  int descriptor_;
};

}  // namespace

std::optional<FileState> fileState(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return std::nullopt;
  return FileState{status.st_ino, static_cast<std::uint64_t>(status.st_size),
                   status.st_mtim.tv_sec * kBillion + status.st_mtim.tv_nsec};
}

std::string fileDigest(const std::filesystem::path& path) {
  const OpenFile file(path);
  Digest digest;
  std::vector<char> buffer(1U << 18U);
  ssize_t count = -1;
  while (file.descriptor() >= 0) {
    count = ::read(file.descriptor(), buffer.data(), buffer.size());
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) break;
    digest.update(std::string_view(buffer.data(), static_cast<std::size_t>(count)));
  }
  if (count < 0) {
    throw Error(ErrorCode::Input,
                "'" + path.string() + "': cannot be read: " + std::strerror(errno));
  }
  return digest.hex();
}

std::string textDigest(const std::string& text) {
  Digest digest;
  digest.update(text);
  return digest.hex();
}

std::int64_t nowNanoseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_REALTIME_COARSE, &now);  // the clock that stamps files
  return now.tv_sec * kBillion + now.tv_nsec;
}

}  // namespace pristine
