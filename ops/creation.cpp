#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <xtape/ops/creation.hpp>

namespace xtape {

namespace {

// A tensor whose element i is f(i), converted to the element type.
template <class F>
Tensor generate(const Shape& shape, DType dtype, F f) {
  const Tensor out = Tensor::empty(shape, dtype);
  const auto fill = [&](auto* to) {
    using T = std::remove_pointer_t<decltype(to)>;
    for (std::int64_t i = 0, end = out.numel(); i < end; ++i) to[i] = static_cast<T>(f(i));
  };
  switch (dtype) {
    case DType::float32: fill(out.value()->as<float>()); break;
    case DType::float64: fill(out.value()->as<double>()); break;
    case DType::int64: fill(out.value()->as<std::int64_t>()); break;
    case DType::boolean: fill(out.value()->as<bool>()); break;
  }
  return out;
}

}  // namespace

Tensor full(const Shape& shape, double value, DType dtype) {
  return Tensor(Value::repeated(shape, dtype, value));
}
Tensor zeros(const Shape& shape, DType dtype) { return full(shape, 0, dtype); }
Tensor ones(const Shape& shape, DType dtype) { return full(shape, 1, dtype); }
Tensor full_like(const Tensor& like, double value, std::optional<DType> dtype, Location where) {
  return full(like.shape(where), value, dtype.value_or(like.dtype(where)));
}
Tensor zeros_like(const Tensor& like, std::optional<DType> dtype, Location where) {
  return full_like(like, 0, dtype, where);
}
Tensor ones_like(const Tensor& like, std::optional<DType> dtype, Location where) {
  return full_like(like, 1, dtype, where);
}
Tensor empty_like(const Tensor& like, std::optional<DType> dtype, Location where) {
  return Tensor::empty(like.shape(where), dtype.value_or(like.dtype(where)));
}

Tensor arange(double start, double stop, double step, DType dtype, Location where) {
  if (step == 0) raise<ValueError>(where, "arange", "the step is 0");
  const double count = std::ceil((stop - start) / step);
  if (!(count < 0x1p62))
    raise<ValueError>(where, "arange",
                      fmt::format("from {} to {} in steps of {} never ends", start, stop, step));
  return generate({static_cast<std::int64_t>(std::max(0.0, count))}, dtype,
                  [=](std::int64_t i) { return start + static_cast<double>(i) * step; });
}

Tensor arange(double stop, DType dtype, Location where) { return arange(0, stop, 1, dtype, where); }

Tensor linspace(double start, double stop, std::int64_t count, DType dtype, Location where) {
  if (count < 0)
    raise<ValueError>(where, "linspace", fmt::format("the count is negative: {}", count));
  const double last = static_cast<double>(std::max<std::int64_t>(1, count - 1));
  return generate({count}, dtype, [=](std::int64_t i) {
    return i == count - 1 && i > 0 ? stop : start + (stop - start) * static_cast<double>(i) / last;
  });
}

Tensor eye(std::int64_t n, DType dtype, Location where) { return eye(n, n, dtype, where); }

Tensor eye(std::int64_t n, std::int64_t m, DType dtype, Location where) {
  return generate(Shape({n, m}, where), dtype,
                  [m](std::int64_t i) { return i / m == i % m ? 1.0 : 0.0; });
}

}  // namespace xtape
