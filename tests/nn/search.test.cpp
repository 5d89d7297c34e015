#include <set>
#include <xtape/nn/search.hpp>

#include "../check.hpp"
#include "refused.hpp"

using namespace xtape;
using check::refused;

TEST_CASE("search: ranges on their scales") {
  const nn::SearchRange log = nn::log_uniform(1e-4, 1), whole = nn::whole_numbers(3, 6),
                        even = nn::uniform_range(-1, 3), some = nn::choices({5, 2, 7});
  CHECK(log.at(0) == doctest::Approx(1e-4));
  CHECK(log.at(0.5) == doctest::Approx(1e-2));
  CHECK(even.at(0.25) == 0);
  CHECK(whole.at(0) == 3);
  CHECK(whole.at(0.49) == 4);
  CHECK(whole.at(0.9999999) == 6);
  CHECK(some.at(0.3) == 5);
  CHECK(some.at(0.99) == 7);
  const std::vector<double> grid = log.grid(5);
  REQUIRE(grid.size() == 5);
  for (int i = 0; i < 5; ++i)
    CHECK(grid[static_cast<std::size_t>(i)] == doctest::Approx(std::pow(10, i - 4)));
  CHECK(grid.front() == 1e-4);
  CHECK(grid.back() == 1);
  CHECK(even.grid(1) == std::vector<double>{1});
  CHECK(whole.grid(9) == std::vector<double>{3, 4, 5, 6});
  CHECK(some.grid(1) == std::vector<double>{5, 2, 7});
  CHECK(nn::uniform_range(2, 2).grid(4) == std::vector<double>{2});
  const nn::SearchRange middle = log.around(1e-2, 0.5);
  CHECK(middle.low == doctest::Approx(1e-3));
  CHECK(middle.high == doctest::Approx(1e-1));
  const nn::SearchRange edge = log.around(1, 0.25);
  CHECK(edge.low == doctest::Approx(0.1));
  CHECK(edge.high == doctest::Approx(1));
  CHECK(edge.high <= 1);
  const nn::SearchRange near = nn::whole_numbers(0, 100).around(50, 0.05);
  CHECK(near.low == 47);
  CHECK(near.high == 53);
  CHECK(some.around(2, 0.1).values == some.values);
}

TEST_CASE("search: a grid visits every point, the best comes first") {
  int calls = 0;
  const auto score = [&](const nn::SearchPoint& point) {
    ++calls;
    if (point.at("a") == 1 && point.at("b") == 1) return double(NAN);
    return point.at("a") * 10 + point.at("b");
  };
  const nn::SearchSpace space = {{"b", nn::choices({1, 2})}, {"a", nn::whole_numbers(1, 3)}};
  const auto best = nn::grid_search(space, score, {.count = 3});
  CHECK(calls == 6);
  std::vector<double> scores;
  for (const nn::Trial& trial : best) scores.push_back(trial.score);
  CHECK(std::vector<double>(scores.begin(), scores.end() - 1) ==
        std::vector<double>{32, 31, 22, 21, 12});
  CHECK(std::isnan(scores.back()));
  const auto least = nn::grid_search(space, score, {.count = 3, .mode = "min"});
  CHECK(least[0].score == 12);
  CHECK(std::isnan(least.back().score));
  // equal scores keep the order in which they ran: the last name varies fastest
  const auto equal = nn::grid_search(space, [](auto&) { return 1.0; }, {.count = 3});
  for (std::size_t i = 0; i < 6; ++i) {
    CHECK(equal[i].point.at("a") == static_cast<double>(i / 2 + 1));
    CHECK(equal[i].point.at("b") == static_cast<double>(i % 2 + 1));
  }
}

