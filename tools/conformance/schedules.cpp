// Learning rates over epochs.
#include <xtape/tools/conformance/training.hpp>

namespace conformance {

namespace {

using namespace optim;

// One number or a list of them.
std::vector<double> numbers(const Call& h, const char* key, std::vector<double> otherwise) {
  if (!h.has(key)) return otherwise;
  const Json& json = h.kwargs.at(key);
  if (!json.is_array()) return {Call::to_number(json)};
  std::vector<double> list;
  for (const Json& each : json) list.push_back(Call::to_number(each));
  return list;
}

// The named functions of LambdaLR; their parameter has no fixed name.
std::function<double(std::int64_t)> named_lambda(const Json& hyper) {
  double k = 1;
  for (const auto& [key, value] : hyper.items())
    if (value.is_number()) k = value.get<double>();
  const std::string name = hyper.at("lambda");
  const auto at = [](std::int64_t t) { return static_cast<double>(t); };
  if (name == "inv_sqrt") return [=](std::int64_t t) { return 1 / std::sqrt(1 + at(t)); };
  if (name == "inverse_time") return [=](std::int64_t t) { return 1 / (1 + k * at(t)); };
  if (name == "warmup_inv_sqrt")
    return [=](std::int64_t t) { return std::min((at(t) + 1) / k, std::sqrt(k / (at(t) + 1))); };
  throw Unsupported("a function that is not known: " + name);
}

template <class S, class Options>
void add(Scheduled& to, Optimizer& optimizer, const Options& options) {
  to.schedules.push_back(std::make_unique<S>(optimizer, options));
}

void add_schedule(Scheduled& to, const std::string& name, const Json& hyper, Optimizer& optimizer);

// Adds the schedules of a list and returns them.
std::vector<std::reference_wrapper<Schedule>> add_parts(Scheduled& to, const Json& list,
                                                        Optimizer& optimizer) {
  std::vector<std::reference_wrapper<Schedule>> parts;
  for (const Json& each : list) {
    add_schedule(to, each.at("name"), each.at("hyper"), optimizer);
    parts.push_back(*to.schedules.back());
  }
  return parts;
}

void add_one_cycle(Scheduled& to, const Call& h, Optimizer& optimizer) {
  const OneCycleLROptions usual;
  add<OneCycleLR>(to, optimizer,
                  OneCycleLROptions{
                      .max_lr = numbers(h, "max_lr", {}),
                      .total_steps = h.integer(
                          "total_steps", h.integer("epochs", 0) * h.integer("steps_per_epoch", 0)),
                      .pct_start = h.number("pct_start", usual.pct_start),
                      .anneal_strategy =
                          h.text("anneal_strategy", "cos") == "cos" ? Anneal::cos : Anneal::linear,
                      .cycle_momentum = h.flag("cycle_momentum", usual.cycle_momentum),
                      .base_momentum = h.number("base_momentum", usual.base_momentum),
                      .max_momentum = h.number("max_momentum", usual.max_momentum),
                      .div_factor = h.number("div_factor", usual.div_factor),
                      .final_div_factor = h.number("final_div_factor", usual.final_div_factor),
                      .three_phase = h.flag("three_phase")});
}

void add_cyclic(Scheduled& to, const Call& h, Optimizer& optimizer) {
  CyclicLROptions o{.base_lr = numbers(h, "base_lr", {}), .max_lr = numbers(h, "max_lr", {})};
  o.step_size_up = h.integer("step_size_up", o.step_size_up);
  o.step_size_down = h.integer("step_size_down", 0);
  const std::string mode = h.text("mode", "triangular");
  o.mode = mode == "triangular2" ? Cycle::triangular2
           : mode == "exp_range" ? Cycle::exp_range
                                 : Cycle::triangular;
  o.gamma = h.number("gamma", o.gamma);
  o.cycle_momentum = h.flag("cycle_momentum", o.cycle_momentum);
  o.base_momentum = h.number("base_momentum", o.base_momentum);
  o.max_momentum = h.number("max_momentum", o.max_momentum);
  add<CyclicLR>(to, optimizer, o);
}

void set_plateau(Scheduled& to, const Call& h, Optimizer& optimizer) {
  const ReduceLROnPlateauOptions usual;
  const bool absolute = h.text("threshold_mode", "rel") == "abs";
  to.plateau = std::make_unique<ReduceLROnPlateau>(
      optimizer,
      ReduceLROnPlateauOptions{.mode = h.text("mode", "min") == "min" ? Better::min : Better::max,
                               .factor = h.number("factor", usual.factor),
                               .patience = h.integer("patience", usual.patience),
                               .threshold = h.number("threshold", usual.threshold),
                               .threshold_mode = absolute ? Threshold::abs : Threshold::rel,
                               .cooldown = h.integer("cooldown", usual.cooldown),
                               .min_lr = numbers(h, "min_lr", usual.min_lr),
                               .eps = h.number("eps", usual.eps)});
}

void add_schedule(Scheduled& to, const std::string& name, const Json& hyper, Optimizer& optimizer) {
  const Tensors none;
  const Call h{hyper, none, float64};
  const auto is = [&](const char* other) { return name == other; };
  const auto iters = [&](std::int64_t usual = 5) { return h.integer("total_iters", usual); };
  if (is("StepLR"))
    add<StepLR>(to, optimizer, StepLROptions{h.integer("step_size"), h.number("gamma", 0.1)});
  else if (is("MultiStepLR"))
    add<MultiStepLR>(to, optimizer,
                     MultiStepLROptions{h.integers("milestones"), h.number("gamma", 0.1)});
  else if (is("ExponentialLR"))
    add<ExponentialLR>(to, optimizer, ExponentialLROptions{h.number("gamma")});
  else if (is("ConstantLR"))
    add<ConstantLR>(to, optimizer, ConstantLROptions{h.number("factor", 1.0 / 3), iters()});
  else if (is("LinearLR"))
    add<LinearLR>(
        to, optimizer,
        LinearLROptions{h.number("start_factor", 1.0 / 3), h.number("end_factor", 1), iters()});
  else if (is("PolynomialLR"))
    add<PolynomialLR>(to, optimizer, PolynomialLROptions{iters(), h.number("power", 1)});
  else if (is("CosineAnnealingLR"))
    add<CosineAnnealingLR>(to, optimizer,
                           CosineAnnealingLROptions{h.integer("T_max"), h.number("eta_min", 0)});
  else if (is("CosineAnnealingWarmRestarts"))
    add<CosineAnnealingWarmRestarts>(
        to, optimizer,
        CosineAnnealingWarmRestartsOptions{h.integer("T_0"), h.integer("T_mult", 1),
                                           h.number("eta_min", 0)});
  else if (is("OneCycleLR")) add_one_cycle(to, h, optimizer);
  else if (is("CyclicLR")) add_cyclic(to, h, optimizer);
  else if (is("LambdaLR")) add<LambdaLR>(to, optimizer, LambdaLROptions{{named_lambda(hyper)}});
  else if (is("MultiplicativeLR"))
    add<MultiplicativeLR>(
        to, optimizer,
        MultiplicativeLROptions{{[value = h.number("value")](std::int64_t) { return value; }}});
  else if (is("SequentialLR")) {
    auto parts = add_parts(to, hyper.at("stages"), optimizer);
    to.schedules.push_back(
        std::make_unique<SequentialLR>(optimizer, parts, h.integers("milestones")));
  } else if (is("ChainedScheduler")) {
    auto parts = add_parts(to, hyper.at("schedulers"), optimizer);
    to.schedules.push_back(std::make_unique<ChainedScheduler>(parts));
  } else if (is("ReduceLROnPlateau")) {
    set_plateau(to, h, optimizer);
  } else {
    throw Unsupported("xtape has no schedule " + name);
  }
}

Outputs trace(const std::string& name, const Call& call) {
  const std::vector<double> rates = numbers(call, "base_lr", {});
  std::vector<Tensor> parameters;
  for (std::size_t g = 0; g < rates.size(); ++g)
    parameters.push_back(zeros({}, float64).requires_grad(true));
  SGD sgd({parameters[0]}, {.lr = rates[0], .momentum = 0.9});
  for (std::size_t g = 1; g < rates.size(); ++g) sgd.add_group({parameters[g]}).lr = rates[g];
  const Json& hyper = call.kwargs.at("hyper");
  Scheduled schedule = make_schedule(name, hyper, sgd);
  const std::int64_t epochs = call.integer("epochs");
  const auto groups = static_cast<std::int64_t>(rates.size());
  std::vector<double> lr, momentum;
  for (std::int64_t t = 0; t <= epochs; ++t) {
    if (t > 0) schedule.step(schedule.plateau ? call.in(0).data<double>()[t - 1] : 0);
    for (std::size_t g = 0; g < rates.size(); ++g) {
      lr.push_back(sgd.lr(g));
      momentum.push_back(*sgd.momentum(g));
    }
  }
  Tensors out{Tensor::from(lr.data(), {epochs + 1, groups})};
  const bool cycles = name == "OneCycleLR" || name == "CyclicLR";
  if (cycles && (!hyper.contains("cycle_momentum") || hyper.at("cycle_momentum").get<bool>()))
    out.push_back(Tensor::from(momentum.data(), {epochs + 1, groups}));
  return out;
}

std::pair<const char*, Function> bound(const char* op) {
  return {op, [name = std::string(op).substr(6)](const Call& c) { return trace(name, c); }};
}

const Bindings table{bound("sched.StepLR"),
                     bound("sched.MultiStepLR"),
                     bound("sched.ExponentialLR"),
                     bound("sched.ConstantLR"),
                     bound("sched.LinearLR"),
                     bound("sched.PolynomialLR"),
                     bound("sched.CosineAnnealingLR"),
                     bound("sched.CosineAnnealingWarmRestarts"),
                     bound("sched.OneCycleLR"),
                     bound("sched.CyclicLR"),
                     bound("sched.ReduceLROnPlateau"),
                     bound("sched.LambdaLR"),
                     bound("sched.MultiplicativeLR"),
                     bound("sched.SequentialLR"),
                     bound("sched.ChainedScheduler")};

}  // namespace

Scheduled make_schedule(const std::string& name, const Json& hyper, Optimizer& optimizer) {
  Scheduled made;
  add_schedule(made, name, hyper, optimizer);
  return made;
}

}  // namespace conformance
