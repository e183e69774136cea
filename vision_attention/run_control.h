#pragma once

#include <cstdint>
#include <functional>
#include <stop_token>

namespace va {

/// How the caller follows and ends a run. The stop token is polled between operators.
struct RunControl {
  std::stop_token stop;
  /// Called after each operator with the multiply-adds done so far and in all.
  std::function<void(std::uint64_t done, std::uint64_t total)> progress;
};

}  // namespace va
