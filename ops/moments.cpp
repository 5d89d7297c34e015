#include <fmt/format.h>

#include <xtape/ops/formulas.hpp>
#include <xtape/ops/moments.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/statistics.hpp>

namespace xtape {

Moments moments(const Arg& argument, const Dims& dims) {
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  const Tensor x = argument.as_tensor(float32);
  if (!is_floating(x.dtype()))
    raise<DTypeError>(
        at, "moments",
        fmt::format("of a floating tensor wanted, this one is {}; cast() it", name_of(x.dtype())));
  Tensor outputs[2];
  {
    const NoGrad off;
    const Tensor here = x.detach();
    outputs[0] = mean(here, dims, true);
    outputs[1] = formulas::squared_difference.mean(dims.keep(), here, outputs[0]);
  }
  const double n = static_cast<double>(x.numel()) / static_cast<double>(outputs[0].numel());
  const Operand operands[] = {saved(x), saved(outputs[0])};
  record("moments", at, operands, outputs, [dims, n, at](Backward& backward) {
    const Tensor x = backward.input(0);
    const auto share_of = [&](int output, double factor) {
      const Tensor& grad = backward.grad(output);
      return grad.defined() ? grad * factor : number_like(x, 0);
    };
    const Tensor slope = share_of(1, 2 / n), constant = share_of(0, 1 / n);
    if (backward.create_graph())
      return backward.give(0, formulas::line(x, mean(x, dims, true), slope, constant));
    const Tensor mean = backward.input(1);
    Tensor* const there = backward.accumulator(0);
    if (!there) return backward.give(0, formulas::line(x, mean, slope, constant));
    there->value()->changed(at);
    formulas::line.formula().compute({x, mean, slope, constant}, *there, true);
  });
  return {outputs[0], outputs[1]};
}

// What the catalogue says of them.
namespace {

const ArrayOperation moments_record{{.name = "moments",
                                     .about = "the mean and the variance over axes",
                                     .formula = "sum_i x_i / n, sum_i (x_i - mean)^2 / n"},
                                    {{"moments(x, 0)",
                                      {{4, 3}},
                                      [](auto& in) {
                                        const Moments both = xtape::moments(in[0], 0);
                                        return both.mean + 2 * both.var;
                                      }},
                                     {"moments(x, {0, 2}).var", {{2, 3, 4}}, [](auto& in) {
                                        return xtape::moments(in[0], {0, 2}).var;
                                      }}}};

}  // namespace
}  // namespace xtape
