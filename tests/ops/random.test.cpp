#include <algorithm>
#include <limits>

#include "../blames.hpp"

using namespace check;

namespace {

struct Spread {
  double mean = 0, variance = 0, skew = 0, kurtosis = 0, low = INFINITY, high = -INFINITY;
  explicit Spread(const std::vector<double>& x) {
    for (double v : x) {
      mean += v / static_cast<double>(x.size());
      low = std::min(low, v);
      high = std::max(high, v);
    }
    for (double v : x) variance += (v - mean) * (v - mean) / static_cast<double>(x.size());
    for (double v : x) {
      const double z = (v - mean) / std::sqrt(variance);
      skew += z * z * z / static_cast<double>(x.size());
      kurtosis += z * z * z * z / static_cast<double>(x.size());
    }
  }
};

}  // namespace

TEST_CASE("random: uniform numbers") {
  Generator generator(11);
  for (DType dtype : {float32, float64}) {
    const std::vector<double> x = numbers(rand({1000001}, dtype, generator));
    const Spread m(x);
    CHECK(m.low >= 0);
    CHECK(m.high < 1);
    CHECK(m.low < 1e-5);
    CHECK(m.high > 1 - 1e-5);
    CHECK(std::abs(m.mean - 0.5) < 5 * std::sqrt(1.0 / 12 / 1e6));
    CHECK(std::abs(m.variance - 1.0 / 12) < 5 * std::sqrt(1.0 / 180 / 1e6));
    double neighbours = 0, tenths[10] = {};
    for (std::size_t i = 1; i < x.size(); ++i) neighbours += (x[i] - 0.5) * (x[i - 1] - 0.5);
    CHECK(std::abs(neighbours / 1e6) < 5 / 12.0 / 1e3);
    for (double v : x) tenths[static_cast<int>(v * 10)] += 1;
    double chi = 0;
    for (double count : tenths) chi += (count - 1e5) * (count - 1e5) / 1e5;
    CHECK(chi < 40);  // 9 degrees of freedom
  }
}

TEST_CASE("random: normal numbers") {
  Generator generator(12);
  for (DType dtype : {float32, float64}) {
    const std::vector<double> x = numbers(randn({1000001}, dtype, generator));
    const Spread m(x);
    CHECK(std::abs(m.mean) < 5e-3);
    CHECK(std::abs(m.variance - 1) < 5 * std::sqrt(2 / 1e6));
    CHECK(std::abs(m.skew) < 5 * std::sqrt(6 / 1e6));
    CHECK(std::abs(m.kurtosis - 3) < 5 * std::sqrt(24 / 1e6));
    double inside = 0;
    for (double v : x) inside += std::abs(v) < 1;
    CHECK(std::abs(inside / 1e6 - 0.682689) < 3e-3);
    CHECK(m.high > 4);
    CHECK(m.high < 7);
  }
}

TEST_CASE("random: the bits do not depend on the number of threads or on the shape") {
  const int before = num_threads();
  for (auto draw : {+[](const Shape&s, Generator&g) { return rand(s, float32, g); },
                    +[](const Shape&s, Generator&g) { return randn(s, float64, g); },
                    +[](const Shape&s, Generator&g) { return uniform(-1, 2, s, float64, g); },
                    +[](const Shape&s, Generator&g) { return normal(-1, 2, s, float32, g); },
                    +[](const Shape&s, Generator&g) { return randint(-5, 9, s, int64, g); },
                    +[](const Shape&s, Generator&g) { return bernoulli(0.3, s, boolean, g); },
                    +[](const Shape&s, Generator&g) { return bernoulli(full(s, 0.3), g); }}) {
    Generator a(3), b(3), c(3);
    set_num_threads(1);
    const Tensor one = draw({40001}, a);
    set_num_threads(3);
    CHECK(equal(one, draw({40001}, b)));
    CHECK(equal(slice(one, 0, {.start = 0, .stop = 777}), reshape(draw({7, 111}, c), {-1})));
  }
  set_num_threads(before);
}

TEST_CASE("random: permutations") {
  Generator generator(4);
  std::vector<double> counts(25);
  for (int round = 0; round < 5000; ++round) {
    const Tensor p = randperm(5, generator);
    std::vector<double> order = numbers(p), sorted = order;
    std::sort(sorted.begin(), sorted.end());
    REQUIRE(sorted == std::vector<double>{0, 1, 2, 3, 4});
    for (int i = 0; i < 5; ++i) counts[static_cast<std::size_t>(i * 5 + order[i])] += 1;
  }
  for (double count : counts) CHECK(std::abs(count - 1000) < 5 * std::sqrt(800));
  CHECK(randperm(0, generator).numel() == 0);
  CHECK(randperm(1, generator).dtype() == int64);
}

