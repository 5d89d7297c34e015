#include <algorithm>
#include <mutex>
#include <new>
#include <xtape/autograd/pool.hpp>
#include <xtape/autograd/value.hpp>

namespace xtape {

namespace {

void fill(void* at, std::int64_t count, DType dtype, double number) {
  const auto write = [&](auto* to) {
    std::fill_n(to, count, static_cast<std::remove_pointer_t<decltype(to)>>(number));
  };
  switch (dtype) {
    case DType::float32: return write(static_cast<float*>(at));
    case DType::float64: return write(static_cast<double*>(at));
    case DType::int64: return write(static_cast<std::int64_t*>(at));
    case DType::boolean: return write(static_cast<bool*>(at));
  }
}

}  // namespace

Ref<Value> Value::make(const Shape& shape, DType dtype) {
  if (shape.numel() > std::int64_t{1} << 46) throw std::bad_alloc();
  const std::size_t bytes = sizeof(Value) + shape.numel() * size_of(dtype);
  Value* value = new (pool::allocate(bytes)) Value(shape, dtype);
  value->data_ = value + 1;
  value->owner = value;
  return Ref<Value>::adopt(value);
}

Ref<Value> Value::repeated(const Shape& shape, DType dtype, double number) {
  if (shape.numel() * size_of(dtype) < worth_repeating) {
    const Ref<Value> value = make(shape, dtype);
    fill(value->data_, shape.numel(), dtype, number);
    return value;
  }
  Value* const value =
      new (pool::allocate(sizeof(Value) + size_of(dtype))) Value(shape, dtype, true);
  value->data_ = value->number();
  value->owner = value;
  fill(value->data_, 1, dtype, number);
  return Ref<Value>::adopt(value);
}

void Value::write_out() const {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  if (!repeats()) return;
  void* const room = pool::allocate(bytes());
  const auto repeat = [&]<class T>(T number) {
    std::fill_n(static_cast<T*>(room), numel(), number);
  };
  if (dtype == DType::float32) repeat(*static_cast<float*>(data_));
  else if (size_of(dtype) == 8) repeat(*static_cast<std::int64_t*>(data_));
  else repeat(*static_cast<bool*>(data_));
  data_ = room;
  repeats_.store(false, std::memory_order_release);
}

Ref<Value> Value::show(const Ref<Value>& memory, const Shape& shape, std::int64_t first) {
  char* const from = memory->as<char>();
  Value* value = new (pool::allocate(sizeof(Value))) Value(shape, memory->dtype);
  value->data_ = from + first * size_of(memory->dtype);
  value->owner = memory->owner;
  value->owner->refs.add();
  return Ref<Value>::adopt(value);
}

void Value::destroy(Value* value) noexcept {
  if (value->has_tangent) detail::forget_tangents(value);
  Value* owner = value->owner;
  std::size_t bytes = sizeof(Value);
  if (value->was_repeated_) {
    if (!value->repeats()) pool::release(value->data_, value->bytes());
    bytes += size_of(value->dtype);
  } else if (owner == value) {
    bytes += value->bytes();
  }
  value->~Value();
  pool::release(value, bytes);
  if (owner != value && owner->refs.drop()) destroy(owner);
}

void Value::changed(const Location& where) {
  const Location at = Caller::or_else(where);
  owner->changed_file = at.file;
  owner->changed_line = at.line;
  owner->version.add();
}

}  // namespace xtape
