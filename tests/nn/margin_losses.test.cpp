// Losses with a margin, against loops from the definition.
#include <functional>

#include "../blames.hpp"

using namespace xtape;
using check::curvature_error;
using check::numbers;
using check::slope_error;
using nn::Reduction;

namespace {

// Losses of the rows from a function of row, and what the reductions make of them.
void check_rows(const std::function<Tensor(Reduction)>& loss, std::int64_t rows,
                const std::function<double(std::int64_t)>& naive) {
  double total = 0;
  const std::vector<double> got = numbers(loss(Reduction::none));
  REQUIRE(static_cast<std::int64_t>(got.size()) == rows);
  for (std::int64_t row = 0; row < rows; ++row) {
    CHECK(got[row] == doctest::Approx(naive(row)).epsilon(1e-13));
    total += naive(row);
  }
  CHECK(loss(Reduction::sum).item<double>() == doctest::Approx(total).epsilon(1e-13));
  CHECK(loss(Reduction::mean).item<double>() ==
        doctest::Approx(total / static_cast<double>(rows)).epsilon(1e-13));
}

double hinge(double x) { return std::max(0.0, x); }

}  // namespace

TEST_CASE("margins between classes") {
  manual_seed(5);
  constexpr std::int64_t rows = 6, classes = 5;
  const Tensor x = randn({rows, classes}, float64), w = rand({classes}, float64);
  const Tensor y({0, 4, 2, 2, 1, 3}, int64);
  const auto score = [&](std::int64_t row, std::int64_t c) {
    return numbers(x)[row * classes + c];
  };
  const auto right = [&](std::int64_t row) { return y.data<std::int64_t>()[row]; };
  for (const int p : {1, 2}) {
    const auto margins = [&](std::int64_t row) {
      double total = 0;
      for (std::int64_t c = 0; c < classes; ++c)
        if (c != right(row))
          total += std::pow(hinge(0.8 - score(row, right(row)) + score(row, c)), p);
      return total;
    };
    const auto multi = [&](const Tensor& in, Reduction r) {
      return nn::multi_margin_loss(in, y, {.p = p, .margin = 0.8, .weight = w, .reduction = r});
    };
    check_rows([&](Reduction r) { return multi(x, r); }, rows,
               [&](std::int64_t row) { return margins(row) * numbers(w)[right(row)] / classes; });
    const auto weston = [&](const Tensor& in, Reduction r) {
      return nn::multiclass_hinge_loss(in, y, {.p = p, .margin = 0.8, .reduction = r});
    };
    check_rows([&](Reduction r) { return weston(x, r); }, rows, margins);
    CHECK(slope_error([&](const auto& in) { return multi(in[0], Reduction::mean); }, {x}) < 1e-8);
    CHECK(slope_error([&](const auto& in) { return weston(in[0], Reduction::sum); }, {x}) < 1e-8);
    CHECK(curvature_error([&](const auto& in) { return weston(in[0], Reduction::none); }, {x}) <
          1e-6);
  }
  const auto singer = [&](const Tensor& in, Reduction r) {
    return nn::crammer_singer_loss(in, y, {.margin = 0.8, .reduction = r});
  };
  check_rows([&](Reduction r) { return singer(x, r); }, rows,
             [&](std::int64_t row) {
               double most = -INFINITY;
               for (std::int64_t c = 0; c < classes; ++c)
                 if (c != right(row)) most = std::max(most, score(row, c));
               return hinge(0.8 + most - score(row, right(row)));
             });
  CHECK(slope_error([&](const auto& in) { return singer(in[0], Reduction::mean); }, {x}) < 1e-8);
  const Tensor one = randn({classes}, float64), label(2, int64);
  CHECK(nn::multi_margin_loss(one, label, {.p = 2, .reduction = Reduction::none}).shape() ==
        Shape{});
  CHECK(nn::crammer_singer_loss(one, label).shape() == Shape{});
}

TEST_CASE("margins between classes: exactly met, errors") {
  const Tensor x = Tensor({{1, 0, 2, 1}}, float64).requires_grad(true), y({0}, int64);
  sum(nn::multi_margin_loss(x, y)).backward();
  CHECK(numbers(x.grad()) == std::vector<double>{-0.5, 0, 0.25, 0.25});
  CHECK_BLAMES(ValueError, "multi_margin_loss: p is 3, 1 or 2 wanted",
               nn::multi_margin_loss(x, y, {.p = 3}));
  CHECK_BLAMES(ShapeError, "multi_margin_loss: scores [N, C] or [C] wanted, not [1, 4, 1]",
               nn::multi_margin_loss(unsqueeze(x, -1), y));
  CHECK_BLAMES(ShapeError, "multi_margin_loss: scores [1, 4] and classes [2]",
               nn::multi_margin_loss(x, Tensor({0, 1}, int64)));
  CHECK_BLAMES(ShapeError, "multi_margin_loss: a weight for each of 4 classes",
               nn::multi_margin_loss(x, y, {.weight = ones({3}, float64)}));
  for (const std::int64_t bad : {-1, 4, -100})
    CHECK_THROWS_AS(nn::multi_margin_loss(x, full({1}, static_cast<double>(bad), int64)),
                    IndexError);
  CHECK_THROWS_AS(nn::multiclass_hinge_loss(x, y, {.p = 0}), ValueError);
  CHECK_THROWS_AS(nn::crammer_singer_loss(x, Tensor({7}, int64)), IndexError);
}

