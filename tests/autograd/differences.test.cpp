// Where differences are hard: kinks, jumps, poles, strong curvature, cancellation. Right gradients
// must pass there and wrong ones fail.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "rules.hpp"

using namespace rules;

TEST_CASE("gradcheck: kinks pass and are reported") {
  const GradcheckReport report = gradcheck(relu, {doubles({0, 1, -1, 0})});
  CHECK(report.ok());
  REQUIRE(report.kinks.size() == 2);
  CHECK(report.kinks[0].kind == Kind::kink);
  CHECK(report.kinks[0].index == std::vector<std::int64_t>{0});
  CHECK(report.kinks[1].index == std::vector<std::int64_t>{3});
  CHECK(contains(report.str(), "2 not smooth: input 0 at [0]: gradient 0, a kink with slopes"));
  const auto kinks = [](const auto& f, const std::vector<Tensor>& in) {
    const GradcheckReport found = gradcheck(f, in);
    CHECK_MESSAGE(found.ok(), found.str());
    return found.kinks.size();
  };
  CHECK(kinks(formulas::abs, {doubles({0, 2})}) == 1);
  CHECK(kinks(hardtanh, {doubles({-1, 0, 1})}) == 2);
  CHECK(kinks(leaky_relu, {doubles({0})}) == 1);
  CHECK(kinks(hardswish, {doubles({-3, 3, 1})}) == 2);
  CHECK(kinks(shifted_rectifier, {doubles({0.5, 2}), Tensor(0.5, float64), Tensor(0.2, float64)}) ==
        2);
  CHECK(kinks(formulas::maximum, {doubles({1, 2}), doubles({1, 3})}) == 2);
  CHECK(kinks([](const Tensor& t) { return amax(t, 1); }, {doubles({{1, 1, 0}, {0, 1, 2}})}) == 2);
  CHECK(kinks([](const Tensor& t) { return relu(t) + 1000; }, {doubles({0, 0})}) == 2);
  CHECK(kinks(
            [](const Tensor& t) {
              return sum(relu(t) * doubles({1, -3}));
            },
            {doubles({0, 0})}) == 2);
  CHECK_FALSE(gradcheck(relu, {doubles({0, 1})}, {.allow_kinks = false}).ok());
  CHECK(gradcheck(relu, {doubles({0.5, 1})}, {.allow_kinks = false}).ok());
}

TEST_CASE("gradcheck: outputs that lean on different sides of their kinks") {
  const auto f = [](const Tensor& t) { return std::vector<Tensor>{relu(t), -relu(t), relu(-t)}; };
  const GradcheckReport report = gradcheck(f, {doubles({0, 0, 0, 0, 0})});
  CHECK_MESSAGE(report.ok(), report.str());
  CHECK(report.kinks.size() == 5);
}

TEST_CASE("gradcheck: a wrong value at a kink fails") {
  for (double slope : {1.001, -0.001, 2.0, -1.0}) {
    CAPTURE(slope);
    const auto f = [slope](const Tensor& t) {
      return with_slope(
          "bent", t, [](const Tensor& v) { return relu(v); },
          [slope](const Tensor& v) { return where(v == 0, slope, where(v > 0, 1, 0)); });
    };
    const GradcheckReport report = gradcheck(f, {doubles({1, 0})});
    CHECK(report.first.failed == 1);
    CHECK(report.worst.index == std::vector<std::int64_t>{1});
    CHECK(report.worst.kind == Kind::kink);
    CHECK(report.worst.low * report.worst.high == doctest::Approx(0));
  }
}

