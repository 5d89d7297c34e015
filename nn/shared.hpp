// What the handles of one module share.
#pragma once

#include <tuple>
#include <xtape/nn/module.hpp>

namespace xtape::nn {

struct Module::Shared {
  struct Buffer : NamedTensor {
    bool persistent;
  };
  struct Child {
    std::string name;
    std::shared_ptr<Module> module;
    Copy copy;
    Child(std::string name, std::shared_ptr<Module> module, Copy copy)
        : name(std::move(name)), module(std::move(module)), copy(copy) {}
    Child(const Child& other)
        : name(other.name), module(other.copy(*other.module)), copy(other.copy) {}
    Child(Child&&) = default;
    const Shared& shared() const { return *module->shared_; }
  };
  template <class F>
  using Hooks = std::vector<std::pair<std::uint64_t, std::function<F>>>;

  std::vector<NamedTensor> parameters;
  std::vector<Buffer> buffers;
  std::vector<Child> children;
  Hooks<Tensor(Module&, const Tensor&)> pre_hooks;
  Hooks<Tensor(Module&, const Tensor&, const Tensor&)> hooks, backward_hooks;
  bool training = true;
  bool outside_allowed = false;
  bool checked = false;  // nothing unregistered was found
};

/// Calls visit(shared, prefix) on the module and then on all below it.
template <class Visit>
void Module::walk(const Shared& shared, const std::string& prefix, const Visit& visit) {
  visit(shared, prefix);
  for (const Shared::Child& child : shared.children)
    walk(child.shared(), prefix + child.name + ".", visit);
}

}  // namespace xtape::nn
