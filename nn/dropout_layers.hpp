// Dropout as layers, and as a way to ask a network how sure it is. In evaluation they hand on what
// they get; in training every call draws a new mask.
#pragma once

#include <xtape/nn/dropout.hpp>
#include <xtape/nn/layers.hpp>

namespace xtape::nn {

/// A layer that differs between training and evaluation in nothing but dropout; mc_dropout() finds
/// it by this base, which a user's own layer may have, too.
class DropsOut {
 public:
  virtual ~DropsOut() = default;
};

/// A layer over one of the functions of <xtape/nn/dropout.hpp>.
class DropoutLayer : public Module, public DropsOut {
 public:
  Tensor forward(const Tensor& x) override;

 protected:
  using Function = Tensor (*)(const Arg& x, const DropoutOptions& options);
  DropoutLayer(Function function, double p, bool below_one, Generator* generator, int rank,
               const char* name, const Location& where);

 private:
  Function function_;
  DropoutOptions options_;
  int rank_;  // how many spatial axes there are; -1: any shape
  const char* name_;
};

/// dropout(). Throws ValueError unless p is in [0, 1], as all below.
struct Dropout : DropoutLayer {
  explicit Dropout(double p = 0.5, Generator* generator = &Generator::global(), Location where = {})
      : DropoutLayer(&dropout, p, false, generator, -1, "Dropout", where) {}
};
/// channel_dropout() of [N, C, L] or [C, L], in which a whole channel is left out or kept. Throws
/// ShapeError for another number of axes, as the two below.
struct Dropout1d : DropoutLayer {
  explicit Dropout1d(double p = 0.5, Generator* generator = &Generator::global(),
                     Location where = {})
      : DropoutLayer(&channel_dropout, p, false, generator, 1, "Dropout1d", where) {}
};
/// The same of [N, C, H, W] or [C, H, W].
struct Dropout2d : DropoutLayer {
  explicit Dropout2d(double p = 0.5, Generator* generator = &Generator::global(),
                     Location where = {})
      : DropoutLayer(&channel_dropout, p, false, generator, 2, "Dropout2d", where) {}
};
/// The same of [N, C, D, H, W] or [C, D, H, W].
struct Dropout3d : DropoutLayer {
  explicit Dropout3d(double p = 0.5, Generator* generator = &Generator::global(),
                     Location where = {})
      : DropoutLayer(&channel_dropout, p, false, generator, 3, "Dropout3d", where) {}
};
/// alpha_dropout().
struct AlphaDropout : DropoutLayer {
  explicit AlphaDropout(double p = 0.5, Generator* generator = &Generator::global(),
                        Location where = {})
      : DropoutLayer(&alpha_dropout, p, false, generator, -1, "AlphaDropout", where) {}
};
/// feature_alpha_dropout() of [N, C, ...].
struct FeatureAlphaDropout : DropoutLayer {
  explicit FeatureAlphaDropout(double p = 0.5, Generator* generator = &Generator::global(),
                               Location where = {})
      : DropoutLayer(&feature_alpha_dropout, p, false, generator, -1, "FeatureAlphaDropout",
                     where) {}
};
/// gaussian_dropout(). Throws ValueError unless p is in [0, 1).
struct GaussianDropout : DropoutLayer {
  explicit GaussianDropout(double p = 0.5, Generator* generator = &Generator::global(),
                           Location where = {})
      : DropoutLayer(&gaussian_dropout, p, true, generator, -1, "GaussianDropout", where) {}
};

struct DropConnectOptions {
  double p = 0.5;  ///< the probability of a weight to be left out
  bool bias = true;
  DType dtype = float32;
  Generator* generator = &Generator::global();
};
/// A Linear whose weights are left out in training, one mask for a batch, the others being scaled
/// by 1 / (1 - p) (Wan et al. 2013). Throws ValueError as Linear, and unless p is in [0, 1].
class DropConnect : public Linear, public DropsOut {
 public:
  DropConnect(std::int64_t in, std::int64_t out, const DropConnectOptions& options = {},
              Location where = {});
  Tensor forward(const Tensor& x) override;

 private:
  DropoutOptions options_;
};

/// What several passes with different masks give, element by element.
struct McDropout {
  Tensor mean, variance;  ///< the variance divides by the number of samples
};
/// Passes x through the module so many times in evaluation, but with its DropsOut layers in
/// training (Gal and Ghahramani 2016). Nothing is recorded. Throws ValueError for no samples, and
/// what forward() throws.
McDropout mc_dropout(Module& module, const Arg& x, std::int64_t samples);

}  // namespace xtape::nn