TEST_CASE("random: empty and 0-d") {
  CHECK(rand({0}).numel() == 0);
  CHECK(randn({}).rank() == 0);
  CHECK(randn({3, 0, 2}, float64).shape() == Shape{3, 0, 2});
}

TEST_CASE("random: uniform, normal and whole numbers between bounds") {
  Generator generator(6);
  const Spread u(numbers(uniform(-2, 4, {100000}, float32, generator)));
  CHECK(u.low >= -2);
  CHECK(u.high < 4);
  CHECK(std::abs(u.mean - 1) < 5 * std::sqrt(3 / 1e5));
  CHECK(std::abs(u.variance - 3) < 0.05);
  const double above = std::nextafter(1.0, 2.0);  // nothing but 1 lies below
  CHECK(Spread(numbers(uniform(1, above, {1000}, float64, generator))).high == 1);
  const Spread n(numbers(normal(5, 0.1, {100000}, float64, generator)));
  CHECK(std::abs(n.mean - 5) < 5 * 0.1 / std::sqrt(1e5));
  CHECK(std::abs(n.variance - 0.01) < 5e-4);
  CHECK(numbers(normal(5, 0, {2}, float64, generator)) == std::vector<double>{5, 5});
  const Tensor whole = randint(-3, 4, {70000}, int64, generator);
  CHECK(whole.dtype() == int64);
  double counts[7] = {}, chi = 0;
  for (double x : numbers(whole)) counts[static_cast<int>(x) + 3] += 1;
  for (double count : counts) chi += (count - 1e4) * (count - 1e4) / 1e4;
  CHECK(chi < 30);  // 6 degrees of freedom
  CHECK(randint(0, 2, {3}, float64, generator).dtype() == float64);
  CHECK(randint(7, 8, {}, int64, generator).item<int>() == 7);
  const std::int64_t least = std::numeric_limits<std::int64_t>::min();
  const Spread wide(numbers(randint(least, -(least + 1), {1000}, int64, generator)));
  CHECK(wide.low < -8e18);
  CHECK(wide.high > 8e18);
}

TEST_CASE("random: bernoulli") {
  Generator generator(7);
  CHECK(std::abs(Spread(numbers(bernoulli(0.3, {100000}, float32, generator))).mean - 0.3) < 8e-3);
  CHECK(bernoulli(0.5, {4}, boolean, generator).dtype() == boolean);
  CHECK(numbers(bernoulli(Tensor({0, 1, 0, 1}), generator)) == std::vector<double>{0, 1, 0, 1});
  const Tensor p = full({100000}, 0.9, float64).requires_grad(true);
  const Tensor drawn = bernoulli(p, generator);
  CHECK(drawn.dtype() == float64);
  CHECK_FALSE(drawn.requires_grad());
  CHECK(std::abs(Spread(numbers(drawn)).mean - 0.9) < 5e-3);
  CHECK(bernoulli(zeros({0}), generator).numel() == 0);
}

TEST_CASE("random: what cannot be drawn") {
  CHECK_BLAMES(ValueError, "uniform: nothing lies between 1 and 1", uniform(1, 1, {2}));
  CHECK_BLAMES(ValueError, "uniform: nothing lies between 0 and inf", uniform(0, INFINITY, {2}));
  CHECK_BLAMES(DTypeError, "uniform: floating numbers wanted, not int64",
               uniform(0, 1, {2}, int64));
  CHECK_BLAMES(ValueError, "normal: the standard deviation is -1", normal(0, -1, {2}));
  CHECK_BLAMES(DTypeError, "normal: floating numbers wanted, not boolean",
               normal(0, 1, {2}, boolean));
  CHECK_BLAMES(ValueError, "randint: nothing lies from 3 to 3 - 1", randint(3, 3, {2}));
  CHECK_BLAMES(ValueError, "bernoulli: 1.5 is not a probability", bernoulli(1.5, {2}));
  CHECK_BLAMES(ValueError, "bernoulli: nan is not a probability", bernoulli(Tensor({0, NAN})));
  CHECK_BLAMES(DTypeError, "bernoulli: floating numbers wanted, not int64",
               bernoulli(ones({2}, int64)));
}
