#include <limits>

#include "../blames.hpp"

using namespace xtape;
using check::curvature_error;
using check::distance;
using check::numbers;
using check::slope_error;
using nn::Reduction;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();

double naive_norm(const std::vector<double>& d, double p) {
  double total = 0, most = 0;
  for (const double x : d) {
    total += p == 0 ? x != 0 : std::pow(std::abs(x), p);
    most = std::max(most, std::abs(x));
  }
  if (p == 0) return total;
  return std::isinf(p) ? most : std::pow(total, 1 / p);
}

}  // namespace

TEST_CASE("pairwise distance and normalize: all norms") {
  manual_seed(3);
  const Tensor a = randn({4, 3}, float64), b = randn({3}, float64);
  for (const double p : {0.0, 0.5, 1.0, 2.0, 3.0, inf}) {
    CAPTURE(p);
    const Tensor d = pairwise_distance(a, b, {.p = p, .eps = 0.25});
    CHECK(d.shape() == Shape{4});
    const Tensor unit = normalize(a, {.p = p, .dim = -1});
    for (std::int64_t row = 0; row < 4; ++row) {
      std::vector<double> difference, own;
      for (std::int64_t c = 0; c < 3; ++c) {
        own.push_back(numbers(a)[3 * row + c]);
        difference.push_back(own.back() - numbers(b)[c] + 0.25);
      }
      CHECK(numbers(d)[row] == doctest::Approx(naive_norm(difference, p)).epsilon(1e-13));
      for (std::int64_t c = 0; c < 3; ++c)
        CHECK(numbers(unit)[3 * row + c] ==
              doctest::Approx(own[c] / naive_norm(own, p)).epsilon(1e-13));
    }
    const check::Function f = [&](const auto& in) {
      return pairwise_distance(in[0], in[1], {.p = p, .eps = 0.25}) +
             sum(normalize(in[0], {.p = p, .dim = {0}}) * normalize(in[1], {.p = p, .dim = 0}), 1);
    };
    CHECK(slope_error(f, {a, b}) < 1e-7);
    if (p != 0.5) CHECK(curvature_error(f, {a, b}) < 1e-5);
  }
  CHECK(pairwise_distance(a, b, {.keepdim = true}).shape() == Shape{4, 1});
  CHECK(normalize(zeros({2, 3})).shape() == Shape{2, 3});
  CHECK(numbers(normalize(zeros({1, 2}))) == std::vector<double>{0, 0});
  CHECK_BLAMES(ValueError, "pairwise_distance: p is -1, at least 0 wanted",
               pairwise_distance(a, b, {.p = -1}));
  CHECK_THROWS_AS(normalize(a, {.p = 2, .dim = 2}), IndexError);
  CHECK_THROWS_AS(pairwise_distance(a, ones({4}, float64)), ShapeError);
}

TEST_CASE("distances of equal vectors have no slope") {
  for (const double p : {1.0, 2.0, 3.0, inf}) {
    const Tensor a = ones({2, 3}, float64).requires_grad(true);
    const Tensor d = pairwise_distance(a, ones({2, 3}, float64), {.p = p, .eps = 0});
    CHECK(numbers(d) == std::vector<double>{0, 0});
    sum(d).backward();
    CHECK(numbers(a.grad()) == std::vector<double>(6));
  }
}

TEST_CASE("cosine similarity: broadcasting, zero vectors") {
  const Tensor a = randn({3, 4, 2}, float64), b = randn({4, 2}, float64);
  const Tensor want = sum(a * b, -2) / (sqrt(sum(square(a), -2)) * sqrt(sum(square(b), -2)));
  CHECK(distance(cosine_similarity(a, b, {.dim = -2}), want) < 1e-14);
  CHECK(distance(cosine_similarity(a, b, {.dim = 1}), want) < 1e-14);
  const check::Function f = [](const auto& in) {
    return cosine_similarity(in[0], in[1], {.dim = 1});
  };
  CHECK(slope_error(f, {a, b}) < 1e-8);
  CHECK(curvature_error(f, {a, b}) < 1e-6);
  const Tensor none = zeros({1, 2}, float64).requires_grad(true);
  const Tensor c = cosine_similarity(none, Tensor({{3, 4}}, float64));
  CHECK(numbers(c) == std::vector<double>{0});
  c.backward();
  CHECK(numbers(none.grad())[0] == doctest::Approx(3 / 5.0 / 1e-8));
  CHECK_THROWS_AS(cosine_similarity(a, b, {.dim = 3}), IndexError);
  CHECK_THROWS_AS(cosine_similarity(a, ones({3, 2}, float64)), ShapeError);
}

TEST_CASE("cosine embedding and triplet losses") {
  const Tensor a = randn({5, 3}, float64), b = randn({5, 3}, float64), c = randn({5, 3}, float64);
  const Tensor y({1, -1, 1, -1, -1}, float64);
  const Tensor cos = cosine_similarity(a, b);
  const Tensor want = where(y == 1, 1 - cos, maximum(cos - 0.1, 0));
  const auto embedding = [&](const auto& in, Reduction r) {
    return nn::cosine_embedding_loss(in[0], in[1], y, {.margin = 0.1, .reduction = r});
  };
  const std::vector<Tensor> pair{a, b}, three{a, b, c};
  CHECK(distance(embedding(pair, Reduction::none), want) < 1e-11);
  CHECK(distance(embedding(pair, Reduction::mean), mean(want)) < 1e-11);
  CHECK(nn::cosine_embedding_loss(randn({3}), randn({3}), Tensor(1)).shape() == Shape{});
  CHECK(slope_error([&](const auto& in) { return embedding(in, Reduction::sum); }, pair) < 1e-7);
  for (const bool swap : {false, true}) {
    const auto triplet = [&](const auto& in, Reduction r) {
      return nn::triplet_margin_loss(in[0], in[1], in[2],
                                     {.margin = 2, .swap = swap, .reduction = r});
    };
    Tensor far = pairwise_distance(a, c);
    if (swap) far = minimum(far, pairwise_distance(b, c));
    const Tensor loss = maximum(pairwise_distance(a, b) - far + 2, 0);
    CHECK(distance(triplet(three, Reduction::none), loss) < 1e-14);
    CHECK(distance(triplet(three, Reduction::mean), mean(loss)) < 1e-14);
    CHECK(slope_error([&](const auto& in) { return triplet(in, Reduction::sum); }, three) < 1e-8);
    CHECK(curvature_error([&](const auto& in) { return triplet(in, Reduction::sum); }, three) <
          1e-5);
  }
  CHECK_BLAMES(ShapeError, "cosine_embedding_loss: vectors [5, 3] and targets [5, 1]",
               nn::cosine_embedding_loss(a, b, unsqueeze(y, 1)));
  CHECK_THROWS_AS(nn::cosine_embedding_loss(a, ones({5, 1}, float64), y), ShapeError);
  CHECK_THROWS_AS(nn::triplet_margin_loss(a, b, ones({3}, float64)), ShapeError);
  CHECK_THROWS_AS(nn::triplet_margin_loss(a, ones({3}, float64), b), ShapeError);
  CHECK_THROWS_AS(nn::triplet_margin_loss(a, b, c, {.p = -2}), ValueError);
}
