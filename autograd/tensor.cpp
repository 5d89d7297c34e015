#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <ostream>
#include <xtape/autograd/pool.hpp>
#include <xtape/autograd/tape.hpp>
#include <xtape/autograd/tensor.hpp>

namespace xtape {

void Tensor::Body::destroy(Body* body) noexcept {
  if (body->node) Ref<Node>::adopt(body->node);
  body->~Body();
  pool::release(body, sizeof(Body));
}

Tensor::Tensor(Ref<Value> value)
    : body_(Ref<Body>::adopt(new (pool::allocate(sizeof(Body))) Body)) {
  body_->value = std::move(value);
}

namespace {

// The shape of nested lists, taken from the first item of each level.
void measure(const Nested& nested, Shape& shape, const Location& where) {
  if (!nested.is_list) return;
  shape.push_back(static_cast<std::int64_t>(nested.items.size()), where);
  if (!nested.items.empty()) measure(nested.items.front(), shape, where);
}

template <class T>
void fill(const Nested& nested, const Shape& shape, int depth, T*& to, const Location& where) {
  if (!nested.is_list && depth == shape.rank()) {
    *to++ = nested.integral ? static_cast<T>(nested.integer) : static_cast<T>(nested.number);
    return;
  }
  if (!nested.is_list || depth == shape.rank() ||
      static_cast<std::int64_t>(nested.items.size()) != shape[depth])
    raise<ShapeError>(
        where, "tensor",
        fmt::format("the nested lists are ragged: a part does not fit shape {}", shape.str()));
  for (const Nested& item : nested.items) fill(item, shape, depth + 1, to, where);
}

}  // namespace

Nested::Nested(std::initializer_list<Nested> items) : is_list(true), items(items) {}
Nested::Nested(const Nested&) = default;
Nested::Nested(Nested&&) noexcept = default;
Nested& Nested::operator=(const Nested&) = default;
Nested& Nested::operator=(Nested&&) noexcept = default;
Nested::~Nested() = default;

Tensor::Tensor(const Nested& nested, DType dtype, const Location& where) {
  Shape shape;
  measure(nested, shape, where);
  *this = empty(shape, dtype);
  const auto from = [&](auto* to) { fill(nested, shape, 0, to, where); };
  switch (dtype) {
    case DType::float32: from(value()->as<float>()); break;
    case DType::float64: from(value()->as<double>()); break;
    case DType::int64: from(value()->as<std::int64_t>()); break;
    case DType::boolean: from(value()->as<bool>()); break;
  }
}

void Tensor::raise_undefined(const Location& where) {
  raise<ValueError>(where, "tensor", "used before it was given a value");
}

void Tensor::set_node(const Ref<Node>& node, std::uint32_t output) const {
  if (body_->node) Ref<Node>::adopt(body_->node);
  if (node) node->refs.add();
  body_->node = node.get();
  body_->output = output;
}

bool Tensor::exclusive() const { return body_.unique() && body_->value->exclusive(); }

std::int64_t Tensor::size(std::int64_t axis, Location where) const {
  const Shape& sizes = shape(where);
  return sizes[normalize_axis(axis, sizes.rank(), "size", where)];
}

void* Tensor::typed(DType wanted, const Location& where) const {
  if (dtype(where) != wanted)
    raise<DTypeError>(
        where, "values",
        fmt::format("the tensor is {}, asked for as {}", name_of(dtype()), name_of(wanted)));
  return value()->elements();
}

void Tensor::change(const Location& where) const {
  if (requires_grad() && grad_enabled())
    raise<GradError>(where, "mutable_values",
                     "a tensor that requires gradients may be changed only under NoGrad");
  value(where)->changed(where);
}

Tensor Tensor::detach(Location where) const {
  const Ref<Value>& memory = value(where);
  return Tensor(Value::show(memory, memory->shape));
}

Tensor Tensor::copy(Location where) const {
  Tensor out = empty(shape(where), dtype(where));
  if (numel() > 0) std::memcpy(out.value()->elements(), value()->elements(), value()->bytes());
  return out;
}

Tensor Arg::as_tensor(DType dtype) const {
  if (is_tensor()) {
    tensor_->value(where_);
    return *tensor_;
  }
  Tensor out = Tensor::empty({}, dtype);
  switch (dtype) {
    case DType::float32: *out.value()->as<float>() = static_cast<float>(number_); break;
    case DType::float64: *out.value()->as<double>() = number_; break;
    case DType::int64:
      *out.value()->as<std::int64_t>() = integral_ ? integer_ : static_cast<std::int64_t>(number_);
      break;
    case DType::boolean: *out.value()->as<bool>() = number_ != 0; break;
  }
  return out;
}

namespace {

constexpr std::int64_t edge_items = 3;
constexpr std::int64_t whole_below = 1000;

// The sign of a NaN means nothing and differs between processors.
template <class T>
std::string number(T x, int digits) {
  return std::isnan(x) ? "nan" : fmt::format("{:.{}g}", x, digits);
}

std::string element(const Tensor& tensor, std::int64_t i) {
  switch (tensor.dtype()) {
    case DType::float32: return number(tensor.value()->as<float>()[i], 6);
    case DType::float64: return number(tensor.value()->as<double>()[i], 8);
    case DType::int64: return fmt::format("{}", tensor.value()->as<std::int64_t>()[i]);
    default: return tensor.value()->as<bool>()[i] ? "true" : "false";
  }
}

// Calls `item` for the indices of an axis to be shown; -1 stands for the part left out.
template <class F>
void for_shown(std::int64_t size, bool whole, F item) {
  for (std::int64_t i = 0; i < size; ++i) {
    const bool hidden = !whole && size > 2 * edge_items && i >= edge_items && i < size - edge_items;
    if (hidden) {
      if (i == edge_items) item(std::int64_t{-1});
      continue;
    }
    item(i);
  }
}

struct Printer {
  const Tensor& tensor;
  bool whole;
  std::size_t width = 0;
  std::string text;

  void measure(int axis, std::int64_t offset) {
    if (axis == tensor.rank()) {
      width = std::max(width, element(tensor, offset).size());
      return;
    }
    for_shown(tensor.shape()[axis], whole, [&](std::int64_t i) {
      if (i >= 0) measure(axis + 1, offset * tensor.shape()[axis] + i);
    });
  }
  void print(int axis, std::int64_t offset) {
    if (axis == tensor.rank()) {
      text += fmt::format("{:>{}}", element(tensor, offset), width);
      return;
    }
    text += '[';
    bool first = true;
    for_shown(tensor.shape()[axis], whole, [&](std::int64_t i) {
      if (!first) text += axis + 1 == tensor.rank() ? ", " : fmt::format(",\n{:{}}", "", axis + 1);
      first = false;
      if (i < 0) text += "...";
      else print(axis + 1, offset * tensor.shape()[axis] + i);
    });
    text += ']';
  }
};

}  // namespace

std::string str(const Tensor& tensor) {
  if (!tensor.defined()) return "(no tensor)";
  Printer printer{tensor, tensor.numel() <= whole_below, 0, {}};
  printer.measure(0, 0);
  printer.print(0, 0);
  if (tensor.dtype() != float32 || tensor.numel() == 0)
    printer.text += fmt::format(" ({}{})", name_of(tensor.dtype()),
                                tensor.numel() == 0 ? " " + tensor.shape().str() : "");
  return printer.text;
}

std::ostream& operator<<(std::ostream& out, const Tensor& tensor) { return out << str(tensor); }

}  // namespace xtape
