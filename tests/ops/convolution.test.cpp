#include "../check.hpp"

using namespace check;

namespace {

using Numbers = std::vector<double>;
using Sizes = std::vector<std::int64_t>;

Tensor wavy(const Shape& shape, double phase, DType dtype = float64) {
  const Tensor count = arange(0, static_cast<double>(shape.numel()), 1, float64);
  return cast(reshape(sin(count * 1.3 + phase), shape), dtype);
}

struct Case {
  Shape x, kernel;
  ConvOptions options;
  Sizes stride, before, after, dilation;  // the same for each axis
};

// Calls f(index in x, in the kernel, in y) for every product of a convolution, as up to three axes.
struct Loops {
  Shape x, kernel, y;
  Sizes stride{1, 1, 1}, before{0, 0, 0}, dilation{1, 1, 1};
  std::int64_t groups;

  explicit Loops(const Case& c) : groups(c.options.groups) {
    const int rank = c.x.rank() - 2;
    x = {c.x[0], c.x[1], 1, 1, 1};
    kernel = {c.kernel[0], c.kernel[1], 1, 1, 1};
    y = {c.x[0], c.kernel[0], 1, 1, 1};
    for (int i = 0; i < rank; ++i) {
      const int a = 5 - rank + i;
      x[a] = c.x[i + 2];
      kernel[a] = c.kernel[i + 2];
      stride[a - 2] = c.stride[i];
      before[a - 2] = c.before[i];
      dilation[a - 2] = c.dilation[i];
      y[a] =
          (x[a] + c.before[i] + c.after[i] - c.dilation[i] * (kernel[a] - 1) - 1) / c.stride[i] + 1;
    }
  }
  template <class F>
  void run(F f) const {
    const std::int64_t filters = kernel[0] / groups;
    std::int64_t at_y = 0;
    for (std::int64_t n = 0; n < y[0]; ++n)
      for (std::int64_t o = 0; o < y[1]; ++o)
        for (std::int64_t p = 0; p < y[2] * y[3] * y[4]; ++p, ++at_y) {
          const std::int64_t position[] = {p / y[4] / y[3], p / y[4] % y[3], p % y[4]};
          std::int64_t at_kernel = o * kernel[1] * kernel[2] * kernel[3] * kernel[4];
          for (std::int64_t c = 0; c < kernel[1]; ++c)
            for (std::int64_t t = 0; t < kernel[2] * kernel[3] * kernel[4]; ++t, ++at_kernel) {
              const std::int64_t tap[] = {t / kernel[4] / kernel[3], t / kernel[4] % kernel[3],
                                          t % kernel[4]};
              std::int64_t at_x = n * x[1] + o / filters * kernel[1] + c;
              bool inside = true;
              for (int a = 0; a < 3; ++a) {
                const std::int64_t i = position[a] * stride[a] - before[a] + tap[a] * dilation[a];
                inside = inside && i >= 0 && i < x[a + 2];
                at_x = at_x * x[a + 2] + i;
              }
              if (inside) f(at_x, at_kernel, at_y);
            }
        }
  }
  Shape result(int rank) const {
    Shape shape{y[0], y[1]};
    for (int i = 0; i < rank; ++i) shape.push_back(y[5 - rank + i]);
    return shape;
  }
};

Tensor conv(const Tensor& x, const Tensor& kernel, const Tensor& bias, const ConvOptions& options) {
  switch (kernel.rank()) {
    case 3: return conv1d(x, kernel, bias, options);
    case 4: return conv2d(x, kernel, bias, options);
    default: return conv3d(x, kernel, bias, options);
  }
}

Tensor bias_along(const Tensor& bias, int rank) {
  Shape shape{bias.numel()};
  for (int i = 0; i < rank; ++i) shape.push_back(1);
  return reshape(bias, shape);
}

// Values and both gradients against the loops.
void compare(const Case& c, DType dtype, double tolerance) {
  CAPTURE(c.x.str());
  CAPTURE(c.kernel.str());
  const Loops loops(c);
  const int rank = c.x.rank() - 2;
  Tensor x = wavy(c.x, 0.1, dtype), kernel = wavy(c.kernel, 0.7, dtype);
  Tensor bias = wavy({c.kernel[0]}, 1.9, dtype);
  const Tensor seed = wavy(loops.result(rank), 0.4, dtype);
  const Numbers a = numbers(x), b = numbers(kernel), g = numbers(seed);
  Numbers y(g.size()), dx(a.size()), dk(b.size());
  loops.run([&](std::int64_t i, std::int64_t k, std::int64_t o) {
    y[o] += a[i] * b[k];
    dx[i] += g[o] * b[k];
    dk[k] += g[o] * a[i];
  });
  for (Tensor* leaf : {&x, &kernel, &bias}) leaf->requires_grad(true);
  const Tensor out = conv(x, kernel, bias, c.options);
  const Tensor plain = Tensor::from(y.data(), loops.result(rank));
  CHECK(out.dtype() == dtype);
  CHECK(distance(cast(out, float64), plain + bias_along(cast(bias, float64), rank)) < tolerance);
  CHECK(distance(cast(conv(x, kernel, {}, c.options), float64), plain) < tolerance);
  out.backward(seed);
  CHECK(distance(cast(x.grad(), float64), Tensor::from(dx.data(), c.x)) < tolerance);
  CHECK(distance(cast(kernel.grad(), float64), Tensor::from(dk.data(), c.kernel)) < tolerance);
  const Tensor rows = reshape(cast(seed, float64), {seed.size(0), seed.size(1), -1});
  CHECK(distance(cast(bias.grad(), float64), sum(rows, {0, 2})) < tolerance);
}

const std::vector<Case> cases = {
    {{2, 3, 7}, {4, 3, 3}, {}, {1}, {0}, {0}, {1}},
    {{1, 1, 5}, {1, 1, 5}, {}, {1}, {0}, {0}, {1}},
    {{2, 4, 9}, {6, 2, 3}, {.padding = 2, .dilation = 2, .groups = 2}, {1}, {2}, {2}, {2}},
    {{2, 2, 8}, {3, 2, 4}, {.padding = "same", .dilation = 2}, {1}, {3}, {3}, {2}},
    {{2, 2, 8}, {3, 2, 4}, {.padding = "same"}, {1}, {1}, {2}, {1}},
    {{1, 2, 3}, {2, 2, 2}, {.padding = 5}, {1}, {5}, {5}, {1}},
    {{1, 2, 3}, {2, 2, 2}, {.stride = 3, .padding = 4}, {3}, {4}, {4}, {1}},
    {{3, 4, 6}, {4, 1, 2}, {.padding = "valid", .groups = 4}, {1}, {0}, {0}, {1}},
    {{2, 3, 5, 4}, {2, 3, 3, 2}, {.padding = {1, 0}}, {1, 1}, {1, 0}, {1, 0}, {1, 1}},
    {{2, 2, 6, 5}, {2, 2, 3, 3}, {.padding = 1}, {1, 1}, {1, 1}, {1, 1}, {1, 1}},
    {{2, 2, 6, 5}, {2, 2, 5, 1}, {.padding = {1, 0}}, {1, 1}, {1, 0}, {1, 0}, {1, 1}},
    {{1, 2, 6, 5},
     {2, 2, 2, 3},
     {.padding = {4, 6}, .dilation = {1, 6}},
     {1, 1},
     {4, 6},
     {4, 6},
     {1, 6}},
    {{2, 4, 7, 5},
     {8, 2, 3, 3},
     {.stride = {2, 1}, .padding = {2, 1}, .dilation = {2, 1}, .groups = 2},
     {2, 1},
     {2, 1},
     {2, 1},
     {2, 1}},
    {{2, 3, 4, 4}, {5, 3, 1, 1}, {}, {1, 1}, {0, 0}, {0, 0}, {1, 1}},
    {{2, 3, 4, 4}, {5, 3, 1, 1}, {.stride = 2}, {2, 2}, {0, 0}, {0, 0}, {1, 1}},
    {{2, 2, 4, 3},
     {3, 2, 2, 3},
     {.stride = {1, 2}, .padding = {0, 2}},
     {1, 2},
     {0, 2},
     {0, 2},
     {1, 1}},
    {{1, 2, 3, 4, 3}, {2, 1, 2, 2, 2}, {.groups = 2}, {1, 1, 1}, {0, 0, 0}, {0, 0, 0}, {1, 1, 1}},
    {{2, 2, 4, 4, 5},
     {3, 2, 3, 3, 3},
     {.stride = {2, 1, 1}, .padding = 1},
     {2, 1, 1},
     {1, 1, 1},
     {1, 1, 1},
     {1, 1, 1}},
};

}  // namespace

