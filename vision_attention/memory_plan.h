#pragma once

#include <cstddef>
#include <vector>

namespace va {

/// Bytes that must not be shared with anything whose steps overlap [first, last].
struct Lifetime {
  std::size_t bytes = 0;
  int first = 0;
  int last = 0;
};

struct MemoryPlan {
  std::vector<std::size_t> offsets;  ///< one per lifetime, multiples of kArenaAlignment
  std::size_t bytes = 0;             ///< size of the arena
};

inline constexpr std::size_t kArenaAlignment = 64;

/// Places every lifetime in one arena: largest first, each into the tightest gap among those that
/// live at the same time. Throws std::length_error if the sum overflows.
MemoryPlan planMemory(const std::vector<Lifetime>& lifetimes);

}  // namespace va
