#pragma once

#include <stdexcept>
#include <string>

namespace pristine {

/// What kind of thing went wrong; front ends map it to exit codes and messages.
enum class ErrorCode {
  Input,   ///< a file that cannot be read or is not a picture
  Output,  ///< a file that cannot be written
  Model,   ///< a model file that is missing, broken or not for this program
  Usage,   ///< a request that makes no sense
  Memory,  ///< a picture or tile that does not fit
  Stopped  ///< not wrong: the caller's stop token ended it
};

/// The one exception of core and app. what(): lower case, object first, numbers in.
class Error : public std::runtime_error {
 public:
  Error(ErrorCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ErrorCode code() const { return code_; }

 private:
  ErrorCode code_;
};

}  // namespace pristine
