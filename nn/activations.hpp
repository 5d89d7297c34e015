// Activations: one definition each, forward only. The record's formula is the textbook one; the
// lambda computes the same without overflow or cancellation, and NaN stays NaN. Any parameter may
// be a number or a tensor that broadcasts, learnable or not.
#pragma once

#include <string_view>
#include <xtape/autograd/generator.hpp>
#include <xtape/ops/math.hpp>

namespace xtape {

namespace detail {

/// Where the kernels of the formulas in nn/ are; the definitions are in nn/kernels_*.cpp.
struct NnKernels {
  template <class F, Keeps keeps>
  static const Kernels* float32();
  template <class F, Keeps keeps>
  static const Kernels* float64();
  template <class F, Keeps keeps>
  static RecordedVjp graph();
};

/// Strips are compiled for parameters that are numbers and not learnt, if F does not say otherwise.
template <Keeps keeps = Keeps::arguments, class F, class... P>
auto activation(const Record& record, F, P... parameters) {
  return builtin<NnKernels, Entry::Kind::activation, keeps>(record, AsRectifier<F, 0b1>(),
                                                            parameters...);
}

}  // namespace detail

inline const auto relu = detail::activation(
    {.name = "relu", .about = "the positive part", .formula = "x <= 0 ? 0 : x", .kinks = "0"},
    [](auto x) { return where(x <= 0, 0, x); });

inline const auto relu6 =
    detail::activation({.name = "relu6",
                        .about = "relu that ends at 6",
                        .formula = "x <= 0 ? 0 : x >= 6 ? 6 : x",
                        .kinks = "0, 6",
                        .source = "Krizhevsky 2010",
                        .high = 8},
                       [](auto x) { return where(x <= 0, 0, where(x >= 6, 6, x)); });

inline const auto leaky_relu = detail::activation(
    {.name = "leaky_relu",
     .about = "relu with a small slope on the left",
     .formula = "x > 0 ? x : negative_slope * x",
     .kinks = "0",
     .source = "Maas, Hannun and Ng 2013"},
    [](auto x, auto negative_slope) { return where(x > 0, x, negative_slope * x); },
    Parameter{"negative_slope", 0.01, 0.3});

inline const auto prelu =
    detail::activation({.name = "prelu",
                        .about = "leaky_relu whose slope is learnt, one for all or one per channel",
                        .formula = "x > 0 ? x : weight * x",
                        .kinks = "0",
                        .source = "He et al. 2015"},
                       detail::by_rows<0b10, Into::store, 0b11>(
                           [](auto x, auto weight) { return where(x > 0, x, weight * x); }),
                       Parameter{"weight", 0.25, -0.5, true});

inline const auto shifted_relu =
    detail::activation({.name = "shifted_relu",
                        .about = "relu with its corner at (-1, -1)",
                        .formula = "x <= -1 ? -1 : x",
                        .kinks = "-1",
                        .source = "Clevert, Unterthiner and Hochreiter 2016"},
                       [](auto x) { return where(x <= -1, -1, x); });

inline const auto shifted_rectifier =
    detail::activation({.name = "shifted_rectifier",
                        .about = "identity above t, slope a below, both learnable",
                        .formula = "x > t ? x : t + a * (x - t)",
                        .kinks = "t"},
                       detail::by_rows<0b110, Into::store, 0b111>(
                           [](auto x, auto t, auto a) { return where(x > t, x, t + a * (x - t)); }),
                       Parameter{"t", 0, -0.7, true}, Parameter{"a", 0.25, -0.4, true});

inline const auto elu = detail::activation<Keeps::slope>(
    {.name = "elu",
     .about = "identity on the right, a decaying exponential on the left",
     .formula = "x > 0 ? x : alpha * expm1(x)",
     .kinks = "0",
     .source = "Clevert, Unterthiner and Hochreiter 2016"},
    [](auto x, auto alpha) { return where(x > 0, x, alpha * expm1(x)); },
    Parameter{"alpha", 1, 0.6});

inline const auto selu = detail::activation<Keeps::slope>(
    {.name = "selu",
     .about = "elu scaled so that activations keep mean 0 and variance 1",
     .formula = "1.0507009873554804934193349852946 * (x > 0 ? x : "
                "1.6732632423543772848170429916717 * expm1(x))",
     .kinks = "0",
     .source = "Klambauer et al. 2017"},
    [](auto x) {
      constexpr double scale = 1.0507009873554804934193349852946;
      constexpr double alpha = 1.6732632423543772848170429916717;
      return scale * where(x > 0, x, alpha * expm1(x));
    });

inline const auto celu = detail::activation<Keeps::slope>(
    {.name = "celu",
     .about = "elu whose slope is continuous for every alpha",
     .formula = "x > 0 ? x : alpha * expm1(x / alpha)",
     .kinks = "0",
     .source = "Barron 2017"},
    [](auto x, auto alpha) { return where(x > 0, x, alpha * expm1(x / alpha)); },
    Parameter{"alpha", 1, 0.6});

inline const auto swish = detail::activation<Keeps::slope>(
    {.name = "swish",
     .about = "x weighted by its own sigmoid; beta is learnable",
     .formula = "x / (1 + exp(-beta * x))",
     .source = "Ramachandran, Zoph and Le 2017"},
    [](auto x, auto beta) { return x * sigmoid(beta * x); }, Parameter{"beta", 1, -1.7, true});

inline const auto silu =
    detail::activation<Keeps::slope>({.name = "silu",
                                      .about = "swish with beta = 1",
                                      .formula = "x / (1 + exp(-x))",
                                      .source = "Elfwing, Uchibe and Doya 2018"},
                                     [](auto x) { return x * sigmoid(x); });

inline const auto gelu =
    detail::activation<Keeps::slope>({.name = "gelu",
                                      .about = "x weighted by the normal distribution function",
                                      .formula = "x * erfc(-x / sqrt(2)) / 2",
                                      .source = "Hendrycks and Gimpel 2016"},
                                     [](auto x) { return x * ndtr(x); });

inline const auto gelu_tanh = detail::activation<Keeps::slope>(
    {.name = "gelu_tanh",
     .about = "gelu by a hyperbolic tangent",
     .formula = "x * (1 + tanh(sqrt(2 / 3.14159265358979323846) * (x + 0.044715 * x * x * x))) / 2",
     .source = "Hendrycks and Gimpel 2016"},
    [](auto x) {  // (1 + tanh(u)) / 2 = sigmoid(2 u), which is accurate in the left tail
      const double scale = 2 * std::sqrt(2 * std::numbers::inv_pi);
      return x * sigmoid(scale * (x + 0.044715 * x * x * x));
    });

inline const auto mish = detail::activation<Keeps::slope>(
    {.name = "mish",
     .about = "x weighted by the tanh of its softplus",
     .formula = "x * tanh(log1p(exp(x)))",
     .source = "Misra 2019"},
    [](auto x) {  // tanh(log(1 + e)) = n / (n + 2) with n = e (e + 2); 1 in float64 from 20 on
      const auto e = exp(where(x < 20, x, 20));
      const auto n = e * (e + 2);
      return x * (n / (n + 2));
    });

inline const auto softsign = detail::activation({.name = "softsign",
                                                 .about = "a sigmoid with polynomial tails",
                                                 .formula = "x / (1 + abs(x))",
                                                 .source = "Turian, Bergstra and Bengio 2009"},
                                                [](auto x) { return x / (1 + abs(x)); });

inline const auto hardtanh = detail::activation(
    {.name = "hardtanh",
     .about = "identity between two bounds; slope 0 at and beyond them",
     .formula = "x <= min_val ? min_val : x >= max_val ? max_val : x",
     .kinks = "min_val, max_val",
     .source = "Collobert 2004"},
    [](auto x, auto min_val, auto max_val) {
      return where(x <= min_val, min_val, where(x >= max_val, max_val, x));
    },
    Parameter{"min_val", -1, -0.5}, Parameter{"max_val", 1, 1.8});

inline const auto hardsigmoid =
    detail::activation({.name = "hardsigmoid",
                        .about = "a sigmoid in three straight pieces",
                        .formula = "x <= -3 ? 0 : x >= 3 ? 1 : x / 6 + 1 / 2",
                        .kinks = "-3, 3",
                        .source = "Howard et al. 2019",
                        .low = -5,
                        .high = 5},
                       [](auto x) { return where(x <= -3, 0, where(x >= 3, 1, x / 6 + 0.5)); });

inline const auto hardswish =
    detail::activation({.name = "hardswish",
                        .about = "swish with the sigmoid in three straight pieces",
                        .formula = "x < -3 ? 0 : x > 3 ? x : x * (x + 3) / 6",
                        .kinks = "-3, 3",
                        .source = "Howard et al. 2019",
                        .low = -5,
                        .high = 5},
                       [](auto x) { return where(x < -3, 0, where(x > 3, x, x * (x + 3) / 6)); });

inline const auto log_sigmoid =
    detail::activation<Keeps::slope>({.name = "log_sigmoid",
                                      .about = "the logarithm of the sigmoid",
                                      .formula = "x > 0 ? -log1p(exp(-x)) : x - log1p(exp(x))"},
                                     [](auto x) { return -softplus(-x); });

inline const auto tanhshrink = detail::activation<Keeps::slope>(
    {.name = "tanhshrink", .about = "x less its hyperbolic tangent", .formula = "x - tanh(x)"},
    [](auto x) { return less_tanh(x); });

inline const auto softshrink = detail::activation(
    {.name = "softshrink",
     .about = "x moved towards 0 by lambd, and 0 within lambd of it",
     .formula = "x < -lambd ? x + lambd : x <= lambd ? 0 : x - lambd",
     .kinks = "lambd, -lambd",
     .source = "Donoho and Johnstone 1994"},
    [](auto x, auto lambd) {
      return where(x < -lambd, x + lambd, where(x <= lambd, 0, x - lambd));
    },
    Parameter{"lambd", 0.5, 1.2});

inline const auto hardshrink = detail::activation(
    {.name = "hardshrink",
     .about = "x, and 0 within lambd of it",
     .formula = "x < -lambd ? x : x <= lambd ? 0 : x",
     .kinks = "lambd, -lambd",
     .source = "Donoho and Johnstone 1994"},
    [](auto x, auto lambd) { return where(x >= -lambd && x <= lambd, 0, x); },
    Parameter{"lambd", 0.5, 1.2});

inline const auto threshold = detail::activation(
    {.name = "threshold",
     .about = "x above a threshold, a constant elsewhere",
     .formula = "x <= threshold ? value : x",
     .kinks = "threshold"},
    [](auto x, auto threshold, auto value) { return where(x <= threshold, value, x); },
    Parameter{"threshold", 0, 0.8}, Parameter{"value", 0, -0.3});

namespace nn {

/// prelu with one weight for all, or one for each channel of x, axis 1, as PyTorch's function.
/// Throws ShapeError if the weight has neither 1 element nor as many as channels.
Tensor prelu(const Arg& x, const Tensor& weight);

/// gelu, exact or ("tanh") by a hyperbolic tangent. Throws ValueError for another `approximate`.
Tensor gelu(const Arg& x, std::string_view approximate = "none");

/// leaky_relu whose slope is drawn for every element from [lower, upper) in training, and is the
/// middle of them otherwise. Throws ValueError unless lower <= upper. Xu et al. 2015.
Tensor rrelu(const Arg& x, double lower = 1.0 / 8, double upper = 1.0 / 3, bool training = false,
             Generator& generator = Generator::global());

}  // namespace nn

}  // namespace xtape
