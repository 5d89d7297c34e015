#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>
#include <xtape/autograd/forward.hpp>
#include <xtape/autograd/profile.hpp>
#include <xtape/autograd/tape.hpp>

// The walk back along the tape.
namespace xtape {

namespace {

template <class T>
std::int64_t first_not_finite(const T* data, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i)
    if (!std::isfinite(data[i])) return i;
  return -1;
}

std::int64_t first_not_finite(const Tensor& tensor) {
  if (tensor.dtype() == float32)
    return first_not_finite(tensor.value()->as<float>(), tensor.numel());
  if (tensor.dtype() == float64)
    return first_not_finite(tensor.value()->as<double>(), tensor.numel());
  return -1;
}

double element(const Tensor& tensor, std::int64_t i) {
  return tensor.dtype() == float32 ? tensor.value()->as<float>()[i]
                                   : tensor.value()->as<double>()[i];
}

[[noreturn]] void raise_anomaly(const Node* backward, const char* op, const Location& where,
                                const Tensor& tensor, std::int64_t at) {
  throw AnomalyError(op,
                     fmt::format("{} first produced {} at element {} of shape {}",
                                 backward ? "the backward pass" : "the forward pass",
                                 element(tensor, at), at, tensor.shape().str()),
                     where);
}

template <class T>
void add_into(T* to, const T* from, std::int64_t n) {
  for (std::int64_t i = 0; i < n; ++i) to[i] += from[i];
}

// a + b without recording, into a's memory if `in_place`.
Tensor plain_sum(const Tensor& a, const Tensor& b, bool in_place) {
  Tensor sum = in_place ? a : a.copy();
  if (sum.dtype() == float32)
    add_into(sum.value()->as<float>(), b.value()->as<float>(), sum.numel());
  else add_into(sum.value()->as<double>(), b.value()->as<double>(), sum.numel());
  return sum;
}

Tensor copy_of(const Tensor& x, const Location& where) {
  return record("accumulate", where, {unsaved(x)}, x.copy(),
                [](Backward& backward) { backward.give(0, backward.grad()); });
}

Tensor recorded_sum(const Tensor& a, const Tensor& b, const Location& where) {
  return record("accumulate", where, {unsaved(a), unsaved(b)}, plain_sum(a, b, false),
                [](Backward& backward) {
                  backward.give(0, backward.grad());
                  backward.give(1, backward.grad());
                });
}

// Adds `share` to a gradient of `node`. One that is `kept` belongs to the user: it never shares its
// memory with another tensor's, and is added to in place, as in PyTorch, unless it is recorded.
void accumulate(Tensor& slot, const Tensor& share, const Node& node, bool kept, bool create_graph) {
  if (!slot.defined()) {
    slot = !kept || share.exclusive() ? share : copy_of(share, node.where);
    return;
  }
  if (create_graph) {
    slot = recorded_sum(slot, share, node.where);
  } else {
    if (kept && !slot.node()) slot.value()->changed(node.where);
    slot = plain_sum(slot, share, kept ? !slot.node() : slot.exclusive());
  }
}

// Throws unless a gradient is like the output of a node that it is meant for.
void check_like(const Tensor& grad, const Node& node, std::uint32_t output, const char* who,
                const Node& giver) {
  if (node.is_like(output, grad)) return;
  raise<ShapeError>(giver.where, "backward",
                    fmt::format("{}{} gave a gradient of {} {} to a tensor of {} {}", who, giver.op,
                                name_of(grad.dtype()), grad.shape().str(),
                                name_of(node.dtype(output)), node.shape(output).str()));
}

// An input of grad(): what arrives there is kept here.
struct Capture {
  const Node* node;
  std::uint32_t output;
  Tensor grad;
};

bool older(const Node* a, const Node* b) { return a->sequence < b->sequence; }

void clear(Node& node) {
  for (Tensor& grad : node.grads) grad = Tensor();
}

// The nodes that wait for their turn, highest sequence first. The memory is kept for the next walk.
class Walk {
 public:
  Walk(bool create_graph, std::span<Capture> captures, bool capturing)
      : create_graph_(create_graph),
        capturing_(capturing),
        captures_(captures),
        outer_(std::exchange(current, this)) {
    if (capturing) oldest_ = std::numeric_limits<std::uint64_t>::max();
    for (const Capture& capture : captures) oldest_ = std::min(oldest_, capture.node->sequence);
    if (spare.empty()) return;
    heap_ = std::move(spare.back());
    spare.pop_back();
  }
  ~Walk() {
    current = outer_;
    for (Node* node : heap_) {  // only if a vjp threw
      node->queued = false;
      clear(*node);
    }
    heap_.clear();
    spare.push_back(std::move(heap_));
  }
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  /// Adds `share` to what has arrived at one output of a node, and queues the node. A leaf takes
  /// it at once, unless a hook waits for the sum.
  void deposit(Node& node, std::uint32_t output, Tensor share) {
    if (node.sequence < oldest_) return;  // leads to nothing that is wanted
    if (node.is_leaf() && !node.has_hooks()) return arrive(node, share);
    Tensor& slot = node.is_leaf() ? node.watch->arriving : node.grads[output];
    if (!node.queued) {
      if (node.is_leaf()) slot = Tensor();
      else clear(node);  // what a vjp that threw has left
      node.queued = true;
      heap_.push_back(&node);
      std::push_heap(heap_.begin(), heap_.end(), older);
    }
    accumulate(slot, share, node, false, create_graph_);
  }
  /// The next node whose vjp is to run, its gradients complete; null at the end.
  Node* pop() {
    while (!heap_.empty()) {
      std::pop_heap(heap_.begin(), heap_.end(), older);
      Node& node = *heap_.back();
      heap_.pop_back();
      node.queued = false;
      if (node.has_hooks()) run_hooks(node);
      if (node.is_leaf()) {
        arrive(node, std::exchange(node.watch->arriving, Tensor()));
        continue;
      }
      for (Capture& capture : captures_)
        if (capture.node == &node) capture.grad = node.grads[capture.output];
      const bool keeps = node.watch && node.watch->kept && !capturing_;
      for (std::size_t i = 0; keeps && i < node.grads.size(); ++i)
        if (node.grads[i].defined())
          accumulate(node.watch->kept[i], node.grads[i], node, true, create_graph_);
      return &node;
    }
    return nullptr;
  }
  /// Keeps a tensor until the walk ends.
  void keep(const Tensor& tensor) { kept_.push_back(tensor); }
  /// Makes sure that no two results share memory with each other or with a seed.
  void separate_captures() {
    for (Capture& capture : captures_)
      if (capture.grad.defined() && !capture.grad.exclusive())
        capture.grad = copy_of(capture.grad, capture.node->where);
  }
  bool capturing() const { return capturing_; }

