// Cutting parts out of tensors, as NumPy's basic indexing does:
//
//   x[0, :, 1::2, None, ..., -1]   is   index(x, {0, _, range(1, _, 2), newaxis, ellipsis, -1})
//
// Parts are copies, through which gradients flow back; assign() writes into a part.
#pragma once

#include <optional>
#include <xtape/ops/builtin.hpp>

namespace xtape {

/// Left out: the whole of an axis, or a bound of a range().
inline constexpr std::nullopt_t _ = std::nullopt;

/// Indices start, start + step, ... before stop along an axis, with Python's rules for negative and
/// missing values and for the bounds.
struct Range {
  std::optional<std::int64_t> start{}, stop{};
  std::int64_t step = 1;
};
/// start:stop:step of Python; range(_, _, -1) is ::-1.
inline Range range(std::optional<std::int64_t> start, std::optional<std::int64_t> stop,
                   std::int64_t step = 1) {
  return {start, stop, step};
}

/// One item of index(): an integer, which drops its axis, a range(), _ for a whole axis, newaxis or
/// ellipsis.
class Index {
 public:
  enum class Kind : std::uint8_t { position, range, newaxis, ellipsis };

  template <std::integral T>
  requires(!std::same_as<T, bool>) constexpr Index(T position)
      : kind_(Kind::position), range_{static_cast<std::int64_t>(position), {}, 1} {}
  constexpr Index(const Range& range) : kind_(Kind::range), range_(range) {}
  constexpr Index(std::nullopt_t) : kind_(Kind::range) {}
  constexpr explicit Index(Kind kind) : kind_(kind) {}

  Kind kind() const { return kind_; }
  std::int64_t position() const { return *range_.start; }
  const Range& range() const { return range_; }

 private:
  Kind kind_;
  Range range_;
};
/// A new axis of size 1.
inline constexpr Index newaxis(Index::Kind::newaxis);
/// As many whole axes as are not named.
inline constexpr Index ellipsis(Index::Kind::ellipsis);

/// The part of x that the items name, from the left; axes after the last item are whole. Negative
/// integers count from the end. Throws IndexError for an integer outside its axis, more items than
/// axes or a second ellipsis, and ValueError for a step of 0.
Tensor index(const Arg& x, std::initializer_list<Index> items);
Tensor index(const Arg& x, std::span<const Index> items);

/// Writes `value`, broadcast and cast to the element type of x, into the part of x that the items
/// name: x[items] = value. The change is counted, so that a gradient that needs the old elements
/// throws StaleValueError; gradients do not flow through it. Throws GradError if x or the value
/// requires gradients and no NoGrad lives, ShapeError if the value does not broadcast to the part,
/// and as index().
void assign(const Tensor& x, std::initializer_list<Index> items, const Arg& value);
void assign(const Tensor& x, std::span<const Index> items, const Arg& value);

/// The elements in `range` along axis `dim`: slice(x, 0, {.start = 2, .stop = 5}).
/// Throws IndexError for the axis and ValueError for a step of 0.
Tensor slice(const Arg& x, std::int64_t dim, const Range& range);

/// Pieces of `size` along an axis; the last one is smaller if need be. Throws IndexError for the
/// axis and ValueError for a size below 1.
std::vector<Tensor> split(const Arg& x, std::int64_t size, std::int64_t dim = 0);
/// Pieces of the given sizes. Throws ShapeError if their sum is not the size of the axis, or one is
/// negative.
std::vector<Tensor> split(const Arg& x, std::initializer_list<std::int64_t> sizes,
                          std::int64_t dim = 0);
std::vector<Tensor> split(const Arg& x, std::span<const std::int64_t> sizes, std::int64_t dim = 0);
/// Pieces of ceil(n / chunks), so that there may be fewer than `chunks`; an empty axis gives
/// `chunks` empty ones. Throws IndexError for the axis and ValueError for less than 1.
std::vector<Tensor> chunk(const Arg& x, std::int64_t chunks, std::int64_t dim = 0);
/// The slices at each index of an axis, without that axis. Throws IndexError.
std::vector<Tensor> unbind(const Arg& x, std::int64_t dim = 0);

/// The order along some axes reversed; an empty list reverses none. Throws IndexError for a bad or
/// repeated axis.
Tensor flip(const Arg& x, const Dims& dims);

}  // namespace xtape
