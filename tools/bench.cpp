// bench WORKLOAD --key value ...: times one workload and prints one line of JSON.
#include <bit>
#include <memory>
#include <optional>
#include <xtape/tools/bench/workloads.hpp>
#include <xtape/xtape.hpp>

using namespace xtape;

namespace {

using bench::Step;

void forget(const std::vector<Tensor>& tensors) {
  for (const Tensor& tensor : tensors) tensor.zero_grad();
}

Tensor random_leaf(const Shape& shape) { return randn(shape).requires_grad(true); }

Tensor random_classes(std::int64_t count, std::int64_t classes) {
  return cast(rand({count}) * static_cast<double>(classes), int64);
}

// A perceptron whose hidden layers may be normalised and thinned out.
struct Perceptron : nn::Module {
  explicit Perceptron(const bench::Mlp& options) : options(options) {
    const auto& sizes = options.sizes;
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
      const std::string number = std::to_string(i);
      layers.push_back(add("fc" + number, nn::Linear(sizes[i], sizes[i + 1])));
      if (i + 2 == sizes.size()) break;
      activations.push_back(add("activation" + number, nn::Activation(options.activation)));
      if (!options.batchnorm) continue;
      const Shape width{sizes[i + 1]};
      weights.push_back(parameter("weight" + number, ones(width)));
      biases.push_back(parameter("bias" + number, zeros(width)));
      means.push_back(zeros(width));
      variances.push_back(ones(width));
    }
  }

  Tensor forward(const Tensor& input) override {
    Tensor x = input;
    for (std::size_t i = 0; i < layers.size(); ++i) {
      x = layers[i](x);
      if (i == activations.size()) break;
      if (options.batchnorm)
        x = nn::batch_norm(x, means[i], variances[i],
                           {.weight = weights[i], .bias = biases[i], .training = true});
      x = activations[i](x);
      if (options.dropout > 0) x = nn::dropout(x, {.p = options.dropout});
    }
    return x;
  }

  bench::Mlp options;
  std::vector<nn::Linear> layers;
  std::vector<nn::Activation> activations;
  std::vector<Tensor> weights, biases, means, variances;
};

struct Convolutional : nn::Module {
  explicit Convolutional(const bench::Cnn& options) {
    const auto& channels = options.channels;
    std::int64_t size = options.image;
    for (std::size_t i = 0; i + 1 < channels.size(); ++i, size /= 2) {
      const double bound = 1 / std::sqrt(9.0 * static_cast<double>(channels[i]));
      const auto draw = [&](const Shape& shape) { return (rand(shape) * 2 - 1) * bound; };
      const std::string number = std::to_string(i);
      weights.push_back(parameter("weight" + number, draw({channels[i + 1], channels[i], 3, 3})));
      biases.push_back(parameter("bias" + number, draw({channels[i + 1]})));
    }
    last.push_back(add("fc", nn::Linear(channels.back() * size * size, options.classes)));
  }

  Tensor forward(const Tensor& input) override {
    Tensor x = input;
    for (std::size_t i = 0; i < weights.size(); ++i)
      x = max_pool2d(relu(conv2d(x, weights[i], biases[i], {.padding = 1})), 2);
    return last[0](flatten(x, 1));
  }

  std::vector<Tensor> weights, biases;
  std::vector<nn::Linear> last;
};

// zero_grad, forward, loss, backward, update.
Step training(const std::shared_ptr<nn::Module>& net, std::shared_ptr<optim::Optimizer> optimizer,
              const Tensor& x, const Tensor& classes, const Tensor& labels = {}) {
  return [=] {
    optimizer->zero_grad();
    const Tensor y = (*net)(x);
    const Tensor loss = labels.defined() ? nn::binary_cross_entropy_with_logits(y, labels)
                                         : nn::cross_entropy(y, classes);
    loss.backward();
    optimizer->step();
  };
}

std::shared_ptr<optim::Optimizer> make_optimizer(const std::string& name, double lr,
                                                 const std::vector<Tensor>& parameters) {
  if (name == "adam") return std::make_shared<optim::Adam>(parameters);
  return std::make_shared<optim::SGD>(parameters, optim::SGDOptions{.lr = lr, .momentum = 0.9});
}

