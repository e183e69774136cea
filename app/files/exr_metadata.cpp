#include "app/files/exr_metadata.h"

#include <array>
#include <cstring>

#include "app/files/exr_file.h"
#include "app/files/metadata.h"
#include "app/network_space.h"

namespace pristine {

namespace {

constexpr const char* kChromaticities = "pristine-exr-chromaticities";
constexpr const char* kHalves = "pristine-exr-halves";

}  // namespace

std::shared_ptr<const void> exrMetadata(const Imf::Chromaticities& c, bool halves) {
  const float xy[8] = {c.red.x,  c.red.y,  c.green.x, c.green.y,
                       c.blue.x, c.blue.y, c.white.x, c.white.y};
  auto metadata = metadataOfProfile(linearProfile(xy));
  auto* carrier = static_cast<VipsImage*>(const_cast<void*>(metadata.get()));
  if (carrier == nullptr) return metadata;
  vips_image_set_blob_copy(carrier, kChromaticities, xy, sizeof xy);
  vips_image_set_int(carrier, kHalves, halves ? 1 : 0);
  return metadata;
}

Imf::Chromaticities chromaticitiesOf(const Image& image) {
  const auto bytes = blobOf(carrierOf(image), kChromaticities);
  std::array<float, 8> v{};
  if (bytes.size() != sizeof v) return {};
  std::memcpy(v.data(), bytes.data(), sizeof v);
  return {{v[0], v[1]}, {v[2], v[3]}, {v[4], v[5]}, {v[6], v[7]}};
}

bool isExrMetadata(const Image& image) {
  return !blobOf(carrierOf(image), kChromaticities).empty();
}

bool hadHalves(const Image& image) {
  int halves = 0;
  VipsImage* carrier = carrierOf(image);
  return carrier != nullptr && vips_image_get_typeof(carrier, kHalves) != 0 &&
         vips_image_get_int(carrier, kHalves, &halves) == 0 && halves != 0;
}

}  // namespace pristine
