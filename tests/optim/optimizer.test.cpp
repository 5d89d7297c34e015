#include "../blames.hpp"
#include "plain.hpp"

using namespace xtape;
using check::equal;
using check::numbers;
using plain::leaf;

namespace {

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

// Runs a few steps with gradients from `generator`.
void train(optim::Optimizer& optimizer, int steps, Generator& generator) {
  for (int t = 0; t < steps; ++t) {
    for (const Tensor& p : optimizer.parameters())
      p.set_grad(randn(p.shape(), p.dtype(), generator));
    optimizer.step();
  }
}

struct Threads {
  explicit Threads(int count) : before(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
  int before;
};

}  // namespace

TEST_CASE("optimizer: trajectories against plain loops") {
  manual_seed(3);
  for (const plain::Subject& subject : plain::subjects())
    for (const DType dtype : {float32, float64})
      for (const Shape& shape : {Shape{}, Shape{1}, Shape{0}, Shape{17}, Shape{5, 7}}) {
        CAPTURE(subject.name);
        const Tensor start = randn(shape, dtype), p = leaf(start);
        plain::Numbers expected{numbers(start)};
        const auto optimizer = subject.make({p});
        for (int t = 0; t < 12; ++t) {
          const Tensor g = t == 7 ? zeros(shape, dtype) : randn(shape, dtype);
          p.set_grad(g);
          optimizer->step();
          expected.step(numbers(g), subject.rule);
          CHECK(worst(p, expected.p) < (dtype == float32 ? 2e-4 : 1e-11));
        }
      }
}

TEST_CASE("optimizer: without a gradient nothing happens, and steps are counted by parameter") {
  for (const plain::Subject& subject : plain::subjects()) {
    CAPTURE(subject.name);
    const Tensor p = leaf(randn({6}, float64)), q = leaf(randn({4}, float64));
    const Tensor never = leaf(randn({4}, float64)), before = never.copy();
    plain::Numbers plain_p{numbers(p)}, plain_q{numbers(q)};
    const auto optimizer = subject.make({never, p, q});
    for (int t = 0; t < 9; ++t) {
      optimizer->zero_grad();
      CHECK_FALSE(p.grad().defined());
      const Tensor g = randn({6}, float64), h = randn({4}, float64);
      if (t % 3 != 0) {
        p.set_grad(g);
        plain_p.step(numbers(g), subject.rule);
      }
      if (t > 4) {
        q.set_grad(h);
        plain_q.step(numbers(h), subject.rule);
      }
      optimizer->step();
      CHECK(worst(p, plain_p.p) < 1e-12);
      CHECK(worst(q, plain_q.p) < 1e-12);
    }
    CHECK(equal(never, before));
  }
}

TEST_CASE("optimizer: the same bits for any number of threads and wherever an element lies") {
  for (const plain::Subject& subject : plain::subjects()) {
    CAPTURE(subject.name);
    const Tensor few_start = randn({17}), few_g = randn({17});
    const Tensor start = cat({randn({65531}), few_start, randn({1000})});
    const Tensor g = cat({randn({65531}), few_g, randn({1000})});
    const Tensor one = leaf(start), two = leaf(start), few = leaf(few_start);
    for (const auto& [p, grad, threads] :
         {std::tuple(one, g, 1), std::tuple(two, g, 2), std::tuple(few, few_g, 1)}) {
      const Threads setting(threads);
      const auto optimizer = subject.make({p});
      for (int t = 0; t < 3; ++t) {
        p.set_grad(t == 1 ? -grad : grad);
        optimizer->step();
      }
    }
    CHECK(equal(one, two));
    CHECK(equal(few, slice(one.detach(), 0, {.start = 65531, .stop = 65548, .step = 1})));
  }
}

TEST_CASE("optimizer: training that is stopped and resumed gives the same bits") {
  for (const plain::Subject& subject : plain::subjects())
    for (const int stop : {0, 1, 7}) {
      CAPTURE(subject.name);
      const Tensor a = leaf(randn({9})), b = leaf(randn({2, 3}, float64));
      const auto whole = subject.make({a, b});
      whole->lr() *= 0.5;
      Generator generator(4);
      train(*whole, stop, generator);
      const State saved = whole->state_dict();
      const Tensor c = leaf(a.detach()), d = leaf(b.detach());
      train(*whole, 6, generator);

      generator.manual_seed(4);
      generator.set_stream(static_cast<std::uint64_t>(2 * stop));
      const auto resumed = subject.make({c, d});
      resumed->load_state_dict(saved);
      train(*resumed, 6, generator);
      CHECK(equal(a, c));
      CHECK(equal(b, d));
    }
}

TEST_CASE("optimizer: the average of ASGD is the parameter until it begins, then a mean") {
  const Tensor p = leaf(Tensor({1, -2, INFINITY}, float64)), q = leaf(ones({1}, float64));
  optim::ASGD late({p}, {.lr = 0.1}), early({q}, {.lr = 0.1, .lambd = 0, .alpha = 0, .t0 = 1});
  std::vector<double> seen;
  for (int t = 0; t < 5; ++t) {
    p.set_grad(ones({3}, float64));
    late.step();
    CHECK(equal(late.state_dict().at("state.0.ax"), p.detach()));
    q.set_grad(ones({1}, float64));
    early.step();
    seen.push_back(q.item<double>());
  }
  // mu is 1, 1, 1, 1/2, 1/3: the mean of the last three
  CHECK(early.state_dict().at("state.0.ax").item<double>() ==
        doctest::Approx((seen[2] + seen[3] + seen[4]) / 3));
}

TEST_CASE("optimizer: groups inherit what they do not set") {
  const Tensor a = leaf(ones({2}, float64)), b = leaf(ones({2}, float64));
  const Tensor c = leaf(ones({2}, float64));
  optim::SGD sgd({a}, {.lr = 0.1, .momentum = 0.5});
  sgd.options.momentum = 0;  // of the first group alone
  optim::SGDOptions& second = sgd.add_group({b});
  sgd.add_group({c}).lr = 1;
  second.weight_decay = 0.2;
  CHECK(sgd.group_count() == 3);
  CHECK(sgd.group(1).momentum == 0.5);
  CHECK(sgd.lr(1) == 0.1);
  CHECK(*sgd.momentum(2) == 0.5);
  for (int t = 0; t < 2; ++t) {
    for (const Tensor& p : sgd.parameters()) p.set_grad(ones({2}, float64));
    sgd.step();
  }
  CHECK(check::distance(a, full({2}, 1 - 0.2, float64)) < 1e-15);
  const double first = 1 - 0.1 * 1.2, speed = 0.5 * 1.2 + 1 + 0.2 * first;
  CHECK(check::distance(b, full({2}, first - 0.1 * speed, float64)) < 1e-15);
  CHECK(check::distance(c, full({2}, 1 - 1 - 1.5, float64)) < 1e-15);
  const Tensor d = leaf(ones({1}));
  optim::Adam adam({d}, {.betas = {0.7, 0.8}});
  CHECK(*adam.momentum() == 0.7);
  optim::Adagrad adagrad({d});
  CHECK(adagrad.momentum() == nullptr);
}

TEST_CASE("optimizer: a state has PyTorch's names") {
  const Tensor p = leaf(ones({3}));
  optim::Adam adam({p}, {.lr = 0.5});
  p.set_grad(ones({3}));
  adam.step();
  const State state = adam.state_dict();
  CHECK(state.at("state.0.step").item<std::int64_t>() == 1);
  CHECK(check::distance(state.at("state.0.exp_avg"), full({3}, 0.1)) < 1e-7);
  CHECK(state.contains("state.0.exp_avg_sq"));
  CHECK_FALSE(state.contains("state.0.max_exp_avg_sq"));
  CHECK(state.at("groups.0.lr").item<double>() == 0.5);
  CHECK(equal(state.at("groups.0.betas"), Tensor({0.9, 0.999}, float64)));
  p.set_grad(ones({3}));
  adam.step();  // what was saved is a copy
  CHECK(check::distance(state.at("state.0.exp_avg"), full({3}, 0.1)) < 1e-7);
}

TEST_CASE("optimizer: infinities and NaN stay where they are") {
  for (const plain::Subject& subject : plain::subjects()) {
    CAPTURE(subject.name);
    const Tensor p = leaf(ones({33})), q = leaf(ones({33}));
    const auto one = subject.make({p}), other = subject.make({q});
    for (int t = 0; t < 3; ++t) {
      const Tensor g = randn({33});
      q.set_grad(g);
      const Tensor bad = g.copy();
      bad.mutable_data<float>()[5] = NAN;
      bad.mutable_data<float>()[32] = INFINITY;
      p.set_grad(bad);
      one->step();
      other->step();
    }
    const std::vector<double> a = numbers(p), b = numbers(q);
    for (std::size_t i = 0; i < a.size(); ++i)
      if (i != 5 && i != 32) CHECK(a[i] == b[i]);
    CHECK(std::isnan(a[5]));
  }
}

namespace {

// An optimizer of a user.
struct SignOptions {
  double lr = 0.5;
  static constexpr const char* name = "Sign";
  static constexpr std::array<const char*, 0> buffers = {};
  template <class Self, class F>
  static void each(Self& o, F f) {
    f("lr", o.lr, optim::Bounds::not_negative);
  }
  void update(optim::Update& u) const {
    u.apply<>([lr = lr](auto& p, auto g) { p = p - lr * sign(g); });
  }
};

}  // namespace

TEST_CASE("optimizer: a user's own is its rule") {
  const Tensor p = leaf(zeros({3}));
  optim::OptimizerOf<SignOptions> mine({p});
  p.set_grad(Tensor({-3, 0, 5}));
  mine.step();
  CHECK(equal(p, Tensor({0.5, 0, -0.5})));
  CHECK(mine.state_dict().contains("groups.0.lr"));
}

TEST_CASE("optimizer: errors") {
  const Tensor p = leaf(ones({2})), q = leaf(ones({3}));
  CHECK_BLAMES(ValueError, "Adam: betas is 1, at least 0 and below 1 wanted",
               optim::Adam({p}, {.betas = {0.9, 1}}));
  CHECK_BLAMES(ValueError, "Adam: eps is nan, it must not be negative",
               optim::Adam({p}, {.eps = NAN}));
  CHECK_BLAMES(ValueError, "Adadelta: rho is 1.5, a number from 0 to 1 wanted",
               optim::Adadelta({p}, {.rho = 1.5}));
  CHECK_BLAMES(ValueError, "Rprop: etas is 0, a positive number wanted",
               optim::Rprop({p}, {.etas = {0, 1.2}}));
  CHECK_BLAMES(ValueError, "Rprop: etas must be below and above 1",
               optim::Rprop({p}, {.etas = {1.1, 1.2}}));
  CHECK_BLAMES(ValueError, "ASGD: alpha is nan, a number wanted", optim::ASGD({p}, {.alpha = NAN}));
  optim::Adam adam({p});
  CHECK_BLAMES(ValueError, "Adam: parameters 0 and 1 are the same", adam.add_group({p}));
  CHECK(adam.group_count() == 1);
  adam.options.lr = -1;
  CHECK_BLAMES(ValueError, "Adam: lr is -1, it must not be negative", adam.step());
  adam.options.lr = 1;
  p.set_grad(ones({2}));
  adam.step();
  State state = adam.state_dict();
  optim::Adam other({q}), larger({p, q});
  CHECK_BLAMES(ShapeError, "state: 'state.0.exp_avg' has shape [2], not [3]",
               other.load_state_dict(state));
  CHECK_BLAMES(ValueError, "state: there is no 'state.1.step'", larger.load_state_dict(state));
  CHECK_BLAMES(ValueError, "Adam: the state has more than 1 parameters",
               adam.load_state_dict(larger.state_dict()));
  state["state.0.exp_avg"] = ones({2}, float64);
  CHECK_BLAMES(DTypeError, "state: 'state.0.exp_avg' is float64, not float32",
               adam.load_state_dict(state));
  CHECK_BLAMES(ValueError, "state: there is no", adam.load_state_dict({}));
  CHECK(adam.state_dict().at("state.0.step").item<int>() == 1);
}
