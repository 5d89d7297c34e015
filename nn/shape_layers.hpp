// Layers without parameters that move elements or call a function.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <xtape/nn/module.hpp>
#include <xtape/ops/sampling.hpp>

namespace xtape::nn {

/// Hands on what it gets.
class Identity : public Module {
 public:
  Tensor forward(const Tensor& x) override { return x; }
};

/// Any callable from a tensor to a tensor. What it uses of tensors that require gradients is no
/// parameter and is found at the first call, see Module.
class Lambda : public Module {
 public:
  /// Throws ValueError for an empty function.
  explicit Lambda(std::function<Tensor(const Tensor&)> function, Location where = {});
  Tensor forward(const Tensor& x) override { return function_(x); }

 private:
  std::function<Tensor(const Tensor&)> function_;
};

/// Makes one axis of those from start_dim to end_dim. Throws IndexError as flatten().
class Flatten : public Module {
 public:
  explicit Flatten(std::int64_t start_dim = 1, std::int64_t end_dim = -1)
      : start_dim_(start_dim), end_dim_(end_dim) {}
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t start_dim_, end_dim_;
};

/// Makes axes of these sizes, one of which may be -1, of axis dim. forward() throws IndexError, and
/// ShapeError if they do not fit.
class Unflatten : public Module {
 public:
  Unflatten(std::int64_t dim, std::vector<std::int64_t> sizes)
      : dim_(dim), sizes_(std::move(sizes)) {}
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t dim_;
  std::vector<std::int64_t> sizes_;
};

/// interpolate().
class Upsample : public Module {
 public:
  explicit Upsample(const InterpolateOptions& options) : options_(options), mode_(options.mode) {}
  Tensor forward(const Tensor& x) override;

 private:
  InterpolateOptions options_;
  std::string mode_;  // the options only refer to theirs
};

/// pixel_shuffle().
class PixelShuffle : public Module {
 public:
  explicit PixelShuffle(std::int64_t upscale_factor) : factor_(upscale_factor) {}
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t factor_;
};

/// pixel_unshuffle().
class PixelUnshuffle : public Module {
 public:
  explicit PixelUnshuffle(std::int64_t downscale_factor) : factor_(downscale_factor) {}
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t factor_;
};

/// Zeros around the last two axes, of which x must have at least 3: ShapeError. Negative numbers
/// take elements away.
class ZeroPad2d : public Module {
 public:
  ZeroPad2d(std::int64_t left, std::int64_t right, std::int64_t top, std::int64_t bottom)
      : left_(left), right_(right), top_(top), bottom_(bottom) {}
  explicit ZeroPad2d(std::int64_t all) : ZeroPad2d(all, all, all, all) {}
  Tensor forward(const Tensor& x) override;

 private:
  std::int64_t left_, right_, top_, bottom_;
};

}  // namespace xtape::nn
