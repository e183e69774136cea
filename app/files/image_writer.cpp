#include <utility>

#include "app/files/exr_file.h"
#include "app/files/failure.h"
#include "app/files/file_encoding.h"
#include "app/files/temporary_file.h"
#include "app/files/vips_image.h"
#include "app/files/vips_save.h"
#include "app/files/vips_turn.h"
#include "app/image_file.h"

namespace pristine {

namespace fs = std::filesystem;

struct ImageWriter::Impl {
  fs::path path;
  FileEncoding encoding;
  Image linear;    ///< of OpenEXR files
  VipsPtr pixels;  ///< of all others
};

ImageWriter::ImageWriter(const Image& image, const fs::path& path, const WriteOptions& options) {
  impl_ = std::make_unique<Impl>(
      Impl{path, FileEncoding(image, !image.alpha.empty(), path, options), {}, nullptr});
  const FileEncoding& encoding = impl_->encoding;
  Image prepared = encoding.prepare(image);
  if (encoding.format() == FileFormat::Exr) {
    impl_->linear = std::move(prepared);
    return;
  }
  impl_->pixels = encoding.newImage(image.width(), image.height());
  if (vips_image_write_prepare(impl_->pixels.get()) != 0) failOutput(path, vipsMessage());
  encoding.interleave(prepared, const_cast<void*>(vips_image_get_data(impl_->pixels.get())));
}

ImageWriter::~ImageWriter() = default;

const std::vector<std::string>& ImageWriter::notes() const {
  return impl_->encoding.notes();
}

void ImageWriter::write(const std::stop_token& stop) {
  const Impl& w = *impl_;
  TemporaryFile temporary(w.path);
  if (w.encoding.format() == FileFormat::Exr) {
    ExrWriter file(temporary.path(), w.linear, w.linear.width(), w.linear.height(),
                   w.encoding.alpha(), w.encoding.halves());
    file.write(w.linear);
    file.finish();
  } else {
    const StopWatch watch(w.pixels.get(), stop);
    const auto save = [&] {
      return saveVips(w.pixels.get(), w.encoding, temporary.path(), false) == 0;
    };
    if (!save()) {
      failIfStopped(w.path, stop);
      const VipsAlone alone;
      const bool saved = save();
      if (!saved) failIfStopped(w.path, stop);
      if (!saved) failOutput(w.path, vipsMessage());
    }
  }
  failIfStopped(w.path, stop);
  temporary.moveToTarget();
}

void writeImage(const Image& image, const fs::path& path, const WriteOptions& options) {
  ImageWriter(image, path, options).write();
}

void copyImageFile(const fs::path& from, const fs::path& to) {
  TemporaryFile temporary(to);
  std::error_code error;
  fs::copy_file(from, temporary.path(), fs::copy_options::overwrite_existing, error);
  if (error) failOutput(to, error.message());
  temporary.moveToTarget();
}

bool isWritableExtension(const fs::path& path) {
  const auto format = formatOfName(path);
  return format && traitsOf(*format).writable;
}

bool isImageExtension(const fs::path& path) {
  return formatOfName(path).has_value();
}

}  // namespace pristine
