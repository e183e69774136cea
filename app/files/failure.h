#pragma once

#include <filesystem>
#include <stop_token>
#include <string>

namespace pristine {

/// Throw Error(Input) or Error(Output) that names the picture.
[[noreturn]] void failInput(const std::filesystem::path& path, const std::string& why);
[[noreturn]] void failOutput(const std::filesystem::path& path, const std::string& why);

/// Throws Error(Stopped) once `stop` is requested.
void failIfStopped(const std::filesystem::path& path, const std::stop_token& stop);

/// Throws Error(Input) unless the path is a file with something in it that may be read.
void requireReadable(const std::filesystem::path& path);

}  // namespace pristine
