#include "app/row_restoration.h"

#include <algorithm>
#include <cmath>

#include "app/files/row_reader.h"
#include "app/files/row_writer.h"
#include "app/picture_restoration.h"
#include "core/error.h"
#include "core/tile_blend.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

/// Bytes for each pixel of a row of tiles: source and sum as f32 with alpha, and strips on their
/// way to the encoder, as f32, in its light and twice in the depth of the file.
std::int64_t bytesPerRowPixel(int scale) {
  return 16 + std::int64_t{scale} * scale * (16 + 16 + 12 + 2 * 16);
}

/// dst += weight * src, of `channels` values a pixel.
void addWeighted(const float* src, float rowWeight, const std::vector<float>& weights, int channels,
                 float* dst) {
  for (const float columnWeight : weights) {
    const float weight = rowWeight * columnWeight;
    for (int c = 0; c < channels; ++c) *dst++ += weight * *src++;
  }
}

/// Reflect-101 index of position i in a line of `length` pixels.
int reflect(int i, int length) {
  if (length == 1) return 0;
  i %= 2 * (length - 1);
  return i < length ? i : 2 * (length - 1) - i;
}

/// Some neighbouring rows of a picture that is never whole.
class RowWindow {
 public:
  RowWindow(int width, int rows, int type) : rows_(cv::Mat::zeros(rows, width, type)) {}

  int top() const { return top_; }
  float* row(int y) { return rows_.ptr<float>(y - top_); }
  cv::Mat part(int top, int bottom) { return rows_.rowRange(top - top_, bottom - top_); }

  /// Moves down; rows that are new become zero.
  void moveTo(int top) {
    const int step = std::min(top - top_, rows_.rows);
    if (step <= 0) return;
    const std::size_t bytes = rows_.step * static_cast<std::size_t>(rows_.rows - step);
    std::copy_n(rows_.data + rows_.step * static_cast<std::size_t>(step), bytes, rows_.data);
    rows_.rowRange(rows_.rows - step, rows_.rows).setTo(cv::Scalar::all(0));
    top_ = top;
  }

 private:
  cv::Mat rows_;
  int top_ = 0;
};

class RowRestoration {
 public:
  RowRestoration(const fs::path& source, const fs::path& target, Restorer& restorer,
                 const RowRestorationOptions& options)
      : restorer_(restorer),
        options_(options),
        scale_(restorer.info().scale),
        reader_(openRows(source, options.read, false)),
        width_(reader_->size().width),
        height_(reader_->size().height),
        grid_(chooseGrid()),
        large_(grid_.enlarged(scale_)),
        feather_(scale_ * restorer.feather()),
        writer_(reader_->header(), scale_ * width_, scale_ * height_, reader_->alpha(), target,
                options.write),
        pixels_(width_, grid_.tileHeight(), CV_32FC3),
        alpha_(reader_->alpha() ? width_ : 0, grid_.tileHeight(), CV_32FC1),
        sum_(scale_ * width_, large_.tileHeight(), CV_32FC3),
        alphaSum_(enlargesAlpha() ? scale_ * width_ : 0, large_.tileHeight(), CV_32FC1) {}

  bool run(const RestoreControl& control) {
    for (int row = 0; row < grid_.rows(); ++row) {
      const int top = grid_.y().starts[static_cast<std::size_t>(row)];
      pixels_.moveTo(top);
      if (reader_->alpha()) alpha_.moveTo(top);
      sum_.moveTo(scale_ * top);
      if (enlargesAlpha()) alphaSum_.moveTo(scale_ * top);
      readTo(std::min(height_, top + grid_.tileHeight()));
      for (int column = 0; column < grid_.columns(); ++column) {
        if (!restoreTile(column, row, control)) return false;
      }
      const bool last = row + 1 == grid_.rows();
      writeTo(scale_ * (last ? height_ : grid_.y().starts[static_cast<std::size_t>(row) + 1]));
    }
    writer_.finish();
    return true;
  }

  std::vector<std::string> notes() const {
    std::vector<std::string> all = reader_->header().notes;
    all.insert(all.end(), writer_.notes().begin(), writer_.notes().end());
    return all;
  }