TEST_CASE("convolution: values and gradients equal loops") {
  for (const Case& c : cases) {
    compare(c, float64, 1e-13);
    compare(c, float32, 1e-5);
  }
}

TEST_CASE("convolution: second derivatives") {
  const Function of[] = {
      [](auto& in) { return conv1d(in[0], in[1], in[2], {.stride = 2, .padding = 2}); },
      [](auto& in) { return conv_transpose1d(in[0], in[1], in[2], {.stride = 2, .padding = 1}); }};
  for (const Function& f : of) {
    const std::vector<Tensor> points{wavy({2, 2, 4}, 0.1), wavy({2, 2, 3}, 0.5), wavy({2}, 0.9)};
    CHECK(slope_error(f, points) < 1e-7);
    CHECK(slope_error(f, points, true) < 1e-7);
    CHECK(curvature_error(f, points) < 1e-6);
  }
}

TEST_CASE("convolution: the kernel's gradient has a slope in x alone") {
  const Tensor x = wavy({2, 3, 5, 4}, 0.1).requires_grad(true), c = wavy({4, 3, 2, 3}, 0.9);
  const Tensor kernel = wavy({4, 3, 2, 3}, 0.4).requires_grad(true);
  const Tensor slope = grad(sum(conv2d(x, kernel)), {kernel}, {.create_graph = true})[0];
  CHECK(distance(grad(sum(slope * c), {x})[0], grad(sum(conv2d(x, c)), {x})[0]) < 1e-13);
}

