#include "gui/message_bar.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QPushButton>

namespace pristine::gui {

namespace {

constexpr int kMostLines = 4;

}  // namespace

MessageBar::MessageBar(const QString& name, QWidget* parent)
    : QWidget(parent), text_(new QLabel(this)), button_(new QPushButton(this)) {
  setObjectName(name);
  setAttribute(Qt::WA_StyledBackground);
  auto* line = new QHBoxLayout(this);
  line->setContentsMargins(14, 7, 10, 7);
  text_->setWordWrap(true);
  text_->setTextFormat(Qt::PlainText);
  text_->setTextInteractionFlags(Qt::TextSelectableByMouse);
  line->addWidget(text_, 1);
  line->addWidget(button_);
  hide();
  connect(button_, &QPushButton::clicked, this, [this] {
    hide();
    emit dismissed();
  });
}

void MessageBar::add(const QString& text, const QString& button) {
  QStringList lines = isHidden() ? QStringList() : all_.split(QLatin1Char('\n'));
  lines << text.split(QLatin1Char('\n'));
  lines.removeDuplicates();
  say(lines.join(QLatin1Char('\n')), button);
}

void MessageBar::say(const QString& text, const QString& button) {
  all_ = text;
  const QStringList lines = text.split(QLatin1Char('\n'));
  QString shown = lines.mid(0, kMostLines).join(QLatin1Char('\n'));
  if (lines.size() > kMostLines) {
    shown += QLatin1Char('\n') + tr("… and %1 more").arg(lines.size() - kMostLines);
  }
  text_->setText(shown);
  button_->setText(button);
  show();
}

QString MessageBar::text() const {
  return isHidden() ? QString() : text_->text();
}

}  // namespace pristine::gui
