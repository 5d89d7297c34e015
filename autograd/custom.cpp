#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <set>
#include <unordered_set>
#include <xtape/autograd/custom.hpp>
#include <xtape/autograd/tape.hpp>

namespace xtape {

namespace {

// Node::op is a pointer that outlives every tensor.
const char* lasting(const std::string& name) {
  static std::mutex mutex;
  static std::set<std::string>* const names = new std::set<std::string>;
  const std::lock_guard lock(mutex);
  return names->insert(name).first->c_str();
}

// Whether a tensor was recorded as depending on `source`.
bool depends(const Tensor& tensor, const Node* source) {
  if (!tensor.node()) return false;
  std::vector<const Node*> waiting = {tensor.node()};
  std::unordered_set<const Node*> seen = {tensor.node()};
  while (!waiting.empty()) {
    const Node* node = waiting.back();
    waiting.pop_back();
    if (node == source) return true;
    for (const Node::Input& input : node->inputs)
      if (input.node && input.node->sequence >= source->sequence && seen.insert(input.node).second)
        waiting.push_back(input.node);
  }
  return false;
}

Tensor copy_of(const Tensor& x, const Location& where) {
  return record("copy", where, {unsaved(x)}, x.copy(),
                [](Backward& backward) { backward.give(0, backward.grad()); });
}

}  // namespace

// The vjp. The context's tensors are saved through the tape, so that changes in place are noticed:
// the inputs, then what the forward saved, then the result.
struct CustomRun {
  std::shared_ptr<const CustomFunction> function;
  std::size_t inputs;

  void operator()(Backward& backward) const {
    const Node& node = backward.node();
    if (backward.create_graph()) return recorded(backward);
    CustomContext context;
    for (int i = 0; i < backward.input_count(); ++i)
      (static_cast<std::size_t>(i) < inputs ? context.inputs_ : context.saved_)
          .push_back(backward.input(i));
    context.output_ = context.saved_.back();
    context.saved_.pop_back();
    hand_on(backward, shares(context, backward.grad(), node));
  }

 private:
  std::vector<Tensor> shares(const CustomContext& context, const Tensor& grad,
                             const Node& node) const {
    std::vector<Tensor> out = function->backward(context, grad);
    if (out.size() != inputs)
      raise<ValueError>(
          node.where, node.op,
          fmt::format("its backward gave {} gradients for {} inputs", out.size(), inputs));
    return out;
  }
  void hand_on(Backward& backward, const std::vector<Tensor>& shares) const {
    for (std::size_t i = 0; i < inputs; ++i) backward.give(static_cast<int>(i), shares[i]);
  }

  // Everything again by recorded operations. The gradient passes through a node of its own, by
  // which a share that does not follow from it is told.
  void recorded(Backward& backward) const {
    const Node& node = backward.node();
    CustomContext context;
    for (std::size_t i = 0; i < inputs; ++i)
      context.inputs_.push_back(backward.input(static_cast<int>(i)));
    context.output_ = function->forward(context, context.inputs_);
    if (!grad_enabled()) return with_tangents(backward, context);
    bool wants = false;
    for (const Tensor& input : context.inputs_) wants = wants || input.requires_grad();
    for (std::size_t i = 0; wants && i < context.saved_.size(); ++i)
      if (is_floating(context.saved_[i].dtype()) && !context.saved_[i].requires_grad())
        raise<GradError>(node.where, node.op,
                         fmt::format("a higher derivative is wanted, but saved tensor {} was not "
                                     "computed by operations on the inputs",
                                     i));
    Tensor grad = backward.grad();
    if (!grad.requires_grad()) grad = grad.detach().requires_grad(true);
    grad = copy_of(grad, node.where);
    const std::vector<Tensor> out = shares(context, grad, node);
    for (std::size_t i = 0; i < out.size(); ++i)
      if (backward.needs(static_cast<int>(i)) && out[i].defined() && !depends(out[i], grad.node()))
        raise<GradError>(node.where, node.op,
                         fmt::format("a higher derivative is wanted, but its backward did not "
                                     "compute the gradient of input {} by operations",
                                     i));
    hand_on(backward, out);
  }

  // In forward mode a gradient that carries a tangent must hand it on, too.
  void with_tangents(Backward& backward, const CustomContext& context) const {
    const Node& node = backward.node();
    const Tensor& grad = backward.grad();
    const auto carries = [](const Tensor& tensor) {
      const Operand operand = unsaved(tensor);
      return detail::carries_tangent({&operand, 1});
    };
    const bool wants = std::any_of(context.inputs_.begin(), context.inputs_.end(), carries);
    for (std::size_t i = 0; wants && i < context.saved_.size(); ++i)
      if (is_floating(context.saved_[i].dtype()) && !carries(context.saved_[i]))
        raise<GradError>(node.where, node.op,
                         fmt::format("the tangent of a gradient is wanted, but saved tensor {} was "
                                     "not computed by operations on the inputs",
                                     i));
    const std::vector<Tensor> out = shares(context, grad, node);
    for (std::size_t i = 0; i < out.size(); ++i) {
      if (!backward.needs(static_cast<int>(i)) || !out[i].defined()) continue;
      if (carries(grad) && !carries(out[i]))
        raise<GradError>(node.where, node.op,
                         fmt::format("the tangent of a gradient is wanted, but its backward did "
                                     "not compute the gradient of input {} by operations",
                                     i));
    }
    hand_on(backward, out);
  }
};

const Tensor& CustomContext::saved(std::size_t index) const {
  if (index >= saved_.size())
    raise<IndexError>(Location(), "custom function",
                      fmt::format("saved tensor {} of {}", index, saved_.size()));
  return saved_[index];
}

const Tensor& CustomContext::input(std::size_t index) const {
  if (index >= inputs_.size())
    raise<IndexError>(Location(), "custom function",
                      fmt::format("input {} of {}", index, inputs_.size()));
  return inputs_[index];
}

Tensor CustomFunction::operator()(const std::vector<Tensor>& inputs, Location where) const {
  const Location at = Caller::or_else(where);
  const char* const op = lasting(name);
  CustomContext context;
  context.inputs_ = inputs;
  Tensor out;
  {
    const NoGrad off;
    const Caller caller(at);
    out = forward(context, inputs);
  }
  if (!out.defined()) raise<ValueError>(at, op, "its forward returned no tensor");
  for (const Tensor& input : inputs)  // or the result would lead to itself
    if (input.same_as(out)) out = out.detach();
  std::vector<Operand> operands;
  for (const Tensor& input : inputs) operands.push_back(saved(input));
  std::vector<Tensor> kept;
  for (const Tensor& tensor : context.saved_) kept.push_back(tensor.detach());
  kept.push_back(out.detach());
  for (const Tensor& tensor : kept) operands.push_back(saved(tensor));
  record(op, at, operands, {&out, 1},
         CustomRun{std::make_shared<const CustomFunction>(*this), inputs.size()});
  return out;
}

}  // namespace xtape
