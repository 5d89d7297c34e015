#include <sys/resource.h>

#include "../check.hpp"

using namespace check;

// What AddressSanitizer holds back of freed memory, in kB.
#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
constexpr long kept_by_sanitizer = 256 * 1024;
#else
constexpr long kept_by_sanitizer = 0;
#endif

namespace {

Tensor numbers_in(const Shape& shape, DType dtype, double low, double high) {
  return cast(rand(shape, float64) * (high - low) + low, dtype);
}

double dot(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = numbers(a), y = numbers(b);
  double total = 0;
  for (std::size_t i = 0; i < x.size(); ++i) total += x[i] * y[i];
  return total;
}

/// |v^T (J u) - (J^T v)^T u|, relative: how far forward and reverse mode are apart.
double disagreement(const NaryFunction& f, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> u;
  for (const Tensor& x : inputs) u.push_back(randn(x.shape(), x.dtype()));
  const auto [y, change] = jvp(f, inputs, u);
  if (change.shape() != y.shape() || change.dtype() != y.dtype()) return INFINITY;
  const Tensor v = randn(y.shape(), y.dtype());
  const auto [again, shares] = vjp(f, inputs, v);
  if (!equal(y, again)) return INFINITY;
  double forward = dot(v, change), reverse = 0, size = 1;
  for (std::size_t i = 0; i < u.size(); ++i) {
    reverse += dot(u[i], shares[i]);
    size += dot(abs(u[i]), abs(shares[i]));
  }
  const double d = std::abs(forward - reverse) / (size + dot(abs(v), abs(change)));
  return std::isnan(d) ? INFINITY : d;
}

/// The same where tangents are computed by operations, for gradients and in another mode.
double disagreement_when_nested(const NaryFunction& f, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> leaves;
  for (const Tensor& x : inputs) leaves.push_back(x.copy().requires_grad(true));
  const ForwardMode outer;
  return std::max(disagreement(f, leaves), disagreement(f, inputs));
}

std::vector<Tensor> arguments_of(const Entry& entry, DType dtype, int turn) {
  const Shape shapes[] = {{5, 7, 9}, {9}, {7, 1}, {}, {5, 1, 9}, {0}, {33}};
  std::vector<Tensor> out;
  const int given = entry.arity - static_cast<int>(entry.parameters.size());
  for (int i = 0; i < entry.arity; ++i) {
    const Shape shape = turn > 4 ? shapes[turn] : shapes[(turn + i) % 5];
    const double low = i < given ? entry.record.low : entry.parameters[i - given].value;
    const double high = i < given ? entry.record.high : entry.parameters[i - given].other;
    out.push_back(numbers_in(shape, dtype, low, high));
  }
  return out;
}

}  // namespace

TEST_CASE("forward: every formula agrees with its gradient") {
  for (const Entry* entry : catalogue()) {
    if (!entry->formula || entry->formula->readings->boolean_result || !entry->record.differences)
      continue;
    INFO(std::string(entry->record.name));
    const NaryFunction apply = [entry](const std::vector<Tensor>& in) {
      return entry->formula->apply(std::vector<Arg>(in.begin(), in.end()));
    };
    const NaryFunction total = [entry](const std::vector<Tensor>& in) {
      return entry->formula->reduce(std::vector<Arg>(in.begin(), in.end()), Dims(-1), true);
    };
    for (int turn = 0; turn < 7; ++turn) {
      CHECK(disagreement(apply, arguments_of(*entry, float64, turn)) < 1e-12);
      CHECK(disagreement(apply, arguments_of(*entry, float32, turn)) < 1e-4);
    }
    CHECK(disagreement_when_nested(apply, arguments_of(*entry, float64, 0)) < 1e-12);
    CHECK(disagreement(total, arguments_of(*entry, float64, 0)) < 1e-12);
    CHECK(disagreement_when_nested(total, arguments_of(*entry, float64, 1)) < 1e-12);
  }
}

