// Element-wise operations from one line of forward code.
//
//   inline const auto shifted = elementwise("shifted", [](auto x, auto t, auto a) {
//     return where(x > t, x, t + a * (x - t)); });
//   Tensor y = shifted(x, t, 0.25);
//
// The lambda is read as a number, as a SIMD register (forward pass), as a dual number on registers
// (backward pass: value and all slopes in registers, one pass for the gradients of all arguments),
// and on duals of tensors (when gradients of gradients are wanted). Only the inputs are kept.
#pragma once

#include <xtape/autograd/formula.hpp>

namespace xtape {

namespace detail {

// A parameter type repeated for every index.
template <std::size_t>
using ArgAt = const Arg&;

/// The call operators of a formula for every admissible number of arguments.
template <class Self, class Indices>
struct Call;
template <class Self, std::size_t... I>
struct Call<Self, std::index_sequence<I...>> {
  Tensor operator()(ArgAt<I>... arguments) const {
    const Arg all[] = {arguments...};
    return static_cast<const Self&>(*this).on_tensors(all);
  }
  /// The sum over `dims` of the formula in one pass without a temporary.
  Tensor sum(const Dims& dims, ArgAt<I>... arguments) const {
    const Arg all[] = {arguments...};
    return static_cast<const Self&>(*this).reduced(all, dims, false);
  }
  /// The mean over `dims` of the formula in one pass without a temporary.
  Tensor mean(const Dims& dims, ArgAt<I>... arguments) const {
    const Arg all[] = {arguments...};
    return static_cast<const Self&>(*this).reduced(all, dims, true);
  }
};

/// An element-wise operation without the type of its formula, so that little is compiled for each.
class Operation {
 public:
  Operation(Entry::Kind kind, const Record& record, const Readings& readings,
            std::span<const Parameter> parameters);
  Operation(const Operation&) = delete;
  Operation& operator=(const Operation&) = delete;

  const Formula& formula() const { return formula_; }
  std::vector<Parameter> parameters() const;

  /// With the last arguments at their defaults if they are not given.
  Tensor on_tensors(std::span<const Arg> given) const;
  Tensor reduced(std::span<const Arg> given, const Dims& dims, bool mean) const;

 protected:
  Formula formula_;
  int defaults_;
  Parameter parameters_[max_arguments];
};

/// An operation that is called with `Required` arguments or more, by up to the last of `More`. One
/// class for all formulas of so many.
template <int Required, class More>
class Calls;
template <int Required, std::size_t... More>
class Calls<Required, std::index_sequence<More...>>
    : public Operation,
      public Call<Calls<Required, std::index_sequence<More...>>,
                  std::make_index_sequence<Required + More>>... {
  template <std::size_t more>
  using With = Call<Calls, std::make_index_sequence<Required + more>>;

 public:
  using Operation::Operation;
  using With<More>::operator()...;
  using With<More>::sum...;
  using With<More>::mean...;
};

}  // namespace detail

/// An element-wise operation made from the formula F, whose last `Defaults` arguments may be left
/// out. Callable on tensors and numbers, which broadcast, and inside other formulas.
template <class F, int Defaults>
struct Elementwise
    : detail::Calls<detail::arity_of<F> - Defaults, std::make_index_sequence<Defaults + 1>> {
  static constexpr int arity = detail::arity_of<F>;

  using Elementwise::Calls::operator();
  /// Inside another formula.
  template <class... X>
  requires(sizeof...(X) + Defaults >= arity && sizeof...(X) <= arity && (Scalar<X> || ...)) auto
  operator()(const X&... x) const {
    return [&]<std::size_t... I>(std::index_sequence<I...>) {
      return F()(x..., this->parameters_[sizeof...(X) + I + Defaults - arity].value...);
    }
    (std::make_index_sequence<arity - sizeof...(X)>());
  }

  /// The formula at one point, in double precision.
  template <class... N>
  requires(sizeof...(N) == arity &&
           (std::is_arithmetic_v<N> && ...)) static double at(N... numbers) {
    return Lane<double>(F()(Lane<double>(numbers)...)).v;
  }
};

/// One that leaves the catalogue when it ends, which those of the library do not: they last as
/// long.
template <class F, int Defaults>
struct OwnElementwise : Elementwise<F, Defaults> {
  ~OwnElementwise() { detail::leave(&this->formula_); }
};

namespace detail {

/// Compiles the kernels of a formula in the file that names it.
struct OwnKernels {
  template <class F, Keeps keeps>
  static const Kernels* float32() {
    return make_kernels<F, float, keeps>();
  }
  template <class F, Keeps keeps>
  static const Kernels* float64() {
    return make_kernels<F, double, keeps>();
  }
  template <class F, Keeps keeps>
  static RecordedVjp graph() {
    return {&graph_vjp<F, keeps>};
  }
};

/// The readings of the formula F, which K has. A constant, because a program has many of them, and
/// each file that includes their headers has the code to make the operations.
template <class K, Entry::Kind kind, Keeps keeps, class F>
inline constexpr Readings readings_from = [] {
  Readings readings{arity_of<F>, is_condition<F>, keeps};
  readings.float32_kernels = &K::template float32<F, keeps>;
  readings.float64_kernels = &K::template float64<F, keeps>;
  if constexpr (kind == Entry::Kind::arithmetic) readings.int64_kernels = &K::template int64<F>;
  readings.recorded_vjp = &K::template graph<F, keeps>;
  return readings;
}();

}  // namespace detail

/// Makes an element-wise operation from a lambda that captures nothing and whose parameters are all
/// `auto`. Trailing arguments get defaults by Parameter{"name", value}. A formula may use
/// + - * /, comparisons, && || !, where(condition, a, b), the functions of functions.hpp and the
/// headers it names, and other formulas. The record tells the catalogue, and with it `gradcheck`
/// and `bench`, about it; `name` must outlive the tensors made by the operation; a literal does.
template <class F, std::same_as<Parameter>... P>
OwnElementwise<F, sizeof...(P)> elementwise(const Record& record, F, P... parameters) {
  constexpr auto kind = Entry::Kind::custom;
  using Formula = detail::AsRectifier<F, detail::all_arguments<F>>;
  return {
      {{kind, record, detail::readings_from<detail::OwnKernels, kind, Keeps::arguments, Formula>,
        std::array<Parameter, sizeof...(P)>{parameters...}}}};
}

/// The same with a record of no more than a name.
template <class F, std::same_as<Parameter>... P>
OwnElementwise<F, sizeof...(P)> elementwise(const char* name, F formula, P... parameters) {
  return elementwise(Record{.name = name}, formula, parameters...);
}
/// An operation of the library, whose kernels K provides: they are compiled once, in the library,
/// instead of in every file that includes the header.
/// With `keeps` a result or slope, keeping it is measured to be faster than computing the function
/// again; for a result, F is one function whose slope follows from it.
template <class K, Entry::Kind kind, Keeps keeps = Keeps::arguments, class F,
          std::same_as<Parameter>... P>
Elementwise<F, sizeof...(P)> builtin(const Record& record, F, P... parameters) {
  return {{kind, record, detail::readings_from<K, kind, keeps, F>,
           std::array<Parameter, sizeof...(P)>{parameters...}}};
}

}  // namespace xtape
