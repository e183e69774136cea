#include "app/files/vips_image.h"

#include <string_view>
#include <utility>

#include "app/image_file.h"
#include "core/error.h"

namespace pristine {

namespace {

void onProgress(VipsImage* image, VipsProgress* /*progress*/, std::stop_token* stop) {
  if (stop->stop_requested()) vips_image_set_kill(image, TRUE);
}

/// libpng's reasons come as warnings; they are logged in the thread that does the work.
thread_local std::string lastWarning;

void keepWarning(const gchar* /*domain*/, GLogLevelFlags /*level*/, const gchar* text,
                 gpointer /*nothing*/) {
  // What follows every failure tells nothing.
  if (!std::string_view(text).starts_with("error in tile")) lastWarning = text;
}

}  // namespace

std::string vipsMessage() {
  const std::unique_ptr<char, decltype(&g_free)> buffer(vips_error_buffer_copy(), &g_free);
  std::string text = buffer.get();
  // The buffer holds one line per failed call; the first is closest to the cause.
  const auto end = text.find('\n');
  if (end != std::string::npos) text.resize(end);
  const std::string warning = std::exchange(lastWarning, {});
  if (text.empty()) return warning.empty() ? "is damaged, its decoder gives no reason" : warning;
  return warning.empty() ? text : text + ": " + warning;
}

void forgetVipsWarning() {
  lastWarning.clear();
}

std::span<const std::uint8_t> blobOf(VipsImage* image, const char* name) {
  const void* data = nullptr;
  std::size_t size = 0;
  if (image == nullptr || vips_image_get_typeof(image, name) == 0) return {};
  if (vips_image_get_blob(image, name, &data, &size) != 0) return {};
  return {static_cast<const std::uint8_t*>(data), size};
}

StopWatch::StopWatch(VipsImage* image, const std::stop_token& stop) : image_(image), stop_(stop) {
  if (!stop.stop_possible()) return;
  vips_image_set_progress(image, TRUE);
  handler_ = g_signal_connect(image, "eval", G_CALLBACK(onProgress), &stop_);
}

StopWatch::~StopWatch() {
  if (handler_ != 0) g_signal_handler_disconnect(image_, handler_);
}

void initializeImageFiles() {
  if (vips_init("pristine") != 0) throw Error(ErrorCode::Input, "libvips: " + vipsMessage());
  vips_cache_set_max(0);
  vips_concurrency_set(1);
  // Messages reach the user through exceptions, not through GLib's log.
  g_log_set_handler("VIPS", static_cast<GLogLevelFlags>(G_LOG_LEVEL_WARNING | G_LOG_LEVEL_MESSAGE),
                    keepWarning, nullptr);
}

}  // namespace pristine
