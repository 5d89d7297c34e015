// The formulas of which losses and softmax consist, forward only; users call what is made of them.
#pragma once

#include <xtape/nn/part.hpp>

namespace xtape::formulas {

inline const auto absolute_error = detail::part({.name = "absolute_error",
                                                 .about = "the distance of two numbers",
                                                 .formula = "abs(x - y)",
                                                 .kinks = "y"},
                                                [](auto a, auto b) { return xtape::abs(a - b); });
inline const auto squared_error = detail::part({.name = "squared_error",
                                                .about = "the square of the difference",
                                                .formula = "(x - y) * (x - y)"},
                                               [](auto a, auto b) {
                                                 const auto d = a - b;
                                                 return d * d;
                                               });
inline const auto smooth_error = detail::part(
    {.name = "smooth_error",
     .about = "the distance, rounded within beta",
     .formula = "abs(x - y) < beta ? (x - y) * (x - y) / (2 * beta) : abs(x - y) - beta / 2",
     .source = "Girshick 2015",
     .differences = false},
    [](auto a, auto b, auto beta) {
      const auto e = a - b, d = xtape::abs(e);
      return where(d < beta, 0.5 * e * e / beta, d - 0.5 * beta);
    },
    Parameter{"beta", 1, 0.5});
inline const auto huber_error = detail::part(
    {.name = "huber_error",
     .about = "half the square, going on straight beyond delta",
     .formula = "abs(x - y) <= delta ? (x - y) * (x - y) / 2 : delta * (abs(x - y) - delta / 2)",
     .source = "Huber 1964",
     .differences = false},
    [](auto a, auto b, auto delta) {
      const auto e = a - b, d = xtape::abs(e);
      return where(d <= delta, 0.5 * e * e, delta * (d - 0.5 * delta));
    },
    Parameter{"delta", 1, 0.5});
inline const auto power_error = detail::part(
    {.name = "power_error",
     .about = "a power of the distance",
     .formula = "pow(abs(x - y), q)",
     .kinks = "y",
     .differences = false},
    [](auto a, auto b, auto q) { return xtape::pow(xtape::abs(a - b), q); },
    Parameter{"q", 2, 1.5});

inline const auto binary_loss =
    detail::part({.name = "binary_loss",
                  .about = "the binary cross-entropy of a probability and a target",
                  .low = 0.05,
                  .high = 0.95},
                 [](auto p, auto y, auto weight) {
                   const auto here = xtape::detach(p);
                   // a parabola whose slope is (p - y) / 1e-12, through the value with cut
                   // logarithms
                   const auto edge = (p - here) * (p + here - 2 * y) * 0.5e12 -
                                     y * xtape::maximum(xtape::log(here), -100) -
                                     (1 - y) * xtape::maximum(xtape::log1p(-here), -100);
                   const auto inside = -(y * xtape::log(p) + (1 - y) * xtape::log1p(-p));
                   return weight * where(here * (1 - here) < 1e-12, edge, inside);
                 });
inline const auto logistic_loss = detail::part(
    {.name = "logistic_loss",
     .about = "the binary cross-entropy of a logit x and a target y",
     .formula = "(x > 0 ? x + log1p(exp(-x)) : log1p(exp(x))) - x * y"},
    [](auto x, auto y) {  // softplus(x) - x y, with softplus(x) = x + softplus(-x) for x > 0
      return where(x > 0, (1 - y) * x, -(x * y)) + xtape::softplus(where(x > 0, -x, x));
    });
inline const auto weighted_logistic_loss = detail::part(
    {.name = "weighted_logistic_loss",
     .about = "the binary cross-entropy of a logit and a target, weighted"},
    [](auto x, auto y, auto weight, auto positive) {
      const auto far = where(x > 0, (1 - y) * x, -(positive * y * x));
      return weight * (far + (1 + (positive - 1) * y) * xtape::softplus(where(x > 0, -x, x)));
    });
inline const auto kl_term =
    detail::part({.name = "kl_term",
                  .about = "a term of the Kullback-Leibler divergence",
                  .formula = "y == 0 ? 0 : y * (log(y) - x)",
                  .low = 0.05},
                 [](auto x, auto y) { return where(y == 0, 0, y * (xtape::log(y) - x)); });
inline const auto kl_log_term =
    detail::part({.name = "kl_log_term",
                  .about = "the same for the logarithm of the target",
                  .formula = "exp(y) * (y - x)",
                  .extremes = false},
                 [](auto x, auto y) { return xtape::exp(y) * (y - x); });

inline const auto poisson_log_loss =
    detail::part({.name = "poisson_log_loss",
                  .about = "Poisson's loss for the logarithm of the rate",
                  .formula = "exp(x) - y * x",
                  .extremes = false},
                 [](auto x, auto y) { return xtape::exp(x) - y * x; });
inline const auto poisson_loss = detail::part(
    {.name = "poisson_loss",
     .about = "Poisson's loss for the rate",
     .formula = "x - y * log(x + eps)",
     .low = 0.05,
     .extremes = false},
    [](auto x, auto y, auto eps) { return x - y * xtape::log(x + eps); },
    Parameter{"eps", 1e-8, 0.1});
inline const auto stirling = detail::part(
    {.name = "stirling",
     .about = "Stirling's log x! where x > 1, else 0",
     .formula = "x > 1 ? x * log(x) - x + 0.5 * log(6.283185307179586476925 * x) : 0",
     .kinks = "1"},
    [](auto x) {
      return where(x > 1, x * xtape::log(x) - x + 0.5 * xtape::log(2 * std::numbers::pi * x), 0);
    });
inline const auto gaussian_loss =
    detail::part({.name = "gaussian_loss",
                  .about = "-log of a normal density; a small variance is enlarged",
                  .low = 0.05,
                  .differences = false},
                 [](auto x, auto y, auto var, auto eps, auto offset) {
                   const auto v = where(var < eps, eps + (var - xtape::detach(var)), var);
                   const auto d = x - y;
                   return 0.5 * (xtape::log(v) + d * d / v) + offset;
                 });

inline const auto class_loss = detail::part(
    {.name = "class_loss",
     .about = "-log of a softmax for a picked x, from the maximum m and the sum of exp(x - m)",
     .low = 0.5,
     .high = 2},
    // not log(total) + m - picked: where m is large that has no digits left
    [](auto total, auto m, auto picked) { return xtape::log(total) + (m - picked); });
inline const auto smoothing_term =
    detail::part({.name = "smoothing_term",
                  .about = "w times -log of a softmax, from its maximum and log of the sum"},
                 [](auto x, auto m, auto log_sum, auto w) { return w * (log_sum + (m - x)); });
inline const auto soft_target_term = detail::part(
    {.name = "soft_target_term",
     .about =
         "a term of the cross-entropy with a target p keep + share; 0 where p is 0 and x -inf"},
    [](auto x, auto m, auto log_sum, auto p, auto w, auto keep, auto share) {
      const auto target = p * keep + share;
      const auto masked = xtape::detach(target) == 0 &&
                          xtape::detach(x) == -std::numeric_limits<double>::infinity();
      return where(masked, 0, target * w * (log_sum + (m - x)));
    });
inline const auto entropy_term =
    detail::part({.name = "entropy_term",
                  .about = "-x log(y), 0 where x is 0",
                  .formula = "x == 0 ? 0 : -(x * log(y))",
                  .low = 0.05},
                 [](auto x, auto y) { return where(x == 0, 0, -(x * xtape::log(y))); });

inline const auto hinge_embedding = detail::part(
    {.name = "hinge_embedding",
     .about = "x for y = 1, the hinge of x for y = -1",
     .formula = "(y == 1 ? 0 : margin - x < 0 ? 0 : margin - x) + (y == -1 ? 0 : x)",
     .kinks = "margin"},
    [](auto x, auto y, auto margin) {
      const auto z = margin - x;
      return where(y == 1, 0, where(z < 0, 0, z)) + where(y == -1, 0, x);
    },
    Parameter{"margin", 1, 0.5});
inline const auto ranking = detail::part(
    {.name = "ranking",
     .about = "by how much y (a - b) is below the margin",
     .formula = "margin - z * (x - y) < 0 ? 0 : margin - z * (x - y)",
     .kinks = "y + margin / z",
     .extremes = false,
     .differences = false},
    [](auto a, auto b, auto y, auto margin) {
      const auto z = margin - y * (a - b);
      return where(z < 0, 0, z);
    },
    Parameter{"margin", 0, 0.5});
inline const auto soft_margin =
    detail::part({.name = "soft_margin",
                  .about = "log(1 + exp(-x y))",
                  .formula = "x * y > 0 ? log1p(exp(-x * y)) : log1p(exp(x * y)) - x * y"},
                 [](auto x, auto y) { return xtape::softplus(-(x * y)); });
inline const auto hinge = detail::part(
    {.name = "hinge", .about = "by how much x y is below the margin"},
    [](auto x, auto y, auto margin) {
      const auto z = margin - x * y;
      return where(z <= 0, 0, z);
    },
    Parameter{"margin", 1, 0.5});
inline const auto class_margin =
    detail::part({.name = "class_margin",
                  .about = "the hinge of the score x of class j against that of the right class k"},
                 detail::by_rows<0b11010, Into::one, 0b00011>(
                     [](auto x, auto right, auto j, auto k, auto margin) {
                       const auto z = margin - right + x;
                       return where(j == k || z <= 0, 0, z);
                     }));
inline const auto squared_class_margin =
    detail::part({.name = "squared_class_margin", .about = "the square of class_margin"},
                 detail::by_rows<0b11010, Into::one, 0b00011>(
                     [](auto x, auto right, auto j, auto k, auto margin) {
                       const auto z = margin - right + x;
                       return where(j == k || z <= 0, 0, z * z);
                     }));
inline const auto wrong_score = detail::part(
    {.name = "wrong_score", .about = "x, or -infinity for the right class", .differences = false},
    [](auto x, auto j, auto k) {
      return where(j == k, -std::numeric_limits<double>::infinity(), x);
    });
inline const auto label_margin = detail::part(
    {.name = "label_margin", .about = "the hinge of a label's score against that of another class"},
    [](auto x, auto label, auto is_label, auto used) {
      const auto z = 1 - label + x;
      return where(used == 0 || is_label != 0 || z <= 0, 0, z);
    });

inline const auto offset_square = detail::part(
    {.name = "offset_square",
     .about = "the square of a difference and an offset",
     .formula = "(x - y + eps) * (x - y + eps)"},
    [](auto a, auto b, auto eps) {
      const auto d = a - b + eps;
      return d * d;
    },
    Parameter{"eps", 1e-6, 0.5});
inline const auto offset_distance = detail::part(
    {.name = "offset_distance",
     .about = "the size of a difference and an offset",
     .differences = false},
    [](auto a, auto b, auto eps) { return xtape::abs(a - b + eps); }, Parameter{"eps", 1e-6, 0.5});
inline const auto offset_power = detail::part(
    {.name = "offset_power", .about = "a power of offset_distance", .differences = false},
    [](auto a, auto b, auto eps, auto p) {
      const auto d = xtape::abs(a - b + eps);
      return where(d == 0, 0, xtape::pow(d, p));
    },
    Parameter{"eps", 1e-6, 0.5}, Parameter{"p", 3, 1.5});
inline const auto not_below =
    detail::part({.name = "not_below",
                  .about = "x / y, but x / z for y below z",
                  .formula = "y < z ? x / z : x / y",
                  .low = 0.05},
                 [](auto x, auto y, auto least) { return where(y < least, x / least, x / y); });
inline const auto cosine =
    detail::part({.name = "cosine",
                  .about = "a cosine, from a product and two squared norms",
                  .low = 0.1,
                  .high = 0.9},
                 [](auto product, auto a, auto b, auto eps) {
                   const auto norm = [&](auto square) {
                     return where(square <= eps * eps, eps, xtape::sqrt(square));
                   };
                   return product / (norm(a) * norm(b));
                 });
inline const auto first_square = detail::part(
    {.name = "first_square", .about = "the square of the first argument", .formula = "x * x"},
    [](auto x, auto) { return x * x; });
inline const auto cosine_embedding =
    detail::part({.name = "cosine_embedding",
                  .about = "what a cosine costs, alike (y = 1) or not (y = -1)",
                  .low = 0.1},
                 [](auto product, auto a, auto b, auto y, auto margin) {
                   const auto c = product / xtape::sqrt((a + 1e-12) * (b + 1e-12));
                   const auto z = c - margin;
                   return where(y == 1, 1 - c, where(y == -1, where(z < 0, 0, z), 0));
                 });

inline const auto softmax_share =
    detail::part({.name = "softmax_share", .about = "a softmax, from its maximum and its sum"},
                 detail::by_rows<0b110, Into::store, 0b101>(
                     [](auto x, auto m, auto total) { return xtape::exp(x - m) / total; }));
inline const auto softmax_excess =
    detail::part({.name = "softmax_excess",
                  .about = "exp(x - y), less 1 where that is 1: nothing is lost beside it",
                  .formula = "x == y ? 0 : exp(x - y)",
                  .extremes = false},
                 detail::by_rows<0b10, Into::one, 0b01>([](auto x, auto m) {
                   const auto e = xtape::exp(x - m);
                   return where(x == m, e - 1, e);
                 }));
inline const auto log_softmax_value = detail::part(
    {.name = "log_softmax_value", .about = "a log_softmax, from its maximum and log of the sum"},
    detail::by_rows<0b110, Into::store, 0b101>(
        [](auto x, auto m, auto log_sum) { return x - m - log_sum; }));
inline const auto equality =
    detail::part({.name = "equality", .about = "1 where two finite numbers are equal, else 0"},
                 detail::by_rows<0b10, Into::one>(
                     [](auto x, auto y) { return 1 - xtape::abs(xtape::sign(x - y)); }));
inline const auto gate = detail::part({.name = "gate",
                                       .about = "a, let through by b",
                                       .formula = "x / (1 + exp(-y))",
                                       .source = "Dauphin et al. 2017",
                                       .extremes = false},
                                      [](auto a, auto b) { return a * xtape::sigmoid(b); });

}  // namespace xtape::formulas
