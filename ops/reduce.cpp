#include <fmt/format.h>

#include <algorithm>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape {

namespace {

struct Same {
  template <class V>
  void operator()(const V* x, V* y) const {
    y[0] = x[0];
  }
};
struct MaxFold {
  template <class V>
  static V fold(const V& a, const V& b) {
    return where(Lane<V>(a) > Lane<V>(b) || Lane<V>(a) != Lane<V>(a), Lane<V>(a), Lane<V>(b)).v;
  }
};
struct MinFold {
  template <class V>
  static V fold(const V& a, const V& b) {
    return where(Lane<V>(a) < Lane<V>(b) || Lane<V>(a) != Lane<V>(a), Lane<V>(a), Lane<V>(b)).v;
  }
};

template <class T>
Strip strip_of(Fold fold) {
  if (fold == Fold::sum) return &detail::strip<T, 1, 1, detail::SumFold, Same>;
  if (fold == Fold::max) return &detail::strip<T, 1, 1, MaxFold, Same>;
  return &detail::strip<T, 1, 1, MinFold, Same>;
}

template <class T>
constexpr int width = LaneTraits<Register<T>>::width;

// out = x folded to the shape `folded`, or x broadcast to `space`.
void sweep(const Tensor& x, const Tensor& out, const Shape& space, const Shape& folded, Fold fold) {
  Sweep sweep{.space = space,
              .dtype = out.dtype(),
              .strip = nullptr,
              .width = 1,
              .fold = fold,
              .inputs = 1,
              .outputs = 1,
              .in = {x.value().get()},
              .out = {}};
  sweep.out[0] = {out.value().get(), folded, false};
  if (out.dtype() == float32) {
    sweep.strip = strip_of<float>(fold);
    sweep.width = width<float>;
  } else if (out.dtype() == float64) {
    sweep.strip = strip_of<double>(fold);
    sweep.width = width<double>;
  } else {
    sweep.strip = strip_of<std::int64_t>(fold);
  }
  sweep.run();
}

Tensor extremum(const Arg& argument, const Dims& dims, bool keepdim, Fold fold, const char* op) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Reduced to(x.shape(), dims.keep(keepdim), op, at);
  if (x.numel() == 0 && to.folded.numel() > 0)
    raise<ShapeError>(at, op,
                      fmt::format("no elements to choose from in shape {}", x.shape().str()));
  const Tensor numbers = x.dtype() == boolean ? cast(Arg(x, at), int64) : x;
  const Tensor out = Tensor::empty(to.result, numbers.dtype());
  sweep(numbers, out, x.shape(), to.folded, fold);
  return record(
      op, at, {saved(numbers), saved(out)}, out, [folded = to.folded](Backward& backward) {
        const Tensor input = backward.input(0), chosen = reshape(backward.input(1), folded);
        const Tensor ties = cast(input.detach() == chosen, input.dtype());
        const Tensor share = reshape(backward.grad(), folded) / sum_to(ties, folded);
        backward.give(0, where(ties, share, 0));
      });
}

template <class T>
void first_maxima(const T* x, std::int64_t* out, std::int64_t outer, std::int64_t n,
                  std::int64_t inner) {
  for (std::int64_t o = 0; o < outer; ++o)
    for (std::int64_t i = 0; i < inner; ++i) {
      const T* column = x + o * n * inner + i;
      std::int64_t best = 0;
      for (std::int64_t k = 1; k < n; ++k) {
        const T candidate = column[k * inner], leader = column[best * inner];
        if (candidate > leader || (candidate != candidate && leader == leader)) best = k;
      }
      out[o * inner + i] = best;
    }
}

}  // namespace

Tensor sum(const Arg& argument, const Dims& dims, bool keepdim) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Reduced to(x.shape(), dims.keep(keepdim || dims.keepdim), "sum", at);
  Tensor out = Tensor::empty(to.result, is_floating(x.dtype()) ? x.dtype() : int64);
  sweep(x, out, x.shape(), to.folded, Fold::sum);
  return record("sum", at, {unsaved(x)}, out,
                [shape = x.shape(), folded = to.folded](Backward& backward) {
                  backward.give(0, broadcast_to(reshape(backward.grad(), folded), shape));
                });
}

