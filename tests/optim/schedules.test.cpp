#include "../blames.hpp"

using namespace xtape;
using namespace xtape::optim;

namespace {

struct Trained {
  Tensor a = zeros({1}).requires_grad(true), b = zeros({1}).requires_grad(true);
  SGD sgd{{a}, {.lr = 0.1, .momentum = 0.9}};
  Trained() { sgd.add_group({b}).lr = 0.02; }
};

// The rates of both groups at epochs 0 ... last.
std::vector<std::vector<double>> trace(Schedule& schedule, int last) {
  std::vector<std::vector<double>> rates{schedule.last_lr()};
  for (int t = 1; t <= last; ++t) {
    schedule.step();
    rates.push_back(schedule.last_lr());
  }
  return rates;
}

using Factor = std::function<double(double)>;

// The rates are those the optimizer had times f(t), stepwise and by jumps.
template <class S, class Options>
void check_factor(const Options& options, const Factor& f) {
  Trained stepped, jumped;
  S schedule(stepped.sgd, options), jumps(jumped.sgd, options);
  const auto rates = trace(schedule, 40);
  for (const int t : {0, 40, 7, 13, 1, 20}) {
    jumps.step_to(t);
    CHECK(jumps.last_epoch() == t);
    for (std::size_t g = 0; g < 2; ++g) {
      const double want = (g == 0 ? 0.1 : 0.02) * f(t);
      CAPTURE(t);
      CHECK(rates[static_cast<std::size_t>(t)][g] == doctest::Approx(want).epsilon(1e-12));
      CHECK(jumped.sgd.lr(g) == doctest::Approx(want).epsilon(1e-12));
    }
  }
  CHECK(stepped.sgd.lr(0) == rates[40][0]);
}

}  // namespace

TEST_CASE("schedules: rates over epochs") {
  check_factor<StepLR>(StepLROptions{.step_size = 7, .gamma = 0.5},
                       [](double t) { return std::pow(0.5, std::floor(t / 7)); });
  check_factor<MultiStepLR>(MultiStepLROptions{.milestones = {20, 5, 5}, .gamma = 0.5},
                            [](double t) { return t < 5    ? 1
                                                  : t < 20 ? 0.25
                                                           : 0.125; });
  check_factor<ExponentialLR>(ExponentialLROptions{.gamma = 0.9},
                              [](double t) { return std::pow(0.9, t); });
  check_factor<ConstantLR>(ConstantLROptions{.factor = 0.25, .total_iters = 7},
                           [](double t) { return t < 7 ? 0.25 : 1; });
  check_factor<ConstantLR>(ConstantLROptions{.factor = 0},
                           [](double t) { return t < 5 ? 0.0 : 1; });
  check_factor<LinearLR>(LinearLROptions{.start_factor = 0.2, .end_factor = 0.8, .total_iters = 10},
                         [](double t) { return 0.2 + 0.06 * std::min(t, 10.0); });
  check_factor<LinearLR>(LinearLROptions{.start_factor = 1, .end_factor = 0, .total_iters = 20},
                         [](double t) { return 1 - std::min(t, 20.0) / 20; });
  check_factor<LinearLR>(LinearLROptions{.start_factor = 0, .total_iters = 8},
                         [](double t) { return std::min(t, 8.0) / 8; });
  check_factor<PolynomialLR>(PolynomialLROptions{.total_iters = 15, .power = 2},
                             [](double t) { return std::pow(1 - std::min(t, 15.0) / 15, 2); });
  check_factor<CosineAnnealingLR>(CosineAnnealingLROptions{.T_max = 9},
                                  [](double t) { return (1 + std::cos(M_PI * t / 9)) / 2; });
  check_factor<InverseSqrtLR>(InverseSqrtLROptions{.warmup_steps = 4}, [](double t) {
    return t < 4 ? (t + 1) / 4 : std::sqrt(4 / (t + 1));
  });
  check_factor<LambdaLR>(
      LambdaLROptions{{[](std::int64_t t) { return 1 / (1 + static_cast<double>(t)); }}},
      [](double t) { return 1 / (1 + t); });
  check_factor<CosineAnnealingWarmRestarts>(
      CosineAnnealingWarmRestartsOptions{.T_0 = 4, .T_mult = 2}, [](double t) {
        const double since = t < 4    ? t / 4
                             : t < 12 ? (t - 4) / 8
                             : t < 28 ? (t - 12) / 16
                                      : (t - 28) / 32;
        return (1 + std::cos(M_PI * since)) / 2;
      });
}

