#include "app/lcms_handles.h"

#include <lcms2.h>

namespace pristine {

void CloseProfile::operator()(void* profile) const {
  cmsCloseProfile(profile);
}

void DeleteTransform::operator()(void* transform) const {
  cmsDeleteTransform(transform);
}

}  // namespace pristine
