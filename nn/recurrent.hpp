// Recurrent networks, forward only: one step of a cell, and whole sequences. Weights are in
// PyTorch's layout: w_ih [g H, I], w_hh [g H, H], biases [g H] or absent, for g gates of H units.
#pragma once

#include <vector>
#include <xtape/ops/builtin.hpp>

namespace xtape::nn {

/// The weights of a cell.
struct CellWeights {
  Tensor w_ih, w_hh;
  Tensor b_ih{}, b_hh{};
};

enum class Nonlinearity { tanh, relu };

/// f(W_ih x + b_ih + W_hh h + b_hh) for x [N, I] and h [N, H] (Elman 1990). Throws ShapeError if
/// the sizes do not fit, as all below.
Tensor rnn_cell(const Arg& x, const Tensor& h, const CellWeights& weights,
                Nonlinearity nonlinearity = Nonlinearity::tanh);

/// A hidden state, and that of the memory where there is one.
struct LstmState {
  Tensor h, c;
};
/// Gates i, f, g, o: c' = sigmoid(f) c + sigmoid(i) tanh(g), h' = sigmoid(o) tanh(c') (Hochreiter
/// and Schmidhuber 1997; Gers, Schmidhuber and Cummins 2000).
LstmState lstm_cell(const Arg& x, const LstmState& state, const CellWeights& weights);

/// Gates r, z, n: n = tanh(W_n x + b + r (U_n h + c)), h' = (1 - z) n + z h (Cho et al. 2014, the
/// reset gate after the product).
Tensor gru_cell(const Arg& x, const Tensor& h, const CellWeights& weights);

struct SequenceOptions {
  int layers = 1;
  bool bidirectional = false;
  bool batch_first = false;                        ///< x and the output are [N, T, ...]
  Nonlinearity nonlinearity = Nonlinearity::tanh;  ///< of rnn()
};
/// The outputs of the last layer at all times [T, N, D H] for D directions, and the last states
/// [layers D, N, H]; c of lstm() alone.
struct Sequence {
  Tensor output, h, c;
};

/// Layers of cells over x [T, N, I] from the states h [layers D, N, H]. The weights are those of
/// the first layer forward, the first layer backward if bidirectional, the second layer, ...; later
/// layers take the outputs of both directions side by side.
/// Throws ShapeError, and ValueError unless there are as many weights.
Sequence rnn(const Arg& x, const Tensor& h, const std::vector<CellWeights>& weights,
             const SequenceOptions& options = {});
Sequence lstm(const Arg& x, const LstmState& state, const std::vector<CellWeights>& weights,
              const SequenceOptions& options = {});
Sequence gru(const Arg& x, const Tensor& h, const std::vector<CellWeights>& weights,
             const SequenceOptions& options = {});

}  // namespace xtape::nn
