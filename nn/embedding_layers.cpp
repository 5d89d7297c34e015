#include <fmt/format.h>

#include <xtape/autograd/tape.hpp>
#include <xtape/nn/embedding_layers.hpp>
#include <xtape/nn/init.hpp>
#include <xtape/ops/slicing.hpp>

namespace xtape::nn {

namespace {

Tensor drawn(std::int64_t rows, std::int64_t width, DType dtype, const char* layer,
             const Location& where) {
  if (rows < 1 || width < 1)
    raise<ValueError>(where, layer,
                      fmt::format("sizes of at least 1 wanted: {} rows of {}", rows, width));
  return init::normal(Tensor::empty({rows, width}, dtype), 0, 1, Generator::global(), where);
}

}  // namespace

Embedding::Embedding(std::int64_t num_embeddings, std::int64_t embedding_dim,
                     const EmbeddingLayerOptions& options, Location where)
    : options_{options.padding_idx} {
  weight = parameter(
      "weight", drawn(num_embeddings, embedding_dim, options.dtype, "Embedding", where), where);
  if (!options.padding_idx) return;
  const std::int64_t given = *options.padding_idx, row = given < 0 ? given + num_embeddings : given;
  if (row < 0 || row >= num_embeddings)
    raise<IndexError>(where, "Embedding",
                      fmt::format("padding_idx {}, but there are {} rows", given, num_embeddings));
  const NoGrad no_grad;
  assign(weight, {row}, 0);
}

Tensor Embedding::forward(const Tensor& index) {
  return embedding(index, Arg(weight, call_site()), options_);
}

EmbeddingBag::EmbeddingBag(std::int64_t num_embeddings, std::int64_t embedding_dim,
                           const EmbeddingBagLayerOptions& options, Location where)
    : options_{options.mode} {
  weight = parameter(
      "weight", drawn(num_embeddings, embedding_dim, options.dtype, "EmbeddingBag", where), where);
}

Tensor EmbeddingBag::forward(const Tensor& index) {
  return embedding_bag(index, Arg(weight, call_site()), options_);
}

}  // namespace xtape::nn
