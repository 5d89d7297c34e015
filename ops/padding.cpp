#include <fmt/format.h>

#include <algorithm>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/padding.hpp>
#include <xtape/ops/strided.hpp>

namespace xtape {

using namespace detail;

namespace {

// The least size of an axis that can be padded so.
std::int64_t needed(const PadWidth& padding, PadMode mode) {
  const std::int64_t most = std::max(padding.before, padding.after);
  if (mode == PadMode::constant || most <= 0) return 0;
  return mode == PadMode::reflect ? most + 1 : mode == PadMode::circular ? most : 1;
}

void check(const Shape& shape, std::span<const PadWidth> padding, PadMode mode,
           const Location& at) {
  if (static_cast<int>(padding.size()) != shape.rank())
    raise<ShapeError>(at, "pad",
                      fmt::format("{} pairs for the {} axes of shape {}", padding.size(),
                                  shape.rank(), shape.str()));
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const PadWidth& each = padding[axis];
    if (shape[axis] < needed(each, mode))
      raise<ShapeError>(at, "pad",
                        fmt::format("axis {} of shape {} is too small for {} and {} elements in "
                                    "this mode",
                                    axis, shape.str(), each.before, each.after));
    if (std::min({shape[axis] + each.before, shape[axis] + each.after,
                  shape[axis] + each.before + each.after}) < 0)
      raise<ShapeError>(at, "pad",
                        fmt::format("axis {} of shape {} has no {} and {} elements to take away",
                                    axis, shape.str(), -each.before, -each.after));
  }
}

// What is left of x goes into a larger tensor of `value`.
Tensor padded(const Tensor& x, std::span<const PadWidth> padding, double value,
              const Location& at) {
  View left = View::whole(x.shape());
  Shape shape;
  bool crops = false;
  for (int axis = 0; axis < x.rank(); ++axis) {
    const auto [before, after] = padding[axis];
    shape.push_back(x.shape()[axis] + before + after, at);
    const std::int64_t off = std::max<std::int64_t>(0, -before);
    left.offset += off * left.strides[axis];
    left.shape[axis] -= off + std::max<std::int64_t>(0, -after);
    crops = crops || before < 0 || after < 0;
  }
  View place = View::whole(shape);
  for (int axis = 0; axis < x.rank(); ++axis)
    place.offset += std::max<std::int64_t>(0, padding[axis].before) * place.strides[axis];
  place.shape = left.shape;
  return embed(crops ? pick(x, left, "pad", at) : x, shape, place, value, "pad", at);
}

// The element of an axis of size n that stands at place i, counted from its beginning.
std::int64_t source_of(std::int64_t i, std::int64_t n, PadMode mode) {
  switch (mode) {
    case PadMode::reflect: return i < 0 ? -i : i < n ? i : 2 * (n - 1) - i;
    case PadMode::circular: return i < 0 ? i + n : i < n ? i : i - n;
    default: return std::clamp<std::int64_t>(i, 0, n - 1);
  }
}

}  // namespace

Tensor pad(const Arg& x, std::initializer_list<PadWidth> padding, const PadOptions& options) {
  return pad(x, std::span<const PadWidth>(padding.begin(), padding.size()), options);
}

Tensor pad(const Arg& argument, std::span<const PadWidth> padding, const PadOptions& options) {
  Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  check(x.shape(), padding, options.mode, at);
  if (options.mode == PadMode::constant) return padded(x, padding, options.value, at);
  for (int axis = 0; axis < x.rank(); ++axis) {
    const auto [before, after] = padding[axis];
    const std::int64_t n = x.shape()[axis];
    if (before == 0 && after == 0) continue;
    const Tensor sources = Tensor::empty({n + before + after}, int64);
    for (std::int64_t i = 0, end = sources.numel(); i < end; ++i)
      sources.value()->as<std::int64_t>()[i] = source_of(i - before, n, options.mode);
    x = index_select(x, axis, sources);
  }
  return x;
}

// What the catalogue says of them.
namespace {

const ArrayOperation pad_record{
    {.name = "pad", .about = "elements before and after along each axis"},
    {{"pad(x, {{1, 2}, {-1, 1}}, {.value = 2})",
      {{2, 3}},
      [](auto& in) {
        return xtape::pad(in[0], {{1, 2}, {-1, 1}}, {.value = 2});
      }},
     {"pad(x, {{1, 0}, {2, 1}}, {.mode = PadMode::reflect})",
      {{2, 3}},
      [](auto& in) {
        return xtape::pad(in[0], {{1, 0}, {2, 1}}, {.mode = PadMode::reflect});
      }},
     {"pad(x, {{2, 1}}, {.mode = PadMode::replicate})",
      {{3}},
      [](auto& in) {
        return xtape::pad(in[0], {{2, 1}}, {.mode = PadMode::replicate});
      }},
     {"pad(x, {{2, 3}}, {.mode = PadMode::circular})", {{3}}, [](auto& in) {
        return xtape::pad(in[0], {{2, 3}}, {.mode = PadMode::circular});
      }}}};

}  // namespace
}  // namespace xtape
