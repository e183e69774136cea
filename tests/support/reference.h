#pragma once

#include "vision_attention/reference/operators.h"

namespace va::test {

using namespace va::reference;

}  // namespace va::test
