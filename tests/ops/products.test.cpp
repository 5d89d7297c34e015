#include "../blames.hpp"

using namespace check;

namespace {

using Numbers = std::vector<double>;

Tensor wavy(const Shape& shape, double phase, DType dtype = float64) {
  const Tensor count = arange(0, static_cast<double>(shape.numel()), 1, float64);
  return cast(reshape(sin(count * 1.3 + phase), shape), dtype);
}

// The product by loops, with NumPy's rules for axes.
Tensor naive(const Tensor& a, const Tensor& b) {
  const Tensor left = a.rank() == 1 ? unsqueeze(a, 0) : a;
  const Tensor right = b.rank() == 1 ? unsqueeze(b, 1) : b;
  const auto stack_of = [](const Tensor& x) {
    return Shape(std::span<const std::int64_t>(x.shape().begin(), x.rank() - 2));
  };
  const Shape stack = broadcast(stack_of(left), stack_of(right), "naive", {});
  const std::int64_t m = left.size(-2), k = left.size(-1), n = right.size(-1);
  Shape whole_a = stack, whole_b = stack, shape = stack;
  for (std::int64_t size : {m, k}) whole_a.push_back(size);
  for (std::int64_t size : {k, n}) whole_b.push_back(size);
  const Numbers x = numbers(broadcast_to(left, whole_a)), y = numbers(broadcast_to(right, whole_b));
  Numbers out(static_cast<std::size_t>(stack.numel() * m * n));
  for (std::int64_t s = 0; s < stack.numel(); ++s)
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j)
        for (std::int64_t l = 0; l < k; ++l)
          out[(s * m + i) * n + j] += x[(s * m + i) * k + l] * y[(s * k + l) * n + j];
  if (a.rank() > 1) shape.push_back(m);
  if (b.rank() > 1) shape.push_back(n);
  return Tensor::from(out.data(), shape);
}

const std::vector<std::pair<Shape, Shape>> pairs = {{{3}, {3}},
                                                    {{3}, {3, 2}},
                                                    {{2, 3}, {3}},
                                                    {{2, 3}, {3, 4}},
                                                    {{1, 1}, {1, 1}},
                                                    {{5, 2, 3}, {3, 4}},
                                                    {{5, 2, 3}, {3}},
                                                    {{3}, {5, 3, 4}},
                                                    {{2, 3}, {5, 3, 4}},
                                                    {{5, 2, 3}, {5, 3, 4}},
                                                    {{5, 1, 2, 3}, {4, 3, 2}},
                                                    {{1, 2, 3}, {5, 3, 1}},
                                                    {{0, 3}, {3, 2}},
                                                    {{2, 0}, {0, 3}},
                                                    {{2, 3}, {3, 0}},
                                                    {{0}, {0}},
                                                    {{4, 2, 0}, {0, 3}},
                                                    {{0, 2, 3}, {3, 4}},
                                                    {{0, 2, 3}, {0, 3, 4}},
                                                    {{4, 2, 0}, {4, 0, 3}},
                                                    {{4, 2, 0}, {0}},
                                                    {{2, 2, 1, 3}, {2, 1, 3, 1}}};

}  // namespace

TEST_CASE("products: matmul of all combinations of axes, empty ones too") {
  for (const auto& pair : pairs)
    for (DType dtype : {float32, float64}) {
      const Shape &a = pair.first, &b = pair.second;
      CAPTURE(a.str());
      CAPTURE(b.str());
      const Tensor x = wavy(a, 0.1, dtype), y = wavy(b, 0.7, dtype);
      const Tensor out = matmul(x, y);
      CHECK(out.dtype() == dtype);
      CHECK(distance(out, cast(naive(x, y), dtype)) < (dtype == float32 ? 1e-6 : 1e-14));
    }
}

TEST_CASE("products: slopes of matmul of first and second order") {
  const Function f = [](const std::vector<Tensor>& in) { return matmul(in[0], in[1]); };
  for (const auto& pair : pairs) {
    const Shape &a = pair.first, &b = pair.second;
    CAPTURE(a.str());
    CAPTURE(b.str());
    const std::vector<Tensor> points{wavy(a, 0.1), wavy(b, 0.7)};
    CHECK(slope_error(f, points) < 1e-7);
    CHECK(slope_error(f, points, true) < 1e-7);
    CHECK(curvature_error(f, points) < 1e-6);
  }
}

