#include <gtest/gtest.h>

#include <QKeySequenceEdit>
#include <QMessageBox>
#include <QPushButton>
#include <QTableWidget>
#include <QTest>
#include <QTimer>

#include "gui/shortcuts.h"
#include "tests/gui/gui_test_support.h"

namespace pristine::gui {
namespace {

class ShortcutDialogTest : public testing::Test {
 protected:
  ShortcutDialogTest() : dialog(fixture.window().shortcuts(), fixture.settings()) { dialog.show(); }

  int rowOf(const QString& action) {
    const auto& entries = fixture.window().shortcuts().entries();
    const auto found = std::ranges::find(entries, action, &Shortcuts::Entry::name);
    return static_cast<int>(found - entries.begin());
  }
  QKeySequence keyOf(const QString& action) { return fixture.window().action(action)->shortcut(); }
  /// As somebody who presses Enter on a row, then the new keys, then "Use".
  void give(const QString& action, Qt::Key key) {
    bool warned = false;
    QTimer answers;
    QObject::connect(&answers, &QTimer::timeout, &answers, [&] {
      QWidget* modal = QApplication::activeModalWidget();
      if (auto* box = qobject_cast<QMessageBox*>(modal)) {
        warned = true;
        box->reject();
      } else if (modal != nullptr) {
        auto* keys = modal->findChild<QKeySequenceEdit*>();
        if (keys == nullptr) return;
        keys->clear();
        QTest::keyClick(keys, key);
        static_cast<QDialog*>(modal)->accept();
      }
    });
    answers.start(20);
    emit table()->cellActivated(rowOf(action), 0);
    hasWarned = warned;
  }
  QTableWidget* table() { return dialog.findChild<QTableWidget*>(); }

  WindowFixture fixture;
  ShortcutDialog dialog;
  bool hasWarned = false;
};

TEST_F(ShortcutDialogTest, ListsEveryActionWithItsKeys) {
  const auto& entries = fixture.window().shortcuts().entries();
  ASSERT_EQ(table()->rowCount(), static_cast<int>(entries.size()));
  EXPECT_GT(table()->rowCount(), 30);
  EXPECT_EQ(table()->item(rowOf(QStringLiteral("open")), 0)->text(), QStringLiteral("Open"));
  EXPECT_EQ(table()->item(rowOf(QStringLiteral("open")), 1)->text(), QStringLiteral("Ctrl+O"));
}

TEST_F(ShortcutDialogTest, GivesAnActionAnotherKeyThatLasts) {
  give(QStringLiteral("split"), Qt::Key_X);
  EXPECT_EQ(keyOf(QStringLiteral("split")), QKeySequence(Qt::Key_X));
  EXPECT_EQ(table()->item(rowOf(QStringLiteral("split")), 1)->text(), QStringLiteral("X"));
  fixture.settings().sync();
  EXPECT_EQ(fixture.settings().value(QStringLiteral("shortcuts/split")).toString(),
            QStringLiteral("X"));
  for (QPushButton* button : dialog.findChildren<QPushButton*>()) {
    if (button->text() == QStringLiteral("Reset all")) button->click();
  }
  EXPECT_EQ(keyOf(QStringLiteral("split")), QKeySequence(Qt::Key_S));
}

TEST_F(ShortcutDialogTest, KeyOfAnotherActionIsRefused) {
  give(QStringLiteral("split"), Qt::Key_L);
  EXPECT_TRUE(hasWarned);
  EXPECT_EQ(keyOf(QStringLiteral("split")), QKeySequence(Qt::Key_S));
  EXPECT_EQ(keyOf(QStringLiteral("lens")), QKeySequence(Qt::Key_L));
}

}  // namespace
}  // namespace pristine::gui
