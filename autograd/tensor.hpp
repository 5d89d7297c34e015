// The tensor: a handle to a value and to its place on the tape. Copies of a handle are the same
// tensor. Mathematics are free functions; members only look at a tensor or ask for gradients.
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <string>
#include <vector>
#include <xtape/autograd/value.hpp>
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xnoalias.hpp>

namespace xtape {

class Node;
class Tensor;

namespace detail {
/// While one lives, copies of handles made by this thread are tensors of their own: the copies of
/// one tensor are one new tensor. With it, copying an object copies all tensors in it.
class DeepCopies {
 public:
  DeepCopies();
  ~DeepCopies();
  DeepCopies(const DeepCopies&) = delete;
  DeepCopies& operator=(const DeepCopies&) = delete;

  static DeepCopies* active() { return active_; }
  /// The copy of `original`: with its own memory, a leaf that wants gradients if it is one.
  const Tensor& of(const Tensor& original);
  /// The same for anything else that is shared; made by `make` when it is first asked for.
  std::shared_ptr<void> of(const void* original, std::shared_ptr<void> (*make)(const void*));

 private:
  struct Made;
  std::unique_ptr<Made> made_;
  static inline constinit thread_local DeepCopies* active_ = nullptr;
};
}  // namespace detail

/// The element type that holds a C++ type: float, double, bool, and int64 for any other integer.
template <class T>
constexpr DType dtype_of() {
  static_assert(std::is_arithmetic_v<T>, "a tensor holds float, double, integers or bool");
  if constexpr (std::is_same_v<T, float>) return float32;
  else if constexpr (std::is_floating_point_v<T>) return float64;
  else if constexpr (std::is_same_v<T, bool>) return boolean;
  else return int64;
}

/// Nested initialiser lists: {1, 2, 3}, {{1, 2}, {3, 4}}.
struct Nested {
  template <class T>
  requires std::is_arithmetic_v<T> Nested(T number)
      : integral(std::is_integral_v<T>), number(static_cast<double>(number)) {
    if constexpr (std::is_integral_v<T>) integer = static_cast<std::int64_t>(number);
  }
  Nested(std::initializer_list<Nested> items);
  Nested(const Nested&);
  Nested(Nested&&) noexcept;
  Nested& operator=(const Nested&);
  Nested& operator=(Nested&&) noexcept;
  ~Nested();

  bool is_list = false, integral = false;
  double number = 0;
  std::int64_t integer = 0;
  std::vector<Nested> items;
};

struct BackwardOptions {
  bool retain_graph = false;  ///< keep what the tape saved, to differentiate once more
  /// Record the gradients' own computation; implies retain_graph. Such a gradient in a leaf refers
  /// to the graph and the graph to the leaf: zero_grad() frees them. grad() makes no such circle.
  bool create_graph = false;
};

/// A multi-dimensional array of one element type with a place on the tape.
class Tensor {
 public:
  /// No tensor at all: it can be copied, assigned, printed and asked whether it is defined() or
  /// requires a gradient; everything else throws ValueError.
  Tensor() = default;
  Tensor(const Tensor& other) {
    if (detail::DeepCopies::active()) [[unlikely]]
      copy_deeply(other);
    else body_ = other.body_;
  }
  Tensor(Tensor&&) noexcept = default;
  // not to a temporary: (x + y) = z would be lost
  Tensor& operator=(const Tensor&) & = default;
  Tensor& operator=(Tensor&&) & noexcept = default;
  ~Tensor() = default;
  /// A tensor on its own memory with uninitialised elements.
  static Tensor empty(const Shape& shape, DType dtype) { return Tensor(Value::make(shape, dtype)); }
  /// Shows the memory of `value`.
  explicit Tensor(Ref<Value> value);
  /// A 0-d tensor. The default element type is float32.
  template <class T>
  requires std::is_arithmetic_v<T>
  explicit Tensor(T number, DType dtype = float32, Location where = {})
      : Tensor(Nested(number), dtype, where) {}
  /// From nested lists, e.g. Tensor({{1, 2}, {3, 4}}). Throws ShapeError if they are ragged.
  Tensor(std::initializer_list<Nested> items, DType dtype = float32, Location where = {})
      : Tensor(Nested(items), dtype, where) {}
  /// A copy of an xtensor expression of any kind; the element type follows the expression's.
  template <class E>
  explicit Tensor(const xt::xexpression<E>& expression, Location where = {});
  /// A copy of row-major elements in memory: float, double, bool or integers.
  template <class T>
  static Tensor from(const T* data, const Shape& shape);

