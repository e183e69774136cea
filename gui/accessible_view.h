#pragma once

namespace pristine::gui {

/// Lets screen readers see a CompareView as a graphic whose value is the divider, 0 to 100. Call
/// once, before the first view is made.
void installAccessibleView();

}  // namespace pristine::gui