TEST_CASE("gradcheck: beside a kink the slope of that side is wanted") {
  for (double d : {1e-1, 1e-3, 1e-5, 1e-7, 1e-9, -1e-2, -1e-4, -1e-6, -1e-7, -1e-8}) {
    CAPTURE(d);
    const GradcheckReport report = gradcheck(relu, {doubles({d})}, {.second_order = true});
    CHECK_MESSAGE(report.ok(), report.str());
    CHECK(report.kinks.empty());
    const GradcheckReport shifted = gradcheck(
        [](const Tensor& x) { return shifted_rectifier(x, 0.7, -0.3); }, {doubles({0.7 + d})});
    CHECK_MESSAGE(shifted.ok(), shifted.str());
    // a branch that is taken too early
    const auto early = [d](const Tensor& t) {
      return with_slope(
          "early", t, [](const Tensor& v) { return relu(v); },
          [d](const Tensor& v) { return where(v > 2 * d, 1, 0) + (d < 0); });
    };
    CHECK_FALSE(gradcheck(early, {doubles({d})}).ok());
  }
}

TEST_CASE("gradcheck: jumps are reported, and judged by the slopes on either side") {
  const auto step = [](const Tensor& x) { return threshold(x, 0, -2); };
  const GradcheckReport report = gradcheck(step, {doubles({0, 1, -1})});
  CHECK_MESSAGE(report.ok(), report.str());
  REQUIRE(report.kinks.size() == 1);
  CHECK(report.kinks[0].kind == Kind::jump);
  CHECK(gradcheck(formulas::sign, {doubles({0, 1})}).kinks.size() == 1);
  const auto wrong = [](const Tensor& t) {
    return with_slope(
        "steep", t, [](const Tensor& v) { return sign(v); },
        [](const Tensor& v) { return where(v == 0, 5, 0); });
  };
  CHECK_FALSE(gradcheck(wrong, {doubles({0})}).ok());
}

TEST_CASE("gradcheck: infinite slopes and values count as right only if both sides agree") {
  const double infinity = std::numeric_limits<double>::infinity();
  const GradcheckReport root =
      gradcheck([](const Tensor& x) { return sqrt(x); }, {doubles({0, 1})});
  CHECK_MESSAGE(root.ok(), root.str());
  REQUIRE(root.kinks.size() == 1);
  CHECK(std::isinf(root.kinks[0].analytic));
  CHECK(gradcheck([](const Tensor& x) { return log(x); }, {doubles({0, 1})}).ok());
  CHECK(gradcheck([](const Tensor& x) { return sqrt(x); }, {doubles({-1, 1})}).ok());
  CHECK_FALSE(gradcheck([](const Tensor& x) { return log(x); }, {doubles({-1, 1})}).ok());
  const auto rule = [](double slope) {
    return [slope](const Tensor& t) {
      return with_slope(
          "root", t, [](const Tensor& v) { return sqrt(v); },
          [slope](const Tensor& v) { return where(v > 0, 0.5 / sqrt(v), slope); });
    };
  };
  CHECK(gradcheck(rule(infinity), {doubles({0, 1})}).ok());
  CHECK_FALSE(gradcheck(rule(-infinity), {doubles({0, 1})}).ok());
  CHECK_FALSE(gradcheck(rule(3), {doubles({0, 1})}).ok());
  const GradcheckReport hidden = gradcheck(rule(0), {doubles({-1, 1})});
  CHECK(contains(hidden.str(), "not finite: output element 0 is "));
  const auto nan = [](const Tensor& t) {
    return distorted(t, doubles({1, std::numeric_limits<double>::quiet_NaN()}));
  };
  CHECK(
      contains(gradcheck(nan, {doubles({1, 2})}).str(), "gradient is not finite: input 0 at [1]"));
  // |x| by a root has a kink at 0 where its rule gives 0 / 0
  CHECK_FALSE(gradcheck([](const Tensor& x) { return sqrt(x * x); }, {doubles({0})}).ok());
}

