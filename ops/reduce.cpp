#include <fmt/format.h>

#include <xtape/ops/elements.hpp>
#include <xtape/ops/formulas.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/scan.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape {

using namespace detail;

namespace {

struct Same {
  static constexpr Usual<1> usual() { return {0, {Into::one}}; }
  template <class V>
  void operator()(const V* x, V* y) const {
    y[0] = x[0];
  }
};

// From x and the maximum m: exp(x - m) without those that are 1, and the number of those.
struct BelowMaximum {
  static constexpr Usual<2> usual() { return {0b10, {Into::one, Into::one}}; }
  template <class V>
  void operator()(const V* x, V* y) const {
    const Lane<V> a(x[0]), m(x[1]), none(0), one(1);
    y[0] = where(a == m, none, exp(a - m)).v;
    y[1] = where(a == m, one, none).v;
  }
};

template <class T>
constexpr int width = LaneTraits<Register<T>>::width;

template <class T>
Strip strip_of(Fold fold) {
  return with_fold(fold, []<class F>(F) -> Strip { return &strip<T, 1, 1, F, Same>; });
}

// The product along the middle axis of [outer, n, inner].
Tensor product(const Tensor& x, const Location& at) {
  const Shape folded = replaced(x.shape(), 1, 1);
  const Tensor out = Tensor::empty(folded, x.dtype());
  fold(x, out, x.shape(), folded, Fold::product);
  return record("prod", at, {saved(x)}, out, [](Backward& backward) {
    // the product of all elements before one and all after it, whatever the element itself is
    const Tensor x = backward.input(0);
    const Tensor others = recurrence(x, {}, 1, 1) * recurrence(x, {}, 1, 1, true);
    backward.give(0, weigh(backward.grad(), others));
  });
}

// log(sum(exp(x - m))) for the maximum m, which has the shape of the result.
Tensor log_sum_above(const Tensor& x, const Tensor& m, const Location& at) {
  const Tensor rest = Tensor::empty(m.shape(), x.dtype());
  const Tensor ties = Tensor::empty(m.shape(), x.dtype());
  Sweep sweep{x.shape(), x.dtype(), &strip<double, 2, 2, SumFold, BelowMaximum>, width<double>};
  if (x.dtype() == float32) {
    sweep.strip = &strip<float, 2, 2, SumFold, BelowMaximum>;
    sweep.width = width<float>;
  }
  for (const Tensor* each : {&x, &m}) sweep.read(each->value());
  for (const Tensor* each : {&rest, &ties}) sweep.write(each->value(), m.shape());
  sweep.run();
  const Tensor out = log1p(rest + (ties - 1));
  return record("logsumexp", at, {saved(x), saved(m), saved(out)}, out, [](Backward& backward) {
    backward.give(0, formulas::exp_share(backward.grad(), backward.input(0), backward.input(1),
                                         backward.result()));
  });
}

// How many elements are not 0, and out of how many.
std::pair<Tensor, std::int64_t> count(const Arg& argument, const Dims& dims, const char* op) {
  const Caller caller(argument.where());
  const Tensor x = argument.as_tensor(float32);
  const Reduced to(x.shape(), dims, op, argument.where());
  const std::int64_t results = std::max<std::int64_t>(1, to.result.numel());
  return {sum(x.dtype() == boolean ? x : x != 0, dims), x.numel() / results};
}

}  // namespace

