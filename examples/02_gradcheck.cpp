// Is my gradient right? gradcheck() compares the gradients of any function of tensors with
// differences in double precision, and says which element is wrong.
#include <cstdio>
#include <xtape/xtape.hpp>

using namespace xtape;

// 1. A new rectifier. Only its forward is written; the gradients with respect to x, t and a are
//    derived, and the checker is the proof.
inline const auto rectifier = elementwise(
    "rectifier", [](auto x, auto t, auto a) { return where(x > t, x, t + a * (x - t)); });

// 2. An operation whose gradient is written by hand, with a mistake in it: the slope of x^3 is
//    3 x^2, but for negative x this rule is off by a tenth of a percent.
Tensor cube(const Tensor& x) {
  return record("cube", Location(), {saved(x)}, x.detach() * x * x, [](Backward& backward) {
    const Tensor in = backward.input(0);
    backward.give(0, backward.grad() * in * in * where(in < 0, 3.003, 3));
  });
}

int main() {
  const Tensor x({{-1.5, 0.25, 2}, {0.5, -0.75, 1}}), t(0.5), a({0.1, 0.2, 0.3});

  // 3. Every element of every input is checked, here also the gradients of the gradients. The
  //    inputs are float32; the function gets float64 copies, and nothing happens to the originals.
  //    x = 0.5 lies on the kink, where any value between the two one-sided slopes is right: the
  //    checker accepts it and tells.
  const GradcheckReport right = gradcheck(rectifier, {x, t, a}, {.second_order = true});
  std::printf("rectifier ok: %d, kinks met: %d\n", right.ok(), !right.kinks.empty());

  // 4. The wrong rule. The report names the worst element with both numbers; `std::cout << wrong`
  //    writes all of it as one line that ends in this file's name and the line of this call.
  const GradcheckReport wrong = gradcheck(cube, {x});
  std::printf("cube ok: %d, wrong elements: %d of %d\n", wrong.ok(),
              static_cast<int>(wrong.first.failed), static_cast<int>(wrong.first.elements));
  std::printf("gradient / difference: %.4f\n", wrong.worst.analytic / wrong.worst.numeric);

  // 5. In a test an exception is more convenient. It carries the report, and like every error of
  //    the library it knows the operation and the line that asked.
  try {
    assert_gradcheck(cube, {x});
  } catch (const GradcheckError& error) {
    std::printf("%s failed at %s\n", error.op().c_str(), error.where().str().c_str());
  }
}
// Output:
//   rectifier ok: 1, kinks met: 1
//   cube ok: 0, wrong elements: 2 of 6
//   gradient / difference: 1.0010
//   cube failed at 02_gradcheck.cpp:42
