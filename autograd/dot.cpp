#include <fmt/format.h>

#include <unordered_set>
#include <xtape/autograd/dot.hpp>
#include <xtape/autograd/tape.hpp>

namespace xtape {

static std::string escaped(std::string text) {
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '"' || text[i] == '\\') text.insert(i++, "\\");
  return text;
}

std::string to_dot(const Tensor& tensor, Location where) {
  if (!tensor.node())
    raise<GradError>(where, "to_dot", "the tensor does not depend on one that requires gradients");
  std::string out = "digraph tape {\n  node [fontname=\"sans-serif\", fontsize=11];\n";
  std::vector<const Node*> waiting = {tensor.node()};
  std::unordered_set<const Node*> seen = {tensor.node()};
  while (!waiting.empty()) {
    const Node* node = waiting.back();
    waiting.pop_back();
    std::string shapes;
    for (std::uint32_t i = 0; i < node->grads.size(); ++i)
      shapes +=
          fmt::format("{}{} {}", i ? ", " : "", name_of(node->dtype(i)), node->shape(i).str());
    out += fmt::format("  n{} [shape={}, label=\"{}\\n{}\\n{}\"];\n", node->sequence,
                       node->is_leaf() ? "ellipse" : "box", escaped(node->op), shapes,
                       escaped(node->where.str()));
    for (const Node::Input& input : node->inputs) {
      if (!input.node) continue;
      out += fmt::format("  n{} -> n{};\n", input.node->sequence, node->sequence);
      if (seen.insert(input.node).second) waiting.push_back(input.node);
    }
  }
  return out + "}\n";
}

}  // namespace xtape
