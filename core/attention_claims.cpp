#include "core/attention_claims.h"

#include <cstdarg>
#include <cstdio>
#include <functional>
#include <map>

namespace pristine {

namespace {

std::string format(const char* pattern, ...) __attribute__((format(printf, 1, 2)));
std::string format(const char* pattern, ...) {
  char text[256];
  std::va_list arguments;
  va_start(arguments, pattern);
  std::vsnprintf(text, sizeof text, pattern, arguments);
  va_end(arguments);
  return text;
}

/// The measurement of a system at a size whose variant begins like this.
const AttentionMeasurement* find(const AttentionStudy& study, const std::string& system,
                                 const std::string& variant, std::int64_t tokens) {
  for (const AttentionMeasurement& m : study.measurements) {
    if (m.system == system && m.tokens == tokens && m.variant.starts_with(variant)) return &m;
  }
  return nullptr;
}

using Judge = std::function<void(const AttentionStudy&, AttentionClaim&)>;

void conclude(AttentionClaim& claim, bool reproduced, std::string figure) {
  claim.verdict = reproduced ? ClaimVerdict::Reproduced : ClaimVerdict::NotReproduced;
  claim.figure = std::move(figure);
}

/// Reproduced if the variant is at least `least` times as fast as its baseline.
Judge fasterThan(const std::string& system, const std::string& variant, std::int64_t tokens,
                 double least) {
  return [=](const AttentionStudy& study, AttentionClaim& claim) {
    const auto* const m = find(study, system, variant, tokens);
    if (m == nullptr) return;
    conclude(claim, m->speedup() >= least,
             format("%.2f times as fast, %.2f by multiply-adds, at %lld tokens", m->speedup(),
                    m->macRatio(), static_cast<long long>(m->tokens)));
  };
}

struct Claim {
  const char* source;
  const char* text;
  Judge judge = {};                                   ///< or
  ClaimVerdict verdict = ClaimVerdict::NotThePapers;  ///< without looking, because of
  const char* reason = "";
};

constexpr auto kNotTestable = ClaimVerdict::NotTestable;
constexpr auto kNotThePapers = ClaimVerdict::NotThePapers;

void judgeAgents(const AttentionStudy& study, AttentionClaim& claim) {
  const auto* const m = find(study, "agent", "training-free, attention part, h 6", 12544);
  if (m == nullptr) return;
  conclude(claim, m->speedup() > 0.5 * m->macRatio(),
           format("%.0f times as fast, %.0f by multiply-adds, at 12544 tokens with 49 agents",
                  m->speedup(), m->macRatio()));
}

void judgeCache(const AttentionStudy& study, AttentionClaim& claim) {
  const auto* const m = find(study, "latent", "256 queries to a bank, absorbed", 4096);
  if (m == nullptr) return;
  const double less = 1.0 - m->stateBytes / m->baselineStateBytes;
  conclude(claim, less > 0.8, format("%.1f %% less at d_c 64, d_R 16, 8 heads of 32", 100 * less));
}

void judgeMaps(const AttentionStudy& study, AttentionClaim& claim) {
  const auto* const windows = find(study, "reuse", "layer of 128, h 4, 64 windows", 3136);
  const auto* const whole = find(study, "reuse", "layer of 128, h 4, 1 windows", 4096);
  if (windows == nullptr || whole == nullptr) return;
  const auto memory = [](const AttentionMeasurement& m) {
    return static_cast<double>(m.cost.bytes) / static_cast<double>(m.baseline.bytes);
  };
  const bool faster = windows->speedup() > 1.0 && whole->speedup() > 1.0;
  conclude(
      claim, faster && memory(*windows) < 1.0 && memory(*whole) < 1.0,
      format("%.2f times as fast with %.0f %% of the memory in windows of 7x7, %.2f with "
             "%.0f %% on 64x64",
             windows->speedup(), 100 * memory(*windows), whole->speedup(), 100 * memory(*whole)));
}

void judgeLinear(const AttentionStudy& study, AttentionClaim& claim) {
  const auto* const small = find(study, "histogram", "", 4096);
  const auto* const large = find(study, "histogram", "", 16384);
  if (small == nullptr || large == nullptr) return;
  const double growth = large->cost.seconds.median / small->cost.seconds.median;
  // 4 to the power of 1.2: sorting adds a logarithm (4.7 times at these sizes).
  conclude(claim, growth < 5.3, format("%.1f times the time for 4 times the pixels", growth));
}

void judgeRotation(const AttentionStudy& study, AttentionClaim& claim) {
  const auto* const none = find(study, "partial_rope", "layer of 256, h 4, 0 of", 4096);
  const auto* const half = find(study, "partial_rope", "layer of 256, h 4, 32 of", 4096);
  const auto* const all = find(study, "partial_rope", "layer of 256, h 4, 64 of", 4096);
  if (none == nullptr || half == nullptr || all == nullptr) return;
  const auto cost = [&](const AttentionMeasurement& m) {
    return m.cost.seconds.median / m.baseline.seconds.median - 1.0;
  };
  conclude(claim, cost(*all) - cost(*half) > 0.1,
           format("%+.1f %% time with no, %+.1f %% with half, %+.1f %% with all channels turning",
                  100 * cost(*none), 100 * cost(*half), 100 * cost(*all)));
}

void judgeAttentionCost(const AttentionStudy& study, AttentionClaim& claim) {
  const auto* const m = find(study, "generalized_probabilistic", "", 4096);
  if (m == nullptr) return;
  const double times = 1.0 / m->speedup();
  conclude(claim, times > 1.5, format("%.2f times the time of softmax attention", times));
}

const std::map<std::string, std::vector<Claim>>& knownClaims() {
  static const char* const kNoPaper = "no such paper was found";
  static const std::map<std::string, std::vector<Claim>> kClaims{
      {"sparse",
       {{"paper", "9.0 times FlashAttention-2 at 64k tokens (A100, causal; here not causal)",
         fasterThan("sparse", "h 4", 65536, 9.0)},
        {"article",
         "11 times at 128k tokens, O(n log n), k-means",
         {},
         kNotThePapers,
         "still quadratic; neither figure nor method is in the paper"}}},
      {"token_pruning",
       {{"paper", "over 40 % more throughput with 0.7 of the tokens (DynamicViT)",
         fasterThan("token_pruning", "block of 384, bypass, keep 0.7", 4096, 1.4)},
        {"paper", "less than 0.5 % accuracy lost", {}, kNotTestable, "needs a trained classifier"},
        {"article", "several times faster at equal accuracy", {}, kNotThePapers, kNoPaper}}},
      {"agent",
       {{"paper", "attention of N tokens costs N / (2 n) times less", judgeAgents},
        {"paper",
         "1.84 times on Stable Diffusion, 1.7 to 2.1 times on an i5",
         {},
         kNotTestable,
         "whole networks of others"},
        {"article",
         "45 % less compute on ImageNet",
         {},
         kNotThePapers,
         "DeiT-S saves 4 %, for N is 196"}}},
      {"latent",
       {{"paper", "a cache of d_c + d_R numbers a token, for all heads", judgeCache},
        {"paper",
         "93.3 % smaller cache, 5.76 times the throughput",
         {},
         kNotTestable,
         "mixes MLA, depth and 6-bit storage of two language models"},
        {"article",
         "an SVD; LLaMA-13B, -68 %",
         {},
         kNotThePapers,
         "MLA is trained; 68.75 % belongs to a conversion of Llama2-7B"}}},
      {"reuse",
       {{"paper",
         "up to 5 times faster than competitors on a Jetson, 76.7 % top-1",
         {},
         kNotTestable,
         "whole networks on another device"},
        {"article", "one map for all heads: less memory, faster", judgeMaps}}},
      {"mixture_of_heads",
       {{"paper", "0.863 ms with half of the heads, 1.376 ms with all, at 512 tokens",
         fasterThan("mixture_of_heads", "layer of 512, 4 of 8 heads by token", 512, 1.376 / 0.863)},
        {"article",
         "3 to 5 heads become experts of grammar or coreference",
         {},
         kNotThePapers,
         "the paper claims no such roles"}}},
      {"partial_rope",
       {{"paper",
         "92.2 % smaller cache of Llama2-7B",
         {},
         kNotTestable,
         "with MLA and 4-bit storage of a language model"},
        {"article", "significant gain in efficiency", judgeRotation}}},
      {"histogram",
       {{"paper",
         "37.41 dB on Snow100K-S, 32.08 dB on Outdoor-Rain",
         {},
         kNotTestable,
         "needs training on weather pictures"},
        {"paper", "linear in the pixels", judgeLinear},
        {"article",
         "denoising and super-resolution",
         {},
         kNotThePapers,
         "the paper tests neither"}}},
      {"generalized_probabilistic",
       {{"paper",
         "perplexity 108.26 to 106.38 on PTB",
         {},
         kNotTestable,
         "needs a trained language model"},
        {"reviewers", "nearly doubles the cost of attention", judgeAttentionCost},
        {"article",
         "faster convergence, better results",
         {},
         kNotThePapers,
         "beyond the paper's evidence"}}},
  };
  return kClaims;
}

}  // namespace

std::string toString(ClaimVerdict verdict) {
  switch (verdict) {
    case ClaimVerdict::Reproduced:
      return "reproduced";
    case ClaimVerdict::NotReproduced:
      return "not reproduced";
    case ClaimVerdict::NotTestable:
      return "not testable on a processor";
    case ClaimVerdict::NotThePapers:
      return "not what the paper says";
    case ClaimVerdict::NotMeasured:
      return "not measured in this run";
  }
  return {};
}

std::vector<AttentionClaim> judgeClaims(const std::string& system, const AttentionStudy& study) {
  std::vector<AttentionClaim> result;
  const auto found = knownClaims().find(system);
  if (found == knownClaims().end()) return result;
  for (const Claim& known : found->second) {
    AttentionClaim claim{known.source, known.text, ClaimVerdict::NotMeasured, ""};
    if (known.judge) {
      known.judge(study, claim);
    } else {
      claim.verdict = known.verdict;
      claim.figure = known.reason;
    }
    result.push_back(std::move(claim));
  }
  return result;
}

}  // namespace pristine
