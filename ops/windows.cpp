#include <fmt/format.h>

#include <limits>
#include <xtape/ops/matrices.hpp>
#include <xtape/ops/shaping.hpp>
#include <xtape/ops/windows.hpp>

namespace xtape::detail {

Shape Windows::with_points(Shape leading) const {
  for (int i = 0; i < rank; ++i) leading.push_back((*this)[i].in);
  return leading;
}

Shape Windows::with_positions(Shape leading) const {
  for (int i = 0; i < rank; ++i) leading.push_back((*this)[i].out);
  return leading;
}

std::int64_t value_for(const PerAxis<std::int64_t>& values, int i, int rank, std::int64_t least,
                       const char* name, const Asked& asked) {
  const auto given = values.values();
  if (given.size() != 1 && given.size() != static_cast<std::size_t>(rank))
    raise<ValueError>(asked.at, asked.op,
                      fmt::format("{} is [{}], one value or one for each of {} axes wanted", name,
                                  fmt::join(given, ", "), rank));
  const std::int64_t value = given[given.size() == 1 ? 0 : i];
  if (value < least || value > std::numeric_limits<int>::max())
    raise<ValueError>(asked.at, asked.op,
                      fmt::format("{} is [{}], values from {} to 2^31 - 1 wanted", name,
                                  fmt::join(given, ", "), least));
  return value;
}

Tensor as_batch(const Tensor& x, int rank, const Asked& asked) {
  check_floating(x, asked.op, asked.at);
  if (x.rank() == rank + 2) return x;
  if (x.rank() == rank + 1) return unsqueeze(Arg(x, asked.at), 0);
  raise<ShapeError>(asked.at, asked.op,
                    fmt::format("x is {}; batch, channels and {} spatial axes wanted, the batch "
                                "may be missing",
                                x.shape().str(), rank));
}

Tensor as_given(const Tensor& result, const Tensor& like, int rank) {
  return like.rank() == rank + 1 ? squeeze(result, 0) : result;
}

}  // namespace xtape::detail
