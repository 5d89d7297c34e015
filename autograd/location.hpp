// Where in the user's program something was asked for. A Location that is a defaulted parameter of
// a function, or of the implicit conversion of one of its operands, names the line of the caller:
// that is how even `a + b` knows its file and line.
#pragma once

#include <string>

namespace xtape {

/// A file and a line of the user's program.
struct Location {
  const char* file;
  int line;

  constexpr Location(const char* file = __builtin_FILE(), int line = __builtin_LINE())
      : file(file), line(line) {}

  /// "train.cpp:42": the last part of the path and the line.
  std::string str() const;
};

/// While one lives, every operation on this thread is attributed to `where` instead of to the line
/// that calls it. Composite functions and layers open one, so that errors and recorded nodes name
/// the user's line rather than a line of the library. The outermost one wins.
class Caller {
 public:
  explicit Caller(const Location& where);
  ~Caller();
  Caller(const Caller&) = delete;
  Caller& operator=(const Caller&) = delete;

  /// The location of the outermost live Caller of this thread, or `fallback` if there is none.
  static Location or_else(const Location& fallback);

 private:
  bool outermost_;
};

}  // namespace xtape
