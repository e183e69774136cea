#pragma once

#include <memory>
#include <vector>

#include "app/display_transform.h"
#include "app/live_restoration.h"
#include "app/picture.h"

namespace pristine::gui {

/// Pixels for one side of a comparison. Immutable but for pixels that get restored.
class PictureSource {
 public:
  PictureSource(std::shared_ptr<const Picture> picture,
                std::shared_ptr<const DisplayTransform> colours)
      : picture_(std::move(picture)), colours_(std::move(colours)) {}
  virtual ~PictureSource() = default;
  PictureSource(const PictureSource&) = delete;
  PictureSource& operator=(const PictureSource&) = delete;

  /// CV_32FC3, a copy.
  virtual cv::Mat read(int level, const cv::Rect& rect) const = 0;

  const Picture& picture() const { return *picture_; }
  const std::shared_ptr<const Picture>& sharedPicture() const { return picture_; }
  /// To the screen's colours; null: the values are sRGB already.
  const DisplayTransform* colours() const { return colours_.get(); }
  const std::shared_ptr<const DisplayTransform>& sharedColours() const { return colours_; }

 private:
  std::shared_ptr<const Picture> picture_;
  std::shared_ptr<const DisplayTransform> colours_;
};

/// A picture as it is.
class StillSource : public PictureSource {
 public:
  using PictureSource::PictureSource;
  cv::Mat read(int level, const cv::Rect& rect) const override {
    return picture().levels[static_cast<std::size_t>(level)](rect).clone();
  }
};

/// A picture as far as it is restored, at a strength of 0 to 1.
class LiveSource : public PictureSource {
 public:
  LiveSource(std::shared_ptr<LiveRestoration> live, double strength,
             std::shared_ptr<const DisplayTransform> colours)
      : PictureSource(live->base(), std::move(colours)),
        live_(std::move(live)),
        strength_(strength) {}
  cv::Mat read(int level, const cv::Rect& rect) const override {
    return live_->read(level, rect, strength_);
  }

 private:
  std::shared_ptr<LiveRestoration> live_;
  double strength_;
};

}  // namespace pristine::gui
