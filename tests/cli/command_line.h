#pragma once

#include <gtest/gtest.h>

#include <filesystem>
#include <string>
#include <vector>

#include "app/image_file.h"
#include "tests/support/files.h"
#include "tests/support/process.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/test_image.h"
#include "tests/support/tiny_model.h"

namespace pristine::test {

/// The program with a tiny model called "denoise" and a folder to work in.
class CommandLine : public testing::Test {
 protected:
  CommandLine() {
    static const bool kStarted = (initializeImageFiles(), true);
    static_cast<void>(kStarted);
    writeTinyModel(folder / "models/denoise.safetensors");
  }

  std::string path(const std::string& name) const { return (folder / name).string(); }

  void addPicture(const std::string& name, int width = 40, int height = 30) {
    std::filesystem::create_directories((folder / name).parent_path());
    writeImage(photographImage(width, height), folder / name);
  }

  static std::vector<std::string> withProgram(std::vector<std::string> arguments) {
    arguments.insert(arguments.begin(), PRISTINE_PROGRAM);
    return arguments;
  }

  std::vector<std::string> environment(std::vector<std::string> more = {}) const {
    more.push_back("PRISTINE_MODELS=" + path("models"));
    more.emplace_back("OMP_NUM_THREADS=2");
    more.push_back("XDG_STATE_HOME=" + path("state"));
    more.push_back("XDG_CACHE_HOME=" + path("cache"));
    return more;
  }

  ProcessResult run(const std::vector<std::string>& arguments,
                    const std::vector<std::string>& variables = {}) const {
    return runProcess(withProgram(arguments), environment(variables));
  }

  const TemporaryFolder folder;
};

}  // namespace pristine::test
