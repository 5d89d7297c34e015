#include <fmt/format.h>

#include <xtape/autograd/tape.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/shuffling.hpp>
#include <xtape/ops/windows.hpp>

namespace xtape {

using namespace detail;

namespace {

// The axes of [..., channels, height, width] with the leading ones taken together.
Shape as_images(const Tensor& x, std::int64_t factor, const Asked& asked) {
  if (x.rank() < 3 || factor < 1)
    raise<ShapeError>(asked.at, asked.op,
                      fmt::format("x is {}, the factor {}; at least 3 axes and 1 wanted",
                                  x.shape().str(), factor));
  Shape shape{1};
  for (int i = 0; i < x.rank() - 3; ++i) shape[0] *= x.shape()[i];
  for (int i = x.rank() - 3; i < x.rank(); ++i) shape.push_back(x.shape()[i]);
  return shape;
}

Tensor with_last_three(const Tensor& y, const Tensor& like, const Shape& last) {
  Shape shape = like.shape();
  for (int i = 0; i < 3; ++i) shape[shape.rank() - 3 + i] = last[i];
  return reshape(y, shape);
}

}  // namespace

Tensor pixel_shuffle(const Arg& argument, std::int64_t factor) {
  const Asked asked{"pixel_shuffle", Caller::or_else(argument.where())};
  const Caller caller(asked.at);
  const Tensor x = argument.as_tensor(float32);
  const Shape s = as_images(x, factor, asked);
  if (s[1] % (factor * factor) != 0)
    raise<ShapeError>(
        asked.at, asked.op,
        fmt::format("{} channels do not divide by {}^2; x is {}", s[1], factor, x.shape().str()));
  const std::int64_t channels = s[1] / (factor * factor);
  const Tensor split = reshape(x, Shape{s[0], channels, factor, factor, s[2], s[3]});
  return with_last_three(permute(split, {0, 1, 4, 2, 5, 3}), x,
                         {channels, s[2] * factor, s[3] * factor});
}

Tensor pixel_unshuffle(const Arg& argument, std::int64_t factor) {
  const Asked asked{"pixel_unshuffle", Caller::or_else(argument.where())};
  const Caller caller(asked.at);
  const Tensor x = argument.as_tensor(float32);
  const Shape s = as_images(x, factor, asked);
  if (s[2] % factor != 0 || s[3] % factor != 0)
    raise<ShapeError>(
        asked.at, asked.op,
        fmt::format("height and width do not divide by {}; x is {}", factor, x.shape().str()));
  const std::int64_t height = s[2] / factor, width = s[3] / factor;
  const Tensor split = reshape(x, Shape{s[0], s[1], height, factor, width, factor});
  return with_last_three(permute(split, {0, 1, 3, 5, 2, 4}), x,
                         {s[1] * factor * factor, height, width});
}

}  // namespace xtape
