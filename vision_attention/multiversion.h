#pragma once

/// Marks a kernel that is compiled once per instruction set and chosen when the program is loaded.
/// An OpenMP region inside would be outlined without the target: keep the parallel loop outside.
#if defined(__GNUC__) && !defined(__clang__) && defined(__x86_64__) && !defined(PRISTINE_SANITIZED)
#define VA_MULTIVERSION \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VA_MULTIVERSION
#endif

/// Inlined into every version of its VA_MULTIVERSION caller.
#define VA_INLINE inline __attribute__((always_inline))
