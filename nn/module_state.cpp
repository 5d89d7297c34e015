#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <xtape/nn/shared.hpp>
#include <xtape/ops/math.hpp>

// What a module holds: element types, and states to keep and to load.
namespace xtape::nn {

Module& Module::to(DType dtype, Location where) {
  if (!is_floating(dtype))
    raise<DTypeError>(where, "module",
                      fmt::format("parameters are floating, {} is not", name_of(dtype)));
  const NoGrad no_grad;
  const auto turn = [&](std::vector<Tensor> tensors) {
    for (Tensor& tensor : tensors) {
      if (!is_floating(tensor.dtype())) continue;
      const bool learnt = tensor.requires_grad();
      tensor.become(cast(Arg(tensor.detach(), where), dtype));
      tensor.requires_grad(learnt);
    }
  };
  turn(parameters());
  turn(buffers());
  return *this;
}

State Module::state_dict() const {
  State state;
  walk(*shared_, "", [&](const Shared& shared, const std::string& prefix) {
    for (const NamedTensor& named : shared.parameters)
      state[prefix + named.name] = named.tensor.detach();
    for (const Shared::Buffer& named : shared.buffers)
      if (named.persistent) state[prefix + named.name] = named.tensor.detach();
  });
  return state;
}

LoadReport Module::load_state_dict(const State& state, bool strict, Location where) {
  LoadReport report;
  std::vector<std::string> wrong;
  const State own = state_dict();
  for (const auto& [name, tensor] : own) {
    const auto given = state.find(name);
    if (given == state.end() || !given->second.defined()) {
      report.missing.push_back(name);
      continue;
    }
    const Tensor& from = given->second;
    if (from.shape() != tensor.shape())
      wrong.push_back(fmt::format("'{}' has shape {}, the module {}", name, from.shape().str(),
                                  tensor.shape().str()));
    else if (from.dtype() != tensor.dtype() &&
             !(is_floating(from.dtype()) && is_floating(tensor.dtype())))
      wrong.push_back(fmt::format("'{}' is {}, the module {}", name, name_of(from.dtype()),
                                  name_of(tensor.dtype())));
  }
  for (const auto& [name, tensor] : state)
    if (!own.contains(name)) report.unexpected.push_back(name);
  if (strict) {
    for (const std::string& name : report.missing)
      wrong.push_back(fmt::format("'{}' is missing", name));
    for (const std::string& name : report.unexpected)
      wrong.push_back(fmt::format("'{}' is unexpected", name));
  }
  if (!wrong.empty())
    raise<ValueError>(where, "load_state_dict",
                      fmt::format("the state does not fit: {}", fmt::join(wrong, "; ")));
  const NoGrad no_grad;
  for (const auto& [name, tensor] : own) {
    const auto given = state.find(name);
    if (given == state.end() || !given->second.defined()) continue;
    const Tensor from = given->second.dtype() == tensor.dtype()
                            ? given->second
                            : cast(given->second.detach(), tensor.dtype());
    tensor.value()->changed(where);
    std::memmove(tensor.value()->elements(), from.value()->elements(), from.value()->bytes());
  }
  return report;
}

}  // namespace xtape::nn
