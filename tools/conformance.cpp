// Runs recorded cases (inputs, outputs and gradients that another program computed) through xtape's
// public functions and says where they differ.
#include <fmt/format.h>
#include <fnmatch.h>

#include <CLI/CLI.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <variant>
#include <xtape/tools/conformance/binding.hpp>
#include <xtensor/xnpy.hpp>

namespace conformance {

namespace {

namespace fs = std::filesystem;

std::map<std::string, Function>& functions() {
  static std::map<std::string, Function> table;
  return table;
}

}  // namespace

std::vector<std::int64_t> Call::integers(const char* key) const {
  if (!has(key)) return {};
  const Json& json = kwargs.at(key);
  if (json.is_array()) return json.get<std::vector<std::int64_t>>();
  return {json.get<std::int64_t>()};
}

double Call::to_number(const Json& json) {
  return json.is_string() ? std::stod(json.get<std::string>()) : json.get<double>();
}

Bindings::Bindings(std::initializer_list<std::pair<const char*, Function>> table) {
  for (const auto& [name, function] : table)
    if (!functions().emplace(name, function).second)
      throw std::logic_error(fmt::format("{} is bound twice", name));
}

const Function& function_of(const std::string& op) {
  const auto found = functions().find(op);
  if (found == functions().end()) throw Unsupported(fmt::format("xtape has no {}", op));
  return found->second;
}

namespace {

/// What differs between a case and xtape.
struct Difference : std::runtime_error {
  using std::runtime_error::runtime_error;
};

Tensor load(const fs::path& folder, const Json& entry, const char* key) {
  const std::string file = folder / entry.at(key).get<std::string>();
  const std::string dtype = entry.at("dtype");
  if (dtype == "float64") return Tensor(xt::load_npy<double>(file));
  if (dtype == "float32") return Tensor(xt::load_npy<float>(file));
  if (dtype == "int64") return Tensor(xt::load_npy<std::int64_t>(file));
  if (dtype == "bool") return Tensor(xt::load_npy<bool>(file));
  throw std::runtime_error("an element type that is not known: " + dtype);
}

/// How two numbers may differ.
struct Tolerance {
  double relative, absolute;
  bool sign_of_zero, nan_matches_all;

  bool accepts(double got, double want) const {
    if (std::isnan(want)) return std::isnan(got) || (nan_matches_all && std::isfinite(got));
    if (std::isnan(got)) return false;
    if (std::isinf(want) || std::isinf(got)) return got == want;
    if (sign_of_zero && want == 0 && std::signbit(want) != std::signbit(got)) return false;
    return std::abs(got - want) <= absolute + relative * std::abs(want);
  }
  /// How bad an element that is not accepted is, for finding the worst.
  double badness(double got, double want) const {
    const double excess = std::abs(got - want) / (absolute + relative * std::abs(want));
    return std::isfinite(excess) ? excess : std::numeric_limits<double>::infinity();
  }
};

std::string place(std::int64_t flat, const Shape& shape) {
  std::vector<std::int64_t> index(shape.rank());
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    index[axis] = flat % shape[axis];
    flat /= shape[axis];
  }
  return fmt::format("[{}]", fmt::join(index, ", "));
}

void compare(const std::string& what, const Tensor& got, const Tensor& want,
             const Tolerance& tolerance) {
  if (got.dtype() != want.dtype())
    throw Difference(
        fmt::format("{} is {}, not {}", what, name_of(got.dtype()), name_of(want.dtype())));
  if (got.shape() != want.shape())
    throw Difference(
        fmt::format("{} has shape {}, not {}", what, got.shape().str(), want.shape().str()));
  const Tensor a = cast(got.detach(), float64), b = cast(want, float64);
  std::int64_t worst = -1, wrong = 0;
  double badness = -1;
  for (std::int64_t i = 0; i < a.numel(); ++i) {
    const double x = a.data<double>()[i], y = b.data<double>()[i];
    if (tolerance.accepts(x, y)) continue;
    ++wrong;
    if (tolerance.badness(x, y) > badness) {
      badness = tolerance.badness(x, y);
      worst = i;
    }
  }
  if (worst < 0) return;
  throw Difference(fmt::format("{}{} is {:.17g}, not {:.17g} ({} of {} elements differ)", what,
                               place(worst, a.shape()), a.data<double>()[worst],
                               b.data<double>()[worst], wrong, a.numel()));
}

/// Mean, standard deviation, smallest and largest element of random numbers: the first two may
/// differ, the others are bounds.
void compare_statistics(const Tensor& got, const Tensor& want, const Json& kwargs) {
  const Tensor wide_got = cast(got, float64), wide_want = cast(want, float64);
  const double *const a = wide_got.data<double>(), *const b = wide_want.data<double>();
  const bool accepted = std::abs(a[0] - b[0]) <= kwargs.at("tol_mean").get<double>() &&
                        std::abs(a[1] - b[1]) <= kwargs.at("tol_std").get<double>() &&
                        a[2] >= b[2] && a[3] <= b[3];
  if (!accepted)
    throw Difference(fmt::format("mean, deviation and bounds are {}, not {}", str(got), str(want)));
}

struct Case {
  fs::path folder;
  Json meta;

  std::string name() const { return meta.at("name"); }
  bool tagged(const char* tag) const {
    for (const Json& each : meta.at("tags"))
      if (each == tag) return true;
    return false;
  }
  Tolerance tolerance(const char* relative, const char* absolute) const {
    const Json& tol = meta.at("tol");
    return {tol.at(relative).get<double>(), tol.at(absolute).get<double>(),
            tagged("signed_zero") && std::string(relative) == "rtol", tagged("nan_trap")};
  }