TEST_CASE("convolution: blocks of many images and of parts of one") {
  const Sizes one{1, 1}, none{0, 0};
  compare({{70, 2, 5, 6}, {3, 2, 3, 3}, {.padding = 1}, one, one, one, one}, float64, 1e-12);
  compare({{70, 4, 5, 6}, {6, 2, 2, 3}, {.groups = 2}, one, none, none, one}, float64, 1e-12);
  compare({{300, 3, 2, 2}, {2, 3, 1, 1}, {}, one, none, none, one}, float64, 1e-12);
  compare({{2, 2, 70, 40}, {3, 2, 3, 3}, {.padding = 1}, one, one, one, one}, float64, 1e-12);
  compare({{2, 2, 70, 40}, {2, 1, 3, 2}, {.stride = 2, .groups = 2}, {2, 2}, none, none, one},
          float64, 1e-12);
  compare({{2, 3, 70, 40}, {4, 3, 1, 1}, {}, one, none, none, one}, float64, 1e-12);
  compare({{1, 2, 3, 40, 30},
           {2, 2, 3, 3, 3},
           {.padding = 1},
           {1, 1, 1},
           {1, 1, 1},
           {1, 1, 1},
           {1, 1, 1}},
          float64, 1e-12);
}

TEST_CASE("convolution: the kernel's gradient is the sum over images, in however many pieces") {
  const Tensor x = wavy({8, 8, 32, 32}, 0.2), seed = wavy({8, 16, 32, 32}, 0.5);
  const auto slope = [&](std::int64_t first, std::int64_t behind) {
    const Tensor kernel = wavy({16, 8, 3, 3}, 0.8).requires_grad(true);
    const auto images = [&](const Tensor& of) {
      return slice(of, 0, {.start = first, .stop = behind});
    };
    conv2d(images(x), kernel, {}, {.padding = 1}).backward(images(seed));
    return kernel.grad();
  };
  Tensor one_by_one = zeros({16, 8, 3, 3}, float64);
  for (std::int64_t n = 0; n < 8; ++n) one_by_one = one_by_one + slope(n, n + 1);
  CHECK(distance(slope(0, 8), one_by_one) < 1e-11);
}

TEST_CASE("convolution: any number of threads computes the same bits") {
  const Tensor x = wavy({40, 8, 20, 20}, 0.2, float32), kernel = wavy({16, 8, 3, 3}, 0.8, float32);
  const Tensor seed = wavy({40, 16, 20, 20}, 0.5, float32);
  const auto run = [&](int threads) {
    const int before = num_threads();
    set_num_threads(threads);
    Tensor a = x.copy().requires_grad(true), k = kernel.copy().requires_grad(true);
    const Tensor y = conv2d(a, k, {}, {.padding = 1});
    y.backward(seed);
    set_num_threads(before);
    return std::vector<Tensor>{y.detach(), a.grad(), k.grad()};
  };
  const std::vector<Tensor> alone = run(1), together = run(3);
  for (std::size_t i = 0; i < alone.size(); ++i) CHECK(equal(alone[i], together[i]));
}

