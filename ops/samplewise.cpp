#include <algorithm>
#include <xtape/autograd/forward.hpp>
#include <xtape/autograd/parallel.hpp>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/formulas.hpp>
#include <xtape/ops/moments.hpp>
#include <xtape/ops/samplewise.hpp>

namespace xtape {

using namespace detail;

namespace {

// The forward code; the rest of this file evaluates it and its derived gradients in another order.
Tensor composed(const NormFormulas& of, const Tensor& x, const Dims& dims, const Arg& weight,
                const Arg& bias, double eps) {
  const Moments both = moments(x, dims);
  const Arg of_scale[] = {both.var, eps};
  const Tensor scale = of.scale.apply(of_scale);
  const Arg all[] = {x, both.mean, scale, weight, bias};
  return of.normalised.apply(all);
}

// How samples are divided: into pieces that threads share and those into blocks, of which several
// tensors stay in a core's cache while all passes over them are made. By sizes alone, so that every
// number of threads computes the same bits.
class Division {
 public:
  explicit Division(const Shape& shape) : samples_(shape[0]) {
    constexpr std::int64_t of_block = 65536, of_piece = 49152, large = 8 * of_piece;  // elements
    constexpr std::int64_t most = 32;
    const std::int64_t each = shape.numel() / samples_;
    block_ = std::max<std::int64_t>(1, of_block / each);
    pieces_ = std::clamp<std::int64_t>(shape.numel() / of_piece, 1, std::min(samples_, most));
    // threads share the passes over a large sample, instead of waiting for the last of a few
    if (each >= large && samples_ < most) pieces_ = 1;
  }
  std::int64_t pieces() const { return pieces_; }
  /// Calls body(piece, begin, end) for each block.
  template <class F>
  void each(const F& body) const {
    parallel_for(pieces_, [&](std::int64_t piece) {
      const std::int64_t stop = samples_ * (piece + 1) / pieces_;
      for (std::int64_t end, begin = samples_ * piece / pieces_; begin < stop; begin = end)
        body(piece, begin, end = std::min(begin + block_, stop));
    });
  }

 private:
  std::int64_t samples_, block_, pieces_;
};

// The samples of a block.
Tensor part(const Tensor& x, std::int64_t begin, std::int64_t end) {
  const std::int64_t each = x.numel() / x.shape()[0];
  return Tensor(Value::show(x.value(), replaced(x.shape(), 0, end - begin), begin * each));
}

// One pass of a formula's strip over the space of the first input.
template <int N, int M>
void pass(const Formula& formula, Strip strip, const Tensor (&in)[N], const SweepOutput (&out)[M]) {
  Sweep sweep{in[0].shape(), in[0].dtype(), strip, formula.kernels(in[0].dtype())->width};
  for (const Tensor& each : in) sweep.read(each.value());
  for (const SweepOutput& each : out) sweep.write(each);
  sweep.run();
}

// The backward pass over blocks: what it reads and where the gradients go.
struct BackwardPass {
  const NormFormulas& of;
  Tensor x, weight, bias, mean, var, grad, eps;
  Tensor to_x;                // not defined() if it is not wanted
  bool accumulate;            // to_x has a gradient already
  Tensor to_weight, to_bias;  // a row for each piece, or not defined()

  // The derived slopes of the two formulas, and those of the two moments.
  void run(std::int64_t piece, std::int64_t begin, std::int64_t end) const {
    const Tensor xs = part(x, begin, end), m = part(mean, begin, end), v = part(var, begin, end);
    const auto empty = [&] { return Tensor::empty(m.shape(), m.dtype()); };
    const Tensor scale = empty(), to_mean = empty(), to_scale = empty(), to_var = empty();
    of.scale.compute({v, eps}, scale);
    SweepOutput out[5];
    Tensor dx, rows[2];
    if (to_x.defined()) {
      dx = part(to_x, begin, end);
      out[0] = {dx.value().get(), dx.shape(), accumulate};
      out[1] = {to_mean.value().get(), m.shape(), false};
      out[2] = {to_scale.value().get(), m.shape(), false};
    }
    const auto add_to = [&](const Tensor& sums, const Shape& shape, int o) {
      if (!sums.defined()) return;
      rows[o - 3] = Tensor(Value::show(sums.value(), shape, piece * shape.numel()));
      out[o] = {rows[o - 3].value().get(), shape, true};
    };
    add_to(to_weight, weight.shape(), 3);
    add_to(to_bias, bias.shape(), 4);
    pass(of.normalised, of.normalised.kernels(x.dtype())->slopes(0b11111).strip,
         {xs, m, scale, weight, bias, part(grad, begin, end)}, out);
    if (!to_x.defined()) return;
    pass(of.scale, of.scale.kernels(x.dtype())->slopes(1).strip, {v, eps, to_scale},
         {{to_var.value().get(), v.shape(), false}});
    const double n = static_cast<double>(x.numel()) / static_cast<double>(mean.numel());
    scale_by(to_mean, 1 / n);
    scale_by(to_var, 2 / n);
    formulas::line.formula().compute({xs, m, to_var, to_mean}, dx, true);
  }
};

struct SamplesVjp {
  NormFormulas of;
  Dims dims;
  double eps;

