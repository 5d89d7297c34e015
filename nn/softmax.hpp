// Softmax and its like along an axis, forward only, with PyTorch's conventions: -infinity gets the
// share 0 and no gradient, a row of nothing else is NaN. A 0-d tensor is taken as 1-d.
#pragma once

#include <xtape/ops/builtin.hpp>

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
