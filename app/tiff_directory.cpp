#include "app/tiff_directory.h"

#include <algorithm>
#include <array>
#include <istream>
#include <stdexcept>
#include <utility>

namespace pristine {

namespace {

constexpr std::uint64_t kMostValueBytes = std::uint64_t{64} << 20U;
constexpr std::uint64_t kMostFields = 0xFFFF;
constexpr int kMostLevels = 4;

/// Types of fields that point to directories: LONG of TIFF 6.0, IFD of its Technical Note 1, LONG8
/// and IFD8 of BigTIFF.
constexpr std::uint16_t kLong = 4;
constexpr std::uint16_t kIfd = 13;
constexpr std::uint16_t kLong8 = 16;
constexpr std::uint16_t kIfd8 = 18;

/// A field as it lies in a directory. `field` holds the values, or their offset, in the order of
/// the file.
struct Slot {
  std::uint16_t tag = 0;
  std::uint16_t type = 0;
  std::uint64_t count = 0;
  std::array<std::uint8_t, 8> field{};
};

struct Listing {
  std::vector<Slot> slots;
  std::uint64_t next = 0;
};

std::size_t offsetBytes(const TiffFormat& format) {
  return format.bigTiff ? 8 : 4;
}

std::size_t countBytes(const TiffFormat& format) {
  return format.bigTiff ? 8 : 2;
}

std::size_t slotBytes(const TiffFormat& format) {
  return format.bigTiff ? 20 : 12;
}

std::size_t headerBytes(const TiffFormat& format) {
  return format.bigTiff ? 16 : 8;
}

std::uint64_t number(std::span<const std::uint8_t> bytes, bool bigEndian) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    value = value << 8U | bytes[bigEndian ? i : bytes.size() - 1 - i];
  }
  return value;
}

void putNumber(std::span<std::uint8_t> bytes, std::uint64_t value, bool bigEndian) {
  for (std::size_t i = 0; i < bytes.size(); ++i, value >>= 8U) {
    bytes[bigEndian ? bytes.size() - 1 - i : i] = static_cast<std::uint8_t>(value);
  }
}

/// Between little-endian values and those of a file.
void reorder(std::span<std::uint8_t> values, TiffType type, bool bigEndian) {
  const bool isPair = type == TiffType::Rational || type == TiffType::SRational;
  const std::size_t width = isPair ? 4 : valueSize(type);
  if (!bigEndian || width == 1) return;
  for (std::size_t i = 0; i + width <= values.size(); i += width) {
    std::ranges::reverse(values.subspan(i, width));
  }
}

template <typename T>
void sortByTag(std::vector<T>& items) {
  std::ranges::stable_sort(items, {}, &T::tag);
  const auto hasSameTag = [](const T& a, const T& b) { return a.tag == b.tag; };
  items.erase(std::unique(items.begin(), items.end(), hasSameTag), items.end());
}

template <typename T>
const T* findTag(const std::vector<T>& items, std::uint16_t tag) {
  const auto found = std::ranges::find(items, tag, &T::tag);
  return found == items.end() ? nullptr : &*found;
}

class Reader {
 public:
  static std::optional<Reader> open(const TiffSource& source) {
    Reader reader(source);
    std::array<std::uint8_t, 16> bytes{};
    const std::span<std::uint8_t> header(bytes);
    if (!reader.read(0, header.first(8))) return std::nullopt;
    if (bytes[0] != bytes[1] || (bytes[0] != 'I' && bytes[0] != 'M')) return std::nullopt;
    TiffFormat& format = reader.format_;
    format.bigEndian = bytes[0] == 'M';
    const std::uint64_t version = number(header.subspan(2, 2), format.bigEndian);
    format.bigTiff = version == 43;
    if (version != 42 && version != 43) return std::nullopt;
    if (format.bigTiff) {
      const bool hasWideOffsets = number(header.subspan(4, 2), format.bigEndian) == 8 &&
                                  number(header.subspan(6, 2), format.bigEndian) == 0;
      if (!hasWideOffsets || !reader.read(8, header.subspan(8, 8))) return std::nullopt;
    }
    const std::size_t width = offsetBytes(format);
    reader.first_ = number(header.subspan(headerBytes(format) - width, width), format.bigEndian);
    return reader;
  }

