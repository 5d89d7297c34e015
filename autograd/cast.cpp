#include <xtape/autograd/formula.hpp>

namespace xtape {

namespace {

template <class From, class To>
void convert(const Value& from, const Value& to) {
  const From* in = from.as<From>();
  To* out = to.as<To>();
  const std::int64_t n = from.numel();
  for (std::int64_t i = 0; i < n; ++i) out[i] = static_cast<To>(in[i]);
}

template <class From>
void convert_from(const Value& from, const Value& to) {
  switch (to.dtype) {
    case DType::float32: return convert<From, float>(from, to);
    case DType::float64: return convert<From, double>(from, to);
    case DType::int64: return convert<From, std::int64_t>(from, to);
    case DType::boolean: return convert<From, bool>(from, to);
  }
}

}  // namespace

Tensor cast(const Arg& x, DType dtype) {
  const Tensor tensor = x.as_tensor(dtype);
  if (tensor.dtype() == dtype) return tensor;
  Tensor out = Tensor::empty(tensor.shape(), dtype);
  switch (tensor.dtype()) {
    case DType::float32: convert_from<float>(*tensor.value(), *out.value()); break;
    case DType::float64: convert_from<double>(*tensor.value(), *out.value()); break;
    case DType::int64: convert_from<std::int64_t>(*tensor.value(), *out.value()); break;
    case DType::boolean: convert_from<bool>(*tensor.value(), *out.value()); break;
  }
  return record("cast", x.where(), {unsaved(tensor)}, out,
                [before = tensor.dtype()](Backward& backward) {
                  backward.give(0, cast(backward.grad(), before));
                });
}

}  // namespace xtape
