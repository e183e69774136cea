#pragma once

#include <QImage>
#include <QObject>
#include <QStringList>
#include <QThreadPool>

namespace pristine::gui {

/// Makes small pictures beside the interface, the ones asked for last first.
class Thumbnailer : public QObject {
  Q_OBJECT
 public:
  static constexpr int kSide = 96;

  explicit Thumbnailer(QObject* parent = nullptr);
  ~Thumbnailer() override;

  void request(const QString& path);

 signals:
  /// A null image when there is none to be had.
  void made(const QString& path, const QImage& image);

 private:
  void next();

  QStringList wanted_;
  bool busy_ = false;
  QThreadPool pool_;
};

}  // namespace pristine::gui
