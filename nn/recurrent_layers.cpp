#include <fmt/format.h>

#include <cmath>
#include <xtape/nn/init.hpp>
#include <xtape/nn/recurrent_layers.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::nn {

namespace {

void check_sizes(std::int64_t inputs, std::int64_t units, const char* name, const Location& where) {
  if (inputs < 1 || units < 1)
    raise<ValueError>(where, name,
                      fmt::format("sizes of at least 1 wanted: {} to {}", inputs, units));
}

// Makes the weights of a cell in PyTorch's order and hands each to `keep` with its name.
template <class Keep>
CellWeights drawn_weights(std::int64_t rows, std::int64_t inputs, std::int64_t units, bool bias,
                          DType dtype, Keep keep) {
  const double bound = 1 / std::sqrt(static_cast<double>(units));
  const auto draw = [&](const char* name, const Shape& shape) {
    return keep(name, init::uniform(Tensor::empty(shape, dtype), -bound, bound));
  };
  CellWeights weights;
  weights.w_ih = draw("weight_ih", {rows, inputs});
  weights.w_hh = draw("weight_hh", {rows, units});
  if (!bias) return weights;
  weights.b_ih = draw("bias_ih", {rows});
  weights.b_hh = draw("bias_hh", {rows});
  return weights;
}

std::vector<Tensor> listed(const Sequence& sequence) {
  return {sequence.output, sequence.h, sequence.c};
}

}  // namespace

Recurrent::Recurrent(const char* name, std::int64_t gates, Run run, std::int64_t input_size,
                     std::int64_t hidden_size, const RecurrentOptions& options,
                     const Location& where)
    : name_(name), run_(run), units_(hidden_size), options_(options) {
  const Caller caller(where);
  check_sizes(input_size, hidden_size, name, where);
  if (options.num_layers < 1)
    raise<ValueError>(where, name, fmt::format("{} layers", options.num_layers));
  if (!(options.dropout >= 0 && options.dropout <= 1))
    raise<ValueError>(where, name, fmt::format("dropout is {}, not in [0, 1]", options.dropout));
  const int directions = options.bidirectional ? 2 : 1;
  for (int layer = 0; layer < options.num_layers; ++layer)
    for (int direction = 0; direction < directions; ++direction)
      weights_.push_back(drawn_weights(
          gates * hidden_size, layer == 0 ? input_size : directions * hidden_size, hidden_size,
          options.bias, options.dtype, [&](const char* weight, const Tensor& tensor) {
            return parameter(
                fmt::format("{}_l{}{}", weight, layer, direction == 1 ? "_reverse" : ""), tensor,
                where);
          }));
}

Sequence Recurrent::run_from(const Tensor& given, LstmState state) {
  const Location at = call_site();
  if (given.rank() != 2 && given.rank() != 3)
    raise<ShapeError>(
        at, name_,
        fmt::format("x [T, N, I] or [T, I] wanted, its shape is {}", given.shape().str()));
  const bool batched = given.rank() == 3;
  const int batch_axis = options_.batch_first ? 0 : 1;
  const Tensor x = batched ? given : unsqueeze(Arg(given, at), batch_axis);
  for (Tensor* each : {&state.h, &state.c}) {
    if (!each->defined())
      *each = zeros({static_cast<std::int64_t>(weights_.size()), x.shape()[batch_axis], units_},
                    x.dtype());
    else if (!batched) *each = unsqueeze(Arg(*each, at), 1);
  }
  Sequence result = run_(
      Arg(x, at), state, weights_,
      {.layers = options_.num_layers,
       .bidirectional = options_.bidirectional,
       .batch_first = options_.batch_first,
       .nonlinearity = options_.nonlinearity,
       .dropout = {
           .p = options_.dropout, .training = is_training(), .generator = options_.generator}});
  if (batched) return result;
  return {squeeze(result.output, batch_axis), squeeze(result.h, 1),
          result.c.defined() ? squeeze(result.c, 1) : result.c};
}

Tensor Recurrent::forward(const Tensor& x) { return run_from(x, {}).output; }

