#include "../blames.hpp"

using namespace xtape;
using check::equal;
using check::numbers;
using optim::SGD;
using optim::SGDOptions;

namespace {

// The textbook update of one parameter in double precision, one number at a time.
struct PlainSgd {
  std::vector<double> p, v;
  bool started = false;

  void step(const std::vector<double>& given, const SGDOptions& o) {
    if (v.empty()) v.resize(p.size());
    for (std::size_t i = 0; i < p.size(); ++i) {
      double g = given[i] + o.weight_decay * p[i];
      if (o.momentum != 0) {
        v[i] = started ? o.momentum * v[i] + (1 - o.dampening) * g : g;
        g = o.nesterov ? g + o.momentum * v[i] : v[i];
      }
      p[i] -= o.lr * g;
    }
    started = started || o.momentum != 0;
  }
};

double worst(const Tensor& got, const std::vector<double>& want) {
  const std::vector<double> values = numbers(got);
  if (values.size() != want.size()) return INFINITY;
  double most = 0;
  for (std::size_t i = 0; i < want.size(); ++i) {
    const double d = std::abs(values[i] - want[i]) / (1 + std::abs(want[i]));
    most = std::isnan(d) ? INFINITY : std::max(most, d);
  }
  return most;
}

std::vector<SGDOptions> variants() {
  return {{.lr = 0.1},
          {.lr = 0.1, .weight_decay = 0.05},
          {.lr = 0.05, .momentum = 0.9},
          {.lr = 0.05, .momentum = 0.9, .weight_decay = 0.01},
          {.lr = 0.05, .momentum = 0.9, .dampening = 0.3},
          {.lr = 0.05, .momentum = 0.5, .dampening = 1},
          {.lr = 0.05, .momentum = 0.9, .dampening = -0.2, .weight_decay = 0.02},
          {.lr = 0.05, .momentum = 0.9, .nesterov = true},
          {.lr = 0.02, .momentum = 0.95, .weight_decay = 0.1, .nesterov = true},
          {.lr = 0, .momentum = 0.9},
          {.lr = 0.1, .momentum = 1.5}};
}

Tensor leaf(const Tensor& values) { return values.copy().requires_grad(true); }

}  // namespace

TEST_CASE("sgd: trajectories against a plain loop") {
  manual_seed(2);
  for (const DType dtype : {float32, float64})
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{0}, Shape{17}, Shape{5, 7}})
      for (const SGDOptions& options : variants()) {
        const Tensor start = randn(shape, dtype), p = leaf(start);
        PlainSgd plain{numbers(start), {}};
        SGD sgd({p}, options);
        for (int t = 0; t < 12; ++t) {
          const Tensor g = randn(shape, dtype);
          p.set_grad(g);
          sgd.step();
          plain.step(numbers(g), options);
          CHECK(worst(p, plain.p) < (dtype == float32 ? 3e-5 : 1e-12));
        }
      }
}

TEST_CASE("sgd: the worked example of momentum") {
  // v: 1, 0.9 + 1, 0.9 * 1.9 + 1;  p: 1 - 0.1 (1 + 1.9 + 2.71)
  const Tensor p = leaf(ones({1}, float64));
  SGD sgd({p}, {.lr = 0.1, .momentum = 0.9});
  for (int t = 0; t < 3; ++t) {
    p.set_grad(ones({1}, float64));
    sgd.step();
  }
  CHECK(p.item<double>() == doctest::Approx(1 - 0.1 * 5.61).epsilon(1e-15));
}

TEST_CASE("sgd: several parameters of different types; each keeps its own momentum") {
  const Tensor a = leaf(randn({3, 2})), b = leaf(randn({5}, float64)), c = leaf(Tensor(2.0));
  PlainSgd plain[] = {{numbers(a), {}}, {numbers(b), {}}, {numbers(c), {}}};
  const SGDOptions options{.lr = 0.1, .momentum = 0.8, .weight_decay = 0.1};
  SGD sgd({a, b, c}, options);
  for (int t = 0; t < 6; ++t) {
    int k = 0;
    for (const Tensor& p : {a, b, c}) {
      const Tensor g = randn(p.shape(), p.dtype());
      p.set_grad(g);
      plain[k++].step(numbers(g), options);
    }
    sgd.step();
  }
  CHECK(worst(a, plain[0].p) < 1e-6);
  CHECK(worst(b, plain[1].p) < 1e-14);
  CHECK(worst(c, plain[2].p) < 1e-6);
}

