#include "gui/theme.h"

#include <QApplication>
#include <QPalette>
#include <QStyleFactory>

// The macro cannot be used inside a namespace.
static void initializeResources() {
  Q_INIT_RESOURCE(resources);
}

namespace pristine::gui {

namespace {

struct Colours {
  QColor window, panel, base, text, faint, border, hover, accent, canvas;
};

const Colours kLight{QColor(0xF3F4F6), QColor(0xFFFFFF), QColor(0xFFFFFF),
                     QColor(0x1C1F24), QColor(0x5A616C), QColor(0xCFD3DA),
                     QColor(0xE4E7EC), QColor(0x1F6FD6), QColor(0xDDE0E5)};
const Colours kDark{QColor(0x1B1D21), QColor(0x24272C), QColor(0x181A1D),
                    QColor(0xE9EBEE), QColor(0xA3A9B3), QColor(0x3D424B),
                    QColor(0x32363D), QColor(0x2570D2), QColor(0x111214)};

QPalette paletteOf(const Colours& c) {
  QPalette p;
  p.setColor(QPalette::Window, c.window);
  p.setColor(QPalette::WindowText, c.text);
  p.setColor(QPalette::Base, c.base);
  p.setColor(QPalette::AlternateBase, c.panel);
  p.setColor(QPalette::Text, c.text);
  p.setColor(QPalette::PlaceholderText, c.faint);
  p.setColor(QPalette::Button, c.panel);
  p.setColor(QPalette::ButtonText, c.text);
  p.setColor(QPalette::BrightText, Qt::white);
  p.setColor(QPalette::Highlight, c.accent);
  p.setColor(QPalette::HighlightedText, Qt::white);
  p.setColor(QPalette::ToolTipBase, c.panel);
  p.setColor(QPalette::ToolTipText, c.text);
  p.setColor(QPalette::Link, c.accent);
  p.setColor(QPalette::Light, c.hover);
  p.setColor(QPalette::Midlight, c.hover);
  p.setColor(QPalette::Mid, c.border);
  p.setColor(QPalette::Dark, c.canvas);
  p.setColor(QPalette::Shadow, c.border);
  QColor disabled = c.faint;
  disabled.setAlphaF(0.6F);
  for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText}) {
    p.setColor(QPalette::Disabled, role, disabled);
  }
  return p;
}