 private:
  /// Otherwise it goes from the source to the target as it is.
  bool enlargesAlpha() const { return scale_ > 1 && reader_->alpha(); }

  /// Bytes that a row of such tiles and the result of one of them take. What a tile of the source
  /// takes is part of the reserve of memoryForPictures().
  std::int64_t bytesFor(const TileGrid& grid) const {
    constexpr std::int64_t kBytesPerTilePixel = 12 + 16;
    const std::int64_t rows = std::min(grid.tileHeight(), height_);
    const std::int64_t tile = std::int64_t{grid.tileWidth()} * grid.tileHeight();
    return bytesPerRowPixel(scale_) * width_ * rows +
           kBytesPerTilePixel * (std::int64_t{scale_} * scale_ - 1) * tile;
  }

  /// The largest tiles whose rows fit into the memory.
  TileGrid chooseGrid() {
    const std::int64_t rows = options_.memory / (bytesPerRowPixel(scale_) * width_);
    auto side = static_cast<int>(std::clamp<std::int64_t>(rows, 1, 32768));
    for (int last = 0;;) {
      restorer_.limitTile(side);
      TileGrid grid = restorer_.gridFor(width_, height_);
      const std::int64_t bytes = bytesFor(grid);
      if (bytes <= options_.memory) return grid;
      if (grid.tileHeight() == last || side == 1) {
        throw Error(ErrorCode::Memory, "a row of tiles of " + std::to_string(width_) + "x" +
                                           std::to_string(grid.tileHeight()) + " pixels takes " +
                                           std::to_string(bytes >> 20U) + " MiB, " +
                                           std::to_string(options_.memory >> 20U) +
                                           " are left; raise --max-memory");
      }
      last = grid.tileHeight();
      side = std::max(1, std::min(side, last) / 2);
    }
  }

  void readTo(int bottom) {
    if (bottom <= read_) return;
    Image target;
    target.pixels = pixels_.part(read_, bottom);
    if (reader_->alpha()) target.alpha = alpha_.part(read_, bottom);
    reader_->read(bottom - read_, target, 0);
    for (int y = read_; y < bottom; ++y) requireNumbers(y);
    read_ = bottom;
  }

  void requireNumbers(int y) {
    const float* row = pixels_.row(y);
    if (std::all_of(row, row + std::ptrdiff_t{3} * width_,
                    [](float v) { return std::isfinite(v); }))
      return;
    throw Error(ErrorCode::Input,
                "picture has values in row " + std::to_string(y) + " that are no numbers");
  }

  /// What the tile sees; beyond the right and lower edge the picture is reflected.
  Image tileAt(int column, int row) {
    const int left = grid_.x().starts[static_cast<std::size_t>(column)];
    const int top = grid_.y().starts[static_cast<std::size_t>(row)];
    Image tile = reader_->header();
    tile.pixels.create(grid_.tileHeight(), grid_.tileWidth(), CV_32FC3);
    if (reader_->alpha()) tile.alpha.create(grid_.tileHeight(), grid_.tileWidth(), CV_32FC1);
    for (int y = 0; y < grid_.tileHeight(); ++y) {
      const int from = std::max(top, reflect(top + y, height_));
      for (int x = 0; x < grid_.tileWidth(); ++x) {
        const int column3 = reflect(left + x, width_);
        std::copy_n(pixels_.row(from) + 3 * std::ptrdiff_t{column3}, 3,
                    tile.pixels.ptr<float>(y) + 3 * std::ptrdiff_t{x});
        if (reader_->alpha()) tile.alpha.ptr<float>(y)[x] = alpha_.row(from)[column3];
      }
    }
    if (enlargesAlpha()) repeatAlphaBeyondEdges(tile.alpha, left, top);
    return tile;
  }

  /// As the interpolation of the whole picture has it.
  void repeatAlphaBeyondEdges(cv::Mat& alpha, int left, int top) {
    for (int y = 0; y < alpha.rows; ++y) {
      const float* from = alpha_.row(std::min(top + y, height_ - 1));
      auto* to = alpha.ptr<float>(y);
      for (int x = 0; x < alpha.cols; ++x) to[x] = from[std::min(left + x, width_ - 1)];
    }
  }

