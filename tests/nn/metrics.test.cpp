#include <xtape/nn/metrics.hpp>

#include "../check.hpp"
#include "refused.hpp"

using namespace xtape;
using check::refused;

namespace {

const Tensor truth({0, 1, 2, 2, 1, 0}, int64), guess({0, 2, 2, 2, 1, 1}, int64);

}  // namespace

TEST_CASE("metrics: accuracy of classes and of scores, 1 less the 0-1 loss") {
  CHECK(nn::accuracy(guess, truth) == 4.0 / 6);
  const Tensor scores({{.1, .9, 0}, {3, 3, 1}, {NAN, 5, 6}}, float64);
  CHECK(nn::accuracy(scores, Tensor({1, 0, 0}, int64)) == 1);
  CHECK(nn::accuracy(cast(scores, float32).requires_grad(true), Tensor({1, 1, 2}, int64)) ==
        1.0 / 3);
  CHECK(std::isnan(nn::accuracy(zeros({0, 3}), zeros({0}, int64))));
  CHECK(std::isnan(nn::accuracy(zeros({0}, int64), zeros({0}, int64))));
  Generator generator(5);
  const Tensor many = rand({50, 4}, float32, generator);
  const Tensor labels = randint(0, 4, {50}, int64, generator);
  CHECK(nn::accuracy(many, labels) ==
        doctest::Approx(1 - nn::zero_one_loss(many, labels).item<double>()));
}

TEST_CASE("metrics: top-k counts the right class among the k largest scores") {
  const Tensor scores({{4, 3, 2, 1}, {1, 4, 3, 2}, {2, 2, 2, 2}}), y({1, 0, 2}, int64);
  CHECK(nn::top_k_accuracy(scores, y, 1) == 0);
  CHECK(nn::top_k_accuracy(scores, y, 2) == 1.0 / 3);
  CHECK(nn::top_k_accuracy(scores, y, 3) == 2.0 / 3);
  CHECK(nn::top_k_accuracy(scores, y, 4) == 1);
  CHECK(std::isnan(nn::top_k_accuracy(zeros({0, 5}), zeros({0}, int64))));
  Generator generator(3);
  const Tensor many = randint(0, 4, {200, 6}, float32, generator);
  const Tensor labels = randint(0, 6, {200}, int64, generator);
  CHECK(nn::top_k_accuracy(many, labels, 1) == nn::accuracy(many, labels));
}

TEST_CASE("metrics: the confusion matrix has true classes in rows") {
  CHECK(check::equal(nn::confusion_matrix(guess, truth),
                     Tensor({{1, 1, 0}, {0, 1, 1}, {0, 0, 2}}, int64)));
  CHECK(nn::confusion_matrix(guess, truth, 5).shape() == Shape{5, 5});
  CHECK(nn::confusion_matrix(zeros({1, 4}), Tensor({0}, int64)).shape() == Shape{4, 4});
  CHECK(nn::confusion_matrix(zeros({0}, int64), zeros({0}, int64)).shape() == Shape{0, 0});
}

TEST_CASE("metrics: precision, recall and F1, with 0 for 0/0") {
  // class 3 occurs nowhere
  const nn::ClassReport report = nn::precision_recall_f1(guess, truth, 4);
  CHECK(check::distance(report.precision, Tensor({1, 0.5, 2.0 / 3, 0}, float64)) < 1e-15);
  CHECK(check::distance(report.recall, Tensor({0.5, 0.5, 1, 0}, float64)) < 1e-15);
  CHECK(check::distance(report.f1, Tensor({2.0 / 3, 0.5, 0.8, 0}, float64)) < 1e-15);
  CHECK(check::equal(report.support, Tensor({2, 2, 2, 0}, int64)));
  const auto all = [&](const char* average, double precision, double recall, double f1) {
    CAPTURE(std::string(average));
    const nn::AverageReport mean = nn::precision_recall_f1(guess, truth, average, 4);
    CHECK(mean.precision == doctest::Approx(precision));
    CHECK(mean.recall == doctest::Approx(recall));
    CHECK(mean.f1 == doctest::Approx(f1));
  };
  all("macro", (1 + 0.5 + 2.0 / 3) / 4, 2.0 / 4, (2.0 / 3 + 0.5 + 0.8) / 4);
  all("weighted", (1 + 0.5 + 2.0 / 3) / 3, 2.0 / 3, (2.0 / 3 + 0.5 + 0.8) / 3);
  all("micro", 4.0 / 6, 4.0 / 6, 4.0 / 6);
  CHECK(nn::precision_recall_f1(zeros({0}, int64), zeros({0}, int64), "micro", 2).f1 == 0);
}

