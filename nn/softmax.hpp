// Softmax and its like along an axis, forward only, with PyTorch's conventions: -infinity gets the
// share 0 and no gradient, a row of nothing else is NaN. A 0-d tensor is taken as 1-d.
#pragma once

#include <xtape/nn/part.hpp>

namespace xtape {

struct SoftmaxOptions {
  double temperature = 1;  ///< x is divided by it
};

/// exp(x_i / t) / sum_j exp(x_j / t) along axis `dim`, computed from differences to the maximum.
/// Throws IndexError, and ValueError unless the temperature is positive, as all below.
Tensor softmax(const Arg& x, std::int64_t dim, const SoftmaxOptions& options = {});
/// The logarithm of softmax(), accurate where that is near 0 or near 1.
Tensor log_softmax(const Arg& x, std::int64_t dim, const SoftmaxOptions& options = {});
/// softmax(-x).
Tensor softmin(const Arg& x, std::int64_t dim, const SoftmaxOptions& options = {});

/// a sigmoid(b) for the halves a and b of x along axis `dim` (Dauphin et al. 2017). Throws
/// IndexError, and ShapeError for an odd size.
Tensor glu(const Arg& x, std::int64_t dim = -1);
/// relu(x) and relu(-x) side by side along axis `dim` (Shang et al. 2016). Throws IndexError.
Tensor crelu(const Arg& x, std::int64_t dim = -1);
/// The maxima of `pieces` neighbours along axis `dim`; ties share the gradient (Goodfellow et al.
/// 2013). Throws IndexError, ValueError for no pieces, and ShapeError if they do not divide the
/// axis.
Tensor maxout(const Arg& x, std::int64_t pieces, std::int64_t dim = -1);

}  // namespace xtape

namespace xtape::formulas {

inline const auto softmax_share =
    detail::part({.name = "softmax_share", .about = "a softmax, from its maximum and its sum"},
                 [](auto x, auto m, auto total) { return xtape::exp(x - m) / total; });
inline const auto softmax_excess =
    detail::part({.name = "softmax_excess",
                  .about = "exp(x - y), less 1 where that is 1: nothing is lost beside it",
                  .formula = "x == y ? 0 : exp(x - y)",
                  .extremes = false},
                 [](auto x, auto m) {
                   const auto e = xtape::exp(x - m);
                   return where(x == m, e - 1, e);
                 });
inline const auto log_softmax_value = detail::part(
    {.name = "log_softmax_value", .about = "a log_softmax, from its maximum and log of the sum"},
    [](auto x, auto m, auto log_sum) { return x - m - log_sum; });
inline const auto equality =
    detail::part({.name = "equality", .about = "1 where two finite numbers are equal, else 0"},
                 [](auto x, auto y) { return 1 - xtape::abs(xtape::sign(x - y)); });
inline const auto gate = detail::part({.name = "gate",
                                       .about = "a, let through by b",
                                       .formula = "x / (1 + exp(-y))",
                                       .source = "Dauphin et al. 2017",
                                       .extremes = false},
                                      [](auto a, auto b) { return a * xtape::sigmoid(b); });

}  // namespace xtape::formulas