TEST_CASE("products: large products, in pieces, have the same bits on any number of threads") {
  const int before = num_threads();
  for (const auto& [m, k, n] :
       {std::array<int, 3>{1030, 70, 300}, {300, 70, 1030}, {513, 513, 513}}) {
    const Tensor a = wavy({m, k}, 0.3, float32), b = wavy({k, n}, 0.9, float32);
    set_num_threads(1);
    const Tensor one = matmul(a, b);
    set_num_threads(2);
    CHECK(equal(one, matmul(a, b)));
    set_num_threads(before);
    CHECK(distance(one, cast(naive(a, b), float32)) < 1e-4);
  }
  // few rows, of the whole or of a piece
  for (const auto& [rows, features] :
       {std::array<std::int64_t, 2>{24, 600}, {64, 600}, {64, 64}, {128, 128}}) {
    const Tensor x = wavy({rows, 700}, 0.3, float32), bias = wavy({features}, 0.5, float32);
    const Tensor weight = wavy({features, 700}, 0.9, float32);
    set_num_threads(1);
    const Tensor one = linear(x, weight, bias);
    set_num_threads(2);
    CHECK(equal(one, linear(x, weight, bias)));
    set_num_threads(before);
    CHECK(distance(one, cast(naive(x, transpose(weight)) + bias, float32)) < 1e-4);
  }
  const Tensor a = wavy({40, 50, 60}, 0.3), b = wavy({40, 60, 30}, 0.9);
  CHECK(distance(matmul(a, b), naive(a, b)) < 1e-12);
}

TEST_CASE("products: gradients add to what is there") {
  const Tensor a = wavy({3, 4}, 0).requires_grad(true), b = wavy({4, 2}, 1).requires_grad(true);
  const Tensor seed = wavy({3, 2}, 2);
  matmul(a, b).backward(seed);
  const Tensor first_a = a.grad().copy(), first_b = b.grad().copy();
  CHECK(distance(first_a, naive(seed, transpose(b.detach()))) < 1e-14);
  CHECK(distance(first_b, naive(transpose(a.detach()), seed)) < 1e-14);
  matmul(a, b).backward(seed);
  CHECK(distance(a.grad(), first_a * 2) < 1e-14);
  CHECK(distance(b.grad(), first_b * 2) < 1e-14);
}

TEST_CASE("products: linear with leading axes, with and without bias, empty") {
  for (const Shape& leading :
       {Shape{}, Shape{5}, Shape{2, 3}, Shape{2, 1, 3}, Shape{0}, Shape{2, 0}})
    for (std::int64_t in : {0, 1, 4})
      for (std::int64_t out : {0, 3})
        for (bool with_bias : {false, true}) {
          Shape shape = leading;
          shape.push_back(in);
          CAPTURE(shape.str());
          std::vector<Tensor> points{wavy(shape, 0.2), wavy({out, in}, 1.1)};
          if (with_bias) points.push_back(wavy({out}, 2.2));
          const Function f = [](const std::vector<Tensor>& x) {
            return linear(x[0], x[1], x.size() > 2 ? x[2] : Tensor());
          };
          Tensor expected = naive(points[0], transpose(points[1]));
          if (with_bias) expected = expected + points[2];
          CHECK(distance(f(points), expected) < 1e-14);
          CHECK(slope_error(f, points) < 1e-7);
          if (out > 0 && in > 0) CHECK(curvature_error(f, points) < 1e-6);
        }
}

TEST_CASE("products: the gradient of a bias for few and for many rows") {
  for (std::int64_t rows : {1, 7, 128, 129, 1000})
    for (std::int64_t columns : {1, 5, 33}) {
      const Tensor x = wavy({rows, 4}, 0), w = wavy({columns, 4}, 1);
      const Tensor b = zeros({columns}, float64).requires_grad(true);
      const Tensor seed = wavy({rows, columns}, 2);
      for (int turn = 1; turn <= 2; ++turn) {
        linear(x, w, b).backward(seed);
        CHECK(distance(b.grad(), turn * sum(seed, 0)) < 1e-13);
      }
    }
}

TEST_CASE("products: NaN in memory that is not yet written does not matter") {
  { const Tensor dirt = full({64, 64}, std::nan("")); }
  CHECK(sum(matmul(ones({64, 8}), ones({8, 64}))).item<double>() == 64 * 64 * 8);
  { const Tensor dirt = full({64, 64}, std::nan("")); }
  CHECK(sum(matmul(ones({64, 0}), ones({0, 64}))).item<double>() == 0);
}

