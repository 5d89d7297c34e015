// What tensors are made of: counted references, and the block of memory that holds a shape, an
// element type and the elements, contiguous and row-major.
#pragma once

#include <atomic>
#include <utility>
#include <xtape/autograd/count.hpp>
#include <xtape/autograd/shape.hpp>

namespace xtape {

/// A counted reference to a T, which has `refs` and `T::destroy(T*)`.
template <class T>
class Ref {
 public:
  Ref() = default;
  /// Takes over a reference that the caller owns.
  static Ref adopt(T* object) {
    Ref ref;
    ref.object_ = object;
    return ref;
  }
  /// Adds a reference.
  static Ref share(T* object) {
    if (object) object->refs.add();
    return adopt(object);
  }
  Ref(const Ref& other) : Ref(share(other.object_)) {}
  Ref(Ref&& other) noexcept : object_(std::exchange(other.object_, nullptr)) {}
  Ref& operator=(Ref other) noexcept {
    std::swap(object_, other.object_);
    return *this;
  }
  ~Ref() {
    if (object_ && object_->refs.drop()) T::destroy(object_);
  }

  T* get() const { return object_; }
  T* operator->() const { return object_; }
  T& operator*() const { return *object_; }
  explicit operator bool() const { return object_ != nullptr; }
  /// True if nobody else holds the object.
  bool unique() const { return object_->refs.load() == 1; }

 private:
  T* object_ = nullptr;
};

/// The elements of a tensor. They follow the header in the same pooled block, or belong to the
/// `owner`, whose memory and version a reshaped or detached value shares. Many that are all the
/// same are one number until somebody asks for them: sweeps do not, and read as much less.
struct Value {
  Count<std::uint32_t> refs{1};
  Count<std::uint32_t> version{0};  // how often the memory was changed (of the owner)

 private:
  mutable void* data_;

 public:
  Value* owner;                   // itself, or the value whose memory this one shows
  const char* changed_file = "";  // the user's line of the last change (of the owner)
  int changed_line = 0;
  DType dtype;
  bool has_tangent = false;  // of forward.hpp, which keeps them

 private:
  mutable std::atomic<bool> repeats_;  // there is one number for all elements
  const bool was_repeated_;            // there was

 public:
  Shape shape;

  /// Uninitialised memory for `shape` elements.
  static Ref<Value> make(const Shape& shape, DType dtype);
  /// Elements that all are `number`; of at least `worth_repeating` bytes only that one is stored.
  static Ref<Value> repeated(const Shape& shape, DType dtype, double number);
  static constexpr std::int64_t worth_repeating = std::int64_t{1} << 22;
  /// The same memory, from its element `first` on, under another shape that has its place there.
  static Ref<Value> show(const Ref<Value>& memory, const Shape& shape, std::int64_t first = 0);
  static void destroy(Value* value) noexcept;

  std::int64_t numel() const { return shape.numel(); }
  std::int64_t bytes() const { return numel() * size_of(dtype); }
  std::uint32_t current_version() const { return owner->version.load(); }
  /// Notes that the user's line `where` changed the memory.
  void changed(const Location& where);
  /// True if nobody else can see the memory.
  bool exclusive() const { return refs.load() == 1 && (owner == this || owner->refs.load() == 1); }
  /// The elements, which are written out now if there is but one number.
  void* elements() const {
    if (repeats()) write_out();
    return data_;
  }
  template <class T>
  T* as() const {
    return static_cast<T*>(elements());
  }
  /// Whether there is one number for all elements, and that number.
  bool repeats() const { return repeats_.load(std::memory_order_acquire); }
  void* number() const { return const_cast<Value*>(this) + 1; }

 private:
  Value(const Shape& shape, DType dtype, bool repeats = false)
      : dtype(dtype), repeats_(repeats), was_repeated_(repeats), shape(shape) {}
  void write_out() const;
};

namespace detail {
/// Drops the tangents of a value that is about to be destroyed: forward.cpp.
void forget_tangents(const Value* value) noexcept;
}  // namespace detail

}  // namespace xtape
