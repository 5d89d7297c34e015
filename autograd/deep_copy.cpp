#include <unordered_map>
#include <utility>
#include <xtape/autograd/tape.hpp>

namespace xtape {

struct detail::DeepCopies::Made {
  std::vector<std::pair<Tensor, Tensor>> tensors;  // originals and their copies
  std::unordered_map<const void*, std::shared_ptr<void>> others;
  DeepCopies* before;
};

detail::DeepCopies::DeepCopies() : made_(std::make_unique<Made>()) {
  made_->before = std::exchange(active_, this);
}

detail::DeepCopies::~DeepCopies() { active_ = made_->before; }

const Tensor& detail::DeepCopies::of(const Tensor& original) {
  for (const auto& [from, to] : made_->tensors)
    if (from.same_as(original)) return to;
  DeepCopies* const self = std::exchange(active_, nullptr);  // the copies below are handles
  Tensor copy = original.copy();
  if (original.requires_grad() && original.is_leaf()) copy.requires_grad(true);
  made_->tensors.emplace_back(original, copy);
  active_ = self;
  return made_->tensors.back().second;
}

std::shared_ptr<void> detail::DeepCopies::of(const void* original,
                                             std::shared_ptr<void> (*make)(const void*)) {
  const auto found = made_->others.find(original);
  if (found != made_->others.end()) return found->second;
  std::shared_ptr<void> copy = make(original);
  made_->others.emplace(original, copy);
  return copy;
}

void Tensor::copy_deeply(const Tensor& other) {
  if (other.defined()) body_ = detail::DeepCopies::active()->of(other).body_;
}

void Tensor::become(const Tensor& other, Location where) const {
  const Ref<Value> value = other.value(where);
  Node* const node = other.node();
  if (node) node->refs.add();
  const Ref<Node> held = Ref<Node>::adopt(node);
  this->value(where);
  body_->value = value;
  set_node(held, other.output());
}

}  // namespace xtape