TEST_CASE("products: sizes that are cut into tiles, transposed or not, added or not") {
  for (const auto& sizes : {std::array<int, 3>{129, 300, 70},
                            {50, 515, 65},
                            {130, 210, 11},
                            {70, 64, 15},
                            {33, 250, 41},
                            {131, 1023, 17}})
    for (DType dtype : {float32, float64}) {
      const int m = sizes[0], k = sizes[1], n = sizes[2];
      const double close = dtype == float32 ? 1e-4 : 1e-12;
      Tensor a = wavy({m, k}, 0.3, dtype), b = wavy({k, n}, 0.9, dtype);
      Tensor w = cast(transpose(b), dtype), seed = wavy({m, n}, 2, dtype);
      CAPTURE(m);
      CAPTURE(k);
      CAPTURE(n);
      const Tensor product = cast(naive(a, b), dtype);
      CHECK(distance(matmul(a, b), product) < close);
      CHECK(distance(linear(a, w, ones({n}, dtype)), product + 1) < close);
      a.requires_grad(true), w.requires_grad(true);
      for (int times : {1, 2}) {  // the second time the gradient is added in place
        linear(a, w).backward(seed);
        const Tensor ga = cast(naive(seed, w.detach()), dtype);
        const Tensor gw = cast(naive(transpose(seed), a.detach()), dtype);
        CHECK(distance(a.grad(), times * ga) < close);
        CHECK(distance(w.grad(), times * gw) < close);
      }
    }
}

TEST_CASE("products: dot, mv, mm and bmm are matmul for their ranks") {
  const Tensor v = wavy({3}, 0), w = wavy({3}, 1), a = wavy({2, 3}, 2), b = wavy({3, 4}, 3);
  CHECK(equal(dot(v, w), matmul(v, w)));
  CHECK(equal(mv(a, v), matmul(a, v)));
  CHECK(equal(mm(a, b), matmul(a, b)));
  const Tensor s = wavy({5, 2, 3}, 0), t = wavy({5, 3, 4}, 1);
  CHECK(equal(bmm(s, t), matmul(s, t)));
  CHECK_BLAMES(ShapeError, "dot: 1-d and 1-d operands wanted: left [2, 3], right [3]", dot(a, v));
  CHECK_BLAMES(ShapeError, "mv: 2-d and 1-d operands wanted: left [2, 3], right [3, 4]", mv(a, b));
  CHECK_BLAMES(ShapeError, "mm: inner sizes differ: left [2, 3], right [2, 3]; did you mean",
               mm(a, a));
  CHECK_BLAMES(ShapeError, "bmm: stacks of 5 and 1 matrices: left [5, 2, 3], right [1, 3, 4]",
               bmm(s, unsqueeze(b, 0)));
  CHECK_BLAMES(ShapeError, "bmm: 3-d and 3-d operands wanted", bmm(s, b));
}

TEST_CASE("products: addmm") {
  const Tensor a = wavy({2, 3}, 0), b = wavy({3, 4}, 1);
  for (const Shape& shape : {Shape{2, 4}, Shape{4}, Shape{2, 1}, Shape{}})
    for (double beta : {0.0, 1.0, -0.5})
      for (double alpha : {1.0, 2.5}) {
        const Tensor c = wavy(shape, 2);
        CHECK(distance(addmm(c, a, b, beta, alpha), beta * c + alpha * naive(a, b)) < 1e-14);
        const Function f = [&](const std::vector<Tensor>& in) {
          return addmm(beta == 0 ? c : in[2], in[0], in[1], beta, alpha);
        };
        std::vector<Tensor> points{a, b};
        if (beta != 0) points.push_back(c);
        CHECK(slope_error(f, points) < 1e-7);
      }
  CHECK(equal(addmm(full({4}, NAN, float64), a, b, 0), matmul(a, b)));
  CHECK(distance(addmm(1, a, b), 1 + naive(a, b)) < 1e-14);
  CHECK_BLAMES(ShapeError, "addmm: [3, 2, 4] does not broadcast to the product's shape [2, 4]",
               addmm(zeros({3, 2, 4}, float64), a, b));
  CHECK_BLAMES(ShapeError, "addmm: shapes do not broadcast", addmm(zeros({3}, float64), a, b));
  CHECK_BLAMES(ShapeError, "addmm: 2-d and 2-d operands wanted", addmm(a, a, wavy({3}, 0)));
  CHECK_BLAMES(DTypeError, "addmm: float32 added to a product of float64", addmm(zeros({4}), a, b));
}

TEST_CASE("products: outer") {
  CHECK(equal(outer(Tensor({1, 2}), Tensor({3, 4, 5})), Tensor({{3, 4, 5}, {6, 8, 10}})));
  CHECK(outer(zeros({0}), zeros({2})).shape() == Shape{0, 2});
  CHECK_BLAMES(ShapeError, "outer: 1-d operands wanted: left [2, 2], right [2]",
               outer(zeros({2, 2}), zeros({2})));
  const Function f = [](const std::vector<Tensor>& in) { return outer(in[0], in[1]); };
  CHECK(curvature_error(f, {wavy({3}, 0), wavy({2}, 1)}) < 1e-6);
}