TEST_CASE("metrics: the mean squared error and R2") {
  const Tensor target({3, -0.5, 2, 7}), predicted({2.5, 0.0, 2, 8});
  CHECK(nn::mean_squared_error(predicted, target) == 0.375);
  CHECK(nn::r2_score(predicted, target) == doctest::Approx(0.9486081370449679));
  const Tensor two({{0.5, 1}, {-1, 1}, {7, -6}}, float64), near({{0, 2}, {-1, 2}, {8, -5}});
  CHECK(nn::r2_score(near, two) == doctest::Approx(0.9368005266622779));
  CHECK(nn::r2_score(Tensor({1, 1}), Tensor({1, 1})) == 1);
  CHECK(nn::r2_score(Tensor({1, 2}), Tensor({1, 1})) == 0);
  CHECK(nn::r2_score(Tensor({.1, .1, .2}), Tensor({.1, .1, .1})) == 0);
  CHECK(nn::r2_score(Tensor({3, 3}), Tensor({0, 1})) == doctest::Approx(-25));
  CHECK(std::isnan(nn::r2_score(Tensor({1}), Tensor({1}))));
  CHECK(std::isnan(nn::mean_squared_error(zeros({0}), zeros({0}))));
  CHECK(nn::mean_squared_error(Tensor(3, int64), Tensor(1.0)) == 4);
}

TEST_CASE("metrics: the area under the curve is the share of pairs in the right order") {
  CHECK(nn::roc_auc(Tensor({0.1, 0.4, 0.35, 0.8}), Tensor({0, 0, 1, 1}, int64)) == 0.75);
  CHECK(nn::roc_auc(Tensor({1, 1, 1}), Tensor({0, 1, 1}, int64)) == 0.5);
  CHECK(nn::roc_auc(Tensor({INFINITY, -INFINITY}), Tensor({0, 1}, int64)) == 0);
  Generator generator(1);
  const Tensor scores = randint(0, 20, {300}, float64, generator);
  const Tensor labels = randint(0, 2, {300}, int64, generator);
  double good = 0, pairs = 0;
  for (int i = 0; i < 300; ++i)
    for (int j = 0; j < 300; ++j) {
      if (labels.data<std::int64_t>()[i] != 1 || labels.data<std::int64_t>()[j] != 0) continue;
      const double a = scores.data<double>()[i], b = scores.data<double>()[j];
      good += a > b ? 1 : a == b ? 0.5 : 0;
      ++pairs;
    }
  CHECK(nn::roc_auc(scores, labels) == doctest::Approx(good / pairs).epsilon(1e-14));
}

TEST_CASE("metrics: what is refused") {
  const Tensor x = zeros({3, 2}), y = zeros({3}, int64);
  refused<ShapeError>(
      [&] {
        nn::accuracy(zeros({4, 2}), y);
      },
      {"accuracy: 4 predictions for 3 classes: shapes [4, 2] and [3]"});
  refused<ShapeError>([&] { nn::accuracy(zeros({3}), y); },
                      {"scores [n, classes] wanted, got [3]"});
  refused<ShapeError>([&] { nn::accuracy(zeros({3, 0}), y); }, {"scores [n, classes] wanted"});
  refused<ShapeError>(
      [&] {
        nn::accuracy(x, zeros({3, 1}, int64));
      },
      {"classes [n] wanted, got [3, 1]"});
  refused<DTypeError>([&] { nn::accuracy(x, zeros({3})); }, {"int64 classes wanted, got float32"});
  refused<DTypeError>([&] { nn::accuracy(zeros({3}, boolean), y); },
                      {"floating scores wanted, got bool"});
  refused<IndexError>(
      [&] {
        nn::accuracy(x, Tensor({0, 1, 2}, int64));
      },
      {"accuracy: class 2 of sample 2 is not in 0 ... 1"});
  refused<IndexError>(
      [&] {
        nn::accuracy(y, Tensor({0, -1, 2}, int64));
      },
      {"class -1 of sample 1 is negative"});
  refused<ShapeError>([&] { nn::top_k_accuracy(x, y, 3); }, {"k is 3, there are 2 classes"});
  refused<ShapeError>([&] { nn::top_k_accuracy(x, y, 0); }, {"k is 0"});
  refused<ValueError>([&] { nn::confusion_matrix(y, y, -2); }, {"-2 classes"});
  refused<IndexError>([&] { nn::confusion_matrix(guess, truth, 2); }, {"is not in 0 ... 1"});
  refused<ValueError>([&] { nn::precision_recall_f1(y, y, "mean"); }, {"average is \"mean\""});
  refused<ShapeError>(
      [&] {
        nn::mean_squared_error(zeros({3}), zeros({3, 1}));
      },
      {"predictions [3] and targets [3, 1] differ in shape"});
  refused<ShapeError>([&] { nn::r2_score(zeros({2, 2, 2}), zeros({2, 2, 2})); }, {"got [2, 2, 2]"});
  refused<ShapeError>([&] { nn::roc_auc(x, y); },
                      {"scores [n] wanted for classes [3], got [3, 2]"});
  refused<ValueError>([&] { nn::roc_auc(zeros({3}), y); }, {"class 1 does not occur"});
  refused<ValueError>([&] { nn::roc_auc(zeros({3}), y + 1); }, {"class 0 does not occur"});
  refused<ValueError>(
      [&] {
        nn::roc_auc(Tensor({0, NAN}), Tensor({0, 1}, int64));
      },
      {"score 1 is NaN"});
  refused<IndexError>(
      [&] {
        nn::roc_auc(Tensor({0, 1}), Tensor({0, 2}, int64));
      },
      {"class 2 of sample"});
}