  const TiffFormat& format() const { return format_; }

  std::optional<Listing> listing(std::uint64_t offset) const {
    std::array<std::uint8_t, 8> counted{};
    const auto counter = std::span(counted).first(countBytes(format_));
    if (offset == 0 || !read(offset, counter)) return std::nullopt;
    const std::uint64_t count = number(counter, format_.bigEndian);
    if (count == 0 || count > kMostFields) return std::nullopt;
    std::vector<std::uint8_t> bytes(static_cast<std::size_t>(count) * slotBytes(format_));
    if (!read(offset + counter.size(), bytes)) return std::nullopt;
    Listing listing;
    for (std::span<const std::uint8_t> rest(bytes); !rest.empty();
         rest = rest.subspan(slotBytes(format_))) {
      listing.slots.push_back(slot(rest.first(slotBytes(format_))));
    }
    // Some writers end a block without the offset of a next directory.
    std::array<std::uint8_t, 8> following{};
    const auto next = std::span(following).first(offsetBytes(format_));
    if (read(offset + counter.size() + bytes.size(), next)) {
      listing.next = number(next, format_.bigEndian);
    }
    return listing;
  }

  std::optional<Listing> firstListing() const { return listing(first_); }

  std::optional<TiffDirectory> directory(const TiffChoice& choice) {
    return directory(first_, 0, choice, 0);
  }

 private:
  explicit Reader(const TiffSource& source)
      : source_(source), budget_(std::min(source.size, kMostValueBytes)) {}

  bool read(std::uint64_t offset, std::span<std::uint8_t> bytes) const {
    if (offset > source_.size || bytes.size() > source_.size - offset) return false;
    return source_.read(offset, bytes);
  }

  Slot slot(std::span<const std::uint8_t> bytes) const {
    const std::size_t width = offsetBytes(format_);
    Slot slot;
    slot.tag = static_cast<std::uint16_t>(number(bytes.first(2), format_.bigEndian));
    slot.type = static_cast<std::uint16_t>(number(bytes.subspan(2, 2), format_.bigEndian));
    slot.count = number(bytes.subspan(4, width), format_.bigEndian);
    std::ranges::copy(bytes.subspan(4 + width, width), slot.field.begin());
    return slot;
  }

  std::uint64_t offsetIn(const Slot& slot) const {
    return number(std::span(slot.field).first(offsetBytes(format_)), format_.bigEndian);
  }

  std::optional<std::uint64_t> pointer(const Slot& slot) const {
    const bool isNarrow = slot.type == kLong || slot.type == kIfd;
    const bool isWide = format_.bigTiff && (slot.type == kLong8 || slot.type == kIfd8);
    if (slot.count != 1 || (!isNarrow && !isWide)) return std::nullopt;
    return number(std::span(slot.field).first(isNarrow ? 4 : 8), format_.bigEndian);
  }

  std::optional<TiffEntry> entry(const Slot& slot) {
    const auto type = static_cast<TiffType>(slot.type);
    const std::size_t size = valueSize(type);
    if (size == 0 || slot.count == 0 || slot.count > budget_ / size) return std::nullopt;
    TiffEntry entry{slot.tag, type, {}};
    entry.values.resize(static_cast<std::size_t>(slot.count) * size);
    if (entry.values.size() <= offsetBytes(format_)) {
      std::copy_n(slot.field.begin(), entry.values.size(), entry.values.begin());
    } else {
      const std::uint64_t offset = offsetIn(slot);
      if (offset == 0 || !read(offset, entry.values)) return std::nullopt;
    }
    budget_ -= entry.values.size();
    reorder(entry.values, type, format_.bigEndian);
    return entry;
  }

