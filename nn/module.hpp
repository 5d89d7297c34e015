// Networks are modules: a module has parameters and other modules by name, and a forward().
//
//   struct Net : nn::Module {
//     nn::Linear fc1 = add("fc1", nn::Linear(784, 128)), fc2 = add("fc2", nn::Linear(128, 10));
//     Tensor slope = parameter("slope", full({128}, 0.25));
//     Tensor forward(const Tensor& x) override { return fc2(prelu(fc1(x), slope)); }
//   };
//
// A module is a handle like a tensor: copies share their parameters. What forward() uses but nobody
// registered is found at the first call.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>
#include <xtape/autograd/tape.hpp>

namespace xtape::nn {

/// A parameter with its path of names, such as "fc1.weight".
struct NamedTensor {
  std::string name;
  Tensor tensor;
};

/// The base of layers and networks.
class Module {
 public:
  Module() : state_(std::make_shared<State>()) {}
  virtual ~Module() = default;
  Module(const Module&) = default;
  Module& operator=(const Module&) = default;

  /// What the module computes. Throws ValueError unless a subclass defines it.
  virtual Tensor forward(const Tensor& x);

  /// Calls forward(); errors inside name the caller's line when no user code lies between.
  /// Throws GradError at the first call if forward() used a module or a tensor that requires
  /// gradients which is not registered here.
  Tensor operator()(const Arg& x);

  /// All parameters, those of children after the module's own, in order of registration.
  std::vector<NamedTensor> named_parameters() const;
  std::vector<Tensor> parameters() const;
  /// How many numbers the parameters hold.
  std::int64_t parameter_count() const;

  /// Sets the module and all below it to training or evaluation.
  Module& train(bool on = true);
  Module& eval() { return train(false); }
  bool is_training() const { return state_->training; }

  /// Forgets the gradients of all parameters.
  void zero_grad() const;

 protected:
  /// Registers a tensor to be learnt and returns it. Throws ValueError for a name that is taken,
  /// empty or has a dot, DTypeError unless it is floating, GradError if an operation made it.
  Tensor parameter(const std::string& name, Tensor tensor, Location where = {});

  /// Registers a module below this one and returns it. Throws ValueError as parameter().
  template <std::derived_from<Module> M>
  M add(const std::string& name, M module, Location where = {}) {
    add_child(name, module, where);
    return module;
  }

  /// The line that called the innermost module whose forward() runs, for layers that are no user's
  /// code: errors inside should not name their own lines. Unknown if forward() was called directly.
  static Location call_site() { return called_from_; }

  /// Lets forward() use parameters that belong to others.
  void allow_outside_parameters() { state_->outside_allowed = true; }

 private:
  struct State {
    std::vector<NamedTensor> parameters;
    std::vector<std::pair<std::string, std::shared_ptr<State>>> children;
    bool training = true;
    bool outside_allowed = false;
    bool checked = false;  // nothing unregistered was found
  };

  void add_child(const std::string& name, const Module& module, const Location& where);
  static void check_name(const State& state, const std::string& name, const Location& where);
  static void collect(const State& state, const std::string& prefix,
                      std::vector<NamedTensor>& into);
  static bool contains(const State& state, const State* sought);
  static void set_training(State& state, bool on);
  static void clear_gradients(const State& state);
  void check_outside(const Tensor& x, const Tensor& y, const Location& where) const;

  std::shared_ptr<State> state_;
  static thread_local const State* active_;  // whose forward() runs
  static thread_local Location called_from_;
};

}  // namespace xtape::nn