TEST_CASE("lists of labels") {
  const Tensor x = randn({4, 3}, float64);
  const Tensor y({{2, 0, -1}, {-1, 1, 1}, {1, 1, -1}, {0, 1, 2}}, int64);
  const auto loss = [&](const Tensor& in, Reduction r) {
    return nn::multilabel_margin_loss(in, y, {r});
  };
  check_rows([&](Reduction r) { return loss(x, r); }, 4,
             [&](std::int64_t row) {
               const double* s = x.data<double>() + 3 * row;
               const std::vector<std::vector<int>> labels{{2, 0}, {}, {1, 1}, {0, 1, 2}};
               double total = 0;
               for (const int label : labels[row])
                 for (int j = 0; j < 3; ++j)
                   if (std::find(labels[row].begin(), labels[row].end(), j) == labels[row].end())
                     total += hinge(1 - (s[label] - s[j]));
               return total / 3;
             });
  CHECK(slope_error([&](const auto& in) { return loss(in[0], Reduction::mean); }, {x}) < 1e-8);
  CHECK(nn::multilabel_margin_loss(randn({3}), Tensor({1, -1, 0}, int64)).shape() == Shape{});
  CHECK_BLAMES(IndexError, "multilabel_margin_loss: label 3 in row 1, but there are 3 classes",
               nn::multilabel_margin_loss(ones({2, 3}), Tensor({{0, 1, 2}, {0, 3, 0}}, int64)));
  CHECK_BLAMES(DTypeError, "multilabel_margin_loss: labels are float32, int64 wanted",
               nn::multilabel_margin_loss(ones({3}), ones({3})));
  CHECK_BLAMES(ShapeError, "multilabel_margin_loss: input [3] and target [2]",
               nn::multilabel_margin_loss(ones({3}), zeros({2}, int64)));
  CHECK_BLAMES(ShapeError, "multilabel_margin_loss: scores [N, C] or [C] wanted, not []",
               nn::multilabel_margin_loss(Tensor(1.0), Tensor(0, int64)));
}

TEST_CASE("losses of many labels, ranking") {
  const Tensor x = randn({3, 4}, float64), b = randn({3, 4}, float64);
  const Tensor side = where(randn({3, 4}, float64) > 0, ones({3, 4}, float64), -1.0);
  const Tensor target = cast(side > 0, float64), w({1, 2, 3, 4}, float64);
  const auto at = [](const Tensor& t, std::int64_t row, int c) { return numbers(t)[4 * row + c]; };
  const auto rows_of = [&](auto f) {
    return [&, f](std::int64_t row) {
      double total = 0;
      for (int c = 0; c < 4; ++c) total += f(at(x, row, c), at(side, row, c), c);
      return total;
    };
  };
  const auto soft = [&](const Tensor& in, Reduction r) {
    return nn::multilabel_soft_margin_loss(in, target, {.weight = w, .reduction = r});
  };
  check_rows([&](Reduction r) { return soft(x, r); }, 3, rows_of([](double s, double y, int c) {
               return (c + 1) * std::log1p(std::exp(-y * s)) / 4;
             }));
  const auto hinges = [&](const Tensor& in, Reduction r) {
    return nn::multilabel_hinge_loss(in, side, {.margin = 0.6, .reduction = r});
  };
  check_rows([&](Reduction r) { return hinges(x, r); }, 3,
             rows_of([](double s, double y, int) { return hinge(0.6 - s * y); }));
  const auto logistic = [&](const Tensor& in, Reduction r) {
    return nn::multilabel_logistic_loss(in, side, {r});
  };
  check_rows([&](Reduction r) { return logistic(x, r); }, 3,
             rows_of([](double s, double y, int) { return std::log1p(std::exp(-y * s)); }));
  const check::Function f = [&](const auto& in) {
    return soft(in[0], Reduction::mean) + 2 * hinges(in[0], Reduction::sum) +
           logistic(in[0], Reduction::mean) +
           nn::margin_ranking_loss(in[0], in[1], side, {.margin = 0.3});
  };
  CHECK(slope_error(f, {x, b}) < 1e-8);
  CHECK(curvature_error(f, {x, b}) < 1e-5);
  const Tensor ranks =
      nn::margin_ranking_loss(x, b, side, {.margin = 0.3, .reduction = Reduction::none});
  CHECK(check::distance(ranks, maximum(0.3 - side * (x - b), 0)) < 1e-15);
  CHECK_THROWS_AS(nn::margin_ranking_loss(x, b, ones({4}, float64)), ShapeError);
  CHECK_THROWS_AS(nn::margin_ranking_loss(x, ones({3, 1}, float64), side), ShapeError);
  CHECK_THROWS_AS(nn::multilabel_hinge_loss(x, ones({4}, float64)), ShapeError);
  CHECK_THROWS_AS(nn::multilabel_logistic_loss(Tensor(1.0), Tensor(1.0)), ShapeError);
  CHECK_THROWS_AS(nn::multilabel_soft_margin_loss(ones({2, 2, 2}), ones({2, 2, 2})), ShapeError);
}
