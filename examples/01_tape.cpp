// The tape: every operation on a tensor that requires gradients is recorded, and backward() walks
// back along the record.
#include <cstdio>
#include <iostream>
#include <xtape/xtape.hpp>

using namespace xtape;

int main() {
  // A leaf is a tensor that collects its gradient.
  Tensor x = {1, 2, 3};
  x.requires_grad(true);

  // f(x) = sum of x_i^2 sin(x_i): nothing but forward code.
  Tensor f = sum(x * x * sin(x));
  std::printf("f = %.4f\n", f.item<double>());

  // f'(x_i) = 2 x_i sin(x_i) + x_i^2 cos(x_i). A second backward() would add to the gradient.
  f.backward();
  std::cout << "gradient " << x.grad() << "\n";

  // grad() returns gradients instead of leaving them in the leaves. With create_graph they are
  // recorded themselves, so that they can be differentiated again: here x^4, 4 x^3, 12 x^2, 24 x.
  Tensor y = {2.0};
  y.requires_grad(true);
  Tensor derivative = y * y * y * y;
  for (int order = 1; order <= 3; ++order) {
    derivative = grad(sum(derivative), {y}, {.create_graph = true})[0];
    std::cout << "derivative " << order << " of x^4 at 2: " << derivative << "\n";
  }

  // Under NoGrad nothing is recorded, and leaves may be changed in place.
  {
    NoGrad no_grad;
    x.mutable_data<float>()[0] = 10;
  }
  std::cout << "changed " << x << "\n";

  // A mistake is answered with the operation, the shapes, and this file's name and line.
  try {
    ones({2, 3}) + ones({4});
  } catch (const Error& error) {
    std::cout << error.what() << "\n";
  }
}

// Output:
//   f = 5.7487
//   gradient [ 2.22324,   1.9726, -8.06321]
//   derivative 1 of x^4 at 2: [32]
//   derivative 2 of x^4 at 2: [48]
//   derivative 3 of x^4 at 2: [48]
//   changed [10,  2,  3]
//   add: shapes do not broadcast: [2, 3] and [4] (01_tape.cpp:41)
