#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <xtape/nn/shared.hpp>
#include <xtape/ops/shaping.hpp>

// What users have called before and after a module.
namespace xtape::nn {

namespace {

std::uint64_t next_id() {
  static std::atomic<std::uint64_t> next{1};
  return next++;
}

// A tensor at a place of its own on the tape, whose hooks are nobody else's.
Tensor own_place(const Tensor& x) { return x.requires_grad() ? reshape(x, x.shape()) : x; }

}  // namespace

std::uint64_t Module::register_forward_pre_hook(
    std::function<Tensor(Module&, const Tensor&)> hook) {
  shared_->pre_hooks.emplace_back(next_id(), std::move(hook));
  return shared_->pre_hooks.back().first;
}

std::uint64_t Module::register_forward_hook(
    std::function<Tensor(Module&, const Tensor&, const Tensor&)> hook) {
  shared_->hooks.emplace_back(next_id(), std::move(hook));
  return shared_->hooks.back().first;
}

std::uint64_t Module::register_full_backward_hook(
    std::function<Tensor(Module&, const Tensor&, const Tensor&)> hook) {
  shared_->backward_hooks.emplace_back(next_id(), std::move(hook));
  return shared_->backward_hooks.back().first;
}

void Module::remove_hook(std::uint64_t id, Location where) {
  const auto removed = [&](auto& hooks) {
    return std::erase_if(hooks, [&](const auto& hook) { return hook.first == id; }) > 0;
  };
  if (!removed(shared_->pre_hooks) && !removed(shared_->hooks) && !removed(shared_->backward_hooks))
    raise<ValueError>(where, "module", fmt::format("there is no hook {}", id));
}

Tensor Module::before_forward(const Tensor& x) {
  if (shared_->pre_hooks.empty() && shared_->backward_hooks.empty()) return x;
  Tensor input = x;
  const auto hooks = shared_->pre_hooks;  // a hook may remove itself
  for (const auto& [id, hook] : hooks) {
    const Tensor changed = hook(*this, input);
    if (changed.defined()) input = changed;
  }
  return shared_->backward_hooks.empty() ? input : own_place(input);
}

Tensor Module::after_forward(const Tensor& x, const Tensor& y) {
  if (shared_->hooks.empty() && shared_->backward_hooks.empty()) return y;
  Tensor output = y;
  const auto hooks = shared_->hooks;
  for (const auto& [id, hook] : hooks) {
    const Tensor changed = hook(*this, x, output);
    if (changed.defined()) output = changed;
  }
  if (shared_->backward_hooks.empty() || !output.requires_grad()) return output;
  output = own_place(output);
  // the tape holds a handle of the module: the object may be gone in the backward pass
  const auto run = [self = Module(*this)](const Tensor& grad_input, const Tensor& grad_output) {
    Module module = self;
    Tensor gradient = grad_input;
    const auto hooks = module.shared_->backward_hooks;
    for (const auto& [id, hook] : hooks) {
      const Tensor changed = hook(module, gradient, grad_output);
      if (changed.defined() && grad_input.defined()) gradient = changed;
    }
    return gradient;
  };
  if (!x.requires_grad()) {
    output.register_hook([run](const Tensor& gradient) {
      run(Tensor(), gradient);
      return Tensor();
    });
    return output;
  }
  const auto grad_output = std::make_shared<Tensor>();
  output.register_hook([grad_output](const Tensor& gradient) {
    *grad_output = gradient;
    return Tensor();
  });
  x.register_hook([run, grad_output](const Tensor& gradient) {
    return run(gradient, std::exchange(*grad_output, Tensor()));
  });
  return output;
}

}  // namespace xtape::nn