  bool defined() const { return static_cast<bool>(body_); }
  const Shape& shape(Location where = {}) const { return value(where)->shape; }
  int rank(Location where = {}) const { return shape(where).rank(); }
  /// The size of one axis; -1 is the last. Throws IndexError.
  std::int64_t size(std::int64_t axis, Location where = {}) const;
  std::int64_t numel(Location where = {}) const { return value(where)->numel(); }
  DType dtype(Location where = {}) const { return value(where)->dtype; }

  /// The elements for reading, without a copy. T must be the tensor's own element type: float,
  /// double, std::int64_t or bool; throws DTypeError. Valid while the tensor lives.
  template <class T>
  auto values(Location where = {}) const {
    return adapt(static_cast<const T*>(data<T>(where)));
  }
  /// The elements for changing in place, without a copy. The change is counted, so that a gradient
  /// that needs the old values throws StaleValueError. A tensor that requires gradients may be
  /// changed only while a NoGrad lives; throws GradError.
  template <class T>
  auto mutable_values(Location where = {}) const {
    return adapt(mutable_data<T>(where));
  }
  template <class T>
  const T* data(Location where = {}) const {
    return static_cast<const T*>(typed(dtype_of<T>(), where));
  }
  template <class T>
  T* mutable_data(Location where = {}) const {
    void* const elements = typed(dtype_of<T>(), where);
    change(where);
    return static_cast<T*>(elements);
  }
  /// The only element as a C++ number. Throws ShapeError if there is not exactly one.
  template <class T>
  T item(Location where = {}) const;

  /// Whether gradients flow to this tensor.
  bool requires_grad() const;
  /// Makes a leaf collect its gradient, or stops it. Throws DTypeError unless it is floating, and
  /// GradError if an operation made it.
  Tensor& requires_grad(bool wanted, Location where = {});
  bool is_leaf() const;
  /// The gradient that backward() left in this leaf (or non-leaf after retain_grad()); not
  /// defined() if none reached it.
  Tensor grad(Location where = {}) const;
  /// Sets the gradient of a leaf. Throws GradError, ShapeError or DTypeError if it cannot be.
  void set_grad(const Tensor& grad, Location where = {}) const;
  /// Forgets the gradient, as PyTorch's zero_grad(set_to_none=True).
  void zero_grad(Location where = {}) const;
  /// Keeps the gradient of a tensor that an operation made.
  void retain_grad(Location where = {}) const;
  /// Calls `hook` with this tensor's gradient in every backward pass, once it is complete; if it
  /// returns a tensor, of the same shape and element type, that takes the gradient's place; if it
  /// returns Tensor(), the gradient stays. Hooks run in the order in which they came. Returns a
  /// number for remove_hook(). Throws GradError if the tensor does not require gradients.
  std::uint64_t register_hook(std::function<Tensor(const Tensor&)> hook, Location where = {}) const;
  /// Takes a hook back. Throws ValueError if there is none of that number.
  void remove_hook(std::uint64_t id, Location where = {}) const;

  /// Adds d(this)/d(leaf) to the gradient of every leaf below. `this` must have one element, unless
  /// a seed of its shape is given: then it is d(sum(seed * this))/d(leaf).
  /// Throws GradError, ShapeError, DTypeError, StaleValueError; AnomalyError in anomaly mode.
  void backward(const BackwardOptions& options = {}, Location where = {}) const;
  void backward(const Tensor& seed, const BackwardOptions& options = {}, Location where = {}) const;

  /// The same memory without a place on the tape.
  Tensor detach(Location where = {}) const;
  /// A copy of the elements, without a place on the tape.
  Tensor copy(Location where = {}) const;

  /// The parts of the handle, for operations.
  const Ref<Value>& value(Location where = {}) const {
    if (!body_) [[unlikely]]
      raise_undefined(where);
    return body_->value;
  }
  Node* node() const { return body_ ? body_->node : nullptr; }
  std::uint32_t output() const { return body_ ? body_->output : 0; }
  void set_node(const Ref<Node>& node, std::uint32_t output) const;
  /// True if no other handle and no saved value can see the memory.
  bool exclusive() const;
  bool same_as(const Tensor& other) const { return body_.get() == other.body_.get(); }
  /// Makes this handle and all its copies show the memory of `other`, of any shape and element
  /// type, and stand at its place on the tape. What was recorded with the old one is not changed.
  void become(const Tensor& other, Location where = {}) const;