  void operator()(Backward& backward) const {
    if (backward.create_graph()) {
      const EnableGrad on;
      const Tensor again =
          composed(of, backward.attached(0), dims, backward.attached(1), backward.attached(2), eps);
      return backward.resume(again, backward.grad());
    }
    const Tensor x = backward.input(0);
    const Division division(x.shape());
    Tensor* const there = backward.accumulator(0);
    if (there) there->value()->changed(backward.node().where);
    Tensor fresh;
    if (!there && backward.needs(0)) fresh = Tensor::empty(x.shape(), x.dtype());
    const auto sums = [&](int input) {
      if (!backward.needs(input)) return Tensor();
      return zeros_of({division.pieces(), backward.input(input).numel()}, x.dtype());
    };
    BackwardPass pass{.of = of,
                      .x = x,
                      .weight = backward.input(1),
                      .bias = backward.input(2),
                      .mean = backward.input(3),
                      .var = backward.input(4),
                      .grad = backward.grad(),
                      .eps = number_like(x, eps),
                      .to_x = there ? *there : fresh,
                      .accumulate = there != nullptr,
                      .to_weight = sums(1),
                      .to_bias = sums(2)};
    division.each([&](auto... where) { pass.run(where...); });
    pass.to_x = Tensor();  // given away below, it is moved on only if nobody else has it
    backward.give(0, std::move(fresh));
    give_total(backward, 1, pass.to_weight);
    give_total(backward, 2, pass.to_bias);
  }

  static void give_total(Backward& backward, int input, const Tensor& sums) {
    if (!sums.defined()) return;
    const Tensor row = Tensor::empty({1, sums.shape()[1]}, sums.dtype());
    fold(sums, row, sums.shape(), row.shape(), Fold::sum);
    backward.give(input, Tensor(Value::show(row.value(), backward.input(input).shape())));
  }
};

}  // namespace

Tensor detail::normalise_samples(const char* op, const NormFormulas& of, const Arg& argument,
                                 const Dims& dims, const Arg& weight, const Arg& bias, double eps) {
  const Tensor x = argument.as_tensor(float32), w = weight.as_tensor(x.dtype()),
               b = bias.as_tensor(x.dtype());
  const bool alike = is_floating(x.dtype()) && w.dtype() == x.dtype() && b.dtype() == x.dtype();
  if (!alike || x.numel() == 0 || ForwardMode::on()) return composed(of, x, dims, w, b, eps);
  const Shape one = Reduced(x.shape(), dims, op, argument.where()).folded;
  const Tensor y = Tensor::empty(x.shape(), x.dtype()), mean = Tensor::empty(one, x.dtype()),
               var = Tensor::empty(one, x.dtype()), small = number_like(x, eps);
  const double share = static_cast<double>(one.numel()) / static_cast<double>(x.numel());
  Division(x.shape()).each([&](std::int64_t, std::int64_t begin, std::int64_t end) {
    const Tensor xs = part(x, begin, end), m = part(mean, begin, end), v = part(var, begin, end);
    const Tensor scale = Tensor::empty(m.shape(), m.dtype());
    fold(xs, m, xs.shape(), m.shape(), Fold::sum);
    scale_by(m, share);
    formulas::squared_difference.formula().compute({xs, m}, v);
    scale_by(v, share);
    of.scale.compute({v, small}, scale);
    of.normalised.compute({xs, m, scale, w, b}, part(y, begin, end));
  });
  return record(op, argument.where(), {saved(x), saved(w), saved(b), saved(mean), saved(var)}, y,
                SamplesVjp{of, dims, eps});
}

}  // namespace xtape