TEST_CASE("forward: every array operation agrees with its gradient") {
  for (const Entry* entry : catalogue())
    for (const Sample& sample : entry->samples)
      for (DType dtype : {float64, float32}) {
        INFO(sample.call);
        std::vector<Tensor> inputs;
        for (const Shape& shape : sample.shapes)
          inputs.push_back(numbers_in(shape, dtype, entry->record.low, entry->record.high));
        const double limit = dtype == float64 ? 1e-12 : 1e-4;
        CHECK(disagreement(sample.run, inputs) < limit);
        CHECK(disagreement_when_nested(sample.run, inputs) < limit);
      }
}

TEST_CASE("forward: modes nest without mixing their tangents") {
  const Tensor one(1.0, float64);
  // d/dx of x * d/dy (x + y) is 1, not 2
  const auto inner = [&](const Tensor& x) {
    return x * jvp([&](const Tensor& y) { return x + y; }, one, one).second;
  };
  CHECK(jvp(inner, one, one).second.item<double>() == 1);
  // x^4: every derivative by one more mode
  const Tensor x(1.5, float64);
  UnaryFunction f = [](const Tensor& z) { return z * z * square(z); };
  double factor = 1, power = 4;
  for (int n = 0; n < 6; ++n) {
    CHECK(f(x).item<double>() == doctest::Approx(factor * std::pow(1.5, std::max(power, 0.0))));
    factor *= std::max(power, 0.0);
    power -= 1;
    f = [f](const Tensor& z) { return jvp(f, z, ones_like(z)).second; };
  }
}

TEST_CASE("forward: tangents of gradients and gradients of tangents") {
  const Tensor a({{1, 2}, {3, -1}}, float64), x({0.3, -0.7}, float64), v({1, 2}, float64);
  const UnaryFunction f = [&](const Tensor& z) {
    return sum(exp(matmul(a, sin(z))) * amax(z)) + logsumexp(z * z);
  };
  const Tensor want = matmul(hessian(f, x), v);
  const auto forward_over_reverse =
      jvp([&](const Tensor& z) { return vjp(f, z).second; }, x, v).second;
  CHECK(distance(forward_over_reverse, want) < 1e-12);
  CHECK_FALSE(forward_over_reverse.requires_grad());
  const auto by_backward = jvp(
      [&](const Tensor& z) {
        Tensor leaf = z;
        leaf.requires_grad(true);
        f(leaf).backward();
        return leaf.grad();
      },
      x, v);
  CHECK(distance(by_backward.second, want) < 1e-12);
  const Tensor leaf = x.copy().requires_grad(true);
  const auto [y, change] = jvp(f, leaf, v);
  CHECK(change.requires_grad());
  CHECK(distance(grad(change, leaf), want) < 1e-12);
  CHECK(distance(hvp(f, x, v).second, want) < 1e-12);
  // and by the tangent itself, which it is linear in
  const Tensor direction = v.copy().requires_grad(true);
  CHECK(distance(grad(jvp(f, x, direction).second, direction), vjp(f, x).second) < 1e-12);
}

