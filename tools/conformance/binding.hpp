// How the conformance program calls xtape: each operation of the corpus is bound to a function of
// its case. Only the files of this folder know the corpus's names.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>
#include <xtape/xtape.hpp>

namespace conformance {

using namespace xtape;
using Json = nlohmann::json;
using Tensors = std::vector<Tensor>;

/// The inputs and keyword arguments of a case.
struct Call {
  const Json& kwargs;
  const Tensors& inputs;  ///< not defined() where the case has none
  DType dtype;            ///< of the case's floating tensors

  /// An input; not defined() if it is absent or there are fewer.
  Tensor in(std::size_t i) const { return i < inputs.size() ? inputs[i] : Tensor(); }
  /// Whether a keyword argument is there and not null.
  bool has(const char* key) const { return kwargs.contains(key) && !kwargs.at(key).is_null(); }
  /// A number; "inf", "-inf" and "nan" are numbers.
  double number(const char* key) const { return to_number(kwargs.at(key)); }
  double number(const char* key, double otherwise) const {
    return has(key) ? number(key) : otherwise;
  }
  std::int64_t integer(const char* key) const { return kwargs.at(key).get<std::int64_t>(); }
  std::int64_t integer(const char* key, std::int64_t otherwise) const {
    return has(key) ? integer(key) : otherwise;
  }
  bool flag(const char* key, bool otherwise = false) const {
    return has(key) ? kwargs.at(key).get<bool>() : otherwise;
  }
  std::string text(const char* key, const char* otherwise = "") const {
    return has(key) ? kwargs.at(key).get<std::string>() : otherwise;
  }
  /// A list of integers; one integer is a list of one, null or nothing an empty list.
  std::vector<std::int64_t> integers(const char* key) const;
  Shape shape(const char* key) const { return Shape(integers(key)); }
  /// The axes "dim", all if null, and "keepdim".
  Dims dims() const { return Dims(integers("dim")).keep(flag("keepdim")); }

  static double to_number(const Json& json);
};

/// What an operation gives: one tensor or several.
struct Outputs : Tensors {
  Outputs(const Tensor& one) { push_back(one); }
  Outputs(Tensors several) : Tensors(std::move(several)) {}
};
using Function = std::function<Outputs(const Call&)>;

/// A table of bindings; it enters the program's list when it is made.
struct Bindings {
  Bindings(std::initializer_list<std::pair<const char*, Function>> table);
};

/// The function bound to an operation. Throws Unsupported if there is none.
const Function& function_of(const std::string& op);
struct Unsupported : std::runtime_error {
  using std::runtime_error::runtime_error;
};

}  // namespace conformance
