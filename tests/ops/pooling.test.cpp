#include <limits>

#include "../check.hpp"

using namespace check;

namespace {

constexpr double not_a_number = std::numeric_limits<double>::quiet_NaN();
constexpr double infinity = std::numeric_limits<double>::infinity();

Tensor wavy(const Shape& shape, double phase, DType dtype = float64) {
  const Tensor count = arange(0, static_cast<double>(shape.numel()), 1, float64);
  return cast(reshape(sin(count * 1.3 + phase), shape), dtype);
}

// What a window over a plane [height, width] starts at and ends before, padding included.
struct Window {
  std::int64_t top, bottom, left, right;
};
struct Slide {
  std::int64_t kernel[2], stride[2], padding[2], dilation[2];
  bool ceil_mode;

  std::int64_t positions(int axis, std::int64_t in) const {
    std::int64_t count = 0;
    for (std::int64_t start = -padding[axis];; start += stride[axis], ++count) {
      const std::int64_t last = start + (kernel[axis] - 1) * dilation[axis];
      const bool fits = last < in + padding[axis];
      // with ceil_mode the window before must have left points over, and this one start inside
      const bool more = last - stride[axis] < in + padding[axis] - 1 && start < in;
      if (!fits && !(ceil_mode && more)) return count;
    }
  }
};

// The maxima, where they are, and the means of windows, by loops over a whole tensor.
struct Expected {
  Tensor largest, places, means;
};
Expected naive(const Tensor& x, const Slide& s, bool count_padding) {
  const std::int64_t planes = x.size(0) * x.size(1), height = x.size(2), width = x.size(3);
  const std::int64_t rows = s.positions(0, height), columns = s.positions(1, width);
  const std::vector<double> from = numbers(x);
  std::vector<double> largest, means;
  std::vector<std::int64_t> places;
  for (std::int64_t p = 0; p < planes; ++p)
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c) {
        double best = -infinity, total = 0, counted = 0;
        std::int64_t place = -1;
        for (std::int64_t i = 0; i < s.kernel[0]; ++i)
          for (std::int64_t j = 0; j < s.kernel[1]; ++j) {
            const std::int64_t h = r * s.stride[0] - s.padding[0] + i * s.dilation[0];
            const std::int64_t w = c * s.stride[1] - s.padding[1] + j * s.dilation[1];
            const bool inside = h >= 0 && w >= 0 && h < height && w < width;
            if (inside || (count_padding && h < height + s.padding[0] && w < width + s.padding[1]))
              ++counted;
            if (!inside) continue;
            const double value = from[(p * height + h) * width + w];
            total += value;
            if (place < 0 || value > best || std::isnan(value)) {
              best = value;
              place = h * width + w;
            }
          }
        largest.push_back(best);
        places.push_back(place);
        means.push_back(total / counted);
      }
  const Shape shape{x.size(0), x.size(1), rows, columns};
  return {Tensor::from(largest.data(), shape), Tensor::from(places.data(), shape),
          Tensor::from(means.data(), shape)};
}

const Slide slides[] = {
    {{2, 2}, {2, 2}, {0, 0}, {1, 1}, false}, {{2, 2}, {2, 2}, {0, 0}, {1, 1}, true},
    {{3, 3}, {2, 2}, {1, 1}, {1, 1}, true},  {{3, 3}, {2, 2}, {1, 1}, {1, 1}, false},
    {{2, 3}, {1, 2}, {1, 0}, {2, 1}, false}, {{3, 2}, {2, 3}, {1, 1}, {1, 1}, true},
    {{1, 4}, {1, 1}, {0, 2}, {1, 1}, false}, {{3, 3}, {3, 3}, {0, 0}, {1, 1}, true},
    {{2, 2}, {5, 3}, {1, 1}, {1, 1}, true},  {{3, 2}, {1, 1}, {2, 1}, {2, 3}, false}};

}  // namespace

