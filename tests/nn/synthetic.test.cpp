#include <cmath>
#include <numbers>
#include <xtape/nn/synthetic.hpp>

using namespace xtape;

namespace {

constexpr double pi = std::numbers::pi;

using Maker = nn::Dataset (*)(std::int64_t, std::uint64_t, Location);
struct Named {
  const char* name;
  Maker make;
  std::int64_t classes;
};
const Named sets[] = {{"spiral", nn::spiral, 3},
                      {"circle", nn::circle, 2},
                      {"exclusive_or", nn::exclusive_or, 2},
                      {"moons", nn::moons, 2}};

struct Spot {
  double a, b;
  std::int64_t y;
};
std::vector<Spot> spots(const nn::Dataset& set) {
  std::vector<Spot> out;
  for (std::int64_t i = 0; i < set.size(); ++i)
    out.push_back({set.x.data<float>()[2 * i], set.x.data<float>()[2 * i + 1],
                   set.y.data<std::int64_t>()[i]});
  return out;
}

bool equal(const nn::Dataset& a, const nn::Dataset& b) {
  return std::equal(a.x.data<float>(), a.x.data<float>() + a.x.numel(), b.x.data<float>());
}

// Running mean and deviation.
struct Statistics {
  double n = 0, sum = 0, squares = 0;
  void add(double value) {
    n += 1;
    sum += value;
    squares += value * value;
  }
  double mean() const { return sum / n; }
  double deviation() const { return std::sqrt(squares / n - mean() * mean()); }
};

}  // namespace

TEST_CASE("synthetic: shapes, element types and classes in equal parts") {
  for (const Named& set : sets) {
    CAPTURE(set.name);
    const nn::Dataset data = set.make(3000, 0, {});
    CHECK(data.x.shape() == Shape{3000, 2});
    CHECK(data.x.dtype() == float32);
    CHECK(data.y.shape() == Shape{3000});
    CHECK(data.y.dtype() == int64);
    std::vector<int> counts(set.classes);
    for (const Spot& spot : spots(data)) ++counts.at(spot.y);
    for (const int count : counts) CHECK(count == 3000 / set.classes);
    CHECK(set.make(0, 0, {}).size() == 0);
    CHECK(set.make(7, 0, {}).size() == 7);
  }
}

TEST_CASE("synthetic: the seed decides, not the global generator or the threads") {
  const int before = num_threads();
  for (const Named& set : sets) {
    CAPTURE(set.name);
    set_num_threads(1);
    manual_seed(1);
    const std::uint64_t stream = Generator::global().stream();
    const nn::Dataset data = set.make(50000, 3, {});
    CHECK(Generator::global().stream() == stream);
    set_num_threads(2);
    manual_seed(2);
    CHECK(equal(data, set.make(50000, 3, {})));
    CHECK_FALSE(equal(data, set.make(50000, 4, {})));
    CHECK(equal(set.make(100, 3, {}), data));  // a larger set begins with the smaller one
  }
  set_num_threads(before);
}

TEST_CASE("synthetic: spiral follows its formula") {
  Statistics turn, radius;
  for (const Spot& s : spots(nn::spiral(30000, 1))) {
    const double r = std::hypot(s.a, s.b);
    CHECK(r < 1);
    radius.add(r);
    const double t = std::atan2(s.b, s.a) - 2 * pi * static_cast<double>(s.y) / 3 - 4 * r;
    turn.add(std::remainder(t, 2 * pi));
  }
  CHECK(std::abs(turn.mean()) < 0.005);
  CHECK(std::abs(turn.deviation() - 0.2) < 0.005);
  CHECK(std::abs(radius.mean() - 0.5) < 0.01);
}

TEST_CASE("synthetic: circle has a disc inside a ring") {
  Statistics disc, ring;
  for (const Spot& s : spots(nn::circle(20000, 2))) {
    const double r = std::hypot(s.a, s.b);
    if (s.y == 1) CHECK(r < 0.65);
    else CHECK(r > 0.55);
    (s.y == 1 ? disc : ring).add(r);
  }
  CHECK(std::abs(disc.mean() - 1.0 / 3) < 0.01);  // of a uniform disc of radius 1/2
  CHECK(std::abs(ring.mean() - 0.85) < 0.01);
}

TEST_CASE("synthetic: exclusive_or puts one class in opposite quadrants") {
  int quadrants[2][2] = {}, wrong = 0;
  for (const Spot& s : spots(nn::exclusive_or(20000, 3))) {
    ++quadrants[s.a < 0][s.b < 0];
    wrong += (s.a < 0) != (s.b < 0) ? s.y != 1 : s.y != 0;
    CHECK(std::max(std::abs(s.a), std::abs(s.b)) < 1.2);
  }
  for (const auto& row : quadrants)
    for (const int count : row) CHECK(std::abs(count - 5000) < 20);
  CHECK(wrong < 20);  // 0.1 is more than 3 deviations of the noise
}

TEST_CASE("synthetic: moons lie on their half circles") {
  Statistics off[2], height[2];
  for (const Spot& s : spots(nn::moons(20000, 4))) {
    const bool second = s.y == 1;
    off[s.y].add(std::hypot(s.a - (second ? 1 : 0), s.b - (second ? 0.5 : 0)) - 1);
    height[s.y].add(s.b);
  }
  for (const Statistics& s : off) {
    CHECK(std::abs(s.mean()) < 0.02);
    CHECK(std::abs(s.deviation() - 0.1) < 0.01);
  }
  CHECK(std::abs(height[0].mean() - 2 / pi) < 0.02);
  CHECK(std::abs(height[1].mean() - (0.5 - 2 / pi)) < 0.02);
}

TEST_CASE("synthetic: a negative size is refused by name and line") {
  for (const Named& set : sets) {
    CAPTURE(set.name);
    CHECK_THROWS_WITH_AS(set.make(-1, 0, Location("user.cpp", 7)),
                         (std::string(set.name) + ": n is negative: -1 (user.cpp:7)").c_str(),
                         ValueError);
  }
}
