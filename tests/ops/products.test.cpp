#include "../check.hpp"

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

TEST_CASE("linalg: matmul of all combinations of axes, empty ones too") {
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

TEST_CASE("linalg: slopes of matmul of first and second order") {
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

TEST_CASE("linalg: large products, in pieces, have the same bits on any number of threads") {
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
  const Tensor a = wavy({40, 50, 60}, 0.3), b = wavy({40, 60, 30}, 0.9);
  CHECK(distance(matmul(a, b), naive(a, b)) < 1e-12);
}

TEST_CASE("linalg: gradients add to what is there") {
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

TEST_CASE("linalg: linear with leading axes, with and without bias, empty") {
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

TEST_CASE("linalg: NaN in memory that is not yet written does not matter") {
  { const Tensor dirt = full({64, 64}, std::nan("")); }
  CHECK(sum(matmul(ones({64, 8}), ones({8, 64}))).item<double>() == 64 * 64 * 8);
  { const Tensor dirt = full({64, 64}, std::nan("")); }
  CHECK(sum(matmul(ones({64, 0}), ones({0, 64}))).item<double>() == 0);
}
