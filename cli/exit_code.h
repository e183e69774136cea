#pragma once

namespace pristine::cli {

/// Exit status of the command, as its help documents it.
enum class ExitCode {
  Done = 0,          ///< everything restored
  SomeFailed = 1,    ///< some files failed; the others are done
  Usage = 2,         ///< the command line makes no sense
  NothingFound = 3,  ///< no picture among the inputs
  Environment = 5,   ///< model missing or broken, processor unfit
  Interrupted = 130  ///< SIGINT, SIGTERM or SIGHUP
};

}  // namespace pristine::cli
