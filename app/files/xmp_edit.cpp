#include "app/files/xmp_edit.h"

#include <cctype>
#include <cstddef>

namespace pristine {

namespace {

/// Sets a property that is a single digit to 1.
void resetDigit(std::string& packet, const std::string& property) {
  for (const std::string& mark : {property + "=\"", property + "='", property + ">"}) {
    for (auto at = packet.find(mark); at != std::string::npos; at = packet.find(mark, at + 1)) {
      const std::size_t digit = at + mark.size();
      if (digit + 1 < packet.size() && packet[digit] >= '2' && packet[digit] <= '8' &&
          (packet[digit + 1] == mark.back() || packet[digit + 1] == '<')) {
        packet[digit] = '1';
      }
    }
  }
}

bool isNameCharacter(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '-' || c == '.';
}

std::size_t nameEnd(const std::string& packet, std::size_t at) {
  while (at < packet.size() && isNameCharacter(packet[at])) ++at;
  return at;
}

/// End of the attribute whose name ends at `at`; npos unless it is one.
std::size_t attributeEnd(const std::string& packet, std::size_t at) {
  const auto space = [&] {
    while (at < packet.size() && std::isspace(static_cast<unsigned char>(packet[at])) != 0) ++at;
  };
  space();
  if (at >= packet.size() || packet[at] != '=') return std::string::npos;
  ++at;
  space();
  if (at >= packet.size() || (packet[at] != '"' && packet[at] != '\'')) return std::string::npos;
  const auto end = packet.find(packet[at], at + 1);
  return end == std::string::npos ? end : end + 1;
}

/// End of the element of this name that begins before `at`, its closing tag included.
std::size_t elementEnd(const std::string& packet, const std::string& name, std::size_t at) {
  const auto open = packet.find('>', at);
  if (open == std::string::npos) return open;
  if (packet[open - 1] == '/') return open + 1;
  const auto close = packet.find("</" + name, open);
  if (close == std::string::npos) return close;
  const auto end = packet.find('>', close);
  return end == std::string::npos ? end : end + 1;
}

/// Takes away properties whose name starts with `start`, a prefix with colon.
void dropProperties(std::string& packet, const std::string& start) {
  std::size_t at = 0;
  while ((at = packet.find(start, at)) != std::string::npos) {
    const std::size_t end = nameEnd(packet, at + start.size());
    const char before = at > 0 ? packet[at - 1] : '\0';
    std::size_t from = at;
    std::size_t to = std::string::npos;
    if (before == '<') {
      from = at - 1;
      to = elementEnd(packet, packet.substr(at, end - at), end);
    } else if (std::isspace(static_cast<unsigned char>(before)) != 0) {
      to = attributeEnd(packet, end);
    }
    if (to == std::string::npos) {
      at = end;
    } else {
      packet.erase(from, to - from);
      at = from;
    }
  }
}

}  // namespace

void resetXmpOrientation(std::string& packet) {
  resetDigit(packet, "tiff:Orientation");
}

void dropXmpGps(std::string& packet) {
  dropProperties(packet, "exif:GPS");
}

void dropXmpThumbnails(std::string& packet) {
  dropProperties(packet, "xmp:Thumbnails");
}

}  // namespace pristine