TEST_CASE("search: random points fill the scale and follow from the seed") {
  const nn::SearchSpace space = {{"lr", nn::log_uniform(1e-6, 1)},
                                 {"n", nn::whole_numbers(1, 4)},
                                 {"p", nn::uniform_range(0, 1)}};
  const auto score = [](const nn::SearchPoint& point) { return point.at("lr"); };
  const auto trials = nn::random_search(space, score, {.trials = 2000, .seed = 3});
  CHECK(std::is_sorted(trials.begin(), trials.end(),
                       [](auto& a, auto& b) { return a.score > b.score; }));
  int decades[6] = {}, whole[5] = {};
  double mean = 0;
  for (const nn::Trial& trial : trials) {
    ++decades[static_cast<int>(std::floor(std::log10(trial.score)) + 6)];
    ++whole[static_cast<int>(trial.point.at("n"))];
    mean += trial.point.at("p") / 2000;
  }
  for (const int count : decades) CHECK(std::abs(count - 333) < 70);
  for (int i = 1; i <= 4; ++i) CHECK(std::abs(whole[i] - 500) < 90);
  CHECK(mean == doctest::Approx(0.5).epsilon(0.05));
  const auto again = nn::random_search(space, score, {.trials = 2000, .seed = 3});
  CHECK(again[7].point == trials[7].point);
  CHECK(nn::random_search(space, score, {.seed = 4})[0].point != trials[0].point);
  // a longer search begins with the shorter one
  std::set<double> seen;
  for (const nn::Trial& trial : trials) seen.insert(trial.score);
  for (const nn::Trial& trial : nn::random_search(space, score, {.trials = 10, .seed = 3}))
    CHECK(seen.contains(trial.score));
}

TEST_CASE("search: from coarse to fine comes closer than as many random points") {
  const nn::SearchSpace space = {{"lr", nn::log_uniform(1e-6, 1)},
                                 {"decay", nn::log_uniform(1e-6, 1)}};
  const auto loss = [](const nn::SearchPoint& point) {
    return std::pow(std::log10(point.at("lr")) + 2.5, 2) +
           std::pow(std::log10(point.at("decay")) + 4.5, 2);
  };
  int better = 0;
  for (std::uint64_t seed = 0; seed < 10; ++seed) {
    const auto fine = nn::coarse_to_fine(
        space, loss, {.rounds = 4, .trials = 15, .share = 0.4, .mode = "min", .seed = seed});
    CHECK(fine.size() == 60);
    const auto random = nn::random_search(space, loss, {.trials = 60, .mode = "min", .seed = seed});
    better += fine[0].score < random[0].score;
    CHECK(fine[0].score < 0.5);
  }
  CHECK(better >= 8);
  // where every score is NaN it goes on all the same
  CHECK(nn::coarse_to_fine(space, [](auto&) { return double(NAN); }).size() == 60);
}

TEST_CASE("search: what is refused") {
  const auto score = [](const nn::SearchPoint&) { return 0.0; };
  const nn::SearchSpace space = {{"a", nn::uniform_range(0, 1)}};
  refused<ValueError>([] { nn::uniform_range(1, 0); }, {"uniform_range: from 1 to 0"});
  refused<ValueError>([] { nn::uniform_range(0, INFINITY); }, {"from 0 to inf"});
  refused<ValueError>([] { nn::log_uniform(0, 1); }, {"log_uniform: from 0, above 0 wanted"});
  refused<ValueError>([] { nn::log_uniform(2, 1); }, {"from 2 to 1"});
  refused<ValueError>([] { nn::whole_numbers(2, 1); }, {"whole_numbers: from 2 to 1"});
  refused<ValueError>([] { nn::choices({}); }, {"nothing to choose from"});
  refused<ValueError>([&] { nn::grid_search({}, score); }, {"grid_search: the space is empty"});
  refused<ValueError>([&] { nn::grid_search(space, score, {.mode = "best"}); },
                      {"mode is \"best\""});
  refused<ValueError>([&] { nn::random_search(space, score, {.trials = 0}); }, {"0 trials"});
  refused<ValueError>([&] { nn::coarse_to_fine(space, score, {.rounds = 0}); }, {"0 trials"});
  refused<ValueError>([&] { nn::coarse_to_fine(space, score, {.share = 0}); }, {"share is 0"});
}