  static thread_local Walk* current;

 private:
  // What reaches a leaf is for the user.
  void arrive(Node& leaf, const Tensor& share) {
    if (!capturing_) return accumulate(leaf.grads[0], share, leaf, true, create_graph_);
    for (Capture& capture : captures_)
      if (capture.node == &leaf) accumulate(capture.grad, share, leaf, true, create_graph_);
  }
  void run_hooks(Node& node) {
    const std::vector<Watch::Hooked> hooks = node.watch->hooks;  // one may remove another
    for (const Watch::Hooked& each : hooks) {
      Tensor& grad = node.is_leaf() ? node.watch->arriving : node.grads[each.output];
      if (!grad.defined()) continue;
      const Tensor changed = each.hook(grad);
      if (!changed.defined()) continue;
      check_like(changed, node, each.output, "a hook of ", node);
      grad = changed;
    }
  }

  bool create_graph_, capturing_;
  std::uint64_t oldest_ = 0;  // the lowest sequence that has to be visited
  std::span<Capture> captures_;
  Walk* outer_;
  std::vector<Node*> heap_;
  std::vector<Tensor> kept_;
  static thread_local std::vector<std::vector<Node*>> spare;
};
thread_local Walk* Walk::current = nullptr;
thread_local std::vector<std::vector<Node*>> Walk::spare;

void run(Node& node, bool create_graph, bool retain) {
  if (node.freed)
    raise<GradError>(node.where, node.op,
                     "its saved values were freed by an earlier backward(); pass "
                     "{.retain_graph = true} to the earlier call");
  const Caller caller(node.where);
  Backward context(node, create_graph);
  if (detail::profiling()) detail::profile_vjp(node, context);
  else node.vjp(context);
  clear(node);
  if (retain) return;
  node.freed = true;
  for (Node::Input& input : node.inputs) input.drop_value();
}

Tensor unit_seed(const Tensor& root, const Location& where) {
  if (root.numel(where) != 1)
    raise<ShapeError>(where, "backward",
                      fmt::format("a tensor of shape {} needs a seed of its shape; or reduce it "
                                  "with sum() or mean()",
                                  root.shape().str()));
  Tensor one = Tensor::empty(root.shape(), root.dtype());
  if (root.dtype() == float64) *one.value()->as<double>() = 1;
  if (root.dtype() == float32) *one.value()->as<float>() = 1;
  return one;
}

void check_seed(const Tensor& root, const Tensor& seed, const Location& where) {
  if (!root.defined() || !root.node())
    raise<GradError>(where, "backward",
                     "the tensor does not depend on one that requires gradients");
  if (!seed.defined()) return;
  if (seed.shape() != root.shape())
    raise<ShapeError>(where, "backward",
                      fmt::format("the seed has shape {}, the tensor {}", seed.shape().str(),
                                  root.shape().str()));
  if (seed.dtype() != root.dtype())
    raise<DTypeError>(
        where, "backward",
        fmt::format("the seed is {}, the tensor {}", name_of(seed.dtype()), name_of(root.dtype())));
}

}  // namespace

