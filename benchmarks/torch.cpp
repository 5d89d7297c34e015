// The workloads of `bench` written against libtorch's C++ frontend, as its users write them.
#include <torch/torch.h>

#include <xtape/tools/bench/workloads.hpp>

#include "openblas.hpp"

namespace {

using namespace bench;
using torch::Tensor;
namespace F = torch::nn::functional;

Tensor apply(const std::string& name, const Tensor& x) {
  if (name == "relu") return torch::relu(x);
  if (name == "tanh") return torch::tanh(x);
  if (name == "sigmoid") return torch::sigmoid(x);
  if (name == "elu") return torch::elu(x);
  if (name == "selu") return torch::selu(x);
  if (name == "celu") return torch::celu(x);
  if (name == "silu" || name == "swish") return torch::silu(x);
  if (name == "gelu") return torch::gelu(x);
  if (name == "gelu_tanh") return torch::gelu(x, "tanh");
  if (name == "mish") return torch::mish(x);
  if (name == "softplus") return torch::softplus(x);
  if (name == "log_sigmoid") return torch::log_sigmoid(x);
  if (name == "leaky_relu") return torch::leaky_relu(x);
  if (name == "relu6") return torch::hardtanh(x, 0, 6);
  if (name == "hardtanh") return torch::hardtanh(x);
  if (name == "hardsigmoid") return torch::hardsigmoid(x);
  if (name == "hardswish") return torch::hardswish(x);
  if (name == "softshrink") return torch::softshrink(x);
  if (name == "softsign") return F::softsign(x);
  if (name == "tanhshrink") return F::tanhshrink(x);
  throw std::invalid_argument("libtorch has no activation " + name);
}

// The learnt parameters of a function besides x.
struct Learnt {
  Tensor first, second;
};

class Torch final : public Library {
 public:
  void set_threads(int threads) override {
    torch::manual_seed(0);
    torch::set_num_threads(threads);
    set_openblas_threads(threads);
  }

  void flush_denormals() override { at::globalContext().setFlushDenormal(true); }

  Step mlp(const Mlp& o) override {
    torch::nn::Sequential net;
    for (std::size_t i = 0; i + 1 < o.sizes.size(); ++i) {
      net->push_back(torch::nn::Linear(o.sizes[i], o.sizes[i + 1]));
      if (i + 2 == o.sizes.size()) break;
      if (o.batchnorm) net->push_back(torch::nn::BatchNorm1d(o.sizes[i + 1]));
      net->push_back(
          torch::nn::Functional([name = o.activation](const Tensor& x) { return apply(name, x); }));
      if (o.dropout > 0) net->push_back(torch::nn::Dropout(o.dropout));
    }
    std::shared_ptr<torch::optim::Optimizer> optimizer;
    if (o.optimizer == "adam") optimizer = std::make_shared<torch::optim::Adam>(net->parameters());
    else
      optimizer = std::make_shared<torch::optim::SGD>(net->parameters(),
                                                      torch::optim::SGDOptions(o.lr).momentum(0.9));
    const Tensor x = torch::randn({o.batch, o.sizes[0]});
    const bool binary = o.sizes.back() == 1;
    const Tensor classes = torch::randint(o.sizes.back(), {o.batch});
    const Tensor labels = torch::rand({o.batch, 1}).gt(0.5).to(torch::kFloat);
    const Step step = [=]() mutable {
      optimizer->zero_grad();
      const Tensor y = net->forward(x);
      const Tensor loss = binary ? torch::binary_cross_entropy_with_logits(y, labels)
                                 : torch::cross_entropy_loss(y, classes);
      loss.backward();
      optimizer->step();
    };
    for (std::int64_t i = 0; i < o.trained; ++i) step();
    return step;
  }

  Step cnn(const Cnn& o) override {
    torch::nn::Sequential net;
    std::int64_t size = o.image;
    for (std::size_t i = 0; i + 1 < o.channels.size(); ++i, size /= 2) {
      net->push_back(torch::nn::Conv2d(
          torch::nn::Conv2dOptions(o.channels[i], o.channels[i + 1], 3).padding(1)));
      net->push_back(torch::nn::ReLU());
      net->push_back(torch::nn::MaxPool2d(2));
    }
    net->push_back(torch::nn::Flatten());
    net->push_back(torch::nn::Linear(o.channels.back() * size * size, o.classes));
    const auto optimizer = std::make_shared<torch::optim::SGD>(
        net->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9));
    const Tensor x = torch::randn({o.batch, o.channels[0], o.image, o.image});
    const Tensor classes = torch::randint(o.classes, {o.batch});
    return [=]() mutable {
      optimizer->zero_grad();
      torch::cross_entropy_loss(net->forward(x), classes).backward();
      optimizer->step();
    };
  }