 private:
  // The value and the place on the tape.
  struct Body {
    Count<std::uint32_t> refs{1};
    std::uint32_t output = 0;
    Ref<Value> value;
    Node* node = nullptr;  // holds a reference
    static void destroy(Body* body) noexcept;
  };

  Tensor(const Nested& nested, DType dtype, const Location& where);
  [[noreturn]] static void raise_undefined(const Location& where);
  void* typed(DType wanted, const Location& where) const;
  void change(const Location& where) const;
  void copy_deeply(const Tensor& other);
  template <class T>
  auto adapt(T* data) const {
    const xt::dynamic_shape<std::size_t> sizes(shape().begin(), shape().end());
    return xt::adapt(data, static_cast<std::size_t>(numel()), xt::no_ownership(), sizes);
  }

  Ref<Body> body_;
};

/// Prints values as NumPy does, long tensors with their middle left out, and the element type.
std::ostream& operator<<(std::ostream& out, const Tensor& tensor);
std::string str(const Tensor& tensor);

namespace detail {
/// How many profiles are alive; see profile.hpp.
inline std::atomic<int> profiles{0};
inline bool profiling() { return profiles.load(std::memory_order_relaxed) > 0; }
/// Notes the time at which an operation begins.
void operation_begins();
}  // namespace detail

/// What an operation takes: a tensor or a number, and the line that passed it.
class Arg {
 public:
  Arg(const Tensor& tensor, Location where = {}) : tensor_(&tensor), where_(where) {
    if (detail::profiling()) detail::operation_begins();
  }
  template <class T>
  requires std::is_arithmetic_v<T> Arg(T number, Location where = {})
      : number_(static_cast<double>(number)), integral_(std::is_integral_v<T>), where_(where) {
    if constexpr (std::is_integral_v<T>) integer_ = static_cast<std::int64_t>(number);
  }

  bool is_tensor() const { return tensor_ != nullptr; }
  const Tensor& tensor() const { return *tensor_; }
  const Location& where() const { return where_; }
  double number() const { return number_; }
  bool integral() const { return integral_; }
  /// The tensor itself, or the number as a 0-d tensor of that element type.
  Tensor as_tensor(DType dtype) const;

 private:
  const Tensor* tensor_ = nullptr;
  double number_ = 0;
  std::int64_t integer_ = 0;
  bool integral_ = false;
  Location where_;
};

template <class E>
Tensor::Tensor(const xt::xexpression<E>& expression, Location where) {
  const auto& source = expression.derived_cast();
  using Element = std::decay_t<typename E::value_type>;
  using Stored =
      std::conditional_t<dtype_of<Element>() == int64, std::int64_t,
                         std::conditional_t<dtype_of<Element>() == float64, double, Element>>;
  Shape shape;
  for (auto size : source.shape()) shape.push_back(static_cast<std::int64_t>(size), where);
  *this = empty(shape, dtype_of<Element>());
  auto target = adapt(value()->template as<Stored>());
  xt::noalias(target) = source;
}

template <class T>
Tensor Tensor::from(const T* data, const Shape& shape) {
  Tensor out = empty(shape, dtype_of<T>());
  const auto fill = [&](auto* to) {
    for (std::int64_t i = 0, end = out.numel(); i < end; ++i)
      to[i] = static_cast<std::remove_pointer_t<decltype(to)>>(data[i]);
  };
  if constexpr (dtype_of<T>() == float32) fill(out.value()->template as<float>());
  else if constexpr (dtype_of<T>() == float64) fill(out.value()->template as<double>());
  else if constexpr (dtype_of<T>() == boolean) fill(out.value()->template as<bool>());
  else fill(out.value()->template as<std::int64_t>());
  return out;
}

template <class T>
T Tensor::item(Location where) const {
  if (numel(where) != 1)
    raise<ShapeError>(where, "item", "one element wanted, shape is " + shape().str());
  switch (dtype()) {
    case DType::float32: return static_cast<T>(*value()->template as<float>());
    case DType::float64: return static_cast<T>(*value()->template as<double>());
    case DType::int64: return static_cast<T>(*value()->template as<std::int64_t>());
    default: return static_cast<T>(*value()->template as<bool>());
  }
}

}  // namespace xtape
