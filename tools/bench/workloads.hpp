// What is measured, the same for every library: options, their checks, and the timing. A library
// takes part by turning options into a step that can be repeated.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <vector>

namespace bench {

/// What a step cannot do without, of which its least possible time follows: floating operations of
/// products, and bytes read or written, once in each pass over the data. The working set is the
/// bytes of the tensors that a step goes through, which tells in what cache they lie.
struct Work {
  double flops = 0, bytes = 0, working_set = 0;
};

/// A training step of a multi-layer perceptron: zero_grad, forward, cross-entropy (binary with
/// logits where the last size is 1), backward, update. It may have been trained before, so long
/// that many of its numbers are subnormal.
struct Mlp {
  std::vector<std::int64_t> sizes{784, 512, 512, 10};
  std::int64_t batch = 128;
  std::string activation = "relu", optimizer = "sgd";
  bool batchnorm = false;
  double dropout = 0, lr = 0.01;
  std::int64_t trained = 0;  ///< steps before those that are timed
  Work work() const;
};
/// A training step of a convolutional network: for each channel count after the first a 3x3
/// convolution with padding 1, relu and 2x2 max pooling; then a linear layer.
struct Cnn {
  std::vector<std::int64_t> channels{3, 32, 64};
  std::int64_t image = 32, classes = 10, batch = 64;
  Work work() const;
};
/// Forward and backward of an element-wise function with a fresh gradient, of arguments that are
/// drawn from its usual ones and scaled.
struct Function {
  std::string function = "shifted_rectifier";
  std::int64_t n = 1'000'000;
  double scale = 1;
  Work work() const;
};
/// Forward and backward of a loss, mean: cross_entropy, hinge (multi-margin), logistic (binary
/// cross-entropy with logits), l1, l2.
struct Loss {
  std::string name = "cross_entropy";
  std::int64_t rows = 4096, classes = 1000;
  Work work() const;
};
/// Forward and backward of a normalisation with learnt scale and shift.
struct Norm {
  std::string kind = "batch";
  std::int64_t rows = 4096, cols = 512;
  Work work() const;
};
/// A product of matrices [m, k] and [k, n] and both gradients.
struct Matmul {
  std::int64_t m = 512, n = 512, k = 512;
  Work work() const;
};
/// Forward and backward of an LSTM over a sequence.
struct Lstm {
  std::int64_t input = 128, hidden = 256, steps = 32, batch = 32;
  Work work() const;
};
/// Forward and backward of scaled dot-product attention; `dim` is that of one head.
struct Attention {
  std::int64_t batch = 8, heads = 8, length = 128, dim = 64;
  Work work() const;
};
/// Forward and backward of a chain of mixed operations on a tensor of 16 elements, one node for
/// each; or in forward mode, with no tape.
struct Chain {
  std::int64_t length = 100'000;
  bool forward = false;
  Work work() const { return {}; }
};
/// A check of all gradients of a linear layer with so many parameters, or only their computation.
struct Gradcheck {
  std::int64_t parameters = 1'000;
  bool backward = false;
  Work work() const { return {}; }
};

using Step = std::function<void()>;

/// A library that can run workloads: those that are not written for it throw std::invalid_argument.
/// What it throws ends the program with its message.
class Library {
 public:
  virtual ~Library() = default;
  virtual void set_threads(int threads) = 0;
  /// Takes subnormal numbers as zeros from now on.
  virtual void flush_denormals();
  virtual Step mlp(const Mlp&);
  virtual Step cnn(const Cnn&);
  virtual Step elementwise(const Function&);
  virtual Step loss(const Loss&);
  virtual Step norm(const Norm&);
  virtual Step matmul(const Matmul&);
  virtual Step lstm(const Lstm&);
  virtual Step attention(const Attention&);
  virtual Step chain(const Chain&);
  virtual Step gradcheck(const Gradcheck&);
  /// What else is to be printed of the last workload, after it was timed.
  virtual std::map<std::string, double> notes() const { return {}; }
};

/// The program: parses the command line, times a workload and prints one line of JSON.
int run(int argc, char** argv, Library& library);

}  // namespace bench