  Step elementwise(const Function& o) override {
    const Tensor x = ((torch::rand({o.n}) * 6 - 3) * o.scale).requires_grad_(true);
    const Tensor seed = torch::ones({o.n});
    const auto learnt = [](double value) { return torch::full({}, value).requires_grad_(true); };
    const Learnt p{learnt(o.function == "prelu"   ? 0.25
                          : o.function == "swish" ? 1
                                                  : 0),
                   learnt(0.25)};
    return [=]() mutable {
      for (const Tensor& each : {x, p.first, p.second}) each.mutable_grad() = Tensor();
      Tensor y;
      if (o.function == "shifted_rectifier")
        y = torch::where(x > p.first, x, p.first + p.second * (x - p.first));
      else if (o.function == "prelu") y = torch::prelu(x, p.first.reshape({1}));
      else if (o.function == "swish") y = x * torch::sigmoid(p.first * x);
      else y = apply(o.function, x);
      y.backward(seed);
    };
  }

  Step loss(const Loss& o) override {
    const Tensor x = torch::randn({o.rows, o.classes}).requires_grad_(true);
    const Tensor classes = torch::randint(o.classes, {o.rows});
    const Tensor target = torch::rand({o.rows, o.classes});
    return [=]() mutable {
      x.mutable_grad() = Tensor();
      Tensor y;
      if (o.name == "cross_entropy") y = torch::cross_entropy_loss(x, classes);
      else if (o.name == "hinge") y = torch::multi_margin_loss(x, classes);
      else if (o.name == "logistic") y = torch::binary_cross_entropy_with_logits(x, target);
      else if (o.name == "l1") y = torch::l1_loss(x, target);
      else y = torch::mse_loss(x, target);
      y.backward();
    };
  }

  Step norm(const Norm& o) override {
    const Tensor x = torch::randn({o.rows, o.cols}).requires_grad_(true);
    const Tensor weight = torch::ones({o.cols}).requires_grad_(true);
    const Tensor bias = torch::zeros({o.cols}).requires_grad_(true);
    const Tensor mean = torch::zeros({o.cols}), var = torch::ones({o.cols});
    const Tensor seed = torch::ones({o.rows, o.cols});
    return [=]() mutable {
      for (const Tensor& each : {x, weight, bias}) each.mutable_grad() = Tensor();
      const Tensor y = o.kind == "batch"
                           ? torch::batch_norm(x, weight, bias, mean, var, true, 0.1, 1e-5, false)
                           : torch::layer_norm(x, {o.cols}, weight, bias);
      y.backward(seed);
    };
  }

  Step matmul(const Matmul& o) override {
    const Tensor a = torch::randn({o.m, o.k}).requires_grad_(true);
    const Tensor b = torch::randn({o.k, o.n}).requires_grad_(true);
    const Tensor seed = torch::ones({o.m, o.n});
    return [=]() mutable {
      for (const Tensor& each : {a, b}) each.mutable_grad() = Tensor();
      torch::matmul(a, b).backward(seed);
    };
  }

  Step lstm(const Lstm& o) override {
    torch::nn::LSTM net(torch::nn::LSTMOptions(o.input, o.hidden));
    const Tensor x = torch::randn({o.steps, o.batch, o.input}).requires_grad_(true);
    const Tensor seed = torch::ones({o.steps, o.batch, o.hidden});
    return [=]() mutable {
      net->zero_grad(true);
      x.mutable_grad() = Tensor();
      std::get<0>(net->forward(x)).backward(seed);
    };
  }

  Step attention(const Attention& o) override {
    const auto make = [&] {
      return torch::randn({o.batch, o.heads, o.length, o.dim}).requires_grad_(true);
    };
    const Tensor q = make(), k = make(), v = make(), seed = torch::ones_like(q);
    const double scale = 1 / std::sqrt(static_cast<double>(o.dim));
    return [=]() mutable {
      for (const Tensor& each : {q, k, v}) each.mutable_grad() = Tensor();
      const Tensor weights = torch::softmax(torch::matmul(q, k.transpose(-2, -1)) * scale, -1);
      torch::matmul(weights, v).backward(seed);
    };
  }

  Step chain(const Chain& o) override {
    if (o.forward) throw std::invalid_argument("no forward mode is measured in libtorch");
    const Tensor x = torch::rand({4, 4}).requires_grad_(true), w = torch::eye(4) * 0.9;
    const Tensor order = torch::tensor({2, 0, 3, 1});
    return [=]() mutable {
      x.mutable_grad() = Tensor();
      Tensor y = x;
      for (std::int64_t i = 0; i < o.length; ++i) switch (i % 10) {
          case 0: y = y * x; break;
          case 1: y = torch::sin(y); break;
          case 2: y = torch::matmul(y, w); break;
          case 3: y = torch::transpose(y, 0, 1); break;
          case 4: y = torch::reshape(y, {2, 8}); break;
          case 5: y = torch::tanh(y); break;
          case 6: y = torch::reshape(y, {4, 4}); break;
          case 7: y = torch::flip(y, {0}); break;
          case 8: y = torch::index_select(y, 1, order); break;
          default: y = y + 0.5;
        }
      y.backward(torch::ones_like(y));
    };
  }

  Step gradcheck(const Gradcheck&) override {
    throw std::invalid_argument("libtorch's C++ frontend has no gradcheck");
  }
};

}  // namespace

int main(int argc, char** argv) {
  Torch torch;
  return bench::run(argc, argv, torch);
}
