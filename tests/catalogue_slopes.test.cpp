// Tests generated from the records alone: slopes. Values are in catalogue.test.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <xtape/tests/subject.hpp>

namespace {

using namespace xtape;
using oracle::Real;
using subject::Numbers;
using subject::Subject;

constexpr DType floating[] = {float32, float64};

/// In the domain at random, and exactly at kinks.
std::vector<Numbers> sample_points(const Subject& of, std::size_t count, DType dtype) {
  std::mt19937 engine(23);
  std::vector<Numbers> points;
  while (points.size() < count) {
    points.push_back(of.random(engine, dtype));
    for (double kink : of.kinks_at(Numbers(points.back()))) {
      points.push_back(points.back());
      points.back()[0] = kink;
    }
  }
  return points;
}

/// Where got is off want by more than the share of it and of 1, or nothing.
std::string apart(const Numbers& got, const Numbers& want, double share) {
  std::ostringstream out;
  out.precision(17);
  for (std::size_t i = 0; i < want.size(); ++i)
    if (!(std::fabs(got[i] - want[i]) <= share * (1 + std::fabs(want[i])))) {
      out << got[i] << " instead of " << want[i] << " at " << i;
      break;
    }
  return out.str();
}

/// The gradients with one argument at a time, or with recorded operations.
std::vector<Tensor> one_at_a_time(const Subject& of, const std::vector<Tensor>& arguments,
                                  bool create_graph) {
  std::vector<Tensor> out;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    std::vector<Tensor> mine = arguments;
    mine[i] = arguments[i].copy();
    mine[i].requires_grad(true);
    const Tensor y = of.apply(mine);
    y.backward(ones_like(y), {.retain_graph = false, .create_graph = create_graph});
    const Tensor slope = mine[i].grad();
    out.push_back(slope.defined() ? slope.copy() : zeros_like(arguments[i]));
    mine[i].zero_grad();
  }
  return out;
}

/// x at a few numbers, parameters as set.
std::vector<Numbers> points_at(const Subject& of, const Numbers& setting, const Numbers& places) {
  std::vector<Numbers> out;
  for (double x : places) {
    out.push_back(Numbers(of.tensors(), x));
    out.back().insert(out.back().end(), setting.begin(), setting.end());
  }
  return out;
}

/// Where the slope or the value of the text jumps within an interval of x, if it does.
std::vector<double> find_jumps(const Subject& of, Numbers numbers, double low, double high) {
  std::vector<Real> at = Subject::reals(numbers);
  const auto value = [&](Real x) {
    at[0] = x;
    return of.text(at);
  };
  const auto jump = [&](Real a, Real b) {
    const Real h = (b - a) / 1024;
    const Real left = (value(a) - value(a - h)) / h, right = (value(b + h) - value(b)) / h;
    return std::fabs(right - left) + std::fabs(value(b) - value(a));
  };
  std::vector<double> out;
  constexpr int cells = 400;
  for (int cell = 0; cell < cells; ++cell) {
    Real a = low + (high - low) * (cell + 0.37L) / cells, b = a + (high - low) / cells;
    for (int halving = 0; halving < 18; ++halving) {
      const Real middle = a + (b - a) * 0.4997L;
      (jump(a, middle) > jump(middle, b) ? b : a) = middle;
    }
    if (jump(a, b) > 1e-3L) out.push_back(static_cast<double>(a));
  }
  return out;
}

Entry entry_of(const char* formula, const char* kinks) {
  Entry entry{Entry::Kind::activation,
              {.name = "tried", .formula = formula, .kinks = kinks},
              {},
              1,
              nullptr,
              {}};
  return entry;
}

}  // namespace

TEST_CASE("catalogue: slopes are those of the text, at kinks of the branch it takes") {
  for (const Subject& of : subject::all())
    for (DType dtype : floating) {
      if (of.entry.formula->readings->boolean_result || !of.entry.record.differences) continue;
      INFO(of.name(dtype));
      const std::vector<Numbers> points = sample_points(of, 500, dtype);
      const std::vector<Tensor> got =
          subject::gradients(of, subject::columns(points, of.arity(), dtype));
      for (std::size_t argument = 0; argument < of.arity(); ++argument) {
        INFO("by " << of.names[argument]);
        Numbers want;
        for (const Numbers& point : points)
          want.push_back(static_cast<double>(of.slope(point, argument)));
        CHECK_EQ(apart(subject::elements(got[argument]), want, dtype == float32 ? 4e-6 : 2e-11),
                 "");
      }
    }
}

TEST_CASE("catalogue: slopes one by one and by recorded operations are the same") {
  for (const Subject& of : subject::all())
    for (DType dtype : floating) {
      if (!of.entry.record.differences) continue;
      INFO(of.name(dtype));
      const std::vector<Tensor> arguments =
          subject::columns(sample_points(of, 100, dtype), of.arity(), dtype);
      const std::vector<Tensor> together = subject::gradients(of, arguments);
      for (bool recorded : {false, true}) {
        const std::vector<Tensor> apart_from = one_at_a_time(of, arguments, recorded);
        for (std::size_t i = 0; i < arguments.size(); ++i)
          CHECK_EQ(apart(subject::elements(apart_from[i]), subject::elements(together[i]),
                         dtype == float32 ? 2e-6 : 1e-13),
                   "");
      }
    }
}

