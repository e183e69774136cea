#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <stop_token>
#include <string>
#include <vector>

namespace pristine {

struct AttentionStudyOptions {
  std::vector<std::string> systems;  ///< empty: all of attentionSystems()
  bool quick = false;                ///< small sizes, few repetitions
  int threads = 0;                   ///< 0: all that the process may use
};

/// Wall-clock seconds of repeated runs.
struct RunTimes {
  double median = 0;
  double low = 0;   ///< 10 % quantile
  double high = 0;  ///< 90 % quantile
  std::size_t runs = 0;
};

/// One side of a comparison.
struct AttentionCost {
  RunTimes seconds;
  std::uint64_t macs = 0;
  std::size_t bytes = 0;  ///< activations and scratch at their peak, inputs included
};

/// A system and softmax attention (or what it replaces) at the same work, alternately run.
struct AttentionMeasurement {
  std::string system;
  std::string variant;  ///< what distinguishes it from the system's other measurements
  std::int64_t tokens = 0;
  AttentionCost cost;
  AttentionCost baseline;
  double baselineShare = 1;  ///< of the queries that the baseline was run on; its cost is scaled
  double stateBytes = 0;     ///< of what is kept of all tokens for later use, where that is the point
  double baselineStateBytes = 0;

  double speedup() const { return baseline.seconds.median / cost.seconds.median; }
  double macRatio() const {
    return static_cast<double>(baseline.macs) / static_cast<double>(cost.macs);
  }
};

enum class ClaimVerdict {
  Reproduced,
  NotReproduced,
  NotTestable,   ///< on a processor, without training
  NotThePapers,  ///< not what the paper says, or no such paper
  NotMeasured,   ///< in this run
};

/// What is said about a system, and what this run says to it.
struct AttentionClaim {
  std::string source;  ///< "paper" or "article"
  std::string text;
  ClaimVerdict verdict = ClaimVerdict::NotMeasured;
  std::string figure;  ///< what was measured, or why not
};

std::string toString(ClaimVerdict verdict);

/// A system, how far it is from its definition, and the claims about it.
struct AttentionSystem {
  std::string name;
  std::string title;
  double maxError = 0;  ///< largest difference to the definition in f64 on unit-variance data;
                        ///< NaN: no definition
  std::vector<AttentionClaim> claims = {};
};

struct AttentionStudy {
  std::string isa;
  int threads = 0;
  double matmulGflops = 0;     ///< of a large matrix product in this run
  double attentionGflops = 0;  ///< of the softmax baseline at 4096 tokens, 4 heads of 64
  std::vector<AttentionSystem> systems;
  std::vector<AttentionMeasurement> measurements;
  bool stopped = false;
};

/// Where a variant of a system becomes faster than its baseline, between two sizes measured.
struct BreakEven {
  std::string system;
  std::string variant;
  double tokens = 0;
};
std::vector<BreakEven> breakEvens(const AttentionStudy& study);

/// Names of what can be studied.
std::vector<std::string> attentionSystems();

/// Runs the comparison. progress is told what is about to be measured. Throws Error(Usage) on an
/// unknown system.
AttentionStudy studyAttention(const AttentionStudyOptions& options,
                              const std::stop_token& stop = {},
                              const std::function<void(const std::string&)>& progress = {});

}  // namespace pristine
