#pragma once

#include "core/error.h"

namespace pristine {

// libvips keeps what its failed calls say in one buffer of the process, so that a thread finds the
// messages of others there. Work that may fail goes on beside that of other threads, as a step.
// What failed is done once more by a thread that is alone: the message it finds then is its own.
// Encoders take no turn, for they wait for other threads' rows.

/// A piece of work of libvips; lives as long as it. Waits while another thread is alone.
class VipsStep {
 public:
  VipsStep();
  ~VipsStep();
  VipsStep(const VipsStep&) = delete;
  VipsStep& operator=(const VipsStep&) = delete;

 private:
  bool counted_;
};

/// While it lives no other thread is in a step, and those of its own thread are part of it. The
/// buffer is empty at its beginning and at its end. Not to be begun within a step.
class VipsAlone {
 public:
  VipsAlone();
  ~VipsAlone();
  VipsAlone(const VipsAlone&) = delete;
  VipsAlone& operator=(const VipsAlone&) = delete;

  /// Whether one lives in this thread.
  static bool isHere();
};

/// Runs work that throws Error with vipsMessage(): as a step, and if it fails once more alone.
template <typename Work>
auto withOwnMessages(const Work& work) {
  if (VipsAlone::isHere()) return work();
  try {
    const VipsStep step;
    return work();
  } catch (const Error&) {
    // What it says may be another thread's.
  }
  const VipsAlone alone;
  return work();
}

}  // namespace pristine