TEST_CASE("pooling: maxima and means of sliding windows equal loops") {
  for (const Shape& shape : {Shape{2, 3, 8, 6}, Shape{1, 2, 7, 9}, Shape{3, 1, 37, 35}})
    for (DType dtype : {float32, float64})
      for (const Slide& s : slides) {
        const Tensor x = wavy(shape, 0.4, dtype);
        const PerAxis<std::int64_t> kernel{s.kernel[0], s.kernel[1]};
        const PerAxis<std::int64_t> stride{s.stride[0], s.stride[1]};
        const PerAxis<std::int64_t> padding{s.padding[0], s.padding[1]};
        const Expected expected = naive(x, s, true);
        const Pooled pooled = max_pool2d_with_indices(x, kernel,
                                                      {.stride = stride,
                                                       .padding = padding,
                                                       .dilation = {s.dilation[0], s.dilation[1]},
                                                       .ceil_mode = s.ceil_mode});
        CHECK(equal(pooled.values, cast(expected.largest, dtype)));
        CHECK(equal(pooled.indices, expected.places));
        if (s.dilation[0] > 1 || s.dilation[1] > 1) continue;
        for (bool count : {true, false}) {
          const Tensor means = avg_pool2d(x, kernel,
                                          {.stride = stride,
                                           .padding = padding,
                                           .ceil_mode = s.ceil_mode,
                                           .count_include_pad = count});
          CHECK(distance(cast(means, float64), naive(x, s, count).means) <
                (dtype == float32 ? 1e-6 : 1e-14));
        }
      }
}

TEST_CASE("pooling: the usual windows, of planes of any size with ties, infinities and NaN") {
  for (std::int64_t width : {2, 3, 5, 7, 8, 14, 15, 16, 17, 28, 31, 33, 600})
    for (std::int64_t height : {2, 3, 7, 40})
      for (DType dtype : {float32, float64}) {
        std::vector<double> points(static_cast<std::size_t>(2 * height * width));
        for (std::size_t i = 0; i < points.size(); ++i)
          points[i] = i % 23 == 0 ? not_a_number
                      : i % 7 < 3 ? -infinity
                                  : static_cast<double>(i * i % 5);
        const Tensor x = cast(Tensor::from(points.data(), {1, 2, height, width}), dtype);
        CAPTURE(x.shape().str());
        const Expected expected = naive(x, slides[0], true);
        const Pooled pooled = max_pool2d_with_indices(x, 2);
        CHECK(equal(pooled.values, cast(expected.largest, dtype)));
        CHECK(equal(pooled.indices, expected.places));
      }
}

TEST_CASE("pooling: the gradient goes to the place of the maximum, ties to the first") {
  Tensor x =
      Tensor({{{{1, 3, 0, 0}, {3, 2, 0, 0}, {not_a_number, 9, -1, -2}, {9, not_a_number, -3, -4}}}},
             float64)
          .requires_grad(true);
  const Pooled pooled = max_pool2d_with_indices(x, 2);
  CHECK(equal(pooled.values, Tensor({{{{3, 0}, {not_a_number, -1}}}}, float64)));
  CHECK(equal(pooled.indices, Tensor({{{{1, 2}, {13, 10}}}}, int64)));
  CHECK(!pooled.indices.requires_grad());
  pooled.values.backward(Tensor({{{{1, 2}, {3, 4}}}}, float64));
  CHECK(equal(x.grad(),
              Tensor({{{{0, 1, 2, 0}, {0, 0, 0, 0}, {0, 0, 4, 0}, {0, 3, 0, 0}}}}, float64)));
  x.zero_grad();
  max_pool2d(x, 3, {.stride = 1, .padding = 1}).backward(ones({1, 1, 4, 4}, float64));
  CHECK(sum(x.grad()).item<double>() == 16);
  const Tensor low = full({1, 1, 2, 2}, -infinity, float64);
  CHECK(equal(max_pool2d_with_indices(low, 2).indices, zeros({1, 1, 1, 1}, int64)));
  CHECK(equal(max_pool2d_with_indices(low, 2, {.padding = 1}).values,
              full({1, 1, 2, 2}, -infinity, float64)));
}

