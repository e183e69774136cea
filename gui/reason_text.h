#pragma once

#include <QString>
#include <exception>
#include <filesystem>
#include <optional>
#include <string>

#include "core/error.h"

namespace pristine::gui {

/// What app and core say about a failure, in the language of the interface. Names and numbers stay;
/// what a library adds in its own words stays too, behind what kind of failure it was.
QString reasonText(const std::string& reason, std::optional<ErrorCode> code = std::nullopt);
QString reasonText(const std::exception& error);
/// The same without the name of a picture that is named beside it.
QString reasonFor(const std::filesystem::path& picture, const std::string& reason,
                  std::optional<ErrorCode> code = std::nullopt);

}  // namespace pristine::gui