Tensor Backward::input(int index) const {
  const Node::Input& input = node_.inputs[index];
  if (input.version != input.value->current_version()) {
    const Location changed(input.value->owner->changed_file, input.value->owner->changed_line);
    throw StaleValueError(
        node_.op,
        fmt::format("input {} of shape {} was changed in place at {} after the operation was "
                    "recorded; copy() it first, or change it after backward()",
                    index, input.value->shape.str(), changed.str()),
        node_.where);
  }
  Tensor tensor(Ref<Value>::share(input.value));
  if (create_graph_ && input.node) tensor.set_node(Ref<Node>::share(input.node), input.output);
  return tensor;
}

Tensor Backward::attached(int index) const { return Backward(node_, true).input(index); }

Tensor Backward::result() const {
  const Tensor tensor = input(input_count() - 1);
  if (create_graph_) tensor.set_node(Ref<Node>::share(&node_), 0);
  return tensor;
}

void Backward::give(int input, Tensor share) {
  if (!needs(input) || !share.defined()) return;
  if (shares_) {
    Tensor& sum = shares_[input];
    sum = sum.defined() ? recorded_sum(sum, share, node_.where) : std::move(share);
    return;
  }
  const Node::Input& edge = node_.inputs[input];
  check_like(share, *edge.node, edge.output, "", node_);
  if (anomaly_enabled())
    if (const auto at = first_not_finite(share); at >= 0)
      raise_anomaly(&node_, node_.op, node_.where, share, at);
  Walk::current->deposit(*edge.node, edge.output, std::move(share));
}

void Backward::resume(const Tensor& tensor, const Tensor& share) {
  if (!tensor.node() || !share.defined()) return;
  Walk::current->keep(tensor);
  Walk::current->deposit(*tensor.node(), tensor.output(), share);
}

