#include <sys/resource.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <stdexcept>
#include <xtape/tools/bench/workloads.hpp>

namespace bench {

namespace {

using Json = nlohmann::ordered_json;

struct Timing {
  double seconds = 2;
  int threads = 1;
  bool flush_denormals = false;
};

double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

[[noreturn]] void refuse(const char* what) {
  throw std::invalid_argument(std::string(what) + " is not written for this library");
}

// Runs `step` for about `timing.seconds` after a warm-up. Short steps are timed in groups, so that
// reading the clock does not count.
Json measure(Json line, const Timing& timing, const Step& step) {
  const double limit = std::min(1e-3, timing.seconds / 10);
  double start = now();
  for (int i = 0; i < 3 && now() - start < timing.seconds; ++i) step();
  start = now();
  int group = 0;
  do {
    step();
    ++group;
  } while (now() - start < limit);
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
  line["flush_denormals"] = timing.flush_denormals;
  line["peak_rss_kb"] = usage.ru_maxrss;
  return line;
}

// The subcommands, each with the step that it makes when it is chosen.
class Commands {
 public:
  Commands(CLI::App& app, Library& library) : app_(app), library_(library) {}

  template <class Options>
  CLI::App* add(const char* name, const char* about, Options& options,
                Step (Library::*make)(const Options&)) {
    CLI::App* command = app_.add_subcommand(name, about);
    makers_.push_back({command, [this, &options, make] { return (library_.*make)(options); },
                       [&options] { return options.work(); }});
    return command;
  }
  void run_chosen(const Timing& timing) const {
    for (const Maker& maker : makers_) {
      if (!*maker.command) continue;
      Json line{{"workload", maker.command->get_name()}};
      for (const CLI::Option* option : maker.command->get_options())
        if (const std::string text = text_of(*option); !text.empty())
          line[option->get_single_name()] = value_of(text);
      const Work work = maker.work();
      line["gflop"] = work.flops / 1e9;
      line["mbyte"] = work.bytes / 1e6;
      line["working_set_mb"] = work.working_set / 1e6;
      const Step step = maker.make();
      if (timing.flush_denormals) library_.flush_denormals();
      line = measure(line, timing, step);
      for (const auto& [name, value] : library_.notes()) line[name] = value;
      std::printf("%s\n", line.dump().c_str());
    }
  }

 private:
  // What was given, or the default.
  static std::string text_of(const CLI::Option& option) {
    if (option.count() == 0) return option.get_default_str();
    std::string text;
    for (const std::string& part : option.results()) text += (text.empty() ? "" : ",") + part;
    return text;
  }
  static Json value_of(const std::string& text) {
    const Json number = Json::parse(text, nullptr, false);
    return number.is_number() ? number : Json(text);
  }

  struct Maker {
    CLI::App* command;
    std::function<Step()> make;
    std::function<Work()> work;
  };

