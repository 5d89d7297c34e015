// Recurrent cells and sequences against the equations written with plain operations.
#include "../blames.hpp"

using namespace xtape;
using check::curvature_error;
using check::distance;
using check::slope_error;

namespace {

constexpr std::int64_t times = 4, batch = 2, inputs = 3, units = 5;

nn::CellWeights weights_of(std::int64_t gates, std::int64_t in, bool bias = true) {
  const std::int64_t rows = gates * units;
  nn::CellWeights weights{randn({rows, in}, float64), randn({rows, units}, float64)};
  if (bias) weights.b_ih = randn({rows}, float64), weights.b_hh = randn({rows}, float64);
  return weights;
}

Tensor gate(const Tensor& gates, std::int64_t k) {
  return slice(gates, -1, {.start = k * units, .stop = (k + 1) * units});
}

Tensor affine(const Tensor& x, const Tensor& w, const Tensor& b) {
  const Tensor y = matmul(x, transpose(w));
  return b.defined() ? y + b : y;
}

nn::LstmState plain_lstm(const Tensor& x, const nn::LstmState& state, const nn::CellWeights& w) {
  const Tensor gates = affine(x, w.w_ih, w.b_ih) + affine(state.h, w.w_hh, w.b_hh);
  const Tensor c =
      sigmoid(gate(gates, 1)) * state.c + sigmoid(gate(gates, 0)) * tanh(gate(gates, 2));
  return {sigmoid(gate(gates, 3)) * tanh(c), c};
}

Tensor plain_gru(const Tensor& x, const Tensor& h, const nn::CellWeights& w) {
  const Tensor a = affine(x, w.w_ih, w.b_ih), b = affine(h, w.w_hh, w.b_hh);
  const Tensor r = sigmoid(gate(a, 0) + gate(b, 0)), z = sigmoid(gate(a, 1) + gate(b, 1));
  return (1 - z) * tanh(gate(a, 2) + r * gate(b, 2)) + z * h;
}

Tensor plain_rnn(const Tensor& x, const Tensor& h, const nn::CellWeights& w) {
  return tanh(affine(x, w.w_ih, w.b_ih) + affine(h, w.w_hh, w.b_hh));
}

Tensor at_time(const Tensor& x, std::int64_t t) {
  return squeeze(slice(x, 0, {.start = t, .stop = t + 1}), 0);
}

}  // namespace

TEST_CASE("recurrent cells") {
  manual_seed(9);
  const Tensor x = randn({batch, inputs}, float64), h = randn({batch, units}, float64),
               c = randn({batch, units}, float64);
  for (const bool bias : {true, false}) {
    const nn::CellWeights one = weights_of(1, inputs, bias), three = weights_of(3, inputs, bias),
                          four = weights_of(4, inputs, bias);
    CHECK(distance(nn::rnn_cell(x, h, one), plain_rnn(x, h, one)) < 1e-14);
    CHECK(distance(nn::rnn_cell(x, h, one, nn::Nonlinearity::relu),
                   relu(affine(x, one.w_ih, one.b_ih) + affine(h, one.w_hh, one.b_hh))) < 1e-14);
    CHECK(distance(nn::gru_cell(x, h, three), plain_gru(x, h, three)) < 1e-14);
    const auto next = nn::lstm_cell(x, {h, c}, four), want = plain_lstm(x, {h, c}, four);
    CHECK(distance(next.h, want.h) < 1e-14);
    CHECK(distance(next.c, want.c) < 1e-14);
  }
  const nn::CellWeights w = weights_of(4, inputs);
  const check::Function lstm = [](const auto& in) {
    const auto next = nn::lstm_cell(in[0], {in[1], in[2]}, {in[3], in[4], in[5], in[6]});
    return next.h + 2 * next.c;
  };
  CHECK(slope_error(lstm, {x, h, c, w.w_ih, w.w_hh, w.b_ih, w.b_hh}) < 1e-8);
  const nn::CellWeights g = weights_of(3, inputs);
  const check::Function gru = [](const auto& in) {
    return nn::gru_cell(in[0], in[1], {in[2], in[3], in[4], in[5]}) +
           nn::rnn_cell(in[0], in[1],
                        {slice(in[2], 0, {.stop = units}), slice(in[3], 0, {.stop = units})});
  };
  CHECK(slope_error(gru, {x, h, g.w_ih, g.w_hh, g.b_ih, g.b_hh}) < 1e-8);
  CHECK(curvature_error(gru, {x, h, g.w_ih, g.w_hh, g.b_ih, g.b_hh}) < 1e-5);
}