Tensor* Backward::accumulator(int input) const {
  const Node::Input& edge = node_.inputs[input];
  if (create_graph_ || anomaly_enabled() || !edge.node) return nullptr;
  if (edge.node->is_leaf() && edge.node->has_hooks()) return nullptr;
  if (edge.node->is_leaf() ? Walk::current->capturing() : !edge.node->queued) return nullptr;
  Tensor& slot = edge.node->grads[edge.output];
  if (!slot.defined()) return nullptr;
  return (edge.node->is_leaf() ? !slot.node() : slot.exclusive()) ? &slot : nullptr;
}

namespace detail {

void observe(const char* op, const Location& where, std::span<const Operand> inputs,
             std::span<const Tensor> outputs) {
  if (profiling()) operation_ends(op, Caller::or_else(where), inputs, outputs);
  if (anomaly_enabled()) check_forward(op, where, inputs, outputs);
}

void check_forward(const char* op, const Location& where, std::span<const Operand> inputs,
                   std::span<const Tensor> outputs) {
  // A recorded backward pass computes both branches of where(); give() looks at what is chosen.
  // The same happens where a tangent is computed by a vjp.
  if (!Walk::current && !ForwardMode::pushing()) check_finite(op, where, inputs, outputs);
}

void check_finite(const char* op, const Location& where, std::span<const Operand> inputs,
                  std::span<const Tensor> outputs) {
  for (const Operand& input : inputs)
    if (first_not_finite(input.tensor) >= 0) return;
  for (const Tensor& output : outputs)
    if (const auto at = first_not_finite(output); at >= 0)
      raise_anomaly(nullptr, op, Caller::or_else(where), output, at);
}

}  // namespace detail

static void walk_back(std::span<const Tensor> roots, std::span<const Tensor> seeds,
                      const BackwardOptions& options, std::span<Capture> captures, bool capturing,
                      const Location& where) {
  if (roots.size() != seeds.size())
    raise<ValueError>(where, "backward",
                      fmt::format("{} tensors but {} seeds", roots.size(), seeds.size()));
  for (std::size_t i = 0; i < roots.size(); ++i) check_seed(roots[i], seeds[i], where);
  const GradMode mode(options.create_graph);
  // tangents, too, only get through operations
  const bool by_operations = options.create_graph || ForwardMode::on();
  Walk walk(by_operations, captures, capturing);
  for (std::size_t i = 0; i < roots.size(); ++i)
    walk.deposit(*roots[i].node(), roots[i].output(),
                 seeds[i].defined() ? seeds[i] : unit_seed(roots[i], where));
  while (Node* node = walk.pop())
    run(*node, by_operations, options.retain_graph || options.create_graph);
  walk.separate_captures();
}

void backward(std::span<const Tensor> roots, std::span<const Tensor> seeds,
              const BackwardOptions& options, Location where) {
  walk_back(roots, seeds, options, {}, false, where);
}

std::vector<Tensor> grad(std::span<const Tensor> roots, std::span<const Tensor> inputs,
                         std::span<const Tensor> seeds, const GradOptions& options,
                         Location where) {
  std::vector<Capture> captures;
  for (const Tensor& input : inputs) {
    if (!input.node())
      raise<GradError>(where, "grad",
                       fmt::format("input {} does not require gradients", captures.size()));
    captures.push_back({input.node(), input.output(), Tensor()});
  }
  walk_back(roots, seeds, {options.retain_graph, options.create_graph}, captures, true, where);
  std::vector<Tensor> grads;
  for (Capture& capture : captures) {
    if (!capture.grad.defined() && !options.allow_unused)
      raise<GradError>(where, "grad",
                       fmt::format("input {} has no influence; with {{.allow_unused = true}} its "
                                   "gradient is a tensor that is not defined()",
                                   grads.size()));
    grads.push_back(std::move(capture.grad));
  }
  return grads;
}

std::vector<Tensor> grad(const Tensor& root, const std::vector<Tensor>& inputs,
                         const GradOptions& options, Location where) {
  const Tensor unit;
  return grad({&root, 1}, inputs, {&unit, 1}, options, where);
}

}  // namespace xtape
