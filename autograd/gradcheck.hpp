// The gradient checker: compares the gradients of any function of tensors with differences, in
// double precision.
//
//   auto report = gradcheck([](Tensor x, Tensor w) { return matmul(x, w); }, {x, w});
//   if (!report.ok()) std::cout << report;
//
// For every element x_i and two random weightings c of the outputs it asks whether
//
//   d(sum_k c_k y_k)/dx_i = sum_k c_k (y_k(x + h e_i) - y_k(x - h e_i)) / 2h
//
// within what rounding and truncation allow. The differences are taken for every output element by
// itself, with steps that adapt, so kinks are told from wrong gradients: at a kink any value
// between the one-sided slopes is right, and is reported. A second weighting sees what happens to
// cancel in the first.
#pragma once

#include <functional>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>
#include <xtape/autograd/tensor.hpp>

namespace xtape {

struct GradcheckOptions {
  std::string name = {};      ///< in messages; else the name of the operation that made the output
  double rtol = 1e-6;         ///< admissible error relative to the gradient
  double atol = 1e-13;        ///< the same relative to the largest gradient of the same input
  double step = 0x1p-7;       ///< the largest step, relative to max(|x|, 1)
  bool fast = false;          ///< one random direction for each input instead of every element
  bool second_order = false;  ///< also check the gradients of the gradients
  bool allow_kinks = true;    ///< false: a kink or jump is a failure
  bool throw_on_failure = false;    ///< throw GradcheckError instead of returning a bad report
  std::uint64_t seed = 0;           ///< of the weights and directions
  std::vector<int> constants = {};  ///< inputs that are not checked, besides integers and booleans
};

/// One comparison. `low` and `high` are the one-sided slopes at a kink, else both are `numeric`.
struct GradcheckElement {
  enum class Kind { smooth, kink, jump, edge, infinite, unknown };
  int order = 1;                    ///< 2: a gradient of a gradient
  int input = -1;                   ///< counted from 0; in order 2 the upstream gradients follow
  std::vector<std::int64_t> index;  ///< empty also for a random direction
  std::string place;                ///< "input 0 at [2, 1]"
  double analytic = 0, numeric = 0;
  double low = 0, high = 0;
  double error = 0;    ///< how far the differences may be off
  double allowed = 0;  ///< how far the gradient may be off: error and tolerances
  Kind kind = Kind::smooth;

  /// "input 0 at [2, 1]: gradient 0.5, differences 0.25 +- 1e-10"
  std::string str() const;
};

/// What gradcheck() found.
struct GradcheckReport {
  struct Order {
    std::int64_t elements = 0;  ///< compared
    std::int64_t failed = 0;
    std::int64_t coarse = 0;    ///< so small beside the values that 0.1 % would not be seen
    double relative_error = 0;  ///< the largest, of elements that are not at a kink
  };

  std::string op;
  Location where;
  Order first, second;
  bool deterministic = true;
  std::vector<GradcheckElement>
      kinks;               ///< where the function is not smooth, but the gradient is right
  GradcheckElement worst;  ///< the one nearest to failing, or failing most
  std::vector<std::string> problems;  ///< the first of each kind; empty if all is well

  bool ok() const { return problems.empty(); }
  std::int64_t elements() const { return first.elements + second.elements; }
  /// What was found, without the place in the program.
  std::string summary() const;
  /// The summary as a line that names the operation and the user's file and line.
  std::string str() const;
};

std::ostream& operator<<(std::ostream& out, const GradcheckReport& report);

/// A function whose gradients are wrong.
struct GradcheckError : Error {
  GradcheckError(const GradcheckReport& report);
  GradcheckReport report;
};

namespace detail {

using TensorFunction = std::function<std::vector<Tensor>(const std::vector<Tensor>&)>;

GradcheckReport check_gradients(const TensorFunction& f, const std::vector<Tensor>& inputs,
                                const GradcheckOptions& options, const Location& where);
[[noreturn]] void raise_wrong_count(std::size_t inputs, const Location& where);

inline std::vector<Tensor> as_list(std::vector<Tensor> outputs) { return outputs; }
inline std::vector<Tensor> as_list(const Tensor& output) { return {output}; }

template <class F, std::size_t... I>
constexpr bool takes_tensors(std::index_sequence<I...>) {
  return requires(F & f, const Tensor& x) { f((void(I), x)...); };
}
/// The least number of tensors from N on with which f can be called; 9 if there is none.
template <class F, std::size_t N>
consteval std::size_t count_from() {
  if constexpr (N > 8) return N;
  else if constexpr (takes_tensors<F>(std::make_index_sequence<N>())) return N;
  else return count_from<F, N + 1>();
}

/// Calls f(in[0], ..., in[N - 1]), or another admissible number of them if there are not N.
template <std::size_t N, class F>
std::vector<Tensor> spread(F& f, const std::vector<Tensor>& in, const Location& where) {
  if constexpr (N > 8) {
    raise_wrong_count(in.size(), where);
  } else {
    if (in.size() == N) return [&]<std::size_t... I>(std::index_sequence<I...>) {
        return as_list(f(in[I]...));
      }
    (std::make_index_sequence<N>());
    return spread<count_from<F, N + 1>()>(f, in, where);
  }
}

template <class F>
TensorFunction tensor_function(F& f, const Location& where) {
  if constexpr (std::is_invocable_v<F&, const std::vector<Tensor>&>)
    return [&f](const std::vector<Tensor>& in) { return as_list(f(in)); };
  else
    return [&f, where](const std::vector<Tensor>& in) {
      return spread<count_from<F, 1>()>(f, in, where);
    };
}

}  // namespace detail

/// Checks the gradients of f at `inputs`. f takes either all tensors as one vector or up to eight
/// tensors one by one, and returns a tensor or a vector of them; it may be an operation itself.
///
/// Floating inputs are copied to float64 and checked; others reach f as they are. f sees fresh
/// copies at every call. Random numbers are the same at every call: the global generator starts
/// from its present state each time and is left as it was found. Apart from wrong gradients these
/// are failures: an input that changes an output although no gradient reaches it; values or
/// gradients that are not finite, unless the differences agree that there is no finite slope; a
/// function that is not deterministic; differences too poor to tell.
/// Accepted and reported are kinks, jumps (between the slopes on either side) and edges of a
/// domain.
///
/// With `second_order` the gradients, as a function of the inputs and of the upstream gradients,
/// are checked in the same way: their recorded computation against differences of first-order ones.
///
/// Throws ValueError if there is nothing to check or an option is out of range, GradcheckError
/// with `throw_on_failure`, and what f throws.
template <class F>
GradcheckReport gradcheck(F&& f, const std::vector<Tensor>& inputs,
                          const GradcheckOptions& options = {}, Location where = {}) {
  return detail::check_gradients(detail::tensor_function(f, where), inputs, options, where);
}

/// The same, throwing GradcheckError if anything is wrong.
template <class F>
GradcheckReport assert_gradcheck(F&& f, const std::vector<Tensor>& inputs,
                                 GradcheckOptions options = {}, Location where = {}) {
  options.throw_on_failure = true;
  return gradcheck(f, inputs, options, where);
}

}  // namespace xtape
