#pragma once

#include "vision_attention/reference/array.h"

namespace va::test {

using namespace va::reference;

}  // namespace va::test