  CLI::App& app_;
  Library& library_;
  std::vector<Maker> makers_;
};

}  // namespace

void Library::flush_denormals() { refuse("--flush-denormals"); }
Step Library::mlp(const Mlp&) { refuse("mlp"); }
Step Library::cnn(const Cnn&) { refuse("cnn"); }
Step Library::elementwise(const Function&) { refuse("elementwise"); }
Step Library::loss(const Loss&) { refuse("loss"); }
Step Library::norm(const Norm&) { refuse("norm"); }
Step Library::matmul(const Matmul&) { refuse("matmul"); }
Step Library::lstm(const Lstm&) { refuse("lstm"); }
Step Library::attention(const Attention&) { refuse("attention"); }
Step Library::chain(const Chain&) { refuse("chain"); }
Step Library::gradcheck(const Gradcheck&) { refuse("gradcheck"); }

int run(int argc, char** argv, Library& library) {
  CLI::App app("Times one workload and prints one line of JSON.", "bench");
  app.require_subcommand(1);
  Timing timing;
  app.add_option("--threads", timing.threads, "Threads")->check(CLI::PositiveNumber);
  app.add_option("--seconds", timing.seconds, "Time to measure for")->check(CLI::PositiveNumber);
  app.add_flag("--flush-denormals", timing.flush_denormals, "Take subnormal numbers as zeros");
  app.fallthrough();
  app.option_defaults()->always_capture_default();
  Commands commands(app, library);
  const auto size = [](CLI::App* command, const char* name, std::int64_t& value) {
    command->add_option(name, value)->check(CLI::PositiveNumber);
  };

  Mlp mlp;
  CLI::App* command =
      commands.add("mlp", "A training step of a multi-layer perceptron", mlp, &Library::mlp);
  command->add_option("--sizes", mlp.sizes, "Sizes of the layers")->delimiter(',')->expected(2, 99);
  command->add_option("--activation", mlp.activation, "Any activation of the catalogue");
  command->add_option("--optimizer", mlp.optimizer)->check(CLI::IsMember({"sgd", "adam"}));
  command->add_option("--batchnorm", mlp.batchnorm, "1: batch norm after each hidden layer");
  command->add_option("--dropout", mlp.dropout, "after each hidden layer")
      ->check(CLI::Range(0., 1.));
  size(command, "--batch", mlp.batch);
  command->add_option("--lr", mlp.lr, "of sgd, which has a momentum of 0.9");
  command->add_option("--trained", mlp.trained, "Steps before those that are timed")
      ->check(CLI::NonNegativeNumber);

  Function function;
  command = commands.add("elementwise", "Forward and backward of an element-wise function",
                         function, &Library::elementwise);
  command->add_option("--function", function.function, "Any formula of the catalogue");
  command->add_option("--n", function.n, "Elements")->check(CLI::NonNegativeNumber);
  command->add_option("--scale", function.scale, "of the arguments");

  Cnn cnn;
  command = commands.add("cnn", "A training step of a convolutional network", cnn, &Library::cnn);
  command->add_option("--channels", cnn.channels, "of the image and of each stage")
      ->delimiter(',')
      ->expected(2, 99);
  size(command, "--image", cnn.image);
  size(command, "--classes", cnn.classes);
  size(command, "--batch", cnn.batch);

  Loss loss;
  command = commands.add("loss", "Forward and backward of a loss", loss, &Library::loss);
  command->add_option("--name", loss.name)
      ->check(CLI::IsMember({"cross_entropy", "hinge", "logistic", "l1", "l2"}));
  size(command, "--rows", loss.rows);
  size(command, "--classes", loss.classes);

  Norm norm;
  command = commands.add("norm", "Forward and backward of a normalisation", norm, &Library::norm);
  command->add_option("--kind", norm.kind)->check(CLI::IsMember({"batch", "layer"}));
  size(command, "--rows", norm.rows);
  size(command, "--cols", norm.cols);

  Matmul matmul;
  command = commands.add("matmul", "A product and both gradients", matmul, &Library::matmul);
  size(command, "--m", matmul.m);
  size(command, "--n", matmul.n);
  size(command, "--k", matmul.k);

  Lstm lstm;
  command = commands.add("lstm", "Forward and backward of an LSTM", lstm, &Library::lstm);
  size(command, "--input", lstm.input);
  size(command, "--hidden", lstm.hidden);
  size(command, "--steps", lstm.steps);
  size(command, "--batch", lstm.batch);

  Attention attention;
  command = commands.add("attention", "Forward and backward of scaled dot-product attention",
                         attention, &Library::attention);
  size(command, "--batch", attention.batch);
  size(command, "--heads", attention.heads);
  size(command, "--length", attention.length);
  size(command, "--dim", attention.dim);

  Chain chain;
  command = commands.add("chain", "Forward and backward of a chain of small operations", chain,
                         &Library::chain);
  size(command, "--length", chain.length);
  command->add_flag("--forward", chain.forward, "Forward mode instead of a tape");

  Gradcheck gradcheck;
  command = commands.add("gradcheck", "A check of the gradients of a linear layer", gradcheck,
                         &Library::gradcheck);
  size(command, "--parameters", gradcheck.parameters);
  command->add_flag("--backward", gradcheck.backward, "Only compute the gradients");

  try {
    app.parse(argc, argv);
    library.set_threads(timing.threads);
    commands.run_chosen(timing);
    return 0;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}

}  // namespace bench
