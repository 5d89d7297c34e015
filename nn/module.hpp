// Networks are modules: a module has parameters, buffers and other modules by name, and a
// forward().
//
//   struct Net : nn::Module {
//     nn::Linear fc1 = add("fc1", nn::Linear(784, 128)), fc2 = add("fc2", nn::Linear(128, 10));
//     Tensor slope = parameter("slope", full({128}, 0.25));
//     Tensor forward(const Tensor& x) override { return fc2(prelu(fc1(x), slope)); }
//   };
//
// A module is a handle like a tensor: copies share their parameters; deep_copy() does not. What
// forward() uses but nobody registered is found at the first call.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>
#include <xtape/autograd/state.hpp>
#include <xtape/autograd/tape.hpp>

namespace xtape::nn {

class Module;

/// A parameter or buffer with its path of names, such as "fc1.weight".
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// A module with its path of names; that of the module which was asked is empty.
struct NamedModule {
  std::string name;
  std::shared_ptr<Module> module;
};

/// Names that do not fit between a state and a module.
struct LoadReport {
  std::vector<std::string> missing, unexpected;
};

/// The base of layers and networks.
class Module {
 public:
  Module();
  virtual ~Module() = default;
  Module(const Module& other) : shared_(copied(other.shared_)) {}
  Module& operator=(const Module&) = default;

  /// What the module computes. Throws ValueError unless a subclass defines it.
  virtual Tensor forward(const Tensor& x);

  /// Calls forward(); errors inside name the caller's line when no user code lies between.
  /// Throws GradError at the first call if forward() used a module or a tensor that requires
  /// gradients which is not registered here.
  Tensor operator()(const Arg& x);

  /// All parameters, those of children after the module's own, in order of registration. One that
  /// is reached on several paths counts once, under the first.
  std::vector<NamedTensor> named_parameters() const;
  std::vector<Tensor> parameters() const;
  /// How many numbers the parameters hold.
  std::int64_t parameter_count() const;
  /// What belongs to the state but is not learnt, such as running means, in the same order.
  std::vector<NamedTensor> named_buffers() const;
  std::vector<Tensor> buffers() const;
  /// The modules directly below.
  std::vector<NamedModule> named_children() const;
  /// All modules below, each before those below it.
  std::vector<NamedModule> named_modules() const;

  /// Sets the module and all below it to training or evaluation.
  Module& train(bool on = true);
  Module& eval() { return train(false); }
  bool is_training() const;

  /// Whether the parameters collect gradients; false freezes the module.
  Module& requires_grad(bool wanted = true);
  /// Forgets the gradients of all parameters.
  void zero_grad() const;
  /// Calls f on every module below, then on this one. Modules come as handles: what f changes in
  /// parameters and buffers is changed, other members of its argument are copies.
  Module& apply(const std::function<void(Module&)>& f);
  /// Turns all floating parameters and buffers into that element type; gradients are forgotten.
  /// Optimizers made before hold what they remember in the old one. Throws DTypeError unless it is
  /// floating.
  Module& to(DType dtype, Location where = {});

  /// All parameters and persistent buffers by their names, sharing memory with the module. One that
  /// is reached on several paths is there under each.
  State state_dict() const;
  /// Copies the entries of a state into the parameters and buffers; floating types are converted.
  /// Throws ValueError that lists all entries that are missing, unexpected, of another shape or
  /// kind of number, and changes nothing then; unless strict, missing and unexpected ones are
  /// returned instead.
  LoadReport load_state_dict(const State& state, bool strict = true, Location where = {});

  /// Calls `hook` with the module and its input before every forward(); a tensor that it returns
  /// takes the input's place, Tensor() leaves it. Hooks run in the order in which they came.
  /// Returns a number for remove_hook(), as below.
  std::uint64_t register_forward_pre_hook(std::function<Tensor(Module&, const Tensor& x)> hook);
  /// Calls `hook` with the module, its input and its output after every forward(); a tensor that it
  /// returns takes the output's place.
  std::uint64_t register_forward_hook(
      std::function<Tensor(Module&, const Tensor& x, const Tensor& y)> hook);
  /// Calls `hook` with the module and the gradients of its input and its output in every backward
  /// pass; a tensor that it returns takes the place of the input's. If the input does not require
  /// gradients, its gradient is not defined.
  std::uint64_t register_full_backward_hook(
      std::function<Tensor(Module&, const Tensor& grad_input, const Tensor& grad_output)> hook);
  /// Takes a hook back. Throws ValueError if there is none of that number.
  void remove_hook(std::uint64_t id, Location where = {});

