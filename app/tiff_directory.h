#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <iosfwd>
#include <optional>
#include <span>
#include <vector>

namespace pristine {

/// How a TIFF structure is laid out: TIFF 6.0, section 2, and BigTIFF (version 43, 64-bit offsets).
struct TiffFormat {
  bool bigEndian = false;
  bool bigTiff = false;
  bool operator==(const TiffFormat&) const = default;
};

/// Field types of TIFF 6.0, section 2.
enum class TiffType : std::uint16_t {
  Byte = 1,
  Ascii,
  Short,
  Long,
  Rational,
  SByte,
  Undefined,
  SShort,
  SLong,
  SRational,
  Float,
  Double
};

/// Bytes of one value; 0 for a type that TIFF 6.0 does not have.
std::size_t valueSize(TiffType type);

/// One field. `values` are little-endian whatever the order of the file; their number is
/// values.size() / valueSize(type), at least 1.
struct TiffEntry {
  std::uint16_t tag = 0;
  TiffType type = TiffType::Undefined;
  std::vector<std::uint8_t> values;
  bool operator==(const TiffEntry&) const = default;
};

/// An image file directory (TIFF 6.0, section 2) with the directories that its fields point to.
/// `tag` is that of the pointing field, 0 for the first directory. Entries and children are sorted
/// by tag, each tag once.
struct TiffDirectory {
  std::uint16_t tag = 0;
  std::vector<TiffEntry> entries;
  std::vector<TiffDirectory> children;

  bool empty() const { return entries.empty() && children.empty(); }
  /// nullptr when there is none.
  const TiffEntry* entry(std::uint16_t wanted) const;
  const TiffDirectory* child(std::uint16_t wanted) const;
  bool operator==(const TiffDirectory&) const = default;
};

/// Bytes by offset, of memory or of a file.
struct TiffSource {
  std::uint64_t size = 0;
  /// Fills the span with the bytes from the offset; called with ranges inside `size` only. false:
  /// they cannot be read.
  std::function<bool(std::uint64_t, std::span<std::uint8_t>)> read;
};

/// `bytes` must outlive the source.
TiffSource tiffSource(std::span<const std::uint8_t> bytes);
/// The bytes of an open file; `file` must outlive the source.
TiffSource tiffSource(std::istream& file, const std::filesystem::path& path);

enum class TiffTake { Nothing, Values, Directory };
/// What to take of a field, by the tag of its directory and its own.
using TiffChoice = std::function<TiffTake(std::uint16_t directory, std::uint16_t tag)>;

/// The chosen part of the first directory; nullopt where header or first directory are damaged.
/// Left out: damaged fields, types unknown to TIFF 6.0, a tag's repetition, empty directories, a
/// directory entered before or nested more than four deep, values beyond 64 MiB or beyond the size
/// of the source in sum.
std::optional<TiffDirectory> readTiff(const TiffSource& source, const TiffChoice& choice);

/// A whole structure: header, first directory (not empty), values, the directories below. Throws
/// std::length_error where the format has no room for it.
std::vector<std::uint8_t> encodeTiff(const TiffDirectory& first, const TiffFormat& format = {});

struct TiffWrite {
  std::uint64_t offset = 0;
  std::vector<std::uint8_t> bytes;
};

/// What to write, in this order, so that the first directory of a TIFF file also holds `added`;
/// fields that it has already are replaced, all else stays where it is. The old directory is valid
/// until the last write, which is inside the header. nullopt where header or first directory are
/// damaged. Throws std::length_error where the format has no room for it.
std::optional<std::vector<TiffWrite>> addToTiff(const TiffSource& file, const TiffDirectory& added);

}  // namespace pristine
