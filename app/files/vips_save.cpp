#include "app/files/vips_save.h"

#include "app/exif.h"
#include "app/files/jxl_boxes.h"
#include "app/files/png_iptc.h"
#include "app/tiff_file.h"

namespace pristine {

namespace {

/// Samples beyond which a TIFF file with its metadata may not fit below 4 GiB.
constexpr double kBigTiffBytes = 3.9e9;

int saveTiff(VipsImage* image, const FileEncoding& encoding, const char* path) {
  const bool floats = encoding.depth() == SampleDepth::F32;
  const double bytes = 1.0 * vips_image_get_width(image) * vips_image_get_height(image) *
                       static_cast<double>(encoding.pixelBytes());
  const bool big = bytes > kBigTiffBytes;
  return vips_tiffsave(
      image, path, "compression",
      floats ? VIPS_FOREIGN_TIFF_COMPRESSION_NONE : VIPS_FOREIGN_TIFF_COMPRESSION_DEFLATE,
      "predictor",
      floats ? VIPS_FOREIGN_TIFF_PREDICTOR_NONE : VIPS_FOREIGN_TIFF_PREDICTOR_HORIZONTAL, "bigtiff",
      big ? TRUE : FALSE, nullptr);
}

int saveAvif(VipsImage* image, const FileEncoding& encoding, const char* path) {
  const int bits = encoding.depth() == SampleDepth::U16 ? 12 : 8;
  return vips_heifsave(image, path, "compression", VIPS_FOREIGN_HEIF_COMPRESSION_AV1, "Q",
                       encoding.quality(), "lossless", encoding.lossless() ? TRUE : FALSE,
                       "bitdepth", bits, "subsample_mode", VIPS_FOREIGN_SUBSAMPLE_OFF, nullptr);
}

int saveJxl(VipsImage* image, const FileEncoding& encoding, const char* path) {
  return vips_jxlsave(image, path, "Q", encoding.quality(), "lossless",
                      encoding.lossless() ? TRUE : FALSE, nullptr);
}

int save(VipsImage* image, const FileEncoding& encoding, const char* path, bool rows) {
  switch (encoding.format()) {
    case FileFormat::Png:
      // Of photographs Paeth at level 2 makes smaller files than level 6 without a filter, which is
      // libvips's default, in less time.
      return vips_pngsave(image, path, "bitdepth", encoding.depth() == SampleDepth::U16 ? 16 : 8,
                          "compression", 2, "filter", VIPS_FOREIGN_PNG_FILTER_PAETH, nullptr);
    case FileFormat::Jpeg:
      // Better tables need all coefficients at once.
      return vips_jpegsave(image, path, "Q", encoding.quality(), "optimize_coding",
                           rows ? FALSE : TRUE, "subsample_mode", VIPS_FOREIGN_SUBSAMPLE_OFF,
                           nullptr);
    case FileFormat::Tiff:
      return saveTiff(image, encoding, path);
    case FileFormat::Webp:
      return vips_webpsave(image, path, "Q", encoding.quality(), "lossless",
                           encoding.lossless() ? TRUE : FALSE, nullptr);
    case FileFormat::Avif:
      return saveAvif(image, encoding, path);
    case FileFormat::Jxl:
      return saveJxl(image, encoding, path);
    case FileFormat::Heic:
    case FileFormat::Exr:
      break;
  }
  return -1;
}

}  // namespace

int saveVips(VipsImage* image, const FileEncoding& encoding, const std::filesystem::path& path,
             bool rows) {
  const int status = save(image, encoding, path.c_str(), rows);
  if (status != 0) return status;
  const auto exif = blobOf(image, VIPS_META_EXIF_NAME);
  const auto iptc = blobOf(image, VIPS_META_IPTC_NAME);
  if (encoding.format() == FileFormat::Tiff && !exif.empty()) addTiffExif(path, exif);
  if (encoding.format() == FileFormat::Tiff && !iptc.empty()) addTiffIptc(path, iptc);
  if (encoding.format() == FileFormat::Png && !iptc.empty()) addPngIptc(path, iptc);
  if (encoding.format() == FileFormat::Jxl) {
    addJxlMetadata(path, exif, blobOf(image, VIPS_META_XMP_NAME));
  }
  return 0;
}

}  // namespace pristine