TEST_CASE("forward: nothing is recorded, and memory does not grow with the program") {
  const auto peak = [] {
    rusage usage{};
    getrusage(RUSAGE_SELF, &usage);
    return usage.ru_maxrss;  // kB
  };
  const Tensor x = ones({256, 512});
  const UnaryFunction f = [](const Tensor& z) {
    Tensor y = z;
    for (int i = 0; i < 1000; ++i) {
      y = sin(y) * 0.5;
      if (i % 50 == 0) y = transpose(reshape(y, {512, -1}));  // slow with the sanitizers
    }
    return y;
  };
  const long before = peak();
  const auto [y, change] = jvp(f, x, x);
  CHECK_FALSE(y.requires_grad());
  CHECK_FALSE(change.requires_grad());
  CHECK(peak() - before < 200'000 + kept_by_sanitizer);  // all tangents together are 1 GB
}

TEST_CASE("forward: NoGrad, anomalies, kinks and zeros") {
  const Tensor w = Tensor({2, 3}, float64).requires_grad(true), x({0, 4}, float64),
               v({1, 1}, float64);
  {
    const NoGrad off;
    const auto [y, change] = jvp([&](const Tensor& z) { return z * w; }, x, v);
    CHECK(numbers(change) == std::vector<double>{2, 3});
    CHECK_FALSE(change.requires_grad());
  }
  CHECK(jvp([&](const Tensor& z) { return z * w; }, x, v).second.requires_grad());
  CHECK(numbers(jvp([](const Tensor& z) { return relu(z) + abs(z); }, x, v).second) ==
        std::vector<double>{0, 2});
  CHECK(numbers(jvp([](const Tensor& z) { return sqrt(z); }, x, v).second) ==
        std::vector<double>{INFINITY, 0.25});
  // a tangent of 0 stays 0
  const Tensor masked({0, 1}, float64);
  for (const bool outer : {false, true}) {
    const std::unique_ptr<ForwardMode> mode(outer ? new ForwardMode : nullptr);
    const Tensor at = outer ? mode->dual(x, v) : x;
    CHECK(numbers(jvp([](const Tensor& z) { return sqrt(z); }, at, masked).second) ==
          std::vector<double>{0, 0.25});
  }
  CHECK(numbers(jvp([](const Tensor& z) { return where(z > 0, log(z), z); }, x, v).second) ==
        std::vector<double>{1, 0.25});
  set_anomaly(true);
  CHECK(message<AnomalyError>([&] { jvp([](const Tensor& z) { return sqrt(z); }, x, v); }) ==
        "sqrt: the forward pass first produced inf at element 0 of shape [2] (" + here() + ")");
  CHECK(numbers(jvp([](const Tensor& z) { return where(z > 0, log(z + 1), z); }, x, v).second) ==
        std::vector<double>{1, 0.2});
  set_anomaly(false);
}

TEST_CASE("forward: an operation with several outputs and a shared input") {
  // (x y, x) of which the second hands its gradient straight on
  const auto both = [](const std::vector<Tensor>& in) {
    const std::vector<Tensor> out{in[0].detach() * in[1].detach(), in[0].copy()};
    const Operand operands[] = {saved(in[0]), saved(in[1])};
    record("both", Location(), operands, out, [](Backward& b) {
      if (b.grad(0).defined()) {
        b.give(0, b.grad(0) * b.input(1));
        b.give(1, b.grad(0) * b.input(0));
      }
      b.give(0, b.grad(1));
    });
    return out;
  };
  const Tensor x({2, 3}, float64), y({5, 7}, float64), u({1, 10}, float64), v({100, 0}, float64);
  const auto [values, changes] = jvp(both, {x, y}, {u, v});
  CHECK(numbers(changes[0]) == std::vector<double>{205, 70});
  CHECK(numbers(changes[1]) == std::vector<double>{1, 10});
  CHECK(numbers(jvp([](const Tensor& z) { return z * z; }, x, u).second) ==
        std::vector<double>{4, 60});
  const auto square_of_it = [&](const Tensor& z) { return both({z, z})[0]; };
  CHECK(numbers(jvp(square_of_it, x, u).second) == std::vector<double>{4, 60});
}

TEST_CASE("forward: a mode is used directly") {
  const Tensor x({1, 2}, float64), t({1, 0}, float64);
  Tensor kept;
  {
    ForwardMode mode;
    const Tensor dual = mode.dual(x, t);
    CHECK(equal(mode.tangent(dual), t));
    CHECK_FALSE(mode.tangent(x).defined());
    CHECK_FALSE(mode.tangent(mode.primal(dual)).defined());
    CHECK_FALSE(mode.tangent(dual.detach() * 2).defined());
    CHECK_FALSE(mode.tangent(dual > 1).defined());
    CHECK(numbers(mode.tangent(mode.dual(dual, t * 3) * dual)) == std::vector<double>{4, 0});
    CHECK(mode.dual(x, t).data<double>() == x.data<double>());
    kept = exp(dual);
    CHECK(message<ShapeError>([&] { mode.dual(x, ones({3}, float64)); }) ==
          "dual: the tangent has shape [3], the tensor [2] (" + here() + ")");
    CHECK(message<DTypeError>([&] { mode.dual(x, ones({2})); }) ==
          "dual: the tangent is float32, the tensor float64 (" + here() + ")");
    CHECK(message<DTypeError>([&] { mode.dual(zeros({2}, int64), t); }) ==
          "dual: only floating tensors have tangents, this one is int64 (" + here() + ")");
  }
  ForwardMode later;
  CHECK_FALSE(later.tangent(kept).defined());
  CHECK_FALSE(later.tangent(kept * 2).defined());
}
