#include "gui/theme.h"

#include <gtest/gtest.h>

#include <QApplication>
#include <QPalette>
#include <algorithm>
#include <cmath>

namespace pristine::gui {
namespace {

/// Relative luminance, WCAG 2.1.
double luminance(const QColor& colour) {
  const auto linear = [](double v) {
    return v <= 0.03928 ? v / 12.92 : std::pow((v + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(colour.redF()) + 0.7152 * linear(colour.greenF()) +
         0.0722 * linear(colour.blueF());
}

double contrast(const QColor& a, const QColor& b) {
  const auto [low, high] = std::minmax({luminance(a), luminance(b)});
  return (high + 0.05) / (low + 0.05);
}

TEST(Theme, TextCanBeReadInLightAndDark) {
  const std::pair<QPalette::ColorRole, QPalette::ColorRole> pairs[] = {
      {QPalette::WindowText, QPalette::Window},
      {QPalette::Text, QPalette::Base},
      {QPalette::Text, QPalette::AlternateBase},
      {QPalette::ButtonText, QPalette::Button},
      {QPalette::PlaceholderText, QPalette::Base},
      {QPalette::PlaceholderText, QPalette::Button},
      {QPalette::ToolTipText, QPalette::ToolTipBase},
      {QPalette::HighlightedText, QPalette::Highlight}};
  for (const Theme theme : {Theme::Light, Theme::Dark}) {
    applyTheme(*qApp, theme);
    const QPalette palette = QApplication::palette();
    EXPECT_EQ(palette.color(QPalette::Window).lightness() < 128, theme == Theme::Dark);
    for (const auto& [text, ground] : pairs) {
      // Level AA of WCAG 2.1 for small text.
      EXPECT_GE(contrast(palette.color(text), palette.color(ground)), 4.5)
          << text << " on " << ground << " in " << toString(theme).toStdString();
    }
  }
  applyTheme(*qApp, Theme::Light);
}

TEST(Theme, NamesSurvive) {
  for (const Theme theme : {Theme::System, Theme::Light, Theme::Dark}) {
    EXPECT_EQ(themeFromString(toString(theme)), theme);
  }
  EXPECT_EQ(themeFromString(QStringLiteral("nonsense")), Theme::System);
}

}  // namespace
}  // namespace pristine::gui
