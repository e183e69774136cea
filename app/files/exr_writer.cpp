#include <OpenEXR/ImfChannelList.h>
#include <OpenEXR/ImfFrameBuffer.h>
#include <OpenEXR/ImfHeader.h>
#include <OpenEXR/ImfOutputFile.h>
#include <OpenEXR/ImfStandardAttributes.h>

#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include "app/files/exr_file.h"
#include "app/files/exr_metadata.h"
#include "app/files/failure.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

template <typename Action>
auto encoding(const fs::path& path, const Action& action) {
  try {
    return action();
  } catch (const std::exception& error) {
    failOutput(path, std::string("OpenEXR: ") + error.what());
  }
}

constexpr float kLargestHalf = 65504.0F;

}  // namespace

struct ExrWriter::Impl {
  fs::path path;
  int width = 0;
  int next = 0;
  bool grey = false;
  bool alpha = false;
  bool halves = false;
  std::vector<std::string> names;
  std::unique_ptr<Imf::OutputFile> file;
};

ExrWriter::ExrWriter(const fs::path& path, const Image& like, int width, int height, bool alpha,
                     bool halves)
    : impl_(std::make_unique<Impl>()) {
  impl_->path = path;
  impl_->width = width;
  impl_->grey = like.grey;
  impl_->alpha = alpha;
  impl_->halves = halves;
  impl_->names =
      like.grey ? std::vector<std::string>{"Y"} : std::vector<std::string>{"R", "G", "B"};
  if (alpha) impl_->names.emplace_back("A");
  Imf::Header header(width, height);
  header.compression() = Imf::ZIP_COMPRESSION;
  Imf::addChromaticities(header, chromaticitiesOf(like));
  for (const std::string& name : impl_->names) {
    header.channels().insert(name, Imf::Channel(halves ? Imf::HALF : Imf::FLOAT));
  }
  impl_->file =
      encoding(path, [&] { return std::make_unique<Imf::OutputFile>(path.c_str(), header); });
}

ExrWriter::~ExrWriter() = default;

void ExrWriter::write(const Image& strip) {
  Impl& w = *impl_;
  const auto width = static_cast<std::size_t>(w.width);
  const auto rows = static_cast<std::size_t>(strip.height());
  const std::size_t colours = w.grey ? 1 : 3;
  std::vector<float> planes(width * rows * w.names.size());
  for (std::size_t y = 0; y < rows; ++y) {
    const auto* rgb = strip.pixels.ptr<float>(static_cast<int>(y));
    const auto* alpha = w.alpha ? strip.alpha.ptr<float>(static_cast<int>(y)) : nullptr;
    const auto at = [&](std::size_t plane) { return planes.data() + (plane * rows + y) * width; };
    for (std::size_t x = 0; x < width; ++x) {
      // As it is read: colours under whole transparency stand alone.
      const float factor = alpha != nullptr && alpha[x] > 0.0F ? alpha[x] : 1.0F;
      for (std::size_t c = 0; c < colours; ++c) {
        const float value = rgb[3 * x + c] * factor;
        at(c)[x] = w.halves ? std::clamp(value, -kLargestHalf, kLargestHalf) : value;
      }
    }
    if (alpha != nullptr) std::copy_n(alpha, width, at(colours));
  }
  std::vector<half> narrow;
  if (w.halves) narrow.assign(planes.begin(), planes.end());
  const std::size_t sample = w.halves ? sizeof(half) : sizeof(float);
  auto* base =
      w.halves ? reinterpret_cast<char*>(narrow.data()) : reinterpret_cast<char*>(planes.data());
  Imf::FrameBuffer buffer;
  for (std::size_t i = 0; i < w.names.size(); ++i) {
    buffer.insert(
        w.names[i],
        Imf::Slice::Make(w.halves ? Imf::HALF : Imf::FLOAT, base + i * rows * width * sample,
                         Imath::V2i(0, w.next), w.width, strip.height(), sample, width * sample));
  }
  encoding(w.path, [&] {
    w.file->setFrameBuffer(buffer);
    w.file->writePixels(strip.height());
  });
  w.next += strip.height();
}

void ExrWriter::finish() {
  // The destructor of the library's file writes its table of offsets and says nothing if it cannot.
  encoding(impl_->path, [&] { impl_->file.reset(); });
  bool complete = false;
  try {
    complete = openExrRows(impl_->path, {.maxPixels = std::int64_t{1} << 62U}) != nullptr;
  } catch (const std::exception&) {
    complete = false;
  }
  if (!complete) failOutput(impl_->path, "cannot be written: the device refused the last bytes");
}

}  // namespace pristine
