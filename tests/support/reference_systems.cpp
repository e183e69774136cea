#include "tests/support/reference_systems.h"

#include <cmath>

#include "tests/support/reference_attention.h"

namespace va::test {

Array refHead(const Array& tokens, Dim head, Dim heads) {
  const Dim d = tokens.size(-1) / heads;
  return tokens.slice(-1, head * d, d);
}

Array refItem(const Array& tokens, Dim item) {
  return tokens.slice(0, item, 1).reshaped({tokens.size(1), tokens.size(2)});
}

Array refMultiHead(const Array& q, const Array& k, const Array& v, const RefHeads& heads,
                   const Array& mask, const Array& bias) {
  const Dim keyHeads = heads.keyHeads == 0 ? heads.heads : heads.keyHeads;
  std::vector<Array> parts;
  for (Dim head = 0; head < heads.heads; ++head) {
    const Array qh = refHead(q, head, heads.heads);
    const Dim shared = head / (heads.heads / keyHeads);
    const double scale =
        heads.scale == 0.0 ? 1.0 / std::sqrt(static_cast<double>(qh.size(1))) : heads.scale;
    parts.push_back(refAttention(qh, refHead(k, shared, keyHeads), refHead(v, shared, keyHeads),
                                 scale, mask, bias));
  }
  return concatenate(parts, 1);
}

}  // namespace va::test
