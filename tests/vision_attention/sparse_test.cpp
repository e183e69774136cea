#include "vision_attention/attention/sparse.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "tests/support/compare.h"
#include "tests/support/graph_runner.h"
#include "tests/support/random.h"
#include "tests/support/reference.h"
#include "tests/support/reference_systems.h"

namespace va::test {

namespace {

struct Grid {
  Dim height = 0;
  Dim width = 0;
  Dim tokens() const { return height * width; }
};

/// Windows of one token, which make the compressed branch plain attention.
SparseOptions unitWindows(Dim heads, Dim selected) {
  return {.heads = heads,
          .compression = SparseCompression::Mean,
          .compressHeight = 1,
          .compressWidth = 1,
          .strideHeight = 1,
          .strideWidth = 1,
          .tile = 4,
          .selected = selected};
}

SparseOptions smallOptions(Dim heads, Dim selected) {
  return {.heads = heads,
          .compression = SparseCompression::Mean,
          .compressHeight = 4,
          .compressWidth = 2,
          .strideHeight = 2,
          .strideWidth = 2,
          .tile = 4,
          .selected = selected};
}

RefSparse referenceOptions(const Grid& grid, const SparseOptions& o) {
  RefSparse r{.height = grid.height,
              .width = grid.width,
              .heads = o.heads / o.keyHeads,
              .compressHeight = o.compressHeight,
              .compressWidth = o.compressWidth,
              .strideHeight = o.strideHeight,
              .strideWidth = o.strideWidth,
              .tile = o.tile,
              .selected = o.selected,
              .forceOwn = o.forceOwn,
              .perQuery = o.perQuery};
  if (o.window == SparseWindow::Radius) r.radius = o.radius;
  if (o.window == SparseWindow::None) r.radius = -2;
  return r;
}

struct Inputs {
  Array q;
  RefSparseKeys keys;
  Array gates;
};

Array constantGates(const Grid& grid, Dim heads, double compressed, double selected,
                    double window) {
  Array gates({grid.tokens(), 3 * heads});
  for (Dim t = 0; t < grid.tokens(); ++t) {
    for (Dim h = 0; h < heads; ++h) {
      gates(t, h) = compressed;
      gates(t, heads + h) = selected;
      gates(t, 2 * heads + h) = window;
    }
  }
  return gates;
}

Inputs randomInputs(const Grid& grid, Dim d, const SparseOptions& o, std::uint64_t seed) {
  Random random(seed);
  const Dim n = grid.tokens();
  const Dim kc = o.keyHeads * d;
  Inputs in;
  in.q = random.normal({n, o.heads * d});
  const Dim windows = sparseWindows(grid.height, grid.width, o);
  in.keys = {random.normal({windows, kc}), random.normal({windows, kc}), random.normal({n, kc}),
             random.normal({n, kc}),       random.normal({n, kc}),       random.normal({n, kc})};
  in.gates = random.uniform({n, 3 * o.heads}, 0.0, 1.0);
  return in;
}

struct Result {
  Array dst;        ///< [n, c]
  Array selection;  ///< [keyHeads, places, selected]
};

Result attend(const Inputs& in, Dim width, const SparseOptions& options,
              const RunOptions& run = {}) {
  const auto results = runGraphs(
      [&](GraphBuilder& graph, const std::vector<Tensor>& t) {
        const SparseResult result = sparseCore(
            graph, "core", {t[0], t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]}, width, options);
        return std::vector<Tensor>{result.dst, result.selection};
      },
      {refBatch(in.q), refBatch(in.keys.compressedKeys), refBatch(in.keys.compressedValues),
       refBatch(in.keys.selectionKeys), refBatch(in.keys.selectionValues),
       refBatch(in.keys.windowKeys), refBatch(in.keys.windowValues),
       Feed(refBatch(in.gates), DataType::F32)},
      {}, run);
  const Shape& s = results[1].shape();
  return {refItem(results[0], 0), results[1].reshaped({s[1], s[2], s[3]})};
}

/// The groups of heads one after the other: each has a key head of its own.
Array reference(const Inputs& in, const Grid& grid, const SparseOptions& o) {
  const Dim perGroup = o.heads / o.keyHeads;
  std::vector<Array> parts;
  for (Dim g = 0; g < o.keyHeads; ++g) {
    const auto own = [&](const Array& a) { return refHead(a, g, o.keyHeads); };
    std::vector<Array> gates;
    for (Dim b = 0; b < 3; ++b) {
      gates.push_back(in.gates.slice(1, b * o.heads + g * perGroup, perGroup));
    }
    parts.push_back(refSparse(
        own(in.q),
        {own(in.keys.compressedKeys), own(in.keys.compressedValues), own(in.keys.selectionKeys),
         own(in.keys.selectionValues), own(in.keys.windowKeys), own(in.keys.windowValues)},
        concatenate(gates, 1), referenceOptions(grid, o)));
  }
  return concatenate(parts, 1);
}

TEST(SparseAttention, AgreesWithTheOracleOnAwkwardGrids) {
  const Grid grids[] = {{4, 4}, {8, 12}, {9, 13}, {5, 30}, {17, 6}};
  for (const Grid& grid : grids) {
    for (const auto window : {SparseWindow::Tiles, SparseWindow::Radius, SparseWindow::None}) {
      SparseOptions options = smallOptions(4, 1);
      options.keyHeads = 2;
      options.window = window;
      options.radius = 3;
      options.selected = std::min<Dim>(3, (grid.height + 3) / 4 * ((grid.width + 3) / 4));
      const Inputs in = randomInputs(grid, 5, options, 1);
      EXPECT_TRUE(isNear(attend(in, grid.width, options).dst, reference(in, grid, options)))
          << grid.height << "x" << grid.width << " window " << static_cast<int>(window);
    }
  }
}

TEST(SparseAttention, PerQuerySelectionAgreesWithTheOracle) {
  const Grid grid{9, 13};
  for (const bool forceOwn : {true, false}) {
    SparseOptions options = smallOptions(2, 3);
    options.perQuery = true;
    options.forceOwn = forceOwn;
    const Inputs in = randomInputs(grid, 6, options, 2);
    const Result actual = attend(in, grid.width, options);
    EXPECT_TRUE(isNear(actual.dst, reference(in, grid, options)));
    const auto expected =
        refSelection(in.q, in.keys.compressedKeys, referenceOptions(grid, options));
    for (Dim t = 0; t < grid.tokens(); ++t) {
      for (Dim i = 0; i < 3; ++i) {
        EXPECT_EQ(actual.selection(0, t, i),
                  static_cast<double>(
                      expected[static_cast<std::size_t>(t)][static_cast<std::size_t>(i)]));
      }
    }
  }
}

TEST(SparseAttention, AgreesWithTheOracleInBf16) {
  SKIP_WITHOUT_BF16();
  const Grid grid{9, 13};
  const SparseOptions options = smallOptions(2, 12);
  Inputs in = randomInputs(grid, 8, options, 3);
  for (Array* a :
       {&in.q, &in.keys.compressedKeys, &in.keys.compressedValues, &in.keys.selectionKeys,
        &in.keys.selectionValues, &in.keys.windowKeys, &in.keys.windowValues}) {
    *a = a->roundedToBf16();
  }
  EXPECT_TRUE(isNear(attend(in, grid.width, options, {.precision = Precision::BF16}).dst,
                     reference(in, grid, options), kBf16Tolerance));
}

TEST(SparseAttention, AllBlocksSelectedIsSoftmaxAttention) {
  const Grid grid{9, 10};
  const SparseOptions options = smallOptions(2, 9);
  Inputs in = randomInputs(grid, 6, options, 4);
  in.gates = constantGates(grid, 2, 0.0, 1.0, 0.0);
  EXPECT_TRUE(isNear(attend(in, grid.width, options).dst,
                     refMultiHead(in.q, in.keys.selectionKeys, in.keys.selectionValues,
                                  {.heads = 2, .keyHeads = 1})));
}

TEST(SparseAttention, WindowOverTheImageIsSoftmaxAttention) {
  const Grid grid{7, 9};
  SparseOptions options = smallOptions(2, 1);
  options.window = SparseWindow::Radius;
  options.radius = 9;
  Inputs in = randomInputs(grid, 6, options, 5);
  in.gates = constantGates(grid, 2, 0.0, 0.0, 1.0);
  EXPECT_TRUE(isNear(
      attend(in, grid.width, options).dst,
      refMultiHead(in.q, in.keys.windowKeys, in.keys.windowValues, {.heads = 2, .keyHeads = 1})));
}

TEST(SparseAttention, WindowsOfOneTokenMakeCompressionSoftmaxAttention) {
  const Grid grid{6, 7};
  const SparseOptions options = unitWindows(2, 1);
  Inputs in = randomInputs(grid, 6, options, 6);
  in.gates = constantGates(grid, 2, 1.0, 0.0, 0.0);
  EXPECT_TRUE(isNear(attend(in, grid.width, options).dst,
                     refMultiHead(in.q, in.keys.compressedKeys, in.keys.compressedValues,
                                  {.heads = 2, .keyHeads = 1})));
}

TEST(SparseAttention, GatesThatSumToOneOverEqualBranchesAreSoftmaxAttention) {
  const Grid grid{8, 9};
  SparseOptions options = unitWindows(2, 6);
  options.window = SparseWindow::Radius;
  options.radius = 9;
  Inputs in = randomInputs(grid, 6, options, 7);
  in.keys.compressedKeys = in.keys.windowKeys = in.keys.selectionKeys;
  in.keys.compressedValues = in.keys.windowValues = in.keys.selectionValues;
  in.gates = constantGates(grid, 2, 0.25, 0.25, 0.5);
  EXPECT_TRUE(isNear(attend(in, grid.width, options).dst,
                     refMultiHead(in.q, in.keys.selectionKeys, in.keys.selectionValues,
                                  {.heads = 2, .keyHeads = 1})));
}

TEST(SparseAttention, GoldenOverlapRowsOfThePapersSizes) {
  // One-dimensional as in the paper: 32 tokens every 16, blocks of 64 on a row of tokens.
  const RefSparse paper{.height = 1,
                        .width = 256,
                        .heads = 1,
                        .compressHeight = 1,
                        .compressWidth = 32,
                        .strideHeight = 1,
                        .strideWidth = 16,
                        .tile = 64};
  const Array overlap = refOverlap(paper);
  const double first[] = {2, 2, 2, 1, 0};
  const double second[] = {0, 0, 0, 1, 2, 2, 2, 1, 0};
  for (Dim i = 0; i < 5; ++i) EXPECT_NEAR(overlap(0, i), first[i], 1e-12);
  for (Dim i = 0; i < 9; ++i) EXPECT_NEAR(overlap(1, i), second[i], 1e-12);
}

TEST(SparseAttention, OverlapRowsSumToTheRatiosAndUnitSizesAreTheIdentity) {
  const RefSparse grid{.height = 24,
                       .width = 24,
                       .heads = 1,
                       .compressHeight = 8,
                       .compressWidth = 4,
                       .strideHeight = 4,
                       .strideWidth = 4,
                       .tile = 8};
  const Array overlap = refOverlap(grid);
  double sum = 0.0;
  for (Dim i = 0; i < overlap.size(1); ++i) sum += overlap(4, i);  // the middle block
  EXPECT_NEAR(sum, (32.0 / 16.0) * (64.0 / 16.0), 1e-12);
  const RefSparse unit{.height = 8,
                       .width = 12,
                       .heads = 1,
                       .compressHeight = 4,
                       .compressWidth = 4,
                       .strideHeight = 4,
                       .strideWidth = 4,
                       .tile = 4};
  const Array same = refOverlap(unit);
  for (Dim j = 0; j < 6; ++j) {
    for (Dim i = 0; i < 6; ++i) EXPECT_NEAR(same(j, i), i == j ? 1.0 : 0.0, 1e-12);
  }
}

TEST(SparseAttention, SelectionFollowsTheOverlapOfTheCompressedWeights) {
  const Grid grid{16, 20};
  SparseOptions options{.heads = 2,
                        .compression = SparseCompression::Mean,
                        .compressHeight = 8,
                        .compressWidth = 4,
                        .strideHeight = 4,
                        .strideWidth = 4,
                        .tile = 4,
                        .selected = 5};
  const Inputs in = randomInputs(grid, 8, options, 8);
  const Result actual = attend(in, grid.width, options);
  const auto expected = refSelection(in.q, in.keys.compressedKeys, referenceOptions(grid, options));
  for (Dim tile = 0; tile < 20; ++tile) {
    const Dim token = tile / 5 * 4 * 20 + tile % 5 * 4;
    for (Dim i = 0; i < 5; ++i) {
      EXPECT_EQ(actual.selection(0, tile, i),
                static_cast<double>(
                    expected[static_cast<std::size_t>(token)][static_cast<std::size_t>(i)]));
    }
  }
}

TEST(SparseAttention, GoldenKeysPerQueryAtSixtyFourThousandTokens) {
  // The paper's one-dimensional sizes: 4095 + 1024 + 512 = 5631 keys for 65536 tokens.
  const SparseOptions paper{.compressHeight = 1,
                            .compressWidth = 32,
                            .strideHeight = 1,
                            .strideWidth = 16,
                            .tile = 64,
                            .selected = 16};
  const SparseOptions row{.compressHeight = 32,
                          .compressWidth = 1,
                          .strideHeight = 16,
                          .strideWidth = 1,
                          .tile = 64,
                          .selected = 16};
  EXPECT_EQ(sparseWindows(1, 65536, paper) + 16 * 64 + 512, 5631);
  EXPECT_EQ(sparseWindows(65536, 1, row), 4095);
}

TEST(SparseAttention, HeadsOfAGroupShareOneSelection) {
  // A head whose scores dominate decides for both: the result equals that of two groups only if
  // each group has its own selection.
  const Grid grid{12, 12};
  SparseOptions grouped = smallOptions(2, 2);
  Inputs in = randomInputs(grid, 6, grouped, 9);
  const Result one = attend(in, grid.width, grouped);
  EXPECT_EQ(one.selection.size(0), 1);
  SparseOptions separate = grouped;
  separate.keyHeads = 2;
  const auto twice = [](const Array& a) { return concatenate({a, a}, 1); };
  Inputs both = in;
  both.keys = {twice(in.keys.compressedKeys), twice(in.keys.compressedValues),
               twice(in.keys.selectionKeys),  twice(in.keys.selectionValues),
               twice(in.keys.windowKeys),     twice(in.keys.windowValues)};
  const Result two = attend(both, grid.width, separate);
  EXPECT_EQ(two.selection.size(0), 2);
  EXPECT_FALSE(isEqual(two.selection.slice(0, 0, 1), two.selection.slice(0, 1, 1)));
}

TEST(SparseAttention, PermutingWholeTilesPermutesTheOutput) {
  const Grid grid{8, 12};
  SparseOptions options{.heads = 2,
                        .compression = SparseCompression::Mean,
                        .compressHeight = 4,
                        .compressWidth = 4,
                        .strideHeight = 4,
                        .strideWidth = 4,
                        .tile = 4,
                        .selected = 2,
                        .window = SparseWindow::None};
  const Inputs in = randomInputs(grid, 6, options, 10);
  const Dim order[] = {4, 2, 0, 5, 1, 3};
  const auto moveTokens = [&](const Array& a) {
    Array result = a;
    for (Dim t = 0; t < grid.tokens(); ++t) {
      const Dim tile = t / 12 / 4 * 3 + t % 12 / 4;
      const Dim source = order[tile];
      const Dim from = (source / 3 * 4 + t / 12 % 4) * 12 + source % 3 * 4 + t % 12 % 4;
      for (Dim i = 0; i < a.size(1); ++i) result(t, i) = a(from, i);
    }
    return result;
  };
  const auto moveWindows = [&](const Array& a) {
    Array result = a;
    for (Dim t = 0; t < 6; ++t) {
      for (Dim i = 0; i < a.size(1); ++i) result(t, i) = a(order[t], i);
    }
    return result;
  };
  Inputs moved;
  moved.q = moveTokens(in.q);
  moved.gates = moveTokens(in.gates);
  moved.keys = {moveWindows(in.keys.compressedKeys), moveWindows(in.keys.compressedValues),
                moveTokens(in.keys.selectionKeys),   moveTokens(in.keys.selectionValues),
                moveTokens(in.keys.windowKeys),      moveTokens(in.keys.windowValues)};
  EXPECT_TRUE(isNear(attend(moved, grid.width, options).dst,
                     moveTokens(attend(in, grid.width, options).dst)));
}

TEST(SparseAttention, MoreSelectedBlocksNeverLowerTheCapturedMass) {
  const Grid grid{12, 16};
  SparseOptions options = smallOptions(1, 1);
  Inputs in = randomInputs(grid, 8, options, 11);
  in.keys.compressedKeys = refWindowMeans(in.keys.selectionKeys, referenceOptions(grid, options));
  const Array weights =
      refSoftmax((1.0 / std::sqrt(8.0)) * refMatmul(in.q, refTransposed(in.keys.selectionKeys)));
  double before = 0.0;
  for (Dim selected = 1; selected <= 12; ++selected) {
    options.selected = selected;
    const Result result = attend(in, grid.width, options);
    double mass = 0.0;
    for (Dim t = 0; t < grid.tokens(); ++t) {
      for (Dim u = 0; u < grid.tokens(); ++u) {
        const Dim own = t / 16 / 4 * 4 + t % 16 / 4;
        const Dim tile = u / 16 / 4 * 4 + u % 16 / 4;
        for (Dim i = 0; i < selected; ++i) {
          if (result.selection(0, own, i) == static_cast<double>(tile)) mass += weights(t, u);
        }
      }
    }
    EXPECT_GE(mass, before - 1e-9);
    before = mass;
  }
  EXPECT_NEAR(before, static_cast<double>(grid.tokens()), 1e-6);
}

TEST(SparseAttention, ShortTilesAndTokensOutsideOfWindowsAreNoKeysOfZeros) {
  // Values of one everywhere: any padding that took part would pull the result below the gates'
  // sum.
  const Grid grid{5, 7};
  SparseOptions options = smallOptions(2, 4);
  Inputs in = randomInputs(grid, 6, options, 12);
  for (Array* v : {&in.keys.compressedValues, &in.keys.selectionValues, &in.keys.windowValues}) {
    *v = Array(v->shape(), 1.0);
  }
  in.gates = constantGates(grid, 2, 0.5, 0.25, 0.125);
  EXPECT_TRUE(isNear(attend(in, grid.width, options).dst, Array(in.q.shape(), 0.875)));
}

RefWeights layerWeights(Dim c, const SparseOptions& o, std::uint64_t seed) {
  Random random(seed);
  RefWeights weights;
  const Dim d = c / o.heads;
  const Dim keyChannels = d * o.keyHeads;
  addLinear(weights, "a.q", c, c, random);
  for (const char* name :
       {"k_compressed", "v_compressed", "k_selected", "v_selected", "k_window", "v_window"}) {
    addLinear(weights, std::string("a.") + name, keyChannels, c, random);
  }
  addLinear(weights, "a.gate", 3 * o.heads, c, random);
  addLinear(weights, "a.projection", c, c, random);
  const Dim length = o.compressHeight * o.compressWidth;
  for (const char* name : {"a.compress_k", "a.compress_v"}) {
    weights[std::string(name) + ".position"] = random.normal({length, d}, 0.0, 0.5);
    addLinear(weights, std::string(name) + ".hidden", 2 * d, length * d, random);
    addLinear(weights, std::string(name) + ".out", d, 2 * d, random);
  }
  return weights;
}

Array runLayer(const RefWeights& weights, const Array& src, const SparseOptions& options,
               const RunOptions& run = {}) {
  const Array out = runGraph(
      [&](GraphBuilder& graph, const std::vector<Tensor>& in) {
        return sparseAttention(graph, in[0], "a", options).dst;
      },
      {src}, weightsOf(weights), run);
  return out.reshaped({src.size(1) * src.size(2), src.size(3)});
}

/// The learned compression of one key head.
Array refCompressLayer(const RefWeights& weights, const std::string& name, const Array& tokens,
                       const RefSparse& o) {
  const Dim d = tokens.size(1);
  const Dim across = (o.width - o.compressWidth) / o.strideWidth + 1;
  const Dim down = (o.height - o.compressHeight) / o.strideHeight + 1;
  const Dim length = o.compressHeight * o.compressWidth;
  Array rows({across * down, length * d});
  for (Dim i = 0; i < across * down; ++i) {
    for (Dim j = 0; j < length; ++j) {
      const Dim y = i / across * o.strideHeight + j / o.compressWidth;
      const Dim x = i % across * o.strideWidth + j % o.compressWidth;
      for (Dim e = 0; e < d; ++e) {
        rows(i, j * d + e) = tokens(y * o.width + x, e) + weights.at(name + ".position")(j, e);
      }
    }
  }
  return refLayer(weights, name + ".out", map(refLayer(weights, name + ".hidden", rows), refGelu));
}

TEST(SparseAttention, LayerAgreesWithTheOracle) {
  const Grid grid{8, 12};
  SparseOptions options = smallOptions(4, 2);
  options.keyHeads = 1;
  options.compression = SparseCompression::Mlp;
  const RefWeights weights = layerWeights(16, options, 13);
  Random random(14);
  const Array src = random.normal({1, grid.height, grid.width, 16});
  const Array x = src.reshaped({grid.tokens(), 16});
  const RefSparse o = referenceOptions(grid, options);
  const auto project = [&](const char* name) {
    return refLayer(weights, std::string("a.") + name, x);
  };
  const RefSparseKeys keys{refCompressLayer(weights, "a.compress_k", project("k_compressed"), o),
                           refCompressLayer(weights, "a.compress_v", project("v_compressed"), o),
                           project("k_selected"),
                           project("v_selected"),
                           project("k_window"),
                           project("v_window")};
  const Array core = refSparse(project("q"), keys, map(project("gate"), refLogistic), o);
  EXPECT_TRUE(isNear(runLayer(weights, src, options), refLayer(weights, "a.projection", core)));
}

TEST(SparseAttention, GatesForcedToSelectionOfAllAreMultiHeadAttention) {
  const Grid grid{8, 12};
  SparseOptions options = smallOptions(4, 6);
  options.keyHeads = 4;
  options.compression = SparseCompression::Mlp;
  RefWeights weights = layerWeights(16, options, 15);
  weights["a.gate.weight"] = Array({12, 16});
  Array bias({12}, -200.0);
  for (Dim i = 4; i < 8; ++i) bias(i) = 200.0;
  weights["a.gate.bias"] = bias;
  RefWeights plain;
  for (const auto& [to, from] : {std::pair<const char*, const char*>{"a.q", "a.q"},
                                 {"a.k", "a.k_selected"},
                                 {"a.v", "a.v_selected"},
                                 {"a.projection", "a.projection"}}) {
    plain[std::string(to) + ".weight"] = weights.at(std::string(from) + ".weight");
    plain[std::string(to) + ".bias"] = weights.at(std::string(from) + ".bias");
  }
  Random random(16);
  const Array src = random.normal({1, grid.height, grid.width, 16});
  EXPECT_TRUE(isNear(runLayer(weights, src, options),
                     refMultiHeadLayer(plain, "a", src.reshaped({grid.tokens(), 16}), 4)));
}

TEST(SparseAttention, RotatedLayerDependsOnPlaces) {
  const Grid grid{8, 8};
  SparseOptions options = smallOptions(2, 2);
  options.compression = SparseCompression::Mlp;
  const RefWeights weights = layerWeights(16, options, 17);
  Random random(18);
  const Array src = random.normal({1, grid.height, grid.width, 16});
  SparseOptions rotated = options;
  rotated.rotated = 4;
  EXPECT_FALSE(isNear(runLayer(weights, src, rotated), runLayer(weights, src, options)));
}

TEST(SparseAttention, ThreadsDoNotChangeTheResult) {
  const Grid grid{21, 30};
  const SparseOptions options = smallOptions(4, 5);
  const Inputs in = randomInputs(grid, 8, options, 19);
  const Result one = attend(in, grid.width, options);
  const Result three = attend(in, grid.width, options, {.threads = 3});
  EXPECT_TRUE(isEqual(three.dst, one.dst));
  EXPECT_TRUE(isEqual(three.selection, one.selection));
}

TEST(SparseAttention, SizesThatDoNotFitAreRefused) {
  const Grid grid{8, 8};
  SparseOptions options = smallOptions(2, 2);
  const Inputs in = randomInputs(grid, 6, options, 20);
  EXPECT_NE(messageOf([&] { attend(in, 7, options); }).find("rows of 7"), std::string::npos);
  SparseOptions many = options;
  many.selected = 5;
  EXPECT_NE(messageOf([&] { attend(in, 8, many); }).find("5 of 4 blocks"), std::string::npos);
  SparseOptions odd = options;
  odd.strideWidth = 3;
  EXPECT_NE(messageOf([&] { attend(in, 8, odd); }).find("stride divides"), std::string::npos);
}

}  // namespace

}  // namespace va::test
