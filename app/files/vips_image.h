#pragma once

#include <vips/vips.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <stop_token>
#include <string>

namespace pristine {

struct Unref {
  void operator()(void* object) const { g_object_unref(object); }
};
using VipsPtr = std::unique_ptr<VipsImage, Unref>;

/// What libvips said last, in whatever thread (vips_turn.h), and this thread's last warning, as one
/// line; they are forgotten then.
std::string vipsMessage();
/// Before work on another file.
void forgetVipsWarning();

/// A field of bytes; empty where there is none. The picture keeps the bytes.
std::span<const std::uint8_t> blobOf(VipsImage* image, const char* name);

/// Ends libvips' work on a picture once `stop` is requested; lives as long as the work.
class StopWatch {
 public:
  StopWatch(VipsImage* image, const std::stop_token& stop);
  ~StopWatch();
  StopWatch(const StopWatch&) = delete;
  StopWatch& operator=(const StopWatch&) = delete;

 private:
  VipsImage* image_;
  std::stop_token stop_;
  gulong handler_ = 0;
};

}  // namespace pristine