// Subnormal numbers are told by their bits: where they are flushed, they equal 0.
struct Subnormals {
  std::int64_t count = 0, all = 0;
  void look_at(const Tensor& tensor) {
    if (!tensor.defined() || tensor.dtype() != float32) return;
    for (std::int64_t i = 0; i < tensor.numel(); ++i) {
      const std::uint32_t size = std::bit_cast<std::uint32_t>(tensor.data<float>()[i]) << 1;
      count += size != 0 && size < 0x01000000u;
    }
    all += tensor.numel();
  }
  double share() const { return static_cast<double>(count) / static_cast<double>(all); }
};

class Xtape final : public bench::Library {
 public:
  void set_threads(int threads) override {
    set_num_threads(threads);
    manual_seed(0);
  }

  void flush_denormals() override { flushing_.emplace(); }

  Step mlp(const bench::Mlp& o) override {
    const auto net = std::make_shared<Perceptron>(o);
    const Tensor x = randn({o.batch, o.sizes[0]});
    const bool binary = o.sizes.back() == 1;
    const Tensor labels = binary ? cast(rand({o.batch, 1}) > 0.5, float32) : Tensor();
    const auto optimizer = make_optimizer(o.optimizer, o.lr, net->parameters());
    const Step step = training(net, optimizer, x, random_classes(o.batch, o.sizes.back()), labels);
    for (std::int64_t i = 0; i < o.trained; ++i) step();
    notes_ = [net, optimizer] {
      Subnormals gradients, state;
      for (const Tensor& parameter : net->parameters()) gradients.look_at(parameter.grad());
      for (const auto& [name, tensor] : optimizer->state_dict()) state.look_at(tensor);
      return std::map<std::string, double>{{"subnormal_gradients", gradients.share()},
                                           {"subnormal_state", state.share()}};
    };
    return step;
  }

  std::map<std::string, double> notes() const override {
    return notes_ ? notes_() : std::map<std::string, double>{};
  }

  Step cnn(const bench::Cnn& o) override {
    const auto net = std::make_shared<Convolutional>(o);
    const Tensor x = randn({o.batch, o.channels[0], o.image, o.image});
    return training(net, make_optimizer("sgd", 0.01, net->parameters()), x,
                    random_classes(o.batch, o.classes));
  }

  // The first argument has n elements; parameters that are usually learnt are learnt here too, one
  // number each; the others are constants.
  Step elementwise(const bench::Function& o) override {
    const Entry& entry = find(o.function);
    if (!entry.formula)
      throw ValueError("bench", "'" + o.function + "' is not an element-wise function", {});
    const double low = entry.record.low, high = entry.record.high;
    std::vector<Tensor> arguments;
    for (std::size_t i = entry.parameters.size(); i < static_cast<std::size_t>(entry.arity); ++i)
      arguments.push_back(
          (rand({o.n}) * ((high - low) * o.scale) + low * o.scale).requires_grad(true));
    for (const Parameter& parameter : entry.parameters)
      arguments.push_back(full({}, parameter.value).requires_grad(parameter.learnt));
    const Tensor seed = ones({o.n});
    return [=, &entry] {
      forget(arguments);
      const std::vector<Arg> passed(arguments.begin(), arguments.end());
      const Tensor y = entry.formula->apply(passed);
      if (y.requires_grad()) y.backward(seed);
    };
  }

  Step loss(const bench::Loss& o) override {
    const Tensor x = random_leaf({o.rows, o.classes});
    const Tensor classes = random_classes(o.rows, o.classes);
    const Tensor target = rand({o.rows, o.classes});
    return [=] {
      x.zero_grad();
      if (o.name == "cross_entropy") nn::cross_entropy(x, classes).backward();
      else if (o.name == "hinge") nn::multi_margin_loss(x, classes).backward();
      else if (o.name == "logistic") nn::binary_cross_entropy_with_logits(x, target).backward();
      else if (o.name == "l1") nn::l1_loss(x, target).backward();
      else nn::mse_loss(x, target).backward();
    };
  }

