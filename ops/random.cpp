#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <xtape/autograd/parallel.hpp>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/random.hpp>

namespace xtape {

namespace {

using Words = std::array<std::uint32_t, 4>;

// Two times 64 random bits.
std::array<std::uint64_t, 2> bits(const Words& words) {
  return {std::uint64_t{words[0]} << 32 | words[1], std::uint64_t{words[2]} << 32 | words[3]};
}

// Two uniform numbers in [0, 1) with 53 bits each.
std::array<double, 2> uniform_pair(const Words& words) {
  const auto [first, second] = bits(words);
  return {static_cast<double>(first >> 11) * 0x1p-53, static_cast<double>(second >> 11) * 0x1p-53};
}

std::array<double, 2> normal_pair(const Words& words) {
  const auto [u, v] = uniform_pair(words);
  const double radius = std::sqrt(-2 * std::log1p(-u)), angle = 2 * std::numbers::pi * v;
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

// float32 numbers are the float64 ones rounded down, so that 1 stays out of reach.
template <class T>
T round_uniform(double u) {
  if constexpr (std::is_same_v<T, double>) return u;
  else return static_cast<float>(static_cast<std::uint32_t>(u * 0x1p24)) * 0x1p-24f;
}

enum class Types { floating, all };

// Element i of `out` is convert<T>(i, the i-th number of `pair` of the generator's next stream).
template <Types types = Types::floating, class Pair, class Convert>
Tensor draw(const Tensor& out, Generator& generator, Pair pair, Convert convert) {
  constexpr std::int64_t grain = 8192;
  const std::uint64_t seed = generator.seed(), stream = generator.next_stream();
  const std::int64_t n = out.numel();
  const auto fill = [&]<class T>(T*) {
    T* const to = out.value()->as<T>();
    parallel_for((n + grain - 1) / grain, [&](std::int64_t piece) {
      for (std::int64_t i = piece * grain; i < std::min(n, (piece + 1) * grain); i += 2) {
        const auto drawn = pair(random_words(seed, stream, static_cast<std::uint64_t>(i) / 2));
        to[i] = convert.template operator()<T>(i, drawn[0]);
        if (i + 1 < n) to[i + 1] = convert.template operator()<T>(i + 1, drawn[1]);
      }
    });
  };
  if constexpr (types == Types::all) detail::by_type(out.dtype(), fill);
  else if (out.dtype() == float32) fill(static_cast<float*>(nullptr));
  else fill(static_cast<double*>(nullptr));
  return out;
}

Tensor floating(const Shape& shape, DType dtype, const char* op, const Location& where) {
  if (!is_floating(dtype))
    raise<DTypeError>(where, op, fmt::format("floating numbers wanted, not {}", name_of(dtype)));
  return Tensor::empty(shape, dtype);
}

// The upper half of a product of two words: a number below `span`, equally likely but for 2^-64 of
// the cases.
std::uint64_t below(std::uint64_t span, std::uint64_t word) {
  return static_cast<std::uint64_t>(static_cast<unsigned __int128>(word) * span >> 64);
}

void check_probability(double p, const Location& where) {
  if (!(p >= 0 && p <= 1))
    raise<ValueError>(where, "bernoulli", fmt::format("{} is not a probability", p));
}

}  // namespace

Tensor rand(const Shape& shape, DType dtype, Generator& generator, Location where) {
  return draw(floating(shape, dtype, "rand", where), generator, uniform_pair,
              []<class T>(std::int64_t, double u) { return round_uniform<T>(u); });
}

Tensor randn(const Shape& shape, DType dtype, Generator& generator, Location where) {
  return draw(floating(shape, dtype, "randn", where), generator, normal_pair,
              []<class T>(std::int64_t, double z) { return static_cast<T>(z); });
}

Tensor uniform(double low, double high, const Shape& shape, DType dtype, Generator& generator,
               Location where) {
  if (!(low < high) || !std::isfinite(high - low))
    raise<ValueError>(where, "uniform", fmt::format("nothing lies between {} and {}", low, high));
  return draw(floating(shape, dtype, "uniform", where), generator, uniform_pair,
              [low, high]<class T>(std::int64_t, double u) {
                const T x = static_cast<T>(low + (high - low) * u);  // may be rounded up to high
                return x < static_cast<T>(high)
                           ? x
                           : std::nextafter(static_cast<T>(high), static_cast<T>(low));
              });
}

Tensor normal(double mean, double std, const Shape& shape, DType dtype, Generator& generator,
              Location where) {
  if (!(std >= 0))
    raise<ValueError>(where, "normal", fmt::format("the standard deviation is {}", std));
  return draw(
      floating(shape, dtype, "normal", where), generator, normal_pair,
      [mean, std]<class T>(std::int64_t, double z) { return static_cast<T>(mean + std * z); });
}

Tensor randint(std::int64_t low, std::int64_t high, const Shape& shape, DType dtype,
               Generator& generator, Location where) {
  if (low >= high)
    raise<ValueError>(where, "randint", fmt::format("nothing lies from {} to {} - 1", low, high));
  const std::uint64_t span = static_cast<std::uint64_t>(high) - static_cast<std::uint64_t>(low);
  return draw<Types::all>(Tensor::empty(shape, dtype), generator, bits,
                          [low, span]<class T>(std::int64_t, std::uint64_t word) {
                            return static_cast<T>(static_cast<std::int64_t>(
                                static_cast<std::uint64_t>(low) + below(span, word)));
                          });
}

Tensor bernoulli(double p, const Shape& shape, DType dtype, Generator& generator, Location where) {
  check_probability(p, where);
  return draw<Types::all>(Tensor::empty(shape, dtype), generator, uniform_pair,
                          [p]<class T>(std::int64_t, double u) { return static_cast<T>(u < p); });
}

Tensor bernoulli(const Tensor& p, Generator& generator, Location where) {
  const Tensor out = floating(p.shape(where), p.dtype(where), "bernoulli", where);
  const float* const single = p.dtype() == float32 ? p.value()->as<float>() : nullptr;
  const double* const twice = p.dtype() == float64 ? p.value()->as<double>() : nullptr;
  const auto probability = [=](std::int64_t i) { return single ? single[i] : twice[i]; };
  for (std::int64_t i = 0, end = p.numel(); i < end; ++i) check_probability(probability(i), where);
  return draw(out, generator, uniform_pair, [=]<class T>(std::int64_t i, double u) {
    return static_cast<T>(u < probability(i));
  });
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

Tensor rand_like(const Tensor& like, std::optional<DType> dtype, Generator& generator,
                 Location where) {
  return rand(like.shape(where), dtype.value_or(like.dtype(where)), generator, where);
}

Tensor randn_like(const Tensor& like, std::optional<DType> dtype, Generator& generator,
                  Location where) {
  return randn(like.shape(where), dtype.value_or(like.dtype(where)), generator, where);
}

Tensor randint_like(const Tensor& like, std::int64_t low, std::int64_t high,
                    std::optional<DType> dtype, Generator& generator, Location where) {
  return randint(low, high, like.shape(where), dtype.value_or(like.dtype(where)), generator, where);
}

}  // namespace xtape
