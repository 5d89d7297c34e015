#include <fmt/format.h>

#include <algorithm>
#include <xtape/nn/loader.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/random.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::nn {

namespace {
// Epoch n draws its order from this stream plus n, far from those that a generator with the same
// seed counts from 0.
constexpr std::uint64_t first_stream = std::uint64_t{1} << 61;
}  // namespace

std::int64_t Dataset::size(Location where) const {
  if (x.rank(where) == 0 || y.rank(where) == 0)
    raise<ShapeError>(where, "Dataset",
                      fmt::format("rows along axis 0 wanted: x has shape {}, y {}", x.shape().str(),
                                  y.shape().str()));
  if (x.size(0) != y.size(0))
    raise<ShapeError>(where, "Dataset",
                      fmt::format("x has {} rows, y has {}: shapes {} and {}", x.size(0), y.size(0),
                                  x.shape().str(), y.shape().str()));
  return x.size(0);
}

DataLoader::DataLoader(Dataset data, DataLoaderOptions options, Location where)
    : data_(std::move(data)), options_(options), rows_(data_.size(where)) {
  if (options_.batch_size < 1)
    raise<ValueError>(where, "DataLoader",
                      fmt::format("batch_size is {}, at least 1 wanted", options_.batch_size));
}

std::int64_t DataLoader::size() const {
  const std::int64_t whole = rows_ / options_.batch_size;
  return options_.drop_last || rows_ % options_.batch_size == 0 ? whole : whole + 1;
}

DataLoader::Iterator DataLoader::begin(Location where) {
  const std::uint64_t epoch = epoch_++;
  Tensor order;
  if (options_.shuffle) {
    Generator generator(options_.seed);
    generator.set_stream(first_stream + epoch);
    order = randperm(rows_, generator, where);
  }
  return Iterator(*this, order, where);
}

Batch DataLoader::Iterator::operator*() const {
  const Caller caller(where_);
  const auto& [x, y] = loader_->data_;
  const std::int64_t start = batch_ * loader_->options_.batch_size;
  const std::int64_t count = std::min(loader_->options_.batch_size, loader_->rows_ - start);
  const Range range{.start = start, .stop = start + count};
  if (!order_.defined()) return {slice(x, 0, range), slice(y, 0, range)};
  const Tensor rows = slice(order_, 0, range);
  return {index_select(x, 0, rows), index_select(y, 0, rows)};
}

}  // namespace xtape::nn