void detail::fold(const Tensor& x, const Tensor& out, const Shape& space, const Shape& folded,
                  Fold fold) {
  Sweep sweep{space, out.dtype(), nullptr, 1, fold};
  sweep.read(x.value());
  sweep.write(out.value(), folded);
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

Tensor sum(const Arg& argument, const Dims& dims, bool keepdim) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Reduced to(x.shape(), dims.keep(keepdim || dims.keepdim), "sum", at);
  Tensor out = Tensor::empty(to.result, is_floating(x.dtype()) ? x.dtype() : int64);
  fold(x, out, x.shape(), to.folded, Fold::sum);
  return record("sum", at, {unsaved(x)}, out,
                [shape = x.shape(), folded = to.folded](Backward& backward) {
                  const Tensor& share = backward.grad();
                  if (share.numel() == 1 && !backward.create_graph()) {
                    const double number = *cast(share, float64).value()->as<double>();
                    return backward.give(0, Tensor(Value::repeated(shape, share.dtype(), number)));
                  }
                  backward.give(0, broadcast_to(reshape(share, folded), shape));
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

Tensor prod(const Arg& argument, const Dims& dims, bool keepdim) {
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  Tensor x = argument.as_tensor(float32);
  const Shape shape = x.shape();
  const Reduced to(shape, dims.keep(keepdim || dims.keepdim), "prod", at);
  if (x.dtype() == boolean) x = cast(x, int64);
  // one product for every run of neighbouring axes
  std::int64_t outer = 1, rest = shape.numel();
  bool done = false;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (to.folded[axis] == shape[axis]) {
      outer *= shape[axis];
      continue;
    }
    std::int64_t n = 1;
    for (; axis < shape.rank() && to.folded[axis] == 1; ++axis) n *= shape[axis];
    --axis;
    rest = 1;
    for (int after = axis + 1; after < shape.rank(); ++after) rest *= shape[after];
    x = product(reshape(x, Shape{outer, n, rest}), at);
    done = true;
  }
  if (!done) x = product(reshape(x, Shape{x.numel(), 1, 1}), at);
  return reshape(x, to.result);
}

Tensor logsumexp(const Arg& argument, const Dims& dims, bool keepdim) {
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  const Tensor given = argument.as_tensor(float32);
  const Reduced to(given.shape(), dims.keep(keepdim || dims.keepdim), "logsumexp", at);
  const Tensor x = is_floating(given.dtype()) ? given : cast(given, float32);
  if (x.numel() == 0) return log(sum(exp(x), dims, keepdim));
  const Tensor extrema = Tensor::empty(to.folded, x.dtype());
  fold(x, extrema, x.shape(), to.folded, Fold::max);
  const Tensor m = formulas::finite_or_zero(extrema);
  return reshape(log_sum_above(x, m, at) + m, to.result);
}

Tensor any(const Arg& x, const Dims& dims, bool keepdim) {
  return count(x, dims.keep(keepdim || dims.keepdim), "any").first > 0;
}

Tensor all(const Arg& x, const Dims& dims, bool keepdim) {
  const auto [nonzero, total] = count(x, dims.keep(keepdim || dims.keepdim), "all");
  return nonzero == total;
}

Tensor count_nonzero(const Arg& x, const Dims& dims) {
  return count(x, dims, "count_nonzero").first;
}

Tensor sum_to(const Arg& argument, const Shape& shape) {
  const Tensor x = argument.as_tensor(float32);
  if (x.shape() == shape && x.dtype() != boolean) return x;
  const Location at = Caller::or_else(argument.where());
  if (broadcast(x.shape(), shape, "sum_to", at) != x.shape())
    raise<ShapeError>(at, "sum_to",
                      fmt::format("{} does not broadcast to {}", shape.str(), x.shape().str()));
  Tensor out = Tensor::empty(shape, is_floating(x.dtype()) ? x.dtype() : int64);
  fold(x, out, x.shape(), shape, Fold::sum);
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
  fold(numbers, out, shape, shape, Fold::sum);
  if (x.dtype() == boolean) return cast(out, boolean);
  return record("broadcast_to", at, {unsaved(x)}, out, [before = x.shape()](Backward& backward) {
    backward.give(0, sum_to(backward.grad(), before));
  });
}

// What the catalogue says of them.
namespace {

const ArrayOperation sum_record{
    {.name = "sum", .about = "the sum over axes", .formula = "sum_i x_i"},
    {{"sum(x)", {{3, 4}}, [](auto& in) { return xtape::sum(in[0]); }},
     {"sum(x, 1)", {{2, 3, 4}}, [](auto& in) { return xtape::sum(in[0], 1); }},
     {"sum(x, {0, 2}, true)", {{2, 3, 4}}, [](auto& in) {
        return xtape::sum(in[0], {0, 2}, true);
      }}}};
const ArrayOperation mean_record{
    {.name = "mean", .about = "the mean over axes", .formula = "sum_i x_i / n"},
    {{"mean(x)", {{3, 4}}, [](auto& in) { return xtape::mean(in[0]); }},
     {"mean(x, -1, true)", {{3, 5}}, [](auto& in) { return xtape::mean(in[0], -1, true); }}}};
const ArrayOperation prod_record{
    {.name = "prod", .about = "the product over axes", .formula = "prod_i x_i"},
    {{"prod(x)", {{2, 3}}, [](auto& in) { return xtape::prod(in[0]); }},
     {"prod(x * {0, 1, 0}, 1)",
      {{2, 3}},
      [](auto& in) {
        return xtape::prod(in[0] * Tensor({0, 1, 0}, float64), 1);
      }},
     {"prod(x, {0, 2})", {{2, 3, 2}}, [](auto& in) {
        return xtape::prod(in[0], {0, 2});
      }}}};
const ArrayOperation logsumexp_record{
    {.name = "logsumexp",
     .about = "the logarithm of a sum of exponentials",
     .formula = "log(sum_i exp(x_i))"},
    {{"logsumexp(x, 1)", {{3, 4}}, [](auto& in) { return xtape::logsumexp(in[0], 1); }},
     {"logsumexp(x, {0, 2}, true)", {{2, 3, 2}}, [](auto& in) {
        return xtape::logsumexp(in[0], {0, 2}, true);
      }}}};
const ArrayOperation sum_to_record{
    {.name = "sum_to", .about = "the sum over the axes that a smaller shape does not have"},
    {{"sum_to(x, {3, 1})", {{2, 3, 4}}, [](auto& in) {
        return xtape::sum_to(in[0], {3, 1});
      }}}};
const ArrayOperation broadcast_to_record{
    {.name = "broadcast_to", .about = "x repeated to a larger shape"},
    {{"broadcast_to(x, {2, 3, 4})", {{3, 1}}, [](auto& in) {
        return xtape::broadcast_to(in[0], {2, 3, 4});
      }}}};

}  // namespace
}  // namespace xtape