  Step norm(const bench::Norm& o) override {
    const Tensor x = random_leaf({o.rows, o.cols});
    const Tensor weight = ones({o.cols}).requires_grad(true);
    const Tensor bias = zeros({o.cols}).requires_grad(true);
    const std::vector<Tensor> leaves{x, weight, bias};
    const Tensor mean = zeros({o.cols}), var = ones({o.cols}), seed = ones({o.rows, o.cols});
    return [=] {
      forget(leaves);
      const Tensor y =
          o.kind == "batch"
              ? nn::batch_norm(x, mean, var, {.weight = weight, .bias = bias, .training = true})
              : nn::layer_norm(x, {o.cols}, {.weight = weight, .bias = bias});
      y.backward(seed);
    };
  }

  Step matmul(const bench::Matmul& o) override {
    const Tensor a = random_leaf({o.m, o.k}), b = random_leaf({o.k, o.n}), seed = ones({o.m, o.n});
    const std::vector<Tensor> leaves{a, b};
    return [=] {
      forget(leaves);
      xtape::matmul(a, b).backward(seed);
    };
  }

  Step lstm(const bench::Lstm& o) override {
    const std::int64_t gates = 4 * o.hidden;
    const auto draw = [&](const Shape& shape) {
      const double bound = 1 / std::sqrt(static_cast<double>(o.hidden));
      return ((rand(shape) * 2 - 1) * bound).requires_grad(true);
    };
    const std::vector<nn::CellWeights> layers{
        {draw({gates, o.input}), draw({gates, o.hidden}), draw({gates}), draw({gates})}};
    const Tensor x = random_leaf({o.steps, o.batch, o.input});
    const nn::CellWeights& w = layers[0];
    const std::vector<Tensor> leaves{x, w.w_ih, w.w_hh, w.b_ih, w.b_hh};
    const Tensor start = zeros({1, o.batch, o.hidden});
    const Tensor seed = ones({o.steps, o.batch, o.hidden});
    return [=] {
      forget(leaves);
      nn::lstm(x, {start, start}, layers).output.backward(seed);
    };
  }

  Step attention(const bench::Attention& o) override {
    const Shape shape{o.batch, o.heads, o.length, o.dim};
    const Tensor q = random_leaf(shape), k = random_leaf(shape), v = random_leaf(shape);
    const std::vector<Tensor> leaves{q, k, v};
    const Tensor seed = ones(shape);
    return [=] {
      forget(leaves);
      nn::scaled_dot_product_attention(q, k, v).backward(seed);
    };
  }

  Step chain(const bench::Chain& o) override {
    const Tensor x = rand({4, 4}).requires_grad(!o.forward);
    const Tensor w = eye(4) * 0.9, order({2, 0, 3, 1}, int64), tangent = ones({4, 4});
    const auto run = [=](const Tensor& start) {
      Tensor y = start;
      for (std::int64_t i = 0; i < o.length; ++i) switch (i % 10) {
          case 0: y = y * start; break;
          case 1: y = sin(y); break;
          case 2: y = xtape::matmul(y, w); break;
          case 3: y = transpose(y); break;
          case 4: y = reshape(y, {2, 8}); break;
          case 5: y = tanh(y); break;
          case 6: y = reshape(y, {4, 4}); break;
          case 7: y = slice(y, 0, {.start = {}, .stop = {}, .step = -1}); break;
          case 8: y = index_select(y, 1, order); break;
          default: y = y + 0.5;
        }
      return y;
    };
    if (o.forward) return [=] { jvp(run, x, tangent); };
    return [=] {
      x.zero_grad();
      const Tensor y = run(x);
      y.backward(ones_like(y));
    };
  }

  Step gradcheck(const bench::Gradcheck& o) override {
    const std::int64_t in = std::max<std::int64_t>(1, o.parameters / 10);
    const Tensor x = randn({4, in}, float64), w = randn({10, in}, float64);
    const auto layer = [=](const Tensor& weight) { return sum(tanh(linear(x, weight))); };
    if (o.backward) {
      const Tensor leaf = w.detach().requires_grad(true);
      return [=] {
        leaf.zero_grad();
        layer(leaf).backward();
      };
    }
    return [=] {
      if (!xtape::gradcheck(layer, {w}).ok())
        throw std::runtime_error("bench: the gradients are wrong");
    };
  }

 private:
  std::optional<FlushDenormals> flushing_;
  std::function<std::map<std::string, double>()> notes_;
};

}  // namespace

int main(int argc, char** argv) {
  Xtape library;
  return bench::run(argc, argv, library);
}
