#pragma once

#include <string>
#include <vector>

namespace pristine::cli {

/// Exit status of the command, as its help documents it.
enum class ExitCode {
  Done = 0,          ///< everything restored or up to date
  SomeFailed = 1,    ///< some files failed; the others are done
  Usage = 2,         ///< the command line makes no sense; nothing was written
  NothingFound = 3,  ///< no picture among the inputs
  AllFailed = 4,     ///< every file failed
  Environment = 5,   ///< model missing or broken, processor unfit
  Resources = 6,     ///< too little memory or no space on the disk
  WorkLeft = 75,     ///< SIGTERM, SIGHUP or --time-limit: run again
  Interrupted = 130  ///< SIGINT
};

struct ExitCodeInfo {
  ExitCode code;
  std::string meaning;
};

/// Every exit status with what the help says of it.
inline const std::vector<ExitCodeInfo>& exitCodes() {
  static const std::vector<ExitCodeInfo> kCodes{
      {ExitCode::Done, "all done or up to date"},
      {ExitCode::SomeFailed, "some files failed; each is named on standard error"},
      {ExitCode::Usage, "wrong usage; nothing was written"},
      {ExitCode::NothingFound, "no picture found"},
      {ExitCode::AllFailed, "every file failed"},
      {ExitCode::Environment, "model missing or broken, or processor unfit"},
      {ExitCode::Resources, "too little memory, or no space on the disk"},
      {ExitCode::WorkLeft, "stopped with work left (time limit, SIGTERM, SIGHUP); run it again"},
      {ExitCode::Interrupted, "interrupted (SIGINT); run it again to go on"}};
  return kCodes;
}

}  // namespace pristine::cli
