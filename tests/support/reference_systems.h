#pragma once

#include "vision_attention/reference/systems.h"

namespace va::test {

using namespace va::reference;

}  // namespace va::test
