// Rows of a data set divided into parts, with scikit-learn's conventions. Rows are numbered from 0;
// parts are int64 tensors of such numbers, for rows_of() or index_select(). The same options give
// the same parts.
#pragma once

#include <vector>
#include <xtape/nn/loader.hpp>

namespace xtape::nn {

/// Rows to learn from and rows to judge by.
struct Split {
  Tensor train, test;
};

/// Some rows of a data set, copied. Throws as index_select().
Dataset rows_of(const Dataset& data, const Tensor& rows, Location where = {});

struct TrainTestSplitOptions {
  double test_size = 0.25;  ///< the part of the rows that goes to the test, rounded up
  bool shuffle = true;      ///< otherwise the test rows are the last
  std::uint64_t seed = 0;
};
/// n rows in two parts. Throws ValueError if one of them would be empty.
Split train_test_split(std::int64_t n, const TrainTestSplitOptions& options = {},
                       Location where = {});

struct FoldOptions {
  bool shuffle = false;  ///< otherwise rows stay in their order
  std::uint64_t seed = 0;
};
/// k splits of n rows in which every row is tested once: folds of n / k rows, the first n mod k
/// one larger. Rows ascend within a part. Throws ValueError unless 2 <= k <= n.
std::vector<Split> k_fold(std::int64_t n, std::int64_t k, const FoldOptions& options = {},
                          Location where = {});
/// The same with classes, int64 [n], spread over the folds as evenly as they can be. Throws
/// ValueError unless k is at least 2 and some class has k rows, ShapeError and DTypeError for other
/// classes.
std::vector<Split> stratified_k_fold(const Tensor& classes, std::int64_t k,
                                     const FoldOptions& options = {}, Location where = {});

/// Rows drawn with replacement, and those that were not drawn, ascending.
struct Bootstrap {
  Tensor drawn, out_of_bag;
};
/// `count` draws from n rows, n by default (Efron 1979); about n / e rows stay out. Throws
/// ValueError for no rows or a negative count other than -1.
Bootstrap bootstrap(std::int64_t n, std::uint64_t seed = 0, std::int64_t count = -1,
                    Location where = {});

}  // namespace xtape::nn