TEST_CASE("recurrent sequences: layers, directions, batch first") {
  const Tensor x = randn({times, batch, inputs}, float64);
  for (const int layers : {1, 2})
    for (const bool both : {false, true}) {
      const std::int64_t directions = both ? 2 : 1, states = layers * directions;
      std::vector<nn::CellWeights> weights;
      for (std::int64_t k = 0; k < states; ++k)
        weights.push_back(weights_of(4, k < directions ? inputs : directions * units));
      const Tensor h = randn({states, batch, units}, float64),
                   c = randn({states, batch, units}, float64);
      const nn::SequenceOptions options{.layers = layers, .bidirectional = both};
      const nn::Sequence out = nn::lstm(x, {h, c}, weights, options);
      Tensor level = x;
      for (std::int64_t layer = 0; layer < layers; ++layer) {
        std::vector<Tensor> sides;
        for (std::int64_t d = 0; d < directions; ++d) {
          const std::int64_t k = layer * directions + d;
          nn::LstmState state{at_time(h, k), at_time(c, k)};
          std::vector<Tensor> all(times);
          for (std::int64_t i = 0; i < times; ++i) {
            const std::int64_t t = d == 1 ? times - 1 - i : i;
            state = plain_lstm(at_time(level, t), state, weights[k]);
            all[t] = state.h;
          }
          sides.push_back(stack(all));
          CHECK(distance(at_time(out.h, k), state.h) < 1e-14);
          CHECK(distance(at_time(out.c, k), state.c) < 1e-14);
        }
        level = cat(sides, -1);
      }
      CHECK(distance(out.output, level) < 1e-14);
      const nn::Sequence turned =
          nn::lstm(transpose(x, 0, 1), {h, c}, weights,
                   {.layers = layers, .bidirectional = both, .batch_first = true});
      CHECK(distance(turned.output, transpose(level, 0, 1)) < 1e-14);
      CHECK(slope_error(
                [&](const auto& in) {
                  return nn::lstm(in[0], {in[1], in[2]}, weights, options).output;
                },
                {x, h, c}) < 1e-8);
    }
}

TEST_CASE("recurrent sequences: rnn and gru") {
  const Tensor x = randn({times, batch, inputs}, float64), h = randn({1, batch, units}, float64);
  const nn::CellWeights one = weights_of(1, inputs), three = weights_of(3, inputs);
  const nn::Sequence rnn = nn::rnn(x, h, {one}), gru = nn::gru(x, h, {three});
  Tensor a = at_time(h, 0), b = a;
  for (std::int64_t t = 0; t < times; ++t) {
    a = plain_rnn(at_time(x, t), a, one);
    b = plain_gru(at_time(x, t), b, three);
    CHECK(distance(at_time(rnn.output, t), a) < 1e-14);
    CHECK(distance(at_time(gru.output, t), b) < 1e-14);
  }
  CHECK(distance(at_time(rnn.h, 0), a) < 1e-14);
  CHECK(distance(at_time(gru.h, 0), b) < 1e-14);
  CHECK(!gru.c.defined());
  const Tensor relus = nn::rnn(x, h, {one}, {.nonlinearity = nn::Nonlinearity::relu}).output;
  CHECK(amin(relus).item<double>() >= 0);
  CHECK(slope_error(
            [&](const auto& in) {
              return nn::gru(in[0], in[1], {{in[2], in[3], in[4], in[5]}}).output +
                     nn::rnn(in[0], in[1], {one}).output;
            },
            {x, h, three.w_ih, three.w_hh, three.b_ih, three.b_hh}) < 1e-8);
}

TEST_CASE("recurrent networks: errors") {
  const Tensor x = ones({batch, inputs}, float64), h = ones({batch, units}, float64);
  const nn::CellWeights w = weights_of(4, inputs);
  CHECK_BLAMES(ValueError, "lstm: the state has no memory c", nn::lstm_cell(x, {h, {}}, w));
  CHECK_BLAMES(ShapeError, "lstm: c of shape [2, 5] wanted, it is [2, 4]",
               nn::lstm_cell(x, {h, ones({batch, 4}, float64)}, w));
  CHECK_BLAMES(ShapeError, "lstm: w_ih of shape [20, 2] wanted, it is [20, 3]",
               nn::lstm_cell(ones({batch, 2}, float64), {h, h}, w));
  CHECK_BLAMES(ShapeError, "gru: w_ih of shape [15, 3] wanted, it is [20, 3]",
               nn::gru_cell(x, h, w));
  CHECK_BLAMES(ShapeError, "rnn: x [N, I] and h [N, H] wanted, not [3] and [2, 5]",
               nn::rnn_cell(ones({3}, float64), h, w));
  CHECK_BLAMES(ShapeError, "rnn: h of shape [2, 5] wanted, it is [1, 5]",
               nn::rnn_cell(x, ones({1, units}, float64), w));
  nn::CellWeights bad = w;
  bad.b_hh = ones({5}, float64);
  CHECK_BLAMES(ShapeError, "lstm: b_hh of shape [20]", nn::lstm_cell(x, {h, h}, bad));
  bad.b_ih = ones({5}, float64);
  CHECK_BLAMES(ShapeError, "lstm: b_ih of shape [20]", nn::lstm_cell(x, {h, h}, bad));
  bad.w_hh = ones({20, 4}, float64);
  CHECK_BLAMES(ShapeError, "lstm: w_hh of shape [20, 5]", nn::lstm_cell(x, {h, h}, bad));
  const Tensor sequence = ones({times, batch, inputs}, float64),
               h0 = ones({1, batch, units}, float64);
  CHECK_BLAMES(ValueError, "lstm: 2 layers in 1 directions, but 1 weights",
               nn::lstm(sequence, {h0, h0}, {w}, {.layers = 2}));
  CHECK_BLAMES(ShapeError, "lstm: x [T, N, I] and h [layers, N, H] wanted, not [2, 3] and",
               nn::lstm(x, {h0, h0}, {w}));
  CHECK_BLAMES(ShapeError, "lstm: h of shape [1, 2, 5] wanted, it is [2, 2, 5]",
               nn::lstm(sequence, {ones({2, batch, units}, float64), h0}, {w}));
  CHECK_BLAMES(ShapeError, "lstm: a sequence of no times",
               nn::lstm(ones({0, batch, inputs}, float64), {h0, h0}, {w}));
}