TEST_CASE("schedules: a floor, and functions for each group") {
  Trained t;
  CosineAnnealingLR cosine(t.sgd, {.T_max = 10, .eta_min = 0.01});
  const auto rates = trace(cosine, 20);
  CHECK(rates[10][0] == doctest::Approx(0.01));
  CHECK(rates[20][1] == doctest::Approx(0.02));
  Trained v;
  CosineAnnealingWarmRestarts restarts(v.sgd, {.T_0 = 10, .eta_min = 0.01});
  const auto restarted = trace(restarts, 15);
  CHECK(restarted[5][0] == doctest::Approx(0.01 + 0.09 / 2));
  CHECK(restarted[10][0] == doctest::Approx(0.1));
  CHECK(restarted[15][1] == doctest::Approx(0.01 + 0.01 / 2));
  Trained u;
  MultiplicativeLR each(u.sgd, {{[](std::int64_t) { return 0.5; },
                                 [](std::int64_t e) { return e == 2 ? 3.0 : 1.0; }}});
  const auto products = trace(each, 3);
  CHECK(products[0][0] == 0.1);
  CHECK(products[3][0] == 0.1 / 8);
  CHECK(products[3][1] == 0.06);
}

TEST_CASE("schedules: one cycle") {
  for (const bool three : {false, true}) {
    Trained t;
    OneCycleLR cycle(t.sgd, {.max_lr = {0.5, 0.25},
                             .total_steps = 20,
                             .anneal_strategy = Anneal::linear,
                             .three_phase = three});
    std::vector<double> lr{t.sgd.lr(1)}, momentum{*t.sgd.momentum(0)};
    for (int k = 1; k < 20; ++k) {
      cycle.step();
      lr.push_back(t.sgd.lr(1));
      momentum.push_back(*t.sgd.momentum(0));
    }
    CHECK(lr[0] == doctest::Approx(0.01));
    CHECK(lr[5] == doctest::Approx(0.25));
    CHECK(lr[1] == doctest::Approx(0.01 + 0.24 / 5));
    CHECK(lr[19] == doctest::Approx(0.01 / 1e4));
    if (three) CHECK(lr[10] == doctest::Approx(0.01));
    CHECK(momentum[0] == 0.95);
    CHECK(momentum[5] == doctest::Approx(0.85));
    CHECK(momentum[19] == doctest::Approx(0.95));
    cycle.step();
    CHECK_BLAMES(ValueError, "OneCycleLR: step 21 of 20", cycle.step());
  }
  const Tensor p = zeros({1}).requires_grad(true);
  Adam adam({p});
  OneCycleLR cycle(adam, {.max_lr = {1}, .total_steps = 11});
  CHECK(adam.options.betas[0] == doctest::Approx(0.95));
  CHECK(adam.lr() == doctest::Approx(0.04));
  trace(cycle, 10);
  CHECK(adam.lr() == doctest::Approx(0.04 / 1e4));
}

TEST_CASE("schedules: cycles") {
  const auto rates = [](const CyclicLROptions& options) {
    Trained t;
    CyclicLR cyclic(t.sgd, options);
    std::vector<double> lr;
    for (const auto& each : trace(cyclic, 12)) lr.push_back(each[0]);
    return lr;
  };
  const CyclicLROptions plain{
      .base_lr = {1}, .max_lr = {3}, .step_size_up = 2, .step_size_down = 4};
  CyclicLROptions halved = plain, shrinking = plain, own = plain;
  halved.mode = Cycle::triangular2;
  shrinking.mode = Cycle::exp_range;
  shrinking.gamma = 0.9;
  own.scale_fn = [](double cycle) { return cycle; };
  const std::vector<double> wave{0, 1, 2, 1.5, 1, 0.5, 0, 1, 2, 1.5, 1, 0.5, 0};
  for (std::size_t t = 0; t < wave.size(); ++t) {
    CHECK(rates(plain)[t] == doctest::Approx(1 + wave[t]));
    CHECK(rates(halved)[t] == doctest::Approx(1 + wave[t] * (t < 6 ? 1 : 0.5)));
    CHECK(rates(shrinking)[t] == doctest::Approx(1 + wave[t] * std::pow(0.9, t)));
    CHECK(rates(own)[t] == doctest::Approx(1 + wave[t] * (t < 6 ? 1 : 2)));
  }
  Trained t;
  CyclicLR cyclic(t.sgd, plain);
  CHECK(*t.sgd.momentum(1) == 0.9);
  trace(cyclic, 2);
  CHECK(*t.sgd.momentum(1) == doctest::Approx(0.8));
}

