#include <fmt/format.h>

#include <xtape/nn/layer_formulas.hpp>
#include <xtape/nn/recurrent.hpp>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/joining.hpp>
#include <xtape/ops/linalg.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/slicing.hpp>

namespace xtape::nn {

using detail::PooledList;

namespace {

// One kind of cell: its name, its gates, and its step from W_ih x + b_ih.
struct Kind {
  const char* name;
  std::int64_t gates;
  LstmState (*step)(const Tensor& from_x, const LstmState& state, const CellWeights& weights);
};

LstmState tanh_step(const Tensor& from_x, const LstmState& state, const CellWeights& weights) {
  return {formulas::tanh_sum(from_x, linear(state.h, weights.w_hh, weights.b_hh)), {}};
}

LstmState relu_step(const Tensor& from_x, const LstmState& state, const CellWeights& weights) {
  return {formulas::relu_sum(from_x, linear(state.h, weights.w_hh, weights.b_hh)), {}};
}

// One of the gates that lie side by side.
Tensor gate(const Tensor& gates, std::int64_t number, std::int64_t units) {
  return slice(gates, -1, {.start = number * units, .stop = (number + 1) * units});
}

LstmState lstm_step(const Tensor& from_x, const LstmState& state, const CellWeights& weights) {
  const std::int64_t units = state.h.size(-1);
  const Tensor gates = from_x + linear(state.h, weights.w_hh, weights.b_hh);
  const Tensor i = gate(gates, 0, units), f = gate(gates, 1, units), g = gate(gates, 2, units);
  const Tensor c = formulas::lstm_memory(i, f, g, state.c);
  return {formulas::lstm_output(gate(gates, 3, units), c), c};
}

LstmState gru_step(const Tensor& from_x, const LstmState& state, const CellWeights& weights) {
  const std::int64_t units = state.h.size(-1);
  const Tensor from_h = linear(state.h, weights.w_hh, weights.b_hh);
  const auto x = [&](std::int64_t number) { return gate(from_x, number, units); };
  const auto h = [&](std::int64_t number) { return gate(from_h, number, units); };
  return {formulas::gru_output(x(0), h(0), x(1), h(1), x(2), h(2), state.h), {}};
}

constexpr Kind lstm_kind{"lstm", 4, &lstm_step};
constexpr Kind gru_kind{"gru", 3, &gru_step};

Kind simple_kind(Nonlinearity nonlinearity) {
  return {"rnn", 1, nonlinearity == Nonlinearity::tanh ? &tanh_step : &relu_step};
}

void check(const Tensor& tensor, const Shape& wanted, const char* what, const Kind& kind,
           const Location& at) {
  if (tensor.shape() != wanted)
    raise<ShapeError>(
        at, kind.name,
        fmt::format("{} of shape {} wanted, it is {}", what, wanted.str(), tensor.shape().str()));
}

void check_weights(const CellWeights& weights, std::int64_t inputs, std::int64_t units,
                   const Kind& kind, const Location& at) {
  const std::int64_t rows = kind.gates * units;
  check(weights.w_ih, {rows, inputs}, "w_ih", kind, at);
  check(weights.w_hh, {rows, units}, "w_hh", kind, at);
  if (weights.b_ih.defined()) check(weights.b_ih, {rows}, "b_ih", kind, at);
  if (weights.b_hh.defined()) check(weights.b_hh, {rows}, "b_hh", kind, at);
}

LstmState cell(const Arg& argument, const LstmState& state, const CellWeights& weights,
               const Kind& kind) {
  const Location at = argument.where();
  const Caller caller(at);
  const Tensor x = argument.as_tensor(float32);
  if (x.rank() != 2 || state.h.rank() != 2)
    raise<ShapeError>(at, kind.name,
                      fmt::format("x [N, I] and h [N, H] wanted, not {} and {}", x.shape().str(),
                                  state.h.shape().str()));
  const std::int64_t units = state.h.shape()[1];
  check(state.h, {x.shape()[0], units}, "h", kind, at);
  if (state.c.defined()) check(state.c, state.h.shape(), "c", kind, at);
  check_weights(weights, x.shape()[1], units, kind, at);
  return kind.step(linear(x, weights.w_ih, weights.b_ih), state, weights);
}

// The slices along the first axis.
PooledList<Tensor> slices(const Tensor& x) {
  const std::int64_t count = x.shape()[0];
  PooledList<Tensor> out(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < count; ++i) out.emplace_back(index(x, {i}));
  return out;
}

// One layer in one direction: its outputs at all times and its last state.
Sequence run(const Tensor& x, LstmState state, const CellWeights& weights, bool backward,
             const Kind& kind) {
  const PooledList<Tensor> from_x = slices(linear(x, weights.w_ih, weights.b_ih));
  const std::size_t times = from_x.items().size();
  PooledList<Tensor> outputs(times);
  for (std::size_t i = 0; i < times; ++i) outputs.emplace_back();
  for (std::size_t i = 0; i < times; ++i) {
    const std::size_t t = backward ? times - 1 - i : i;
    state = kind.step(from_x[t], state, weights);
    outputs[t] = state.h;
  }
  return {stack(outputs.items()), state.h, state.c};
}

Sequence sequence(const Arg& argument, const LstmState& state,
                  const std::vector<CellWeights>& weights, const SequenceOptions& options,
                  const Kind& kind) {
  const Location at = argument.where();
  const Caller caller(at);
  Tensor x = argument.as_tensor(float32);
  const std::int64_t directions = options.bidirectional ? 2 : 1;
  const std::int64_t count = options.layers * directions;
  if (options.layers < 1 || static_cast<std::int64_t>(weights.size()) != count)
    raise<ValueError>(at, kind.name,
                      fmt::format("{} layers in {} directions, but {} weights", options.layers,
                                  directions, weights.size()));
  if (x.rank() != 3 || state.h.rank() != 3)
    raise<ShapeError>(at, kind.name,
                      fmt::format("x [T, N, I] and h [layers, N, H] wanted, not {} and {}",
                                  x.shape().str(), state.h.shape().str()));
  if (options.batch_first) x = transpose(x, 0, 1);
  if (x.shape()[0] == 0) raise<ShapeError>(at, kind.name, "a sequence of no times");
  const std::int64_t units = state.h.shape()[2];
  check(state.h, {count, x.shape()[1], units}, "h", kind, at);
  if (state.c.defined()) check(state.c, state.h.shape(), "c", kind, at);
  PooledList<Tensor> h(weights.size()), c(weights.size());
  for (std::int64_t layer = 0; layer < options.layers; ++layer) {
    PooledList<Tensor> outputs(static_cast<std::size_t>(directions));
    if (layer > 0) x = dropout(x, options.dropout);
    for (std::int64_t direction = 0; direction < directions; ++direction) {
      const std::int64_t k = layer * directions + direction;
      const CellWeights& own = weights[static_cast<std::size_t>(k)];
      check_weights(own, x.shape()[2], units, kind, at);
      const LstmState first{index(state.h, {k}),
                            state.c.defined() ? index(state.c, {k}) : Tensor()};
      const Sequence one = run(x, first, own, direction == 1, kind);
      outputs.emplace_back(one.output);
      h.emplace_back(one.h);
      if (one.c.defined()) c.emplace_back(one.c);
    }
    x = directions == 1 ? outputs[0] : cat(outputs.items(), -1);
  }
  if (options.batch_first) x = transpose(x, 0, 1);
  return {x, stack(h.items()), c.items().empty() ? Tensor() : stack(c.items())};
}

void check_memory(const Arg& x, const LstmState& state) {
  if (!state.c.defined()) raise<ValueError>(x.where(), "lstm", "the state has no memory c");
}

}  // namespace

Tensor rnn_cell(const Arg& x, const Tensor& h, const CellWeights& weights,
                Nonlinearity nonlinearity) {
  return cell(x, {h, {}}, weights, simple_kind(nonlinearity)).h;
}

LstmState lstm_cell(const Arg& x, const LstmState& state, const CellWeights& weights) {
  check_memory(x, state);
  return cell(x, state, weights, lstm_kind);
}

Tensor gru_cell(const Arg& x, const Tensor& h, const CellWeights& weights) {
  return cell(x, {h, {}}, weights, gru_kind).h;
}

Sequence rnn(const Arg& x, const Tensor& h, const std::vector<CellWeights>& weights,
             const SequenceOptions& options) {
  return sequence(x, {h, {}}, weights, options, simple_kind(options.nonlinearity));
}

Sequence lstm(const Arg& x, const LstmState& state, const std::vector<CellWeights>& weights,
              const SequenceOptions& options) {
  check_memory(x, state);
  return sequence(x, state, weights, options, lstm_kind);
}

Sequence gru(const Arg& x, const Tensor& h, const std::vector<CellWeights>& weights,
             const SequenceOptions& options) {
  return sequence(x, {h, {}}, weights, options, gru_kind);
}

}  // namespace xtape::nn
