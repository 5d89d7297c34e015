#include "../check.hpp"

using namespace check;

using Numbers = std::vector<double>;

TEST_CASE("activations: prelu with one weight, or one for each channel") {
  const Tensor x = arange(-5, 7, 1, float64);
  const Tensor w = Tensor({0.5, 2.0, -1.0}, float64).requires_grad(true);
  const Tensor images = reshape(x, {2, 3, 2});
  const Tensor y = nn::prelu(images, w);
  CHECK(numbers(y) == Numbers{-2.5, -2, -6, -4, 1, 0, 1, 2, 3, 4, 5, 6});
  sum(y).backward();
  CHECK(numbers(w.grad()) == Numbers{-9, -5, -1});
  CHECK(numbers(nn::prelu(x, Tensor({0.5}, float64)))[0] == -2.5);
  CHECK(nn::prelu(Tensor(-4.0, float64), Tensor(0.5, float64)).rank() == 0);
  CHECK(nn::prelu(zeros({0, 3}, float64), w).shape() == Shape{0, 3});
  CHECK_THROWS_WITH_AS(nn::prelu(ones({2, 4}, float64), w),
                       doctest::Contains("prelu: one weight, or one for each channel, axis 1 of"),
                       ShapeError);
  CHECK_THROWS_AS(nn::prelu(ones({3}, float64), w), ShapeError);
}

TEST_CASE("activations: gelu by name") {
  const Tensor x = linspace(-3, 3, 13, float64);
  CHECK(equal(nn::gelu(x), gelu(x)));
  CHECK(equal(nn::gelu(x, "tanh"), gelu_tanh(x)));
  CHECK_THROWS_WITH_AS(nn::gelu(x, "erf"), doctest::Contains("none or tanh, not erf"), ValueError);
}

TEST_CASE("activations: rrelu") {
  const Tensor x({-2, 3}, float64);
  CHECK(numbers(nn::rrelu(x, 0.1, 0.3)) == Numbers{-0.4, 3});
  Generator generator(5);
  const Tensor many = nn::rrelu(full({1000}, -1, float64), 0.1, 0.3, true, generator);
  CHECK(amax(many).item<double>() <= -0.1);
  CHECK(amin(many).item<double>() > -0.3);
  CHECK(mean(many).item<double>() == doctest::Approx(-0.2).epsilon(0.05));
  CHECK(numbers(nn::rrelu(ones({3}), 0.1, 0.3, true, generator)) == Numbers{1, 1, 1});
  CHECK_THROWS_WITH_AS(nn::rrelu(x, 0.3, 0.1), doctest::Contains("lower <= upper wanted"),
                       ValueError);
}

TEST_CASE("activations: tails and small arguments are accurate") {
  const auto at = [](const auto& f, double x) {
    return f(Tensor(x, float64)).template item<double>();
  };
  CHECK(at(tanhshrink, 1e-12) == doctest::Approx(1e-36 / 3).epsilon(1e-14));
  CHECK(at(tanhshrink, 0.9) == doctest::Approx(0.9 - std::tanh(0.9)).epsilon(1e-14));
  CHECK(at(tanhshrink, -3) == -3 - std::tanh(-3));
  const double u = 2 * std::sqrt(2 / std::acos(-1)) * (-9 - 0.044715 * 729);
  CHECK(at(gelu_tanh, -9) == doctest::Approx(-9 / (1 + std::exp(-u))).epsilon(1e-12));
  CHECK(at(hardshrink, 0.5) == 0);
  CHECK(at(hardshrink, -0.6) == -0.6);
}

TEST_CASE("activations: an argument that was changed is noticed, whatever is kept for the slope") {
  for (const Entry* entry : catalogue()) {
    if (entry->kind != Entry::Kind::activation || entry->formula->readings->keeps == Keeps::result)
      continue;
    CAPTURE(entry->record.name);
    const Tensor x = linspace(-3, 3, 21).requires_grad(true);
    const Tensor y = (*entry)(x);
    {
      const NoGrad off;
      x.mutable_data<float>()[3] = 1;
    }
    CHECK_THROWS_AS(y.backward(ones_like(x)), StaleValueError);
  }
}