TEST_CASE("convolution: the transpose is the gradient of a convolution") {
  const Tensor y = wavy({2, 4, 3, 2}, 0.3), kernel = wavy({4, 2, 3, 2}, 1.0);
  Tensor x = zeros({2, 4, 7, 5}, float64).requires_grad(true);
  conv2d(x, kernel, {}, {.stride = {3, 2}, .padding = {1, 0}, .dilation = {1, 2}, .groups = 2})
      .backward(y);
  const Tensor out = conv_transpose2d(y, kernel, {},
                                      {.stride = {3, 2},
                                       .padding = {1, 0},
                                       .output_padding = {0, 0},
                                       .groups = 2,
                                       .dilation = {1, 2}});
  CHECK(equal(out, x.grad()));
  const Tensor bias = wavy({4}, 0);
  CHECK(distance(conv_transpose2d(
                     y, kernel, bias,
                     {.stride = {3, 2}, .padding = {1, 0}, .groups = 2, .dilation = {1, 2}}),
                 out + bias_along(bias, 2)) < 1e-14);
  const Tensor longer =
      conv_transpose1d(ones({1, 1, 3}), ones({1, 1, 2}), {}, {.stride = 2, .output_padding = 1});
  CHECK(equal(longer, Tensor({{{1, 1, 1, 1, 1, 1, 0}}})));
  CHECK(conv_transpose3d(ones({2, 3, 1, 1, 1}), ones({3, 4, 2, 3, 4})).shape() ==
        Shape{2, 4, 2, 3, 4});
}

TEST_CASE("convolution: no batch axis, no images, no channels, no filters") {
  const Tensor x = wavy({3, 5, 6}, 0.1), kernel = wavy({2, 3, 3, 3}, 0.2), bias = wavy({2}, 0.3);
  const Tensor whole = conv2d(unsqueeze(x, 0), kernel, bias);
  CHECK(equal(conv2d(x, kernel, bias), squeeze(whole, 0)));
  CHECK(conv_transpose1d(ones({3, 4}), ones({3, 2, 2})).shape() == Shape{2, 5});
  Tensor none = zeros({0, 3, 5, 6}, float64).requires_grad(true);
  Tensor weight = kernel.copy().requires_grad(true);
  const Tensor empty = conv2d(none, weight);
  CHECK(empty.shape() == Shape{0, 2, 3, 4});
  empty.backward(zeros({0, 2, 3, 4}, float64));
  CHECK(none.grad().shape() == Shape{0, 3, 5, 6});
  CHECK(equal(weight.grad(), zeros({2, 3, 3, 3}, float64)));
  CHECK(equal(conv1d(zeros({2, 0, 4}), zeros({3, 0, 2}), ones({3})), ones({2, 3, 3})));
  CHECK(equal(conv1d(zeros({2, 0, 4}), zeros({3, 0, 2})), zeros({2, 3, 3})));
  CHECK(conv1d(zeros({2, 1, 4}), zeros({0, 1, 2})).shape() == Shape{2, 0, 3});
  CHECK(
      equal(conv1d(zeros({1, 1, 0}), ones({1, 1, 1}), ones({1}), {.padding = 1}), ones({1, 1, 2})));
}

TEST_CASE("convolution: unfold shows patches, fold adds them up") {
  const Tensor x = wavy({2, 2, 4, 5}, 0.1), kernel = wavy({3, 2, 2, 3}, 0.6);
  const Tensor columns = unfold(x, {2, 3}, {.padding = {1, 0}, .stride = {2, 1}});
  CHECK(columns.shape() == Shape{2, 12, 9});
  const Tensor product = matmul(reshape(kernel, {3, 12}), columns);
  CHECK(distance(reshape(product, {2, 3, 3, 3}),
                 conv2d(x, kernel, {}, {.stride = {2, 1}, .padding = {1, 0}})) < 1e-14);
  CHECK(equal(fold(ones({1, 4, 4}), 3, 2), Tensor({{{{1, 2, 1}, {2, 4, 2}, {1, 2, 1}}}})));
  CHECK(fold(ones({4, 4}), 3, 2).shape() == Shape{1, 3, 3});
  CHECK(unfold(ones({1, 3, 3}), 2).shape() == Shape{4, 4});
  CHECK(unfold(ones({0, 1, 3, 3}), 2).shape() == Shape{0, 4, 4});
  const Function there = [](auto& in) { return unfold(in[0], 2, {.dilation = 2, .padding = 1}); };
  const Function back = [](auto& in) { return fold(in[0], {3, 4}, 2, {.stride = {1, 2}}); };
  CHECK(slope_error(there, {wavy({1, 2, 3, 4}, 0)}) < 1e-8);
  CHECK(curvature_error(there, {wavy({1, 2, 3, 4}, 0)}) < 1e-6);
  CHECK(slope_error(back, {wavy({2, 4, 4}, 0)}) < 1e-8);
  CHECK(curvature_error(back, {wavy({2, 4, 4}, 0)}) < 1e-6);
}

