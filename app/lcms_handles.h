#pragma once

#include <memory>

namespace pristine {

struct CloseProfile {
  void operator()(void* profile) const;
};
/// Owns a profile of Little CMS (cmsHPROFILE).
using ProfilePtr = std::unique_ptr<void, CloseProfile>;

struct DeleteTransform {
  void operator()(void* transform) const;
};
/// Owns a transform of Little CMS (cmsHTRANSFORM).
using TransformPtr = std::unique_ptr<void, DeleteTransform>;

}  // namespace pristine
