// What a formula is compiled to: one strip for the forward pass and one for each set of arguments
// that may want gradients, all made from the same lambda F.
//
//   forward    y = F(x, ...)                         on registers
//   backward   dx_i += g * dF/dx_i                   F on duals of registers
//   recorded   dx_i += weigh(g, dF/dx_i)             F on duals of tensors
#pragma once

#include <algorithm>
#include <array>
#include <xtape/autograd/catalogue.hpp>
#include <xtape/autograd/special.hpp>
#include <xtape/autograd/strip.hpp>
#include <xtape/autograd/tape.hpp>
#include <xtape/autograd/trigonometry.hpp>

namespace xtape {

/// What an element-wise call of a formula keeps for the backward pass. Where no more than the first
/// argument wants a gradient, that of a dear function is faster from its result, if the slope
/// follows from that, or from the slope itself, which costs little while the value is computed.
/// With registers of 64 bytes fetching a slope costs more than computing it, so it is not kept.
enum class Keeps : std::uint8_t { arguments, result, slope };

/// The compiled readings of a formula for one element type.
struct Kernels {
  int width = 0;  // elements in a register
  Strip forward = nullptr;
  /// For the slopes of the arguments in `mask`; the outputs are those arguments in order.
  struct Slopes {
    unsigned mask;
    Strip strip;
  };
  std::array<Slopes, 3> backward{};
  /// The value and the slope of the first argument, for formulas that keep it; else null.
  Strip forward_and_slope = nullptr;
  /// From what is kept, the result or a slope, and the result's gradient.
  Strip from_kept = nullptr;

  /// The cheapest reading that has the slopes of all arguments in `wanted`.
  const Slopes& slopes(unsigned wanted) const;
};

/// Axes to reduce over; none means all. Dims(1).keep() leaves them in place with size 1.
class Dims {
 public:
  bool keepdim = false;
  Dims() = default;
  Dims(std::int64_t axis) : count_(1) { axes_[0] = axis; }
  Dims(std::initializer_list<std::int64_t> axes) : Dims(axes.begin(), axes.size()) {}
  Dims(const std::vector<std::int64_t>& axes) : Dims(axes.data(), axes.size()) {}
  std::span<const std::int64_t> axes() const { return {axes_, count_}; }
  Dims keep(bool on = true) const {
    Dims kept = *this;
    kept.keepdim = on;
    return kept;
  }

 private:
  // One more than a tensor can have: so many hold one twice or one that is not there, and whoever
  // gets them says so.
  static constexpr std::size_t capacity = Shape::max_rank + 1;
  Dims(const std::int64_t* axes, std::size_t count) : count_(count < capacity ? count : capacity) {
    std::copy_n(axes, count_, axes_);
  }
  std::size_t count_ = 0;
  std::int64_t axes_[capacity];
};

/// What a reduction over `dims` makes of a shape.
struct Reduced {
  Shape folded;  // with the reduced axes at size 1
  Shape result;  // with or without them, as keepdim says
  /// Throws IndexError for an axis that is not there or named twice.
  Reduced(const Shape& shape, const Dims& dims, const char* op, const Location& where);
};

/// Gives recorded gradients of a formula over `space`; the result's gradient is reshaped to
/// `folded` and scaled first.
using GraphVjp = void (*)(Backward&, const Shape& space, const Shape& folded, double scale);
/// One such, as a class of its own: g++ and clang encode the name of a function template that
/// returns a pointer to a function differently, and one's programs link with the other's library.
struct RecordedVjp {
  GraphVjp call;
};

/// What the type of a formula says.
struct Readings {
  int arity;
  bool boolean_result;
  Keeps keeps;
  const Kernels* (*float32_kernels)() = nullptr;
  const Kernels* (*float64_kernels)() = nullptr;
  const Kernels* (*int64_kernels)() = nullptr;  // none for a formula of floating numbers
  RecordedVjp (*recorded_vjp)() = nullptr;
};

/// A formula without its type: what it takes to apply it to tensors and to record that. Small,
/// because long tapes are made of these.
class Formula {
 public:
  const Readings* readings;  // these last
  const char* name;

  int arity() const { return readings->arity; }
  /// Null for an element type without kernels.
  const Kernels* kernels(DType dtype) const;

