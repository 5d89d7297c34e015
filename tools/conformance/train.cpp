// Short training runs.
#include <xtape/tools/conformance/program.hpp>
#include <xtape/tools/conformance/training.hpp>

namespace conformance {

namespace {

Outputs train(const Call& call) {
  Tensors inputs = call.inputs, parameters;
  Json group{{"params", Json::array()}};
  for (const std::int64_t i : call.integers("params")) {
    Tensor& input = inputs[static_cast<std::size_t>(i)];
    input = input.copy().requires_grad(true);
    group["params"].push_back(parameters.size());
    parameters.push_back(input);
  }
  const auto optimizer = make_optimizer(call.text("optimizer"), call.kwargs.at("hyper"),
                                        Json::array({group}), parameters);
  Scheduled schedule;
  const bool scheduled = call.has("sched");
  if (scheduled) {
    const Json& sched = call.kwargs.at("sched");
    schedule = make_schedule(sched.at("name"), sched.at("hyper"), *optimizer);
  }
  Tensors losses;
  for (std::int64_t k = 0; k < call.integer("steps"); ++k) {
    Tensors batch = inputs;
    for (const std::int64_t i : call.integers("data")) {
      if (!call.has("batch_size")) break;
      Tensor& data = batch[static_cast<std::size_t>(i)];
      const std::int64_t size = call.integer("batch_size"), begin = k * size % data.size(0);
      data = slice(data, 0, {.start = begin, .stop = begin + size, .step = 1});
    }
    const Tensor loss = run_program(call.kwargs.at("program"), batch, call.dtype)[0];
    optimizer->zero_grad();
    loss.backward();
    if (call.has("clip_norm")) optim::clip_grad_norm(parameters, call.number("clip_norm"));
    losses.push_back(reshape(loss.detach(), {1}));
    optimizer->step();
    if (scheduled) schedule.step(loss.item<double>());
  }
  Tensors out{cat(losses)};
  for (const Tensor& parameter : parameters) out.push_back(parameter.detach());
  return out;
}

const Bindings table{{"train", train}};

}  // namespace

}  // namespace conformance
