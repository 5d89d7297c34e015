// Refused: a formula is a lambda of 1 to 8 parameters declared auto, and returns one value
#include <xtape/xtape.hpp>

#ifdef CORRECT
const auto scaled = xtape::elementwise("scaled", [](auto x, auto factor) { return x * factor; });
#else
const auto scaled = xtape::elementwise("scaled", [](auto x, double factor) { return x * factor; });
#endif

int main() { return scaled(1.0, 2.0).rank(); }