  /// Whether the other is a handle of the same module.
  bool same_as(const Module& other) const { return shared_ == other.shared_; }

 protected:
  /// Registers a tensor to be learnt and returns it. Throws ValueError for a name that is taken,
  /// empty or has a dot, DTypeError unless it is floating, GradError if an operation made it.
  Tensor parameter(const std::string& name, Tensor tensor, Location where = {});

  /// Registers a tensor that is part of the state but not learnt and returns it; unless persistent
  /// it is left out of state_dict(). Throws as parameter(), GradError if it requires gradients.
  Tensor buffer(const std::string& name, Tensor tensor, bool persistent = true,
                Location where = {});

  /// Takes a parameter back, to compute it from others. Throws ValueError if there is none.
  Tensor remove_parameter(const std::string& name, Location where = {});

  /// Registers a module below this one and returns it. Throws ValueError as parameter().
  template <std::derived_from<Module> M>
  M add(const std::string& name, M module, Location where = {}) {
    add_child(name, std::make_shared<M>(module), &copy_of<M>, where);
    return module;
  }
  /// Registers several modules as "name.0", "name.1", ...
  template <std::derived_from<Module> M>
  std::vector<M> add(const std::string& name, std::vector<M> modules, Location where = {}) {
    Module list;
    for (std::size_t i = 0; i < modules.size(); ++i) list.add(std::to_string(i), modules[i], where);
    add(name, list, where);
    return modules;
  }
  /// Registers a module whose type only its maker knows, with the function that copies it.
  using Copy = std::shared_ptr<Module> (*)(const Module&);
  void add_child(const std::string& name, std::shared_ptr<Module> module, Copy copy,
                 const Location& where);
  template <class M>
  static std::shared_ptr<Module> copy_of(const Module& module) {
    return std::make_shared<M>(static_cast<const M&>(module));
  }

  /// The modules directly below, in order of registration, for containers.
  std::size_t child_count() const;
  Module& child(std::size_t i) const;

  /// Does for a forward of several inputs or outputs what operator() does for one: `body` is run as
  /// this module's forward(), and gives its outputs. Hooks see the first of each.
  std::vector<Tensor> call(std::vector<Tensor> inputs, const Location& where,
                           const std::function<std::vector<Tensor>(std::span<const Tensor>)>& body);

  /// The line that called the innermost module whose forward() runs, for layers that are no user's
  /// code: errors inside should not name their own lines. Unknown if forward() was called directly.
  static Location call_site() { return called_from_; }

  /// Lets forward() use parameters that belong to others.
  void allow_outside_parameters();

 private:
  struct Shared;
  class Active;

  static std::shared_ptr<Shared> copied(const std::shared_ptr<Shared>& original);
  static void check_name(const Shared& shared, const std::string& name, const Location& where);
  static bool contains(const Shared& shared, const Shared* sought);
  template <class Visit>
  static void walk(const Shared& shared, const std::string& prefix, const Visit& visit);
  template <class List>
  std::vector<NamedTensor> collected(List list) const;
  void check_registered(const Location& where) const;
  void check_outside(std::span<const Tensor> x, std::span<const Tensor> y,
                     const Location& where) const;
  Tensor before_forward(const Tensor& x);
  Tensor after_forward(const Tensor& x, const Tensor& y);

  std::shared_ptr<Shared> shared_;
  static thread_local const Shared* active_;  // whose forward() runs
  static thread_local Location called_from_;
};

/// A copy with parameters and buffers of its own, which are leaves without gradients; hooks and
/// what they hold are copied, too.
template <std::derived_from<Module> M>
M deep_copy(const M& module) {
  const detail::DeepCopies copies;
  return M(module);
}

struct SummaryOptions {
  DType dtype = float32;  ///< of the input
};
/// A table of the layers with the shapes of their outputs, their parameters and the floating
/// operations of their products and convolutions, 2 for each multiplication with its addition, in
/// one forward pass of zeros of that shape in evaluation mode. Throws what forward() throws.
std::string summary(Module& module, const Shape& input_shape, const SummaryOptions& options = {},
                    Location where = {});

}  // namespace xtape::nn
