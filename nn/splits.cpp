#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <xtape/nn/splits.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/random.hpp>

namespace xtape::nn {

namespace {

using Rows = std::vector<std::int64_t>;

Tensor tensor_of(const Rows& rows) { return Tensor::from(rows.data(), {std::ssize(rows)}); }

// 0 ... n - 1 in order, or shuffled.
Rows order_of(std::int64_t n, bool shuffle, Generator& generator) {
  if (shuffle) {
    const Tensor order = randperm(n, generator);
    const std::int64_t* first = order.data<std::int64_t>();
    return {first, first + n};
  }
  Rows rows(static_cast<std::size_t>(n));
  std::iota(rows.begin(), rows.end(), 0);
  return rows;
}

// The splits that test fold 0, 1, ... k - 1, given the fold of each row.
std::vector<Split> splits_of(const Rows& fold, std::int64_t k) {
  std::vector<Split> splits;
  for (std::int64_t f = 0; f < k; ++f) {
    Rows train, test;
    for (std::size_t i = 0; i < fold.size(); ++i)
      (fold[i] == f ? test : train).push_back(static_cast<std::int64_t>(i));
    splits.push_back({tensor_of(train), tensor_of(test)});
  }
  return splits;
}

}  // namespace

Dataset rows_of(const Dataset& data, const Tensor& rows, Location where) {
  data.size(where);
  return {index_select({data.x, where}, 0, rows), index_select({data.y, where}, 0, rows)};
}

Split train_test_split(std::int64_t n, const TrainTestSplitOptions& options, Location where) {
  const double wanted = std::ceil(options.test_size * static_cast<double>(n));
  if (!(wanted >= 1 && wanted < static_cast<double>(n)))
    raise<ValueError>(where, "train_test_split",
                      fmt::format("{} of {} rows cannot be split off: one part would be empty",
                                  options.test_size, n));
  const auto test = static_cast<std::ptrdiff_t>(wanted);
  Generator generator(options.seed);
  const Rows order = order_of(n, options.shuffle, generator);
  // the test rows first if they are shuffled, else last
  const auto cut = options.shuffle ? order.begin() + test : order.end() - test;
  const Rows front(order.begin(), cut), back(cut, order.end());
  return options.shuffle ? Split{tensor_of(back), tensor_of(front)}
                         : Split{tensor_of(front), tensor_of(back)};
}

std::vector<Split> k_fold(std::int64_t n, std::int64_t k, const FoldOptions& options,
                          Location where) {
  if (k < 2 || k > n) raise<ValueError>(where, "k_fold", fmt::format("{} folds of {} rows", k, n));
  Generator generator(options.seed);
  const Rows order = order_of(n, options.shuffle, generator);
  Rows fold(order.size());
  const std::int64_t larger = n % k, size = n / k;
  for (std::int64_t i = 0; i < n; ++i)
    fold[static_cast<std::size_t>(order[static_cast<std::size_t>(i)])] =
        i < larger * (size + 1) ? i / (size + 1) : larger + (i - larger * (size + 1)) / size;
  return splits_of(fold, k);
}

std::vector<Split> stratified_k_fold(const Tensor& classes, std::int64_t k,
                                     const FoldOptions& options, Location where) {
  const char* op = "stratified_k_fold";
  if (classes.dtype(where) != int64)
    raise<DTypeError>(where, op,
                      fmt::format("int64 classes wanted, got {}", name_of(classes.dtype())));
  if (classes.rank() != 1)
    raise<ShapeError>(where, op, fmt::format("classes [n] wanted, got {}", classes.shape().str()));
  const std::int64_t n = classes.numel();
  const std::int64_t* c = classes.data<std::int64_t>();
  // the rows of each class, classes in the order in which they first occur
  std::map<std::int64_t, std::size_t> place;
  std::vector<Rows> members;
  for (std::int64_t i = 0; i < n; ++i) {
    const auto found = place.emplace(c[i], members.size()).first;
    if (found->second == members.size()) members.emplace_back();
    members[found->second].push_back(i);
  }
  std::int64_t most = 0;
  for (const Rows& rows : members) most = std::max(most, std::ssize(rows));
  if (k < 2 || k > most)
    raise<ValueError>(where, op,
                      fmt::format("{} folds, but no class has more than {} rows", k, most));
  Generator generator(options.seed);
  Rows fold(static_cast<std::size_t>(n));
  std::int64_t dealt = 0;  // rows of all classes are dealt to the folds in turn, as if sorted
  for (const Rows& rows : members) {
    Rows share(static_cast<std::size_t>(k));
    for (std::size_t i = 0; i < rows.size(); ++i) ++share[static_cast<std::size_t>(dealt++ % k)];
    Rows folds;
    for (std::int64_t f = 0; f < k; ++f)
      folds.insert(folds.end(), static_cast<std::size_t>(share[static_cast<std::size_t>(f)]), f);
    const Rows order = order_of(std::ssize(rows), options.shuffle, generator);
    for (std::size_t i = 0; i < rows.size(); ++i)
      fold[static_cast<std::size_t>(rows[i])] = folds[static_cast<std::size_t>(order[i])];
  }
  return splits_of(fold, k);
}

Bootstrap bootstrap(std::int64_t n, std::uint64_t seed, std::int64_t count, Location where) {
  if (n < 1 || count < -1)
    raise<ValueError>(where, "bootstrap", fmt::format("{} draws from {} rows", count, n));
  Generator generator(seed);
  const Tensor drawn = randint(0, n, {count < 0 ? n : count}, int64, generator);
  std::vector<bool> seen(static_cast<std::size_t>(n));
  for (const std::int64_t row : drawn.values<std::int64_t>())
    seen[static_cast<std::size_t>(row)] = true;
  Rows rest;
  for (std::int64_t i = 0; i < n; ++i)
    if (!seen[static_cast<std::size_t>(i)]) rest.push_back(i);
  return {drawn, tensor_of(rest)};
}

}  // namespace xtape::nn