TEST_CASE("catalogue: gradients of broadcast arguments are summed over what they were spread to") {
  const Shape shapes[] = {{5, 7, 33}, {33}, {7, 1}, {}, {5, 1, 33}, {1, 1}};
  for (const Subject& of : subject::all())
    for (std::size_t turn = 0; turn < std::size(shapes); ++turn) {
      INFO(of.name() << " turn " << turn);
      std::mt19937 engine(static_cast<unsigned>(turn));
      std::vector<Tensor> arguments, full;
      for (std::size_t i = 0; i < of.arity(); ++i) {
        const Shape& shape = shapes[(turn + i) % std::size(shapes)];
        Numbers numbers;
        for (std::int64_t e = 0; e < shape.numel(); ++e)
          numbers.push_back(of.random(engine, float64)[i]);
        arguments.push_back(subject::tensor(numbers, shape, float64));
      }
      const Shape space = of.apply(arguments).shape();
      for (const Tensor& argument : arguments) full.push_back(broadcast_to(argument, space));
      const Tensor seed = randn(space, float64);
      const std::vector<Tensor> got = subject::gradients(of, arguments, seed);
      const std::vector<Tensor> want = subject::gradients(of, full, seed);
      for (std::size_t i = 0; i < of.arity(); ++i) {
        REQUIRE(got[i].shape() == arguments[i].shape());
        CHECK_EQ(apart(subject::elements(got[i]),
                       subject::elements(sum_to(want[i], arguments[i].shape())), 1e-11),
                 "");
      }
    }
}

TEST_CASE("catalogue: at a declared kink the slope lies between those beside it") {
  for (const Subject& of : subject::all())
    for (const Numbers& setting : of.settings()) {
      Numbers numbers(of.tensors(), 0.625);
      numbers.insert(numbers.end(), setting.begin(), setting.end());
      for (double kink : of.kinks_at(numbers)) {
        numbers[0] = kink;
        INFO(of.describe(numbers));
        const std::vector<Tensor> arguments = subject::columns({numbers}, of.arity(), float64);
        const double got = subject::elements(subject::gradients(of, arguments)[0])[0];
        std::vector<Real> at = Subject::reals(numbers);
        Real beside[2];
        for (int side : {0, 1}) {
          const Real h = side ? 1e-7L : -1e-7L;
          at[0] = kink + 2 * h;
          const Real far = of.text(at);
          at[0] = kink + h;
          beside[side] = (far - of.text(at)) / h;
        }
        CHECK(got >= static_cast<double>(std::min(beside[0], beside[1])) - 1e-6);
        CHECK(got <= static_cast<double>(std::max(beside[0], beside[1])) + 1e-6);
      }
    }
}

TEST_CASE("catalogue: there are no kinks but the declared ones") {
  for (const Subject& of : subject::all())
    for (const Numbers& setting : of.settings()) {
      Numbers numbers(of.tensors(), 0.625);
      numbers.insert(numbers.end(), setting.begin(), setting.end());
      for (double jump : find_jumps(of, numbers, of.entry.record.low, of.entry.record.high)) {
        numbers[0] = jump;
        INFO(of.describe(numbers));
        CHECK(of.near_kink(numbers, 1e-4));
      }
    }
}

TEST_CASE("catalogue: the search for kinks finds them and nothing else") {
  const auto jumps = [](const char* formula) {
    return find_jumps(Subject(entry_of(formula, "")), {0}, -3, 3);
  };
  CHECK(jumps("exp(x) + sin(5 * x) + x * x * x").empty());
  CHECK(jumps("x > 0 ? x * x : 0").empty());
  const std::vector<double> corner = jumps("x > 0.7 ? 1.1 * x : x + 0.07");
  REQUIRE(corner.size() == 1);
  CHECK(std::fabs(corner[0] - 0.7) < 1e-6);
  CHECK(jumps("x > 1 ? 2.01 : 2").size() == 1);
  CHECK(jumps("abs(x) + abs(x - 1) + abs(x + 2.5)").size() == 3);
}

TEST_CASE("catalogue: slopes of activations are finite at zero and far out") {
  for (const Subject& of : subject::all()) {
    if (!of.activation()) continue;
    for (DType dtype : floating)
      for (const Numbers& setting : of.settings()) {
        const std::vector<Numbers> points =
            points_at(of, setting, {0.0, -0.0, 1e3, -1e3, 1e4, -1e4, 1e-30, -1e-30});
        const std::vector<Tensor> arguments = subject::columns(points, of.arity(), dtype);
        const std::vector<Tensor> fused = subject::gradients(of, arguments);
        const std::vector<Tensor> recorded = one_at_a_time(of, arguments, true);
        for (std::size_t i = 0; i < of.arity(); ++i)
          for (std::size_t p = 0; p < points.size(); ++p) {
            INFO(of.name(dtype) << ": " << of.describe(points[p]) << " by " << of.names[i]);
            CHECK(std::isfinite(subject::elements(fused[i])[p]));
            CHECK(std::isfinite(subject::elements(recorded[i])[p]));
          }
      }
  }
}

TEST_CASE("catalogue: a zero gradient stays zero, whatever the slope is") {
  const double far = std::numeric_limits<double>::infinity();
  const Numbers places = {0.0, -0.0, -1.0, 1e300, -1e300, far, -far, std::nan("")};
  for (const Subject& of : subject::all())
    for (const Numbers& setting : of.settings()) {
      const std::vector<Tensor> arguments =
          subject::columns(points_at(of, setting, places), of.arity(), float64);
      const Tensor none = zeros({static_cast<std::int64_t>(places.size())}, float64);
      const std::vector<Tensor> got = subject::gradients(of, arguments, none);
      for (std::size_t i = 0; i < of.arity(); ++i) {
        INFO(of.name() << " by " << of.names[i]);
        for (double slope : subject::elements(got[i])) CHECK(slope == 0);
      }
    }
}
