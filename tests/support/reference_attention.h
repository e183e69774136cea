#pragma once

#include "vision_attention/reference/attention.h"

namespace va::test {

using namespace va::reference;

}  // namespace va::test
