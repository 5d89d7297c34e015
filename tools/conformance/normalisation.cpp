// Normalisation.
#include <xtape/tools/conformance/binding.hpp>

namespace conformance {

namespace {

std::optional<double> momentum(const Call& c) {
  return c.has("momentum") ? std::optional<double>(c.number("momentum")) : std::nullopt;
}

Tensor copy_of(const Tensor& tensor) { return tensor.defined() ? tensor.copy() : tensor; }

// The running statistics are inputs that the library updates in place.
Outputs one_batch(const Call& c) {
  const Tensor mean = copy_of(c.in(3)), var = copy_of(c.in(4));
  Tensors out{nn::batch_norm(c.in(0), mean, var,
                             {.weight = c.in(1),
                              .bias = c.in(2),
                              .training = c.flag("training"),
                              .momentum = momentum(c),
                              .batches = c.integer("num_batches_tracked", 0) + 1,
                              .eps = c.number("eps", 1e-5)})};
  if (mean.defined()) out.insert(out.end(), {mean, var});
  return out;
}

Outputs batches(const Call& c) {
  const std::int64_t channels = c.in(0).size(1);
  const Tensor mean = zeros({channels}, c.dtype), var = ones({channels}, c.dtype);
  nn::BatchNormOptions options{
      .training = true, .momentum = momentum(c), .batches = 0, .eps = c.number("eps", 1e-5)};
  for (const Tensor& x : c.inputs) {
    ++options.batches;
    nn::batch_norm(x, mean, var, options);
  }
  options.training = false;
  return Tensors{mean, var, nn::batch_norm(c.inputs.back(), mean, var, options),
                 Tensor(options.batches, int64)};
}

nn::NormOptions affine(const Call& c) {
  return {.weight = c.in(1), .bias = c.in(2), .eps = c.number("eps", 1e-5)};
}

}  // namespace

static const Bindings table{
    {"batch_norm", one_batch},
    {"batch_norm_sequence", batches},
    {"layer_norm",
     [](const Call& c) { return nn::layer_norm(c.in(0), c.shape("normalized_shape"), affine(c)); }},
    {"group_norm",
     [](const Call& c) { return nn::group_norm(c.in(0), c.integer("num_groups"), affine(c)); }},
    {"instance_norm", [](const Call& c) { return nn::instance_norm(c.in(0), affine(c)); }},
    {"rms_norm",
     [](const Call& c) {
       return nn::rms_norm(c.in(0), {.weight = c.in(1), .eps = c.number("eps", 1e-6)});
     }},
    {"local_response_norm",
     [](const Call& c) {
       return nn::local_response_norm(
           c.in(0), c.integer("size"),
           {.alpha = c.number("alpha"), .beta = c.number("beta"), .k = c.number("k")});
     }},
};

}  // namespace conformance