Sequence Recurrent::from(const Arg& x, const LstmState& state) {
  const std::vector<Tensor> out =
      call({x.as_tensor(float32), state.h, state.c}, x.where(), [this](std::span<const Tensor> in) {
        return listed(run_from(in[0], {in[1], in[2]}));
      });
  return {out[0], out[1], out[2]};
}

RNN::RNN(std::int64_t input_size, std::int64_t hidden_size, const RecurrentOptions& options,
         Location where)
    : Recurrent(
          "RNN", 1,
          [](const Arg& x, const LstmState& state, const std::vector<CellWeights>& weights,
             const SequenceOptions& how) { return rnn(x, state.h, weights, how); },
          input_size, hidden_size, options, where) {}

LSTM::LSTM(std::int64_t input_size, std::int64_t hidden_size, const RecurrentOptions& options,
           Location where)
    : Recurrent("LSTM", 4, &lstm, input_size, hidden_size, options, where) {}

GRU::GRU(std::int64_t input_size, std::int64_t hidden_size, const RecurrentOptions& options,
         Location where)
    : Recurrent(
          "GRU", 3,
          [](const Arg& x, const LstmState& state, const std::vector<CellWeights>& weights,
             const SequenceOptions& how) { return gru(x, state.h, weights, how); },
          input_size, hidden_size, options, where) {}

Cell::Cell(const char* name, std::int64_t gates, Run run, std::int64_t input_size,
           std::int64_t hidden_size, const CellOptions& options, const Location& where)
    : name_(name), run_(run), units_(hidden_size), nonlinearity_(options.nonlinearity) {
  const Caller caller(where);
  check_sizes(input_size, hidden_size, name, where);
  weights_ = drawn_weights(
      gates * hidden_size, input_size, hidden_size, options.bias, options.dtype,
      [&](const char* weight, const Tensor& tensor) { return parameter(weight, tensor, where); });
}

LstmState Cell::run_from(const Tensor& x, LstmState state) {
  const Location at = call_site();
  if (x.rank() != 2)
    raise<ShapeError>(at, name_, fmt::format("x [N, I] wanted, its shape is {}", x.shape().str()));
  for (Tensor* each : {&state.h, &state.c})
    if (!each->defined()) *each = zeros({x.shape()[0], units_}, x.dtype());
  return run_(Arg(x, at), state, weights_, nonlinearity_);
}

Tensor Cell::forward(const Tensor& x) { return run_from(x, {}).h; }

LstmState Cell::from(const Arg& x, const LstmState& state) {
  const std::vector<Tensor> out =
      call({x.as_tensor(float32), state.h, state.c}, x.where(), [this](std::span<const Tensor> in) {
        const LstmState next = run_from(in[0], {in[1], in[2]});
        return std::vector<Tensor>{next.h, next.c};
      });
  return {out[0], out[1]};
}

RNNCell::RNNCell(std::int64_t input_size, std::int64_t hidden_size, const CellOptions& options,
                 Location where)
    : Cell(
          "RNNCell", 1,
          [](const Arg& x, const LstmState& state, const CellWeights& weights,
             Nonlinearity nonlinearity) {
            return LstmState{rnn_cell(x, state.h, weights, nonlinearity), {}};
          },
          input_size, hidden_size, options, where) {}

LSTMCell::LSTMCell(std::int64_t input_size, std::int64_t hidden_size, const CellOptions& options,
                   Location where)
    : Cell(
          "LSTMCell", 4,
          [](const Arg& x, const LstmState& state, const CellWeights& weights, Nonlinearity) {
            return lstm_cell(x, state, weights);
          },
          input_size, hidden_size, options, where) {}

GRUCell::GRUCell(std::int64_t input_size, std::int64_t hidden_size, const CellOptions& options,
                 Location where)
    : Cell(
          "GRUCell", 3,
          [](const Arg& x, const LstmState& state, const CellWeights& weights, Nonlinearity) {
            return LstmState{gru_cell(x, state.h, weights), {}};
          },
          input_size, hidden_size, options, where) {}

}  // namespace xtape::nn
