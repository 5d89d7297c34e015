#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>
#include <xtape/nn/shared.hpp>

namespace xtape::nn {

thread_local const Module::Shared* Module::active_ = nullptr;
thread_local Location Module::called_from_{"unknown", 0};

Module::Module() : shared_(std::make_shared<Shared>()) {}

std::shared_ptr<Module::Shared> Module::copied(const std::shared_ptr<Shared>& original) {
  if (!detail::DeepCopies::active()) return original;
  return std::static_pointer_cast<Shared>(detail::DeepCopies::active()->of(
      original.get(), [](const void* from) -> std::shared_ptr<void> {
        return std::make_shared<Shared>(*static_cast<const Shared*>(from));
      }));
}

Tensor Module::forward(const Tensor&) {
  raise<ValueError>(call_site(), "module", "this module has no forward() of one tensor");
}

// The module whose forward() runs, and the line that called it.
class Module::Active {
 public:
  Active(const Shared* now, const Location& at)
      : before_(std::exchange(active_, now)), called_before_(std::exchange(called_from_, at)) {}
  ~Active() {
    active_ = before_;
    called_from_ = called_before_;
  }
  Active(const Active&) = delete;
  Active& operator=(const Active&) = delete;

 private:
  const Shared* before_;
  Location called_before_;
};

Tensor Module::operator()(const Arg& x) {
  check_registered(x.where());
  const Tensor input = before_forward(x.as_tensor(float32));
  Tensor output;
  {
    const Active active(shared_.get(), x.where());
    output = forward(input);
  }
  output = after_forward(input, output);
  check_outside({&input, 1}, {&output, 1}, x.where());
  return output;
}

std::vector<Tensor> Module::call(
    std::vector<Tensor> inputs, const Location& where,
    const std::function<std::vector<Tensor>(std::span<const Tensor>)>& body) {
  check_registered(where);
  inputs[0] = before_forward(inputs[0]);
  std::vector<Tensor> outputs;
  {
    const Active active(shared_.get(), where);
    outputs = body(inputs);
  }
  outputs[0] = after_forward(inputs[0], outputs[0]);
  check_outside(inputs, outputs, where);
  return outputs;
}

void Module::check_registered(const Location& where) const {
  if (active_ && !active_->outside_allowed && !contains(*active_, shared_.get()))
    raise<GradError>(where, "module",
                     "a module is used in the forward() of another that did not register it; make "
                     "it a member by add(\"name\", ...)");
}

// Looks at the leaves that the outputs were computed from, up to the inputs.
void Module::check_outside(std::span<const Tensor> x, std::span<const Tensor> y,
                           const Location& where) const {
  if (shared_->checked || shared_->outside_allowed || active_ || !grad_enabled()) return;
  std::unordered_set<const Node*> seen;
  for (const Tensor& input : x) seen.insert(input.node());
  for (const NamedTensor& parameter : named_parameters()) seen.insert(parameter.tensor.node());
  std::vector<const Node*> pending;
  for (const Tensor& output : y) pending.push_back(output.node());
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
  shared_->checked = true;
}

void Module::allow_outside_parameters() { shared_->outside_allowed = true; }

template <class List>
std::vector<NamedTensor> Module::collected(List list) const {
  std::vector<NamedTensor> all;
  walk(*shared_, "", [&](const Shared& shared, const std::string& prefix) {
    for (const NamedTensor& named : list(shared)) {
      const auto same = [&](const NamedTensor& other) {
        return other.tensor.same_as(named.tensor);
      };
      if (std::none_of(all.begin(), all.end(), same))
        all.push_back({prefix + named.name, named.tensor});
    }
  });
  return all;
}

std::vector<NamedTensor> Module::named_parameters() const {
  return collected([](const Shared& shared) -> auto& { return shared.parameters; });
}

std::vector<NamedTensor> Module::named_buffers() const {
  return collected([](const Shared& shared) -> auto& { return shared.buffers; });
}

namespace {

std::vector<Tensor> without_names(std::vector<NamedTensor> named) {
  std::vector<Tensor> tensors;
  for (NamedTensor& each : named) tensors.push_back(std::move(each.tensor));
  return tensors;
}

}  // namespace

std::vector<Tensor> Module::parameters() const { return without_names(named_parameters()); }
std::vector<Tensor> Module::buffers() const { return without_names(named_buffers()); }

std::int64_t Module::parameter_count() const {
  std::int64_t count = 0;
  for (const Tensor& tensor : parameters()) count += tensor.numel();
  return count;
}

std::vector<NamedModule> Module::named_children() const {
  std::vector<NamedModule> all;
  for (const Shared::Child& child : shared_->children) all.push_back({child.name, child.module});
  return all;
}

std::size_t Module::child_count() const { return shared_->children.size(); }
Module& Module::child(std::size_t i) const { return *shared_->children[i].module; }

std::vector<NamedModule> Module::named_modules() const {
  std::vector<NamedModule> all;
  for (const Shared::Child& child : shared_->children) {
    all.push_back({child.name, child.module});
    for (NamedModule& below : child.module->named_modules())
      all.push_back({child.name + "." + below.name, std::move(below.module)});
  }
  return all;
}

Module& Module::train(bool on) {
  shared_->training = on;
  for (const Shared::Child& child : shared_->children) child.module->train(on);
  return *this;
}

bool Module::is_training() const { return shared_->training; }

Module& Module::requires_grad(bool wanted) {
  for (Tensor& tensor : parameters()) tensor.requires_grad(wanted);
  return *this;
}

void Module::zero_grad() const {
  // without the list of parameters: steps of training take nothing from the heap
  for (const NamedTensor& named : shared_->parameters) named.tensor.zero_grad();
  for (const Shared::Child& child : shared_->children) child.module->zero_grad();
}

Module& Module::apply(const std::function<void(Module&)>& f) {
  for (const Shared::Child& child : shared_->children) child.module->apply(f);
  f(*this);
  return *this;
}

Tensor Module::parameter(const std::string& name, Tensor tensor, Location where) {
  check_name(*shared_, name, where);
  if (!tensor.is_leaf())
    raise<GradError>(where, "module",
                     fmt::format("'{}' was made by an operation; detach() it first", name));
  tensor.requires_grad(true, where);
  shared_->parameters.push_back({name, tensor});
  return tensor;
}

Tensor Module::buffer(const std::string& name, Tensor tensor, bool persistent, Location where) {
  check_name(*shared_, name, where);
  if (tensor.requires_grad())
    raise<GradError>(where, "module",
                     fmt::format("'{}' requires gradients; a buffer is not learnt", name));
  shared_->buffers.push_back({{name, tensor}, persistent});
  return tensor;
}

Tensor Module::remove_parameter(const std::string& name, Location where) {
  auto& all = shared_->parameters;
  const auto found = std::find_if(all.begin(), all.end(),
                                  [&](const NamedTensor& named) { return named.name == name; });
  if (found == all.end())
    raise<ValueError>(where, "module", fmt::format("there is no parameter '{}'", name));
  const Tensor tensor = found->tensor;
  all.erase(found);
  return tensor;
}

void Module::add_child(const std::string& name, std::shared_ptr<Module> module, Copy copy,
                       const Location& where) {
  check_name(*shared_, name, where);
  if (contains(*module->shared_, shared_.get()))
    raise<ValueError>(where, "module", fmt::format("'{}' would contain itself", name));
  shared_->children.emplace_back(name, std::move(module), copy);
}

void Module::check_name(const Shared& shared, const std::string& name, const Location& where) {
  if (name.empty() || name.find('.') != std::string::npos)
    raise<ValueError>(where, "module", fmt::format("'{}' is no name: empty or with a dot", name));
  const auto taken = [&](const auto& list) {
    return std::any_of(list.begin(), list.end(),
                       [&](const auto& entry) { return entry.name == name; });
  };
  if (taken(shared.children) || taken(shared.parameters) || taken(shared.buffers))
    raise<ValueError>(where, "module", fmt::format("there is a '{}' already", name));
}

bool Module::contains(const Shared& shared, const Shared* sought) {
  if (&shared == sought) return true;
  return std::any_of(shared.children.begin(), shared.children.end(),
                     [&](const Shared::Child& child) { return contains(child.shared(), sought); });
}

}  // namespace xtape::nn