TEST_CASE("schedules: one after the other, and at once") {
  Trained t;
  LinearLR up(t.sgd, {.start_factor = 0.1, .total_iters = 4});
  ExponentialLR down(t.sgd, {.gamma = 0.5});
  SequentialLR both(t.sgd, {up, down}, {4});
  const auto rates = trace(both, 6);
  for (const auto& [epoch, want] : {std::pair(0, 0.01), std::pair(1, 0.0325), std::pair(3, 0.0775),
                                    std::pair(4, 0.1), std::pair(5, 0.05), std::pair(6, 0.025)})
    CHECK(rates[static_cast<std::size_t>(epoch)][0] == doctest::Approx(want));
  Trained u;
  LinearLR warm(u.sgd, {.start_factor = 0.5, .total_iters = 2});
  StepLR steps(u.sgd, {.step_size = 3});
  ChainedScheduler chained({warm, steps});
  const auto products = trace(chained, 4);
  for (const auto& [epoch, want] : {std::pair(0, 0.05), std::pair(1, 0.075), std::pair(2, 0.1),
                                    std::pair(3, 0.01), std::pair(4, 0.01)})
    CHECK(products[static_cast<std::size_t>(epoch)][0] == doctest::Approx(want));
}

TEST_CASE("schedules: a plateau") {
  Trained t;
  ReduceLROnPlateau plateau(t.sgd, {.factor = 0.5, .patience = 1, .cooldown = 1, .min_lr = {0.03}});
  std::vector<double> lr;
  for (const double metric : {1.0, 0.5, 0.49999, double(NAN), 0.7, 0.8, 0.9, 1.0, 0.1, 0.05}) {
    plateau.step(metric);
    lr.push_back(t.sgd.lr(0));
  }
  const std::vector<double> want{0.1, 0.1, 0.1, 0.05, 0.05, 0.05, 0.03, 0.03, 0.03, 0.03};
  CHECK(lr == want);
  CHECK(plateau.best() == 0.05);
  CHECK(t.sgd.lr(1) == 0.02);  // already below min_lr
  Trained u;
  ReduceLROnPlateau rising(
      u.sgd,
      {.mode = Better::max, .patience = 0, .threshold = 0.1, .threshold_mode = Threshold::abs});
  rising.step(1);
  rising.step(1.2);
  CHECK(u.sgd.lr(0) == 0.1);
  rising.step(1.25);
  CHECK(u.sgd.lr(0) == doctest::Approx(0.01));
}

TEST_CASE("schedules: stopped and resumed") {
  const auto same = [](auto make, int stop) {
    Trained a, b;
    auto whole = make(a.sgd), resumed = make(b.sgd);
    for (int t = 0; t < stop; ++t) whole.back()->step();
    b.sgd.load_state_dict(a.sgd.state_dict());
    resumed.back()->load_state_dict(whole.back()->state_dict());
    for (int t = 0; t < 9; ++t) {
      whole.back()->step();
      resumed.back()->step();
      CHECK(a.sgd.lr(0) == b.sgd.lr(0));
      CHECK(a.sgd.lr(1) == b.sgd.lr(1));
      CHECK(*a.sgd.momentum(0) == *b.sgd.momentum(0));
    }
  };
  using Parts = std::vector<std::unique_ptr<Schedule>>;
  for (const int stop : {0, 3, 8}) {
    same(
        [](SGD& sgd) {
          Parts parts;
          parts.push_back(
              std::make_unique<CosineAnnealingLR>(sgd, CosineAnnealingLROptions{.T_max = 5}));
          return parts;
        },
        stop);
    same(
        [](SGD& sgd) {
          Parts parts;
          parts.push_back(std::make_unique<OneCycleLR>(
              sgd, OneCycleLROptions{.max_lr = {1}, .total_steps = 20}));
          return parts;
        },
        stop);
    same(
        [](SGD& sgd) {
          Parts parts;
          parts.push_back(std::make_unique<LinearLR>(sgd));
          parts.push_back(std::make_unique<StepLR>(sgd, StepLROptions{.step_size = 2}));
          parts.push_back(std::make_unique<SequentialLR>(
              sgd, SequentialLR::Schedules{*parts[0], *parts[1]}, std::vector<std::int64_t>{5}));
          return parts;
        },
        stop);
    same(
        [](SGD& sgd) {
          Parts parts;
          parts.push_back(std::make_unique<LinearLR>(sgd));
          parts.push_back(
              std::make_unique<ChainedScheduler>(ChainedScheduler::Schedules{*parts[0]}));
          return parts;
        },
        stop);
  }
  Trained a, b;
  ReduceLROnPlateau whole(a.sgd, {.patience = 2}), resumed(b.sgd, {.patience = 2});
  for (int t = 0; t < 3; ++t) whole.step(1);
  resumed.load_state_dict(whole.state_dict());
  whole.step(1);
  resumed.step(1);
  CHECK(a.sgd.lr(0) == doctest::Approx(0.01));
  CHECK(b.sgd.lr(0) == doctest::Approx(0.01));
}

