// Refused: a tensor holds float, double, integers or bool
#include <complex>
#include <xtape/xtape.hpp>

int main() {
#ifdef CORRECT
  using Element = double;
#else
  using Element = std::complex<double>;
#endif
  const Element one[] = {1.0};
  return xtape::Tensor::from(one, {1}).rank();
}
