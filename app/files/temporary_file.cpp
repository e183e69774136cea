#include "app/files/temporary_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>

#include "app/files/failure.h"
#include "app/image_file.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

/// The temporary files that exist at the moment.
class TemporaryFiles {
 public:
  static TemporaryFiles& instance() {
    static TemporaryFiles files;
    return files;
  }
  void add(const fs::path& path) {
    const std::lock_guard lock(mutex_);
    paths_.insert(path);
  }
  void forget(const fs::path& path) {
    const std::lock_guard lock(mutex_);
    paths_.erase(path);
  }
  void removeAll() {
    const std::lock_guard lock(mutex_);
    std::error_code ignored;
    for (const fs::path& path : paths_) fs::remove(path, ignored);
    paths_.clear();
  }

 private:
  std::mutex mutex_;
  std::set<fs::path> paths_;
};

}  // namespace

TemporaryFile::TemporaryFile(const fs::path& target) : target_(target) {
  static std::atomic<unsigned> counter{0};
  // The name keeps clear of the limit of 255 bytes whatever the target is called.
  path_ = target.parent_path() /
          (".pristine-" + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp");
  TemporaryFiles::instance().add(path_);
}

TemporaryFile::~TemporaryFile() {
  std::error_code ignored;
  if (!moved_) fs::remove(path_, ignored);
  TemporaryFiles::instance().forget(path_);
}

void TemporaryFile::moveToTarget() {
  const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  const bool synced = file >= 0 && ::fsync(file) == 0;
  if (file >= 0) ::close(file);
  if (!synced) failOutput(target_, std::string("cannot be written: ") + std::strerror(errno));
  std::error_code error;
  fs::rename(path_, target_, error);
  if (error) failOutput(target_, "cannot be written: " + error.message());
  moved_ = true;
}

void removeTemporaryFiles() {
  TemporaryFiles::instance().removeAll();
}

}  // namespace pristine
