#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <typeinfo>
#include <xtape/nn/shared.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/gemm.hpp>

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
  const std::size_t arguments = name.find('<');
  // Conv<2> is Conv2d to users
  if (arguments != std::string::npos && arguments + 3 == name.size())
    name = name.substr(0, arguments) + name[arguments + 1] + "d";
  const std::size_t scope = name.substr(0, name.find('<')).rfind("::");
  return name.substr(scope == std::string::npos ? 0 : scope + 2);
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
          std::int64_t own = 0;  // those of other modules below are in rows of their own
          for (const NamedTensor& named : called.named_parameters())
            if (named.name.find('.') == std::string::npos) own += named.tensor.numel();
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

}  // namespace

std::string summary(Module& module, const Shape& input_shape, const SummaryOptions& options,
                    Location where) {
  std::vector<Row> rows;
  {
    const NoGrad no_grad;
    const Modes modes(module);
    module.eval();
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
