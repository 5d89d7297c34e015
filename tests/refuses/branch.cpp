// Refused: in a formula, where(condition, a, b) takes the place of if, ? : and while
#include <xtape/xtape.hpp>

const auto positive = xtape::elementwise("positive", [](auto x) {
#ifdef CORRECT
  return where(x > 0, x, 0);
#else
  if (x > 0) return x;
  return x * 0;
#endif
});

int main() { return positive(1.0).rank(); }
