// Recurrent cells and sequences, embedding, attention.
#include <xtape/tools/conformance/binding.hpp>

namespace conformance {

namespace {

nn::CellWeights weights(const Call& c, std::size_t i) {
  return {c.in(i), c.in(i + 1), c.in(i + 2), c.in(i + 3)};
}

nn::Nonlinearity nonlinearity(const Call& c) {
  return c.text("nonlinearity", "tanh") == "relu" ? nn::Nonlinearity::relu : nn::Nonlinearity::tanh;
}

nn::SequenceOptions options(const Call& c) {
  return {.layers = static_cast<int>(c.integer("num_layers", 1)),
          .bidirectional = c.flag("bidirectional"),
          .batch_first = false,
          .nonlinearity = nonlinearity(c)};
}

std::vector<nn::CellWeights> all_weights(const Call& c, std::size_t first) {
  std::vector<nn::CellWeights> out;
  for (std::size_t i = first; i < c.inputs.size(); i += 4) out.push_back(weights(c, i));
  return out;
}

Outputs states(const nn::LstmState& state) { return Tensors{state.h, state.c}; }
Outputs states(const nn::Sequence& out) { return Tensors{out.output, out.h}; }

nn::BagMode bag_mode(const std::string& name) {
  if (name == "sum") return nn::BagMode::sum;
  return name == "max" ? nn::BagMode::max : nn::BagMode::mean;
}

}  // namespace

static const Bindings table{
    {"rnn_cell",
     [](const Call& c) { return nn::rnn_cell(c.in(0), c.in(1), weights(c, 2), nonlinearity(c)); }},
    {"lstm_cell",
     [](const Call& c) {
       return states(nn::lstm_cell(c.in(0), {c.in(1), c.in(2)}, weights(c, 3)));
     }},
    {"gru_cell", [](const Call& c) { return nn::gru_cell(c.in(0), c.in(1), weights(c, 2)); }},
    {"rnn_seq",
     [](const Call& c) {
       return states(nn::rnn(c.in(0), c.in(1), all_weights(c, 2), options(c)));
     }},
    {"lstm_seq",
     [](const Call& c) {
       const auto out = nn::lstm(c.in(0), {c.in(1), c.in(2)}, all_weights(c, 3), options(c));
       return Tensors{out.output, out.h, out.c};
     }},
    {"gru_seq",
     [](const Call& c) {
       return states(nn::gru(c.in(0), c.in(1), all_weights(c, 2), options(c)));
     }},
    {"embedding",
     [](const Call& c) {
       nn::EmbeddingOptions padding;
       if (c.has("padding_idx")) padding.padding_idx = c.integer("padding_idx");
       return nn::embedding(c.in(1), c.in(0), padding);
     }},
    {"embedding_bag",
     [](const Call& c) {
       return nn::embedding_bag(c.in(1), c.in(0), {.mode = bag_mode(c.text("mode", "mean"))});
     }},
    {"attention",
     [](const Call& c) {
       nn::AttentionOptions how{.mask = c.in(3), .causal = c.flag("causal"), .scale = {}};
       if (c.has("scale")) how.scale = c.number("scale");
       return nn::scaled_dot_product_attention(c.in(0), c.in(1), c.in(2), how);
     }},
    {"multi_head_attention",
     [](const Call& c) {
       const auto out = nn::multi_head_attention(
           c.in(0), c.in(1), c.in(2), c.integer("num_heads"),
           {.in_weight = c.in(3), .in_bias = c.in(4), .out_weight = c.in(5), .out_bias = c.in(6)});
       return Tensors{out.output, out.weights};
     }},
};

}  // namespace conformance
