#include <fmt/format.h>

#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/scan.hpp>

namespace xtape {

using namespace detail;

namespace {

// Columns are visited element by element, a strip of them at a time; what runs along is kept in
// double precision. f(state, element, result) makes one step.
template <class T, class F>
void run(const Around& block, bool reverse, double start, F step) {
  using State = std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t>;
  for_columns(block, [&](std::int64_t first, std::int64_t columns) {
    State state[256];
    std::fill_n(state, columns, static_cast<State>(start));
    for (std::int64_t k = 0; k < block.n; ++k) {
      const std::int64_t at = first + (reverse ? block.n - 1 - k : k) * block.inner;
      for (std::int64_t c = 0; c < columns; ++c) step(state[c], at + c);
    }
  });
}

// x as numbers, its axis and the place of the call.
struct Scan {
  Location at;
  Tensor x;
  int axis;

  Scan(const Arg& argument, std::int64_t dim, const char* op)
      : at(Caller::or_else(argument.where())), x(argument.as_tensor(float32)) {
    if (x.dtype() == boolean) x = cast(Arg(x, at), int64);
    axis = normalize_axis(dim, std::max(1, x.rank()), op, at);
  }
};

// A 0-d tensor is a row of one element.
Around block_of(const Tensor& x, int axis) {
  return Around(x.rank() == 0 ? Shape{1} : x.shape(), axis);
}

Tensor summed(const Tensor& x, int axis, bool reverse, const Location& at) {
  const Tensor out = Tensor::empty(x.shape(), x.dtype());
  by_type(x.dtype(), [&]<class T>(T*) {
    const T* const in = x.value()->as<T>();
    T* const to = out.value()->as<T>();
    run<T>(block_of(x, axis), reverse, 0, [in, to](auto& state, std::int64_t i) {
      state += in[i];
      to[i] = static_cast<T>(state);
    });
  });
  return record("cumsum", at, {unsaved(x)}, out, [axis, reverse, at](Backward& backward) {
    backward.give(0, summed(backward.grad(), axis, !reverse, at));
  });
}

}  // namespace

Tensor cumsum(const Arg& argument, std::int64_t dim) {
  const Scan scan(argument, dim, "cumsum");
  return summed(scan.x, scan.axis, false, scan.at);
}

Tensor cumprod(const Arg& argument, std::int64_t dim) {
  const Scan scan(argument, dim, "cumprod");
  const Tensor x = scan.x, out = Tensor::empty(x.shape(), x.dtype());
  by_type(x.dtype(), [&]<class T>(T*) {
    const T* const in = x.value()->as<T>();
    T* const to = out.value()->as<T>();
    run<T>(block_of(x, scan.axis), false, 1, [in, to](auto& state, std::int64_t i) {
      state *= in[i];
      to[i] = static_cast<T>(state);
    });
  });
  return record("cumprod", scan.at, {saved(x)}, out, [axis = scan.axis](Backward& backward) {
    // what reaches y_i comes from above, and through y_(i+1) = y_i x_(i+1)
    const Tensor x = backward.input(0), &g = backward.grad();
    const Tensor arrived = g + recurrence(x, x * g, axis, 0, true);
    backward.give(0, weigh(arrived, recurrence(x, {}, axis, 1)));
  });
}

Tensor recurrence(const Arg& argument, const Tensor& b, std::int64_t dim, double start,
                  bool reverse) {
  const Scan scan(argument, dim, "recurrence");
  const Tensor& a = scan.x;
  if (b.defined() && a.shape() != b.shape())
    raise<ShapeError>(scan.at, "recurrence",
                      fmt::format("a is {}, b {}", a.shape().str(), b.shape().str()));
  if (!is_floating(a.dtype()) || (b.defined() && a.dtype() != b.dtype()))
    raise<DTypeError>(scan.at, "recurrence",
                      fmt::format("floating tensors of one type wanted: {} and {}",
                                  name_of(a.dtype()), name_of((b.defined() ? b : a).dtype())));
  const Tensor out = Tensor::empty(a.shape(), a.dtype());
  const auto compute = [&]<class T>(T*) {
    const T* const factor = a.value()->as<T>();
    const T* const term = b.defined() ? b.value()->as<T>() : nullptr;
    T* const to = out.value()->as<T>();
    const Around block = block_of(a, scan.axis);
    if (term)
      run<T>(block, reverse, start, [factor, term, to](double& state, std::int64_t i) {
        to[i] = static_cast<T>(state);
        state = state * factor[i] + term[i];
      });
    else
      run<T>(block, reverse, start, [factor, to](double& state, std::int64_t i) {
        to[i] = static_cast<T>(state);
        state *= factor[i];
      });
  };
  if (a.dtype() == float32) compute(static_cast<float*>(nullptr));
  else compute(static_cast<double*>(nullptr));
  // ds_(i-1) = a_i ds_i + g_i, as the result is s_(i-1): the same recurrence from the other end
  const auto vjp = [axis = scan.axis, reverse](Backward& backward) {
    const Tensor arrived = recurrence(backward.input(0), backward.grad(), axis, 0, !reverse);
    if (backward.needs(0)) backward.give(0, weigh(arrived, backward.result()));
    if (backward.input_count() == 3) backward.give(1, arrived);
  };
  if (b.defined())
    return record("recurrence", scan.at, {saved(a), unsaved(b), saved(out)}, out, vjp);
  return record("recurrence", scan.at, {saved(a), saved(out)}, out, vjp);
}

// What the catalogue says of them.
namespace {

const ArrayOperation cumsum_record{
    {.name = "cumsum", .about = "running sums along an axis", .formula = "sum_(j <= i) x_j"},
    {{"cumsum(x, 1)", {{2, 4}}, [](auto& in) { return xtape::cumsum(in[0], 1); }},
     {"cumsum(x, 0)", {{3, 2}}, [](auto& in) { return xtape::cumsum(in[0], 0); }}}};
const ArrayOperation cumprod_record{
    {.name = "cumprod", .about = "running products along an axis", .formula = "prod_(j <= i) x_j"},
    {{"cumprod(x, -1)", {{2, 4}}, [](auto& in) { return xtape::cumprod(in[0], -1); }},
     {"cumprod(x * {0, 1, 0}, -1)", {{2, 3}}, [](auto& in) {
        return xtape::cumprod(in[0] * Tensor({0, 1, 0}, float64), -1);
      }}}};
const ArrayOperation recurrence_record{
    {.name = "recurrence",
     .about = "the states of a linear recurrence along an axis",
     .formula = "s_i = a_i s_(i-1) + b_i"},
    {{"recurrence(a, b, 0)",
      {{4, 2}, {4, 2}},
      [](auto& in) { return xtape::recurrence(in[0], in[1], 0); }},
     {"recurrence(a, b, 1, 0.5, true)",
      {{2, 3}, {2, 3}},
      [](auto& in) { return xtape::recurrence(in[0], in[1], 1, 0.5, true); }},
     {"recurrence(a, {}, 0, 1)", {{4}}, [](auto& in) {
        return xtape::recurrence(in[0], {}, 0, 1);
      }}}};

}  // namespace
}  // namespace xtape