  /// One fused pass; the arguments broadcast.
  Tensor apply(std::span<const Arg> arguments) const;
  /// One pass over tensors of one element type, in the space of the first, into `out` or added to
  /// it; where `out` has size 1, sums. Nothing is recorded.
  void compute(std::initializer_list<Tensor> inputs, const Tensor& out, bool add = false) const;
  /// The sum, or mean, over `dims` of the formula, without a temporary.
  Tensor reduce(std::span<const Arg> arguments, const Dims& dims, bool mean) const;
};

/// The tensor in another element type; differentiable between floating types.
Tensor cast(const Arg& x, DType dtype);

/// A number as a 0-d tensor of the element type of another.
Tensor number_like(const Tensor& other, double number);

namespace detail {

/// Multiplies the elements of a floating tensor that nothing else uses yet.
void scale_by(const Tensor& tensor, double factor);

/// What a generic lambda is as a formula: without parameters if it is none. It is read on single
/// numbers, which costs a user's file less than registers.
template <int Arity, class Result>
struct Signature {
  static constexpr int arity = Arity;
  static constexpr bool is_condition = std::is_same_v<Result, Condition<double>>;
};
template <class F, class... X>
constexpr auto signature_of() {
  if constexpr (sizeof...(X) > max_arguments) return Signature<0, void>();
  else if constexpr (
      requires { Lane<double>(F()(X()...)); } || requires { Condition<double>(F()(X()...)); })
    return Signature<sizeof...(X), std::decay_t<decltype(F()(X()...))>>();
  else return signature_of<F, X..., Lane<double>>();
}
template <class F>
struct SignatureOf : decltype(signature_of<F>()) {
  static constexpr bool captures = !std::is_empty_v<F> || !requires { F(); };
  static_assert(!captures, "a formula captures nothing; pass what it needs as a further argument");
  static_assert(captures || SignatureOf::arity > 0,
                "a formula is a lambda of 1 to 8 parameters declared auto, and returns one value");
};

/// The number of its parameters.
template <class F>
inline constexpr int arity_of = SignatureOf<F>::arity;
/// A mask of one bit for each of them.
template <class F>
inline constexpr unsigned all_arguments = (1u << arity_of<F>)-1;
template <class F>
inline constexpr bool is_condition = SignatureOf<F>::is_condition;

/// The formula F, of whose arguments those in `numbers` usually have one for each row, or one for
/// all, and whose rows are written, or folded if `result` says Into::one. Gradients are wanted of
/// the arguments in `wanted`, or of the first; the first one that is not a number has as many
/// elements as the result, those of the others are summed over the rows. Strips are compiled for
/// that, too.
template <class F, unsigned numbers, Into result, unsigned wanted>
struct ByRows : F {
  static constexpr Usual<1> forward() { return {numbers, {result}}; }
  template <unsigned Mask, int N>
  requires(Mask == 1 ? wanted % 2 == 1
                     : wanted > 1 && (wanted & ~Mask) == 0) static constexpr auto backward() {
    Usual<std::popcount(Mask)> usual{numbers | (result == Into::one ? 1u << N : 0), {}};
    for (int i = 0, o = 0; i < N; ++i)
      if ((Mask >> i) & 1)
        usual.into[o++] = !((wanted >> i) & 1)            ? Into::nothing
                          : (numbers >> i) & 1            ? Into::one
                          : i == std::countr_one(numbers) ? Into::store
                                                          : Into::fold;
    return usual;
  }
};
template <unsigned numbers, Into result, unsigned wanted = 0, class F>
constexpr ByRows<F, numbers, result, wanted> by_rows(F) {
  return {};
}

template <class F>
inline constexpr bool says_how_it_lies = requires {
  F::forward();
};

/// F, by rows if it does not say so: all arguments but the first are usually one number, as those
/// of a rectifier, and gradients are wanted of those in `wanted`.
template <class F, unsigned wanted>
using AsRectifier = std::conditional_t<says_how_it_lies<F> || arity_of<F> == 1, F,
                                       ByRows<F, all_arguments<F> & ~1u, Into::store, wanted>>;

template <class F, int N, class T>
struct ForwardBody {
  using V = Register<T>;
  static constexpr auto usual() requires(says_how_it_lies<F>) { return F::forward(); }
  void operator()(const V* x, V* y) const {
    const auto result = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return F()(Lane<V>(x[I])...);
    }
    (std::make_index_sequence<N>());
    if constexpr (std::is_same_v<std::decay_t<decltype(result)>, Condition<V>>)
      y[0] = where(result, Lane<V>(1), Lane<V>(0)).v;
    else y[0] = Lane<V>(result).v;
  }
};

/// Argument I as a dual with slope 1 if it is in Mask, else as it is.
template <unsigned Mask, unsigned I, class X>
auto seed(const X& x, const X& one) {
  if constexpr ((Mask >> I) & 1) return Dual<X, 1u << I>{x, {one}};
  else return x;
}

/// The gradients of the arguments in Mask from the arguments and, last, the result's gradient.
template <class F, int N, class T, unsigned Mask>
struct BackwardBody {
  using V = Register<T>;
  static constexpr auto usual() requires requires { F::template backward<Mask, N>(); }
  { return F::template backward<Mask, N>(); }
  void operator()(const V* x, V* y) const {
    const auto result = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return F()(seed<Mask, I>(Lane<V>(x[I]), Lane<V>(1))...);
    }
    (std::make_index_sequence<N>());
    int o = 0;
    for_bits<Mask>([&](auto i) {
      if constexpr (depends_on<std::decay_t<decltype(result)>>(i))
        y[o++] = weigh(Lane<V>(x[N]), slope_of<i>(result)).v;
      else y[o++] = Lane<V>(0).v;
    });
  }
};

