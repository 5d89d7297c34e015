#include <algorithm>
#include <cmath>
#include <cstring>
#include <xtape/nn/digits.hpp>

using namespace xtape;

namespace {

constexpr std::int64_t pixels = 784;

bool equal(const nn::Dataset& a, const nn::Dataset& b, std::int64_t rows) {
  return std::equal(a.x.data<float>(), a.x.data<float>() + rows * pixels, b.x.data<float>()) &&
         std::equal(a.y.data<std::int64_t>(), a.y.data<std::int64_t>() + rows,
                    b.y.data<std::int64_t>());
}

// Fowler, Noll and Vo's 64-bit hash of all grey levels and labels.
std::uint64_t fingerprint(const nn::Dataset& set) {
  std::uint64_t hash = 14695981039346656037u;
  const auto add = [&](std::uint64_t byte) { hash = (hash ^ byte) * 1099511628211u; };
  for (std::int64_t i = 0; i < set.x.numel(); ++i)
    add(static_cast<std::uint64_t>(set.x.data<float>()[i] * 255 + 0.5f));
  for (std::int64_t i = 0; i < set.y.numel(); ++i)
    add(static_cast<std::uint64_t>(set.y.data<std::int64_t>()[i]));
  return hash;
}

// The share of test images whose nearest class mean is their own.
double nearest_mean_accuracy(const nn::TrainTest& set) {
  std::vector<std::vector<double>> mean(10, std::vector<double>(pixels));
  std::vector<double> count(10);
  for (std::int64_t i = 0; i < set.train.size(); ++i) {
    const std::int64_t label = set.train.y.data<std::int64_t>()[i];
    count[label] += 1;
    for (std::int64_t p = 0; p < pixels; ++p)
      mean[label][p] += set.train.x.data<float>()[i * pixels + p];
  }
  int right = 0;
  for (std::int64_t i = 0; i < set.test.size(); ++i) {
    std::vector<double> distance(10);
    for (int c = 0; c < 10; ++c)
      for (std::int64_t p = 0; p < pixels; ++p)
        distance[c] +=
            std::pow(set.test.x.data<float>()[i * pixels + p] - mean[c][p] / count[c], 2);
    const auto nearest = std::ranges::min_element(distance) - distance.begin();
    right += nearest == set.test.y.data<std::int64_t>()[i];
  }
  return right / static_cast<double>(set.test.size());
}

}  // namespace

TEST_CASE("digits: shapes, element types, grey levels") {
  const nn::TrainTest set = nn::digits(300, 100, 1);
  CHECK(set.classes == 10);
  CHECK(set.train.x.shape() == Shape{300, pixels});
  CHECK(set.test.x.shape() == Shape{100, pixels});
  CHECK(set.train.x.dtype() == float32);
  CHECK(set.train.y.dtype() == int64);
  CHECK(set.train.size() == 300);
  CHECK(set.test.size() == 100);
  for (const float value : set.train.x.values<float>()) {
    CHECK(value >= 0);
    CHECK(value <= 1);
    CHECK(value * 255 == doctest::Approx(std::round(value * 255)));
  }
}

TEST_CASE("digits: the same bits on every machine, with any number of threads") {
  const int before = num_threads();
  set_num_threads(1);
  const nn::TrainTest one = nn::digits(1000, 200, 7);
  set_num_threads(2);
  const nn::TrainTest two = nn::digits(1000, 200, 7);
  set_num_threads(before);
  CHECK(equal(one.train, two.train, 1000));
  CHECK(equal(one.test, two.test, 200));
  CHECK(fingerprint(one.train) == 14999544754492488741u);
  CHECK(fingerprint(one.test) == 15211541999579534384u);
}

TEST_CASE("digits: a larger set begins with the smaller one; seeds and parts differ") {
  const nn::TrainTest small = nn::digits(100, 100, 7), large = nn::digits(500, 150, 7);
  CHECK(equal(small.train, large.train, 100));
  CHECK(equal(small.test, large.test, 100));
  const nn::TrainTest other = nn::digits(100, 100, 8);
  int shared = 0;
  const auto count_shared = [&](const nn::Dataset& a, const nn::Dataset& b) {
    for (std::int64_t i = 0; i < a.size(); ++i)
      for (std::int64_t j = 0; j < b.size(); ++j)
        shared += std::memcmp(a.x.data<float>() + i * pixels, b.x.data<float>() + j * pixels,
                              pixels * sizeof(float)) == 0;
  };
  count_shared(small.train, small.test);
  count_shared(small.train, other.train);
  count_shared(small.test, other.test);
  CHECK(shared == 0);
  count_shared(small.train, small.train);
  CHECK(shared == 100);  // no image twice
}

TEST_CASE("digits: every class is there as often, with ink inside the frame") {
  const nn::TrainTest set = nn::digits(5000, 1000, 2);
  int counts[10] = {};
  for (const std::int64_t label : set.train.y.values<std::int64_t>()) ++counts[label];
  for (const int count : counts) CHECK(std::abs(count - 500) < 100);  // 4.7 deviations
  const float* x = set.train.x.data<float>();
  double frame = 0, all = 0;
  for (std::int64_t i = 0; i < 5000; ++i) {
    double ink = 0;
    for (std::int64_t p = 0; p < pixels; ++p) {
      const std::int64_t row = p / 28, column = p % 28;
      ink += x[i * pixels + p];
      if (row == 0 || row == 27 || column == 0 || column == 27) frame += x[i * pixels + p];
    }
    CHECK(ink > 20);
    CHECK(ink < 350);
    all += ink;
  }
  CHECK(all / 5000 / pixels > 0.08);
  CHECK(all / 5000 / pixels < 0.25);
  CHECK(frame / all < 0.04);  // strokes are rarely cut off; what is there is noise
}

TEST_CASE("digits: class means tell the digits apart, but not well") {
  const double accuracy = nearest_mean_accuracy(nn::digits(3000, 1000, 3));
  CHECK(accuracy > 0.65);
  CHECK(accuracy < 0.9);
}

TEST_CASE("digits: empty parts and negative sizes") {
  const nn::TrainTest set = nn::digits(0, 0);
  CHECK(set.train.x.shape() == Shape{0, pixels});
  CHECK(set.test.size() == 0);
  CHECK_THROWS_WITH_AS(nn::digits(-1, 5, 0, Location("user.cpp", 7)),
                       "digits: a size is negative: -1 to train, 5 to test (user.cpp:7)",
                       ValueError);
  CHECK_THROWS_AS(nn::digits(1, -5), ValueError);
}
