// The perceptron of `bench` written against MLX's C++ interface, on the CPU. Weights lie as inputs
// by outputs, so that their gradients lie as they do: the other way, that of MLX's own layers, took
// a fifth longer. mlx::core::compile() took a quarter longer for layers of 512, and gained nothing
// for those of 256 and 128.
#include <mlx/mlx.h>

#include <cmath>
#include <memory>
#include <stdexcept>
#include <xtape/tools/bench/workloads.hpp>

#include "openblas.hpp"

namespace {

using namespace bench;
namespace mx = mlx::core;
using mx::array;
using Arrays = std::vector<array>;
using Transformation = std::function<Arrays(const Arrays&)>;

array activate(const std::string& name, const array& x) {
  if (name == "relu") return mx::maximum(x, array(0.0F));
  if (name == "tanh") return mx::tanh(x);
  if (name == "sigmoid") return mx::sigmoid(x);
  throw std::invalid_argument("mlp is written for MLX with relu, tanh and sigmoid only, not " +
                              name);
}

class Mlx final : public Library {
 public:
  void set_threads(int threads) override {
    mx::set_default_device(mx::Device::cpu);
    mx::random::seed(0);
    set_openblas_threads(threads);
  }

  Step mlp(const Mlp& o) override {
    activate(o.activation, array(0.0F));
    if (o.batchnorm || o.dropout > 0 || o.optimizer != "sgd" || o.sizes.back() == 1)
      throw std::invalid_argument("mlp is written for MLX with classes and sgd only");
    std::vector<int> sizes(o.sizes.begin(), o.sizes.end());
    const int batch = static_cast<int>(o.batch);
    // parameters, as many velocities, then what is learnt: arguments and their classes
    Arrays state;
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
      const float bound = 1 / std::sqrt(static_cast<float>(sizes[i]));
      const array low(-bound), high(bound);
      state.push_back(mx::random::uniform(low, high, {sizes[i], sizes[i + 1]}));
      state.push_back(mx::random::uniform(low, high, {sizes[i + 1]}));
    }
    const std::size_t count = state.size();
    for (std::size_t i = 0; i < count; ++i) state.push_back(mx::zeros_like(state[i]));
    state.push_back(mx::random::normal({batch, sizes[0]}, mx::float32, 0, 1));
    state.push_back(mx::random::randint(array(0), array(sizes.back()), {batch, 1}));
    mx::eval(state);
    const Transformation loss = [count, name = o.activation](const Arrays& all) -> Arrays {
      array y = all[2 * count];
      for (std::size_t i = 0; i < count; i += 2) {
        y = mx::addmm(all[i + 1], y, all[i]);
        if (i + 2 < count) y = activate(name, y);
      }
      const array chosen = mx::take_along_axis(y, all[2 * count + 1], 1);
      return {mx::mean(mx::subtract(mx::logsumexp(y, 1, true), chosen), false)};
    };
    std::vector<int> learnt(count);
    for (std::size_t i = 0; i < count; ++i) learnt[i] = static_cast<int>(i);
    const Transformation update = [=, slopes = mx::value_and_grad(loss, learnt),
                                   lr = static_cast<float>(o.lr)](const Arrays& all) -> Arrays {
      const auto [value, gradients] = slopes(all);
      Arrays next = all;
      for (std::size_t i = 0; i < count; ++i) {
        next[count + i] = mx::add(mx::multiply(array(0.9F), all[count + i]), gradients[i]);
        next[i] = mx::subtract(all[i], mx::multiply(array(lr), next[count + i]));
      }
      next.push_back(value[0]);
      return next;
    };
    const Step step = [=]() mutable {
      // what was before is held by the new arrays only, which may take its memory
      state = update(state);
      mx::eval(state);
      state.pop_back();
    };
    for (std::int64_t i = 0; i < o.trained; ++i) step();
    return step;
  }
};

}  // namespace

int main(int argc, char** argv) {
  Mlx mlx;
  return bench::run(argc, argv, mlx);
}
