// compare [--docs FOLDER] ...: times the workloads of `bench` beside the same ones written against
// other libraries, in turns, and writes the tables and the picture of docs/benchmarks.md.
#include <fmt/format.h>
#include <fnmatch.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <xtape/tools/compare/growth.hpp>
#include <xtape/tools/compare/machine.hpp>
#include <xtape/tools/compare/peers.hpp>
#include <xtape/tools/compare/process.hpp>
#include <xtape/tools/compare/programs.hpp>
#include <xtape/tools/compare/rows.hpp>
#include <xtape/tools/compare/turns.hpp>

namespace {

using namespace compare;

struct Options {
  std::string docs, only = "*";
  std::vector<std::string> parts{"programs", "table", "peers", "growth"};
  std::vector<int> threads{1, 2};
  int repeat = 3;
  double seconds = 0.15;
  bool measures(const char* part) const {
    return std::find(parts.begin(), parts.end(), part) != parts.end();
  }
};

class Comparison {
 public:
  explicit Comparison(Setting setting) : setting_(std::move(setting)) {
    has_peer_ = std::filesystem::exists(setting_.folder + "/bench_torch");
    if (has_peer_) setting_.programs.push_back("bench_torch");
    for (const int threads : setting_.threads) machines_.emplace(threads, threads);
  }

  // A line for each number of threads.
  std::string lines(const Row& row) {
    const Turns turns = take_turns(setting_, row.arguments);
    std::string text;
    for (const int threads : setting_.threads) text += line(row, threads, turns);
    return text;
  }

  std::string head() {
    std::string text;
    for (auto& [threads, machine] : machines_)
      text += fmt::format("{}: {:.0f} GFLOP/s, copies of {:.0f} GB/s in memory. ",
                          threads == 1 ? "One core" : fmt::format("{} cores together", threads),
                          machine.flops() / 1e9, machine.copies(400e6) / 1e9);
    return text + (has_peer_ ? fmt::format("Medians of {} turns.\n", setting_.repeat)
                             : "Libtorch is not installed.\n");
  }

  // How many rows are what they are to be.
  std::string summary() const {
    std::string text = "\n### Targets\n\n";
    for (const int threads : setting_.threads) {
      const Counts& count = counts_.at(threads);
      if (has_peer_ && threads == setting_.threads[0])
        text += fmt::format("With {} thread{}, {} of {} workloads reach their target.\n", threads,
                            threads == 1 ? "" : "s", count.reached, count.all);
      if (threads == setting_.threads[0]) continue;
      if (has_peer_)
        text += fmt::format(
            "With {} threads, the ratio of {} of {} is at least 0.9 of that with one.\n", threads,
            count.kept, count.all);
      text += fmt::format(
          "With {} threads, {} of {} are at most 10 % slower than with one; the least gain is "
          "{:.2f}, in `{}`.\n",
          threads, count.no_loss, count.all, count.least_gain, count.least_gain_of);
    }
    return text;
  }

 private:
  struct Counts {
    int all = 0, reached = 0, kept = 0, no_loss = 0;
    double least_gain = HUGE_VAL;
    std::string least_gain_of;
  };

  // The time of the nodes of a row, which is the same in many.
  double least_us(const Row& row) {
    const auto [found, fresh] = least_.try_emplace(row.least);
    if (fresh) found->second = run_once(setting_, "bench", row.least, 1, 0.05)["median_us"];
    return found->second;
  }

  // What takes the most of the time.
  std::string limit(const Row& row, double time, double products, double memory) {
    const std::pair<double, const char*> shares[] = {
        {products / time, "products"}, {memory / time, "memory"}, {least_us(row) / time, "nodes"}};
    const auto most = *std::max_element(std::begin(shares), std::end(shares));
    return products == 0 && most.first < 0.4 ? "functions" : most.second;
  }

  std::string line(const Row& row, int threads, const Turns& turns) {
    const std::vector<Samples>&all = turns.at(threads), &first = turns.at(setting_.threads[0]);
    const Samples& ours = all[0];
    Machine& machine = machines_.at(threads);
    const double time = median(ours.us);
    const double products = 1e15 * ours.last["gflop"].get<double>() / machine.flops();
    const double memory = 1e12 * ours.last["mbyte"].get<double>() /
                          machine.copies(1e6 * ours.last["working_set_mb"].get<double>());
    const double floor = std::max(products, memory);
    const bool is_first = threads == setting_.threads[0];
    Counts& count = counts_[threads];
    ++count.all;
    std::string text = fmt::format("| `{}` | {} | {} |", row.arguments, threads, time_text(time));
    if (has_peer_) {
      const double times = ratio(all[1], ours);
      count.reached += times >= row.target;
      count.kept += times >= 0.9 * ratio(first[1], first[0]);
      text += fmt::format(" {} | {:.2f} | {} |", time_text(median(all[1].us)), times,
                          threads == 1 ? fmt::format("{}", row.target) : "");
    } else {
      text += " | | |";
    }
    if (is_first) {
      text += " |";
    } else {
      const double gain = ratio(first[0], ours);
      count.no_loss += gain >= 1 / 1.1;
      if (gain < count.least_gain) count.least_gain = gain, count.least_gain_of = row.arguments;
      text += fmt::format(" {:.2f} |", gain);
    }
    text += fmt::format(" {} | {:.0f} % | {} |", time_text(floor), 100 * floor / time,
                        limit(row, time, products, memory));
    text += fmt::format(" {:.0f} |", ours.megabytes);
    return text + (has_peer_ ? fmt::format(" {:.0f} |\n", all[1].megabytes) : " |\n");
  }

