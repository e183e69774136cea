#pragma once

/// VA_MULTIVERSION compiles a function for several instruction sets; the loader picks the best one
/// that the processor runs. It goes on plain (non-template) functions that hold the hot loops. What
/// they call must be VA_INLINE, and OpenMP regions must stay outside: the compiler outlines them
/// into functions for the base instruction set.
#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(PRISTINE_SANITIZED)
#define VA_MULTIVERSION \
  __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define VA_MULTIVERSION
#endif

/// Inlined into every version of its VA_MULTIVERSION caller.
#define VA_INLINE inline __attribute__((always_inline))
