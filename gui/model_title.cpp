#include "gui/model_title.h"

#include <QCoreApplication>

namespace pristine::gui {

namespace {

// Of the files in data/models.
[[maybe_unused]] constexpr const char* kTitles[] = {
    QT_TRANSLATE_NOOP("Model", "Blind denoising of colour and grey photographs"),
    QT_TRANSLATE_NOOP("Model", "Denoise, fast"),
    QT_TRANSLATE_NOOP("Model", "Remove JPEG artefacts"),
    QT_TRANSLATE_NOOP("Model", "Upscale x2"),
    QT_TRANSLATE_NOOP("Model", "Upscale x3"),
    QT_TRANSLATE_NOOP("Model", "Upscale x4"),
};

}  // namespace

QString modelTitle(const std::string& title) {
  return QCoreApplication::translate("Model", title.c_str());
}

}  // namespace pristine::gui
