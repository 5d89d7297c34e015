// compare [--out FILE] ...: times the workloads of `bench` beside the same ones written against
// libtorch, in turns, and writes the table of docs/benchmarks.md.
#include <fmt/format.h>
#include <fnmatch.h>
#include <sys/wait.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace {

using Json = nlohmann::json;

// A workload, and how many times faster than libtorch it is to be with one thread.
struct Row {
  std::string arguments;
  double target;
};

std::vector<Row> rows() {
  std::vector<Row> all;
  const auto elementwise = [&](const std::string& function, std::int64_t n, double target) {
    all.push_back({fmt::format("elementwise --function {} --n {}", function, n), target});
  };
  for (const std::int64_t n : {1'000, 10'000, 100'000, 1'000'000, 10'000'000})
    elementwise("shifted_rectifier", n, 20);
  for (const char* function : {"sigmoid", "tanh", "elu", "selu", "celu", "softplus", "silu", "gelu",
                               "gelu_tanh", "mish", "log_sigmoid", "tanhshrink"})
    for (const std::int64_t n : {1'000, 100'000, 10'000'000}) elementwise(function, n, 2);
  for (const char* function : {"relu", "leaky_relu", "relu6", "hardtanh", "hardsigmoid",
                               "hardswish", "softshrink", "softsign"})
    for (const std::int64_t n : {1'000, 100'000, 10'000'000})
      elementwise(function, n, n == 100'000 ? 1 : 4);
  const std::vector<Row> others{
      {"mlp --sizes 784,512,512,10 --batch 128", 1.2},
      {"mlp --sizes 784,512,512,10 --batch 128 --optimizer adam", 1.2},
      {"mlp --sizes 784,256,128,10 --batch 64", 1.2},
      {"mlp --sizes 784,500,500,500,500,500,500,500,500,500,500,10 --batch 256 --activation tanh "
       "--batchnorm 1 --dropout 0.5",
       1.6},
      {"mlp --sizes 2,16,16,1 --batch 32 --activation tanh", 20},
      {"cnn --channels 3,32,64 --image 32 --batch 64", 1.5},
      {"loss --name cross_entropy --rows 4096 --classes 1000", 2.5},
      {"loss --name hinge --rows 4096 --classes 1000", 8},
      {"loss --name logistic --rows 4096 --classes 1000", 1},
      {"loss --name l1 --rows 4096 --classes 1000", 1},
      {"loss --name l2 --rows 4096 --classes 1000", 1},
      {"norm --kind batch --rows 4096 --cols 512", 1.2},
      {"norm --kind layer --rows 4096 --cols 512", 1.2},
      {"matmul --m 512 --n 512 --k 512", 1},
      {"lstm --input 128 --hidden 256 --steps 32 --batch 32", 1.2},
      {"attention --batch 8 --heads 8 --length 128 --dim 64", 1.2}};
  all.insert(all.end(), others.begin(), others.end());
  return all;
}

// The line of JSON that a command prints. Throws std::runtime_error if it fails.
Json output_of(const std::string& command) {
  FILE* const pipe = popen(command.c_str(), "r");
  if (!pipe) throw std::runtime_error("cannot run " + command);
  std::string text;
  char part[4096];
  while (const std::size_t n = std::fread(part, 1, sizeof part, pipe)) text.append(part, n);
  const int status = pclose(pipe);
  if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
    throw std::runtime_error("this failed: " + command);
  return Json::parse(text);
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

// Bytes per second that one core reads and writes when it copies what no cache holds.
double bandwidth() {
  using Clock = std::chrono::steady_clock;
  const std::size_t size = 256u << 20;
  std::vector<char> from(size, 1), to(size);
  double best = 0;
  for (int i = 0; i < 8; ++i) {
    const auto start = Clock::now();
    std::memcpy(to.data(), from.data(), size);
    const std::chrono::duration<double> taken = Clock::now() - start;
    best = std::max(best, 2.0 * static_cast<double>(size) / taken.count());
  }
  return best;
}

std::string time_text(double us) {
  return us < 1000 ? fmt::format("{:.3g} us", us) : fmt::format("{:.4g} ms", us / 1000);
}

struct Options {
  std::string out, filter = "*";
  std::vector<int> threads{1, 2};
  int repeat = 3;
  double seconds = 0.5, gflops = 117;
};

class Comparison {
 public:
  Comparison(const Options& options, std::string folder)
      : options_(options), folder_(std::move(folder)), bandwidth_(bandwidth()) {
    has_peer_ = std::filesystem::exists(folder_ + "/bench_torch");
  }

  std::string table(const Row& row) const {
    std::string lines;
    for (const int threads : options_.threads) lines += line(row, threads);
    return lines;
  }
  double bytes_per_second() const { return bandwidth_; }
  bool has_peer() const { return has_peer_; }

 private:
  std::string line(const Row& row, int threads) const {
    const std::string arguments =
        fmt::format(" {} --threads {} --seconds {}", row.arguments, threads, options_.seconds);
    std::vector<double> ours, theirs, ratios;
    double memory = 0, their_memory = 0;
    Json last;
    for (int i = 0; i < options_.repeat; ++i) {
      last = output_of(folder_ + "/bench" + arguments);
      ours.push_back(last["median_us"]);
      memory = std::max(memory, last["peak_rss_kb"].get<double>());
      if (!has_peer_) continue;
      const Json other = output_of(folder_ + "/bench_torch" + arguments);
      theirs.push_back(other["median_us"]);
      their_memory = std::max(their_memory, other["peak_rss_kb"].get<double>());
      ratios.push_back(theirs.back() / ours.back());
    }
    const double floor = 1e6 * std::max(last["gflop"].get<double>() / (options_.gflops * threads),
                                        last["mbyte"].get<double>() * 1e6 / bandwidth_);
    const double time = median(ours);
    std::string text = fmt::format("| `{}` | {} | {} |", row.arguments, threads, time_text(time));
    text += has_peer_
                ? fmt::format(" {} | {:.2f} | {} |", time_text(median(theirs)), median(ratios),
                              threads == 1 ? fmt::format("{}", row.target) : "")
                : " | | |";
    text +=
        floor > 0 ? fmt::format(" {} | {:.0f} % |", time_text(floor), 100 * floor / time) : " | |";
    text += fmt::format(" {:.0f} |", memory / 1024);
    return text + (has_peer_ ? fmt::format(" {:.0f} |\n", their_memory / 1024) : " |\n");
  }

  const Options& options_;
  std::string folder_;
  double bandwidth_;
  bool has_peer_;
};

// What stands between the marks of the file is replaced; the rest is written by hand.
void write_between_marks(const std::string& path, const std::string& table) {
  const std::string begin = "<!-- measured -->\n", end = "<!-- end -->\n";
  std::ifstream in(path);
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  const auto from = text.find(begin), to = text.find(end);
  if (from == std::string::npos || to == std::string::npos)
    throw std::runtime_error(path + " has no marks to write between");
  std::ofstream(path) << text.substr(0, from + begin.size()) << table << text.substr(to);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times the workloads of bench beside libtorch's, in turns.", "compare");
  Options options;
  app.add_option("--out", options.out, "A file with marks to write the table between");
  app.add_option("--filter", options.filter, "Only workloads that this pattern fits");
  app.add_option("--threads", options.threads)->delimiter(',')->check(CLI::PositiveNumber);
  app.add_option("--repeat", options.repeat, "Turns")->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds, "of each turn")->check(CLI::PositiveNumber);
  app.add_option("--gflops", options.gflops, "Peak of a core in float32")
      ->check(CLI::PositiveNumber);
  app.option_defaults()->always_capture_default();
  CLI11_PARSE(app, argc, argv);
  try {
    const Comparison comparison(options,
                                std::filesystem::read_symlink("/proc/self/exe").parent_path());
    std::string table = fmt::format(
        "One core copies {:.1f} GB/s and is taken to multiply {:.0f} GFLOP/s; {}.\n\n"
        "| workload | threads | xtape | libtorch | ratio | target | floor | reached | MB | "
        "libtorch MB |\n|---|---|---|---|---|---|---|---|---|---|\n",
        comparison.bytes_per_second() / 1e9, options.gflops,
        comparison.has_peer() ? fmt::format("medians of {} turns", options.repeat)
                              : "libtorch is not installed");
    std::fputs(table.c_str(), stdout);
    for (const Row& row : rows()) {
      if (fnmatch(options.filter.c_str(), row.arguments.c_str(), 0) != 0) continue;
      const std::string lines = comparison.table(row);
      std::fputs(lines.c_str(), stdout);
      std::fflush(stdout);
      table += lines;
    }
    if (!options.out.empty()) write_between_marks(options.out, table);
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "compare: %s\n", error.what());
    return 2;
  }
}
