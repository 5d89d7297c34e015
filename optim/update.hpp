// The one loop of all optimizers. An update rule is a formula on lanes, which changes a parameter
// and what is remembered of it by the parameter's gradient:
//
//   update.apply<0>([=](auto& p, auto g, auto& v) {
//     v = 0.9 * v + g;
//     p = p - 0.1 * v;
//   });
//
// It runs as one pass over a parameter, in registers, with nothing in between written to memory.
#pragma once

#include <algorithm>
#include <array>
#include <xtape/autograd/functions.hpp>
#include <xtape/autograd/parallel.hpp>
#include <xtape/autograd/tensor.hpp>

namespace xtape::optim {

/// A parameter and what its optimizer remembers of it.
struct Slot {
  Tensor parameter;
  std::size_t group;
  std::int64_t steps = 0;              ///< updates so far
  std::array<Tensor, 3> buffers{};     ///< of the parameter's shape and type, made when needed
  std::array<double, 2> numbers = {};  ///< what else the rule keeps
};

namespace detail {

/// Calls rule(p, g, buffers...) on a register's worth of elements.
template <class T, std::size_t... I, class Rule>
void update_lane(std::index_sequence<I...>, const Rule& rule, T* p, const T* g,
                 [[maybe_unused]] const std::array<T*, sizeof...(I)>& buffers) {
  using Traits = LaneTraits<Register<T>>;
  using X = Lane<Register<T>>;
  X x(Traits::load(p));
  [[maybe_unused]] std::array<X, sizeof...(I)> b{X(Traits::load(buffers[I]))...};
  rule(x, X(Traits::load(g)), b[I]...);
  Traits::store(p, x.v);
  (Traits::store(buffers[I], b[I].v), ...);
}

/// The same on `n` elements. The last few go through a register as well, so that an element's
/// result does not depend on where it lies.
template <class T, std::size_t... I, class Rule>
[[gnu::noinline]] void update_piece(std::index_sequence<I...> all, const Rule& given, T* p,
                                    const T* g,
                                    [[maybe_unused]] std::array<T*, sizeof...(I)> buffers,
                                    std::int64_t n) {
  constexpr int width = LaneTraits<Register<T>>::width;
  const Rule rule = given;  // a copy that no store can change
  std::int64_t i = 0;
  for (; i + width <= n; i += width) update_lane<T>(all, rule, p + i, g + i, {(buffers[I] + i)...});
  if (i == n) return;
  T rows[2 + sizeof...(I)][width] = {};
  std::copy(p + i, p + n, rows[0]);
  std::copy(g + i, g + n, rows[1]);
  (std::copy(buffers[I] + i, buffers[I] + n, rows[2 + I]), ...);
  update_lane<T>(all, rule, rows[0], rows[1], {rows[2 + I]...});
  std::copy_n(rows[0], n - i, p + i);
  (std::copy_n(rows[2 + I], n - i, buffers[I] + i), ...);
}

}  // namespace detail

/// What a rule sees of the parameter whose turn it is.
class Update {
 public:
  Update(Slot& slot, const Tensor& grad, const Location& where)
      : slot_(slot), grad_(grad), where_(where) {
    ++slot.steps;
  }

  /// Which update of this parameter it is, from 1.
  double step() const { return static_cast<double>(slot_.steps); }
  bool has(std::size_t buffer) const { return slot_.buffers[buffer].defined(); }
  /// Makes a buffer, filled with `value`, if it is not there yet; apply() makes it of zeros.
  void start(std::size_t buffer, double value);
  double& number(std::size_t i) { return slot_.numbers[i]; }

  /// Calls rule(p, g, buffers...) on lanes of the parameter p, its gradient g and the buffers B;
  /// the rule assigns to p and the buffers. Its plain numbers are double.
  template <std::size_t... B, class Rule>
  void apply(const Rule& rule) {
    (start(B, 0), ...);
    if (slot_.parameter.dtype() == float32) run<float, B...>(rule);
    else run<double, B...>(rule);
  }

 private:
  template <class T, std::size_t... B, class Rule>
  void run(const Rule& rule) {
    constexpr std::int64_t grain = 65536;
    T* const p = slot_.parameter.mutable_data<T>(where_);
    const T* const g = grad_.data<T>(where_);
    const std::array<T*, sizeof...(B)> buffers{slot_.buffers[B].value()->template as<T>()...};
    const std::int64_t n = slot_.parameter.numel();
    parallel_for((n + grain - 1) / grain, [&](std::int64_t piece) {
      const std::int64_t begin = piece * grain;
      std::array<T*, sizeof...(B)> at = buffers;
      for (T*& buffer : at) buffer += begin;
      detail::update_piece<T>(std::make_index_sequence<sizeof...(B)>(), rule, p + begin, g + begin,
                              at, std::min(grain, n - begin));
    });
  }

  Slot& slot_;
  const Tensor& grad_;
  const Location& where_;
};

/// The gradient as a rule takes it: with the slope of the penalty weight_decay/2 p^2, and turned
/// round if the objective is to grow. Without decay an infinite parameter does not spoil it.
struct Slope {
  double sign, decay;

  template <class Options>
  explicit Slope(const Options& o) : sign(o.maximize ? -1 : 1), decay(o.weight_decay) {}

  template <class X>
  X operator()(const X& g, const X& p) const {
    const X slope = sign * g;
    return decay == 0 ? slope : slope + decay * p;
  }
};

}  // namespace xtape::optim
