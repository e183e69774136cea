#pragma once

#include <cstdint>
#include <filesystem>

namespace pristine {

/// What the system lets this process use. `root`: where /proc and /sys are looked for; tests put
/// trees of their own there.

/// Bytes that may still be allocated: free memory of the machine and what the control groups
/// (version 1 or 2) of the process leave, whichever is less. 0: unknown.
std::int64_t availableMemory(const std::filesystem::path& root = "/");

/// Processors of the affinity mask, or fewer where a control group's quota allows less, rounded up.
int availableThreads(const std::filesystem::path& root = "/");

/// Bytes of memory that the process holds now; 0: unknown.
std::int64_t residentMemory();

/// Bytes that a run takes unless it is told otherwise: half of what is available.
std::int64_t standardMemory();
/// What a process that may have `memory` bytes has left for pictures, beside what it holds, a
/// network's activations, and decoders and encoders; at least 1.
std::int64_t memoryForPictures(std::int64_t memory, std::int64_t activations);

}  // namespace pristine