  Setting setting_;
  std::map<int, Machine> machines_;
  std::map<std::string, double> least_;
  std::map<int, Counts> counts_;
  bool has_peer_;
};

// All that is printed, as it comes, and is kept for the file.
class Page {
 public:
  void add(const std::string& text) {
    std::fputs(text.c_str(), stdout);
    std::fflush(stdout);
    text_ += text;
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string measured_table(const Options& options, const Setting& setting) {
  Comparison comparison(setting);
  Page page;
  page.add(comparison.head());
  for (const Section& section : sections()) {
    bool begun = false;
    for (const Row& row : section.rows) {
      if (fnmatch(options.only.c_str(), row.arguments.c_str(), 0) != 0) continue;
      if (!begun)
        page.add(fmt::format(
            "\n### {}\n\n{}\n\n"
            "| workload | threads | xtape | libtorch | ratio | target | gain | floor | reached | "
            "limit | MB | libtorch MB |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n",
            section.title, section.about));
      begun = true;
      page.add(comparison.lines(row));
    }
  }
  page.add(comparison.summary());
  return page.text();
}

std::string read(const std::string& path) {
  std::ifstream in(path);
  return {std::istreambuf_iterator<char>(in), {}};
}

void write(const std::string& path, const std::string& text) {
  if (!(std::ofstream(path) << text).flush()) throw std::runtime_error("cannot write " + path);
}

// What stands between the marks of the file is replaced; the rest is written by hand.
void write_between_marks(const std::string& path, const std::string& name,
                         const std::string& text) {
  const std::string begin = "<!-- measured: " + name + " -->\n", end = "<!-- end -->\n";
  const std::string whole = read(path);
  const auto from = whole.find(begin), to = whole.find(end, from == whole.npos ? 0 : from);
  if (from == whole.npos || to == whole.npos)
    throw std::runtime_error(path + " has no marks to write " + name + " between");
  write(path, whole.substr(0, from + begin.size()) + text + whole.substr(to));
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Times the workloads of bench beside other libraries', in turns.", "compare");
  Options options;
  app.add_option("--docs", options.docs, "The folder of benchmarks.md and growth.svg to write");
  app.add_option("--only", options.only,
                 "Workloads that this pattern fits, such as 'mlp*', and nothing else; not written");
  app.add_option("--parts", options.parts, "What is measured")
      ->delimiter(',')
      ->check(CLI::IsMember({"programs", "table", "peers", "growth"}));
  app.add_option("--threads", options.threads)->delimiter(',')->check(CLI::PositiveNumber);
  app.add_option("--repeat", options.repeat, "Turns")->check(CLI::PositiveNumber);
  app.add_option("--seconds", options.seconds, "of each turn")->check(CLI::PositiveNumber);
  app.option_defaults()->always_capture_default();
  CLI11_PARSE(app, argc, argv);
  try {
    const std::string folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
    const std::string file = options.docs + "/benchmarks.md";
    const Setting setting{folder, {"bench"}, options.threads, options.repeat, options.seconds};
    if (options.only != "*") {
      measured_table(options, setting);
      return 0;
    }
    // first, while this process is small
    if (options.measures("programs")) {
      const std::string table = programs_table(folder);
      std::fputs(table.c_str(), stdout);
      if (!options.docs.empty()) write_between_marks(file, "programs", table);
    }
    if (options.measures("table")) {
      const std::string table = measured_table(options, setting);
      if (!options.docs.empty()) write_between_marks(file, "table", table);
    }
    if (options.measures("peers")) {
      const std::string table = peers_table(setting);
      std::fputs(table.empty() ? "Neither bench_ggml nor bench_mlx is built: nothing is measured "
                                 "beside them.\n"
                               : table.c_str(),
                 stdout);
      if (!table.empty() && !options.docs.empty()) write_between_marks(file, "peers", table);
    }
    if (options.measures("growth")) {
      const std::string picture = growth_picture(folder, options.seconds);
      if (!options.docs.empty()) write(options.docs + "/growth.svg", picture);
    }
    return 0;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "compare: %s\n", error.what());
    return 2;
  }
}