TEST_CASE("pooling: first and second derivatives") {
  const Function of[] = {
      [](auto& in) { return max_pool2d(in[0], 2); },
      [](auto& in) { return max_pool2d(in[0], 3, {.stride = 1, .padding = 1}); },
      [](auto& in) {
        return avg_pool2d(in[0], {2, 3}, {.stride = {1, 2}, .padding = 1});
      },
      [](auto& in) {
        return avg_pool2d(in[0], 3, {.stride = 2, .ceil_mode = true, .divisor_override = 5});
      },
      [](auto& in) {
        return adaptive_avg_pool2d(in[0], {3, 7});
      },
      [](auto& in) {
        return adaptive_max_pool2d(in[0], {3, 2});
      },
      [](auto& in) { return lp_pool2d(in[0], 2, 2); },
      [](auto& in) { return lp_pool2d(in[0], 3, 2, {.stride = 3, .ceil_mode = true}); }};
  const Tensor x = wavy({2, 2, 4, 5}, 0.3) + 1.5;
  for (const Function& f : of) {
    CHECK(slope_error(f, {x}) < 1e-7);
    CHECK(slope_error(f, {x}, true) < 1e-7);
    CHECK(curvature_error(f, {x}) < 1e-5);
  }
}

TEST_CASE("pooling: one and three axes, no batch, empty") {
  const Tensor x = wavy({2, 3, 10}, 0.2);
  CHECK(equal(max_pool1d(x, 3), squeeze(max_pool2d(unsqueeze(x, 2), {1, 3}), 2)));
  CHECK(equal(avg_pool1d(x, 3, {.padding = 1}),
              squeeze(avg_pool2d(unsqueeze(x, 2), {1, 3}, {.padding = {0, 1}}), 2)));
  CHECK(equal(max_pool1d(reshape(x, {6, 10}), 3), reshape(max_pool1d(x, 3), {6, 3})));
  CHECK(equal(lp_pool1d(x, 2, 3), squeeze(lp_pool2d(unsqueeze(x, 2), 2, {1, 3}), 2)));
  const Tensor deep = reshape(arange(0, 48, 1, float64), {1, 2, 2, 3, 4});
  CHECK(equal(max_pool3d_with_indices(deep, {2, 3, 2}).indices,
              Tensor({{{{{21, 23}}}, {{{21, 23}}}}}, int64)));
  CHECK(equal(max_pool3d(deep, {2, 3, 2}), Tensor({{{{{21, 23}}}, {{{45, 47}}}}}, float64)));
  CHECK(equal(avg_pool3d(deep, {2, 3, 4}), Tensor({{{{{11.5}}}, {{{35.5}}}}}, float64)));
  CHECK(equal(adaptive_avg_pool3d(deep, 1), Tensor({{{{{11.5}}}, {{{35.5}}}}}, float64)));
  CHECK(equal(adaptive_max_pool3d(deep, 1), Tensor({{{{{23}}}, {{{47}}}}}, float64)));
  CHECK(max_pool2d(zeros({0, 3, 4, 4}), 2).shape() == Shape{0, 3, 2, 2});
  CHECK(avg_pool2d(zeros({0, 3, 4, 4}), 2).shape() == Shape{0, 3, 2, 2});
  CHECK(adaptive_avg_pool1d(x, 0).shape() == Shape{2, 3, 0});
  Tensor none = zeros({0, 3, 4, 4}).requires_grad(true);
  max_pool2d(none, 2).backward(zeros({0, 3, 2, 2}));
  CHECK(none.grad().shape() == Shape{0, 3, 4, 4});
}

