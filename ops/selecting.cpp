// The part of indexing.hpp whose results have sizes or values that depend on the elements.
#include <fmt/format.h>

#include <algorithm>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape {

using namespace detail;

namespace {

// The positions of the elements that are not 0 in the flattened tensor.
Tensor places_of(const Tensor& x) {
  Tensor places;
  by_type(x.dtype(), [&]<class T>(T*) {
    const T* const from = x.value()->as<T>();
    const std::int64_t n = x.numel();
    places = Tensor::empty({n - std::count(from, from + n, T(0))}, int64);
    std::int64_t* to = places.value()->as<std::int64_t>();
    for (std::int64_t i = 0; i < n; ++i)
      if (from[i] != T(0)) *to++ = i;
  });
  return places;
}

}  // namespace

Tensor masked_select(const Arg& argument, const Tensor& mask) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  if (mask.dtype(at) != boolean)
    raise<DTypeError>(at, "masked_select",
                      fmt::format("the mask is {}, boolean wanted", name_of(mask.dtype())));
  const Shape shape = broadcast(x.shape(), mask.shape(), "masked_select", at);
  return take(broadcast_to(x, shape), places_of(broadcast_to(mask, shape)));
}

Tensor nonzero(const Arg& argument) {
  const Tensor x = argument.as_tensor(float32);
  const Tensor places = places_of(x);
  const Tensor out = Tensor::empty({places.numel(), x.rank()}, int64);
  std::int64_t* to = out.value()->as<std::int64_t>();
  for (std::int64_t i = 0; i < places.numel(); ++i, to += x.rank()) {
    std::int64_t place = places.value()->as<std::int64_t>()[i];
    for (int axis = x.rank() - 1; axis >= 0; place /= x.shape()[axis--])
      to[axis] = place % x.shape()[axis];
  }
  return out;
}

Tensor one_hot(const Tensor& index, std::int64_t classes, Location where) {
  const Location at = Caller::or_else(where);
  if (index.dtype(at) != int64)
    raise<DTypeError>(at, "one_hot",
                      fmt::format("classes are {}, int64 wanted", name_of(index.dtype())));
  const std::int64_t* const from = index.value()->as<std::int64_t>();
  const std::int64_t n = index.numel();
  if (classes == -1 && n > 0) classes = *std::max_element(from, from + n) + 1;
  if (classes < 1)
    raise<ValueError>(at, "one_hot", fmt::format("{} classes for {} elements", classes, n));
  Shape shape = index.shape();
  shape.push_back(classes, at);
  const Tensor out = zeros_of(shape, int64);
  for (std::int64_t i = 0; i < n; ++i) {
    if (from[i] < 0 || from[i] >= classes)
      raise<IndexError>(
          at, "one_hot",
          fmt::format("class {} at position {}, but there are {} classes", from[i], i, classes));
    out.value()->as<std::int64_t>()[i * classes + from[i]] = 1;
  }
  return out;
}

}  // namespace xtape
