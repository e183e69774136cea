#include "tests/app/tagged_file.h"

#include <algorithm>
#include <stdexcept>
#include <string_view>

#include "tests/app/tiff_builder.h"
#include "tests/support/files.h"

namespace pristine::test {

namespace {

using Bytes = std::vector<std::uint8_t>;

Bytes bytesOf(std::string_view text) {
  return {text.begin(), text.end()};
}

Bytes joined(std::initializer_list<Bytes> parts) {
  Bytes all;
  for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
  return all;
}

Bytes bigEndian(std::size_t value, unsigned width) {
  Bytes bytes;
  for (unsigned i = width; i > 0; --i) {
    bytes.push_back(static_cast<std::uint8_t>(value >> (8 * (i - 1))));
  }
  return bytes;
}

Bytes littleEndian(std::size_t value, unsigned width) {
  Bytes bytes = bigEndian(value, width);
  std::ranges::reverse(bytes);
  return bytes;
}

std::uint32_t crc32(const Bytes& bytes) {
  std::uint32_t crc = ~0U;
  for (const std::uint8_t byte : bytes) {
    crc ^= byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1U) ^ ((crc & 1U) != 0 ? 0xEDB88320U : 0U);
  }
  return ~crc;
}

Bytes jpegSegment(std::uint8_t marker, const Bytes& body) {
  return joined({{0xFF, marker}, bigEndian(body.size() + 2, 2), body});
}

/// Application segments behind the start of the image (EXIF 2.32, XMP part 3, ICC.1 annex B).
Bytes taggedJpeg(Bytes file, const FileTags& tags) {
  std::size_t at = 2;
  while (file[at + 1] >= 0xE0 && file[at + 1] <= 0xEF) {
    const std::size_t size = 2 + (std::size_t{file[at + 2]} << 8U | file[at + 3]);
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(at);
    if (file[at + 1] == 0xE1) {
      file.erase(begin, begin + static_cast<std::ptrdiff_t>(size));
    } else {
      at += size;
    }
  }
  using namespace std::string_view_literals;
  Bytes added = jpegSegment(0xE1, exifBlock(tags.exif));
  const Bytes xmp = joined({bytesOf("http://ns.adobe.com/xap/1.0/\0"sv), bytesOf(tags.xmp)});
  if (!tags.xmp.empty()) added = joined({added, jpegSegment(0xE1, xmp)});
  const Bytes profile = joined({bytesOf("ICC_PROFILE\0\1\1"sv), tags.profile});
  if (!tags.profile.empty()) added = joined({added, jpegSegment(0xE2, profile)});
  file.insert(file.begin() + 2, added.begin(), added.end());
  return file;
}

/// An eXIf chunk (PNG 1.5 extensions) behind the header.
Bytes taggedPng(Bytes file, const FileTags& tags) {
  const Bytes block = encodeTiff(tags.exif);
  const Bytes named = joined({bytesOf("eXIf"), block});
  const Bytes chunk = joined({bigEndian(block.size(), 4), named, bigEndian(crc32(named), 4)});
  file.insert(file.begin() + 33, chunk.begin(), chunk.end());
  return file;
}

Bytes taggedTiff(Bytes file, const FileTags& tags) {
  TiffDirectory added = tags.exif;
  if (!tags.xmp.empty()) added.entries.push_back({700, TiffType::Byte, bytesOf(tags.xmp)});
  std::ranges::sort(added.entries, {}, &TiffEntry::tag);
  const auto writes = addToTiff(tiffSource(file), added);
  if (!writes) throw std::runtime_error("not a TIFF file");
  apply(*writes, file);
  return file;
}

Bytes webpChunk(std::string_view name, const Bytes& body) {
  return joined({bytesOf(name), littleEndian(body.size(), 4), body, Bytes(body.size() % 2)});
}

/// The extended file format of the WebP container specification, around lossy pixels.
Bytes taggedWebp(const Bytes& file, const FileTags& tags) {
  Bytes pixels;
  for (std::size_t at = 12; at + 8 <= file.size();) {
    const std::size_t size = file[at + 4] | std::size_t{file[at + 5]} << 8U |
                             std::size_t{file[at + 6]} << 16U | std::size_t{file[at + 7]} << 24U;
    const auto begin = file.begin() + static_cast<std::ptrdiff_t>(at);
    if (std::equal(begin, begin + 4, "VP8 ")) {
      pixels.assign(begin + 8, begin + 8 + static_cast<std::ptrdiff_t>(size));
    }
    at += 8 + size + size % 2;
  }
  if (pixels.size() < 10) throw std::runtime_error("not a lossy WebP file");
  const std::size_t width = (pixels[6] | std::size_t{pixels[7]} << 8U) & 0x3FFFU;
  const std::size_t height = (pixels[8] | std::size_t{pixels[9]} << 8U) & 0x3FFFU;
  const Bytes flags{static_cast<std::uint8_t>(tags.xmp.empty() ? 0x08 : 0x0C), 0, 0, 0};
  const Bytes body = joined(
      {bytesOf("WEBP"),
       webpChunk("VP8X", joined({flags, littleEndian(width - 1, 3), littleEndian(height - 1, 3)})),
       webpChunk("VP8 ", pixels), webpChunk("EXIF", encodeTiff(tags.exif)),
       tags.xmp.empty() ? Bytes{} : webpChunk("XMP ", bytesOf(tags.xmp))});
  return joined({bytesOf("RIFF"), littleEndian(body.size(), 4), body});
}

}  // namespace

std::string xmpPacket(const std::string& title, int orientation) {
  return R"(<?xpacket begin="" id="W5M0MpCehiHzreSzNTczkc9d"?><x:xmpmeta xmlns:x="adobe:ns:meta/">)"
         R"(<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description )"
         R"(rdf:about="" xmlns:dc="http://purl.org/dc/elements/1.1/" )"
         R"(xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation=")" +
         std::to_string(orientation) + R"("><dc:title><rdf:Alt><rdf:li xml:lang="x-default">)" +
         title +
         R"(</rdf:li></rdf:Alt></dc:title></rdf:Description></rdf:RDF></x:xmpmeta>)"
         R"(<?xpacket end="w"?>)";
}

void tagFile(const std::filesystem::path& path, const FileTags& tags) {
  const Bytes file = readBytes(path);
  const auto extension = path.extension();
  if (extension == ".jpg") {
    writeBytes(path, taggedJpeg(file, tags));
  } else if (extension == ".png") {
    writeBytes(path, taggedPng(file, tags));
  } else if (extension == ".tif") {
    writeBytes(path, taggedTiff(file, tags));
  } else if (extension == ".webp") {
    writeBytes(path, taggedWebp(file, tags));
  } else {
    throw std::runtime_error("cannot tag " + path.string());
  }
}

}  // namespace pristine::test