/// The value and the slope of the first argument.
template <class F, int N, class T>
struct SlopeBody {
  using V = Register<T>;
  void operator()(const V* x, V* y) const {
    const auto result = [&]<std::size_t... I>(std::index_sequence<I...>) {
      return F()(seed<1, I>(Lane<V>(x[I]), Lane<V>(1))...);
    }
    (std::make_index_sequence<N>());
    y[0] = result.value.v;
    y[1] = result.template slope<0>().v;
  }
};

/// The gradient of an argument from the slope and the result's gradient.
template <class V>
struct WeighBody {
  void operator()(const V* x, V* y) const { y[0] = weigh(Lane<V>(x[1]), Lane<V>(x[0])).v; }
};

/// The gradient of the only argument from the result and its gradient.
template <class F, class T>
struct ResultBody {
  using V = Register<T>;
  void operator()(const V* x, V* y) const {
    y[0] = weigh(Lane<V>(x[1]), F()(Result<Lane<V>>{Lane<V>(x[0])}).template slope<0>()).v;
  }
};

template <class F, int N, class T, unsigned Mask>
constexpr Kernels::Slopes slopes_kernel() {
  return {Mask, &strip<T, N + 1, std::popcount(Mask), SumFold, BackwardBody<F, N, T, Mask>>};
}

/// The readings of F for one element type. Formulas of up to two arguments have one for every set
/// of arguments that may want gradients; longer ones for the first argument and for all.
template <class F, class T, Keeps keeps = Keeps::arguments>
const Kernels* make_kernels() {
  constexpr int n = arity_of<F>;
  static constexpr Kernels kernels = [] {
    Kernels k;
    k.width = LaneTraits<Register<T>>::width;
    k.forward = &strip<T, n, 1, SumFold, ForwardBody<F, n, T>>;
    if constexpr (std::is_floating_point_v<T> && !is_condition<F>) {
      k.backward[0] = slopes_kernel<F, n, T, 1>();
      if constexpr (n == 2) k.backward[1] = slopes_kernel<F, n, T, 2>();
      if constexpr (n >= 2) k.backward[2] = slopes_kernel<F, n, T, all_arguments<F>>();
    }
    if constexpr (keeps == Keeps::result) k.from_kept = &strip<T, 2, 1, SumFold, ResultBody<F, T>>;
    if constexpr (keeps == Keeps::slope && sizeof(Register<T>) < 64) {
      k.forward_and_slope = &strip<T, n, 2, SumFold, SlopeBody<F, n, T>>;
      k.from_kept = &strip<T, 2, 1, SumFold, WeighBody<Register<T>>>;
    }
    return k;
  }();
  return &kernels;
}

/// The gradients of the arguments by recorded operations, so that they can be differentiated. T is
/// Tensor; as a parameter it makes the compiler look the operations up where this is instantiated.
template <class F, Keeps keeps = Keeps::arguments, class T = Tensor>
void graph_vjp(Backward& backward, const Shape& space, const Shape& folded, double scale) {
  constexpr int n = arity_of<F>;
  T gradient = backward.grad();
  if constexpr (keeps == Keeps::result)
    if (backward.input_count() > n) {
      const auto dual = F()(Result<T>{backward.result()});
      return backward.give(0, weigh(gradient, dual.template slope<0>()));
    }
  if (gradient.shape() != folded) gradient = reshape(gradient, folded);
  if (scale != 1) gradient = gradient * scale;
  const auto result = [&]<std::size_t... I>(std::index_sequence<I...>) {
    const T inputs[] = {backward.input(I)...};
    const T one = number_like(gradient, 1);
    return F()(seed<all_arguments<F>, I>(inputs[I], one)...);
  }
  (std::make_index_sequence<n>());
  for_bits<mask_of<std::decay_t<decltype(result)>>>([&](auto i) {
    if (!backward.needs(i)) return;
    T share = weigh(gradient, slope_of<i>(result));
    if (share.shape() != space) share = broadcast_to(share, space);
    backward.give(i, sum_to(share, backward.input(i).shape()));
  });
}

}  // namespace detail

}  // namespace xtape
