// Modules kept in a list or under names; the module that holds them says in its forward() what
// happens with them.
#pragma once

#include <xtape/nn/layers.hpp>

namespace xtape::nn {

/// Modules by number: parameters are named "0.weight", "1.weight", ...
///
///   nn::ModuleList hidden = add("hidden", nn::ModuleList{nn::Linear(4, 4), nn::Linear(4, 4)});
///   for (std::size_t i = 0; i < hidden.size(); ++i) y = hidden[i](y);
class ModuleList : public Module {
 public:
  ModuleList() = default;
  ModuleList(std::initializer_list<Step> modules) {
    for (const Step& step : modules) append(step);
  }
  /// Throws ValueError as Sequential::append().
  ModuleList& append(const Step& step);
  std::size_t size() const { return child_count(); }
  /// Throws IndexError if there is no module of that number.
  Module& at(std::size_t i, Location where = {}) const;
  Module& operator[](std::size_t i) const { return at(i); }
};

/// Modules by name, in order of insertion.
class ModuleDict : public Module {
 public:
  ModuleDict() = default;
  ModuleDict(std::initializer_list<std::pair<const char*, Step>> modules) {
    for (const auto& [name, step] : modules) insert(name, step);
  }
  /// Throws ValueError for a name that is taken, empty or has a dot.
  ModuleDict& insert(const std::string& name, const Step& step);
  std::size_t size() const { return child_count(); }
  std::vector<std::string> names() const;
  bool contains(const std::string& name) const;
  /// Throws ValueError with the names that there are if there is no such module.
  Module& at(const std::string& name, Location where = {}) const;
  Module& operator[](const std::string& name) const { return at(name); }
};

}  // namespace xtape::nn
