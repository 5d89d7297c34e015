// A training loop written out by hand: a network with a learnable activation on points in the
// plane. Builds on 03_rectifier.
#include <cstdio>
#include <xtape/xtape.hpp>

using namespace xtape;

// What forward() uses is registered by add() and parameter(); what is forgotten is an error.
struct Net : nn::Module {
  nn::Linear fc1 = add("fc1", nn::Linear(2, 32));
  nn::Linear fc2 = add("fc2", nn::Linear(32, 3));
  Tensor slope = parameter("slope", full({32}, 0.25));  // one for each hidden unit

  Tensor forward(const Tensor& x) override { return fc2(prelu(fc1(x), slope)); }
};

double accuracy(Net& net, const nn::Dataset& set) {
  const NoGrad no_grad;  // nothing is recorded here
  const Tensor right = argmax(net(set.x), 1) == set.y;
  return mean(cast(right, float32)).item<double>();
}

int main() {
  manual_seed(1);  // the weights' draw; the loader has a seed of its own
  Net net;
  for (const auto& [name, tensor] : net.named_parameters())
    std::printf("%-10s %s\n", name.c_str(), tensor.shape().str().c_str());

  const nn::Dataset train = nn::spiral(1500, 1), test = nn::spiral(1500, 2);
  nn::DataLoader loader(train, {.batch_size = 50, .shuffle = true, .seed = 1});
  optim::SGD optimizer(net.parameters(), {.lr = 0.1, .momentum = 0.9});

  for (int epoch = 0; epoch < 40; ++epoch) {
    for (auto [x, y] : loader) {
      Tensor loss = nn::cross_entropy(net(x), y);
      optimizer.zero_grad();
      loss.backward();
      optimizer.step();
    }
  }
  std::printf("more than 95 %% right on new points: %s\n",
              accuracy(net, test) > 0.95 ? "yes" : "no");
}

// Output:
//   slope      [32]
//   fc1.weight [32, 2]
//   fc1.bias   [32]
//   fc2.weight [3, 32]
//   fc2.bias   [3]
//   more than 95 % right on new points: yes
