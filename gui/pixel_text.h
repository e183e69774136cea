#pragma once

#include <QPoint>
#include <QString>

#include "gui/picture_source.h"

namespace pristine::gui {

/// "12, 34   120 88 61 → 118 90 60": a pixel of the after side and what lies there before, as their
/// files hold them; floats as they are.
QString pixelText(const PictureSource& before, const PictureSource& after, const QPoint& pixel);

}  // namespace pristine::gui
