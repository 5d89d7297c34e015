#include <limits>

#include "../blames.hpp"

using namespace xtape;
using check::equal;
using check::numbers;

namespace init = nn::init;

namespace {

struct Statistics {
  double mean = 0, deviation = 0, low = INFINITY, high = -INFINITY, kurtosis = 0;
};

Statistics statistics(const Tensor& tensor) {
  const std::vector<double> values = numbers(tensor);
  const auto n = static_cast<double>(values.size());
  Statistics s;
  for (double v : values) {
    s.mean += v / n;
    s.low = std::min(s.low, v);
    s.high = std::max(s.high, v);
  }
  double second = 0, fourth = 0;
  for (double v : values) {
    const double square = (v - s.mean) * (v - s.mean);
    second += square / n;
    fourth += square * square / n;
  }
  s.deviation = std::sqrt(second);
  s.kurtosis = fourth / (second * second);
  return s;
}

// Mean and deviation within six standard errors; the fourth moment tells the distributions apart.
void check_uniform(const Tensor& tensor, double low, double high) {
  const Statistics s = statistics(tensor);
  const auto n = static_cast<double>(tensor.numel());
  const double deviation = (high - low) / std::sqrt(12.0);
  CHECK(std::abs(s.mean - (low + high) / 2) < 6 * deviation / std::sqrt(n));
  CHECK(std::abs(s.deviation - deviation) < 6 * deviation * std::sqrt(0.8 / (4 * n)));
  CHECK(s.low >= low - 1e-7 * std::abs(low));
  CHECK(s.high <= high + 1e-7 * std::abs(high));
  CHECK(s.low < low + 0.01 * (high - low));
  CHECK(s.high > high - 0.01 * (high - low));
  CHECK(s.kurtosis == doctest::Approx(1.8).epsilon(0.03));
}

void check_normal(const Tensor& tensor, double mean, double deviation) {
  const Statistics s = statistics(tensor);
  const auto n = static_cast<double>(tensor.numel());
  CHECK(std::abs(s.mean - mean) < 6 * deviation / std::sqrt(n));
  CHECK(std::abs(s.deviation - deviation) < 6 * deviation / std::sqrt(2 * n));
  CHECK(s.high > mean + 3 * deviation);
  CHECK(s.kurtosis == doctest::Approx(3).epsilon(0.06));
}

}  // namespace

TEST_CASE("init: fans") {
  const auto pair = [](const Shape& shape) {
    const init::Fans f = init::fans(Tensor::empty(shape, float32));
    return std::pair(f.in, f.out);
  };
  CHECK(pair({10, 784}) == std::pair<std::int64_t, std::int64_t>(784, 10));
  CHECK(pair({8, 3, 5}) == std::pair<std::int64_t, std::int64_t>(15, 40));
  CHECK(pair({8, 3, 5, 2}) == std::pair<std::int64_t, std::int64_t>(30, 80));
  CHECK(pair({0, 4}) == std::pair<std::int64_t, std::int64_t>(4, 0));
}

TEST_CASE("init: gains") {
  CHECK(init::gain("linear") == 1);
  CHECK(init::gain("sigmoid") == 1);
  CHECK(init::gain("tanh") == 5.0 / 3);
  CHECK(init::gain("relu") == std::sqrt(2.0));
  CHECK(init::gain("leaky_relu") == std::sqrt(2 / 1.0001));
  CHECK(init::gain("leaky_relu", 0.5) == std::sqrt(1.6));
  CHECK(init::gain("selu") == 0.75);
}

TEST_CASE("init: constant overwrites whatever was there") {
  for (const DType dtype : {float32, float64}) {
    const Tensor tensor({NAN, -INFINITY, INFINITY, 1e30}, dtype);
    CHECK(init::constant(tensor, -2.5).same_as(tensor));
    CHECK(equal(tensor, full({4}, -2.5, dtype)));
    init::constant(tensor, 0.1);
    CHECK(equal(tensor, full({4}, 0.1, dtype)));
  }
  CHECK_NOTHROW(init::constant(Tensor::empty({0}, float32), 1));
}

TEST_CASE("init: every one works in place on a parameter") {
  const Tensor parameter = Tensor::empty({300, 400}, float32).requires_grad(true);
  const auto whole = [&](const Tensor& returned) {
    CHECK(returned.same_as(parameter));
    CHECK(returned.is_leaf());
    for (double v : numbers(returned)) REQUIRE(std::isfinite(v));
  };
  init::constant(parameter, NAN);
  whole(init::uniform(parameter, -1, 1));
  init::constant(parameter, NAN);
  whole(init::normal(parameter, 0, 1));
  init::constant(parameter, NAN);
  whole(init::xavier_uniform(parameter));
  init::constant(parameter, NAN);
  whole(init::xavier_normal(parameter));
  init::constant(parameter, NAN);
  whole(init::kaiming_uniform(parameter));
  init::constant(parameter, NAN);
  whole(init::kaiming_normal(parameter));
}

TEST_CASE("init: a change is seen by gradients that need the old values") {
  const Tensor w = ones({2}).requires_grad(true), y = sum(w * w);
  init::constant(w, 3);
  CHECK_THROWS_AS(y.backward(), StaleValueError);
}

