// Recurrent networks and cells as layers; what they compute is in <xtape/nn/recurrent.hpp>.
#pragma once

#include <xtape/nn/dropout_layers.hpp>
#include <xtape/nn/recurrent.hpp>

namespace xtape::nn {

struct RecurrentOptions {
  int num_layers = 1;
  Nonlinearity nonlinearity = Nonlinearity::tanh;  ///< of RNN
  bool bias = true;
  bool batch_first = false;  ///< x and the output are [N, T, ...]
  double dropout = 0;        ///< the probability, of what each layer but the first takes
  bool bidirectional = false;
  DType dtype = float32;
  Generator* generator = &Generator::global();  ///< of dropout
};

/// What RNN, LSTM and GRU share. Parameters of layer k: weight_ih_lk [g H, I or D H], weight_hh_lk
/// [g H, H], bias_ih_lk and bias_hh_lk [g H] for g gates, H units and D directions, and the same
/// with "_reverse" for the other direction, drawn from U(-1/sqrt(H), 1/sqrt(H)). x is [T, N, I];
/// the batch may be missing, then in states, too. States that are not given are 0. forward() gives
/// the outputs alone.
class Recurrent : public Module, public DropsOut {
 public:
  Tensor forward(const Tensor& x) override;

 protected:
  using Run = Sequence (*)(const Arg& x, const LstmState& state,
                           const std::vector<CellWeights>& weights, const SequenceOptions& options);
  Recurrent(const char* name, std::int64_t gates, Run run, std::int64_t input_size,
            std::int64_t hidden_size, const RecurrentOptions& options, const Location& where);
  Sequence from(const Arg& x, const LstmState& state);

 private:
  Sequence run_from(const Tensor& x, LstmState state);

  const char* name_;
  Run run_;
  std::int64_t units_;
  RecurrentOptions options_;
  std::vector<CellWeights> weights_;
};

/// rnn(). Throws ValueError for sizes below 1 and a dropout that is not in [0, 1], as all here.
class RNN : public Recurrent {
 public:
  RNN(std::int64_t input_size, std::int64_t hidden_size, const RecurrentOptions& options = {},
      Location where = {});
  /// The outputs and the last state from the state h [layers D, N, H]. Throws ShapeError.
  Sequence operator()(const Arg& x, const Tensor& h = {}) { return from(x, {h, {}}); }
};

/// lstm().
class LSTM : public Recurrent {
 public:
  LSTM(std::int64_t input_size, std::int64_t hidden_size, const RecurrentOptions& options = {},
       Location where = {});
  /// As RNN, with the memory c in both states.
  Sequence operator()(const Arg& x, const LstmState& state = {}) { return from(x, state); }
};

/// gru().
class GRU : public Recurrent {
 public:
  GRU(std::int64_t input_size, std::int64_t hidden_size, const RecurrentOptions& options = {},
      Location where = {});
  /// As RNN.
  Sequence operator()(const Arg& x, const Tensor& h = {}) { return from(x, {h, {}}); }
};

struct CellOptions {
  bool bias = true;
  Nonlinearity nonlinearity = Nonlinearity::tanh;  ///< of RNNCell
  DType dtype = float32;
};

/// What the cells share. Parameters: weight_ih [g H, I], weight_hh [g H, H], bias_ih and bias_hh
/// [g H], drawn from U(-1/sqrt(H), 1/sqrt(H)). x is [N, I], states are [N, H] and 0 if they are not
/// given; forward() gives the next h.
class Cell : public Module {
 public:
  Tensor forward(const Tensor& x) override;

 protected:
  using Run = LstmState (*)(const Arg& x, const LstmState& state, const CellWeights& weights,
                            Nonlinearity nonlinearity);
  Cell(const char* name, std::int64_t gates, Run run, std::int64_t input_size,
       std::int64_t hidden_size, const CellOptions& options, const Location& where);
  LstmState from(const Arg& x, const LstmState& state);

 private:
  LstmState run_from(const Tensor& x, LstmState state);

  const char* name_;
  Run run_;
  std::int64_t units_;
  Nonlinearity nonlinearity_;
  CellWeights weights_;
};

/// rnn_cell(). Throws ValueError for sizes below 1, as all cells.
class RNNCell : public Cell {
 public:
  RNNCell(std::int64_t input_size, std::int64_t hidden_size, const CellOptions& options = {},
          Location where = {});
  Tensor operator()(const Arg& x, const Tensor& h = {}) { return from(x, {h, {}}).h; }
};

/// lstm_cell().
class LSTMCell : public Cell {
 public:
  LSTMCell(std::int64_t input_size, std::int64_t hidden_size, const CellOptions& options = {},
           Location where = {});
  LstmState operator()(const Arg& x, const LstmState& state = {}) { return from(x, state); }
};

/// gru_cell().
class GRUCell : public Cell {
 public:
  GRUCell(std::int64_t input_size, std::int64_t hidden_size, const CellOptions& options = {},
          Location where = {});
  Tensor operator()(const Arg& x, const Tensor& h = {}) { return from(x, {h, {}}).h; }
};

}  // namespace xtape::nn
