// Optimizers on given gradients, clipping.
#include <map>
#include <xtape/tools/conformance/program.hpp>
#include <xtape/tools/conformance/training.hpp>

namespace conformance {

namespace {

template <class Options>
void set_options(Options& options, const Json& hyper) {
  std::size_t used = hyper.contains("params");
  Options::each(options, [&]<class V>(const char* name, V& value, optim::Bounds) {
    if (!hyper.contains(name)) return;
    ++used;
    if constexpr (std::is_same_v<V, double>) value = Call::to_number(hyper.at(name));
    else hyper.at(name).get_to(value);
  });
  if (used != hyper.size()) throw Unsupported("an option is not known: " + hyper.dump());
}

template <class Options>
std::unique_ptr<optim::Optimizer> make(const Json& hyper, const Json& groups,
                                       const Tensors& parameters) {
  std::unique_ptr<optim::OptimizerOf<Options>> made;
  for (const Json& group : groups) {
    Tensors members;
    for (const std::size_t i : group.at("params")) members.push_back(parameters.at(i));
    if (made) {
      set_options(made->add_group(members), group);
      continue;
    }
    Options options;
    set_options(options, hyper);
    made = std::make_unique<optim::OptimizerOf<Options>>(members, options);
    set_options(made->options, group);
  }
  return made;
}

Tensor leaf(const Tensor& start) { return start.copy().requires_grad(true); }

Tensor row(const Tensor& rows, std::int64_t i, const Shape& shape) {
  return reshape(slice(rows, 0, {.start = i, .stop = i + 1, .step = 1}), shape);
}

Tensor stacked(const Tensors& rows) {
  Tensors out;
  for (const Tensor& each : rows) out.push_back(unsqueeze(each.detach(), 0));
  return cat(out);
}

// The path of the parameters under given gradients.
Outputs run(const std::string& name, const Call& call) {
  const std::size_t count = call.inputs.size() / 2;
  Tensors parameters;
  for (std::size_t j = 0; j < count; ++j) parameters.push_back(leaf(call.in(j)));
  const auto optimizer =
      make_optimizer(name, call.kwargs.at("hyper"), call.kwargs.at("groups"), parameters);
  std::vector<Tensors> paths(count);
  const auto note = [&] {
    for (std::size_t j = 0; j < count; ++j) paths[j].push_back(parameters[j].copy());
  };
  note();
  for (std::int64_t t = 0; t < call.integer("steps"); ++t) {
    optimizer->zero_grad();
    for (std::size_t j = 0; j < count; ++j)
      if (!call.has("grad_present") || call.kwargs.at("grad_present")[t][j] != 0)
        parameters[j].set_grad(row(call.in(count + j), t, parameters[j].shape()));
    optimizer->step();
    note();
  }
  Tensors out;
  for (const Tensors& path : paths) out.push_back(stacked(path));
  return out;
}

Outputs run_lbfgs(const Call& call) {
  const Call hyper{call.kwargs.at("hyper"), call.inputs, call.dtype};
  const auto wrt = static_cast<std::size_t>(call.integer("wrt"));
  Tensors inputs = call.inputs;
  inputs[wrt] = leaf(inputs[wrt]);
  const Tensor& x = inputs[wrt];
  optim::LBFGS lbfgs(
      {x}, {.lr = hyper.number("lr", 1),
            .max_iter = hyper.integer("max_iter", 20),
            .max_eval = hyper.integer("max_eval", 0),
            .tolerance_grad = hyper.number("tolerance_grad", 1e-7),
            .tolerance_change = hyper.number("tolerance_change", 1e-9),
            .history_size = hyper.integer("history_size", 100),
            .line_search_fn = hyper.has("line_search_fn") ? optim::LineSearch::strong_wolfe
                                                          : optim::LineSearch::none});
  const auto loss = [&] { return run_program(call.kwargs.at("program"), inputs, call.dtype)[0]; };
  Tensors path{x.copy()}, losses;
  for (std::int64_t i = 0; i < call.integer("calls"); ++i) {
    losses.push_back(lbfgs.step([&] {
      lbfgs.zero_grad();
      const Tensor value = loss();
      value.backward();
      return value;
    }));
    path.push_back(x.copy());
  }
  losses.push_back(loss());
  return Tensors{stacked(path), stacked(losses)};
}

// Parameters with the inputs as their gradients; what `clip` leaves of these, and more.
template <class Clip>
Outputs clipped(const Call& call, Clip clip) {
  Tensors parameters, out;
  for (const Tensor& grad : call.inputs) {
    parameters.push_back(leaf(zeros_like(grad)));
    parameters.back().set_grad(grad.detach().copy());
  }
  const Tensors more = clip(parameters);
  for (const Tensor& each : parameters) out.push_back(each.grad());
  out.insert(out.end(), more.begin(), more.end());
  return out;
}

// One step of an optimizer of ONNX: inputs R, T, then all X, all G, all states; outputs all new X,
// then all new states. `buffers` are the names of the states here.
Outputs onnx(const Call& call, const std::string& name, Json hyper, std::int64_t steps,
             std::vector<std::string> buffers) {
  const std::size_t count = (call.inputs.size() - 2) / (2 + buffers.size());
  Tensors parameters, out;
  hyper["lr"] = call.in(0).item<double>();
  hyper["weight_decay"] = call.number("norm_coefficient", 0);
  Json group{{"params", Json::array()}};
  for (std::size_t j = 0; j < count; ++j) {
    parameters.push_back(leaf(call.in(2 + j)));
    parameters[j].set_grad(call.in(2 + count + j).copy());
    group["params"].push_back(j);
  }
  const auto optimizer = make_optimizer(name, hyper, Json::array({group}), parameters);
  State state = optimizer->state_dict();
  const auto key = [](std::size_t j, const std::string& what) {
    return "state." + std::to_string(j) + "." + what;
  };
  for (std::size_t j = 0; j < count; ++j) {
    state[key(j, "step")] = number_tensor(steps);
    for (std::size_t b = 0; b < buffers.size(); ++b)
      state[key(j, buffers[b])] = call.in(2 + (2 + b) * count + j);
  }
  optimizer->load_state_dict(state);
  optimizer->step();
  optim::decay(parameters, call.number("norm_coefficient_post", 0));
  for (const Tensor& each : parameters) out.push_back(each.detach());
  state = optimizer->state_dict();
  for (const std::string& buffer : buffers)
    for (std::size_t j = 0; j < count; ++j) out.push_back(state.at(key(j, buffer)));
  return out;
}

std::int64_t onnx_step(const Call& call) { return call.in(1).item<std::int64_t>(); }

Outputs onnx_adam(const Call& call) {
  const double alpha = call.number("alpha", 0.9), beta = call.number("beta", 0.999);
  // at step 0 ONNX corrects nothing, as if there had been many; its epsilon is not scaled
  const std::int64_t t = onnx_step(call) > 0 ? onnx_step(call) : std::int64_t{1} << 40;
  const double scale = std::sqrt(1 - std::pow(beta, static_cast<double>(t)));
  return onnx(call, "Adam",
              {{"betas", {alpha, beta}}, {"eps", call.number("epsilon", 1e-6) / scale}}, t - 1,
              {"exp_avg", "exp_avg_sq"});
}

Outputs onnx_adagrad(const Call& call) {
  return onnx(call, "Adagrad",
              {{"lr_decay", call.number("decay_factor", 0)}, {"eps", call.number("epsilon", 1e-6)}},
              onnx_step(call), {"sum"});
}

Outputs onnx_momentum(const Call& call) {
  const double beta = onnx_step(call) > 0 ? call.number("beta") : 1;
  return onnx(call, "SGD",
              {{"momentum", call.number("alpha")},
               {"dampening", 1 - beta},
               {"nesterov", call.text("mode") == "nesterov"}},
              onnx_step(call), {"momentum_buffer"});
}

const Bindings table{
    {"optim.SGD", [](const Call& c) { return run("SGD", c); }},
    {"optim.ASGD", [](const Call& c) { return run("ASGD", c); }},
    {"optim.Adagrad", [](const Call& c) { return run("Adagrad", c); }},
    {"optim.RMSprop", [](const Call& c) { return run("RMSprop", c); }},
    {"optim.Adadelta", [](const Call& c) { return run("Adadelta", c); }},
    {"optim.Adam", [](const Call& c) { return run("Adam", c); }},
    {"optim.AdamW", [](const Call& c) { return run("AdamW", c); }},
    {"optim.NAdam", [](const Call& c) { return run("NAdam", c); }},
    {"optim.RAdam", [](const Call& c) { return run("RAdam", c); }},
    {"optim.Adamax", [](const Call& c) { return run("Adamax", c); }},
    {"optim.Rprop", [](const Call& c) { return run("Rprop", c); }},
    {"optim.Lion", [](const Call& c) { return run("Lion", c); }},
    {"optim.LBFGS", run_lbfgs},
    {"onnx.Adam", onnx_adam},
    {"onnx.Adagrad", onnx_adagrad},
    {"onnx.Momentum", onnx_momentum},
    {"clip_grad_norm",
     [](const Call& c) {
       return clipped(c, [&](const Tensors& parameters) {
         const double norm =
             optim::clip_grad_norm(parameters, c.number("max_norm"), c.number("norm_type", 2));
         return Tensors{full({}, norm, c.dtype)};
       });
     }},
    {"clip_grad_value",
     [](const Call& c) {
       return clipped(c, [&](const Tensors& parameters) {
         optim::clip_grad_value(parameters, c.number("clip_value"));
         return Tensors{};
       });
     }},
};

}  // namespace

std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& name, const Json& hyper,
                                                 const Json& groups, const Tensors& parameters) {
  using Make = std::unique_ptr<optim::Optimizer> (*)(const Json&, const Json&, const Tensors&);
  static const std::map<std::string, Make> makers{
      {"SGD", make<optim::SGDOptions>},           {"ASGD", make<optim::ASGDOptions>},
      {"Adagrad", make<optim::AdagradOptions>},   {"RMSprop", make<optim::RMSpropOptions>},
      {"Adadelta", make<optim::AdadeltaOptions>}, {"Adam", make<optim::AdamOptions>},
      {"AdamW", make<optim::AdamWOptions>},       {"NAdam", make<optim::NAdamOptions>},
      {"RAdam", make<optim::RAdamOptions>},       {"Adamax", make<optim::AdamaxOptions>},
      {"Rprop", make<optim::RpropOptions>},       {"Lion", make<optim::LionOptions>}};
  const auto found = makers.find(name);
  if (found == makers.end()) throw Unsupported("xtape has no optimizer " + name);
  return found->second(hyper, groups, parameters);
}

}  // namespace conformance
