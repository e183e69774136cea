#pragma once

#include "vision_attention/reference/random.h"

namespace va::test {

using namespace va::reference;

}  // namespace va::test
