#include "gui/icons.h"

#include <QGuiApplication>
#include <QIconEngine>
#include <QPainter>
#include <QPainterPath>
#include <QPalette>
#include <QStringList>

namespace pristine::gui {

namespace {

constexpr double kGrid = 24.0;  ///< units of a glyph's side

/// Lines on a 24x24 grid: "M x y" and "L x y" as in SVG, "Q x y x y" a curve, "O x y r" a circle,
/// "R x y w h" a rectangle with round corners, "Z" closes.
const char* linesOf(Glyph glyph) {
  switch (glyph) {
    case Glyph::Open:
      return "R 3 5 18 14 M 3 16 L 9 10 L 13 14 L 16 11 L 21 16 O 16 8.5 1.2";
    case Glyph::Folder:
      return "M 3 7 L 3 19 L 21 19 L 21 8 L 12 8 L 10 5 L 3 5 Z";
    case Glyph::Paste:
      return "R 5 5 14 16 R 9 3 6 4 M 9 12 L 15 12 M 9 16 L 13 16";
    case Glyph::Save:
      return "M 12 3 L 12 15 M 7 10 L 12 15 L 17 10 M 4 17 L 4 20 L 20 20 L 20 17";
    case Glyph::Start:
      return "M 7 4 L 19 12 L 7 20 Z";
    case Glyph::Pause:
      return "R 6 5 4 14 R 14 5 4 14";
    case Glyph::Stop:
      return "R 6 6 12 12";
    case Glyph::Split:
      return "R 3 5 18 14 M 12 2 L 12 22 M 9 10 L 7 12 L 9 14 M 15 10 L 17 12 L 15 14";
    case Glyph::SideBySide:
      return "R 3 5 8 14 R 13 5 8 14";
    case Glyph::Blink:
      return "M 2 12 Q 12 0 22 12 Q 12 24 2 12 Z O 12 12 3";
    case Glyph::Difference:
      return "O 9 12 6 O 15 12 6";
    case Glyph::Lens:
      return "O 10.5 10.5 6.5 M 15.5 15.5 L 21 21";
    case Glyph::Fit:
      return "M 4 9 L 4 4 L 9 4 M 15 4 L 20 4 L 20 9 M 20 15 L 20 20 L 15 20 M 9 20 L 4 20 L 4 15";
    case Glyph::ActualSize:
      return "M 4 8 L 7 6 L 7 18 M 12 9.5 L 12 9.6 M 12 14.5 L 12 14.6 M 16 8 L 19 6 L 19 18";
    case Glyph::Copy:
      return "R 4 4 12 12 M 8 20 L 20 20 L 20 8";
    case Glyph::Pin:
      return "M 9 3 L 15 3 L 15 10 L 18 14 L 6 14 L 9 10 Z M 12 14 L 12 21";
    case Glyph::Reference:
      return "R 3 5 18 14 M 8 12 L 11 15 L 16 9";
    case Glyph::Remove:
      return "M 6 6 L 18 18 M 18 6 L 6 18";
    case Glyph::Retry:
      return "M 19 8 Q 15 3 10 5 Q 4 7.5 5 13 Q 6.5 19 12.5 19 Q 17 19 19 15 M 19 3 L 19 8 L 14 8";
    case Glyph::Add:
      return "M 12 5 L 12 19 M 5 12 L 19 12";
    case Glyph::Keyboard:
      return "R 2 6 20 12 M 6 10 L 6.1 10 M 10 10 L 10.1 10 M 14 10 L 14.1 10 M 18 10 L 18.1 10 "
             "M 8 14 L 16 14";
    case Glyph::Settings:
      return "M 3 7 L 9 7 M 15 7 L 21 7 O 12 7 2.5 M 3 17 L 5 17 M 11 17 L 21 17 O 8 17 2.5";
    case Glyph::Waiting:
      return "O 12 12 8 M 12 7 L 12 12 L 15.5 14";
    case Glyph::Done:
      return "M 5 13 L 10 18 L 19 7";
    case Glyph::Failed:
      return "M 12 4 L 21.5 20 L 2.5 20 Z M 12 10 L 12 14.5 M 12 17.2 L 12 17.3";
    case Glyph::Previous:
      return "M 15 5 L 8 12 L 15 19";
    case Glyph::Next:
      return "M 9 5 L 16 12 L 9 19";
  }
  return "";
}

QPainterPath pathOf(Glyph glyph) {
  QPainterPath path;
  const QStringList words = QString::fromLatin1(linesOf(glyph)).split(QLatin1Char(' '));
  int i = 0;
  const auto number = [&] { return words[++i].toDouble(); };
  for (; i < words.size(); ++i) {
    const QString& word = words[i];
    if (word == QLatin1String("Z")) {
      path.closeSubpath();
      continue;
    }
    const double x = number();
    const double y = number();
    if (word == QLatin1String("M")) path.moveTo(x, y);
    if (word == QLatin1String("L")) path.lineTo(x, y);
    if (word == QLatin1String("O")) {
      const double radius = number();
      path.addEllipse(QPointF(x, y), radius, radius);
    }
    if (word == QLatin1String("Q")) {
      const double endX = number();
      path.quadTo(x, y, endX, number());
    }
    if (word == QLatin1String("R")) {
      const double width = number();
      path.addRoundedRect(QRectF(x, y, width, number()), 1.5, 1.5);
    }
  }
  return path;
}

class GlyphEngine : public QIconEngine {
 public:
  explicit GlyphEngine(Glyph glyph) : glyph_(glyph) {}

  void paint(QPainter* painter, const QRect& rect, QIcon::Mode mode, QIcon::State state) override {
    const QPalette palette = QGuiApplication::palette();
    const auto group = mode == QIcon::Disabled ? QPalette::Disabled : QPalette::Active;
    const bool onAccent = mode == QIcon::Selected || state == QIcon::On;
    const QColor colour =
        palette.color(group, onAccent ? QPalette::HighlightedText : QPalette::WindowText);
    painter->save();
    painter->setRenderHint(QPainter::Antialiasing);
    painter->translate(rect.topLeft());
    painter->scale(rect.width() / kGrid, rect.height() / kGrid);
    painter->setPen(QPen(colour, 1.7, Qt::SolidLine, Qt::RoundCap, Qt::RoundJoin));
    painter->drawPath(pathOf(glyph_));
    painter->restore();
  }
  QPixmap pixmap(const QSize& size, QIcon::Mode mode, QIcon::State state) override {
    QPixmap result(size);
    result.fill(Qt::transparent);
    QPainter painter(&result);
    paint(&painter, result.rect(), mode, state);
    return result;
  }
  QIconEngine* clone() const override { return new GlyphEngine(glyph_); }

 private:
  Glyph glyph_;
};

}  // namespace

QIcon icon(Glyph glyph) {
  return QIcon(new GlyphEngine(glyph));
}

QIcon applicationIcon() {
  QIcon result;
  for (const int size : {16, 32, 48, 64, 128, 256}) {
    result.addFile(QStringLiteral(":/icons/pristine-%1.png").arg(size), QSize(size, size));
  }
  return result;
}

}  // namespace pristine::gui
