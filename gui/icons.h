#pragma once

#include <QIcon>

namespace pristine::gui {

enum class Glyph {
  Open,
  Folder,
  Paste,
  Save,
  Start,
  Pause,
  Stop,
  Split,
  SideBySide,
  Blink,
  Difference,
  Lens,
  Fit,
  ActualSize,
  Copy,
  Pin,
  Reference,
  Remove,
  Retry,
  Add,
  Keyboard,
  Settings,
  Waiting,
  Done,
  Failed,
  Previous,
  Next
};

/// A line drawing in the text colour of the palette, sharp at every size.
QIcon icon(Glyph glyph);

/// The program's own icon.
QIcon applicationIcon();

}  // namespace pristine::gui
