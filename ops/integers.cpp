#include <xtape/ops/integers.hpp>
#include <xtape/ops/reduce.hpp>

namespace xtape::detail {

namespace {
bool integral(const Arg& x) {
  return x.is_tensor() ? !is_floating(x.tensor().dtype(x.where())) : x.integral();
}
}  // namespace

bool are_integers(const Arg& a, const Arg& b) {
  return (a.is_tensor() || b.is_tensor()) && integral(a) && integral(b);
}

Tensor on_integers(const char* op, const Arg& a, const Arg& b, IntegerFunction f,
                   const std::function<void(std::int64_t)>& check) {
  const Location where = Caller::or_else(a.where());
  Tensor left = cast(Arg(a.as_tensor(int64), where), int64);
  Tensor right = cast(Arg(b.as_tensor(int64), where), int64);
  const std::int64_t* y = right.data<std::int64_t>();
  for (std::int64_t i = 0, end = right.numel(); i < end; ++i) check(y[i]);
  const Shape space = broadcast(left.shape(), right.shape(), op, where);
  left = broadcast_to(Arg(left, where), space);
  right = broadcast_to(Arg(right, where), space);
  Tensor out = Tensor::empty(space, int64);
  const std::int64_t* x = left.data<std::int64_t>();
  y = right.data<std::int64_t>();
  std::int64_t* to = out.value()->as<std::int64_t>();
  for (std::int64_t i = 0, end = out.numel(); i < end; ++i) to[i] = f(x[i], y[i]);
  return out;
}

}  // namespace xtape::detail
