// What the generated tests make of a record: the oracle's reading of its texts, points to try it
// at, and calls with all arguments. Nothing here or in the tests names an operation.
#pragma once

#include <cmath>
#include <limits>
#include <random>
#include <sstream>
#include <xtape/tests/oracle/formula.hpp>
#include <xtape/xtape.hpp>

namespace subject {

using oracle::Real;
using xtape::Arg;
using xtape::DType;
using xtape::Entry;
using xtape::Shape;
using xtape::Tensor;
using Numbers = std::vector<double>;  // one for each argument, parameters last

inline double smallest(DType dtype) {
  return dtype == xtape::float32 ? std::numeric_limits<float>::min()
                                 : std::numeric_limits<double>::min();
}
/// How the element type rounds.
inline Real unit(DType dtype) { return dtype == xtape::float32 ? 0x1p-24L : 0x1p-53L; }
inline double largest(DType dtype) {
  return dtype == xtape::float32 ? std::numeric_limits<float>::max()
                                 : std::numeric_limits<double>::max();
}
/// The number as the element type holds it.
inline double held(double number, DType dtype) {
  return dtype == xtape::float32 ? static_cast<float>(number) : number;
}

/// A record with a formula in text.
class Subject {
 public:
  explicit Subject(const Entry& entry)
      : entry(entry),
        names(names_of(entry)),
        text(entry.record.formula, names),
        kinks(oracle::list(entry.record.kinks, names)) {}

  const Entry& entry;
  std::vector<std::string> names;
  oracle::Formula text;
  std::vector<oracle::Formula> kinks;

  std::string name() const { return entry.record.name; }
  std::string name(DType dtype) const { return name() + " in " + name_of(dtype); }
  std::size_t arity() const { return names.size(); }
  /// The arguments that are not parameters.
  std::size_t tensors() const { return arity() - entry.parameters.size(); }
  bool activation() const { return entry.kind == Entry::Kind::activation; }

  /// The parameters at their defaults, and at their other values if there are any.
  std::vector<Numbers> settings() const {
    std::vector<Numbers> out(entry.parameters.empty() ? 1 : 2);
    for (const xtape::Parameter& parameter : entry.parameters) {
      out[0].push_back(parameter.value);
      out[1].push_back(parameter.other);
    }
    return out;
  }
  /// Numbers in the domain, parameters between default and other, as the element type holds them.
  Numbers random(std::mt19937& engine, DType dtype) const {
    std::uniform_real_distribution<double> uniform(0, 1);
    Numbers out(arity());
    for (std::size_t i = 0; i < arity(); ++i) {
      const bool parameter = i >= tensors();
      const double low = parameter ? entry.parameters[i - tensors()].value : entry.record.low;
      const double high = parameter ? entry.parameters[i - tensors()].other : entry.record.high;
      out[i] = held(low + (high - low) * uniform(engine), dtype);
    }
    return out;
  }
  /// Where x is not smooth, the other arguments as given.
  Numbers kinks_at(const Numbers& numbers) const {
    Numbers out;
    for (const oracle::Formula& kink : kinks)
      out.push_back(static_cast<double>(kink(reals(numbers))));
    return out;
  }
  bool near_kink(const Numbers& numbers, double margin) const {
    for (double kink : kinks_at(numbers))
      if (std::fabs(numbers[0] - kink) < margin) return true;
    return false;
  }

  /// The formula on one tensor or number for each argument.
  template <class Arguments>
  Tensor apply(const Arguments& arguments) const {
    return entry.formula->apply(std::vector<Arg>(arguments.begin(), arguments.end()));
  }

  /// The slope with respect to an argument by differences of the text, within the branch that is
  /// taken; the error is of order h^4.
  Real slope(const Numbers& numbers, std::size_t argument) const {
    const std::vector<Real> here = reals(numbers);
    std::vector<Real> at = here;
    const Real centre = at[argument];
    const Real h = 2e-4L * std::fmax(0.01L, std::fmin(1.0L, std::fabs(centre)));
    const auto value = [&](Real steps) {
      at[argument] = centre + steps * h;
      return text.branch_of(here, at);
    };
    return (8 * (value(1) - value(-1)) - (value(2) - value(-2))) / (12 * h);
  }

  std::string describe(const Numbers& numbers) const {
    std::ostringstream out;
    out.precision(17);
    out << name() << "(";
    for (std::size_t i = 0; i < numbers.size(); ++i)
      out << (i ? ", " : "") << names[i] << " = " << numbers[i];
    out << ")";
    return out.str();
  }

  static std::vector<Real> reals(const Numbers& numbers) {
    return {numbers.begin(), numbers.end()};
  }

 private:
  static std::vector<std::string> names_of(const Entry& entry) {
    const std::size_t tensors = static_cast<std::size_t>(entry.arity) - entry.parameters.size();
    std::vector<std::string> out;
    for (std::size_t i = 0; i < tensors; ++i) out.push_back(std::string(1, "xyz"[i]));
    for (const xtape::Parameter& parameter : entry.parameters) out.push_back(parameter.name);
    return out;
  }
};

/// Every record whose formula is a scalar expression.
inline std::vector<Subject> all() {
  std::vector<Subject> out;
  for (const Entry* entry : xtape::catalogue())
    if (entry->formula && *entry->record.formula) out.emplace_back(*entry);
  return out;
}

/// The elements as doubles.
inline Numbers elements(const Tensor& tensor) {
  const Tensor wide = xtape::cast(tensor, xtape::float64);
  const double* data = wide.data<double>();
  return {data, data + wide.numel()};
}

inline Tensor tensor(const Numbers& numbers, const Shape& shape, DType dtype) {
  return xtape::cast(Tensor::from(numbers.data(), shape), dtype);
}
inline Tensor tensor(const Numbers& numbers, DType dtype) {
  return tensor(numbers, {static_cast<std::int64_t>(numbers.size())}, dtype);
}

/// Points as one 1-d tensor for each argument.
inline std::vector<Tensor> columns(const std::vector<Numbers>& points, std::size_t arity,
                                   DType dtype) {
  std::vector<Tensor> out;
  for (std::size_t i = 0; i < arity; ++i) {
    Numbers column;
    for (const Numbers& point : points) column.push_back(point[i]);
    out.push_back(tensor(column, dtype));
  }
  return out;
}

/// The gradients of sum(seed * formula), zero where there is none.
inline std::vector<Tensor> gradients(const Subject& subject, std::vector<Tensor> arguments,
                                     const Tensor& seed = {}) {
  for (Tensor& argument : arguments) {
    argument = argument.copy();
    argument.requires_grad(true);
  }
  const Tensor y = subject.apply(arguments);
  y.backward(seed.defined() ? seed : xtape::ones_like(y));
  std::vector<Tensor> out;
  for (const Tensor& argument : arguments)
    out.push_back(argument.grad().defined() ? argument.grad() : xtape::zeros_like(argument));
  return out;
}

/// Whether two tensors agree to the last bit, NaN included.
inline bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype() || !(a.shape() == b.shape())) return false;
  const Numbers x = elements(a), y = elements(b);
  for (std::size_t i = 0; i < x.size(); ++i)
    if (std::isnan(x[i]) ? !std::isnan(y[i])
                         : x[i] != y[i] || std::signbit(x[i]) != std::signbit(y[i]))
      return false;
  return true;
}

}  // namespace subject
