#include <doctest/doctest.h>

#include <cmath>
#include <xtape/nn/stored.hpp>

using namespace xtape::nn::io;

TEST_CASE("stored: every half float") {
  for (int bits = 0; bits < 0x10000; ++bits) {
    const float number = to_float(Half{static_cast<std::uint16_t>(bits)});
    const int exponent = bits >> 10 & 31, fraction = bits & 1023;
    double wanted = exponent == 0 ? fraction / 1024.0 * std::pow(2, -14)
                                  : (1 + fraction / 1024.0) * std::pow(2, exponent - 15);
    if (exponent == 31) wanted = fraction == 0 ? INFINITY : NAN;
    const bool same = std::isnan(wanted) ? std::isnan(number) : std::abs(number) == wanted;
    const bool sign = std::signbit(number) == (bits >= 0x8000);
    if (!same || (!sign && !std::isnan(wanted))) FAIL_CHECK("half ", bits, " is ", number);
  }
}

TEST_CASE("stored: brain floats, flags and numbers that do not fit") {
  CHECK(to_float(Brain{0x3f80}) == 1);
  CHECK(to_float(Brain{0xff80}) == -INFINITY);
  CHECK(std::isnan(to_float(Brain{0x7fc0})));
  bool flag = false;
  CHECK(convert(Flag{2}, flag));
  CHECK(flag);
  std::int64_t number = 0;
  CHECK(convert(std::uint64_t{1} << 62, number));
  CHECK(number == std::int64_t{1} << 62);
  CHECK_FALSE(convert(std::uint64_t{1} << 63, number));
  CHECK(convert(std::int8_t{-1}, number));
  CHECK(number == -1);
}
