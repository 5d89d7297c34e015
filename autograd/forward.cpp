#include <fmt/format.h>

#include <algorithm>
#include <vector>
#include <xtape/autograd/forward.hpp>

namespace xtape {

thread_local ForwardMode* ForwardMode::newest = nullptr;
thread_local ForwardMode* ForwardMode::visible = nullptr;

namespace {

// Ones of the shape of an output, with a place on the tape.
Tensor seed_like(const Tensor& output) {
  Tensor ones = Tensor::empty(output.shape(), output.dtype());
  if (ones.dtype() == float32) std::fill_n(ones.value()->as<float>(), ones.numel(), 1.0F);
  else std::fill_n(ones.value()->as<double>(), ones.numel(), 1.0);
  return ones.requires_grad(true);
}

// The tangents of the outputs by the vjp of the node. Its seed could be anything, as the vjp is
// linear in it; at 1 it does not hide a slope that is not finite.
std::vector<Tensor> by_vjp(Node& node, std::span<const Tensor> tangents,
                           std::span<const Tensor> outputs, bool create_graph) {
  std::vector<Tensor> seeds, shares(tangents.size()), roots, upstream;
  {
    const EnableGrad on;
    for (std::size_t j = 0; j < outputs.size(); ++j)
      if (is_floating(outputs[j].dtype())) seeds.push_back(node.grads[j] = seed_like(outputs[j]));
    Backward backward(node, tangents, shares);
    node.vjp(backward);
    for (Tensor& grad : node.grads) grad = Tensor();
  }
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (!shares[i].requires_grad()) continue;
    roots.push_back(shares[i]);
    upstream.push_back(tangents[i]);
  }
  return grad(roots, seeds, upstream,
              {.retain_graph = false, .create_graph = create_graph, .allow_unused = true},
              node.where);
}

}  // namespace

ForwardMode::ForwardMode() : outer_(visible), before_(newest) { newest = visible = this; }
ForwardMode::~ForwardMode() {
  visible = outer_;
  newest = before_;
}

Tensor ForwardMode::dual(const Tensor& x, const Tensor& tangent, Location where) {
  if (!is_floating(x.dtype(where)))
    raise<DTypeError>(
        where, "dual",
        fmt::format("only floating tensors have tangents, this one is {}", name_of(x.dtype())));
  if (tangent.shape(where) != x.shape())
    raise<ShapeError>(where, "dual",
                      fmt::format("the tangent has shape {}, the tensor {}", tangent.shape().str(),
                                  x.shape().str()));
  if (tangent.dtype() != x.dtype())
    raise<DTypeError>(where, "dual",
                      fmt::format("the tangent is {}, the tensor {}", name_of(tangent.dtype()),
                                  name_of(x.dtype())));
  const Tensor out = primal(x, where);
  carry(out, tangent);
  return out;
}

Tensor ForwardMode::tangent(const Tensor& y, Location where) const {
  y.value(where);
  const Tensor* found = find(y);
  return found ? *found : Tensor();
}

Tensor ForwardMode::primal(const Tensor& y, Location where) const {
  const Tensor out(Value::show(y.value(where), y.shape()));
  if (y.node()) out.set_node(Ref<Node>::share(y.node()), y.output());
  for (ForwardMode* mode = outer_; mode; mode = mode->outer_)
    if (const Tensor* tangent = mode->find(y)) mode->carry(out, *tangent);
  return out;
}

const Tensor* ForwardMode::find(const Tensor& x) const {
  if (!x.value()->has_tangent) return nullptr;
  const auto found = tangents_.find(x.value().get());
  return found == tangents_.end() ? nullptr : &found->second;
}

bool ForwardMode::any(std::span<const Operand> inputs) const {
  return std::any_of(inputs.begin(), inputs.end(),
                     [&](const Operand& input) { return find(input.tensor) != nullptr; });
}

void ForwardMode::carry(const Tensor& y, Tensor tangent) {
  y.value()->has_tangent = true;
  tangents_.insert_or_assign(y.value().get(), std::move(tangent));
}

void ForwardMode::push(Node& node, std::span<const Operand> inputs,
                       std::span<const Tensor> outputs) {
  ForwardMode* const all = visible;
  // the outermost first: a tangent that is read from a result has the outer modes' tangents then
  std::vector<ForwardMode*> modes;
  for (ForwardMode* mode = all; mode; mode = mode->outer_)
    if (mode->any(inputs)) modes.push_back(mode);
  struct Restore {
    ForwardMode* before;
    ~Restore() { visible = before; }
  } restore{all};
  for (; !modes.empty(); modes.pop_back()) {
    visible = modes.back()->outer_;
    modes.back()->push_one(node, inputs, outputs);
  }
}

void ForwardMode::push_one(Node& node, std::span<const Operand> inputs,
                           std::span<const Tensor> outputs) {
  const Caller caller(node.where);
  std::vector<Tensor> tangents;
  std::vector<Operand> sources(inputs.begin(), inputs.end());
  tangents.reserve(inputs.size());
  for (const Operand& input : inputs) {
    const Tensor* tangent = find(input.tensor);
    tangents.push_back(tangent ? *tangent : Tensor());
    if (tangent) sources.push_back(unsaved(tangents.back()));
  }
  const bool recorded = must_record(sources);
  std::vector<Tensor> results;
  if (!recorded && !detail::carries_tangent(sources))
    if (Tensor result = node.jvp(tangents, outputs[0]); result.defined()) results.push_back(result);
  if (results.empty()) results = by_vjp(node, tangents, outputs, recorded);
  for (std::size_t j = 0, next = 0; j < outputs.size(); ++j) {
    if (!is_floating(outputs[j].dtype())) continue;
    Tensor& result = results[next++];
    if (!result.defined()) continue;
    if (anomaly_enabled()) detail::check_finite(node.op, node.where, sources, {&result, 1});
    carry(outputs[j], std::move(result));
  }
}

namespace detail {

bool carries_tangent(std::span<const Operand> inputs) {
  for (ForwardMode* mode = ForwardMode::visible; mode; mode = mode->outer_)
    if (mode->any(inputs)) return true;
  return false;
}

void forget_tangents(const Value* value) noexcept {
  // what is taken out is destroyed when the table is whole again: that may lead back here
  for (ForwardMode* mode = ForwardMode::newest; mode; mode = mode->before_)
    const auto gone = mode->tangents_.extract(value);
}

}  // namespace detail

}  // namespace xtape
