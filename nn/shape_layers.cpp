#include <fmt/format.h>
#include <fmt/ranges.h>

#include <xtape/nn/shape_layers.hpp>
#include <xtape/ops/padding.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/shuffling.hpp>

namespace xtape::nn {

Lambda::Lambda(std::function<Tensor(const Tensor&)> function, Location where)
    : function_(std::move(function)) {
  if (!function_) raise<ValueError>(where, "Lambda", "the function is empty");
}

Tensor Flatten::forward(const Tensor& x) {
  return flatten(Arg(x, call_site()), start_dim_, end_dim_);
}

Tensor Unflatten::forward(const Tensor& x) {
  const Location at = call_site();
  const int axis = normalize_axis(dim_, x.rank(), "Unflatten", at);
  const std::int64_t there = x.shape()[axis];
  std::int64_t known = 1, open = 0;
  for (const std::int64_t size : sizes_) size == -1 ? ++open : known *= size;
  const bool fits = open == 0 ? known == there : open == 1 && known > 0 && there % known == 0;
  if (!fits)
    raise<ShapeError>(at, "Unflatten",
                      fmt::format("axis {} of {} does not divide into [{}]", dim_, x.shape().str(),
                                  fmt::join(sizes_, ", ")));
  Shape shape;
  for (int i = 0; i < x.rank(); ++i) {
    if (i != axis) shape.push_back(x.shape()[i], at);
    else
      for (const std::int64_t size : sizes_) shape.push_back(size == -1 ? there / known : size, at);
  }
  return reshape(Arg(x, at), shape);
}

Tensor Upsample::forward(const Tensor& x) {
  options_.mode = mode_;
  return interpolate(Arg(x, call_site()), options_);
}

Tensor PixelShuffle::forward(const Tensor& x) {
  return pixel_shuffle(Arg(x, call_site()), factor_);
}

Tensor PixelUnshuffle::forward(const Tensor& x) {
  return pixel_unshuffle(Arg(x, call_site()), factor_);
}

Tensor ZeroPad2d::forward(const Tensor& x) {
  if (x.rank() < 3)
    raise<ShapeError>(call_site(), "ZeroPad2d",
                      fmt::format("x [..., C, H, W] wanted, its shape is {}", x.shape().str()));
  std::vector<PadWidth> widths(static_cast<std::size_t>(x.rank()));
  widths[widths.size() - 2] = {top_, bottom_};
  widths[widths.size() - 1] = {left_, right_};
  return pad(Arg(x, call_site()), widths);
}

}  // namespace xtape::nn
