#include <fmt/format.h>

#include <xtape/nn/embedding.hpp>
#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::nn {

namespace {

Tensor rows_of(const Tensor& index, const Arg& argument, std::optional<std::int64_t> padding,
               const char* op) {
  const Location at = argument.where();
  const Caller caller(at);
  const Tensor weight = argument.as_tensor(float32);
  if (weight.rank() != 2)
    raise<ShapeError>(at, op,
                      fmt::format("a weight [V, D] wanted, its shape is {}", weight.shape().str()));
  if (index.dtype() != int64)
    raise<DTypeError>(at, op, fmt::format("the index is {}, int64 wanted", name_of(index.dtype())));
  const std::int64_t rows = weight.shape()[0];
  const std::int64_t* numbers = index.data<std::int64_t>();
  for (std::int64_t i = 0, end = index.numel(); i < end; ++i)
    if (numbers[i] < 0 || numbers[i] >= rows)
      raise<IndexError>(
          at, op,
          fmt::format("index {} at position {}, but there are {} rows", numbers[i], i, rows));
  const Tensor flat = reshape(index, {index.numel()});
  Tensor out = index_select(weight, 0, flat);
  if (padding) {
    const std::int64_t row = *padding < 0 ? *padding + rows : *padding;
    if (row < 0 || row >= rows)
      raise<IndexError>(at, op,
                        fmt::format("padding_idx {}, but there are {} rows", *padding, rows));
    out = where(unsqueeze(flat == row, -1), out.detach(), out);
  }
  Shape shape = index.shape();
  shape.push_back(weight.shape()[1]);
  return reshape(out, shape);
}

}  // namespace

Tensor embedding(const Tensor& index, const Arg& weight, const EmbeddingOptions& options) {
  return rows_of(index, weight, options.padding_idx, "embedding");
}

Tensor embedding_bag(const Tensor& index, const Arg& weight, const EmbeddingBagOptions& options) {
  constexpr const char* op = "embedding_bag";
  const Caller caller(weight.where());
  if (index.rank() != 2)
    raise<ShapeError>(weight.where(), op,
                      fmt::format("an index [B, n] wanted, its shape is {}", index.shape().str()));
  const Tensor rows = rows_of(index, weight, {}, op);
  if (options.mode == BagMode::sum || index.shape()[1] == 0) return sum(rows, 1);
  if (options.mode == BagMode::mean) return mean(rows, 1);
  return squeeze(gather(rows, 1, argmax(rows, 1, true)), 1);
}

}  // namespace xtape::nn
