#include "gui/accessible_view.h"

#include <QAccessible>
#include <QAccessibleWidget>
#include <cmath>

#include "gui/compare_view.h"

namespace pristine::gui {

namespace {

class AccessibleView : public QAccessibleWidget, public QAccessibleValueInterface {
 public:
  explicit AccessibleView(CompareView* view)
      : QAccessibleWidget(view, QAccessible::Graphic), view_(view) {}

  void* interface_cast(QAccessible::InterfaceType type) override {
    if (type == QAccessible::ValueInterface) return static_cast<QAccessibleValueInterface*>(this);
    return QAccessibleWidget::interface_cast(type);
  }
  QVariant currentValue() const override {
    return static_cast<int>(std::lround(view_->divider() * 100));
  }
  void setCurrentValue(const QVariant& value) override {
    view_->setDivider(value.toDouble() / 100);
  }
  QVariant minimumValue() const override { return 0; }
  QVariant maximumValue() const override { return 100; }
  QVariant minimumStepSize() const override { return 1; }

 private:
  CompareView* view_;
};

QAccessibleInterface* make(const QString& /*name*/, QObject* object) {
  auto* view = qobject_cast<CompareView*>(object);
  return view != nullptr ? new AccessibleView(view) : nullptr;
}

}  // namespace

void installAccessibleView() {
  static const bool once = [] {
    QAccessible::installFactory(make);
    return true;
  }();
  static_cast<void>(once);
}

}  // namespace pristine::gui
