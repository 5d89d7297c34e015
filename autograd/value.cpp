#include <new>
#include <xtape/autograd/pool.hpp>
#include <xtape/autograd/value.hpp>

namespace xtape {

Ref<Value> Value::make(const Shape& shape, DType dtype) {
  if (shape.numel() > std::int64_t{1} << 46) throw std::bad_alloc();
  const std::size_t bytes = sizeof(Value) + shape.numel() * size_of(dtype);
  Value* value = new (pool::allocate(bytes)) Value(shape, dtype);
  value->data = value + 1;
  value->owner = value;
  return Ref<Value>::adopt(value);
}

Ref<Value> Value::show(const Ref<Value>& memory, const Shape& shape, std::int64_t first) {
  Value* value = new (pool::allocate(sizeof(Value))) Value(shape, memory->dtype);
  value->data = static_cast<char*>(memory->data) + first * size_of(memory->dtype);
  value->owner = memory->owner;
  value->owner->refs.add();
  return Ref<Value>::adopt(value);
}

void Value::destroy(Value* value) noexcept {
  if (value->has_tangent) detail::forget_tangents(value);
  Value* owner = value->owner;
  const std::size_t bytes = sizeof(Value) + (owner == value ? value->bytes() : 0);
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
