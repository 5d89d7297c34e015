// gradcheck [NAME...] [--second] [--seed N]: compares the gradients of the catalogue's operations
// with differences and prints one row for each. Formulas are checked on sizes that fill no
// register, on several shapes that broadcast, with parameters at their defaults and elsewhere, as
// numbers and as learnable tensors; array operations by the samples of their records.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>
#include <xtape/xtape.hpp>

using namespace xtape;

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

class Catalogue {
 public:
  Catalogue(std::uint64_t seed, bool second) : generator_(seed), second_(second) {}

  Row check(const Entry& entry) {
    Row row;
    for (const Sample& sample : entry.samples) check_sample(entry, sample, row);
    if (entry.formula) check_formula(entry, row);
    return row;
  }

 private:
  Tensor within(const Record& record, const Shape& shape) {
    return record.low + (record.high - record.low) * rand(shape, float64, generator_);
  }

  GradcheckOptions options(std::string name) const {
    return {.name = std::move(name), .second_order = second_, .seed = generator_.seed()};
  }

  void check_sample(const Entry& entry, const Sample& sample, Row& row) {
    std::vector<Tensor> inputs;
    for (const Shape& shape : sample.shapes) inputs.push_back(within(entry.record, shape));
    row.add(gradcheck([&](const std::vector<Tensor>& in) { return sample.run(in); }, inputs,
                      options(sample.call)));
  }

  void check_formula(const Entry& entry, Row& row) {
    const std::vector<Shape> sizes[] = {{{}, {}, {}},
                                        {{1}, {1}, {1}},
                                        {{17}, {17}, {17}},
                                        {{3, 5}, {5}, {3, 1}},
                                        {{2, 1, 3}, {4, 1}, {2, 4, 3}},
                                        {{3, 1}, {1, 7}, {}}};
    for (const auto& shapes : sizes)
      for (const bool other : {false, true}) {
        if (other && entry.parameters.empty()) continue;
        check_call(entry, shapes, other, row);
      }
  }

  // All arguments are tensors; those with a value to be near are spread by 5 % around it.
  void check_call(const Entry& entry, const std::vector<Shape>& shapes, bool other, Row& row) {
    const std::size_t count = static_cast<std::size_t>(entry.arity);
    const std::size_t given = count - entry.parameters.size();
    std::vector<Tensor> inputs;
    for (std::size_t i = 0; i < count; ++i) {
      const Shape& shape = shapes[i % shapes.size()];
      if (i < given) {
        inputs.push_back(within(entry.record, shape));
        continue;
      }
      const Parameter& parameter = entry.parameters[i - given];
      const double value = other ? parameter.other : parameter.value;
      inputs.push_back(value + 0.05 * (rand(shape, float64, generator_) - 0.5));
    }
    const auto call = [&](const std::vector<Tensor>& in) {
      return entry.formula->apply(std::vector<Arg>(in.begin(), in.end()));
    };
    row.add(gradcheck(call, inputs, options(entry.record.name)));
    if (entry.parameters.empty()) return;
    const auto numbers = [&](const std::vector<Tensor>& in) {
      std::vector<Arg> arguments(in.begin(), in.end());
      for (const Parameter& p : entry.parameters) arguments.push_back(other ? p.other : p.value);
      return entry.formula->apply(arguments);
    };
    inputs.resize(given);
    row.add(gradcheck(numbers, inputs, options(entry.record.name)));
  }

  Generator generator_;
  bool second_;
};

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
    Catalogue checks(seed, second);
    bool failed = false;
    for (const Entry* entry : entries) {
      if (entry->formula && entry->formula->boolean_result) {
        fmt::print("{:<20} {:>8} {:>10} {:>10} {:>6}  not differentiable\n", entry->record.name, 0,
                   "", "", "");
        continue;
      }
      const Row row = checks.check(*entry);
      print_row(*entry, row, second);
      failed = failed || !row.failures.empty();
    }
    return failed ? 1 : 0;
  } catch (const Error& error) {
    fmt::print(stderr, "{}\n", error.what());
    return 2;
  }
}