TEST_CASE("sgd: without a gradient nothing happens, not even decay, and momentum waits") {
  const SGDOptions options{.lr = 0.1, .momentum = 0.9, .dampening = 0.5, .weight_decay = 0.2};
  const Tensor p = leaf(randn({6}, float64)), never = leaf(randn({4}, float64));
  const Tensor before = never.copy();
  PlainSgd plain{numbers(p), {}};
  SGD sgd({never, p}, options);
  for (int t = 0; t < 9; ++t) {
    sgd.zero_grad();
    CHECK_FALSE(p.grad().defined());
    if (t % 3 != 0) {
      const Tensor g = randn({6}, float64);
      p.set_grad(g);
      plain.step(numbers(g), options);
    }
    sgd.step();
    CHECK(worst(p, plain.p) < 1e-13);
  }
  CHECK(equal(never, before));
}

TEST_CASE("sgd: a gradient of zeros is a gradient") {
  const SGDOptions options{.lr = 0.1, .momentum = 0.9, .weight_decay = 0.2};
  const Tensor p = leaf(ones({2}, float64));
  PlainSgd plain{numbers(p), {}};
  SGD sgd({p}, options);
  for (int t = 0; t < 4; ++t) {
    p.set_grad(zeros({2}, float64));
    sgd.step();
    plain.step({0, 0}, options);
  }
  CHECK(worst(p, plain.p) < 1e-15);
  CHECK(p.data<double>()[0] < 1);
}

TEST_CASE("sgd: options may be changed between steps") {
  SGDOptions options{.lr = 0.1, .momentum = 0.9};
  const Tensor p = leaf(randn({40}, float64));
  PlainSgd plain{numbers(p), {}};
  SGD sgd({p}, options);
  for (int t = 0; t < 20; ++t) {
    options.lr = 0.1 / (1 + t);
    options.weight_decay = t < 10 ? 0 : 0.1;
    options.momentum = t % 7 == 3 ? 0 : 0.9;  // the momentum gathered so far is kept
    sgd.options = options;
    const Tensor g = randn({40}, float64);
    p.set_grad(g);
    sgd.step();
    plain.step(numbers(g), options);
    CHECK(worst(p, plain.p) < 1e-13);
  }
}

TEST_CASE("sgd: many elements, the same bits for any number of threads") {
  const int before = num_threads();
  for (const std::int64_t n : {65535, 65536, 65537, 300001})
    for (const SGDOptions& options : variants()) {
      Generator generator(9);
      const Tensor start = randn({n}, float32, generator), g = randn({n}, float32, generator);
      const Tensor one = leaf(start), two = leaf(start);
      PlainSgd plain{numbers(start), {}};
      for (const auto& [p, threads] : {std::pair(one, 1), std::pair(two, 2)}) {
        set_num_threads(threads);
        SGD sgd({p}, options);
        for (int t = 0; t < 3; ++t) {
          p.set_grad(g);
          sgd.step();
        }
      }
      for (int t = 0; t < 3; ++t) plain.step(numbers(g), options);
      CHECK(equal(one, two));
      CHECK(worst(one, plain.p) < 1e-5);
    }
  set_num_threads(before);
}

TEST_CASE("sgd: where an element lies does not change its bits") {
  // 17 elements fill no register; the same numbers in a long tensor do
  for (const SGDOptions& options : variants()) {
    const Tensor start = randn({17}), g = randn({17});
    const Tensor few = leaf(start), many = leaf(cat({zeros({65531}), start, zeros({1000})}));
    SGD short_run({few}, options), long_run({many}, options);
    for (int t = 0; t < 3; ++t) {
      few.set_grad(g);
      many.set_grad(cat({zeros({65531}), g, zeros({1000})}));
      short_run.step();
      long_run.step();
    }
    CHECK(equal(few, slice(many.detach(), 0, {.start = 65531, .stop = 65548, .step = 1})));
  }
}

