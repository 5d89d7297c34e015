#include <fmt/format.h>

#include <algorithm>
#include <string>
#include <vector>
#include <xtape/ops/einsum.hpp>
#include <xtape/ops/products.hpp>

namespace xtape {

using namespace detail;

namespace {

// Axes counted from the left, each at most once.
std::vector<int> checked_axes(const std::vector<std::int64_t>& axes, const Tensor& x,
                              const Location& at) {
  std::vector<int> out;
  for (std::int64_t axis : axes) {
    out.push_back(normalize_axis(axis, x.rank(), "tensordot", at));
    if (std::count(out.begin(), out.end(), out.back()) > 1)
      raise<IndexError>(
          at, "tensordot",
          fmt::format("axis {} is named twice in [{}]", out.back(), fmt::join(axes, ", ")));
  }
  return out;
}

}  // namespace

Tensor tensordot(const Arg& left, const Tensor& b, const std::vector<std::int64_t>& axes_a,
                 const std::vector<std::int64_t>& axes_b) {
  const Tensor a = left.as_tensor(float32);
  const Location at = Caller::or_else(left.where());
  const Caller caller(at);
  if (axes_a.size() != axes_b.size())
    raise<IndexError>(at, "tensordot",
                      fmt::format("axes [{}] of the left do not pair with [{}] of the right",
                                  fmt::join(axes_a, ", "), fmt::join(axes_b, ", ")));
  const std::vector<int> of_a = checked_axes(axes_a, a, at), of_b = checked_axes(axes_b, b, at);
  std::string letters_a, letters_b, rest;
  for (int i = 0; i < a.rank(); ++i) letters_a += static_cast<char>('a' + i);
  for (int i = 0; i < b.rank(); ++i) letters_b += static_cast<char>('A' + i);
  for (std::size_t i = 0; i < of_a.size(); ++i) {
    if (a.shape()[of_a[i]] != b.shape()[of_b[i]])
      raise<ShapeError>(at, "tensordot",
                        fmt::format("axis {} of {} is summed with axis {} of {}: sizes differ",
                                    of_a[i], a.shape().str(), of_b[i], b.shape().str()));
    letters_b[of_b[i]] = letters_a[of_a[i]];
  }
  for (char letter : letters_a + letters_b)
    if (letters_a.find(letter) == std::string::npos || letters_b.find(letter) == std::string::npos)
      rest += letter;
  return einsum(fmt::format("{},{}->{}", letters_a, letters_b, rest), {a, b}, at);
}

Tensor tensordot(const Arg& left, const Tensor& b, std::int64_t count) {
  const Tensor a = left.as_tensor(float32);
  if (count < 0 || count > a.rank() || count > b.rank())
    raise<IndexError>(left.where(), "tensordot",
                      fmt::format("{} axes of {} and {} cannot be paired", count, a.shape().str(),
                                  b.shape().str()));
  std::vector<std::int64_t> of_a, of_b;
  for (std::int64_t i = 0; i < count; ++i) {
    of_a.push_back(a.rank() - count + i);
    of_b.push_back(i);
  }
  return tensordot(Arg(a, left.where()), b, of_a, of_b);
}

}  // namespace xtape
