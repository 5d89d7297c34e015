#include <xtape/nn/poolings.hpp>

namespace xtape::nn {

namespace {

// The one of three functions for that many spatial axes.
template <int Rank, class F>
constexpr F by_rank(F one, F two, F three) {
  return Rank == 1 ? one : Rank == 2 ? two : three;
}

}  // namespace

template <int Rank>
Tensor MaxPool<Rank>::forward(const Tensor& x) {
  constexpr auto function = by_rank<Rank>(&max_pool1d, &max_pool2d, &max_pool3d);
  return function(Arg(x, call_site()), kernel_size_, options_);
}

template <int Rank>
Tensor AvgPool<Rank>::forward(const Tensor& x) {
  constexpr auto function = by_rank<Rank>(&avg_pool1d, &avg_pool2d, &avg_pool3d);
  return function(Arg(x, call_site()), kernel_size_, options_);
}

template <int Rank>
Tensor AdaptiveAvgPool<Rank>::forward(const Tensor& x) {
  constexpr auto function =
      by_rank<Rank>(&adaptive_avg_pool1d, &adaptive_avg_pool2d, &adaptive_avg_pool3d);
  return function(Arg(x, call_site()), output_size_);
}

template <int Rank>
Tensor AdaptiveMaxPool<Rank>::forward(const Tensor& x) {
  constexpr auto function =
      by_rank<Rank>(&adaptive_max_pool1d, &adaptive_max_pool2d, &adaptive_max_pool3d);
  return function(Arg(x, call_site()), output_size_);
}

template <int Rank>
Tensor LPPool<Rank>::forward(const Tensor& x) {
  constexpr auto function = Rank == 1 ? &lp_pool1d : &lp_pool2d;
  return function(Arg(x, call_site()), norm_type_, kernel_size_, options_);
}

template class MaxPool<1>;
template class MaxPool<2>;
template class MaxPool<3>;
template class AvgPool<1>;
template class AvgPool<2>;
template class AvgPool<3>;
template class AdaptiveAvgPool<1>;
template class AdaptiveAvgPool<2>;
template class AdaptiveAvgPool<3>;
template class AdaptiveMaxPool<1>;
template class AdaptiveMaxPool<2>;
template class AdaptiveMaxPool<3>;
template class LPPool<1>;
template class LPPool<2>;

}  // namespace xtape::nn
