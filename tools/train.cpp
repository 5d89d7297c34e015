// train: trains a network on a data set and says how well it does on samples it has not seen.
#include <fmt/core.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <xtape/xtape.hpp>

using namespace xtape;

namespace {

struct Settings {
  std::string data = "digits", model = "mlp:256,128", activation = "relu";
  std::int64_t epochs = 10, batch = 64;
  double lr = 0.05, momentum = 0.9;
  std::uint64_t seed = 0;
  int threads = num_threads();
  bool json = false;
};

double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

// One of the sets in the plane: points for training and as many from another seed for the test.
nn::TrainTest planar(nn::Dataset (*make)(std::int64_t, std::uint64_t, Location),
                     std::int64_t classes, std::uint64_t seed) {
  constexpr std::int64_t points = 2000;
  return {make(points, 2 * seed, {}), make(points, 2 * seed + 1, {}), classes};
}

nn::TrainTest load(const std::string& data, std::uint64_t seed) {
  if (data == "digits") return nn::digits(12000, 2000, seed);
  if (data == "spiral") return planar(nn::spiral, 3, seed);
  if (data == "circle") return planar(nn::circle, 2, seed);
  if (data == "xor") return planar(nn::exclusive_or, 2, seed);
  if (data == "moons") return planar(nn::moons, 2, seed);
  if (data.starts_with("idx:")) return nn::read_mnist(data.substr(4));
  throw ValueError("train",
                   fmt::format("no such data: '{}'; digits, spiral, circle, xor, moons or idx:DIR "
                               "wanted",
                               data),
                   {});
}

// Shifts and scales both parts by the mean and deviation of all training values.
void standardise(nn::TrainTest& sets) {
  const double mean = xtape::mean(sets.train.x).item<double>();
  const double variance = xtape::mean(square(sets.train.x - mean)).item<double>();
  const double scale = variance > 0 ? 1 / std::sqrt(variance) : 1;
  sets.train.x = (sets.train.x - mean) * scale;
  sets.test.x = (sets.test.x - mean) * scale;
}

// "linear" or "mlp:256,128" as sizes of the hidden layers.
std::vector<std::int64_t> hidden_sizes(const std::string& model) {
  std::vector<std::int64_t> sizes;
  if (model == "linear") return sizes;
  const auto fail = [&] {
    throw ValueError("train",
                     fmt::format("no such model: '{}'; linear or mlp:256,128 wanted", model), {});
  };
  if (!model.starts_with("mlp:") || model.size() == 4) fail();
  for (std::size_t begin = 4; begin <= model.size();) {
    const std::size_t end = std::min(model.find(',', begin), model.size());
    const std::string size = model.substr(begin, end - begin);
    if (size.empty() || size.size() > 6 || size.find_first_not_of("0123456789") != size.npos)
      fail();
    sizes.push_back(std::stoll(size));
    begin = end + 1;
  }
  return sizes;
}

nn::Sequential build(const Settings& settings, std::int64_t inputs, std::int64_t classes) {
  nn::Sequential net;
  std::int64_t size = inputs;
  for (const std::int64_t next : hidden_sizes(settings.model)) {
    net.append(nn::Linear(size, next)).append(nn::Activation(settings.activation));
    size = next;
  }
  net.append(nn::Linear(size, classes));
  return net;
}

double correct(const Tensor& logits, const Tensor& classes) {
  return sum(cast(argmax(logits, -1) == classes, float32)).item<double>();
}

double accuracy(nn::Sequential& net, const nn::Dataset& set) {
  const NoGrad no_grad;
  net.eval();
  double right = 0;
  for (auto [x, y] : nn::DataLoader(set, {.batch_size = 1000})) right += correct(net(x), y);
  net.train();
  return right / static_cast<double>(set.size());
}

// A line that is written over while an epoch runs; silent unless a person watches.
class Progress {
 public:
  explicit Progress(const Settings& settings)
      : settings_(settings), shown_(isatty(STDERR_FILENO) && !settings.json) {}
  ~Progress() {
    if (shown_) std::fputs("\r\033[K", stderr);
  }
  void show(std::int64_t epoch, double share, double loss, double accuracy, double rate,
            bool last) {
    if (!shown_ || (!last && now() - before_ < 0.1)) return;
    before_ = now();
    constexpr int width = 24;
    const int filled = static_cast<int>(share * width);
    fmt::print(stderr,
               "\r\033[Kepoch {:>3}/{} [{:=<{}}{:{}}] loss {:.4f}  accuracy {:.4f}  {:.0f}/s{}",
               epoch + 1, settings_.epochs, "", filled, "", width - filled, loss, accuracy, rate,
               last ? "\n" : "");
    std::fflush(stderr);
  }

