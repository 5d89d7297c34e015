#include <set>
#include <xtape/nn/splits.hpp>

#include "../check.hpp"
#include "refused.hpp"

using namespace xtape;
using check::refused;

namespace {

std::vector<std::int64_t> list(const Tensor& rows) {
  const std::int64_t* first = rows.data<std::int64_t>();
  return {first, first + rows.numel()};
}

// Checks that the folds test every row once and train on all others, in order.
void check_folds(const std::vector<nn::Split>& folds, std::int64_t n) {
  std::multiset<std::int64_t> tested;
  for (const nn::Split& fold : folds) {
    const auto train = list(fold.train), test = list(fold.test);
    CHECK(std::is_sorted(train.begin(), train.end()));
    CHECK(std::is_sorted(test.begin(), test.end()));
    std::set<std::int64_t> all(train.begin(), train.end());
    all.insert(test.begin(), test.end());
    CHECK(std::ssize(all) == n);
    CHECK(fold.train.numel() + fold.test.numel() == n);
    tested.insert(test.begin(), test.end());
  }
  CHECK(std::ssize(tested) == n);
  CHECK(std::ssize(std::set(tested.begin(), tested.end())) == n);
}

}  // namespace

TEST_CASE("splits: one test set") {
  const nn::Split plain = nn::train_test_split(10, {.test_size = 0.21, .shuffle = false});
  CHECK(list(plain.train) == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6});
  CHECK(list(plain.test) == std::vector<std::int64_t>{7, 8, 9});
  const nn::Split mixed = nn::train_test_split(1000, {.seed = 4});
  CHECK(mixed.test.numel() == 250);
  std::set<std::int64_t> all;
  for (const Tensor& part : {mixed.train, mixed.test})
    for (const std::int64_t row : list(part)) all.insert(row);
  CHECK(all.size() == 1000);
  CHECK(list(nn::train_test_split(1000, {.seed = 4}).test) == list(mixed.test));
  CHECK(list(nn::train_test_split(1000, {.seed = 5}).test) != list(mixed.test));
  for (const double size : {0.0, 1.0, -1.0, double(NAN)})
    refused<ValueError>([&] { nn::train_test_split(10, {.test_size = size}); },
                        {"of 10 rows cannot be split off"});
}

TEST_CASE("splits: k folds") {
  const auto folds = nn::k_fold(8, 3);
  check_folds(folds, 8);
  CHECK(list(folds[0].test) == std::vector<std::int64_t>{0, 1, 2});
  CHECK(list(folds[1].test) == std::vector<std::int64_t>{3, 4, 5});
  CHECK(list(folds[2].test) == std::vector<std::int64_t>{6, 7});
  const auto shuffled = nn::k_fold(100, 7, {.shuffle = true, .seed = 1});
  check_folds(shuffled, 100);
  CHECK(list(shuffled[0].test) != list(nn::k_fold(100, 7)[0].test));
  CHECK(list(shuffled[6].test) == list(nn::k_fold(100, 7, {.shuffle = true, .seed = 1})[6].test));
  CHECK(shuffled[1].test.numel() == 15);
  CHECK(shuffled[2].test.numel() == 14);
  refused<ValueError>([] { nn::k_fold(3, 4); }, {"k_fold: 4 folds of 3 rows"});
  refused<ValueError>([] { nn::k_fold(3, 1); }, {"1 folds"});
}

TEST_CASE("splits: classes are spread over stratified folds") {
  // by scikit-learn's rule: the sorted classes, in the order of their first rows, dealt in turn
  const Tensor y({5, 5, 2, 2, 2, 2, 5, 9, 5, 2}, int64);
  const auto folds = nn::stratified_k_fold(y, 3);
  check_folds(folds, 10);
  CHECK(list(folds[0].test) == std::vector<std::int64_t>{0, 1, 2, 7});
  CHECK(list(folds[1].test) == std::vector<std::int64_t>{3, 4, 6});
  CHECK(list(folds[2].test) == std::vector<std::int64_t>{5, 8, 9});
  Generator generator(2);
  const Tensor many = square(randint(0, 4, {503}, int64, generator));
  for (const auto& fold : {nn::stratified_k_fold(many, 5, {.shuffle = true, .seed = 3})}) {
    check_folds(fold, 503);
    for (const std::int64_t c : {0, 1, 4, 9}) {
      const auto count = [&](const Tensor& rows) {
        std::int64_t found = 0;
        for (const std::int64_t row : list(rows)) found += many.data<std::int64_t>()[row] == c;
        return found;
      };
      for (const nn::Split& split : fold) {
        const std::int64_t all = count(split.train) + count(split.test);
        CHECK(count(split.test) >= all / 5);
        CHECK(count(split.test) <= all / 5 + 1);
      }
    }
  }
  refused<ValueError>([&] { nn::stratified_k_fold(y, 6); },
                      {"6 folds, but no class has more than 5 rows"});
  refused<ShapeError>([] { nn::stratified_k_fold(zeros({2, 2}, int64), 2); }, {"got [2, 2]"});
  refused<DTypeError>([] { nn::stratified_k_fold(zeros({2}), 2); }, {"got float32"});
}

TEST_CASE("splits: the bootstrap draws with replacement") {
  const nn::Bootstrap sample = nn::bootstrap(10000, 1);
  CHECK(sample.drawn.numel() == 10000);
  std::set<std::int64_t> all;
  for (const std::int64_t row : list(sample.drawn)) all.insert(row);
  CHECK(std::ssize(all) + sample.out_of_bag.numel() == 10000);
  for (const std::int64_t row : list(sample.out_of_bag)) all.insert(row);
  CHECK(all.size() == 10000);
  CHECK(*all.begin() == 0);
  CHECK(*all.rbegin() == 9999);
  CHECK(static_cast<double>(sample.out_of_bag.numel()) == doctest::Approx(3679).epsilon(0.03));
  CHECK(list(nn::bootstrap(10000, 1).drawn) == list(sample.drawn));
  CHECK(list(nn::bootstrap(10000, 2).drawn) != list(sample.drawn));
  CHECK(nn::bootstrap(5, 0, 0).out_of_bag.numel() == 5);
  CHECK(nn::bootstrap(1).out_of_bag.numel() == 0);
  refused<ValueError>([] { nn::bootstrap(0); }, {"draws from 0 rows"});
  refused<ValueError>([] { nn::bootstrap(5, 0, -2); }, {"-2 draws from 5 rows"});
}

TEST_CASE("splits: rows of a data set") {
  const nn::Dataset data{reshape(arange(6), {3, 2}), Tensor({7, 8, 9}, int64)};
  const nn::Dataset some = nn::rows_of(data, Tensor({2, 0, 2}, int64));
  CHECK(check::equal(some.x, Tensor({{4, 5}, {0, 1}, {4, 5}})));
  CHECK(check::equal(some.y, Tensor({9, 7, 9}, int64)));
  refused<IndexError>([&] { nn::rows_of(data, Tensor({3}, int64)); }, {});
}
