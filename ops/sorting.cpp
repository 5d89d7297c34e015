#include <fmt/format.h>

#include <algorithm>
#include <bit>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/sorting.hpp>

namespace xtape {

using namespace detail;

namespace {

// An element by a number that has its place in the order, and its index: no two are equal, so that
// every algorithm gives the same order, the stable one.
struct Keyed {
  std::uint64_t key;
  std::int64_t index;
  bool operator<(const Keyed& other) const {
    return key != other.key ? key < other.key : index < other.index;
  }
};

constexpr std::uint64_t top = std::uint64_t(1) << 63;
constexpr std::uint64_t nan_key = ~std::uint64_t(0);

// The bits of a positive number are in its order, those of a negative one in the opposite.
std::uint64_t key_of(double value) {
  if (value != value) return nan_key;
  const auto bits = std::bit_cast<std::uint64_t>(value == 0 ? 0 : value);  // -0 is 0
  return bits & top ? ~bits : bits | top;
}
std::uint64_t key_of(float value) { return key_of(static_cast<double>(value)); }
std::uint64_t key_of(std::int64_t value) { return static_cast<std::uint64_t>(value) ^ top; }
std::uint64_t key_of(bool value) { return value; }

// x with at least one axis, the axis, and the place of the call.
struct Rows {
  Location at;
  Tensor given, x;
  int axis;

  Rows(const Arg& argument, std::int64_t dim, const char* op)
      : at(Caller::or_else(argument.where())), given(argument.as_tensor(float32)) {
    const Caller caller(at);
    x = given.rank() == 0 ? reshape(given, {1}) : given;
    axis = normalize_axis(dim, x.rank(), op, at);
  }

  // The indices that `choose` puts first into the keys of each row, `count` of them.
  template <class F>
  Tensor indices(std::int64_t count, bool descending, F choose) const {
    const Around block(x.shape(), axis);
    const Tensor out = Tensor::empty(replaced(x.shape(), axis, count), int64);
    if (x.numel() == 0) return out;
    std::int64_t* const to = out.value()->as<std::int64_t>();
    const std::uint64_t flip = descending ? nan_key : 0;
    by_type(x.dtype(), [&]<class T>(T*) {
      const T* const from = x.value()->as<T>();
      for_columns(block, [&](std::int64_t first, std::int64_t columns) {
        const Ref<Value> scratch = Value::make({2 * block.n}, int64);
        Keyed* const keys = scratch->template as<Keyed>();
        const std::int64_t row = first / (block.n * block.inner) * count * block.inner;
        for (std::int64_t c = 0; c < columns; ++c) {
          for (std::int64_t i = 0; i < block.n; ++i)
            keys[i] = {key_of(from[first + c + i * block.inner]) ^ flip, i};
          choose(keys, keys + block.n);
          std::int64_t* const column = to + row + first % block.inner + c;
          for (std::int64_t i = 0; i < count; ++i) column[i * block.inner] = keys[i].index;
        }
      });
    });
    return out;
  }

  Selection select(const Tensor& indices, const Shape& result) const {
    const Caller caller(at);
    return selected(given, axis, indices, result);
  }
};

Tensor order(const Rows& rows, bool descending) {
  return rows.indices(rows.x.shape()[rows.axis], descending,
                      [](Keyed* begin, Keyed* end) { std::sort(begin, end); });
}

// The lower median comes first; a NaN is one.
Tensor medians(const Rows& rows) {
  if (rows.x.shape()[rows.axis] == 0)
    raise<ShapeError>(rows.at, "median",
                      fmt::format("no elements to choose from in shape {}", rows.x.shape().str()));
  return rows.indices(1, false, [](Keyed* begin, Keyed* end) {
    const bool floating_nan =
        std::any_of(begin, end, [](const Keyed& each) { return each.key == nan_key; });
    Keyed* const middle = begin + (end - begin - 1) / 2;
    std::nth_element(begin, middle, end);
    *begin = floating_nan
                 ? *std::find_if(middle, end, [](const Keyed& each) { return each.key == nan_key; })
                 : *middle;
  });
}

}  // namespace

Selection sort(const Arg& x, std::int64_t dim, bool descending) {
  const Rows rows(x, dim, "sort");
  return rows.select(order(rows, descending), rows.given.shape());
}

Tensor argsort(const Arg& x, std::int64_t dim, bool descending) {
  const Rows rows(x, dim, "argsort");
  return reshape(order(rows, descending), rows.given.shape());
}

Selection topk(const Arg& x, std::int64_t k, std::int64_t dim, bool largest) {
  const Rows rows(x, dim, "topk");
  const std::int64_t n = rows.x.shape()[rows.axis];
  if (k < 0 || k > n)
    raise<ShapeError>(rows.at, "topk", fmt::format("k is {}, but the axis has size {}", k, n));
  const Tensor indices = rows.indices(k, largest, [k](Keyed* begin, Keyed* end) {
    if (k < end - begin) std::nth_element(begin, begin + k, end);
    std::sort(begin, begin + k);
  });
  return rows.select(indices, rows.given.rank() == 0 && k == 1 ? Shape{} : indices.shape());
}

Tensor median(const Arg& argument) {
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  const Tensor x = argument.as_tensor(float32);
  const Rows rows(reshape(x.detach(), {-1}), 0, "median");
  const Tensor value = selected(rows.x, 0, medians(rows), {}).values;
  return chosen("median", at, x, value, Reduced(x.shape(), {}, "median", at).folded);
}

Selection median(const Arg& x, std::int64_t dim, bool keepdim) {
  const Rows rows(x, dim, "median");
  const Tensor indices = medians(rows);
  const Reduced to(rows.given.shape(), Dims(dim).keep(keepdim), "median", rows.at);
  return rows.select(indices, to.result);
}

// What the catalogue says of them.
namespace {

const ArrayOperation sort_record{
    {.name = "sort", .about = "the elements along an axis in order of size"},
    {{"sort(x, 1).values", {{2, 5}}, [](auto& in) { return xtape::sort(in[0], 1).values; }},
     {"sort(x, 0, true).values", {{4, 2}}, [](auto& in) {
        return xtape::sort(in[0], 0, true).values;
      }}}};
const ArrayOperation topk_record{
    {.name = "topk", .about = "the largest or smallest elements along an axis"},
    {{"topk(x, 2, 1).values", {{3, 4}}, [](auto& in) { return xtape::topk(in[0], 2, 1).values; }}}};
const ArrayOperation median_record{
    {.name = "median", .about = "the lower median along an axis or of all elements"},
    {{"median(x)", {{2, 3}}, [](auto& in) { return xtape::median(in[0]); }},
     {"median(x, 0).values", {{4, 3}}, [](auto& in) { return xtape::median(in[0], 0).values; }}}};

}  // namespace
}  // namespace xtape
