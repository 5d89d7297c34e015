#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <stdexcept>
#include <xtape/tools/compare/process.hpp>
#include <xtape/tools/compare/programs.hpp>

namespace compare {

namespace {

namespace fs = std::filesystem;

// What is measured of one program.
struct Cost {
  double compile_seconds = 0, compile_megabytes = 0, file_megabytes = 0, libraries = 0;
  double best_start_ms = 0, start_ms = 0, megabytes = 0;
};

Cost cost_of(const fs::path& program) {
  const fs::path scratch = fs::temp_directory_path() / fmt::format("compare-{}", getpid());
  const std::string object = scratch.string() + ".o", stripped = scratch.string() + ".stripped";
  Cost cost{.compile_seconds = HUGE_VAL};
  for (int i = 0; i < 3; ++i) {
    const Run compiled = run({XTAPE_COMPILER, "@" + program.string() + ".flags", "-o", object});
    cost.compile_seconds = std::min(cost.compile_seconds, compiled.seconds);
    cost.compile_megabytes = compiled.megabytes;
  }
  run({"strip", "-o", stripped, program});
  cost.file_megabytes = static_cast<double>(fs::file_size(stripped)) / 1e6;
  const std::string libraries = text_of("ldd " + program.string() + " | grep -v vdso");
  cost.libraries = static_cast<double>(std::count(libraries.begin(), libraries.end(), '\n'));
  std::vector<double> seconds;
  for (int i = 0; i < 21; ++i) {
    const Run whole = run({program});
    seconds.push_back(whole.seconds);
    cost.megabytes = std::max(cost.megabytes, whole.megabytes);
  }
  cost.best_start_ms = 1e3 * *std::min_element(seconds.begin(), seconds.end());
  cost.start_ms = 1e3 * median(seconds);
  fs::remove(object);
  fs::remove(stripped);
  return cost;
}

}  // namespace

std::string programs_table(const std::string& folder) {
  const fs::path ours = folder + "/program_xtape", theirs = folder + "/program_torch";
  if (!fs::exists(ours)) throw std::runtime_error("the target program_xtape is not built");
  const bool has_peer = fs::exists(theirs);
  const Cost own = cost_of(ours), other = has_peer ? cost_of(theirs) : Cost{};
  std::string table = "| | xtape | libtorch | target |\n|---|---|---|---|\n";
  const auto line = [&](const char* what, double Cost::*part, const char* unit,
                        const std::string& target) {
    const auto text = [&](double value) {
      return value < 1000 ? fmt::format("{:.3g}{}", value, unit)
                          : fmt::format("{:.0f}{}", value, unit);
    };
    table += fmt::format("| {} | {} | {} | {} |\n", what, text(own.*part),
                         has_peer ? text(other.*part) : "", target);
  };
  line("to compile, without optimisation, best of 3", &Cost::compile_seconds, " s", "3 s");
  line("the compiler's peak size", &Cost::compile_megabytes, " MB", "400 MB");
  line("size of the program, optimised and stripped", &Cost::file_megabytes, " MB", "3 MB");
  line("shared objects that it loads", &Cost::libraries, "", "15");
  line("from its start to its end, best of 21", &Cost::best_start_ms, " ms", "15 ms");
  line("the same, median", &Cost::start_ms, " ms", "");
  line("its peak size", &Cost::megabytes, " MB", "20 MB");
  return table;
}

}  // namespace compare
