#include "tests/support/compare.h"

#include <cmath>
#include <sstream>
#include <stdexcept>

namespace va::test {

namespace {

std::string indexText(const Shape& shape, std::size_t at) {
  std::vector<Dim> index;
  for (std::size_t i = shape.rank(); i-- > 0;) {
    const auto size = static_cast<std::size_t>(shape.dims()[i]);
    index.insert(index.begin(), static_cast<Dim>(at % size));
    at /= size;
  }
  return Shape(index).toString();
}

bool sameKind(double a, double b) {
  return (std::isnan(a) && std::isnan(b)) || a == b || (std::isfinite(a) && std::isfinite(b));
}

}  // namespace

Tolerance toleranceOf(Precision precision) {
  return precision == Precision::BF16 ? kBf16Tolerance : kF32Tolerance;
}

::testing::AssertionResult isNear(const Array& actual, const Array& expected,
                                  const Tolerance& tolerance) {
  if (actual.shape() != expected.shape()) {
    return ::testing::AssertionFailure() << "shape is " << actual.shape().toString()
                                         << ", expected " << expected.shape().toString();
  }
  double worst = -1.0;
  std::size_t worstAt = 0;
  double squares = 0.0;
  double reference = 0.0;
  const auto describe = [&](std::size_t at) {
    std::ostringstream text;
    text << "at " << indexText(actual.shape(), at) << " of " << actual.shape().toString() << ": "
         << actual.values()[at] << ", expected " << expected.values()[at];
    return text.str();
  };
  for (std::size_t i = 0; i < actual.elements(); ++i) {
    const double a = actual.values()[i];
    const double e = expected.values()[i];
    if (!sameKind(a, e)) return ::testing::AssertionFailure() << describe(i);
    if (!std::isfinite(a)) continue;
    const double difference = std::abs(a - e);
    squares += difference * difference;
    reference += e * e;
    if (difference > worst) {
      worst = difference;
      worstAt = i;
    }
  }
  const double relL2 = reference > 0.0 ? std::sqrt(squares / reference) : std::sqrt(squares);
  if (worst <= tolerance.maxAbs && relL2 <= tolerance.relL2) {
    return ::testing::AssertionSuccess() << "max abs " << worst << ", rel-L2 " << relL2;
  }
  return ::testing::AssertionFailure()
         << "max abs " << worst << " (limit " << tolerance.maxAbs << ") " << describe(worstAt)
         << "; rel-L2 " << relL2 << " (limit " << tolerance.relL2 << ")";
}

::testing::AssertionResult isEqual(const Array& actual, const Array& expected) {
  return isNear(actual, expected, {0.0, 0.0});
}

std::string messageOf(const std::function<void()>& action) {
  try {
    action();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing was thrown";
}

}  // namespace va::test
