// bench WORKLOAD --key value ...: times one workload and prints one line of JSON.
#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <functional>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>
#include <xtape/xtape.hpp>

using namespace xtape;

namespace {

struct Timing {
  double seconds = 2;
  int threads = 1;
};

double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

// Runs `step` for about `timing.seconds` after a warm-up. Short steps are timed in groups, so that
// reading the clock does not count.
void measure(nlohmann::ordered_json line, const Timing& timing, const std::function<void()>& step) {
  for (int i = 0; i < 3; ++i) step();
  double start = now();
  int group = 0;
  do {
    step();
    ++group;
  } while (now() - start < 1e-3);
  for (const double end = now() + timing.seconds / 10; now() < end;) step();
  std::vector<double> samples;
  for (const double end = now() + timing.seconds; now() < end || samples.size() < 5;) {
    start = now();
    for (int i = 0; i < group; ++i) step();
    samples.push_back((now() - start) / group * 1e6);
  }
  std::sort(samples.begin(), samples.end());
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  line["median_us"] = samples[samples.size() / 2];
  line["min_us"] = samples.front();
  line["samples"] = samples.size();
  line["threads"] = timing.threads;
  line["peak_rss_kb"] = usage.ru_maxrss;
  std::printf("%s\n", line.dump().c_str());
}

struct Mlp {
  std::vector<std::int64_t> sizes{784, 512, 512, 10};
  std::int64_t batch = 128;
  std::string activation = "relu", optimizer = "sgd";

  void run(const Timing& timing) const {
    nn::Sequential net;
    for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
      if (i > 0) net.append(nn::Activation(activation));
      net.append(nn::Linear(sizes[i], sizes[i + 1]));
    }
    const Tensor x = randn({batch, sizes[0]});
    const bool binary = sizes.back() == 1;
    const Tensor classes = cast(rand({batch}) * static_cast<double>(sizes.back()), int64);
    const Tensor labels = cast(rand({batch, 1}) > 0.5, float32);
    std::unique_ptr<optim::Optimizer> updates;
    if (optimizer == "adam") updates = std::make_unique<optim::Adam>(net.parameters());
    else
      updates = std::make_unique<optim::SGD>(net.parameters(),
                                             optim::SGDOptions{.lr = 0.01, .momentum = 0.9});
    measure({{"workload", "mlp"}}, timing, [&] {
      updates->zero_grad();
      const Tensor y = net(x);
      const Tensor loss =
          binary ? nn::binary_cross_entropy_with_logits(y, labels) : nn::cross_entropy(y, classes);
      loss.backward();
      updates->step();
    });
  }
};

// Forward and backward with a fresh gradient. The first argument has n elements; parameters that
// are usually learnt are learnt here too, one number each; the others are constants.
struct ElementwiseRun {
  std::string function = "shifted_rectifier";
  std::int64_t n = 1'000'000;

  void run(const Timing& timing) const {
    const Entry& entry = find(function);
    if (!entry.formula)
      throw ValueError("bench", "'" + function + "' is not an element-wise function", {});
    const double low = entry.record.low, high = entry.record.high;
    std::vector<Tensor> arguments;
    for (std::size_t i = entry.parameters.size(); i < static_cast<std::size_t>(entry.arity); ++i)
      arguments.push_back((rand({n}) * (high - low) + low).requires_grad(true));
    for (const Parameter& parameter : entry.parameters)
      arguments.push_back(full({}, parameter.value).requires_grad(parameter.learnt));
    const std::vector<Arg> passed(arguments.begin(), arguments.end());
    const Tensor seed = ones({n});
    measure({{"workload", "elementwise"}, {"function", function}, {"n", n}}, timing, [&] {
      for (const Tensor& argument : arguments) argument.zero_grad();
      const Tensor y = entry.formula->apply(passed);
      if (y.requires_grad()) y.backward(seed);
    });
  }
};

// Forward and backward of a chain of element-wise and array operations on a few elements, one
// node for each; or in forward mode, with no tape.
struct Chain {
  std::int64_t length = 100'000;
  bool forward = false;

  Tensor operator()(const Tensor& x) const {
    const Tensor w = eye(4) * 0.9, order({2, 0, 3, 1}, int64);
    Tensor y = x;
    for (std::int64_t i = 0; i < length; ++i) switch (i % 10) {
        case 0: y = y * x; break;
        case 1: y = sin(y); break;
        case 2: y = matmul(y, w); break;
        case 3: y = transpose(y); break;
        case 4: y = reshape(y, {2, 8}); break;
        case 5: y = tanh(y); break;
        case 6: y = reshape(y, {4, 4}); break;
        case 7: y = slice(y, 0, {.start = {}, .stop = {}, .step = -1}); break;
        case 8: y = index_select(y, 1, order); break;
        default: y = y + 0.5;
      }
    return y;
  }
  void run(const Timing& timing) const {
    const Tensor x = rand({4, 4}).requires_grad(!forward);
    measure({{"workload", "chain"}, {"length", length}, {"forward", forward}}, timing, [&] {
      if (forward) {
        jvp(*this, x, ones({4, 4}));
      } else {
        x.zero_grad();
        const Tensor y = (*this)(x);
        y.backward(ones(y.shape()));
      }
    });
  }
};

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times one workload and prints one line of JSON.", "bench");
  app.require_subcommand(1);
  Timing timing;
  app.add_option("--threads", timing.threads, "Threads")->check(CLI::PositiveNumber);
  app.add_option("--seconds", timing.seconds, "Time to measure for")->check(CLI::PositiveNumber);
  app.fallthrough();

  Mlp mlp;
  CLI::App* mlp_app = app.add_subcommand("mlp", "A training step of a multi-layer perceptron");
  mlp_app->add_option("--sizes", mlp.sizes, "Sizes of the layers")->delimiter(',')->expected(2, 99);
  mlp_app->add_option("--batch", mlp.batch)->check(CLI::PositiveNumber);
  mlp_app->add_option("--activation", mlp.activation, "Any activation of the catalogue");
  mlp_app->add_option("--optimizer", mlp.optimizer)->check(CLI::IsMember({"sgd", "adam"}));

  ElementwiseRun elementwise;
  CLI::App* elementwise_app =
      app.add_subcommand("elementwise", "Forward and backward of an element-wise function");
  elementwise_app->add_option("--function", elementwise.function, "Any formula of the catalogue");
  elementwise_app->add_option("--n", elementwise.n, "Elements")->check(CLI::NonNegativeNumber);

  Chain chain;
  CLI::App* chain_app = app.add_subcommand("chain", "Forward and backward of a long chain");
  chain_app->add_option("--length", chain.length, "Operations")->check(CLI::PositiveNumber);
  chain_app->add_flag("--forward", chain.forward, "Forward mode instead of a tape");

  try {
    app.parse(argc, argv);
    set_num_threads(timing.threads);
    manual_seed(0);
    if (*mlp_app) mlp.run(timing);
    if (*elementwise_app) elementwise.run(timing);
    if (*chain_app) chain.run(timing);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
