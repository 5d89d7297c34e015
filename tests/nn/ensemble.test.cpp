#include <xtape/nn/ensemble.hpp>

#include "../check.hpp"
#include "refused.hpp"

using namespace xtape;
using check::refused;

TEST_CASE("ensemble: averages, with weights and gradients") {
  const Tensor a = check::leaf({{1, 2}, {3, 4}}), b({{5, 6}, {7, 9}}, float64);
  const Tensor both[] = {a, b};
  CHECK(check::equal(nn::average_predictions(both).detach(), Tensor({{3, 4}, {5, 6.5}}, float64)));
  const double weights[] = {3, 1};
  const Tensor mean = nn::average_predictions(both, weights);
  CHECK(check::equal(mean.detach(), Tensor({{2, 3}, {4, 5.25}}, float64)));
  CHECK(check::equal(grad(sum(mean), {a})[0], full({2, 2}, 0.75, float64)));
  const Tensor unequal[] = {a, zeros({2})};
  refused<ShapeError>([&] { nn::average_predictions(unequal); }, {"shapes [2, 2] and [2]"});
  refused<ValueError>([&] { nn::average_predictions({}); }, {"no members"});
  const double one[] = {1}, negative[] = {1, -1}, none[] = {0, 0};
  refused<ValueError>([&] { nn::average_predictions(both, one); }, {"1 weights for 2 predictions"});
  refused<ValueError>([&] { nn::average_predictions(both, negative); }, {"a weight is -1"});
  refused<ValueError>([&] { nn::average_predictions(both, none); }, {"all weights are 0"});
}

TEST_CASE("ensemble: votes, where the least class wins a tie") {
  const Tensor votes[] = {Tensor({0, 2, 1, 3}, int64), Tensor({1, 2, 1, 0}, int64),
                          Tensor({1, 0, 2, 1}, int64)};
  CHECK(check::equal(nn::majority_vote(votes), Tensor({1, 2, 1, 0}, int64)));
  const nn::Ensemble ensemble{{[](const Tensor& x) { return x; },
                               [](const Tensor& x) { return -x; },
                               [](const Tensor& x) { return argmax(x, 1); }}};
  const Tensor x({{1, 2, 3}, {9, 0, 1}});
  CHECK(check::equal(ensemble.vote(x), Tensor({2, 0}, int64)));
  const nn::Ensemble two{{ensemble.members[0], [](const Tensor& x) { return 3 * x; }}};
  CHECK(check::equal(two.average(x), 2 * x));
  refused<ShapeError>([&] { ensemble.average(x); }, {"average_predictions: predictions of shapes"});
  const Tensor matrix[] = {zeros({2, 2}, int64)}, fractions[] = {zeros({2})},
               negative[] = {Tensor({0, -3}, int64)};
  refused<ShapeError>([&] { nn::majority_vote(matrix); }, {"got [2, 2]"});
  refused<DTypeError>([&] { nn::majority_vote(fractions); }, {"got float32"});
  refused<ValueError>([&] { nn::majority_vote(negative); }, {"a class is -3"});
  refused<ValueError>([&] { nn::majority_vote({}); }, {"no members"});
}

TEST_CASE("ensemble: bagging trains on bootstrap samples and judges by the rest") {
  const Tensor x = reshape(arange(50, float64), {50, 1});
  const nn::Dataset data{x, reshape(2 * x, {50})};
  std::vector<double> means;
  const auto train = [&](const nn::Dataset& sample, std::int64_t member) -> nn::Predictor {
    CHECK(member == std::ssize(means));
    CHECK(sample.x.shape() == Shape{50, 1});
    CHECK(check::equal(reshape(2 * sample.x, {50}), sample.y));
    const double mean_y = mean(sample.y).item<double>();
    means.push_back(mean_y);
    return [mean_y](const Tensor& at) { return full({at.size(0)}, mean_y, float64); };
  };
  const nn::Bagging bag = nn::bagging(data, train, {.members = 4, .seed = 7});
  CHECK(bag.ensemble.members.size() == 4);
  CHECK(means[0] != means[1]);
  CHECK(bag.ensemble.average(x).data<double>()[0] ==
        doctest::Approx((means[0] + means[1] + means[2] + means[3]) / 4));
  const Tensor out = bag.out_of_bag(x);
  REQUIRE(out.shape() == Shape{50});
  int unknown = 0;
  for (int i = 0; i < 50; ++i) {
    double sum = 0, count = 0;
    for (std::size_t m = 0; m < 4; ++m) {
      const auto rows = bag.samples[m].drawn.values<std::int64_t>();
      if (std::find(rows.begin(), rows.end(), i) != rows.end()) continue;
      sum += means[m];
      ++count;
    }
    unknown += count == 0;
    if (count == 0) CHECK(std::isnan(out.data<double>()[i]));
    else CHECK(out.data<double>()[i] == doctest::Approx(sum / count));
  }
  CHECK(unknown > 0);
  means.clear();
  const nn::Bagging again = nn::bagging(data, train, {.members = 1, .seed = 8});
  CHECK(check::equal(again.samples[0].drawn, bag.samples[1].drawn));
  refused<ValueError>([&] { nn::bagging(data, train, {.members = 0}); }, {"0 members"});
}
