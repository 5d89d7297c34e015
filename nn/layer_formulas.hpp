// The formulas of which normalisation, dropout and recurrent cells consist, forward only; users
// call what is made of them.
#pragma once

#include <xtape/nn/part.hpp>

namespace xtape::formulas {

inline const auto inverse_root =
    detail::part({.name = "inverse_root",
                  .about = "1 / sqrt(x + y), from a variance",
                  .formula = "1 / sqrt(x + y)",
                  .low = 0.05,
                  .extremes = false},
                 [](auto var, auto eps) { return 1 / xtape::sqrt(var + eps); });
inline const auto scaled_difference = detail::part(
    {.name = "scaled_difference", .about = "(x - y) scale + shift, a normalisation"},
    [](auto x, auto centre, auto scale, auto shift) { return (x - centre) * scale + shift; });
inline const auto normalised =
    detail::part({.name = "normalised", .about = "(x - mean) scale weight + bias, a normalisation"},
                 detail::by_rows<0b00110, Into::store, 0b11111>(
                     [](auto x, auto mean, auto scale, auto weight, auto bias) {
                       return (x - mean) * scale * weight + bias;
                     }));
inline const auto weighted_scale = detail::part(
    {.name = "weighted_scale", .about = "x y z", .formula = "x * y * z", .extremes = false},
    [](auto x, auto scale, auto weight) { return x * scale * weight; });
inline const auto damped =
    detail::part({.name = "damped", .about = "x / (k + alpha y)^beta", .low = 0.1},
                 [](auto x, auto y, auto alpha, auto beta, auto k) {
                   return x / xtape::pow(k + alpha * y, beta);
                 });

inline const auto kept = detail::part(
    {.name = "kept", .about = "x z where y is not 0, else 0", .formula = "y == 0 ? 0 : x * z"},
    [](auto x, auto mask, auto scale) { return where(mask != 0, x * scale, 0); });
inline const auto alpha_kept = detail::part(
    {.name = "alpha_kept", .about = "x, or a value for those left out, a + b times it"},
    [](auto x, auto mask, auto left_out, auto scale, auto shift) {
      return where(mask != 0, x, left_out) * scale + shift;
    });

inline const auto tanh_sum = detail::part(
    {.name = "tanh_sum", .about = "the step of a simple recurrent cell", .formula = "tanh(x + y)"},
    [](auto x, auto y) { return xtape::tanh(x + y); });
inline const auto relu_sum =
    detail::part({.name = "relu_sum",
                  .about = "the same with relu",
                  .formula = "x + y <= 0 ? 0 : x + y",
                  .kinks = "-y"},
                 [](auto x, auto y) { return where(x + y <= 0, 0, x + y); });
inline const auto lstm_memory =
    detail::part({.name = "lstm_memory", .about = "the next memory of an LSTM cell"},
                 [](auto i, auto f, auto g, auto c) {
                   return xtape::sigmoid(f) * c + xtape::sigmoid(i) * xtape::tanh(g);
                 });
inline const auto lstm_output =
    detail::part({.name = "lstm_output",
                  .about = "the output of an LSTM cell from its gate and memory",
                  .formula = "tanh(y) / (1 + exp(-x))"},
                 [](auto o, auto c) { return xtape::sigmoid(o) * xtape::tanh(c); });
inline const auto gru_output = detail::part(
    {.name = "gru_output", .about = "the output of a GRU cell from what reaches its gates"},
    [](auto ri, auto rh, auto zi, auto zh, auto ni, auto nh, auto h) {
      const auto n = xtape::tanh(ni + xtape::sigmoid(ri + rh) * nh);
      return n + xtape::sigmoid(zi + zh) * (h - n);
    });

}  // namespace xtape::formulas
