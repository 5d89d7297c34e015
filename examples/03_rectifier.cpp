// A rectifier of one's own: one line of forward code becomes a fused operation whose parameters can
// be learnt. Builds on 01_tape and 02_gradcheck.
#include <cstdio>
#include <iostream>
#include <xtape/xtape.hpp>

using namespace xtape;

// Identity above t, slope a below, bent smoothly at the corner by b. The lambda is compiled for
// SIMD registers, and for dual numbers on SIMD registers: value and all slopes in one pass.
inline const auto bent_rectifier =
    elementwise("bent_rectifier", [](auto x, auto t, auto a, auto b) {
      return t + a * (x - t) + (1 - a) * b * softplus((x - t) / b);
    });

int main() {
  // Arguments are tensors of any shapes that broadcast, or numbers.
  Tensor x = linspace(-2, 2, 5);
  std::cout << "value    " << bent_rectifier(x, 0, 0.25, 0.5) << "\n";

  // Its gradients are right, of first and second order, in every argument.
  Tensor t = {0.1}, a = {0.2}, b = {0.7};
  const auto report = gradcheck([](const Tensor& x, const Tensor& t, const Tensor& a,
                                   const Tensor& b) { return bent_rectifier(x, t, a, b); },
                                {x, t, a, b}, {.second_order = true});
  std::cout << "gradients right: " << (report.ok() ? "yes" : report.str()) << "\n";

  // Learn t, a and b from data: the target is a leaky rectifier with its corner at (1, 1).
  for (Tensor* parameter : {&t, &a, &b}) parameter->requires_grad(true);
  const Tensor points = linspace(-4, 4, 401);
  const Tensor target = shifted_rectifier(points, 1.0, 0.1);
  optim::SGD sgd({t, a, b}, {.lr = 0.05, .momentum = 0.9});
  for (int step = 0; step < 500; ++step) {
    sgd.zero_grad();
    nn::mse_loss(bent_rectifier(points, t, a, b), target).backward();
    sgd.step();
  }
  std::printf("learnt   t = %.1f, a = %.1f, corner sharper than before: %s\n", t.item<double>(),
              a.item<double>(), b.item<double>() < 0.7 ? "yes" : "no");
}

// Output:
//   value    [-0.493194, -0.202402,   0.25993,    1.0476,   2.00681]
//   gradients right: yes
//   learnt   t = 1.0, a = 0.1, corner sharper than before: yes
