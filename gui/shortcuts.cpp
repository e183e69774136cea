#include "gui/shortcuts.h"

#include <QDialogButtonBox>
#include <QHeaderView>
#include <QKeySequenceEdit>
#include <QLabel>
#include <QMessageBox>
#include <QPushButton>
#include <QSettings>
#include <QTableWidget>
#include <QVBoxLayout>

#include "gui/text.h"

namespace pristine::gui {

namespace {

QString keyOf(const QString& name) {
  return QStringLiteral("shortcuts/") + name;
}

QString textOf(const QAction& action) {
  return plainText(action.text());
}

}  // namespace

void Shortcuts::add(QAction* action, const QString& name, const QList<QKeySequence>& standard,
                    const QSettings& settings) {
  const QVariant stored = settings.value(keyOf(name));
  action->setShortcuts(stored.isValid() ? QKeySequence::listFromString(stored.toString())
                                        : standard);
  entries_.push_back({action, name, standard});
}

void Shortcuts::set(std::size_t index, const QList<QKeySequence>& keys, QSettings& settings) {
  const Entry& entry = entries_[index];
  entry.action->setShortcuts(keys);
  if (keys == entry.standard) {
    settings.remove(keyOf(entry.name));
  } else {
    settings.setValue(keyOf(entry.name), QKeySequence::listToString(keys));
  }
}

void Shortcuts::resetAll(QSettings& settings) {
  for (std::size_t i = 0; i < entries_.size(); ++i) set(i, entries_[i].standard, settings);
}

const Shortcuts::Entry* Shortcuts::userOf(const QKeySequence& key, std::size_t except) const {
  for (std::size_t i = 0; i < entries_.size(); ++i) {
    if (i != except && entries_[i].action->shortcuts().contains(key)) return &entries_[i];
  }
  return nullptr;
}

ShortcutDialog::ShortcutDialog(Shortcuts& shortcuts, QSettings& settings, QWidget* parent)
    : QDialog(parent), shortcuts_(shortcuts), settings_(settings), table_(new QTableWidget(this)) {
  setWindowTitle(tr("Keyboard shortcuts"));
  resize(620, 640);
  auto* layout = new QVBoxLayout(this);
  auto* hint = new QLabel(
      tr("Press Enter on a row to give it another key. On the picture, hold Space to see the "
         "original, Shift with an arrow moves the divider and Alt with an arrow the picture."),
      this);
  hint->setObjectName(QStringLiteral("hint"));
  hint->setWordWrap(true);
  layout->addWidget(hint);
  table_->setColumnCount(2);
  table_->setHorizontalHeaderLabels({tr("Action"), tr("Keys")});
  table_->horizontalHeader()->setSectionResizeMode(0, QHeaderView::Stretch);
  table_->horizontalHeader()->setSectionResizeMode(1, QHeaderView::ResizeToContents);
  table_->horizontalHeader()->setHighlightSections(false);
  table_->horizontalHeader()->setDefaultAlignment(Qt::AlignLeft | Qt::AlignVCenter);
  table_->verticalHeader()->hide();
  table_->setShowGrid(false);
  table_->setAlternatingRowColors(true);
  table_->setSelectionBehavior(QAbstractItemView::SelectRows);
  table_->setSelectionMode(QAbstractItemView::SingleSelection);
  table_->setEditTriggers(QAbstractItemView::NoEditTriggers);
  table_->setTabKeyNavigation(false);
  table_->setAccessibleName(tr("Keyboard shortcuts"));
  layout->addWidget(table_);
  // Texts of our own: Qt's are in the user's language only where its translations are installed.
  auto* buttons = new QDialogButtonBox(this);
  buttons->addButton(tr("Close"), QDialogButtonBox::RejectRole)->setDefault(true);
  auto* reset = buttons->addButton(tr("Reset all"), QDialogButtonBox::ResetRole);
  reset->setAutoDefault(false);
  layout->addWidget(buttons);
  connect(buttons, &QDialogButtonBox::rejected, this, &QDialog::reject);
  connect(reset, &QPushButton::clicked, this, [this] {
    shortcuts_.resetAll(settings_);
    fill();
  });
  connect(table_, &QTableWidget::cellActivated, this, [this](int row, int) { edit(row); });
  fill();
}

void ShortcutDialog::fill() {
  const int current = std::max(0, table_->currentRow());
  const auto& entries = shortcuts_.entries();
  table_->setRowCount(static_cast<int>(entries.size()));
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const int row = static_cast<int>(i);
    table_->setItem(row, 0, new QTableWidgetItem(textOf(*entries[i].action)));
    table_->setItem(row, 1,
                    new QTableWidgetItem(QKeySequence::listToString(entries[i].action->shortcuts(),
                                                                    QKeySequence::NativeText)));
  }
  table_->setCurrentCell(current, 0);
}

void ShortcutDialog::edit(int row) {
  const auto index = static_cast<std::size_t>(row);
  const Shortcuts::Entry& entry = shortcuts_.entries()[index];
  QDialog dialog(this);
  dialog.setWindowTitle(textOf(*entry.action));
  auto* layout = new QVBoxLayout(&dialog);
  layout->addWidget(new QLabel(tr("Press the new keys:"), &dialog));
  auto* keys = new QKeySequenceEdit(entry.action->shortcut(), &dialog);
  keys->setAccessibleName(tr("New keys"));
  layout->addWidget(keys);
  auto* buttons = new QDialogButtonBox(&dialog);
  buttons->addButton(tr("Use"), QDialogButtonBox::AcceptRole)->setDefault(true);
  buttons->addButton(tr("Cancel"), QDialogButtonBox::RejectRole);
  layout->addWidget(buttons);
  connect(buttons, &QDialogButtonBox::accepted, &dialog, &QDialog::accept);
  connect(buttons, &QDialogButtonBox::rejected, &dialog, &QDialog::reject);
  if (dialog.exec() != QDialog::Accepted) return;
  const QKeySequence chosen = keys->keySequence();
  if (const Shortcuts::Entry* other = shortcuts_.userOf(chosen, index);
      other != nullptr && !chosen.isEmpty()) {
    QMessageBox::warning(
        this, tr("Keyboard shortcuts"),
        tr("%1 is taken by “%2”.")
            .arg(chosen.toString(QKeySequence::NativeText), textOf(*other->action)));
    return;
  }
  shortcuts_.set(index, chosen.isEmpty() ? QList<QKeySequence>() : QList<QKeySequence>{chosen},
                 settings_);
  fill();
}

}  // namespace pristine::gui
