// Every error names who complains, which rule was broken with the actual values, and the line of
// the user's program:  matmul: inner sizes differ: left [128, 784], right [512, 10] (train.cpp:42)
#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <xtape/autograd/location.hpp>

namespace xtape {

/// The base of everything that xtape throws.
class Error : public std::runtime_error {
 public:
  Error(std::string_view op, std::string_view what, const Location& where);

  const std::string& op() const { return op_; }     ///< the operation that complains
  const Location& where() const { return where_; }  ///< the user's line

 private:
  std::string op_;
  Location where_;
};

/// Shapes that do not fit the operation or each other.
struct ShapeError : Error {
  using Error::Error;
};
/// An element type that the operation does not take.
struct DTypeError : Error {
  using Error::Error;
};
/// An argument outside its range, or of an unknown name.
struct ValueError : Error {
  using Error::Error;
};
/// An index or an axis outside the tensor.
struct IndexError : Error {
  using Error::Error;
};
/// A gradient asked for where there is none to be had.
struct GradError : Error {
  using Error::Error;
};
/// A value that a gradient needs was changed after it was recorded.
struct StaleValueError : GradError {
  using GradError::GradError;
};
/// A NaN or an infinity appeared while anomaly mode was on.
struct AnomalyError : Error {
  using Error::Error;
};
/// A file that cannot be read or is not what it should be.
struct FileError : Error {
  using Error::Error;
};

/// Throws E for `op` at the user's line (that of the outermost Caller, if there is one).
template <class E>
[[noreturn]] void raise(const Location& where, std::string_view op, std::string_view what) {
  throw E(op, what, Caller::or_else(where));
}

}  // namespace xtape
