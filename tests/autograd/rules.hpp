// Operations with right and wrong rules, for the tests of the gradient checker.
#pragma once

#include <string>
#include <xtape/xtape.hpp>

namespace rules {

using namespace xtape;

using Kind = GradcheckElement::Kind;

inline Tensor doubles(std::initializer_list<Nested> items) { return Tensor(items, float64); }

// x times `factor`, whose gradient is multiplied element by element by `errors`.
inline Tensor distorted(const Tensor& x, const Tensor& errors, double factor = 2,
                        Location where = {}) {
  return record("distorted", where, {unsaved(x)}, x.detach() * factor,
                [errors, factor](Backward& b) { b.give(0, b.grad() * factor * errors); });
}

// f's values with another slope.
template <class F, class Slope>
Tensor with_slope(const char* name, const Tensor& x, F f, Slope slope) {
  return record(name, Location(), {saved(x)}, f(x.detach()),
                [slope](Backward& b) { b.give(0, b.grad() * slope(b.input(0))); });
}

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

inline std::string here(int line) { return "gradcheck.test.cpp:" + std::to_string(line); }

}  // namespace rules