TEST_CASE("convolution: errors") {
  const Tensor x = zeros({1, 4, 5, 5}), w = zeros({2, 4, 3, 3});
  const auto begins = [](const std::string& text, const std::string& start) {
    CHECK_MESSAGE(text.substr(0, start.size()) == start, text);
  };
  const auto shape = [&](const char* start, auto f) { begins(message<ShapeError>(f), start); };
  const auto value = [&](const char* start, auto f) { begins(message<ValueError>(f), start); };
  const auto dtype = [&](const char* start, auto f) { begins(message<DTypeError>(f), start); };
  shape("conv2d: x is [5]; batch, channels and 2 spatial axes wanted, the batch may be missing",
        [&] { conv2d(zeros({5}), w); });
  shape("conv2d: weight is [4]; two axes of channels and 2 of the kernel wanted",
        [&] { conv2d(x, zeros({4})); });
  shape("conv2d: channels do not fit: x is [1, 4, 5, 5], weight [2, 3, 3, 3] with 1 groups", [&] {
    conv2d(x, zeros({2, 3, 3, 3}));
  });
  shape("conv2d: channels do not fit: x is [1, 4, 5, 5], weight [3, 2, 3, 3] with 2 groups", [&] {
    conv2d(x, zeros({3, 2, 3, 3}), {}, {.groups = 2});
  });
  shape("conv2d: a window of 6 points does not fit into 5, padding included; x is [1, 4, 5, 5]",
        [&] {
          conv2d(x, zeros({2, 4, 6, 3}));
        });
  shape("conv2d: a kernel without taps: weight is [2, 4, 0, 3]", [&] {
    conv2d(x, zeros({2, 4, 0, 3}));
  });
  shape("conv2d: bias is float32 [3], float32 [2] wanted", [&] { conv2d(x, w, zeros({3})); });
  shape("conv2d: bias is float64 [2], float32 [2] wanted",
        [&] { conv2d(x, w, zeros({2}, float64)); });
  shape("conv1d: sizes of at most 2^31 - 1 wanted, one of the product is 4294967296", [&] {
    conv1d(zeros({0, 1, 1ll << 32}), zeros({1, 1, 1}));
  });
  dtype("conv2d: two floating tensors of one type wanted: float32 and float64", [&] {
    conv2d(x, zeros({2, 4, 3, 3}, float64));
  });
  dtype("conv2d: a floating tensor wanted", [&] { conv2d(zeros({1, 4, 5, 5}, int64), w); });
  value("conv2d: groups is 0, at least 1 wanted", [&] { conv2d(x, w, {}, {.groups = 0}); });
  value("conv2d: stride is [1, 0], values from 1 to 2^31 - 1 wanted", [&] {
    conv2d(x, w, {}, {.stride = {1, 0}});
  });
  value("conv2d: padding is [1, 1, 1], one value or one for each of 2 axes wanted", [&] {
    conv2d(x, w, {}, {.padding = {1, 1, 1}});
  });
  value("conv2d: padding is 'some'; sizes, 'same' or 'valid' wanted",
        [&] { conv2d(x, w, {}, {.padding = "some"}); });
  value("conv2d: padding 'same' with stride 2, 1 wanted",
        [&] { conv2d(x, w, {}, {.stride = 2, .padding = "same"}); });
  shape("conv_transpose2d: channels do not fit: x is [1, 4, 5, 5], weight [3, 2, 3, 3] with 1",
        [&] {
          conv_transpose2d(x, zeros({3, 2, 3, 3}));
        });
  shape("conv_transpose2d: x is [1, 4, 5, 5], weight [4, 2, 1, 1]: axis 2 of the result would have",
        [&] {
          conv_transpose2d(x, zeros({4, 2, 1, 1}), {}, {.padding = 3});
        });
  value("conv_transpose2d: output_padding is 2, less than stride 2 or dilation 1 wanted", [&] {
    conv_transpose2d(x, zeros({4, 2, 3, 3}), {}, {.stride = 2, .output_padding = 2});
  });
  shape("unfold: a window of 6 points does not fit into 5", [&] { unfold(x, 6); });
  shape("fold: x is [1, 8, 5]; [batch, a multiple of 4 taps, 4 positions] wanted", [&] {
    fold(zeros({1, 8, 5}), 3, 2);
  });
}
