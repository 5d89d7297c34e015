// Data sets and the loader that cuts them into batches, one permutation per pass:
//
//   for (auto [x, y] : DataLoader(set, {.batch_size = 64})) ...     x: [64, ...], y: [64, ...]
#pragma once

#include <cstddef>
#include <iterator>
#include <xtape/autograd/tensor.hpp>

namespace xtape::nn {

/// Samples and their targets; sample i is row i (along axis 0) of both.
struct Dataset {
  Tensor x, y;

  /// The number of samples. Throws ShapeError if x or y has no axes or their rows differ.
  std::int64_t size(Location where = {}) const;
};

/// A data set in two parts that share no sample, and the number of classes that y counts.
struct TrainTest {
  Dataset train, test;
  std::int64_t classes = 0;
};

/// Some rows of a data set.
struct Batch {
  Tensor x, y;
};

struct DataLoaderOptions {
  std::int64_t batch_size = 1;
  bool shuffle = false;    ///< a new order for every epoch; otherwise the order of the data set
  bool drop_last = false;  ///< leave out the last batch if it is smaller than the others
  std::uint64_t seed = 0;  ///< the order of an epoch depends on this and the epoch's number alone
};

/// Iterates over a data set batch by batch. Each begin() starts an epoch and counts it.
class DataLoader {
 public:
  class Iterator;

  /// Throws ShapeError if the rows of x and y differ, and ValueError for a batch size below 1.
  explicit DataLoader(Dataset data, DataLoaderOptions options = {}, Location where = {});

  /// The batches of one epoch: n / batch_size, rounded up, or down with drop_last.
  std::int64_t size() const;
  /// The number of the epoch that the next pass runs; 0 at first.
  std::uint64_t epoch() const { return epoch_; }
  /// Makes the next pass the n-th epoch, for instance to go on from a checkpoint.
  void set_epoch(std::uint64_t n) { epoch_ = n; }
  const Dataset& dataset() const { return data_; }
  const DataLoaderOptions& options() const { return options_; }

  /// Starts the next epoch. Passes may overlap; each keeps its own order.
  Iterator begin(Location where = {});
  std::default_sentinel_t end() const { return {}; }

 private:
  Dataset data_;
  DataLoaderOptions options_;
  std::int64_t rows_;
  std::uint64_t epoch_ = 0;
};

/// A place in one pass. Valid while its loader lives.
class DataLoader::Iterator {
 public:
  using value_type = Batch;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::input_iterator_tag;

  /// The batch here, copied from the data set anew by each call.
  Batch operator*() const;
  Iterator& operator++() {
    ++batch_;
    return *this;
  }
  void operator++(int) { ++batch_; }
  bool operator==(std::default_sentinel_t) const { return batch_ >= loader_->size(); }

 private:
  friend DataLoader;
  Iterator(const DataLoader& loader, Tensor order, Location where)
      : loader_(&loader), order_(std::move(order)), where_(where) {}

  const DataLoader* loader_;
  Tensor order_;  // of the rows; not defined() if they are not shuffled
  Location where_;
  std::int64_t batch_ = 0;
};

}  // namespace xtape::nn
