#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <xtape/autograd/parallel.hpp>
#include <xtape/autograd/tape.hpp>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/random.hpp>

namespace xtape {

namespace {

constexpr double unit = 0x1p-53;

// Two uniform numbers in [0, 1) with 53 bits each.
std::array<double, 2> uniform_pair(const std::array<std::uint32_t, 4>& words) {
  const auto make = [](std::uint64_t high, std::uint64_t low) {
    return static_cast<double>(((high << 32) | low) >> 11) * unit;
  };
  return {make(words[0], words[1]), make(words[2], words[3])};
}

std::array<double, 2> normal_pair(const std::array<std::uint32_t, 4>& words) {
  const auto [u, v] = uniform_pair(words);
  const double radius = std::sqrt(-2 * std::log1p(-u)), angle = 2 * std::numbers::pi * v;
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

// float32 numbers are the float64 ones rounded down, so that 1 stays out of reach.
float round_uniform(double u) {
  return static_cast<float>(static_cast<std::uint32_t>(u * 0x1p24)) * 0x1p-24f;
}

template <class T, class Pair, class Convert>
void fill_pairs(T* to, std::int64_t n, std::uint64_t seed, std::uint64_t stream, Pair pair,
                Convert convert) {
  constexpr std::int64_t grain = 8192;
  parallel_for((n + grain - 1) / grain, [&](std::int64_t piece) {
    for (std::int64_t i = piece * grain; i < std::min(n, (piece + 1) * grain); i += 2) {
      const auto [first, second] =
          pair(random_words(seed, stream, static_cast<std::uint64_t>(i) / 2));
      to[i] = convert(first);
      if (i + 1 < n) to[i + 1] = convert(second);
    }
  });
}

// to = from scale, or 0 where a random word is below `bound`.
template <class T>
void drop_elements(const T* from, T* to, std::int64_t n, T scale, std::uint32_t bound,
                   std::uint64_t seed, std::uint64_t stream) {
  constexpr std::int64_t row = random_row, grain = 256 * row;
  parallel_for((n + grain - 1) / grain, [&](std::int64_t piece) {
    std::uint32_t words[row];
    for (std::int64_t i = piece * grain; i < std::min(n, (piece + 1) * grain); i += row) {
      random_words(seed, stream, static_cast<std::uint64_t>(i) / row, words);
      const std::int64_t count = std::min(row, n - i);
      for (std::int64_t k = 0; k < count; ++k)
        to[i + k] = words[k] < bound ? T(0) : from[i + k] * scale;
    }
  });
}

Tensor dropped(const Tensor& x, double p, double scale, std::uint64_t seed, std::uint64_t stream,
               const Location& at) {
  const Tensor out = Tensor::empty(x.shape(), x.dtype());
  const auto bound = static_cast<std::uint32_t>(std::min(p * 0x1p32, 0x1p32 - 1));
  detail::by_type(x.dtype(), [&]<class T>(T*) {
    if constexpr (std::is_floating_point_v<T>) {
      T* const to = out.value()->as<T>();
      if (p == 1) std::fill_n(to, out.numel(), T(0));
      else
        drop_elements(x.value()->as<T>(), to, x.numel(), static_cast<T>(scale), bound, seed,
                      stream);
    }
  });
  return record("drop", at, {unsaved(x)}, out, [p, scale, seed, stream, at](Backward& backward) {
    backward.give(0, dropped(backward.grad(), p, scale, seed, stream, at));
  });
}

Tensor floating(const Shape& shape, DType dtype, const char* op, const Location& where) {
  if (!is_floating(dtype))
    raise<DTypeError>(where, op, fmt::format("floating numbers wanted, not {}", name_of(dtype)));
  return Tensor::empty(shape, dtype);
}

}  // namespace

Tensor rand(const Shape& shape, DType dtype, Generator& generator, Location where) {
  const Tensor out = floating(shape, dtype, "rand", where);
  const std::uint64_t stream = generator.next_stream();
  if (dtype == float32)
    fill_pairs(out.value()->as<float>(), out.numel(), generator.seed(), stream, uniform_pair,
               round_uniform);
  else
    fill_pairs(out.value()->as<double>(), out.numel(), generator.seed(), stream, uniform_pair,
               [](double u) { return u; });
  return out;
}

Tensor randn(const Shape& shape, DType dtype, Generator& generator, Location where) {
  const Tensor out = floating(shape, dtype, "randn", where);
  const std::uint64_t stream = generator.next_stream();
  if (dtype == float32)
    fill_pairs(out.value()->as<float>(), out.numel(), generator.seed(), stream, normal_pair,
               [](double z) { return static_cast<float>(z); });
  else
    fill_pairs(out.value()->as<double>(), out.numel(), generator.seed(), stream, normal_pair,
               [](double z) { return z; });
  return out;
}

Tensor drop(const Arg& argument, double p, double scale, Generator& generator) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  if (!is_floating(x.dtype()))
    raise<DTypeError>(at, "drop",
                      fmt::format("a floating tensor wanted, not {}", name_of(x.dtype())));
  if (!(p >= 0 && p <= 1)) raise<ValueError>(at, "drop", fmt::format("p is {}, not in [0, 1]", p));
  return dropped(x, p, scale, generator.seed(), generator.next_stream(), at);
}

Tensor randperm(std::int64_t n, Generator& generator, Location where) {
  if (n < 0) raise<ValueError>(where, "randperm", fmt::format("n is negative: {}", n));
  const Tensor out = Tensor::empty({n}, int64);
  std::int64_t* order = out.value()->as<std::int64_t>();
  const std::uint64_t stream = generator.next_stream();
  for (std::int64_t i = 0; i < n; ++i) order[i] = i;
  for (std::int64_t i = n - 1; i > 0; --i) {
    const double u = uniform_pair(random_words(generator.seed(), stream, i))[0];
    std::swap(order[i], order[static_cast<std::int64_t>(u * static_cast<double>(i + 1))]);
  }
  return out;
}

}  // namespace xtape
