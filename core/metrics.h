#pragma once

#include "core/image.h"

namespace pristine {

/// Peak signal-to-noise ratio in dB over all colour values with peak 1; infinity for equal
/// pictures. Throws Error(Usage) when the sizes differ.
double psnr(const cv::Mat& a, const cv::Mat& b);

/// Structural similarity (Wang et al., IEEE TIP 2004): 11x11 Gaussian window of sigma 1.5,
/// K1 = 0.01, K2 = 0.03, peak 1, mean over the positions where the window fits and over the
/// channels. Pictures under 11 pixels use the largest odd window that fits.
double ssim(const cv::Mat& a, const cv::Mat& b);

/// Values clipped to [0, 1] and rounded to multiples of 1/255, as an 8-bit file would hold them.
cv::Mat toEightBits(const cv::Mat& pixels);

struct Comparison {
  double psnr = 0;
  double ssim = 0;
};

/// Y of BT.601 from 16/255 to 235/255, CV_32FC1, of a CV_32FC3 picture.
cv::Mat luma(const cv::Mat& pixels);

struct CompareOptions {
  bool luma = false;  ///< compare luma() alone, as the tables of upscaling do
  int border = 0;     ///< pixels of every edge that are left out
};

/// PSNR and SSIM by the protocol of the denoising tables: when either picture comes from an 8-bit
/// file, both are clipped and rounded to 8 bits first; otherwise values are taken as they are.
/// A grey picture is compared with a grey one on its single channel. Throws Error(Usage) when the
/// sizes differ or the border leaves nothing.
Comparison compare(const Image& a, const Image& b, const CompareOptions& options = {});

}  // namespace pristine
