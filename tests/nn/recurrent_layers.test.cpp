#include <xtape/nn/recurrent_layers.hpp>

#include "layer_check.hpp"

using namespace xtape;
using check::distance;
using check::equal;
using check::listing;
using check::numbers;

namespace {

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

// W v + b by loops.
std::vector<double> affine(const Tensor& weight, const Tensor& bias, const std::vector<double>& v) {
  const std::vector<double> w = numbers(weight);
  std::vector<double> out = numbers(bias);
  for (std::size_t o = 0; o < out.size(); ++o)
    for (std::size_t i = 0; i < v.size(); ++i) out[o] += w[o * v.size() + i] * v[i];
  return out;
}

nn::CellWeights weights_of(const nn::Module& module, const std::string& suffix) {
  nn::CellWeights weights;
  for (const nn::NamedTensor& named : module.named_parameters()) {
    if (named.name == "weight_ih" + suffix) weights.w_ih = named.tensor;
    if (named.name == "weight_hh" + suffix) weights.w_hh = named.tensor;
    if (named.name == "bias_ih" + suffix) weights.b_ih = named.tensor;
    if (named.name == "bias_hh" + suffix) weights.b_hh = named.tensor;
  }
  return weights;
}

}  // namespace

TEST_CASE("recurrent layers: names, shapes and initial values of parameters") {
  CHECK(listing(nn::RNN(3, 4)) ==
        "weight_ih_l0 [4, 3], weight_hh_l0 [4, 4], bias_ih_l0 [4], bias_hh_l0 [4]");
  CHECK(listing(nn::GRU(3, 4, {.bias = false})) == "weight_ih_l0 [12, 3], weight_hh_l0 [12, 4]");
  const nn::LSTM lstm(3, 16, {.num_layers = 2, .bias = false, .bidirectional = true});
  CHECK(listing(lstm) ==
        "weight_ih_l0 [64, 3], weight_hh_l0 [64, 16], weight_ih_l0_reverse [64, 3], "
        "weight_hh_l0_reverse [64, 16], weight_ih_l1 [64, 32], weight_hh_l1 [64, 16], "
        "weight_ih_l1_reverse [64, 32], weight_hh_l1_reverse [64, 16]");
  for (const Tensor& weight : lstm.parameters()) CHECK(check::fills(weight, 0.25));
  CHECK(listing(nn::LSTMCell(3, 4)) ==
        "weight_ih [16, 3], weight_hh [16, 4], bias_ih [16], bias_hh [16]");
  CHECK(listing(nn::RNNCell(3, 4, {.bias = false})) == "weight_ih [4, 3], weight_hh [4, 4]");
  CHECK(nn::GRUCell(3, 4, {.dtype = float64}).parameters()[0].dtype() == float64);
}

TEST_CASE("LSTM: a sequence against a loop") {
  nn::LSTM lstm(2, 3, {.dtype = float64});
  const nn::CellWeights w = weights_of(lstm, "_l0");
  const Tensor x = randn({4, 1, 2}, float64);
  std::vector<double> h(3, 0), c(3, 0), outputs;
  for (int t = 0; t < 4; ++t) {
    const std::vector<double> a = affine(w.w_ih, w.b_ih, numbers(index(x, {t, 0}))),
                              b = affine(w.w_hh, w.b_hh, h);
    for (int k = 0; k < 3; ++k) {
      const auto gate = [&](int g) { return a[g * 3 + k] + b[g * 3 + k]; };
      c[k] = sigmoid_of(gate(1)) * c[k] + sigmoid_of(gate(0)) * std::tanh(gate(2));
      h[k] = sigmoid_of(gate(3)) * std::tanh(c[k]);
      outputs.push_back(h[k]);
    }
  }
  const nn::Sequence got = lstm(x);
  CHECK(distance(got.output, reshape(Tensor::from(outputs.data(), {12}), {4, 1, 3})) < 1e-12);
  CHECK(distance(got.h, reshape(Tensor::from(h.data(), {3}), {1, 1, 3})) < 1e-12);
  CHECK(distance(got.c, reshape(Tensor::from(c.data(), {3}), {1, 1, 3})) < 1e-12);
  sum(got.output).backward();
  CHECK(check::all_learn(lstm));
}

TEST_CASE("recurrent layers are the functions, also with states, layers and directions") {
  const nn::RecurrentOptions options{
      .num_layers = 2, .nonlinearity = nn::Nonlinearity::relu, .bidirectional = true};
  const nn::SequenceOptions how{
      .layers = 2, .bidirectional = true, .nonlinearity = nn::Nonlinearity::relu};
  const Tensor x = randn({5, 2, 3}), h = randn({4, 2, 4}), c = randn({4, 2, 4});
  const auto all_weights = [](const nn::Module& module) {
    std::vector<nn::CellWeights> all;
    for (const char* suffix : {"_l0", "_l0_reverse", "_l1", "_l1_reverse"})
      all.push_back(weights_of(module, suffix));
    return all;
  };
  nn::RNN rnn(3, 4, options);
  nn::LSTM lstm(3, 4, options);
  nn::GRU gru(3, 4, options);
  CHECK(equal(rnn(x, h).output, nn::rnn(x, h, all_weights(rnn), how).output));
  CHECK(equal(gru(x, h).h, nn::gru(x, h, all_weights(gru), how).h));
  const nn::Sequence got = lstm(x, {h, c}), wanted = nn::lstm(x, {h, c}, all_weights(lstm), how);
  CHECK(equal(got.output, wanted.output));
  CHECK(equal(got.h, wanted.h));
  CHECK(equal(got.c, wanted.c));
  CHECK(equal(gru(x).output, gru(x, zeros({4, 2, 4})).output));
  CHECK_FALSE(rnn(x).c.defined());
  // in a sequence the outputs go on
  nn::Sequential net(gru, nn::Linear(8, 1));
  CHECK(net(x).shape() == Shape{5, 2, 1});
  CHECK(equal(static_cast<nn::Module&>(gru)(x), gru(x).output));
}

