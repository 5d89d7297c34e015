#include <fmt/format.h>

#include <xtape/nn/dropout_layers.hpp>
#include <xtape/nn/shared.hpp>
#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/linalg.hpp>
#include <xtape/ops/windows.hpp>

namespace xtape::nn {

namespace {

void check_probability(double p, bool below_one, const char* layer, const Location& where) {
  if (!(p >= 0 && (p < 1 || (p == 1 && !below_one))))
    raise<ValueError>(where, layer,
                      fmt::format("p is {}, not in [0, 1{}", p, below_one ? ")" : "]"));
}

}  // namespace

DropoutLayer::DropoutLayer(Function function, double p, bool below_one, Generator* generator,
                           int rank, const char* name, const Location& where)
    : function_(function), options_{.p = p, .generator = generator}, rank_(rank), name_(name) {
  check_probability(p, below_one, name, where);
}

Tensor DropoutLayer::forward(const Tensor& x) {
  const Location at = call_site();
  options_.training = is_training();
  if (rank_ < 0) return function_(Arg(x, at), options_);
  const Tensor batch = xtape::detail::as_batch(x, rank_, {name_, at});
  return xtape::detail::as_given(function_(Arg(batch, at), options_), x, rank_);
}

DropConnect::DropConnect(std::int64_t in, std::int64_t out, const DropConnectOptions& options,
                         Location where)
    : Linear(in, out, {.bias = options.bias, .dtype = options.dtype}, where),
      options_{.p = options.p, .generator = options.generator} {
  check_probability(options.p, false, "DropConnect", where);
}

Tensor DropConnect::forward(const Tensor& x) {
  const Location at = call_site();
  options_.training = is_training();
  return linear(Arg(x, at), dropout(Arg(weight, at), options_), bias);
}

McDropout mc_dropout(Module& module, const Arg& x, std::int64_t samples) {
  if (samples < 1)
    raise<ValueError>(x.where(), "mc_dropout",
                      fmt::format("{} samples, at least 1 wanted", samples));
  const NoGrad no_grad;
  const Modes modes(module);
  module.eval();
  const auto rouse = [](Module& each) {
    if (dynamic_cast<DropsOut*>(&each)) each.train();
  };
  rouse(module);
  for (const NamedModule& below : module.named_modules()) rouse(*below.module);
  // Welford's way: no difference of large sums
  Tensor mean, squares;
  for (std::int64_t i = 1; i <= samples; ++i) {
    const Tensor y = module(x);
    if (i == 1) {
      mean = y;
      squares = zeros_like(y);
      continue;
    }
    const Tensor change = y - mean;
    mean = mean + change / static_cast<double>(i);
    squares = squares + change * (y - mean);
  }
  return {mean, squares / static_cast<double>(samples)};
}

}  // namespace xtape::nn
