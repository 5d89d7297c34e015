#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <string_view>
#include <vector>
#include <xtape/autograd/forward.hpp>
#include <xtape/autograd/tape.hpp>

namespace xtape {

namespace {

thread_local bool recording = true;
Count<std::uint64_t> next_sequence{1};

bool asked_for_anomalies() {
  const char* set = std::getenv("XTAPE_ANOMALY");
  return set && *set && std::string_view(set) != "0";
}
std::atomic<bool> anomaly = asked_for_anomalies();

}  // namespace

// Nodes whose last reference is gone, waiting to be destroyed. Destroying one may doom the nodes it
// was computed from; they queue up here instead of recursing.
struct Doomed {
  Node* first = nullptr;
  bool draining = false;

  void add(Node* node) {
    node->next_doomed_ = first;
    first = node;
    if (draining) return;
    draining = true;
    while (Node* doomed = first) {
      first = doomed->next_doomed_;
      destroy_one(doomed);
    }
    draining = false;
  }
  static void destroy_one(Node* node) {
    for (Node::Input& input : node->inputs) {
      input.drop_value();
      if (input.node) Ref<Node>::adopt(input.node);
    }
    for (Tensor& grad : node->grads) grad.~Tensor();
    const std::size_t bytes = node->bytes_;
    node->~Node();
    pool::release(node, bytes);
  }
};
static thread_local Doomed doomed;

Tensor* Node::kept_grad(std::uint32_t output) {
  if (is_leaf()) return &grads[output];
  return watch && watch->kept ? &watch->kept[output] : nullptr;
}

const std::int64_t* Node::sizes(std::uint32_t output) const {
  const std::int64_t* entry = sizes_;
  for (; output > 0; --output) entry += 2 + entry[1];
  return entry;
}
DType Node::dtype(std::uint32_t output) const { return static_cast<DType>(sizes(output)[0]); }
Shape Node::shape(std::uint32_t output) const {
  const std::int64_t* const entry = sizes(output);
  return Shape(std::span<const std::int64_t>(entry + 2, entry[1]));
}

bool Node::is_like(std::uint32_t output, const Tensor& tensor) const {
  const std::int64_t* const entry = sizes(output);
  const Shape& shape = tensor.shape();
  bool like = entry[0] == static_cast<std::int64_t>(tensor.dtype()) && entry[1] == shape.rank();
  for (int axis = 0; like && axis < shape.rank(); ++axis) like = entry[2 + axis] == shape[axis];
  return like;
}

std::size_t Node::tail_bytes(std::span<const Tensor> outputs) {
  std::size_t bytes = outputs.size() * sizeof(Tensor);
  for (const Tensor& output : outputs) bytes += (2 + output.rank()) * sizeof(std::int64_t);
  return bytes;
}

void Node::destroy(Node* node) noexcept { doomed.add(node); }

void Node::lay_out(const char* name, const Location& at, char* tail, std::size_t input_count,
                   std::span<const Tensor> outputs, std::size_t bytes) {
  op = name;
  where = at;
  sequence = next_sequence.add();
  inputs = {new (tail) Input[input_count], input_count};
  tail += input_count * sizeof(Input);
  grads = {new (tail) Tensor[outputs.size()], outputs.size()};
  std::int64_t* entry = reinterpret_cast<std::int64_t*>(tail + outputs.size() * sizeof(Tensor));
  sizes_ = entry;
  for (const Tensor& output : outputs) {
    *entry++ = static_cast<std::int64_t>(output.dtype());
    *entry++ = output.rank();
    entry = std::copy(output.shape().begin(), output.shape().end(), entry);
  }
  bytes_ = bytes;
}

bool grad_enabled() { return recording; }
std::uint64_t next_node() { return next_sequence.load(); }

GradMode::GradMode(bool on) : before_(std::exchange(recording, on)) {}
GradMode::~GradMode() { recording = before_; }

void set_anomaly(bool on) { anomaly = on; }
bool anomaly_enabled() { return anomaly.load(std::memory_order_relaxed); }
bool detail::observed() { return anomaly_enabled() || profiling(); }

bool must_record(std::span<const Operand> inputs) {
  if (!recording) return false;
  for (const Operand& input : inputs)
    if (input.tensor.node()) return true;
  return false;
}

namespace detail {

void connect(const Ref<Node>& node, std::span<const Operand> inputs,
             std::span<const Tensor> outputs, bool on_tape) {
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const auto& [tensor, save] = inputs[i];
    Node::Input& input = node->inputs[i];
    if (on_tape && tensor.node()) {
      input.node = tensor.node();
      input.node->refs.add();
      input.output = tensor.output();
    }
    if (save) {
      input.value = tensor.value().get();
      input.value->refs.add();
      input.version = input.value->current_version();
    }
  }
  for (std::size_t i = 0; on_tape && i < outputs.size(); ++i)
    if (is_floating(outputs[i].dtype())) outputs[i].set_node(node, static_cast<std::uint32_t>(i));
  if (ForwardMode::on()) ForwardMode::push(*node, inputs, outputs);
}

}  // namespace detail

}  // namespace xtape