TEST_CASE("schedules: errors") {
  Trained t, other;
  SGD& sgd = t.sgd;
  CHECK_BLAMES(ValueError, "StepLR: step_size is 0, at least 1 wanted", StepLR(sgd, {}));
  CHECK_BLAMES(ValueError, "ConstantLR: factor is 2, a number", ConstantLR(sgd, {.factor = 2}));
  CHECK_BLAMES(ValueError, "LinearLR: start_factor is -1", LinearLR(sgd, {.start_factor = -1}));
  CHECK_BLAMES(ValueError, "LinearLR: total_iters is 0", LinearLR(sgd, {.total_iters = 0}));
  CHECK_BLAMES(ValueError, "PolynomialLR: total_iters is 0", PolynomialLR(sgd, {.total_iters = 0}));
  CHECK_BLAMES(ValueError, "CosineAnnealingLR: T_max is 0", CosineAnnealingLR(sgd, {}));
  CHECK_BLAMES(ValueError, "InverseSqrtLR: warmup_steps is 0",
               InverseSqrtLR(sgd, {.warmup_steps = 0}));
  CHECK_BLAMES(ValueError, "LambdaLR: there is no function", LambdaLR(sgd, {}));
  CHECK_BLAMES(ValueError, "MultiplicativeLR: a function is empty",
               MultiplicativeLR(sgd, {.lr_lambda = {nullptr}}));
  CHECK_BLAMES(ValueError, "CosineAnnealingWarmRestarts: T_0 is 0 and T_mult 1",
               CosineAnnealingWarmRestarts(sgd, {}));
  CHECK_BLAMES(ValueError, "OneCycleLR: total_steps is 0", OneCycleLR(sgd, {.max_lr = {1}}));
  CHECK_BLAMES(ValueError, "OneCycleLR: pct_start is 2",
               OneCycleLR(sgd, {.max_lr = {1}, .total_steps = 5, .pct_start = 2}));
  CHECK_BLAMES(ValueError, "OneCycleLR: max_lr has 3 rates, the optimizer 2 groups",
               OneCycleLR(sgd, {.max_lr = {1, 2, 3}, .total_steps = 5}));
  CHECK_BLAMES(ValueError, "CyclicLR: base_lr has 0 rates and max_lr 1, the optimizer 2 groups",
               CyclicLR(sgd, {.max_lr = {1}}));
  CHECK_BLAMES(ValueError, "CyclicLR: step_size_up is 0",
               CyclicLR(sgd, {.base_lr = {1}, .max_lr = {1}, .step_size_up = 0}));
  const Tensor p = zeros({1}).requires_grad(true);
  Adagrad adagrad({p});
  CHECK_BLAMES(ValueError, "OneCycleLR: the optimizer has no momentum to cycle",
               OneCycleLR(adagrad, {.max_lr = {1}, .total_steps = 5}));
  CHECK_BLAMES(ValueError, "CyclicLR: the optimizer has no momentum to cycle",
               CyclicLR(adagrad, {.base_lr = {1}, .max_lr = {1}}));
  CHECK_BLAMES(ValueError, "ReduceLROnPlateau: factor is 1, it must be below 1",
               ReduceLROnPlateau(sgd, {.factor = 1}));
  CHECK_BLAMES(ValueError, "ReduceLROnPlateau: min_lr has 0 rates, the optimizer 2 groups",
               ReduceLROnPlateau(sgd, {.min_lr = {}}));
  ExponentialLR a(sgd), b(sgd), foreign(other.sgd);
  CHECK_BLAMES(ValueError, "SequentialLR: 2 schedules and 2 milestones",
               SequentialLR(sgd, {a, b}, {1, 2}));
  CHECK_BLAMES(ValueError, "SequentialLR: the milestones 2, 1 do not grow",
               SequentialLR(sgd, {a, b, a}, {2, 1}));
  CHECK_BLAMES(ValueError, "SequentialLR: a schedule is of another optimizer",
               SequentialLR(sgd, {a, foreign}, {1}));
  CHECK_BLAMES(ValueError, "ChainedScheduler: there are no schedules", ChainedScheduler({}));
  CHECK_BLAMES(ValueError, "ChainedScheduler: a schedule is of another optimizer",
               ChainedScheduler({a, foreign}));
  SequentialLR sequence(sgd, {a, b}, {1});
  CHECK_BLAMES(ValueError, "SequentialLR: it only steps forward", sequence.step_to(3));
  ChainedScheduler chain({a, b});
  CHECK_BLAMES(ValueError, "ChainedScheduler: it only steps forward", chain.step_to(3));
  CHECK_BLAMES(ValueError, "ExponentialLR: the epoch -1 is negative", a.step_to(-1));
  CHECK_BLAMES(ValueError, "state: there is no 'last_epoch'", a.load_state_dict({}));
  sgd.add_group({p});
  CHECK_BLAMES(ValueError, "ExponentialLR: the optimizer has 3 groups, 2 when", a.step());
}
