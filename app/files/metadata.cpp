#include "app/files/metadata.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

#include "app/exif.h"
#include "app/files/exif_edit.h"
#include "app/files/iptc.h"
#include "app/files/jxl_boxes.h"
#include "app/files/png_iptc.h"
#include "app/files/xmp_edit.h"
#include "app/image_file.h"
#include "app/tiff_file.h"

namespace pristine {

namespace {

bool startsWithAny(std::string_view name, std::span<const std::string_view> starts) {
  return std::ranges::any_of(starts,
                             [&](std::string_view start) { return name.starts_with(start); });
}

void* copyField(VipsImage* /*source*/, const char* name, GValue* value, void* target) {
  static constexpr std::array<std::string_view, 9> kKept{
      "exif-",          "xmp-data",        "iptc-data",    "icc-profile-data",
      "photoshop-data", "resolution-unit", "png-comment-", "jpeg-thumbnail-data",
      "pristine-"};
  if (!startsWithAny(name, kKept)) return nullptr;
  auto* image = static_cast<VipsImage*>(target);
  if (G_VALUE_TYPE(value) == VIPS_TYPE_BLOB) {
    // The bytes of HEIF files end with their decoder (libvips 8.14).
    std::size_t size = 0;
    const void* bytes = vips_value_get_blob(value, &size);
    vips_image_set_blob_copy(image, name, bytes, size);
  } else {
    vips_image_set(image, name, value);
  }
  return nullptr;
}

void* listField(VipsImage* /*image*/, const char* name, GValue* /*value*/, void* list) {
  static_cast<std::vector<std::string>*>(list)->emplace_back(name);
  return nullptr;
}

void removeFields(VipsImage* image, std::span<const std::string_view> starts) {
  std::vector<std::string> names;
  vips_image_map(image, listField, &names);
  for (const std::string& name : names) {
    if (startsWithAny(name, starts)) vips_image_remove(image, name.c_str());
  }
}

void setBlob(VipsImage* image, const char* name, std::span<const std::uint8_t> bytes) {
  if (bytes.empty()) {
    vips_image_remove(image, name);
  } else {
    vips_image_set_blob_copy(image, name, bytes.data(), bytes.size());
  }
}

template <typename Edit>
void editExif(VipsImage* image, const Edit& edit) {
  const auto bytes = blobOf(image, VIPS_META_EXIF_NAME);
  if (bytes.empty()) return;
  std::vector<std::uint8_t> block(bytes.begin(), bytes.end());
  edit(block);
  setBlob(image, VIPS_META_EXIF_NAME, block);
}

template <typename Edit>
void editXmp(VipsImage* image, const Edit& edit) {
  const auto bytes = blobOf(image, VIPS_META_XMP_NAME);
  if (bytes.empty()) return;
  std::string packet(bytes.begin(), bytes.end());
  edit(packet);
  setBlob(image, VIPS_META_XMP_NAME,
          {reinterpret_cast<const std::uint8_t*>(packet.data()), packet.size()});
}

void dropThumbnail(VipsImage* image) {
  static constexpr std::array<std::string_view, 2> kFields{"exif-ifd1-", "jpeg-thumbnail-data"};
  removeFields(image, kFields);
  editExif(image, dropExifThumbnail);
  editXmp(image, dropXmpThumbnails);
}

void dropGps(VipsImage* image) {
  static constexpr std::array<std::string_view, 1> kFields{"exif-ifd3-"};
  removeFields(image, kFields);
  editExif(image, dropExifGps);
  editXmp(image, dropXmpGps);
}

/// HEIF stores XMP as an item that libvips names by its number only.
void nameXmpItem(VipsImage* image, VipsImage* carrier) {
  std::vector<std::string> names;
  vips_image_map(image, listField, &names);
  for (const std::string& name : names) {
    if (!name.starts_with("heif-mime-")) continue;
    const auto bytes = blobOf(image, name.c_str());
    const std::string_view text(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    if (text.find("<x:xmpmeta") != std::string_view::npos ||
        text.find("<rdf:RDF") != std::string_view::npos) {
      setBlob(carrier, VIPS_META_XMP_NAME, bytes);
    }
  }
}

/// PNG stores IPTC as a text, if at all; libvips 8.14 writes such texts under half of their names.
void takePngIptc(VipsImage* carrier) {
  std::vector<std::string> names;
  vips_image_map(carrier, listField, &names);
  for (const std::string& name : names) {
    if (!name.starts_with("png-comment-") || !name.ends_with(kPngIptcKeyword)) continue;
    const char* text = nullptr;
    if (vips_image_get_string(carrier, name.c_str(), &text) == 0) {
      setBlob(carrier, VIPS_META_IPTC_NAME, iptcOfPngText(text));
    }
    vips_image_remove(carrier, name.c_str());
  }
}

VipsPtr emptyCarrier(double xres, double yres) {
  VipsImage* black = nullptr;
  if (vips_black(&black, 1, 1, nullptr) != 0) return nullptr;
  VipsImage* carrier = nullptr;
  const int status = vips_copy(black, &carrier, "xres", xres, "yres", yres, nullptr);
  g_object_unref(black);
  return VipsPtr(status == 0 ? carrier : nullptr);
}

std::shared_ptr<const void> shared(VipsPtr carrier) {
  return {carrier.release(), [](const void* object) {
            if (object != nullptr) g_object_unref(const_cast<void*>(object));
          }};
}

}  // namespace

std::shared_ptr<const void> keepMetadata(VipsImage* image, const std::filesystem::path& path,
                                         FileFormat format, bool upright) {
  VipsPtr owner = emptyCarrier(vips_image_get_xres(image), vips_image_get_yres(image));
  VipsImage* carrier = owner.get();
  if (carrier == nullptr) return nullptr;
  vips_image_map(image, copyField, carrier);
  // What libvips leaves out: TIFF's directories, the items of HEIF, the boxes of JPEG XL.
  const int orientation = vips_image_get_orientation(image);
  if (format == FileFormat::Tiff) {
    setBlob(carrier, VIPS_META_EXIF_NAME, readTiffExif(path, upright ? 1 : orientation));
    setBlob(carrier, VIPS_META_IPTC_NAME, readTiffIptc(path));
  }
  if (format == FileFormat::Png) takePngIptc(carrier);
  if (format == FileFormat::Heic || format == FileFormat::Avif) nameXmpItem(image, carrier);
  if (format == FileFormat::Jxl) {
    const JxlMetadata boxes = readJxlMetadata(path);
    setBlob(carrier, VIPS_META_EXIF_NAME, boxes.exif);
    setBlob(carrier, VIPS_META_XMP_NAME, boxes.xmp);
  }
  if (format == FileFormat::Jpeg) {
    setBlob(carrier, VIPS_META_IPTC_NAME, iptcOfResources(blobOf(carrier, VIPS_META_IPTC_NAME)));
  }
  vips_image_set_int(carrier, VIPS_META_ORIENTATION, upright ? 1 : orientation);
  if (upright) {
    if (orientation > 1) dropThumbnail(carrier);
    editExif(carrier, [](auto& block) { setExifOrientation(block, 1); });
    editXmp(carrier, resetXmpOrientation);
  }
  return shared(std::move(owner));
}

std::shared_ptr<const void> metadataOfProfile(std::span<const std::uint8_t> profile) {
  VipsPtr carrier = emptyCarrier(1.0, 1.0);
  if (!carrier) return nullptr;
  vips_image_set_int(carrier.get(), VIPS_META_ORIENTATION, 1);
  setBlob(carrier.get(), VIPS_META_ICC_NAME, profile);
  return shared(std::move(carrier));
}

VipsImage* carrierOf(const Image& image) {
  return static_cast<VipsImage*>(const_cast<void*>(image.metadata.get()));
}

void putMetadata(VipsImage* carrier, VipsImage* target, FileFormat format, Strip strip) {
  int orientation = 1;
  if (carrier != nullptr) {
    orientation = std::max(1, vips_image_get_orientation(carrier));
    vips_image_map(carrier, copyField, target);
  }
  vips_image_set_int(target, VIPS_META_ORIENTATION, orientation);
  if (strip == Strip::All) {
    static constexpr std::array<std::string_view, 6> kFields{
        "exif-", "xmp-data", "iptc-data", "photoshop-data", "png-comment-", "jpeg-thumbnail-data"};
    removeFields(target, kFields);
  }
  if (strip == Strip::Thumbnail) dropThumbnail(target);
  if (strip == Strip::Gps) dropGps(target);
  if (format == FileFormat::Jpeg) {
    setBlob(target, VIPS_META_IPTC_NAME, resourcesOfIptc(blobOf(target, VIPS_META_IPTC_NAME)));
  }
}

}  // namespace pristine
