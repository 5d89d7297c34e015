#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <xtape/optim/average.hpp>

namespace xtape::optim {

WeightAverage::WeightAverage(std::vector<Tensor> parameters, const WeightAverageOptions& options,
                             Location where)
    : parameters_(std::move(parameters)), options_(options) {
  if (parameters_.empty()) raise<ValueError>(where, "WeightAverage", "there are no parameters");
  if (options.decay && !(*options.decay >= 0 && *options.decay <= 1))
    raise<ValueError>(where, "WeightAverage",
                      fmt::format("decay is {}, a number from 0 to 1 wanted", *options.decay));
  for (const Tensor& parameter : parameters_) {
    if (!is_floating(parameter.dtype(where)))
      raise<DTypeError>(
          where, "WeightAverage",
          fmt::format("floating parameters wanted, not {}", name_of(parameter.dtype())));
    averages_.push_back(parameter.copy());
  }
}

void WeightAverage::update() {
  const double share = count_ == 0      ? 1
                       : options_.decay ? 1 - *options_.decay
                                        : 1 / static_cast<double>(count_ + 1);
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    const auto add = [&]<class T>(T* __restrict a, const T* __restrict p, std::int64_t n) {
      if (share == 1) std::copy_n(p, n, a);
      else
        for (std::int64_t i = 0; i < n; ++i) a[i] += static_cast<T>(share) * (p[i] - a[i]);
    };
    const Tensor &p = parameters_[k], &a = averages_[k];
    if (p.dtype() == float32) add(a.mutable_data<float>(), p.data<float>(), p.numel());
    else add(a.mutable_data<double>(), p.data<double>(), p.numel());
  }
  ++count_;
}

void WeightAverage::swap(Location where) {
  const NoGrad no_grad;
  for (std::size_t k = 0; k < parameters_.size(); ++k) {
    const auto exchange = [&]<class T>(T* p, T* a) {
      std::swap_ranges(p, p + parameters_[k].numel(), a);
    };
    const Tensor &p = parameters_[k], &a = averages_[k];
    if (p.dtype() == float32) exchange(p.mutable_data<float>(where), a.mutable_data<float>());
    else exchange(p.mutable_data<double>(where), a.mutable_data<double>());
  }
}

State WeightAverage::state_dict() const {
  State state{{"n_averaged", number_tensor(count_)}};
  for (std::size_t k = 0; k < averages_.size(); ++k)
    state[fmt::format("average.{}", k)] = averages_[k].copy();
  return state;
}

void WeightAverage::load_state_dict(const State& state, Location where) {
  const std::int64_t count = integer_entry(state, "n_averaged", where);
  std::vector<Tensor> averages;
  for (std::size_t k = 0; k < averages_.size(); ++k)
    averages.push_back(entry(state, fmt::format("average.{}", k), averages_[k], where).copy());
  count_ = count;
  averages_ = std::move(averages);
}

}  // namespace xtape::optim
