#include "app/files/row_writer.h"

#include <algorithm>
#include <cstring>
#include <thread>

#include "app/bounded_queue.h"
#include "app/files/exr_file.h"
#include "app/files/failure.h"
#include "app/files/file_encoding.h"
#include "app/files/temporary_file.h"
#include "app/files/vips_save.h"
#include "core/error.h"

namespace pristine {

namespace fs = std::filesystem;

class RowWriter::Encoder {
 public:
  Encoder(const Image& header, int width, int height, bool alpha, const fs::path& path,
          const WriteOptions& options)
      : path_(path), encoding_(header, alpha, path, options), temporary_(path) {
    if (!traitsOf(encoding_.format()).rowsOut) {
      failOutput(path,
                 std::string(traitsOf(encoding_.format()).title) + " cannot be written row by row");
    }
    if (encoding_.format() == FileFormat::Exr) {
      exr_ = std::make_unique<ExrWriter>(temporary_.path(), header, width, height,
                                         encoding_.alpha(), encoding_.halves());
      return;
    }
    image_ = encoding_.newImage(width, height);
    if (vips_image_pipelinev(image_.get(), VIPS_DEMAND_STYLE_THINSTRIP, nullptr) != 0 ||
        vips_image_generate(image_.get(), nullptr, generate, nullptr, nullptr, this) != 0) {
      failOutput(path, vipsMessage());
    }
    thread_ = std::jthread([this] { encode(); });
  }

  ~Encoder() { strips_.close(); }

  const std::vector<std::string>& notes() const { return encoding_.notes(); }

  void put(const Image& strip) {
    const Image prepared = encoding_.prepare(strip);
    if (exr_) return exr_->write(prepared);
    std::vector<VipsPel> samples(rowBytes() * static_cast<std::size_t>(strip.height()));
    encoding_.interleave(prepared, samples.data());
    if (!strips_.put(std::move(samples))) fail();
  }

  void finish() {
    if (exr_) {
      exr_->finish();
    } else {
      strips_.close();
      thread_.join();
      if (failed_) fail();
    }
    temporary_.moveToTarget();
  }

 private:
  std::size_t rowBytes() const {
    return encoding_.pixelBytes() * static_cast<std::size_t>(vips_image_get_width(image_.get()));
  }

  [[noreturn]] void fail() {
    if (thread_.joinable()) thread_.join();
    failOutput(path_, reason_.empty() ? "cannot be written" : reason_);
  }

  void encode() {
    try {
      const int status = saveVips(image_.get(), encoding_, temporary_.path(), true);
      if (status != 0) reason_ = vipsMessage();
      failed_ = status != 0;
    } catch (const std::exception& error) {
      reason_ = error.what();
      failed_ = true;
    }
    strips_.close();
  }

  /// The encoder asks for rows from the top down, each once.
  static int generate(VipsRegion* region, void* /*sequence*/, void* /*a*/, void* encoder,
                      gboolean* /*stop*/) {
    auto& self = *static_cast<Encoder*>(encoder);
    const VipsRect& rect = region->valid;
    for (int y = rect.top; y < rect.top + rect.height; ++y) {
      const VipsPel* row = self.row(y);
      if (row == nullptr) {
        vips_error("pristine", "%s", "ended before the last row");
        return -1;
      }
      const auto pixel = self.encoding_.pixelBytes();
      std::memcpy(region->data + std::ptrdiff_t{y - rect.top} * region->bpl,
                  row + static_cast<std::size_t>(rect.left) * pixel,
                  static_cast<std::size_t>(rect.width) * pixel);
    }
    return 0;
  }

  const VipsPel* row(int y) {
    while (y >= top_ + rows_) {
      auto next = strips_.take();
      if (!next) return nullptr;
      top_ += rows_;
      strip_ = std::move(*next);
      rows_ = static_cast<int>(strip_.size() / rowBytes());
    }
    return y < top_ ? nullptr : strip_.data() + static_cast<std::size_t>(y - top_) * rowBytes();
  }

  fs::path path_;
  FileEncoding encoding_;
  TemporaryFile temporary_;
  std::unique_ptr<ExrWriter> exr_;
  VipsPtr image_;
  BoundedQueue<std::vector<VipsPel>> strips_{1};
  // Of the encoding thread, until it is joined.
  std::vector<VipsPel> strip_;
  int top_ = 0;
  int rows_ = 0;
  std::string reason_;
  bool failed_ = false;
  std::jthread thread_;
};

RowWriter::RowWriter(const Image& header, int width, int height, bool alpha, const fs::path& path,
                     const WriteOptions& options)
    : encoder_(std::make_unique<Encoder>(header, width, height, alpha, path, options)) {}

RowWriter::~RowWriter() = default;

const std::vector<std::string>& RowWriter::notes() const {
  return encoder_->notes();
}

void RowWriter::put(const Image& strip) {
  encoder_->put(strip);
}

void RowWriter::finish() {
  encoder_->finish();
}

}  // namespace pristine