TEST_CASE("gradcheck: strongly curved functions") {
  const auto passes = [](const auto& f, const Tensor& x) {
    const GradcheckReport report = gradcheck(f, {x}, {.second_order = true});
    CHECK_MESSAGE(report.ok(), report.str());
    CHECK_MESSAGE(report.kinks.empty(), report.str());
    CHECK_MESSAGE(report.first.relative_error < 1e-6, report.str());
  };
  passes(formulas::exp, doubles({10, -10, 0, 30}));
  passes([](const Tensor& x) { return 1 / x; }, doubles({0.01, -0.013, 1e-4}));
  passes([](const Tensor& x) { return sin(1e5 * x); }, doubles({1, 2, 0.3}));
  passes([](const Tensor& x) { return log(x); }, doubles({1e-8, 1e8}));
  passes([](const Tensor& x) { return sqrt(x); }, doubles({1e-9, 1e9}));
  passes([](const Tensor& x) { return exp(-1e10 * x * x); }, doubles({1e-6, 5e-6}));
  // a bump between the first samples, odd so that both halves cancel
  passes([](const Tensor& x) { return x * exp(-1e10 * x * x); }, doubles({0.0}));
  passes([](const Tensor& x) { return (x + 1e6) - 1e6; }, doubles({1, 2}));
  const auto cancels = [](const Tensor& x) { return (x + 1e7) * (x - 1e7); };
  const GradcheckReport noisy = gradcheck(cancels, {doubles({3, 0.1})}, {.second_order = true});
  CHECK_MESSAGE(noisy.ok(), noisy.str());
}

TEST_CASE("gradcheck: gradients that vanish by cancellation are no errors") {
  const auto centred = [](const Tensor& x, const Tensor& shift) {
    const Tensor y = x + shift;
    const Tensor d = y - mean(y);
    return d / sqrt(mean(d * d) + 1e-5);
  };
  const GradcheckReport report =
      gradcheck(centred, {randn({6}, float64), randn({}, float64)}, {.second_order = true});
  CHECK_MESSAGE(report.ok(), report.str());
  CHECK(gradcheck([](const Tensor& x) { return square(sin(x)) + square(cos(x)); }, {randn({9})})
            .ok());
  CHECK(gradcheck([](const Tensor& x) { return x / x; }, {randn({9})}).ok());
}

TEST_CASE("gradcheck: what differences cannot tell is not called right") {
  const auto rough = [](const Tensor& x) { return cast(cast(x + 1e4, float32), float64); };
  const GradcheckReport report = gradcheck(rough, {doubles({1.1, 2.3})});
  CAPTURE(report.str());
  CHECK_FALSE(report.ok());
}

TEST_CASE("gradcheck: gradients that drown in the value's rounding are counted") {
  const auto drowned = [](const Tensor& x) { return 1e6 + 1e-8 * x; };
  const GradcheckReport report = gradcheck(drowned, {doubles({1, 2})});
  CHECK(report.ok());
  CHECK(report.first.coarse == 2);
  CHECK(contains(report.str(), "2 of them too small to be sure of the third digit"));
  CHECK(gradcheck(mish, {randn({50})}).first.coarse == 0);
}

TEST_CASE("gradcheck: a function that takes gradients itself") {
  const auto penalty = [](const Tensor& x) {
    const Tensor y = sum(x * x * x);
    return square(grad(y, {x}, {.create_graph = true})[0]);
  };
  const GradcheckReport report = gradcheck(penalty, {randn({4})}, {.second_order = true});
  CHECK_MESSAGE(report.ok(), report.str());
  const auto far_kink = [](const Tensor& x) { return relu(x - 1000) * 3 + x; };
  const Tensor near = doubles({1000, 1000.0000001, 999.9999999, 1000.001});
  const GradcheckReport far = gradcheck(far_kink, {near}, {.second_order = true});
  CHECK_MESSAGE(far.ok(), far.str());
  const auto soft = [](const Tensor& x) { return pow(abs(x), 1.5); };
  CHECK(gradcheck(soft, {doubles({0, 1e-5, -2})}).ok());
}
