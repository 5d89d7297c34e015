// What all optimizers share: groups of parameters with options of their own, what is remembered of
// each parameter, and how to save and restore it. An optimizer itself is a struct of options with
// an update rule:
//
//   struct SignOptions {
//     double lr = 1e-3;
//     static constexpr const char* name = "Sign";
//     static constexpr std::array<const char*, 0> buffers = {};
//     template <class Self, class F>
//     static void each(Self& o, F f) { f("lr", o.lr, Bounds::not_negative); }
//     void update(Update& u) const {
//       u.apply<>([lr = lr](auto& p, auto g) { p = p - lr * sign(g); });
//     }
//   };
//   using Sign = OptimizerOf<SignOptions>;
#pragma once

#include <deque>
#include <limits>
#include <optional>
#include <vector>
#include <xtape/autograd/state.hpp>
#include <xtape/autograd/tape.hpp>
#include <xtape/optim/update.hpp>

namespace xtape::optim {

/// What an option may be.
enum class Bounds {
  any,
  positive,
  not_negative,
  fraction,
  share
};  // fraction: [0, 1), share: [0, 1]

/// The base of all optimizers. It is not copied: schedules refer to it.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  const char* name() const { return name_; }
  std::size_t group_count() const { return initial_lr_.size(); }
  /// The parameters of all groups, in the order in which they were given.
  std::vector<Tensor> parameters() const;

  /// The learning rate of a group; it may be changed between steps.
  virtual double& lr(std::size_t group = 0) = 0;
  /// What schedules of the momentum change: `momentum` or the first of `betas`; null if the
  /// optimizer has neither.
  virtual double* momentum(std::size_t group = 0) = 0;
  /// The rate that schedules start from, once there is one.
  std::optional<double>& initial_lr(std::size_t group) { return initial_lr_[group]; }

  /// One update of the parameters by the gradients that backward() left in them.
  virtual void step(Location where = {}) = 0;
  /// Forgets the gradients of all parameters.
  void zero_grad() const;

  /// Copies of everything but the parameters that the next steps depend on: "state.0.exp_avg",
  /// "groups.0.lr" and so on. Training that is stopped, and resumed with it, gives the same bits.
  State state_dict() const;
  /// Takes over such a state of an optimizer of the same kind with parameters of the same shapes.
  /// Throws ValueError, ShapeError or DTypeError for a state that does not fit, and changes
  /// nothing.
  void load_state_dict(const State& state, Location where = {});

 protected:
  explicit Optimizer(const char* name) : name_(name) {}

  /// Adds a group. Throws GradError for a tensor that is not a leaf requiring gradients, ValueError
  /// for no tensors or one twice.
  void add_slots(std::vector<Tensor> parameters, const Location& where);
  /// Throws ValueError if an option is out of its range.
  void check(const char* option, double value, Bounds range, const Location& where) const;

  virtual void save(State& into) const = 0;
  /// Reads what save() wrote; with `commit` false only looks whether it can.
  virtual void load(const State& from, bool commit, const Location& where) = 0;
  void save_slots(State& into, std::span<const char* const> buffers,
                  std::span<const char* const> numbers) const;
  void load_slots(const State& from, bool commit, std::span<const char* const> buffers,
                  std::span<const char* const> numbers, const Location& where);

  std::vector<Slot> slots_;

 private:
  const char* name_;
  std::vector<std::optional<double>> initial_lr_;
};

/// An optimizer made from options with an update rule.
template <class Options>
class OptimizerOf final : public Optimizer {
 public:
  /// The first group of parameters. Throws GradError for a tensor that is not a leaf requiring
  /// gradients, ValueError for no tensors or one twice, and for options out of their range.
  explicit OptimizerOf(std::vector<Tensor> parameters, const Options& given = {},
                       Location where = {})
      : Optimizer(Options::name), options(given), defaults_(given) {
    check_options(options, where);
    add_slots(std::move(parameters), where);
  }

  /// The options of the first group. They may be changed between steps.
  Options options;

  /// Adds a group and returns its options, which are those given to the constructor until they are
  /// changed: `adam.add_group(head.parameters()).lr = 1e-2`. Throws as the constructor.
  Options& add_group(std::vector<Tensor> parameters, Location where = {}) {
    add_slots(std::move(parameters), where);
    return more_.emplace_back(defaults_);
  }
  Options& group(std::size_t i) { return i == 0 ? options : more_[i - 1]; }
  const Options& group(std::size_t i) const { return i == 0 ? options : more_[i - 1]; }

  /// One update of each parameter that has a gradient; the others stay as they are, with all that
  /// is remembered of them. Throws ValueError if options were set out of their range.
  void step(Location where = {}) override {
    for (std::size_t g = 0; g < group_count(); ++g) check_options(group(g), where);
    const NoGrad no_grad;
    for (Slot& slot : slots_) {
      const Tensor grad = slot.parameter.grad();
      if (!grad.defined()) continue;
      Update update(slot, grad, where);
      group(slot.group).update(update);
    }
  }

  double& lr(std::size_t i = 0) override { return group(i).lr; }
  double* momentum(std::size_t i = 0) override {
    if constexpr (requires { options.momentum; }) return &group(i).momentum;
    else if constexpr (requires { options.betas; }) return &group(i).betas[0];
    else return nullptr;
  }

 private:
  static constexpr auto numbers() {
    if constexpr (requires { Options::numbers; }) return std::span(Options::numbers);
    else return std::span<const char* const>();
  }

  void check_options(const Options& o, const Location& where) const {
    Options::each(o, [&]<class V>(const char* option, const V& value, Bounds range) {
      if constexpr (std::is_same_v<V, double>) check(option, value, range, where);
      else if constexpr (!std::is_same_v<V, bool>)
        for (const double each : value) check(option, each, range, where);
    });
    if constexpr (requires { o.problem(); })
      if (const char* what = o.problem()) raise<ValueError>(where, name(), what);
  }

  // Calls f(name in a state, value) for each option of each group.
  template <class Self, class F>
  static void each_option(Self& self, F f) {
    for (std::size_t g = 0; g < self.group_count(); ++g)
      Options::each(self.group(g), [&](const char* option, auto& value, Bounds) {
        f("groups." + std::to_string(g) + "." + option, value);
      });
  }

  void save(State& into) const override {
    save_slots(into, Options::buffers, numbers());
    each_option(*this, [&]<class V>(const std::string& name, const V& value) {
      if constexpr (std::is_arithmetic_v<V>) into[name] = number_tensor(static_cast<double>(value));
      else into[name] = Tensor::from(value.data(), {static_cast<std::int64_t>(value.size())});
    });
  }

  void load(const State& from, bool commit, const Location& where) override {
    load_slots(from, commit, Options::buffers, numbers(), where);
    each_option(*this, [&]<class V>(const std::string& name, V& value) {
      if constexpr (std::is_arithmetic_v<V>) {
        const double number = number_entry(from, name, where);
        if (commit) value = static_cast<V>(number);
      } else {
        const Tensor like = Tensor::empty({static_cast<std::int64_t>(value.size())}, float64);
        const double* const numbers = entry(from, name, like, where).template data<double>();
        if (commit) std::copy_n(numbers, value.size(), value.begin());
      }
    });
  }

  Options defaults_;
  std::deque<Options> more_;
};

}  // namespace xtape::optim
