#pragma once

#include <map>
#include <string>
#include <vector>

#include "vision_attention/reference/array.h"
#include "vision_attention/reference/random.h"

/// The attention systems beside the restoration network's as plain f64 loops after their papers,
/// independent of the code under test. Token tensors are [n, channels], heads side by side.
namespace va::reference {

/// Parameters of a layer by name, as Weights holds them.
using RefWeights = std::map<std::string, Array>;

/// Adds name.weight [oc, ic] and, unless `bias` is false, name.bias [oc], scaled to keep variances.
void addLinear(RefWeights& weights, const std::string& name, Dim oc, Dim ic, Random& random,
               bool bias = true);
/// Adds scope.q, k, v, projection of a layer of c channels.
void addProjections(RefWeights& weights, const std::string& scope, Dim c, Random& random);
/// refLinear() with name.weight and name.bias, if there.
Array refLayer(const RefWeights& weights, const std::string& name, const Array& src);

struct RefHeads {
  Dim heads = 1;
  Dim keyHeads = 0;    ///< 0: as many as heads
  double scale = 0.0;  ///< 0: 1 / sqrt of the size of a key
};

/// Softmax attention of every head: q [n, heads * d], k [m, keyHeads * d], v [m, keyHeads * e] ->
/// [n, heads * e]. mask and bias as in refAttention(), the same for all heads.
Array refMultiHead(const Array& q, const Array& k, const Array& v, const RefHeads& heads,
                   const Array& mask = {}, const Array& bias = {});
/// multiHeadAttention() on [n, c].
Array refMultiHeadLayer(const RefWeights& weights, const std::string& scope, const Array& src,
                        Dim heads, const Array& bias = {});

/// Channels of one head: [n, heads * d] -> [n, d].
Array refHead(const Array& tokens, Dim head, Dim heads);
/// Batch item of [mb, n, c] as [n, c].
Array refItem(const Array& tokens, Dim item);
/// [n, c] as a batch of one, [1, n, c].
Array refBatch(const Array& tokens);

/// Turns the pairs of one head [n, d]: angles [n, pairs]; first[i] and second[i] are channels.
Array refTurn(const Array& head, const std::vector<Dim>& first, const std::vector<Dim>& second,
              const Array& angles);

/// daGPAM of all heads: ((1 + plus) softmax - minus softmax of negative) v.
Array refGeneralized(const Array& q, const Array& negative, const Array& k, const Array& v,
                     const std::vector<double>& plus, const std::vector<double>& minus);

struct RefMixture {
  Dim heads = 1;
  Dim shared = 0;
  Dim active = 1;
  bool code = true;
  Dim width = 0;  ///< tile routing if not 0
  Dim tile = 8;
};
/// Gates [n, heads] of mixture-of-head attention from tokens [n, c].
Array refGates(const RefWeights& weights, const std::string& scope, const Array& src,
               const RefMixture& options);
/// Dense form: all heads, times their gates.
Array refMixtureLayer(const RefWeights& weights, const std::string& scope, const Array& src,
                      const RefMixture& options);

/// Reuse attention on one window [h, w, c].
Array refReuse(const RefWeights& weights, const std::string& scope, const Array& src,
               const std::vector<Dim>& kernels, double scale);

/// Training-free agent attention of all heads.
Array refAgentTrainingFree(const Array& agents, const Array& q, const Array& k, const Array& v,
                           Dim heads, double power, double shortcut);

/// Log keep probabilities [n] of DynamicViT's predictor.
Array refKeepScores(const RefWeights& weights, const std::string& scope, const Array& src);

/// Rows that each token of [n, c] merges into; destinations[i] says which tokens take others up.
std::vector<Dim> refMatch(const Array& metric, const std::vector<bool>& destinations, Dim merged);
/// Means by row.
Array refMerge(const Array& src, const std::vector<Dim>& rows);

/// Rows x / sqrt(mean x^2 + 1e-6) * gain.
Array refRmsNorm(const Array& src, const Array& gain);

/// Native sparse attention of one group of heads on a grid.
struct RefSparse {
  Dim height = 0;
  Dim width = 0;
  Dim heads = 1;  ///< of queries, one key head
  Dim compressHeight = 1;
  Dim compressWidth = 1;
  Dim strideHeight = 1;
  Dim strideWidth = 1;
  Dim tile = 1;
  Dim selected = 1;
  bool forceOwn = true;
  bool perQuery = false;
  Dim radius = -1;  ///< of the window branch; -1: own tile and its neighbours, -2: no window
};
/// Common tokens of block j and compression window i over the stride's area: [tiles, windows].
Array refOverlap(const RefSparse& options);
/// Blocks that each query attends to: [n][selected], ascending.
std::vector<std::vector<Dim>> refSelection(const Array& q, const Array& compressedKeys,
                                           const RefSparse& options);
struct RefSparseKeys {
  Array compressedKeys;
  Array compressedValues;
  Array selectionKeys;
  Array selectionValues;
  Array windowKeys;
  Array windowValues;
};
/// gates [n, 3 * heads].
Array refSparse(const Array& q, const RefSparseKeys& keys, const Array& gates,
                const RefSparse& options);
/// Mean of every compression window: [n, c] -> [windows, c].
Array refWindowMeans(const Array& src, const RefSparse& options);

}  // namespace va::reference