QString sheetOf(const Colours& c) {
  QString sheet = QStringLiteral(R"(
QToolBar { background: %panel; border: none; border-bottom: 1px solid %border; padding: 5px 8px;
  spacing: 2px; }
QToolBar::separator { background: %border; width: 1px; margin: 6px 6px; }
QToolButton { border: 1px solid transparent; border-radius: 6px; padding: 5px 8px; color: %text; }
QToolButton:hover { background: %hover; }
QToolButton:pressed { background: %border; }
QToolButton:checked { background: %accent; color: white; }
QToolButton:focus { border: 1px solid %accent; }
QToolButton::menu-indicator { width: 0px; }
#queuePanel, #taskPanel, #taskContent { background: %panel; }
#queuePanel { border-right: 1px solid %border; }
#taskPanel { border-left: 1px solid %border; }
#sectionTitle { font-weight: 600; }
#hint { color: %faint; }
#errorBar { background: #B3261E; }
#errorBar QLabel { color: white; }
#errorBar QPushButton { background: transparent; color: white; border: 1px solid white; }
#errorBar QPushButton:hover { background: #8C1D18; }
#noticeBar { background: %hover; border-bottom: 1px solid %border; }
#emptyTitle { font-size: 17pt; font-weight: 600; }
QStatusBar { background: %panel; border-top: 1px solid %border; }
QStatusBar::item { border: none; }
QStatusBar QLabel { padding: 3px 8px; }
QPushButton { background: %base; border: 1px solid %border; border-radius: 6px;
  padding: 6px 14px; color: %text; }
QPushButton:hover { background: %hover; }
QPushButton:pressed { background: %border; }
QPushButton:focus { border: 1px solid %accent; }
QPushButton:default, QPushButton#primary { background: %accent; border: 1px solid %accent;
  color: white; }
QPushButton#primary:disabled { background: %hover; border: 1px solid %border; color: %faint; }
QPushButton:disabled { color: %faint; }
QPushButton#primary:focus { border: 2px solid %text; }
QComboBox, QSpinBox, QDoubleSpinBox, QLineEdit { background: %base; border: 1px solid %border;
  border-radius: 6px; padding: 5px 8px; color: %text; selection-background-color: %accent; }
QComboBox:focus, QSpinBox:focus, QDoubleSpinBox:focus, QLineEdit:focus {
  border: 1px solid %accent; }
QComboBox::drop-down { border: none; width: 24px; }
QComboBox::down-arrow { image: url(:/icons/arrow-down.png); width: 12px; height: 12px; }
QSpinBox { padding-right: 22px; }
QSpinBox::up-button, QSpinBox::down-button { subcontrol-origin: border; width: 22px; border: none;
  background: transparent; }
QSpinBox::up-button { subcontrol-position: top right; margin-top: 2px; }
QSpinBox::down-button { subcontrol-position: bottom right; margin-bottom: 2px; }
QSpinBox::up-arrow { image: url(:/icons/arrow-up.png); width: 10px; height: 10px; }
QSpinBox::down-arrow { image: url(:/icons/arrow-down.png); width: 10px; height: 10px; }
QCheckBox::indicator { width: 16px; height: 16px; border: 1px solid %faint; border-radius: 4px;
  background: %base; }
QCheckBox::indicator:checked { background: %accent; border: 1px solid %accent;
  image: url(:/icons/check.png); }
QCheckBox::indicator:focus { border: 2px solid %text; }
QComboBox QAbstractItemView { background: %panel; border: 1px solid %border; padding: 4px;
  selection-background-color: %accent; selection-color: white; }
QListView, QTableView, QTreeView { background: %panel; border: none; outline: none; }
QTableView { border: 1px solid %border; border-radius: 6px; gridline-color: %border; }
QTableView::item:selected { background: %accent; color: white; }
QHeaderView::section { background: %hover; border: none; padding: 6px 3px; color: %text; }
QTabBar::tab { padding: 9px 16px; border: none; border-bottom: 2px solid transparent;
  color: %faint; }
QTabBar::tab:selected { color: %text; border-bottom: 2px solid %accent; }
QTabBar::tab:focus { color: %accent; }
QTabWidget::pane { border: none; border-top: 1px solid %border; }
QSlider { min-height: 24px; }
QSlider::groove:horizontal { height: 4px; border-radius: 2px; background: %border; }
QSlider::sub-page:horizontal { height: 4px; border-radius: 2px; background: %accent; }
QSlider::handle:horizontal { width: 16px; height: 16px; margin: -7px 0; border-radius: 9px;
  background: %handle; border: 1px solid %border; }
QSlider::handle:horizontal:focus { border: 3px solid %accent; }
QProgressBar { background: %hover; border: none; border-radius: 3px; max-height: 6px;
  min-height: 6px; }
QProgressBar::chunk { background: %accent; border-radius: 3px; }
QScrollBar:vertical { background: transparent; width: 12px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 12px; margin: 0; }
QScrollBar::handle { background: %border; border-radius: 4px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 32px; }
QScrollBar::handle:horizontal { min-width: 32px; }
QScrollBar::handle:hover { background: %faint; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; }
QScrollBar::add-page, QScrollBar::sub-page { background: transparent; }
QMenu { background: %panel; border: 1px solid %border; padding: 5px; }
QMenu::item { padding: 6px 26px 6px 26px; border-radius: 4px; color: %text; }
QMenu::item:selected { background: %accent; color: white; }
QMenu::item:disabled { color: %faint; }
QMenu::separator { height: 1px; background: %border; margin: 5px 8px; }
QMenuBar { background: %panel; border-bottom: 1px solid %border; }
QMenuBar::item { padding: 5px 10px; border-radius: 4px; background: transparent; color: %text; }
QMenuBar::item:selected { background: %hover; }
QSplitter::handle { background: %border; }
QSplitter::handle:hover { background: %accent; }
QToolTip { background: %panel; color: %text; border: 1px solid %border; padding: 4px 6px; }
QCheckBox, QRadioButton { spacing: 8px; }
)");
  const std::pair<const char*, QColor> names[] = {
      {"%window", c.window}, {"%panel", c.panel},   {"%base", c.base},
      {"%text", c.text},     {"%faint", c.faint},   {"%border", c.border},
      {"%hover", c.hover},   {"%accent", c.accent}, {"%handle", QColor(Qt::white)}};
  for (const auto& [name, colour] : names) sheet.replace(QLatin1String(name), colour.name());
  return sheet;
}

}  // namespace

void applyTheme(QApplication& application, Theme theme) {
  static const bool systemIsDark =
      QPalette(QApplication::palette()).color(QPalette::Window).lightness() < 128;
  initializeResources();
  const bool dark = theme == Theme::Dark || (theme == Theme::System && systemIsDark);
  const Colours& colours = dark ? kDark : kLight;
  application.setStyle(QStyleFactory::create(QStringLiteral("Fusion")));
  QApplication::setPalette(paletteOf(colours));
  application.setStyleSheet(sheetOf(colours));
}

QString toString(Theme theme) {
  switch (theme) {
    case Theme::Light:
      return QStringLiteral("light");
    case Theme::Dark:
      return QStringLiteral("dark");
    case Theme::System:
      break;
  }
  return QStringLiteral("system");
}

Theme themeFromString(const QString& text) {
  if (text == QLatin1String("light")) return Theme::Light;
  return text == QLatin1String("dark") ? Theme::Dark : Theme::System;
}

}  // namespace pristine::gui
