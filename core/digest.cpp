#include "core/digest.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

namespace pristine {

struct Digest::State {
  XXH3_state_t hash;
};

Digest::Digest() : state_(std::make_unique<State>()) {
  XXH3_128bits_reset(&state_->hash);
}

Digest::~Digest() = default;

void Digest::update(std::span<const std::byte> bytes) {
  XXH3_128bits_update(&state_->hash, bytes.data(), bytes.size());
}

void Digest::update(std::string_view text) {
  XXH3_128bits_update(&state_->hash, text.data(), text.size());
}

std::string Digest::hex() const {
  XXH128_canonical_t bytes;
  XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(&state_->hash));
  std::string text;
  for (const unsigned char byte : bytes.digest) {
    constexpr std::string_view kDigits = "0123456789abcdef";
    text += {kDigits[byte >> 4U], kDigits[byte & 15U]};
  }
  return text;
}

}  // namespace pristine