  std::optional<TiffDirectory> directory(std::uint64_t offset, std::uint16_t tag,
                                         const TiffChoice& choice, int level) {
    if (level == kMostLevels || std::ranges::find(entered_, offset) != entered_.end()) {
      return std::nullopt;
    }
    entered_.push_back(offset);
    auto listed = listing(offset);
    if (!listed) return std::nullopt;
    sortByTag(listed->slots);
    TiffDirectory directory{tag, {}, {}};
    for (const Slot& slot : listed->slots) {
      const TiffTake take = choice(tag, slot.tag);
      if (take == TiffTake::Values) {
        if (auto taken = entry(slot)) directory.entries.push_back(std::move(*taken));
      } else if (take == TiffTake::Directory) {
        const auto below = pointer(slot);
        if (!below) continue;
        auto child = this->directory(*below, slot.tag, choice, level + 1);
        if (child && !child->empty()) directory.children.push_back(std::move(*child));
      }
    }
    return directory;
  }

  TiffSource source_;
  TiffFormat format_;
  std::uint64_t first_ = 0;
  std::uint64_t budget_;
  std::vector<std::uint64_t> entered_;
};

/// Bytes that will lie at an even offset `base` of a structure.
class Writer {
 public:
  Writer(const TiffFormat& format, std::uint64_t base) : format_(format), base_(base) {}

  /// Appends a directory, its values and the directories below; returns its offset. `kept` are
  /// fields whose values lie in the structure already.
  std::uint64_t append(const TiffDirectory& directory, std::vector<Slot> kept, std::uint64_t next) {
    const std::size_t start = bytes_.size();
    std::size_t count = kept.size() + directory.entries.size();
    for (const TiffDirectory& child : directory.children) count += child.empty() ? 0U : 1U;
    if (count > kMostFields) throw std::length_error("TIFF: more than 65535 fields");
    bytes_.resize(start + countBytes(format_) + count * slotBytes(format_) + offsetBytes(format_));
    for (const TiffEntry& entry : directory.entries) kept.push_back(place(entry));
    for (const TiffDirectory& child : directory.children) {
      if (!child.empty()) kept.push_back(place(child));
    }
    std::ranges::stable_sort(kept, {}, &Slot::tag);
    put(start, kept, next);
    return base_ + start;
  }

  /// Throws std::length_error where offsets cannot reach the end.
  std::vector<std::uint8_t> take() {
    if (!format_.bigTiff && base_ + bytes_.size() > 0xFFFFFFFF) {
      throw std::length_error("TIFF: no room below 4 GiB");
    }
    return std::move(bytes_);
  }

 private:
  Slot place(const TiffEntry& entry) {
    const std::size_t size = valueSize(entry.type);
    Slot slot{entry.tag, static_cast<std::uint16_t>(entry.type), entry.values.size() / size, {}};
    std::vector<std::uint8_t> values = entry.values;
    reorder(values, entry.type, format_.bigEndian);
    if (values.size() <= offsetBytes(format_)) {
      std::ranges::copy(values, slot.field.begin());
    } else {
      putOffset(slot, base_ + bytes_.size());
      bytes_.insert(bytes_.end(), values.begin(), values.end());
      bytes_.resize(bytes_.size() + bytes_.size() % 2);
    }
    return slot;
  }

  Slot place(const TiffDirectory& directory) {
    Slot slot{directory.tag, format_.bigTiff ? kIfd8 : kLong, 1, {}};
    putOffset(slot, append(directory, {}, 0));
    return slot;
  }

  void putOffset(Slot& slot, std::uint64_t offset) const {
    putNumber(std::span(slot.field).first(offsetBytes(format_)), offset, format_.bigEndian);
  }

  void put(std::size_t start, const std::vector<Slot>& slots, std::uint64_t next) {
    std::span<std::uint8_t> rest = std::span(bytes_).subspan(start);
    const auto number = [&](std::size_t width, std::uint64_t value) {
      putNumber(rest.first(width), value, format_.bigEndian);
      rest = rest.subspan(width);
    };
    number(countBytes(format_), slots.size());
    for (const Slot& slot : slots) {
      number(2, slot.tag);
      number(2, slot.type);
      number(offsetBytes(format_), slot.count);
      std::copy_n(slot.field.begin(), offsetBytes(format_), rest.begin());
      rest = rest.subspan(offsetBytes(format_));
    }
    number(offsetBytes(format_), next);
  }