 private:
  const Settings& settings_;
  bool shown_;
  double before_ = 0;
};

struct Outcome {
  double train_loss = 0, seconds = 0, samples_per_second = 0;
};

Outcome fit(nn::Sequential& net, const nn::Dataset& set, const Settings& settings) {
  optim::SGD sgd(net.parameters(), {.lr = settings.lr, .momentum = settings.momentum});
  nn::DataLoader loader(set,
                        {.batch_size = settings.batch, .shuffle = true, .seed = settings.seed});
  Progress progress(settings);
  Outcome outcome;
  const double start = now();
  const auto steps = static_cast<double>(settings.epochs * loader.size());
  std::int64_t step = 0;
  for (std::int64_t epoch = 0; epoch < settings.epochs; ++epoch) {
    double loss_sum = 0, right = 0, seen = 0;
    const double epoch_start = now();
    for (auto [x, y] : loader) {
      sgd.zero_grad();
      const Tensor logits = net(x);
      const Tensor loss = nn::cross_entropy(logits, y);
      loss.backward();
      sgd.options.lr = settings.lr * (1 - static_cast<double>(step++) / steps);
      sgd.step();
      const auto count = static_cast<double>(y.numel());
      loss_sum += loss.item<double>() * count;
      right += correct(logits, y);
      seen += count;
      const double share = seen / static_cast<double>(set.size());
      progress.show(epoch, share, loss_sum / seen, right / seen, seen / (now() - epoch_start),
                    share >= 1);
    }
    outcome.train_loss = loss_sum / seen;
    if (!std::isfinite(outcome.train_loss))
      throw ValueError("train",
                       fmt::format("the loss is not finite after epoch {}; lower --lr, which is {}",
                                   epoch + 1, settings.lr),
                       {});
  }
  outcome.seconds = now() - start;
  outcome.samples_per_second = static_cast<double>(set.size() * settings.epochs) / outcome.seconds;
  return outcome;
}

void run(const Settings& settings) {
  set_num_threads(settings.threads);
  manual_seed(settings.seed);
  activation(settings.activation);  // before the work begins, even if the model has none
  hidden_sizes(settings.model);
  nn::TrainTest sets = load(settings.data, settings.seed);
  if (sets.train.size() == 0 || sets.test.size() == 0)
    throw ValueError("train", fmt::format("no samples in {}", settings.data), {});
  standardise(sets);
  nn::Sequential net = build(settings, sets.train.x.size(1), sets.classes);
  const std::string task =
      fmt::format("{} on {}: {} training and {} test samples, {} parameters", settings.model,
                  settings.data, sets.train.size(), sets.test.size(), net.parameter_count());
  if (!settings.json) fmt::print("{}\n", task);
  std::fflush(stdout);
  const Outcome outcome = fit(net, sets.train, settings);
  const double test_accuracy = accuracy(net, sets.test);
  if (settings.json) {
    const nlohmann::ordered_json line{{"test_accuracy", test_accuracy},
                                      {"train_loss", outcome.train_loss},
                                      {"seconds", outcome.seconds},
                                      {"samples_per_second", outcome.samples_per_second}};
    std::printf("%s\n", line.dump().c_str());
  } else {
    fmt::print("test accuracy {:.2f} %, training loss {:.4f}, {:.1f} s, {:.0f} samples/s\n",
               100 * test_accuracy, outcome.train_loss, outcome.seconds,
               outcome.samples_per_second);
  }
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Trains a network and prints its accuracy on the test set.", "train");
  app.add_option("--data", settings.data, "digits, spiral, circle, xor, moons or idx:DIR")
      ->capture_default_str();
  app.add_option("--model", settings.model, "linear, or mlp: and the sizes of the hidden layers")
      ->capture_default_str();
  app.add_option("--activation", settings.activation, "Any activation of the catalogue")
      ->capture_default_str();
  app.add_option("--epochs", settings.epochs)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--batch", settings.batch)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_option("--lr", settings.lr, "Learning rate at the start; it falls linearly to 0")
      ->check(CLI::PositiveNumber)
      ->capture_default_str();
  app.add_option("--momentum", settings.momentum)
      ->check(CLI::Range(0.0, 1.0))
      ->capture_default_str();
  app.add_option("--seed", settings.seed)->capture_default_str();
  app.add_option("--threads", settings.threads)->check(CLI::PositiveNumber)->capture_default_str();
  app.add_flag("--json", settings.json, "Print one line of JSON");
  try {
    app.parse(argc, argv);
    run(settings);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
