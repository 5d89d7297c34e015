#include <fmt/format.h>

#include <xtape/autograd/tape.hpp>

// The members of Tensor that concern the tape.
namespace xtape {

namespace {

// Collects its gradient instead of handing it on.
struct Leaf final : Node {
  void vjp(Backward&) override {}
  bool is_leaf() const override { return true; }
};

}  // namespace

bool Tensor::requires_grad() const { return node() != nullptr; }
bool Tensor::is_leaf() const { return !node() || node()->is_leaf(); }

Tensor& Tensor::requires_grad(bool wanted, Location where) {
  value(where);
  if (!is_leaf()) {
    if (!wanted)
      raise<GradError>(where, "requires_grad",
                       "an operation made this tensor; detach() it to stop its gradient");
    return *this;
  }
  if (wanted && !is_floating(dtype()))
    raise<DTypeError>(
        where, "requires_grad",
        fmt::format("only floating tensors have gradients, this one is {}", name_of(dtype())));
  if (!wanted) {
    set_node(Ref<Node>(), 0);
  } else if (!node()) {
    const Ref<Node> leaf =
        Node::make<Leaf>("leaf", Caller::or_else(where), 0, std::span<const Tensor>(this, 1));
    set_node(leaf, 0);
  }
  return *this;
}

Tensor Tensor::grad(Location where) const {
  value(where);
  const Tensor* kept = node() ? node()->kept_grad(output()) : nullptr;
  return kept ? *kept : Tensor();
}

void Tensor::set_grad(const Tensor& grad, Location where) const {
  if (!node() || !is_leaf())
    raise<GradError>(where, "set_grad", "only a leaf that requires gradients has one to set");
  if (grad.shape(where) != shape())
    raise<ShapeError>(
        where, "set_grad",
        fmt::format("the gradient has shape {}, the tensor {}", grad.shape().str(), shape().str()));
  if (grad.dtype() != dtype())
    raise<DTypeError>(
        where, "set_grad",
        fmt::format("the gradient is {}, the tensor {}", name_of(grad.dtype()), name_of(dtype())));
  node()->grads[0] = grad.detach();
}

void Tensor::zero_grad(Location where) const {
  value(where);
  if (Tensor* kept = node() ? node()->kept_grad(output()) : nullptr) *kept = Tensor();
}

void Tensor::retain_grad(Location where) const {
  if (!node()) raise<GradError>(where, "retain_grad", "the tensor does not require gradients");
  if (is_leaf()) return;
  if (!node()->watch) node()->watch = std::make_unique<Watch>();
  if (!node()->watch->kept) node()->watch->kept.reset(new Tensor[node()->grads.size()]);
}

std::uint64_t Tensor::register_hook(Hook hook, Location where) const {
  static std::atomic<std::uint64_t> next{1};
  if (!node()) raise<GradError>(where, "register_hook", "the tensor does not require gradients");
  if (!node()->watch) node()->watch = std::make_unique<Watch>();
  const std::uint64_t id = next++;
  node()->watch->hooks.push_back({output(), id, std::move(hook)});
  return id;
}

void Tensor::remove_hook(std::uint64_t id, Location where) const {
  const auto mine = [&](const Watch::Hooked& each) { return each.id == id; };
  if (!node() || !node()->watch || std::erase_if(node()->watch->hooks, mine) == 0)
    raise<ValueError>(where, "remove_hook", fmt::format("the tensor has no hook {}", id));
}

void Tensor::backward(const BackwardOptions& options, Location where) const {
  value(where);
  const Tensor unit;
  xtape::backward({this, 1}, {&unit, 1}, options, where);
}

void Tensor::backward(const Tensor& seed, const BackwardOptions& options, Location where) const {
  seed.value(where);
  xtape::backward({this, 1}, {&seed, 1}, options, where);
}

}  // namespace xtape