TEST_CASE("recurrent layers: batch first, without a batch, dropout between layers") {
  nn::GRU gru(3, 4, {.num_layers = 2});
  nn::GRU first(3, 4, {.num_layers = 2, .batch_first = true});
  first.load_state_dict(gru.state_dict());
  const Tensor x = randn({5, 2, 3}), h = randn({2, 2, 4});
  const nn::Sequence wanted = gru(x, h), got = first(transpose(x, 0, 1), h);
  CHECK(equal(transpose(got.output, 0, 1), wanted.output));
  CHECK(equal(got.h, wanted.h));
  const Tensor one = index(x, {_, 1}), state = index(h, {_, 1});
  for (nn::GRU* each : {&gru, &first}) {
    const nn::Sequence alone = (*each)(one, state);
    CHECK(alone.output.shape() == Shape{5, 4});
    CHECK(alone.h.shape() == Shape{2, 4});
    CHECK(distance(alone.output, index(wanted.output, {_, 1})) < 1e-6);
  }
  Generator own(2), other(2);
  nn::RNN noisy(3, 4, {.num_layers = 2, .dropout = 0.5, .generator = &own});
  const Tensor low = nn::rnn(x, zeros({1, 2, 4}), {weights_of(noisy, "_l0")}).output;
  const Tensor dropped = nn::dropout(low, {.p = 0.5, .generator = &other});
  CHECK(distance(noisy(x).output,
                 nn::rnn(dropped, zeros({1, 2, 4}), {weights_of(noisy, "_l1")}).output) < 1e-6);
  CHECK_FALSE(equal(noisy(x).output, noisy(x).output));
  noisy.eval();
  CHECK(equal(noisy(x).output, noisy(x).output));
}

TEST_CASE("cells are the functions; states that are not given are 0") {
  const Tensor x = randn({2, 3}), h = randn({2, 4}), c = randn({2, 4});
  nn::RNNCell rnn(3, 4, {.nonlinearity = nn::Nonlinearity::relu});
  nn::LSTMCell lstm(3, 4);
  nn::GRUCell gru(3, 4);
  CHECK(equal(rnn(x, h), nn::rnn_cell(x, h, weights_of(rnn, ""), nn::Nonlinearity::relu)));
  CHECK(equal(gru(x, h), nn::gru_cell(x, h, weights_of(gru, ""))));
  CHECK(equal(gru(x), gru(x, zeros({2, 4}))));
  const nn::LstmState got = lstm(x, {h, c}),
                      wanted = nn::lstm_cell(x, {h, c}, weights_of(lstm, ""));
  CHECK(equal(got.h, wanted.h));
  CHECK(equal(got.c, wanted.c));
  CHECK(equal(lstm(x).c, lstm(x, {zeros({2, 4}), zeros({2, 4})}).c));
  CHECK(equal(static_cast<nn::Module&>(lstm)(x), lstm(x).h));
  sum(got.h).backward();
  CHECK(check::all_learn(lstm));
}

TEST_CASE("recurrent layers: errors name the user's line") {
  CHECK_BLAMES(ValueError, "LSTM: sizes of at least 1 wanted: 0 to 4", nn::LSTM(0, 4));
  CHECK_BLAMES(ValueError, "GRU: 0 layers", nn::GRU(3, 4, {.num_layers = 0}));
  CHECK_BLAMES(ValueError, "RNN: dropout is 1.5, not in [0, 1]", nn::RNN(3, 4, {.dropout = 1.5}));
  CHECK_BLAMES(ValueError, "GRUCell: sizes of at least 1 wanted: 3 to 0", nn::GRUCell(3, 0));
  nn::LSTM lstm(3, 4);
  CHECK_BLAMES(ShapeError, "LSTM: x [T, N, I] or [T, I] wanted, its shape is [3]", lstm(ones({3})));
  CHECK_BLAMES(ShapeError, "lstm: w_ih of shape [16, 5] wanted", lstm(ones({2, 1, 5})));
  CHECK_BLAMES(ShapeError, "lstm: h of shape [1, 1, 4] wanted",
               lstm(ones({2, 1, 3}), {zeros({1, 2, 4}), zeros({1, 1, 4})}));
  nn::GRUCell cell(3, 4);
  CHECK_BLAMES(ShapeError, "GRUCell: x [N, I] wanted, its shape is [3]", cell(ones({3})));
  CHECK_BLAMES(ShapeError, "gru: ", cell(ones({1, 2})));
}
