#include <xtape/ops/padding.hpp>

#include "../blames.hpp"
#include "places.hpp"

using namespace check;

namespace {

// By the period of the pattern, not by its parts as the library.
std::int64_t source(std::int64_t i, std::int64_t n, PadMode mode) {
  if (mode == PadMode::replicate) return i < 0 ? 0 : i >= n ? n - 1 : i;
  if (mode == PadMode::circular) return ((i % n) + n) % n;
  const std::int64_t period = std::max<std::int64_t>(1, 2 * (n - 1));
  const std::int64_t phase = ((i % period) + period) % period;
  return phase < n ? phase : period - phase;
}

}  // namespace

TEST_CASE("padding: with a constant, which may crop") {
  const Tensor x = counted({2, 3}) + 1;
  const std::vector<std::vector<PadWidth>> cases = {
      {{1, 2}, {0, 0}}, {{0, 0}, {2, 1}},  {{1, 1}, {1, 1}},  {{-1, 2}, {1, -1}},
      {{0, 0}, {0, 0}}, {{0, 0}, {3, -3}}, {{-2, 0}, {0, 1}}, {{1, -2}, {-1, -1}}};
  for (DType dtype : {float32, float64, int64})
    for (const auto& paddings : cases) {
      const PadWidth rows = paddings[0], columns = paddings[1];
      const Shape shape{2 + rows.before + rows.after, 3 + columns.before + columns.after};
      const Tensor out = pad(cast(x, dtype), paddings, {.value = -7});
      CHECK(matches(out, shape, [&](const Place& p) {
        const std::int64_t i = p[0] - rows.before, j = p[1] - columns.before;
        const bool inside = i >= 0 && i < 2 && j >= 0 && j < 3;
        return inside ? element(x, {i, j}) : -7.0;
      }));
      CHECK(out.dtype() == dtype);
    }
  CHECK(numbers(pad(Tensor({1, 0}, boolean), {{1, 0}}, {.value = 1})) == Numbers{1, 1, 0});
  CHECK(numbers(pad(Tensor({1}), {{1, 0}}, {.value = -INFINITY})) == Numbers{-INFINITY, 1});
  CHECK(numbers(pad(zeros({0}), {{1, 1}}, {.value = 2})) == Numbers{2, 2});
  CHECK(pad(zeros({0, 2}), {{0, 0}, {1, 1}}).shape() == Shape{0, 4});
  CHECK(pad(Tensor(3), {}).item<int>() == 3);
}

TEST_CASE("padding: with elements of the tensor") {
  const Tensor x = counted({3, 4});
  for (const PadMode mode : {PadMode::reflect, PadMode::replicate, PadMode::circular})
    for (const std::int64_t before : {0, 1, 2, -1})
      for (const std::int64_t after : {0, 1, 2}) {
        CAPTURE(static_cast<int>(mode));
        CAPTURE(before);
        CAPTURE(after);
        CHECK(matches(
            pad(x, {{before, after}, {after, 1}}, {.mode = mode}), {3 + before + after, 5 + after},
            [&](const Place& p) {
              return element(x, {source(p[0] - before, 3, mode), source(p[1] - after, 4, mode)});
            }));
      }
  CHECK(numbers(pad(Tensor({5}), {{2, 3}}, {.mode = PadMode::replicate})) == Numbers(6, 5));
  CHECK(numbers(pad(Tensor({5, 6}), {{2, 2}}, {.mode = PadMode::circular})) ==
        Numbers{5, 6, 5, 6, 5, 6});
  CHECK(pad(zeros({0, 2}), {{0, 0}, {1, 1}}, {.mode = PadMode::reflect}).shape() == Shape{0, 4});
}

TEST_CASE("padding: what does not fit") {
  const Tensor x = zeros({2, 3});
  CHECK_BLAMES(ShapeError, "pad: 1 pairs for the 2 axes of shape [2, 3]", pad(x, {{1, 1}}));
  CHECK_BLAMES(ShapeError, "pad: axis 1 of shape [2, 3] has no 2 and 2 elements to take away",
               pad(x, {{0, 0}, {-2, -2}}));
  CHECK_BLAMES(ShapeError, "pad: axis 0 of shape [2, 3] has no 3 and -9 elements to take away",
               pad(x, {{-3, 9}, {0, 0}}));
  CHECK_BLAMES(ShapeError,
               "pad: axis 0 of shape [2, 3] is too small for 2 and 0 elements in this mode",
               pad(x, {{2, 0}, {0, 0}}, {.mode = PadMode::reflect}));
  CHECK_BLAMES(ShapeError,
               "pad: axis 1 of shape [2, 3] is too small for 0 and 4 elements in this mode",
               pad(x, {{0, 0}, {0, 4}}, {.mode = PadMode::circular}));
  CHECK_BLAMES(ShapeError,
               "pad: axis 0 of shape [0] is too small for 1 and 0 elements in this mode",
               pad(zeros({0}), {{1, 0}}, {.mode = PadMode::replicate}));
}

TEST_CASE("padding: slopes of first and second order") {
  check_slopes({
                   [](auto& x) {
                     return pad(x[0], {{1, 2}, {0, 1}}, {.value = 3});
                   },
                   [](auto& x) {
                     return pad(x[0], {{-1, 2}, {1, -2}}, {.value = 3});
                   },
                   [](auto& x) {
                     return pad(x[0], {{1, 2}, {3, 1}}, {.mode = PadMode::reflect});
                   },
                   [](auto& x) {
                     return pad(x[0], {{4, 2}, {0, 5}}, {.mode = PadMode::replicate});
                   },
                   [](auto& x) {
                     return pad(x[0], {{3, 2}, {4, 0}}, {.mode = PadMode::circular});
                   },
               },
               {sin(counted({3, 4}) + 0.4)});
}