TEST_CASE("init: distributions") {
  manual_seed(11);
  for (const DType dtype : {float32, float64}) {
    const Tensor w = Tensor::empty({250, 80, 5}, dtype);  // fans 400 and 1250
    check_uniform(init::uniform(w, -0.25, 1.75), -0.25, 1.75);
    check_uniform(init::uniform(w, 100, 101), 100, 101);
    check_normal(init::normal(w, -3, 0.5), -3, 0.5);
    const double xavier = std::sqrt(2.0 / 1650);
    check_uniform(init::xavier_uniform(w), -std::sqrt(3.0) * xavier, std::sqrt(3.0) * xavier);
    check_uniform(init::xavier_uniform(w, 2.5), -std::sqrt(3.0) * 2.5 * xavier,
                  std::sqrt(3.0) * 2.5 * xavier);
    check_normal(init::xavier_normal(w, 0.5), 0, 0.5 * xavier);
    const double kaiming = std::sqrt(2.0 / 400);
    check_uniform(init::kaiming_uniform(w), -std::sqrt(3.0) * kaiming, std::sqrt(3.0) * kaiming);
    check_normal(init::kaiming_normal(w), 0, kaiming);
    check_normal(init::kaiming_normal(w, {.mode = init::Mode::fan_out}), 0, std::sqrt(2.0 / 1250));
    check_normal(init::kaiming_normal(w, {.a = 2.0}), 0, std::sqrt(0.4 / 400));
    check_uniform(init::kaiming_uniform(w, {.nonlinearity = "linear"}), -std::sqrt(3.0 / 400),
                  std::sqrt(3.0 / 400));
  }
}

TEST_CASE("init: the numbers follow from the generator") {
  Generator a(5), b(5), other(6);
  const Tensor x = Tensor::empty({20, 30}, float32), y = x.copy(), z = x.copy();
  init::kaiming_normal(x, {}, a);
  init::kaiming_normal(y, {}, b);
  init::kaiming_normal(z, {}, other);
  CHECK(equal(x, y));
  CHECK_FALSE(equal(x, z));
  init::kaiming_normal(y, {}, b);
  CHECK_FALSE(equal(x, y));
  const int threads = num_threads();
  const Tensor large = Tensor::empty({400, 400}, float32), again = large.copy();
  a.manual_seed(1);
  b.manual_seed(1);
  set_num_threads(1);
  init::normal(large, 0, 1, a);
  set_num_threads(2);
  init::normal(again, 0, 1, b);
  set_num_threads(threads);
  CHECK(equal(large, again));
}

TEST_CASE("init: bounds and deviations of nothing") {
  const Tensor w = Tensor::empty({50}, float64);
  CHECK(equal(init::uniform(w, 2, 2), full({50}, 2, float64)));
  CHECK(equal(init::normal(w, 2, 0), full({50}, 2, float64)));
  CHECK_NOTHROW(init::kaiming_normal(Tensor::empty({5, 0}, float32)));
  CHECK_NOTHROW(init::xavier_uniform(Tensor::empty({0, 0}, float32)));
}

TEST_CASE("init: errors") {
  const Tensor w = ones({3, 4}), flat = ones({3}), whole = ones({3, 4}, int64);
  CHECK_BLAMES(ShapeError, "init: fans need a weight [out, in, ...], its shape is [3]",
               init::fans(flat));
  CHECK_BLAMES(ShapeError, "init: fans need", init::xavier_uniform(flat));
  CHECK_BLAMES(ShapeError, "init: fans need", init::xavier_normal(flat));
  CHECK_BLAMES(ShapeError, "init: fans need", init::kaiming_uniform(flat));
  CHECK_BLAMES(ShapeError, "init: fans need", init::kaiming_normal(Tensor(1.0)));
  CHECK_BLAMES(ValueError, "gain: no such nonlinearity: 'rleu'; linear, sigmoid",
               init::gain("rleu"));
  CHECK_BLAMES(ValueError, "gain: no such nonlinearity: 'x'",
               init::kaiming_normal(w, {.nonlinearity = "x"}));
  CHECK_BLAMES(ValueError, "gain: no such nonlinearity: ''",
               init::kaiming_uniform(w, {.nonlinearity = ""}));
  CHECK_BLAMES(DTypeError, "values: the tensor is int64", init::constant(whole, 1));
  CHECK_BLAMES(DTypeError, "rand: floating numbers wanted, not int64", init::uniform(whole, 0, 1));
  CHECK_BLAMES(DTypeError, "randn: floating numbers wanted, not int64", init::normal(whole, 0, 1));
  CHECK_BLAMES(DTypeError, "rand: floating", init::kaiming_uniform(whole));
  CHECK_BLAMES(ValueError, "uniform: low 2 is above high 1", init::uniform(w, 2, 1));
  CHECK_BLAMES(ValueError, "uniform: low nan is above high 1", init::uniform(w, NAN, 1));
  CHECK_BLAMES(ValueError, "normal: the deviation is negative: -1", init::normal(w, 0, -1));
  CHECK_BLAMES(ValueError, "tensor: used before", init::constant(Tensor(), 1));
  CHECK_BLAMES(ValueError, "tensor: used before", init::uniform(Tensor(), 0, 1));
  CHECK_BLAMES(ValueError, "tensor: used before", init::normal(Tensor(), 0, 1));
  CHECK_BLAMES(ValueError, "tensor: used before", init::kaiming_normal(Tensor()));
  CHECK(equal(w, ones({3, 4})));
}