  Tensors inputs() const {
    Tensors out;
    for (const Json& entry : meta.at("inputs")) {
      out.push_back(entry.is_null() ? Tensor() : load(folder, entry, "file"));
      if (!entry.is_null() && !entry.at("grad").is_null()) out.back().requires_grad(true);
    }
    return out;
  }

  /// Throws what is wrong with xtape's answer.
  void run() const {
    const std::string dtype = meta.at("dtype");
    const Tensors in = inputs();
    const Function& function = function_of(meta.at("op"));
    const Call call{meta.at("kwargs"), in, dtype == "float32" ? float32 : float64};
    if (meta.at("expect") == "error") {
      try {
        function(call);
      } catch (const Unsupported&) {
        throw;
      } catch (const Error&) {
        return;
      }
      throw Difference("an error is expected, and there was none");
    }
    const Outputs out = function(call);
    const Json& wanted = meta.at("outputs");
    if (out.size() != wanted.size())
      throw Difference(fmt::format("{} outputs, not {}", out.size(), wanted.size()));
    if (tagged("statistical"))
      return compare_statistics(out[0], load(folder, wanted[0], "file"), meta.at("kwargs"));
    for (std::size_t j = 0; j < out.size(); ++j)
      compare(fmt::format("output {}", j), out[j], load(folder, wanted[j], "file"),
              tolerance("rtol", "atol"));
    check_gradients(in, out);
  }

 private:
  void check_gradients(const Tensors& in, const Tensors& out) const {
    Tensors roots, seeds;
    bool differentiated = false;
    for (std::size_t j = 0; j < out.size(); ++j) {
      const Json& wanted = meta.at("outputs")[j];
      if (wanted.at("gout").is_null()) continue;
      differentiated = true;
      if (!out[j].requires_grad()) continue;  // then its inputs' gradients must be zero
      roots.push_back(out[j]);
      seeds.push_back(load(folder, wanted, "gout"));
    }
    if (!roots.empty()) backward(roots, seeds);
    for (std::size_t i = 0; differentiated && i < in.size(); ++i) {
      const Json& entry = meta.at("inputs")[i];
      if (entry.is_null() || entry.at("grad").is_null()) continue;
      const Tensor got = in[i].grad();
      compare(fmt::format("gradient {}", i), got.defined() ? got : zeros_like(in[i]),
              load(folder, entry, "grad"), tolerance("grad_rtol", "grad_atol"));
    }
  }
};

struct Count {
  int passed = 0, failed = 0, skipped = 0;
};

class Report {
 public:
  explicit Report(bool verbose) : verbose_(verbose) {}

  void take(const Case& subject) {
    Count& group = groups_[subject.meta.at("group")];
    std::string failure;
    try {
      subject.run();
    } catch (const std::exception& error) {
      failure = error.what();
    }
    ++(failure.empty() ? group.passed : group.failed);
    if (!failure.empty()) fmt::print("FAIL {}: {}\n", subject.name(), failure);
    else if (verbose_) fmt::print("pass {}\n", subject.name());
  }
  void skip(const std::string& group) { ++groups_[group].skipped; }

  /// Prints the counts; whether nothing failed.
  bool finish() const {
    Count total;
    for (const auto& [name, count] : groups_) {
      fmt::print("{:<16} {:>5} passed {:>5} failed {:>5} skipped\n", name, count.passed,
                 count.failed, count.skipped);
      total.passed += count.passed;
      total.failed += count.failed;
      total.skipped += count.skipped;
    }
    fmt::print("{} passed, {} failed, {} skipped\n", total.passed, total.failed, total.skipped);
    return total.failed == 0;
  }

 private:
  bool verbose_;
  std::map<std::string, Count> groups_;
};

/// The folders of all cases below `root`, sorted.
std::vector<fs::path> cases_below(const fs::path& root) {
  std::vector<fs::path> folders;
  for (const auto& entry : fs::recursive_directory_iterator(root))
    if (entry.path().filename() == "case.json") folders.push_back(entry.path().parent_path());
  std::sort(folders.begin(), folders.end());
  return folders;
}

}  // namespace

}  // namespace conformance

int main(int argc, char** argv) {
  CLI::App app("Runs recorded cases through xtape and compares outputs and gradients");
  std::vector<std::string> roots;
  std::string filter = "*";
  bool verbose = false;
  app.add_option("DIR", roots, "folders with cases, searched to any depth")->required();
  app.add_option("--filter", filter,
                 "only cases whose name (group/case) this pattern matches; !(...) for all others");
  app.add_flag("--verbose", verbose, "also name the cases that pass");
  CLI11_PARSE(app, argc, argv);
  conformance::Report report(verbose);
  for (const std::string& root : roots) {
    if (!std::filesystem::is_directory(root)) {
      fmt::print(stderr, "conformance: no folder {}\n", root);
      return 2;
    }
    for (const auto& folder : conformance::cases_below(root)) {
      conformance::Case subject{folder, {}};
      try {
        std::ifstream(folder / "case.json") >> subject.meta;
      } catch (const std::exception& error) {
        fmt::print(stderr, "conformance: {}: {}\n", (folder / "case.json").string(), error.what());
        return 2;
      }
      if (fnmatch(filter.c_str(), subject.name().c_str(), FNM_EXTMATCH) == 0) report.take(subject);
      else report.skip(subject.meta.at("group"));
    }
  }
  return report.finish() ? 0 : 1;
}
