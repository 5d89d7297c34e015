// Augmentation: random changes that leave the class of an image what it is. All take images
// [n, channels, height, width], floating, and draw for each sample from the next streams of a
// generator; channels of one sample change alike. They are for data: nothing is recorded on the
// tape. All throw ShapeError for other axes, DTypeError for integers and ValueError for options
// outside their range.
#pragma once

#include <functional>
#include <string_view>
#include <vector>
#include <xtape/autograd/generator.hpp>
#include <xtape/autograd/tensor.hpp>

namespace xtape::nn {

struct RandomFlipOptions {
  double horizontal = 0.5;  ///< the probability that left and right are exchanged
  double vertical = 0;      ///< the probability that top and bottom are
};
Tensor random_flip(const Arg& x, const RandomFlipOptions& options = {},
                   Generator& generator = Generator::global());

struct RandomCropOptions {
  std::int64_t padding = 4;            ///< pixels added on all four sides first
  double fill = 0;                     ///< their value
  std::int64_t height = 0, width = 0;  ///< of the part that is cut out; 0 is that of the image
};
/// Parts at random places of padded images. Throws ShapeError if the part is larger than the padded
/// image.
Tensor random_crop(const Arg& x, const RandomCropOptions& options = {},
                   Generator& generator = Generator::global());

struct RandomAffineOptions {
  double degrees = 0;                       ///< turned by up to so much either way
  double translate_x = 0, translate_y = 0;  ///< moved by up to so much of the width and height
  double scale_low = 1, scale_high = 1;     ///< enlarged by a factor between these
  double shear = 0;  ///< sheared along x by an angle of up to so many degrees either way
  std::string_view mode = "bilinear";  ///< and padding_mode, of GridSampleOptions
  std::string_view padding_mode = "zeros";
};
/// Images turned, moved, scaled and sheared around their middles, as torchvision's RandomAffine.
/// Throws ValueError, too, unless 0 < scale_low <= scale_high and shear is below 90.
Tensor random_affine(const Arg& x, const RandomAffineOptions& options = {},
                     Generator& generator = Generator::global());

struct ElasticOptions {
  double alpha = 34;  ///< the size of the displacements, in pixels before smoothing
  double sigma = 4;   ///< the width of the Gaussian that smooths them, in pixels
  std::string_view mode = "bilinear";  ///< and padding_mode, of GridSampleOptions
  std::string_view padding_mode = "zeros";
};
/// Images bent by a smooth random field: alpha times uniform numbers in [-1, 1), smoothed by a
/// Gaussian, are how far each pixel looks along x and y (Simard, Steinkraus and Platt, "Best
/// practices for convolutional neural networks applied to visual document analysis", ICDAR 2003).
Tensor elastic(const Arg& x, const ElasticOptions& options = {},
               Generator& generator = Generator::global());

/// x plus normal noise of that deviation.
Tensor add_noise(const Arg& x, double std = 0.1, Generator& generator = Generator::global());

/// One step of augmentation.
using Augmentation = std::function<Tensor(const Tensor& x, Generator& generator)>;
/// All steps, one after another.
Augmentation compose(std::vector<Augmentation> steps);

}  // namespace xtape::nn
