// A loader whose batches are made ahead by a thread, while the ones before are being used:
//
//   PrefetchLoader loader(DataLoader(set, {.batch_size = 64, .shuffle = true}),
//                         {.transform = [](Batch b, Generator& g) { ... return b; }});
//   for (const auto& [x, y] : loader) ...
#pragma once

#include <functional>
#include <memory>
#include <xtape/autograd/generator.hpp>
#include <xtape/nn/loader.hpp>

namespace xtape::nn {

struct PrefetchOptions {
  std::int64_t batches = 2;  ///< how many are ready at most; 0 makes each when it is asked for
  /// What is done to each batch, for instance augmentation. The generator is the batch's own: it
  /// follows from the loader's seed, the epoch and the number of the batch. Runs on the thread,
  /// without recording.
  std::function<Batch(Batch batch, Generator& generator)> transform{};
};

/// Gives the same batches, bit for bit, as the loader that it wraps, whatever the number ahead.
class PrefetchLoader {
 public:
  class Iterator;

  /// Throws ValueError for a negative number of batches.
  explicit PrefetchLoader(DataLoader loader, PrefetchOptions options = {}, Location where = {});

  /// As those of DataLoader.
  std::int64_t size() const { return loader_.size(); }
  std::uint64_t epoch() const { return loader_.epoch(); }
  void set_epoch(std::uint64_t n) { loader_.set_epoch(n); }
  const DataLoader& loader() const { return loader_; }

  /// Starts the next epoch and its thread, which ends with the last batch or the last iterator.
  /// What the thread throws is thrown by the iterator when the batches before are used up.
  Iterator begin(Location where = {});
  std::default_sentinel_t end() const { return {}; }

 private:
  DataLoader loader_;
  PrefetchOptions options_;
};

/// A place in one pass; copies are the same place. Valid while its loader lives.
class PrefetchLoader::Iterator {
 public:
  using value_type = Batch;
  using difference_type = std::ptrdiff_t;
  using iterator_concept = std::input_iterator_tag;

  /// The batch here.
  const Batch& operator*() const;
  const Batch* operator->() const { return &**this; }
  Iterator& operator++();
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const;

 private:
  friend PrefetchLoader;
  class Pass;
  explicit Iterator(std::shared_ptr<Pass> pass) : pass_(std::move(pass)) {}

  std::shared_ptr<Pass> pass_;
};

}  // namespace xtape::nn
