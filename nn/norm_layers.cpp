#include <fmt/format.h>

#include <xtape/nn/norm_layers.hpp>
#include <xtape/nn/shared.hpp>
#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/moments.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/windows.hpp>

namespace xtape::nn {

namespace {

void check_features(std::int64_t features, const char* layer, const Location& where) {
  if (features < 1)
    raise<ValueError>(where, layer, fmt::format("at least 1 channel wanted, got {}", features));
}

// Throws unless axis `axis` of x has so many elements.
void check_axis(const Tensor& x, int axis, std::int64_t features, const char* layer,
                const Location& where) {
  if (x.shape()[axis] != features)
    raise<ShapeError>(
        where, layer,
        fmt::format("axis {} of x, {}, should have {} elements", axis, x.shape().str(), features));
}

}  // namespace

BatchNorm::BatchNorm(std::int64_t num_features, const BatchNormLayerOptions& options,
                     int least_rank, int most_rank, const Location& where)
    : features_(num_features), options_(options), least_rank_(least_rank), most_rank_(most_rank) {
  check_features(num_features, "BatchNorm", where);
  const Shape shape{num_features};
  if (options.affine) {
    weight = parameter("weight", ones(shape, options.dtype), where);
    bias = parameter("bias", zeros(shape, options.dtype), where);
  }
  if (!options.track_running_stats) return;
  running_mean = buffer("running_mean", zeros(shape, options.dtype), true, where);
  running_var = buffer("running_var", ones(shape, options.dtype), true, where);
  num_batches_tracked = buffer("num_batches_tracked", zeros({}, int64), true, where);
}

Tensor BatchNorm::forward(const Tensor& x) {
  const Location at = call_site();
  if (x.rank() < least_rank_ || x.rank() > most_rank_)
    raise<ShapeError>(
        at, "BatchNorm",
        fmt::format("x with {} axes wanted, its shape is {}",
                    least_rank_ == most_rank_ ? fmt::format("{}", least_rank_)
                                              : fmt::format("{} or {}", least_rank_, most_rank_),
                    x.shape().str()));
  check_axis(x, 1, features_, "BatchNorm", at);
  const bool training = is_training() || !options_.track_running_stats;
  std::int64_t batches = 1;
  if (training && options_.track_running_stats)
    batches = num_batches_tracked.item<std::int64_t>() + 1;
  const Tensor y = batch_norm(Arg(x, at), running_mean, running_var,
                              {.weight = weight,
                               .bias = bias,
                               .training = training,
                               .momentum = options_.momentum,
                               .batches = batches,
                               .eps = options_.eps});
  if (training && options_.track_running_stats)
    *num_batches_tracked.mutable_data<std::int64_t>() = batches;
  return y;
}

namespace {

// The sums of the statistics of the batches that a batch norm sees.
struct Seen {
  BatchNorm norm;
  std::uint64_t hook;
  Tensor mean{}, var{};
  std::int64_t batches = 0;
};

void add_statistics(Seen& seen, const Tensor& x) {
  if (x.rank() < 2) return;  // forward() will say what is wrong
  std::vector<std::int64_t> axes;
  for (int axis = 0; axis < x.rank(); ++axis)
    if (axis != 1) axes.push_back(axis);
  const Tensor wide = cast(x.detach(), float64);
  const Moments both = moments(wide, Dims(axes));
  const double m = static_cast<double>(x.numel()) / static_cast<double>(x.shape()[1]);
  const Shape shape{x.shape()[1]};
  const Tensor mean = reshape(both.mean, shape), var = reshape(both.var, shape) * (m / (m - 1));
  seen.mean = seen.batches == 0 ? mean : seen.mean + mean;
  seen.var = seen.batches == 0 ? var : seen.var + var;
  ++seen.batches;
}

void overwrite(const Tensor& buffer, const Tensor& with) {
  const Tensor same = cast(with, buffer.dtype());
  assign(buffer, {ellipsis}, same);
}

}  // namespace

void reestimate_statistics(Module& module, const std::function<Tensor()>& next, Location where) {
  const NoGrad no_grad;
  const Modes modes(module);
  module.eval();
  std::vector<std::shared_ptr<Seen>> all;
  const auto watch = [&](Module& each) {
    auto* norm = dynamic_cast<BatchNorm*>(&each);
    if (!norm || !norm->options().track_running_stats) return;
    for (const auto& known : all)
      if (known->norm.same_as(*norm)) return;
    norm->train();
    const auto seen = std::make_shared<Seen>(Seen{*norm, 0});
    seen->hook = norm->register_forward_pre_hook([seen](Module&, const Tensor& x) {
      add_statistics(*seen, x);
      return Tensor();
    });
    all.push_back(seen);
  };
  watch(module);
  for (const NamedModule& below : module.named_modules()) watch(*below.module);
  struct Unhook {
    std::vector<std::shared_ptr<Seen>>& all;
    ~Unhook() {
      for (const auto& seen : all) seen->norm.remove_hook(seen->hook);
    }
  };
  std::int64_t batches = 0;
  {
    const Unhook unhook{all};
    for (Tensor batch = next(); batch.defined(); batch = next(), ++batches)
      module(Arg(batch, where));
  }
  if (batches == 0) raise<ValueError>(where, "reestimate_statistics", "there are no batches");
  for (const auto& seen : all) {
    if (seen->batches == 0) continue;
    const auto count = static_cast<double>(seen->batches);
    overwrite(seen->norm.running_mean, seen->mean / count);
    overwrite(seen->norm.running_var, seen->var / count);
    *seen->norm.num_batches_tracked.mutable_data<std::int64_t>() = seen->batches;
  }
}

void reestimate_statistics(Module& module, const std::vector<Tensor>& batches, Location where) {
  std::size_t i = 0;
  reestimate_statistics(
      module, [&] { return i < batches.size() ? batches[i++] : Tensor(); }, where);
}

LayerNorm::LayerNorm(const Shape& normalized_shape, const LayerNormOptions& options, Location where)
    : shape_(normalized_shape), eps_(options.eps) {
  if (!options.elementwise_affine) return;
  weight = parameter("weight", ones(shape_, options.dtype), where);
  bias = parameter("bias", zeros(shape_, options.dtype), where);
}

Tensor LayerNorm::forward(const Tensor& x) {
  return layer_norm(Arg(x, call_site()), shape_, {.weight = weight, .bias = bias, .eps = eps_});
}

GroupNorm::GroupNorm(std::int64_t num_groups, std::int64_t num_channels,
                     const GroupNormOptions& options, Location where)
    : groups_(num_groups), channels_(num_channels), eps_(options.eps) {
  check_features(num_channels, "GroupNorm", where);
  if (num_groups < 1 || num_channels % num_groups != 0)
    raise<ValueError>(where, "GroupNorm",
                      fmt::format("{} groups do not divide {} channels", num_groups, num_channels));
  if (!options.affine) return;
  weight = parameter("weight", ones({num_channels}, options.dtype), where);
  bias = parameter("bias", zeros({num_channels}, options.dtype), where);
}

Tensor GroupNorm::forward(const Tensor& x) {
  if (x.rank() >= 2) check_axis(x, 1, channels_, "GroupNorm", call_site());
  return group_norm(Arg(x, call_site()), groups_, {.weight = weight, .bias = bias, .eps = eps_});
}

template <int Rank>
InstanceNorm<Rank>::InstanceNorm(std::int64_t num_features, const InstanceNormOptions& options,
                                 Location where)
    : features_(num_features), eps_(options.eps) {
  check_features(num_features, "InstanceNorm", where);
  if (!options.affine) return;
  weight = parameter("weight", ones({num_features}, options.dtype), where);
  bias = parameter("bias", zeros({num_features}, options.dtype), where);
}

template <int Rank>
Tensor InstanceNorm<Rank>::forward(const Tensor& x) {
  const Location at = call_site();
  const Tensor batch = xtape::detail::as_batch(x, Rank, {"InstanceNorm", at});
  check_axis(x, x.rank() - Rank - 1, features_, "InstanceNorm", at);
  const Tensor y = instance_norm(Arg(batch, at), {.weight = weight, .bias = bias, .eps = eps_});
  return xtape::detail::as_given(y, x, Rank);
}

template class InstanceNorm<1>;
template class InstanceNorm<2>;
template class InstanceNorm<3>;

RMSNorm::RMSNorm(std::int64_t features, const RMSNormOptions& options, Location where)
    : features_(features), eps_(options.eps) {
  check_features(features, "RMSNorm", where);
  if (options.elementwise_affine)
    weight = parameter("weight", ones({features}, options.dtype), where);
}

Tensor RMSNorm::forward(const Tensor& x) {
  if (x.rank() > 0) check_axis(x, x.rank() - 1, features_, "RMSNorm", call_site());
  return rms_norm(Arg(x, call_site()), {.weight = weight, .eps = eps_});
}

Tensor LocalResponseNorm::forward(const Tensor& x) {
  return local_response_norm(Arg(x, call_site()), size_, options_);
}

}  // namespace xtape::nn