Tensor mean(const Arg& x, const Dims& dims, bool keepdim) {
  const Tensor tensor = x.as_tensor(float32);
  const Caller caller(x.where());
  if (!is_floating(tensor.dtype()))
    raise<DTypeError>(x.where(), "mean",
                      fmt::format("of a floating tensor wanted, this one is {}; cast() it",
                                  name_of(tensor.dtype())));
  const Reduced to(tensor.shape(), dims, "mean", x.where());
  const double count = static_cast<double>(tensor.numel()) /
                       static_cast<double>(std::max<std::int64_t>(1, to.folded.numel()));
  return sum(tensor, dims, keepdim) / count;
}

Tensor amax(const Arg& x, const Dims& dims, bool keepdim) {
  return extremum(x, dims, keepdim || dims.keepdim, Fold::max, "amax");
}

Tensor amin(const Arg& x, const Dims& dims, bool keepdim) {
  return extremum(x, dims, keepdim || dims.keepdim, Fold::min, "amin");
}

Tensor argmax(const Arg& argument, std::int64_t dim, bool keepdim) {
  const Tensor x = argument.as_tensor(float32);
  const int axis = normalize_axis(dim, x.rank(), "argmax", argument.where());
  const Reduced to(x.shape(), Dims(axis).keep(keepdim), "argmax", argument.where());
  const std::int64_t n = x.shape()[axis];
  if (n == 0)
    raise<ShapeError>(argument.where(), "argmax",
                      fmt::format("no elements to choose from in shape {}", x.shape().str()));
  std::int64_t outer = 1, inner = 1;
  for (int i = 0; i < axis; ++i) outer *= x.shape()[i];
  for (int i = axis + 1; i < x.rank(); ++i) inner *= x.shape()[i];
  Tensor out = Tensor::empty(to.result, int64);
  std::int64_t* indices = out.value()->as<std::int64_t>();
  switch (x.dtype()) {
    case DType::float32: first_maxima(x.value()->as<float>(), indices, outer, n, inner); break;
    case DType::float64: first_maxima(x.value()->as<double>(), indices, outer, n, inner); break;
    case DType::int64: first_maxima(x.value()->as<std::int64_t>(), indices, outer, n, inner); break;
    case DType::boolean: first_maxima(x.value()->as<bool>(), indices, outer, n, inner); break;
  }
  return out;
}

Tensor logsumexp(const Arg& argument, const Dims& dims, bool keepdim) {
  const Caller caller(argument.where());
  const Tensor x = argument.as_tensor(float32);
  const Tensor m = extremum(x.detach(), dims, true, Fold::max, "logsumexp");
  const Tensor finite = formulas::finite_or_zero(m);
  const Tensor total = formulas::exp_difference.sum(dims.keep(), x, finite);
  const Tensor out = formulas::log_scaled(total, finite);
  const Reduced to(x.shape(), dims.keep(keepdim || dims.keepdim), "logsumexp", argument.where());
  return reshape(out, to.result);
}

Tensor sum_to(const Arg& argument, const Shape& shape) {
  const Tensor x = argument.as_tensor(float32);
  if (x.shape() == shape && x.dtype() != boolean) return x;
  const Location at = Caller::or_else(argument.where());
  if (broadcast(x.shape(), shape, "sum_to", at) != x.shape())
    raise<ShapeError>(at, "sum_to",
                      fmt::format("{} does not broadcast to {}", shape.str(), x.shape().str()));
  Tensor out = Tensor::empty(shape, is_floating(x.dtype()) ? x.dtype() : int64);
  sweep(x, out, x.shape(), shape, Fold::sum);
  return record("sum_to", at, {unsaved(x)}, out, [before = x.shape()](Backward& backward) {
    backward.give(0, broadcast_to(backward.grad(), before));
  });
}

Tensor broadcast_to(const Arg& argument, const Shape& shape) {
  const Tensor x = argument.as_tensor(float32);
  if (x.shape() == shape) return x;
  const Location at = Caller::or_else(argument.where());
  if (broadcast(x.shape(), shape, "broadcast_to", at) != shape)
    raise<ShapeError>(at, "broadcast_to",
                      fmt::format("{} does not broadcast to {}", x.shape().str(), shape.str()));
  const Tensor numbers = x.dtype() == boolean ? cast(Arg(x, at), int64) : x;
  Tensor out = Tensor::empty(shape, numbers.dtype());
  sweep(numbers, out, shape, shape, Fold::sum);
  if (x.dtype() == boolean) return cast(out, boolean);
  return record("broadcast_to", at, {unsaved(x)}, out, [before = x.shape()](Backward& backward) {
    backward.give(0, sum_to(backward.grad(), before));
  });
}

}  // namespace xtape
