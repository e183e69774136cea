#pragma once

#include <QString>
#include <string>

namespace pristine::gui {

/// What a model file says it is: in the language of the interface where the model comes with the
/// program, as it stands otherwise.
QString modelTitle(const std::string& title);

}  // namespace pristine::gui
