#include <cmath>
#include <numbers>
#include <xtape/tools/train/optimizers.hpp>

namespace training {

namespace {

struct Kind {
  double lr;  // unless another is given
  bool has_momentum, has_decay;
  std::unique_ptr<optim::Optimizer> (*make)(std::vector<Tensor> parameters,
                                            const Settings& settings, double lr);
};

template <class Options>
std::unique_ptr<optim::Optimizer> make(std::vector<Tensor> parameters, const Settings& settings,
                                       double lr) {
  Options options;
  options.lr = lr;
  if constexpr (std::is_same_v<Options, optim::SGDOptions>) options.momentum = 0.9;
  if constexpr (requires { options.momentum; })
    options.momentum = settings.momentum.value_or(options.momentum);
  options.weight_decay = settings.weight_decay.value_or(options.weight_decay);
  return std::make_unique<optim::OptimizerOf<Options>>(std::move(parameters), options);
}

std::unique_ptr<optim::Optimizer> make_lbfgs(std::vector<Tensor> parameters, const Settings&,
                                             double lr) {
  const optim::LBFGSOptions options{.lr = lr,
                                    .max_iter = 4,
                                    .history_size = 10,
                                    .line_search_fn = optim::LineSearch::strong_wolfe};
  return std::make_unique<optim::LBFGS>(std::move(parameters), options);
}

template <class Options>
constexpr Kind kind(double lr) {
  return {lr, requires(Options o){o.momentum;
}
, true, make<Options>
};  // namespace
}  // namespace training

constexpr Choice<Kind> optimizers[] = {
    {"sgd", kind<optim::SGDOptions>(0.05)},
    {"adam", kind<optim::AdamOptions>(1e-3)},
    {"adamw", kind<optim::AdamWOptions>(1e-3)},
    {"nadam", kind<optim::NAdamOptions>(1e-3)},
    {"radam", kind<optim::RAdamOptions>(1e-3)},
    {"adamax", kind<optim::AdamaxOptions>(2e-3)},
    {"rmsprop", kind<optim::RMSpropOptions>(1e-3)},
    {"adagrad", kind<optim::AdagradOptions>(1e-2)},
    {"adadelta", kind<optim::AdadeltaOptions>(1)},
    {"asgd", kind<optim::ASGDOptions>(0.1)},
    {"rprop", kind<optim::RpropOptions>(1e-4)},
    {"lion", kind<optim::LionOptions>(1e-3)},
    // 1, which is for whole data sets, throws far out what one batch has hardly told
    {"lbfgs", Kind{0.1, false, false, make_lbfgs}},
};

const Kind& find_optimizer(const Settings& settings) {
  const Kind& found = choose(optimizers, "optimizer", settings.optimizer).value;
  if (settings.momentum && !found.has_momentum)
    fail(fmt::format("{} has no momentum to set by --momentum", settings.optimizer));
  if (settings.weight_decay && !found.has_decay)
    fail(fmt::format("{} has no weight decay to set by --weight-decay", settings.optimizer));
  return found;
}

using Made = std::unique_ptr<optim::Schedule> (*)(optim::Optimizer& optimizer, double steps,
                                                  double epochs);
struct Plan {
  bool each_step;
  Made make;  // null for the one that looks at the loss
};

// base f(share of the steps that are over)
template <class F>
std::unique_ptr<optim::Schedule> by_share(optim::Optimizer& optimizer, double steps, F f) {
  optim::LambdaLROptions options;
  options.lr_lambda = {[=](std::int64_t step) { return f(static_cast<double>(step) / steps); }};
  return std::make_unique<optim::LambdaLR>(optimizer, options);
}

double warm_up_and_fall(double share) {
  constexpr double warm = 0.05;
  if (share < warm) return (0.01 + share) / (0.01 + warm);
  return (1 + std::cos(std::numbers::pi * (share - warm) / (1 - warm))) / 2;
}

constexpr Choice<Plan> schedules[] = {
    {"linear",
     {true,
      [](optim::Optimizer& optimizer, double steps, double) {
        return by_share(optimizer, steps, [](double share) { return 1 - share; });
      }}},
    {"constant",
     {true, [](optim::Optimizer& optimizer, double steps,
               double) { return by_share(optimizer, steps, [](double) { return 1.0; }); }}},
    {"step",
     {false,
      [](optim::Optimizer& optimizer, double, double epochs) -> std::unique_ptr<optim::Schedule> {
        const auto third = static_cast<std::int64_t>(std::ceil(epochs / 3));
        return std::make_unique<optim::StepLR>(optimizer, optim::StepLROptions{.step_size = third});
      }}},
    {"exponential",
     {false,
      [](optim::Optimizer& optimizer, double, double epochs) -> std::unique_ptr<optim::Schedule> {
        return std::make_unique<optim::ExponentialLR>(
            optimizer, optim::ExponentialLROptions{.gamma = std::pow(0.01, 1 / epochs)});
      }}},
    {"cosine",
     {true,
      [](optim::Optimizer& optimizer, double steps, double) -> std::unique_ptr<optim::Schedule> {
        return std::make_unique<optim::CosineAnnealingLR>(
            optimizer, optim::CosineAnnealingLROptions{.T_max = static_cast<std::int64_t>(steps)});
      }}},
    {"onecycle",
     {true,
      [](optim::Optimizer& optimizer, double steps, double) -> std::unique_ptr<optim::Schedule> {
        return std::make_unique<optim::OneCycleLR>(
            optimizer, optim::OneCycleLROptions{.max_lr = {optimizer.lr()},
                                                .total_steps = static_cast<std::int64_t>(steps),
                                                .cycle_momentum = optimizer.momentum() != nullptr});
      }}},
    {"warmup_cosine",
     {true, [](optim::Optimizer& optimizer, double steps,
               double) { return by_share(optimizer, steps, warm_up_and_fall); }}},
    {"plateau", {false, nullptr}},
};

}  // namespace

std::unique_ptr<optim::Optimizer> make_optimizer(std::vector<Tensor> parameters,
                                                 const Settings& settings) {
  const Kind& found = find_optimizer(settings);
  return found.make(std::move(parameters), settings, settings.lr.value_or(found.lr));
}

void check_optimizer(const Settings& settings) { find_optimizer(settings); }

std::string optimizer_names() {
  std::string text;
  for (const auto& choice : optimizers)
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", choice.name, choice.value.lr);
  return text;
}

Pace::Pace(optim::Optimizer& optimizer, const Settings& settings, std::int64_t steps_per_epoch)
    : steps_(settings.epochs * steps_per_epoch) {
  const Plan& plan = choose(schedules, "schedule", settings.schedule).value;
  each_step_ = plan.each_step;
  if (plan.make)
    schedule_ =
        plan.make(optimizer, static_cast<double>(steps_), static_cast<double>(settings.epochs));
  else
    by_loss_ = std::make_unique<optim::ReduceLROnPlateau>(
        optimizer, optim::ReduceLROnPlateauOptions{.patience = 2});
}

void Pace::after_step() {
  // after the last step there is no rate to set
  if (each_step_ && schedule_->last_epoch() + 1 < steps_) schedule_->step();
}

void Pace::after_epoch(double loss) {
  if (by_loss_) by_loss_->step(loss);
  else if (!each_step_) schedule_->step();
}

State Pace::state_dict() const {
  return schedule_ ? schedule_->state_dict() : by_loss_->state_dict();
}

void Pace::load_state_dict(const State& state) {
  if (schedule_) schedule_->load_state_dict(state);
  else by_loss_->load_state_dict(state);
}

void check_schedule(const Settings& settings) { choose(schedules, "schedule", settings.schedule); }

std::string schedule_names() { return names(schedules); }

}  // namespace training
