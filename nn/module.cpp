#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <xtape/nn/module.hpp>

namespace xtape::nn {

thread_local const Module::State* Module::active_ = nullptr;
thread_local Location Module::called_from_{"unknown", 0};

Tensor Module::forward(const Tensor&) {
  raise<ValueError>(call_site(), "module", "this module has no forward() of one tensor");
}

Tensor Module::operator()(const Arg& x) {
  if (active_ && !active_->outside_allowed && !contains(*active_, state_.get()))
    raise<GradError>(x.where(), "module",
                     "a module is used in the forward() of another that did not register it; make "
                     "it a member by add(\"name\", ...)");
  struct Active {
    const State* before;
    Location called_before;
    Active(const State* now, const Location& at)
        : before(std::exchange(active_, now)), called_before(std::exchange(called_from_, at)) {}
    ~Active() {
      active_ = before;
      called_from_ = called_before;
    }
  };
  const Tensor input = x.as_tensor(float32);
  Tensor output;
  {
    const Active active(state_.get(), x.where());
    output = forward(input);
  }
  if (!state_->checked && grad_enabled() && output.defined()) {
    check_outside(input, output, x.where());
    state_->checked = true;
  }
  return output;
}

// Looks at the leaves that the output was computed from, up to the input.
void Module::check_outside(const Tensor& x, const Tensor& y, const Location& where) const {
  if (state_->outside_allowed || active_ || !y.node()) return;
  std::unordered_set<const Node*> seen{x.node()};
  for (const NamedTensor& parameter : named_parameters()) seen.insert(parameter.tensor.node());
  std::vector<const Node*> pending{y.node()};
  while (!pending.empty()) {
    const Node* node = pending.back();
    pending.pop_back();
    if (!node || !seen.insert(node).second) continue;
    if (node->is_leaf())
      raise<GradError>(where, "module",
                       fmt::format("forward() used a tensor that requires gradients since {} but "
                                   "is not registered; make it a member by parameter(\"name\", "
                                   "...), or call allow_outside_parameters()",
                                   node->where.str()));
    for (const Node::Input& input : node->inputs) pending.push_back(input.node);
  }
}

std::vector<NamedTensor> Module::named_parameters() const {
  std::vector<NamedTensor> all;
  collect(*state_, "", all);
  return all;
}

std::vector<Tensor> Module::parameters() const {
  std::vector<Tensor> tensors;
  for (NamedTensor& named : named_parameters()) tensors.push_back(std::move(named.tensor));
  return tensors;
}

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for (const Tensor& tensor : parameters()) count += tensor.numel();
  return count;
}

Module& Module::train(bool on) {
  set_training(*state_, on);
  return *this;
}

void Module::zero_grad() const { clear_gradients(*state_); }

Tensor Module::parameter(const std::string& name, Tensor tensor, Location where) {
  check_name(*state_, name, where);
  if (!tensor.is_leaf())
    raise<GradError>(where, "module",
                     fmt::format("'{}' was made by an operation; detach() it first", name));
  tensor.requires_grad(true, where);
  state_->parameters.push_back({name, tensor});
  return tensor;
}

void Module::add_child(const std::string& name, const Module& module, const Location& where) {
  check_name(*state_, name, where);
  if (contains(*module.state_, state_.get()))
    raise<ValueError>(where, "module", fmt::format("'{}' would contain itself", name));
  state_->children.emplace_back(name, module.state_);
}

void Module::check_name(const State& state, const std::string& name, const Location& where) {
  if (name.empty() || name.find('.') != std::string::npos)
    raise<ValueError>(where, "module", fmt::format("'{}' is no name: empty or with a dot", name));
  const auto taken = [&](const auto& entry) { return std::get<0>(entry) == name; };
  const auto named = [&](const NamedTensor& entry) { return entry.name == name; };
  if (std::any_of(state.children.begin(), state.children.end(), taken) ||
      std::any_of(state.parameters.begin(), state.parameters.end(), named))
    raise<ValueError>(where, "module", fmt::format("there is a '{}' already", name));
}

// A parameter that is reached on several paths counts once, under the first.
void Module::collect(const State& state, const std::string& prefix,
                     std::vector<NamedTensor>& into) {
  for (const NamedTensor& named : state.parameters) {
    const auto same = [&](const NamedTensor& other) { return other.tensor.same_as(named.tensor); };
    if (std::none_of(into.begin(), into.end(), same))
      into.push_back({prefix + named.name, named.tensor});
  }
  for (const auto& [name, child] : state.children) collect(*child, prefix + name + ".", into);
}

bool Module::contains(const State& state, const State* sought) {
  if (&state == sought) return true;
  for (const auto& [name, child] : state.children)
    if (contains(*child, sought)) return true;
  return false;
}

void Module::set_training(State& state, bool on) {
  state.training = on;
  for (const auto& [name, child] : state.children) set_training(*child, on);
}

void Module::clear_gradients(const State& state) {
  for (const NamedTensor& parameter : state.parameters) parameter.tensor.zero_grad();
  for (const auto& [name, child] : state.children) clear_gradients(*child);
}

}  // namespace xtape::nn