  TiffFormat format_;
  std::uint64_t base_;
  std::vector<std::uint8_t> bytes_;
};

std::vector<std::uint8_t> offsetField(const TiffFormat& format, std::uint64_t offset) {
  std::vector<std::uint8_t> bytes(offsetBytes(format));
  putNumber(bytes, offset, format.bigEndian);
  return bytes;
}

}  // namespace

std::size_t valueSize(TiffType type) {
  switch (type) {
    case TiffType::Byte:
    case TiffType::Ascii:
    case TiffType::SByte:
    case TiffType::Undefined:
      return 1;
    case TiffType::Short:
    case TiffType::SShort:
      return 2;
    case TiffType::Long:
    case TiffType::SLong:
    case TiffType::Float:
      return 4;
    case TiffType::Rational:
    case TiffType::SRational:
    case TiffType::Double:
      return 8;
  }
  return 0;
}

const TiffEntry* TiffDirectory::entry(std::uint16_t wanted) const {
  return findTag(entries, wanted);
}

const TiffDirectory* TiffDirectory::child(std::uint16_t wanted) const {
  return findTag(children, wanted);
}

TiffSource tiffSource(std::span<const std::uint8_t> bytes) {
  return {bytes.size(), [bytes](std::uint64_t offset, std::span<std::uint8_t> target) {
            const auto from = bytes.subspan(static_cast<std::size_t>(offset), target.size());
            std::ranges::copy(from, target.begin());
            return true;
          }};
}

TiffSource tiffSource(std::istream& file, const std::filesystem::path& path) {
  std::error_code error;
  const auto size = std::filesystem::file_size(path, error);
  return {error ? 0 : size, [&file](std::uint64_t offset, std::span<std::uint8_t> target) {
            file.clear();
            file.seekg(static_cast<std::streamoff>(offset));
            file.read(reinterpret_cast<char*>(target.data()),
                      static_cast<std::streamsize>(target.size()));
            return file.good();
          }};
}

std::optional<TiffDirectory> readTiff(const TiffSource& source, const TiffChoice& choice) {
  auto reader = Reader::open(source);
  return reader ? reader->directory(choice) : std::nullopt;
}

std::vector<std::uint8_t> encodeTiff(const TiffDirectory& first, const TiffFormat& format) {
  std::vector<std::uint8_t> bytes(headerBytes(format));
  const std::span<std::uint8_t> header(bytes);
  bytes[0] = bytes[1] = format.bigEndian ? 'M' : 'I';
  putNumber(header.subspan(2, 2), format.bigTiff ? 43 : 42, format.bigEndian);
  if (format.bigTiff) putNumber(header.subspan(4, 2), 8, format.bigEndian);
  Writer writer(format, bytes.size());
  const auto offset = offsetField(format, writer.append(first, {}, 0));
  std::ranges::copy(offset, bytes.end() - static_cast<std::ptrdiff_t>(offset.size()));
  const auto body = writer.take();
  bytes.insert(bytes.end(), body.begin(), body.end());
  return bytes;
}

std::optional<std::vector<TiffWrite>> addToTiff(const TiffSource& file,
                                                const TiffDirectory& added) {
  const auto reader = Reader::open(file);
  auto old = reader ? reader->firstListing() : std::nullopt;
  if (!old) return std::nullopt;
  std::erase_if(old->slots, [&](const Slot& slot) {
    const TiffDirectory* child = added.child(slot.tag);
    return added.entry(slot.tag) != nullptr || (child != nullptr && !child->empty());
  });
  const TiffFormat& format = reader->format();
  const std::uint64_t base = file.size + file.size % 2;
  Writer writer(format, base);
  const std::uint64_t first = writer.append(added, std::move(old->slots), old->next);
  std::vector<std::uint8_t> body = writer.take();
  if (base != file.size) body.insert(body.begin(), 0);
  const std::uint64_t pointer = headerBytes(format) - offsetBytes(format);
  return std::vector<TiffWrite>{{file.size, std::move(body)},
                                {pointer, offsetField(format, first)}};
}

}  // namespace pristine
