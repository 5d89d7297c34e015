// A network of every layer, its random masks frozen, against differences.
#include <xtape/nn/attention_layer.hpp>
#include <xtape/nn/convolutions.hpp>
#include <xtape/nn/dropout_layers.hpp>
#include <xtape/nn/embedding_layers.hpp>
#include <xtape/nn/more_layers.hpp>
#include <xtape/nn/norm_layers.hpp>
#include <xtape/nn/poolings.hpp>
#include <xtape/nn/recurrent_layers.hpp>
#include <xtape/nn/reparametrize.hpp>
#include <xtape/nn/shape_layers.hpp>

#include "layer_check.hpp"

using namespace xtape;

namespace {

constexpr DType wide = float64;

// gradcheck() of a module by its input and all its parameters.
GradcheckReport module_gradcheck(nn::Module& module, const Tensor& x, bool fast) {
  const std::vector<Tensor> parameters = module.parameters();
  std::vector<Tensor> inputs = {x};
  for (const Tensor& parameter : parameters) inputs.push_back(parameter.detach().copy());
  const auto f = [&](const std::vector<Tensor>& in) {
    for (std::size_t i = 0; i < parameters.size(); ++i) parameters[i].become(in[i + 1]);
    return module(in[0]);
  };
  return gradcheck(f, inputs, {.fast = fast});
}

nn::Sequential image_layers() {
  nn::Sequential net(nn::Conv2d(2, 4, 3, {.padding = 1, .dtype = wide}),
                     nn::BatchNorm2d(4, {.dtype = wide}), nn::Dropout2d(0.3),
                     nn::PReLU(4, 0.3, wide), nn::MaxPool2d(2),
                     nn::ConvTranspose2d(4, 4, 2, {.stride = 2, .dtype = wide}),
                     nn::GroupNorm(2, 4, {.dtype = wide}), nn::Activation("mish"), nn::AvgPool2d(2),
                     nn::InstanceNorm2d(4, {.affine = true, .dtype = wide}),
                     nn::Upsample({.scale_factor = 2, .mode = "bilinear"}));
  for (const nn::Step& step :
       {nn::Step(nn::PixelShuffle(2)), nn::Step(nn::LocalResponseNorm(1, {.alpha = 0.3})),
        nn::Step(nn::LPPool2d(2, 3)), nn::Step(nn::ZeroPad2d(0, 1, 1, 0)),
        nn::Step(nn::AdaptiveAvgPool2d(4)), nn::Step(nn::AdaptiveMaxPool2d(3)),
        nn::Step(nn::Flatten())})
    net.append(step);
  return net;
}

nn::Sequential vector_layers() {
  return nn::Sequential(
      nn::Linear(9, 6, {.dtype = wide}), nn::BatchNorm1d(6, {.dtype = wide}), nn::Dropout(0.3),
      nn::Activation("swish", {.learnable = true, .dtype = wide}), nn::Identity(),
      nn::Maxout(6, 6, 2, {.dtype = wide}), nn::LayerNorm(6, {.dtype = wide}),
      nn::AlphaDropout(0.3), nn::DropConnect(6, 6, {.p = 0.3, .dtype = wide}),
      nn::RMSNorm(6, {.dtype = wide}), nn::GaussianDropout(0.3),
      nn::weight_norm(nn::Linear(6, 6, {.dtype = wide})), nn::Unflatten(1, {2, 3}));
}

nn::Sequential sequence_layers() {
  return nn::Sequential(
      nn::RNN(3, 4, {.dtype = wide}), nn::GRU(4, 4, {.dtype = wide}),
      nn::LSTM(4, 4, {.num_layers = 2, .dropout = 0.3, .bidirectional = true, .dtype = wide}),
      nn::MultiheadAttention(8, 2, {.dropout = 0.2, .dtype = wide}), nn::RReLU(),
      nn::Conv1d(2, 4, 2, {.dtype = wide}), nn::ConvTranspose1d(4, 3, 2, {.dtype = wide}),
      nn::Dropout1d(0.2), nn::FeatureAlphaDropout(0.2), nn::BatchNorm1d(3, {.dtype = wide}),
      nn::GLU(), nn::LogSoftmax(-1));
}

}  // namespace

TEST_CASE("every layer: the whole network against differences, in a random direction") {
  manual_seed(21);
  nn::Sequential net(image_layers(), vector_layers(), sequence_layers());
  const Tensor x = randn({4, 2, 6, 6}, wide);
  const GradcheckReport report = module_gradcheck(net, x, true);
  INFO(report.str());
  CHECK(report.ok());
  CHECK(report.deterministic);
  CHECK(report.elements() == 1 + static_cast<std::int64_t>(net.parameters().size()));
  net.eval();
  const GradcheckReport evaluated = module_gradcheck(net, x, true);
  INFO(evaluated.str());
  CHECK(evaluated.ok());
}

TEST_CASE("every layer: dropout and batch norm, element by element") {
  manual_seed(22);
  nn::Sequential net = vector_layers();
  const GradcheckReport report = module_gradcheck(net, randn({5, 9}, wide), false);
  INFO(report.str());
  CHECK(report.ok());
  CHECK(report.elements() == 45 + net.parameter_count());
}

TEST_CASE("every layer: three spatial axes, cells, tables, two inputs, computed weights") {
  manual_seed(23);
  struct Net : nn::Module {
    nn::Conv3d conv = add("conv", nn::Conv3d(1, 2, 2, {.dtype = wide}));
    nn::BatchNorm3d norm = add("norm", nn::BatchNorm3d(2, {.dtype = wide}));
    nn::Dropout3d drop = add("drop", nn::Dropout3d(0.2));
    nn::RNNCell rnn = add("rnn", nn::RNNCell(4, 3, {.dtype = wide}));
    nn::GRUCell gru = add("gru", nn::GRUCell(4, 3, {.dtype = wide}));
    nn::LSTMCell lstm = add("lstm", nn::LSTMCell(4, 3, {.dtype = wide}));
    nn::Embedding table = add("table", nn::Embedding(5, 3, {.dtype = wide}));
    nn::EmbeddingBag bag = add("bag", nn::EmbeddingBag(5, 3, {.dtype = wide}));
    nn::Bilinear both = add("both", nn::Bilinear(3, 3, 2, {.dtype = wide}));
    nn::Linear last = add("last", nn::spectral_norm(nn::Linear(2, 2, {.dtype = wide})));
    Net() { last.eval(); }  // in training each call takes a step to the singular value
    Tensor forward(const Tensor& x) override {
      const Tensor cubes = drop(norm(conv(x)));
      const Tensor y = slice(flatten(cubes, 1), 1, {.start = 0, .stop = 4});
      const Tensor rows =
          table(Tensor({1, 4, 1}, int64)) + bag(Tensor({{0, 2}, {1, 1}, {3, 4}}, int64));
      const Tensor h = rnn(y, gru(y, rows));
      return last(both(h, lstm(y, {rows, h}).c));
    }
  };
  Net net;
  const GradcheckReport report = module_gradcheck(net, randn({3, 1, 3, 3, 3}, wide), true);
  INFO(report.str());
  CHECK(report.ok());
}
