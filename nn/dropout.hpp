// Dropout, forward only: in training some elements are left out at random, others scaled up to make
// up for them; otherwise nothing happens. Every call draws a new mask from the next stream of the
// generator.
#pragma once

#include <xtape/ops/builtin.hpp>
#include <xtape/ops/dropping.hpp>

namespace xtape::nn {

struct DropoutOptions {
  double p = 0.5;  ///< the probability to be left out
  bool training = true;
  Generator* generator = &Generator::global();
};
/// x / (1 - p) where it is kept, 0 elsewhere (Srivastava et al. 2014). The mask is not stored but
/// drawn again in the backward pass. Throws ValueError unless p is in [0, 1], as all below, and
/// DTypeError for integers.
Tensor dropout(const Arg& x, const DropoutOptions& options = {});
/// Whole channels x[n, c] are left out (Tompson et al. 2015). Throws ShapeError for fewer than 2
/// axes.
Tensor channel_dropout(const Arg& x, const DropoutOptions& options = {});
/// Elements are set to the least value of selu, and all are scaled and shifted so that mean 0 and
/// variance 1 stay what they are (Klambauer et al. 2017).
Tensor alpha_dropout(const Arg& x, const DropoutOptions& options = {});
/// Dropout with a given mask that is true where x is kept; it broadcasts. Throws ShapeError.
Tensor masked_dropout(const Arg& x, const Tensor& mask, double p = 0.5);

}  // namespace xtape::nn
