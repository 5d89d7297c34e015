#include <memory>
#include <unordered_set>
#include <xtape/autograd/checkpoint.hpp>
#include <xtape/autograd/forward.hpp>
#include <xtape/autograd/generator.hpp>
#include <xtape/autograd/tape.hpp>

namespace xtape {

namespace {

using Part = std::function<Tensor(const std::vector<Tensor>&)>;

// The nodes below `tensor` that were there before node number `first`, as tensors that stand for
// them, without the inputs: with their saved value, so that its version is looked at, or without.
std::vector<Tensor> captured(const Tensor& tensor, std::uint64_t first,
                             const std::vector<Tensor>& inputs) {
  std::vector<Tensor> out;
  std::vector<Node*> waiting = {tensor.node()};
  std::unordered_set<const void*> seen = {tensor.node()};
  for (const Tensor& input : inputs) seen.insert({input.node(), input.value().get()});
  while (!waiting.empty()) {
    Node* node = waiting.back();
    waiting.pop_back();
    for (const Node::Input& input : node->inputs) {
      if (!input.node) continue;
      if (input.node->sequence >= first) {
        if (seen.insert(input.node).second) waiting.push_back(input.node);
        continue;
      }
      const void* key = input.value ? static_cast<const void*>(input.value) : input.node;
      if (!seen.insert(key).second) continue;
      const bool known = input.value != nullptr;
      Tensor stand_in =
          known ? Tensor(Ref<Value>::share(input.value)) : Tensor::empty({0}, float32);
      stand_in.set_node(Ref<Node>::share(input.node), input.output);
      out.push_back(stand_in);
    }
  }
  return out;
}

// Puts the stream of the global generator back.
class Replay {
 public:
  explicit Replay(std::uint64_t stream) : before_(Generator::global().stream()) {
    Generator::global().set_stream(stream);
  }
  ~Replay() { Generator::global().set_stream(before_); }
  Replay(const Replay&) = delete;
  Replay& operator=(const Replay&) = delete;

 private:
  std::uint64_t before_;
};

}  // namespace

Tensor checkpoint(const Part& f, const std::vector<Tensor>& inputs, Location where) {
  const Location at = Caller::or_else(where);
  const Caller caller(at);
  if (!grad_enabled() || ForwardMode::on()) return f(inputs);  // a tangent keeps no tape
  const std::uint64_t stream = Generator::global().stream();
  const std::uint64_t first = next_node();
  std::vector<Operand> operands;
  for (const Tensor& input : inputs) operands.push_back(saved(input));
  const Tensor whole = f(inputs);
  if (!whole.requires_grad()) return whole;
  const std::vector<Tensor> others = captured(whole, first, inputs);
  for (const Tensor& other : others) operands.push_back({other, other.numel() > 0});
  const Tensor out = whole.detach();
  record("checkpoint", at, operands, {&out, 1},
         [f, stream, count = inputs.size()](Backward& backward) {
           std::vector<Tensor> again;
           for (int i = 0; i < backward.input_count(); ++i) {
             if (!backward.node().inputs[i].value) continue;
             const Tensor input = backward.attached(i);  // throws if it was changed
             if (static_cast<std::size_t>(i) < count) again.push_back(input);
           }
           const Replay replay(stream);
           const EnableGrad on;
           backward.resume(f(again), backward.grad());
         });
  return out;
}

}  // namespace xtape
