#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <typeinfo>
#include <xtape/nn/module.hpp>
#include <xtape/ops/blas.hpp>
#include <xtape/ops/creation.hpp>

namespace xtape::nn {

namespace {

// The name of a module's type, without the library's namespace.
std::string type_name(const Module& module) {
  const char* const mangled = typeid(module).name();
  char* const readable = abi::__cxa_demangle(mangled, nullptr, nullptr, nullptr);
  std::string name = readable ? readable : mangled;
  std::free(readable);
  const std::string ours = "xtape::nn::";
  for (auto at = name.find(ours); at != std::string::npos; at = name.find(ours))
    name.erase(at, ours.size());
  return name.substr(name.rfind("::") == std::string::npos ? 0 : name.rfind("::") + 2);
}

struct Row {
  std::string layer, shape;
  std::int64_t parameters, flops;
};

// Writes down every call of a module while it lives.
class Observer {
 public:
  Observer(Module& root, std::vector<Row>& rows) : rows_(rows) {
    watch(root, "");
    for (NamedModule& below : root.named_modules()) watch(*below.module, below.name);
  }
  ~Observer() {
    for (auto& [module, id] : hooks_) module.remove_hook(id);
  }
  Observer(const Observer&) = delete;
  Observer& operator=(const Observer&) = delete;

 private:
  void watch(Module& module, const std::string& name) {
    const auto known = [&](const auto& hook) { return hook.first.same_as(module); };
    if (std::any_of(hooks_.begin(), hooks_.end(), known)) return;
    const std::string last = name.substr(name.rfind('.') + 1);
    const std::string label =
        last.empty() ? type_name(module) : fmt::format("{} {}", last, type_name(module));
    hooks_.emplace_back(
        module, module.register_forward_pre_hook([this, label](Module& called, const Tensor&) {
          // those of other modules below are in rows of their own
          std::int64_t own = called.parameter_count();
          for (const NamedModule& child : called.named_children())
            own -= child.module->parameter_count();
          rows_.push_back(
              {std::string(2 * open_.size(), ' ') + label, "", own, detail::counted_flops()});
          open_.push_back(rows_.size() - 1);
          return Tensor();
        }));
    hooks_.emplace_back(
        module, module.register_forward_hook([this](Module&, const Tensor&, const Tensor& y) {
          Row& row = rows_[open_.back()];
          row.shape = y.defined() ? y.shape().str() : "";
          row.flops = detail::counted_flops() - row.flops;
          open_.pop_back();
          return Tensor();
        }));
  }

  std::vector<Row>& rows_;
  std::vector<std::size_t> open_;  // rows whose forward() runs
  std::vector<std::pair<Module, std::uint64_t>> hooks_;
};

// Every module below and itself as it was: training or not.
struct Evaluating {
  std::vector<std::pair<Module, bool>> before;
  explicit Evaluating(Module& root) {
    before.emplace_back(root, root.is_training());
    for (const NamedModule& below : root.named_modules())
      before.emplace_back(*below.module, below.module->is_training());
    root.eval();
  }
  ~Evaluating() {
    for (auto& [module, training] : before) module.train(training);
  }
};

}  // namespace

std::string summary(Module& module, const Shape& input_shape, const SummaryOptions& options,
                    Location where) {
  std::vector<Row> rows;
  {
    const NoGrad no_grad;
    const Evaluating evaluating(module);
    const Observer observer(module, rows);
    module(Arg(zeros(input_shape, options.dtype), where));
  }
  const std::int64_t flops = rows[0].flops;
  rows.insert(rows.begin(), {"layer", "output", 0, 0});
  std::size_t width = 0, shape_width = 0;
  for (const Row& row : rows) {
    width = std::max(width, row.layer.size());
    shape_width = std::max(shape_width, row.shape.size());
  }
  std::string table = fmt::format("{:<{}}  {:<{}}  {:>12}  {:>15}\n", "layer", width, "output",
                                  shape_width, "parameters", "flops");
  for (std::size_t i = 1; i < rows.size(); ++i)
    table += fmt::format("{:<{}}  {:<{}}  {:>12}  {:>15}\n", rows[i].layer, width, rows[i].shape,
                         shape_width, rows[i].parameters, rows[i].flops);
  table += fmt::format("{:<{}}  {:<{}}  {:>12}  {:>15}\n", "total", width, "", shape_width,
                       module.parameter_count(), flops);
  return table;
}

}  // namespace xtape::nn