TEST_CASE("products: tensordot") {
  const Tensor a = wavy({2, 3, 4}, 0), b = wavy({4, 3, 5}, 1);
  const Tensor flat = reshape(a, {2, 12}), other = reshape(permute(b, {1, 0, 2}), {12, 5});
  CHECK(distance(tensordot(a, b, {1, 2}, {1, 0}), naive(flat, other)) < 1e-14);
  CHECK(distance(tensordot(a, b, {-2, -1}, {-2, 0}), naive(flat, other)) < 1e-14);
  CHECK(distance(tensordot(a, b, 1),
                 reshape(naive(reshape(a, {6, 4}), reshape(b, {4, 15})), {2, 3, 3, 5})) < 1e-14);
  CHECK(distance(tensordot(a, reshape(b, {3, 4, 5})), naive(flat, reshape(b, {12, 5}))) < 1e-14);
  CHECK(tensordot(a, b, 0).shape() == Shape{2, 3, 4, 4, 3, 5});
  CHECK(distance(tensordot(a, a, {0, 1, 2}, {0, 1, 2}), sum(a * a)) < 1e-14);
  CHECK(tensordot(zeros({2, 0}), zeros({0, 3}), 1).shape() == Shape{2, 3});
  const Function f = [](const std::vector<Tensor>& in) {
    return tensordot(in[0], in[1], {1, 2}, {1, 0});
  };
  CHECK(curvature_error(f, {a, b}) < 1e-5);
  CHECK_BLAMES(IndexError, "tensordot: axes [0, 1] of the left do not pair with [0] of the right",
               tensordot(a, b, {0, 1}, {0}));
  CHECK_BLAMES(IndexError, "tensordot: axis 1 is named twice in [1, -2]",
               tensordot(a, b, {1, -2}, {1, 1}));
  CHECK_BLAMES(IndexError, "tensordot: axis 3 of a tensor with 3 axes", tensordot(a, b, {3}, {0}));
  CHECK_BLAMES(IndexError, "tensordot: 4 axes of [2, 3, 4] and [4, 3, 5] cannot be paired",
               tensordot(a, b, 4));
  CHECK_BLAMES(ShapeError,
               "tensordot: axis 0 of [2, 3, 4] is summed with axis 1 of [4, 3, 5]: sizes differ",
               tensordot(a, b, {0}, {1}));
}

TEST_CASE("products: bilinear") {
  for (const Shape& leading : {Shape{}, Shape{4}, Shape{2, 3}, Shape{0}}) {
    Shape left = leading, right = leading;
    left.push_back(3);
    right.push_back(2);
    const Tensor x = wavy(left, 0), y = wavy(right, 1), w = wavy({5, 3, 2}, 2), b = wavy({5}, 3);
    const Tensor out = bilinear(x, y, w, b);
    for (std::int64_t o = 0; o < 5; ++o) {
      const Tensor form = reshape(slice(w, 0, {.start = o, .stop = o + 1}), {3, 2});
      const Tensor value = sum(matmul(x, form) * y, -1) + b.data<double>()[o];
      CHECK(distance(squeeze(slice(out, -1, {.start = o, .stop = o + 1}), -1), value) < 1e-14);
    }
    CHECK(distance(bilinear(x, y, w), out - b) < 1e-14);
    const Function f = [](const std::vector<Tensor>& in) {
      return bilinear(in[0], in[1], in[2], in[3]);
    };
    CHECK(slope_error(f, {x, y, w, b}) < 1e-6);
    if (leading.numel() == 1) CHECK(curvature_error(f, {x, y, w, b}) < 1e-5);
  }
  const Tensor x = zeros({4, 3}), y = zeros({4, 2}), w = zeros({5, 3, 2});
  CHECK_BLAMES(ShapeError, "bilinear: x1 is [4, 2], x2 [4, 3], weight [5, 3, 2]; [..., in1]",
               bilinear(y, x, w));
  CHECK_BLAMES(ShapeError, "bilinear: x1 is [4, 3], x2 [1, 2], weight [5, 3, 2]; [..., in1]",
               bilinear(x, zeros({1, 2}), w));
  CHECK_BLAMES(ShapeError, "bilinear: bias is float32 [4], float32 [5] wanted",
               bilinear(x, y, w, zeros({4})));
  CHECK_BLAMES(DTypeError, "bilinear: two floating tensors of one type wanted",
               bilinear(x, y, zeros({5, 3, 2}, float64)));
}
