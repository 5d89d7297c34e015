#include <cstdio>
#include <xtape/xtape.hpp>
using namespace xtape;
int main() {
  Tensor x = ones({2, 2});
  x.requires_grad(true);
  Tensor y = sum(x * x);
  y.backward();
  std::printf("%g\n", sum(x.grad()).item<float>());  // 8
}

// Output:
//   8
