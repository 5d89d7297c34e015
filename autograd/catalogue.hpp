// The catalogue: one record for every operation. The generated tests, the table in docs/, the
// benchmark and the lookup by name read it; nobody keeps a second list.
#pragma once

#include <span>
#include <string_view>
#include <vector>
#include <xtape/autograd/tensor.hpp>

namespace xtape {

class Arg;
class Formula;

/// An argument of an operation that has a default value and may be learnt.
struct Parameter {
  const char* name = nullptr;
  double value = 0;     ///< the default
  double other = 0;     ///< another admissible value; generated tests use both
  bool learnt = false;  ///< whether it is usually learnt rather than fixed
};

/// A call of an array operation on inputs of certain shapes, for generated tests and benchmarks.
struct Sample {
  const char* call = "";  ///< as a user would write it
  std::vector<Shape> shapes;
  Tensor (*run)(const std::vector<Tensor>& inputs) = nullptr;
};

/// What is to be known about an operation.
struct Record {
  const char* name;
  const char* about = "";     ///< one sentence
  const char* formula = "";   ///< the textbook formula; a scalar expression in x, y, z, parameters
  const char* kinks = "";     ///< where x is not smooth: expressions in the others, by commas
  const char* source = "";    ///< where the formula comes from
  double low = -3, high = 3;  ///< inputs between these are in the domain
  /// False if steps in between overflow before the result does: generated tests then keep to
  /// numbers of ordinary size.
  bool extremes = true;
  /// False if some slopes are conventions that differences do not show: these are tested by hand.
  bool differences = true;
};

/// A record with what it takes to call the operation.
struct Entry {
  enum class Kind { arithmetic, function, activation, array, custom };  // custom: the user's own
  Kind kind;
  Record record;
  std::vector<Parameter> parameters;  ///< of a formula
  int arity = 0;                      ///< all arguments of a formula
  const Formula* formula = nullptr;   ///< null for an array operation
  std::vector<Sample> samples;        ///< of an array operation

  /// Calls a formula on `x`, its other arguments at their defaults.
  Tensor operator()(const Arg& x) const;
};

/// Puts an array operation into the catalogue. The records stand beside the operations' code, so
/// that a program which links the static library has those that it uses; formulas are always there.
struct ArrayOperation {
  ArrayOperation(const Record& record, std::vector<Sample> samples);
};

/// Every entry, sorted by name.
std::vector<const Entry*> catalogue();

/// The entry of that name. Throws ValueError with the nearest names if there is none.
const Entry& find(std::string_view name, Location where = {});

/// The activation of that name, built in or made by elementwise(), to be called on a tensor:
/// activation("mish")(x). Throws ValueError with the nearest names if there is none.
const Entry& activation(std::string_view name, Location where = {});

namespace detail {
void enter(Entry entry);
void leave(const Formula* formula) noexcept;
}  // namespace detail

}  // namespace xtape
