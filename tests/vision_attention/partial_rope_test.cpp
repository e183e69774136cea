#include "vision_attention/attention/partial_rope.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference_systems.h"
#include "vision_attention/ops/streamed_attention.h"

namespace va::test {

namespace {

Array rotate(const Array& tokens, const PartialRopeOptions& options,
             const RefWeights& weights = {}) {
  return refItem(runGraph(
                     [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
                       return partialRope(graph, in[0], "rope", options);
                     },
                     {refBatch(tokens)}, weightsOf(weights)),
                 0);
}

PartialRopeOptions sequence(Dim heads, Dim rotated) {
  return {.heads = heads, .rotated = rotated, .positions = RopePositions::Sequence};
}

Array attendRotated(const Array& q, const Array& k, const Array& v,
                    const PartialRopeOptions& options, const RefWeights& weights = {}) {
  return refMultiHead(rotate(q, options, weights), rotate(k, options, weights), v,
                      {.heads = options.heads});
}

/// Angles of the first `count` pairs of a head of d channels on a sequence.
Array sequenceAngles(Dim n, Dim d, const std::vector<Dim>& pairs, double base = 10000.0) {
  Array angles({n, static_cast<Dim>(pairs.size())});
  for (Dim t = 0; t < n; ++t) {
    for (std::size_t i = 0; i < pairs.size(); ++i) {
      angles(t, static_cast<Dim>(i)) =
          static_cast<double>(t) *
          std::pow(base, -2.0 * static_cast<double>(pairs[i]) / static_cast<double>(d));
    }
  }
  return angles;
}

TEST(PartialRope, GoldenQuarterTurnTakesFirstAxisToSecond) {
  // One pair, base 1: token p turns by p; the origin makes token 0 turn by a quarter.
  RefWeights weights;
  weights["rope.frequencies"] = Array({1, 1, 2}, {std::numbers::pi / 2.0, 0.0});
  const Array turned =
      rotate(Array({2, 2}, {1.0, 0.0, 1.0, 0.0}),
             {.heads = 1, .rotated = 2, .positions = RopePositions::Mixed, .width = 2}, weights);
  EXPECT_TRUE(isNear(turned, Array({2, 2}, {1.0, 0.0, 0.0, 1.0})));
}

TEST(PartialRope, AgreesWithTheOracleForEverySelectionAndPairing) {
  Random random(1);
  const Dim n = 37;
  const Dim d = 12;
  const Array x = random.normal({n, 2 * d});
  for (const auto pairing : {RopePairing::Interleaved, RopePairing::HalfSplit}) {
    for (const auto selection : {RopeSelection::High, RopeSelection::Low, RopeSelection::Uniform}) {
      auto options = sequence(2, 6);
      options.pairing = pairing;
      options.selection = selection;
      std::vector<Dim> pairs{0, 1, 2};
      if (selection == RopeSelection::Low) pairs = {3, 4, 5};
      if (selection == RopeSelection::Uniform) pairs = {0, 2, 4};
      EXPECT_EQ(ropePairs(d, 6, selection, RopePositions::Sequence), pairs);
      std::vector<Dim> first;
      std::vector<Dim> second;
      for (const Dim p : pairs) {
        first.push_back(pairing == RopePairing::Interleaved ? 2 * p : p);
        second.push_back(pairing == RopePairing::Interleaved ? 2 * p + 1 : p + d / 2);
      }
      const Array angles = sequenceAngles(n, d, pairs);
      const Array expected = concatenate({refTurn(refHead(x, 0, 2), first, second, angles),
                                          refTurn(refHead(x, 1, 2), first, second, angles)},
                                         1);
      EXPECT_TRUE(isNear(rotate(x, options), expected));
    }
  }
}

TEST(PartialRope, AxialAgreesWithTheOracle) {
  Random random(2);
  const Dim height = 5;
  const Dim width = 7;
  const Dim d = 8;
  const Array x = random.normal({height * width, d});
  Array angles({height * width, 4});
  for (Dim t = 0; t < height * width; ++t) {
    for (Dim i = 0; i < 2; ++i) {
      const double theta = std::pow(100.0, -4.0 * static_cast<double>(i) / 8.0);
      angles(t, i) = static_cast<double>(t % width + 3) * theta;
      angles(t, i + 2) = static_cast<double>(t / width + 2) * theta;
    }
  }
  const Array actual =
      rotate(x, {.heads = 1, .rotated = d, .width = width, .originX = 3, .originY = 2});
  EXPECT_TRUE(isNear(actual, refTurn(x, {0, 2, 4, 6}, {1, 3, 5, 7}, angles)));
}

TEST(PartialRope, NothingRotatedIsTheSameTensor) {
  Random random(3);
  const Array x = random.normal({9, 10});
  EXPECT_TRUE(isEqual(rotate(x, {.heads = 1, .rotated = 0, .width = 3}), x));
}

TEST(PartialRope, WithoutRotationTheLayerIsPermutationEquivariant) {
  Random random(4);
  const Array q = random.normal({20, 8});
  const Array k = random.normal({20, 8});
  const Array v = random.normal({20, 8});
  const auto order = random.permutation(20);
  const auto permute = [&](const Array& a) {
    Array result = a;
    for (Dim t = 0; t < 20; ++t) {
      for (Dim i = 0; i < a.size(1); ++i) result(t, i) = a(order[static_cast<std::size_t>(t)], i);
    }
    return result;
  };
  const auto none = sequence(2, 0);
  EXPECT_TRUE(isNear(attendRotated(permute(q), permute(k), permute(v), none),
                     permute(attendRotated(q, k, v, none))));
  const auto full = sequence(2, 4);
  EXPECT_FALSE(isNear(attendRotated(permute(q), permute(k), permute(v), full),
                      permute(attendRotated(q, k, v, full))));
}

TEST(PartialRope, ScoresDependOnDistancesOnly) {
  Random random(5);
  const Array row = random.normal({1, 16});
  const Array other = random.normal({1, 16});
  Array q({12, 16});
  Array k({12, 16});
  for (Dim t = 0; t < 12; ++t) {
    for (Dim i = 0; i < 16; ++i) {
      q(t, i) = row(0, i);
      k(t, i) = other(0, i);
    }
  }
  const auto options = sequence(1, 16);
  const Array rq = rotate(q, options);
  const Array rk = rotate(k, options);
  const auto score = [&](Dim m, Dim n) {
    double sum = 0.0;
    for (Dim i = 0; i < 16; ++i) sum += rq(m, i) * rk(n, i);
    return sum;
  };
  for (Dim shift = 1; shift < 6; ++shift) {
    EXPECT_NEAR(score(2 + shift, shift), score(2, 0), 1e-5);
    EXPECT_NEAR(score(shift, 3 + shift), score(0, 3), 1e-5);
  }
}

TEST(PartialRope, NormsStayAndTheOriginIsTheIdentity) {
  Random random(6);
  const Array x = random.normal({50, 24});
  const Array turned = rotate(x, sequence(1, 24));
  for (Dim t = 0; t < 50; ++t) {
    double before = 0.0;
    double after = 0.0;
    for (Dim i = 0; i < 24; ++i) {
      before += x(t, i) * x(t, i);
      after += turned(t, i) * turned(t, i);
    }
    EXPECT_NEAR(after, before, 1e-5 * before);
  }
  EXPECT_TRUE(isEqual(turned.slice(0, 0, 1), x.slice(0, 0, 1)));
}

TEST(PartialRope, TurnsAddUp) {
  Random random(7);
  const Array x = random.normal({10, 8});
  auto three = sequence(1, 8);
  three.originX = 3;
  auto four = sequence(1, 8);
  four.originX = 4;
  // Token t turns by t + 3, then by t + 4; in one step by 2 t + 7.
  const Array twice = rotate(rotate(x, three), four);
  for (Dim t = 0; t < 10; ++t) {
    auto sum = sequence(1, 8);
    sum.originX = 2 * t + 7;
    EXPECT_TRUE(isNear(twice.slice(0, t, 1), rotate(x.slice(0, t, 1), sum)));
  }
}

TEST(PartialRope, ShiftingAllCoordinatesLeavesTheAttentionUnchanged) {
  Random random(8);
  const Array q = random.normal({24, 16});
  const Array k = random.normal({24, 16});
  const Array v = random.normal({24, 16});
  RefWeights weights;
  weights["rope.frequencies"] = random.normal({2, 4, 2});
  for (const auto positions :
       {RopePositions::Sequence, RopePositions::Axial, RopePositions::Mixed}) {
    PartialRopeOptions here{.heads = 2, .rotated = 8, .positions = positions, .width = 6};
    PartialRopeOptions there = here;
    there.originX = 100;
    there.originY = 41;
    EXPECT_TRUE(isNear(attendRotated(q, k, v, there, weights),
                       attendRotated(q, k, v, here, weights), {1e-4, 1e-4}));
  }
}

TEST(PartialRope, SwappingAxesAndHalvesCommutes) {
  Random random(9);
  const Dim side = 5;
  const Array x = random.normal({side * side, 8});
  const auto swap = [&](const Array& a) {
    Array result = a;
    for (Dim t = 0; t < side * side; ++t) {
      const Dim other = t % side * side + t / side;
      for (Dim i = 0; i < 8; ++i) result(other, (i + 4) % 8) = a(t, i);
    }
    return result;
  };
  const PartialRopeOptions axial{.heads = 1, .rotated = 8, .width = side};
  EXPECT_TRUE(isNear(rotate(swap(x), axial), swap(rotate(x, axial))));
}

TEST(PartialRope, PairsByNormAreTheLoudestOfEachHead) {
  const Dim d = 8;
  Random random(10);
  Array q = random.normal({100, 2 * d});
  Array k = random.normal({100, 2 * d});
  for (Dim t = 0; t < 100; ++t) {
    q(t, 2) *= 20.0;      // head 0, pair 1 of interleaved channels
    k(t, 7) *= 20.0;      // head 0, pair 3
    q(t, d + 0) *= 20.0;  // head 1, pair 0
    k(t, d + 4) *= 20.0;  // head 1, pair 2
  }
  const auto pairs = ropePairsByNorm(q.floats(), k.floats(), 2, d, 4, RopePairing::Interleaved);
  EXPECT_EQ(pairs, (std::vector<Dim>{1, 3, 0, 2}));
  auto options = sequence(2, 4);
  options.pairs = pairs;
  const Array actual = rotate(q, options);
  const Array expected =
      concatenate({refTurn(refHead(q, 0, 2), {2, 6}, {3, 7}, sequenceAngles(100, d, {1, 3})),
                   refTurn(refHead(q, 1, 2), {0, 4}, {1, 5}, sequenceAngles(100, d, {0, 2}))},
                  1);
  EXPECT_TRUE(isNear(actual, expected, {1e-3, 1e-5}));
}

TEST(PartialRope, FarPositionsKeepTheirPhase) {
  const Dim n = 5000;
  Array x({n, 2});
  for (Dim t = 0; t < n; ++t) x(t, 0) = 1.0;
  const Array turned = rotate(x, sequence(1, 2));
  EXPECT_NEAR(turned(n - 1, 0), std::cos(4999.0), 1e-6);
  EXPECT_NEAR(turned(n - 1, 1), std::sin(4999.0), 1e-6);
}

TEST(PartialRope, AgreesWithF32InBf16) {
  SKIP_WITHOUT_BF16();
  Random random(11);
  const Array x = random.normal({1, 30, 16}).roundedToBf16();
  const auto describe = [](GraphBuilder& graph, const std::vector<Tensor>& in) {
    return partialRope(graph, in[0], "rope", sequence(2, 4));
  };
  EXPECT_TRUE(isNear(runGraph(describe, {x}, {}, {.precision = Precision::BF16}),
                     runGraph(describe, {x}), kBf16Tolerance));
}

TEST(PartialRope, SizesThatDoNotFitAreRefused) {
  Random random(12);
  const Array x = random.normal({12, 8});
  EXPECT_NE(messageOf([&] { rotate(x, sequence(3, 2)); }).find("3 heads"), std::string::npos);
  EXPECT_NE(messageOf([&] { rotate(x, sequence(1, 3)); }).find("3 of 8"), std::string::npos);
  EXPECT_NE(messageOf([&] { rotate(x, {.heads = 1, .rotated = 8, .width = 5}); }).find("rows of 5"),
            std::string::npos);
  auto options = sequence(1, 4);
  options.pairs = {0, 9};
  EXPECT_NE(messageOf([&] { rotate(x, options); }).find("pairs"), std::string::npos);
}

}  // namespace

}  // namespace va::test
