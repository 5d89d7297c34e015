// Expressions whose gradient is NaN in many libraries, at the points where it is. The rows are the
// table of docs/traps.md: the test writes each as it computes it and looks for it there.
#include <fmt/format.h>

#include <fstream>

#include "check.hpp"

using namespace check;

namespace {

constexpr double inf = INFINITY;

struct Trap {
  const char* text;
  std::vector<double> at;
  Tensor (*f)(const Tensor& x);
};

const Trap traps[] = {
    {"where(x > 0, sqrt(x), 0)",
     {-1, 0, 4},
     [](const Tensor& x) { return where(x > 0, sqrt(x), 0); }},
    {"where(x > 0, log(x), x)",
     {-1, 0, 2},
     [](const Tensor& x) { return where(x > 0, log(x), x); }},
    {"where(x == 0, 1, sin(x) / x)",
     {0, 1},
     [](const Tensor& x) { return where(x == 0, 1, sin(x) / x); }},
    {"sqrt(x) * Tensor({0, 1})",
     {0, 4},
     [](const Tensor& x) {
       return sqrt(x) * Tensor({0, 1});
     }},
    {"masked_fill(1 / x, x == 0, 0)",
     {0, 2},
     [](const Tensor& x) { return masked_fill(1 / x, x == 0, 0); }},
    {"norm(x)", {0, 0}, [](const Tensor& x) { return norm(x); }},
    {"norm(x)", {3, 4}, [](const Tensor& x) { return norm(x); }},
    {"stddev(x)", {2, 2, 2}, [](const Tensor& x) { return stddev(x); }},
    {"hypot(x, 0)", {0, 1}, [](const Tensor& x) { return hypot(x, 0); }},
    {"xlogy(x, x)", {0, 1}, [](const Tensor& x) { return xlogy(x, x); }},
    {"xlogy(0, x)", {0, 2}, [](const Tensor& x) { return xlogy(0, x); }},
    {"abs(x)", {0, -2}, [](const Tensor& x) { return abs(x); }},
    {"pow(x, 0)", {0, 2}, [](const Tensor& x) { return pow(x, 0); }},
    {"pow(0, x)", {0, 2}, [](const Tensor& x) { return pow(0, x); }},
    {"softmax(x, 0)", {-inf, 0, 0}, [](const Tensor& x) { return softmax(x, 0); }},
    {"logsumexp(x)", {-inf, 0, 0}, [](const Tensor& x) { return logsumexp(x); }},
    {"logsumexp(x)", {-inf, -inf}, [](const Tensor& x) { return logsumexp(x); }},
    {"logaddexp(x, -INFINITY)", {-inf, 1}, [](const Tensor& x) { return logaddexp(x, -inf); }},
    {"log_softmax(x, 0)", {0, 1000}, [](const Tensor& x) { return log_softmax(x, 0); }},
    {"sigmoid(x)", {-1000, 1000}, [](const Tensor& x) { return sigmoid(x); }},
    {"softplus(x)", {-1000, 0, 1000}, [](const Tensor& x) { return softplus(x); }},
    {"prod(x)", {0, 2, 3}, [](const Tensor& x) { return prod(x); }},
    {"prod(x)", {0, 0, 3}, [](const Tensor& x) { return prod(x); }},
    {"amax(x)", {1, 1, 0}, [](const Tensor& x) { return amax(x); }},
    {"clamp(x, -1, 1)", {-1, 1, 2}, [](const Tensor& x) { return clamp(x, -1, 1); }},
    {"nan_to_num(x)", {NAN, inf, 1}, [](const Tensor& x) { return nan_to_num(x); }},
    {"normalize(x, {.dim = 0})", {0, 0}, [](const Tensor& x) { return normalize(x, {.dim = 0}); }},
};

std::string list(const std::vector<double>& numbers) {
  std::vector<std::string> texts;
  for (double each : numbers) texts.push_back(fmt::format("{:.4g}", each == 0 ? 0 : each));
  return fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace

TEST_CASE("traps: no gradient is NaN, first and second order, and the page says what each is") {
  std::ifstream file(XTAPE_SOURCE_DIR "/docs/traps.md");
  const std::string page((std::istreambuf_iterator<char>(file)), {});
  std::size_t rows = 0;
  for (std::size_t at = 0; (at = page.find("\n| `", at)) != std::string::npos; ++at) ++rows;
  CHECK(rows == std::size(traps));
  for (const Trap& trap : traps) {
    CAPTURE(trap.text);
    const Tensor x = Tensor::from(trap.at.data(), {static_cast<std::int64_t>(trap.at.size())});
    x.detach();
    const Tensor leaf = x.copy().requires_grad(true);
    const Tensor y = trap.f(leaf);
    const GradOptions again{.retain_graph = true, .create_graph = true};
    const Tensor first = grad(sum(y), {leaf}, again)[0];
    // the derivative of the sum of the gradient
    Tensor second = zeros_like(leaf);
    if (first.requires_grad()) {
      const Tensor total = sum(first);
      const Tensor roots[] = {total}, inputs[] = {leaf}, seeds[] = {ones_like(total)};
      const Tensor found = grad(roots, inputs, seeds, {.allow_unused = true})[0];
      if (found.defined()) second = found;
    }
    for (double slope : numbers(first)) CHECK_FALSE(std::isnan(slope));
    for (double slope : numbers(second)) CHECK_FALSE(std::isnan(slope));
    sum(trap.f(leaf)).backward();  // the fused way
    CHECK(distance(leaf.grad(), first) < 1e-14);
    const std::string row =
        fmt::format("| `{}` | {} | {} | {} | {} |", trap.text, list(trap.at), list(numbers(y)),
                    list(numbers(first)), list(numbers(second)));
    CHECK_MESSAGE(page.find(row + "\n") != std::string::npos, row);
  }
}
