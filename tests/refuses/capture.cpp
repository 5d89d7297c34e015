// Refused: a formula captures nothing; pass what it needs as a further argument
#include <xtape/xtape.hpp>

int main() {
  const double slope = 0.1;
#ifdef CORRECT
  const auto leaky =
      xtape::elementwise("leaky", [](auto x, auto s) { return where(x > 0, x, s * x); });
  return leaky(1.0, slope).rank();
#else
  const auto leaky =
      xtape::elementwise("leaky", [slope](auto x) { return where(x > 0, x, slope * x); });
  return leaky(1.0).rank();
#endif
}