  bool restoreTile(int column, int row, const RestoreControl& control) {
    RestoreControl inner;
    inner.stop = control.stop;
    if (control.progress) {
      inner.progress = [&](double share) { control.progress((done_ + share) / grid_.count()); };
    }
    const auto restored = restorePicture(restorer_, tileAt(column, row), options_.strength, inner);
    if (!restored || control.stop.stop_requested()) return false;
    ++done_;
    auto wx = blendWeights(large_.x(), static_cast<std::size_t>(column), feather_, scale_ * width_);
    const auto wy =
        blendWeights(large_.y(), static_cast<std::size_t>(row), feather_, scale_ * height_);
    const std::ptrdiff_t left = large_.x().starts[static_cast<std::size_t>(column)];
    // Beyond the right edge there is nothing to add to.
    wx.resize(
        std::min(wx.size(), static_cast<std::size_t>(std::ptrdiff_t{scale_} * width_ - left)));
    for (int y = 0; y < large_.tileHeight(); ++y) {
      const float rowWeight = wy[static_cast<std::size_t>(y)];
      if (rowWeight == 0.0F) continue;
      addWeighted(restored->pixels.ptr<float>(y), rowWeight, wx, 3,
                  sum_.row(sum_.top() + y) + 3 * left);
      if (!enlargesAlpha()) continue;
      addWeighted(restored->alpha.ptr<float>(y), rowWeight, wx, 1,
                  alphaSum_.row(alphaSum_.top() + y) + left);
    }
    return true;
  }

  /// Rows of the result above those that the next tiles may still add to.
  void writeTo(int bottom) {
    constexpr int kStep = 64;
    for (bottom = std::min(bottom, scale_ * height_); written_ < bottom;) {
      const int end = std::min(bottom, written_ + kStep);
      Image strip = reader_->header();
      strip.pixels = sum_.part(written_, end);
      if (reader_->alpha()) {
        strip.alpha = (enlargesAlpha() ? alphaSum_ : alpha_).part(written_, end);
      }
      writer_.put(strip);
      written_ = end;
    }
  }

  Restorer& restorer_;
  const RowRestorationOptions& options_;
  int scale_;
  std::unique_ptr<RowReader> reader_;
  int width_;
  int height_;
  TileGrid grid_;   ///< of the source
  TileGrid large_;  ///< the same of the result
  int feather_;     ///< pixels of the result
  RowWriter writer_;
  RowWindow pixels_;
  RowWindow alpha_;
  RowWindow sum_;
  RowWindow alphaSum_;
  int read_ = 0;
  int written_ = 0;
  int done_ = 0;
};

/// Lifts the limit at the end of the picture that it is for.
struct TileLimit {
  explicit TileLimit(Restorer& limited) : restorer(limited) {}
  ~TileLimit() { restorer.limitTile(0); }
  TileLimit(const TileLimit&) = delete;
  TileLimit& operator=(const TileLimit&) = delete;
  Restorer& restorer;
};

}  // namespace

std::string obstacleToRows(const PictureSize& source, const fs::path& target,
                           const WriteOptions& options) {
  if (!source.rows) {
    return std::string("this ") + traitsOf(source.format).title +
           " file can be decoded only as a whole";
  }
  const auto format = options.format ? options.format : formatOfName(target);
  if (format && !traitsOf(*format).rowsOut) {
    return std::string(traitsOf(*format).title) + " can be encoded only as a whole";
  }
  if (format == FileFormat::Exr && source.orientation > 1) {
    return "it lies turned, which OpenEXR has no tag for";
  }
  return {};
}

std::optional<std::vector<std::string>> restoreRows(const fs::path& source, const fs::path& target,
                                                    Restorer& restorer,
                                                    const RowRestorationOptions& options,
                                                    const RestoreControl& control) {
  const TileLimit limit(restorer);
  RowRestoration restoration(source, target, restorer, options);
  if (!restoration.run(control)) return std::nullopt;
  return restoration.notes();
}

}  // namespace pristine
