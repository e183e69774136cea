#include <OpenEXR/ImfChannelList.h>
#include <OpenEXR/ImfFrameBuffer.h>
#include <OpenEXR/ImfInputFile.h>
#include <OpenEXR/ImfPartType.h>
#include <OpenEXR/ImfStandardAttributes.h>
#include <OpenEXR/ImfTestFile.h>

#include <array>
#include <exception>
#include <fstream>
#include <string>
#include <vector>

#include "app/files/exr_file.h"
#include "app/files/exr_metadata.h"
#include "app/files/failure.h"

namespace pristine {

namespace {

namespace fs = std::filesystem;

/// Runs a call of the library. It throws exceptions of its own.
template <typename Action>
auto decoding(const fs::path& path, const Action& action) {
  try {
    return action();
  } catch (const std::exception& error) {
    std::string what = error.what();
    const auto end = what.find('\n');
    if (end != std::string::npos) what.resize(end);
    if (what.find("Early end of file") != std::string::npos) failInput(path, "is truncated");
    failInput(path, "OpenEXR: " + what);
  }
}

class ExrRowReader : public RowReader {
 public:
  ExrRowReader(const fs::path& path, const ReadOptions& options)
      : path_(path), file_(openFile(path)) {
    const Imf::Header& header = file_->header();
    if (header.hasType() && header.type() != Imf::SCANLINEIMAGE &&
        header.type() != Imf::TILEDIMAGE) {
      failInput(path, "holds '" + header.type() + "', expected scan lines or tiles");
    }
    const auto& window = header.dataWindow();
    const std::int64_t width = std::int64_t{window.max.x} - window.min.x + 1;
    const std::int64_t height = std::int64_t{window.max.y} - window.min.y + 1;
    requirePixels(path, width, height, options);
    if (!file_->isComplete()) failInput(path, "is truncated");
    size_ = {static_cast<int>(width), static_cast<int>(height), FileFormat::Exr, true};
    left_ = window.min.x;
    next_ = window.min.y;
    chooseChannels(header);
    header_.depth = SampleDepth::F32;
    header_.format = traitsOf(FileFormat::Exr).name;
    header_.metadata = exrMetadata(
        Imf::hasChromaticities(header) ? Imf::chromaticities(header) : Imf::Chromaticities(),
        halves_);
    if (header.displayWindow() != window) {
      header_.notes.emplace_back("the display window is left out");
    }
  }

  void read(int rows, Image& target, int at) override {
    const auto width = static_cast<std::size_t>(size_.width);
    std::vector<float> planes(width * names_.size());
    for (const int end = at + rows; at < end; ++at, ++next_) {
      Imf::FrameBuffer buffer;
      for (std::size_t i = 0; i < names_.size(); ++i) {
        // The library adds the coordinates of the data window to the base.
        buffer.insert(names_[i], Imf::Slice::Make(Imf::FLOAT, planes.data() + i * width,
                                                  Imath::V2i(left_, next_), size_.width, 1,
                                                  sizeof(float), width * sizeof(float)));
      }
      decoding(path_, [&] {
        file_->setFrameBuffer(buffer);
        file_->readPixels(next_);
      });
      interleave(planes, target, at);
    }
  }

 private:
  static std::unique_ptr<Imf::InputFile> openFile(const fs::path& path) {
    return decoding(path, [&] { return std::make_unique<Imf::InputFile>(path.c_str()); });
  }

  void chooseChannels(const Imf::Header& header) {
    const Imf::ChannelList& channels = header.channels();
    const bool colour = channels.findChannel("R") != nullptr &&
                        channels.findChannel("G") != nullptr &&
                        channels.findChannel("B") != nullptr;
    const bool chroma = channels.findChannel("RY") != nullptr;
    if (!colour && (channels.findChannel("Y") == nullptr || chroma)) {
      failInput(path_, "has no channels R, G and B, nor a Y alone");
    }
    header_.grey = !colour;
    names_ = colour ? std::vector<std::string>{"R", "G", "B"} : std::vector<std::string>{"Y"};
    alpha_ = channels.findChannel("A") != nullptr;
    if (alpha_) names_.emplace_back("A");
    halves_ = true;
    for (const std::string& name : names_) {
      const Imf::Channel& channel = channels[name];
      if (channel.xSampling != 1 || channel.ySampling != 1) {
        failInput(path_, "channel " + name + " is subsampled");
      }
      if (channel.type == Imf::UINT) {
        failInput(path_, "channel " + name + " holds integers, expected floats");
      }
      halves_ = halves_ && channel.type == Imf::HALF;
    }
    std::string others;
    for (auto channel = channels.begin(); channel != channels.end(); ++channel) {
      const std::string name = channel.name();
      if (std::ranges::find(names_, name) == names_.end()) others += " " + name;
    }
    if (!others.empty()) header_.notes.emplace_back("channels left out:" + others);
  }

  void interleave(const std::vector<float>& planes, Image& target, int at) const {
    const auto width = static_cast<std::size_t>(size_.width);
    auto* rgb = target.pixels.ptr<float>(at);
    const std::size_t colours = header_.grey ? 1 : 3;
    const float* alphas = alpha_ ? planes.data() + colours * width : nullptr;
    if (alpha_) std::copy_n(alphas, width, target.alpha.ptr<float>(at));
    for (std::size_t x = 0; x < width; ++x) {
      const float divisor = alpha_ && alphas[x] > 0.0F ? alphas[x] : 1.0F;
      for (std::size_t c = 0; c < 3; ++c) {
        rgb[3 * x + c] = planes[(header_.grey ? 0 : c) * width + x] / divisor;
      }
    }
  }

  fs::path path_;
  std::unique_ptr<Imf::InputFile> file_;
  std::vector<std::string> names_;
  bool halves_ = false;
  int left_ = 0;
  int next_ = 0;
};

}  // namespace

bool isExr(const fs::path& path) {
  static constexpr std::array<char, 4> kMagic{0x76, 0x2F, 0x31, 0x01};
  std::array<char, 4> start{};
  std::ifstream(path, std::ios::binary).read(start.data(), start.size());
  return start == kMagic;
}

std::unique_ptr<RowReader> openExrRows(const fs::path& path, const ReadOptions& options) {
  bool tiled = false;
  bool deep = false;
  bool multiPart = false;
  if (Imf::isOpenExrFile(path.c_str(), tiled, deep, multiPart)) {
    if (deep) failInput(path, "holds deep data, expected flat pixels");
    if (multiPart) failInput(path, "has several parts, expected one");
  }
  return std::make_unique<ExrRowReader>(path, options);
}

}  // namespace pristine
