// gradcheck [NAME...] [--second] [--seed N]: compares the gradients of the catalogue's operations
// with differences and prints one row for each. Formulas are checked on sizes that fill no
// register, on several shapes that broadcast, with parameters at their defaults and elsewhere, as
// numbers and as learnable tensors; array operations by the samples of their records.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>
#include <xtape/tools/catalogue_calls.hpp>
#include <xtape/xtape.hpp>

using namespace xtape;
using namespace catalogue_calls;

namespace {

struct Row {
  std::int64_t elements = 0;
  double first = 0, second = 0;
  std::size_t kinks = 0;
  std::vector<std::string> failures;

  void add(const GradcheckReport& report) {
    elements += report.elements();
    first = std::max(first, report.first.relative_error);
    second = std::max(second, report.second.relative_error);
    kinks += report.kinks.size();
    if (!report.ok()) failures.push_back(report.op + ": " + report.summary());
  }
};

Row check(const Entry& entry, Generator& generator, bool second) {
  Row row;
  for (const Call& call : calls_of(entry, generator))
    row.add(gradcheck(call.function, call.inputs,
                      {.name = call.name, .second_order = second, .seed = generator.seed()}));
  return row;
}

void print_row(const Entry& entry, const Row& row, bool second) {
  fmt::print("{:<20} {:>8} {:>10.1e} {:>10} {:>6}  {}\n", entry.record.name, row.elements,
             row.first, second ? fmt::format("{:.1e}", row.second) : "", row.kinks,
             row.failures.empty() ? "ok" : "FAILED");
  for (const std::string& failure : row.failures) fmt::print("    {}\n", failure);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("Compares the gradients of operations with differences.");
  std::vector<std::string> names;
  bool second = false;
  std::uint64_t seed = 0;
  app.add_option("NAME", names, "operations of the catalogue; all if none is named");
  app.add_flag("--second", second, "check the gradients of the gradients as well");
  app.add_option("--seed", seed, "of the random inputs");
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : 2;
  }
  try {
    std::vector<const Entry*> entries;
    for (const std::string& name : names) entries.push_back(&find(name));
    if (names.empty()) entries = catalogue();
    fmt::print("{:<20} {:>8} {:>10} {:>10} {:>6}  {}\n", "name", "elements", "1st order",
               second ? "2nd order" : "", "kinks", "verdict");
    Generator generator(seed);
    bool failed = false;
    for (const Entry* entry : entries) {
      if (!differentiable(*entry)) {
        fmt::print("{:<20} {:>8} {:>10} {:>10} {:>6}  not differentiable\n", entry->record.name, 0,
                   "", "", "");
        continue;
      }
      const Row row = check(*entry, generator, second);
      print_row(*entry, row, second);
      failed = failed || !row.failures.empty();
    }
    return failed ? 1 : 0;
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}
