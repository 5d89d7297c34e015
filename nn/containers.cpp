#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <xtape/nn/containers.hpp>

namespace xtape::nn {

ModuleList& ModuleList::append(const Step& step) {
  add_child(std::to_string(size()), step.module, step.copy, step.where);
  return *this;
}

Module& ModuleList::at(std::size_t i, Location where) const {
  if (i >= size())
    raise<IndexError>(where, "ModuleList",
                      fmt::format("number {}, but there are {} modules", i, size()));
  return child(i);
}

ModuleDict& ModuleDict::insert(const std::string& name, const Step& step) {
  add_child(name, step.module, step.copy, step.where);
  return *this;
}

std::vector<std::string> ModuleDict::names() const {
  std::vector<std::string> all;
  for (const NamedModule& each : named_children()) all.push_back(each.name);
  return all;
}

bool ModuleDict::contains(const std::string& name) const {
  const std::vector<std::string> all = names();
  return std::find(all.begin(), all.end(), name) != all.end();
}

Module& ModuleDict::at(const std::string& name, Location where) const {
  const std::vector<std::string> all = names();
  const auto found = std::find(all.begin(), all.end(), name);
  if (found == all.end())
    raise<ValueError>(where, "ModuleDict",
                      fmt::format("there is no '{}' among [{}]", name, fmt::join(all, ", ")));
  return child(static_cast<std::size_t>(found - all.begin()));
}

}  // namespace xtape::nn
