#include <fmt/format.h>

#include <stdexcept>
#include <xtape/tools/bench/workloads.hpp>

#include "program.hpp"

namespace {

namespace fs = std::filesystem;

// A folder with `compare`, programs that print fixed times, and a page to write into.
struct Bench {
  Bench() {
    fs::create_directories(folder);
    const fs::path programs = fs::read_symlink("/proc/self/exe").parent_path();
    fs::copy_file(programs / "compare", folder / "compare", fs::copy_options::overwrite_existing);
    write("benchmarks.md", "before\n<!-- measured: peers -->\nold\n<!-- end -->\nafter\n");
  }
  ~Bench() { fs::remove_all(folder); }

  void write(const char* name, const std::string& text) const {
    std::ofstream(folder / name) << text;
  }
  // Its time is `us`, but more with more threads of OpenBLAS.
  void add(const char* program, int us) const {
    write(program,
          fmt::format("#!/bin/sh\necho \"{{\\\"median_us\\\": $(({} * OPENBLAS_NUM_THREADS)), "
                      "\\\"peak_rss_kb\\\": 2048}}\"\n",
                      us));
    fs::permissions(folder / program, fs::perms::owner_all);
  }
  program::Outcome compare(const std::string& more = {}) const {
    return program::run_line("'" + (folder / "compare").string() + "' --parts peers --docs '" +
                             folder.string() + "' " + more);
  }
  std::string page() const {
    std::ifstream in(folder / "benchmarks.md");
    return {std::istreambuf_iterator<char>(in), {}};
  }

  fs::path folder = fs::temp_directory_path() / fmt::format("xtape-compare-{}", getpid());
};

}  // namespace

TEST_CASE("compare: perceptrons beside the libraries that are there") {
  const Bench bench;
  bench.add("bench", 500);
  const std::string before = bench.page();
  const program::Outcome alone = bench.compare();
  CHECK(alone.status == 0);
  CHECK(alone.out.find("Neither bench_ggml nor bench_mlx is built") == 0);
  CHECK(bench.page() == before);

  bench.add("bench_mlx", 1000);
  const program::Outcome beside = bench.compare("--repeat 2");
  CHECK(beside.status == 0);
  CHECK(beside.err == "");
  const std::string row = "| `mlp --sizes 784,256,128,10 --batch 64` | ";
  CHECK(beside.out.find("Medians of 2 turns.") == 0);
  CHECK(beside.out.find(row + "1 | 500 us | MLX | 1 ms | 2.00 | 1 | 2 | 2 |\n") !=
        std::string::npos);
  // OpenBLAS, which `bench` does not call, has the threads that a library may use
  CHECK(beside.out.find(row + "2 | 500 us | MLX | 2 ms | 4.00 |  | 2 | 2 |\n") !=
        std::string::npos);
  CHECK(beside.out.find("ggml") == std::string::npos);
  CHECK(bench.page() ==
        "before\n<!-- measured: peers -->\n" + beside.out + "<!-- end -->\nafter\n");

  bench.add("bench_ggml", 600);
  CHECK(bench.compare("--repeat 1 --threads 1")
            .out.find(row + "1 | 500 us | ggml | 600 us | 1.20 |") != std::string::npos);
}

TEST_CASE("compare: a library's program that fails") {
  const Bench bench;
  bench.add("bench", 500);
  bench.write("bench_ggml", "#!/bin/sh\nexit 2\n");
  fs::permissions(bench.folder / "bench_ggml", fs::perms::owner_all);
  const std::string before = bench.page();
  const program::Outcome outcome = bench.compare();
  CHECK(outcome.status == 2);
  CHECK(outcome.err.find("this failed: ") != std::string::npos);
  CHECK(bench.page() == before);
}

TEST_CASE("bench: a workload that is not written for a library") {
  struct Unwritten final : bench::Library {
    void set_threads(int) override {}
  } library;
  CHECK_THROWS_WITH_AS(library.mlp({}), "mlp is not written for this library",
                       std::invalid_argument);
  CHECK_THROWS_WITH(library.flush_denormals(), "--flush-denormals is not written for this library");
  CHECK_THROWS_WITH(library.cnn({}), "cnn is not written for this library");
  CHECK_THROWS_WITH(library.elementwise({}), "elementwise is not written for this library");
  CHECK_THROWS_WITH(library.loss({}), "loss is not written for this library");
  CHECK_THROWS_WITH(library.norm({}), "norm is not written for this library");
  CHECK_THROWS_WITH(library.matmul({}), "matmul is not written for this library");
  CHECK_THROWS_WITH(library.lstm({}), "lstm is not written for this library");
  CHECK_THROWS_WITH(library.attention({}), "attention is not written for this library");
  CHECK_THROWS_WITH(library.chain({}), "chain is not written for this library");
  CHECK_THROWS_WITH(library.gradcheck({}), "gradcheck is not written for this library");
}