TEST_CASE("sgd: infinite parameters and gradients") {
  const Tensor p = leaf(Tensor({INFINITY, -INFINITY, 1, 1}, float64));
  SGD sgd({p}, {.lr = 0.1, .momentum = 0.9});
  for (int t = 0; t < 2; ++t) {
    p.set_grad(Tensor({1, 1, NAN, INFINITY}, float64));
    sgd.step();
  }
  const std::vector<double> after = numbers(p);
  CHECK(after[0] == INFINITY);
  CHECK(after[1] == -INFINITY);
  CHECK(std::isnan(after[2]));
  CHECK(after[3] == -INFINITY);
}

TEST_CASE("sgd: a step is a change that recorded gradients notice, and records nothing") {
  const Tensor p = leaf(ones({2})), y = sum(p * p);
  SGD sgd({p}, {.lr = 0.1});
  p.set_grad(ones({2}));
  sgd.step();
  CHECK(p.is_leaf());
  CHECK_THROWS_AS(y.backward(), StaleValueError);
  sum(p * p).backward();  // the tape goes on as before
  CHECK(p.grad().defined());
}

TEST_CASE("sgd: minimises what backward() differentiates") {
  const Tensor target = randn({20}, float64), p = leaf(zeros({20}, float64));
  SGD sgd({p}, {.lr = 0.1, .momentum = 0.5, .nesterov = true});
  for (int t = 0; t < 200; ++t) {
    sgd.zero_grad();
    sum(square(p - target)).backward();
    sgd.step();
  }
  CHECK(check::distance(p, target) < 1e-12);
}

TEST_CASE("sgd: a frozen parameter stays") {
  Tensor p = leaf(ones({2}));
  SGD sgd({p}, {.lr = 1});
  p.set_grad(ones({2}));
  p.requires_grad(false);
  sgd.step();
  CHECK(equal(p, ones({2})));
}

TEST_CASE("sgd: errors") {
  const Tensor p = leaf(ones({2})), plain = ones({2});
  const auto make = [](std::vector<Tensor> parameters, const SGDOptions& options = {},
                       Location where = {}) { SGD(std::move(parameters), options, where); };
  CHECK_BLAMES(ValueError, "SGD: there are no parameters", make({}));
  CHECK_BLAMES(GradError, "SGD: parameter 0 is not a leaf that requires gradients", make({plain}));
  CHECK_BLAMES(GradError, "SGD: parameter 1 is not a leaf", make({p, p * 2}));
  CHECK_BLAMES(GradError, "SGD: parameter 1 is not a leaf", make({p, Tensor()}));
  CHECK_BLAMES(ValueError, "SGD: parameters 0 and 2 are the same", make({p, leaf(plain), p}));
  CHECK_BLAMES(ValueError, "SGD: lr is -0.1, it must not be negative", make({p}, {.lr = -0.1}));
  CHECK_BLAMES(ValueError, "SGD: lr is nan", make({p}, {.lr = NAN}));
  CHECK_BLAMES(ValueError, "SGD: momentum is -1", make({p}, {.momentum = -1}));
  CHECK_BLAMES(ValueError, "SGD: momentum is nan", make({p}, {.momentum = NAN}));
  CHECK_BLAMES(ValueError, "SGD: weight_decay is -2", make({p}, {.weight_decay = -2}));
  CHECK_BLAMES(ValueError, "SGD: weight_decay is nan", make({p}, {.weight_decay = NAN}));
  CHECK_BLAMES(ValueError, "SGD: nesterov needs momentum", make({p}, {.nesterov = true}));
  CHECK_BLAMES(ValueError, "SGD: nesterov needs momentum and no dampening",
               make({p}, {.momentum = 0.9, .dampening = 0.1, .nesterov = true}));
  CHECK_BLAMES(ValueError, "SGD: nesterov needs", SGD({p}, {.nesterov = true}));
}
