// Numbers as they lie in files, and the numbers of tensors that they become: what the readers of
// arrays share.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>
#include <type_traits>

namespace xtape::nn::io {

static_assert(std::endian::native == std::endian::little, "elements are read as they lie");

/// IEEE 754's binary16.
struct Half {
  std::uint16_t bits;
};
/// bfloat16: the upper half of a float.
struct Brain {
  std::uint16_t bits;
};
/// A boolean: any byte but 0 is true.
struct Flag {
  std::uint8_t byte;
};

inline float to_float(Half half) {
  const int exponent = half.bits >> 10 & 31;
  const float fraction = static_cast<float>(half.bits & 1023);
  const float size = exponent == 0    ? std::ldexp(fraction, -24)
                     : exponent == 31 ? (fraction == 0 ? INFINITY : NAN)
                                      : std::ldexp(1024 + fraction, exponent - 25);
  return half.bits & 0x8000 ? -size : size;
}
inline float to_float(Brain brain) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(brain.bits) << 16);
}

/// The number there; false if it does not fit: an unsigned number of 2^63 and more.
template <class From, class To>
bool convert(From from, To& to) {
  if constexpr (std::is_same_v<From, Half> || std::is_same_v<From, Brain>) to = to_float(from);
  else if constexpr (std::is_same_v<From, Flag>) to = from.byte != 0;
  else to = static_cast<To>(from);
  if constexpr (std::is_same_v<From, std::uint64_t>) return from >> 63 == 0;
  return true;
}

}  // namespace xtape::nn::io