TEST_CASE("pooling: adaptive windows overlap where the size does not divide") {
  const Tensor x = Tensor({{{1, 5, 2, 8, 3}}}, float64);
  CHECK(distance(adaptive_avg_pool1d(x, 3), Tensor({{{3, 5, 5.5}}}, float64)) < 1e-14);
  CHECK(equal(adaptive_max_pool1d(x, 3), Tensor({{{5, 8, 8}}}, float64)));
  CHECK(equal(adaptive_max_pool1d_with_indices(x, 3).indices, Tensor({{{1, 3, 3}}}, int64)));
  CHECK(equal(adaptive_max_pool2d_with_indices(unsqueeze(x, 2), {1, 3}).indices,
              Tensor({{{{1, 3, 3}}}}, int64)));
  CHECK(equal(adaptive_max_pool3d_with_indices(reshape(x, {1, 1, 1, 1, 5}), {1, 1, 3}).indices,
              Tensor({{{{{1, 3, 3}}}}}, int64)));
  CHECK(equal(max_pool1d_with_indices(x, 2).indices, Tensor({{{1, 3}}}, int64)));
  CHECK(equal(adaptive_avg_pool1d(x, 10).detach(),
              Tensor({{{1, 1, 5, 5, 2, 2, 8, 8, 3, 3}}}, float64)));
}

TEST_CASE("pooling: the slope of a norm of zeros is zero") {
  Tensor x = zeros({1, 1, 2, 2}, float64).requires_grad(true);
  lp_pool2d(x, 2, 2).backward(ones({1, 1, 1, 1}, float64));
  CHECK(equal(x.grad(), zeros({1, 1, 2, 2}, float64)));
}

TEST_CASE("pooling: errors") {
  const Tensor x = zeros({1, 2, 4, 4});
  const auto begins = [](const std::string& text, const std::string& start) {
    CHECK_MESSAGE(text.substr(0, start.size()) == start, text);
  };
  begins(
      message<ShapeError>([&] { max_pool2d(x, 5); }),
      "max_pool2d: a window of 5 points does not fit into 4, padding included; x is [1, 2, 4, 4]");
  begins(message<ShapeError>([&] {
           avg_pool2d(zeros({4, 4}), 2);
         }),
         "avg_pool2d: x is [4, 4]; batch, channels and 2 spatial axes wanted");
  begins(message<ShapeError>([&] {
           max_pool2d(zeros({1, 2, 0, 4}), 1);
         }),
         "max_pool2d: nothing to pool in an image without points: x is [1, 2, 0, 4]");
  begins(message<ShapeError>([&] {
           max_pool1d(zeros({1, 1, 1}), 2, {.stride = 1, .padding = 2, .dilation = 3});
         }),
         "max_pool1d: a window sees only padding; x is [1, 1, 1]");
  begins(message<ShapeError>([&] {
           max_pool1d(zeros({1, 1, 2}), 2, {.stride = 1, .padding = 1, .dilation = 3});
         }),
         "max_pool1d: a window sees only padding; x is [1, 1, 2]");
  begins(message<ShapeError>([&] {
           max_pool2d(zeros({0, 1, 1 << 16, 1 << 15}), 1);
         }),
         "max_pool2d: an image of at most 2^31 - 1 points wanted: x is [0, 1, 65536, 32768]");
  begins(message<ValueError>([&] { max_pool2d(x, 2, {.padding = 2}); }),
         "max_pool2d: padding 2 is more than half of a window of 2 points");
  begins(message<ValueError>([&] { avg_pool2d(x, 0); }),
         "avg_pool2d: kernel_size is [0], values from 1 to 2^31 - 1 wanted");
  begins(message<ValueError>([&] { avg_pool2d(x, 2, {.stride = {}, .divisor_override = -1}); }),
         "avg_pool2d: divisor_override is -1, a number of points wanted");
  begins(message<DTypeError>([&] {
           adaptive_avg_pool2d(zeros({1, 1, 2, 2}, int64), 1);
         }),
         "adaptive_avg_pool2d: a floating tensor wanted");
}
