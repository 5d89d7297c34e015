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
std::atomic<std::uint64_t> next_sequence{1};

std::atomic<bool>& anomaly_flag() {
  static std::atomic<bool> flag = [] {
    const char* set = std::getenv("XTAPE_ANOMALY");
    return set && *set && std::string_view(set) != "0";
  }();
  return flag;
}

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
  return kept ? &kept[output] : nullptr;
}

void Node::destroy(Node* node) noexcept { doomed.add(node); }

void Node::lay_out(const char* name, const Location& at, char* tail, std::size_t input_count,
                   std::size_t output_count, std::size_t bytes) {
  op = name;
  where = at;
  sequence = next_sequence.fetch_add(1, std::memory_order_relaxed);
  inputs = {new (tail) Input[input_count], input_count};
  tail += input_count * sizeof(Input);
  grads = {new (tail) Tensor[output_count], output_count};
  bytes_ = bytes;
}

bool grad_enabled() { return recording; }

GradMode::GradMode(bool on) : before_(std::exchange(recording, on)) {}
GradMode::~GradMode() { recording = before_; }

void set_anomaly(bool on) { anomaly_flag() = on; }
bool anomaly_enabled() { return anomaly_flag().load(std::memory_order_relaxed); }

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
      input.node->refs.fetch_add(1, std::memory_order_relaxed);
      input.output = tensor.output();
    }
    if (save) {
      input.value = tensor.value().get();
      input.value->refs.fetch_add(1, std::memory_order_relaxed);
      input.version = input.value->current_version();
    }
  }
  for (std::size_t i = 0; on_tape && i < outputs.size(); ++i)
    if (is_floating(outputs[i].dtype())) outputs[i].set_node(node, static_cast<std::uint32_t>(i));
  if (ForwardMode::on()) ForwardMode::push(*node, inputs, outputs);
}

}  // namespace detail

}  // namespace xtape
