// What the sources changed by mutants.py include: each operator, sign and number of theirs that may
// be wrong has an id, and is wrong if the environment variable XTAPE_MUTANT is that id.
#pragma once

#include <cstdlib>
#include <type_traits>

namespace mutant {

inline const int active = [] {
  const char* text = std::getenv("XTAPE_MUTANT");
  return text ? std::atoi(text) : 0;
}();

template <int id, class T>
constexpr T number(T right, T wrong) {
  return active == id ? wrong : right;
}

/// a / b, but not of integers: they would mostly divide by zero.
template <class A, class B>
constexpr auto quotient(const A& a, const B& b) {
  if constexpr (std::is_integral_v<A> && std::is_integral_v<B>) return a + b;
  else return a / b;
}

// In `a + Plus<17>() + b` the first operator holds a, a reference that lives long enough, until the
// end of the expression, and the second one computes a RIGHT b or WRONG.
#define BINARY(NAME, RIGHT, WRONG)                                         \
  template <int id>                                                        \
  struct NAME {};                                                          \
  template <class A, int id>                                               \
  struct Held##NAME {                                                      \
    const A& a;                                                            \
  };                                                                       \
  template <class A, int id>                                               \
  constexpr Held##NAME<A, id> operator RIGHT(const A& a, NAME<id>) {       \
    return {a};                                                            \
  }                                                                        \
  template <class A, int id, class B>                                      \
  constexpr auto operator RIGHT(const Held##NAME<A, id>& held, const B& b) \
      ->decltype(held.a RIGHT b) {                                         \
    const A& a = held.a;                                                   \
    if (active == id) return WRONG;                                        \
    return a RIGHT b;                                                      \
  }

BINARY(Plus, +, a - b)
BINARY(Difference, -, a + b)
BINARY(Times, *, quotient(a, b))
BINARY(Over, /, a* b)
BINARY(Modulo, %, a / b)
BINARY(Equal, ==, a != b)
BINARY(Unequal, !=, a == b)
BINARY(Less, <, a <= b)
BINARY(Less2, <, a> b)
BINARY(LessEqual, <=, a < b)
BINARY(LessEqual2, <=, a >= b)
BINARY(Greater, >, a >= b)
BINARY(Greater2, >, a < b)
BINARY(GreaterEqual, >=, a > b)
BINARY(GreaterEqual2, >=, a <= b)

#undef BINARY

/// Minus<17>() ->* x is -x or x.
template <int id>
struct Minus {};
template <int id, class A>
constexpr auto operator->*(Minus<id>, const A& a) -> decltype(-a) {
  if (active == id) return static_cast<decltype(-a)>(a);
  return -a;
}

/// Not<17>() ->* x is !x or x.
template <int id>
struct Not {};
template <int id, class A>
constexpr auto operator->*(Not<id>, const A& a) -> decltype(!a) {
  if (active == id) return !!a;
  return !a;
}

/// a += PlusTo<17>() = b adds or subtracts b.
template <int id>
struct PlusTo {
  template <class A>
  constexpr auto operator=(const A& a) const {
    if constexpr (std::is_same_v<A, bool>) return active == id ? -int(a) : int(a);
    else return active == id ? static_cast<A>(-a) : a;
  }
};

/// a *= TimesTo<17>() = b multiplies with b or divides by it, or with an integer takes the next
/// one.
template <int id>
struct TimesTo {
  template <class A>
  constexpr A operator=(const A& a) const {
    if constexpr (std::is_integral_v<A>) return active == id ? static_cast<A>(a + 1) : a;
    else return active == id ? static_cast<A>(1 / a) : a;
  }
};

}  // namespace mutant
