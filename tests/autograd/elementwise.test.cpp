#include <random>

#include "../check.hpp"
#include "shared_formula.hpp"

using namespace check;

namespace {

const auto f1 = elementwise("f1", [](auto a) { return a * a - 3 * a; });
const auto f2 = elementwise("f2", [](auto a, auto b) { return a * b + a / (b * b + 1); });
const auto f3 =
    elementwise("f3", [](auto a, auto b, auto c) { return where(a > b, a * c, b - c); });
const auto f4 = elementwise("f4", [](auto a, auto b, auto c, auto d) { return a * b - c * d * d; });
const auto f5 = elementwise(
    "f5", [](auto a, auto b, auto c, auto d, auto e) { return sin(a) + b * c * d * e; });
const auto f6 = elementwise(
    "f6", [](auto a, auto b, auto c, auto d, auto e, auto f) { return a * b + c * d + e * f; });
const auto f7 = elementwise("f7", [](auto a, auto b, auto c, auto d, auto e, auto f, auto g) {
  return a + 2 * b + 3 * c + 4 * d + 5 * e * f * g;
});
const auto f8 = elementwise("f8", [](auto a, auto b, auto c, auto d, auto e, auto f, auto g,
                                     auto h) { return (a + b * c) * (d - e) + f * g * h; });

// The same on plain numbers, with slopes worked out by hand.
struct Naive {
  int arity;
  std::function<double(const double*)> value;
  std::function<void(const double*, double*)> slopes;
  std::function<Tensor(const std::vector<Tensor>&)> apply;
  std::function<Tensor(const Dims&, const std::vector<Tensor>&)> total;
};

const Naive naives[] = {
    {1, [](const double* x) { return x[0] * x[0] - 3 * x[0]; },
     [](const double* x, double* d) { d[0] = 2 * x[0] - 3; }, [](auto& x) { return f1(x[0]); },
     [](auto& d, auto& x) { return f1.sum(d, x[0]); }},
    {2, [](const double* x) { return x[0] * x[1] + x[0] / (x[1] * x[1] + 1); },
     [](const double* x, double* d) {
       const double q = x[1] * x[1] + 1;
       d[0] = x[1] + 1 / q;
       d[1] = x[0] - 2 * x[0] * x[1] / (q * q);
     },
     [](auto& x) { return f2(x[0], x[1]); },
     [](auto& d, auto& x) { return f2.sum(d, x[0], x[1]); }},
    {3, [](const double* x) { return x[0] > x[1] ? x[0] * x[2] : x[1] - x[2]; },
     [](const double* x, double* d) {
       const bool left = x[0] > x[1];
       d[0] = left ? x[2] : 0;
       d[1] = left ? 0 : 1;
       d[2] = left ? x[0] : -1;
     },
     [](auto& x) { return f3(x[0], x[1], x[2]); },
     [](auto& d, auto& x) { return f3.sum(d, x[0], x[1], x[2]); }},
    {4, [](const double* x) { return x[0] * x[1] - x[2] * x[3] * x[3]; },
     [](const double* x, double* d) {
       d[0] = x[1];
       d[1] = x[0];
       d[2] = -x[3] * x[3];
       d[3] = -2 * x[2] * x[3];
     },
     [](auto& x) { return f4(x[0], x[1], x[2], x[3]); },
     [](auto& d, auto& x) { return f4.sum(d, x[0], x[1], x[2], x[3]); }},
    {5, [](const double* x) { return std::sin(x[0]) + x[1] * x[2] * x[3] * x[4]; },
     [](const double* x, double* d) {
       d[0] = std::cos(x[0]);
       d[1] = x[2] * x[3] * x[4];
       d[2] = x[1] * x[3] * x[4];
       d[3] = x[1] * x[2] * x[4];
       d[4] = x[1] * x[2] * x[3];
     },
     [](auto& x) { return f5(x[0], x[1], x[2], x[3], x[4]); },
     [](auto& d, auto& x) { return f5.sum(d, x[0], x[1], x[2], x[3], x[4]); }},
    {6, [](const double* x) { return x[0] * x[1] + x[2] * x[3] + x[4] * x[5]; },
     [](const double* x, double* d) {
       for (int i = 0; i < 6; ++i) d[i] = x[i ^ 1];
     },
     [](auto& x) { return f6(x[0], x[1], x[2], x[3], x[4], x[5]); },
     [](auto& d, auto& x) { return f6.sum(d, x[0], x[1], x[2], x[3], x[4], x[5]); }},
    {7,
     [](const double* x) { return x[0] + 2 * x[1] + 3 * x[2] + 4 * x[3] + 5 * x[4] * x[5] * x[6]; },
     [](const double* x, double* d) {
       for (int i = 0; i < 4; ++i) d[i] = i + 1;
       d[4] = 5 * x[5] * x[6];
       d[5] = 5 * x[4] * x[6];
       d[6] = 5 * x[4] * x[5];
     },
     [](auto& x) { return f7(x[0], x[1], x[2], x[3], x[4], x[5], x[6]); },
     [](auto& d, auto& x) { return f7.sum(d, x[0], x[1], x[2], x[3], x[4], x[5], x[6]); }},
    {8, [](const double* x) { return (x[0] + x[1] * x[2]) * (x[3] - x[4]) + x[5] * x[6] * x[7]; },
     [](const double* x, double* d) {
       const double left = x[0] + x[1] * x[2], right = x[3] - x[4];
       d[0] = right;
       d[1] = x[2] * right;
       d[2] = x[1] * right;
       d[3] = left;
       d[4] = -left;
       d[5] = x[6] * x[7];
       d[6] = x[5] * x[7];
       d[7] = x[5] * x[6];
     },
     [](auto& x) { return f8(x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]); },
     [](auto& d, auto& x) { return f8.sum(d, x[0], x[1], x[2], x[3], x[4], x[5], x[6], x[7]); }},
};

// The position in a tensor of `shape` that broadcasts to position `at` of `space`.
std::int64_t source(const Shape& space, const Shape& shape, std::int64_t at) {
  std::int64_t position = 0, stride = 1;
  for (int axis = space.rank() - 1; axis >= 0; --axis) {
    const std::int64_t index = at % space[axis];
    at /= space[axis];
    const int own = axis - (space.rank() - shape.rank());
    if (own < 0) continue;
    if (shape[own] != 1) position += index * stride;
    stride *= shape[own];
  }
  return position;
}

std::mt19937 chance(20240607);

Tensor noise(const Shape& shape, DType dtype) {
  std::uniform_real_distribution<double> uniform(-2, 2);
  std::vector<double> x(static_cast<std::size_t>(shape.numel()));
  for (double& value : x) value = uniform(chance);
  return cast(Tensor::from(x.data(), shape), dtype);
}

// A sum, and the sum of the magnitudes, to which rounding errors are relative.
struct Total {
  long double sum = 0, scale = 0;
  void operator+=(double x) {
    sum += x;
    scale += std::abs(x);
  }
};
using Totals = std::vector<Total>;

bool close(const Tensor& tensor, const Totals& wanted, double factor = 1) {
  const double epsilon = tensor.dtype() == float32 ? 4e-6 : 2e-14;
  const std::vector<double> got = numbers(tensor);
  if (got.size() != wanted.size()) return false;
  for (std::size_t i = 0; i < got.size(); ++i)
    if (!(std::abs(got[i] - factor * wanted[i].sum) < epsilon * (factor * wanted[i].scale + 10)))
      return false;
  return true;
}

struct Expected {
  Totals value, total;
  std::vector<Totals> slopes, total_slopes;  // for every argument
};

Expected by_loops(const Naive& naive, const std::vector<Tensor>& inputs, const Shape& space,
                  const Shape& folded, const std::vector<double>& seed,
                  const std::vector<double>& total_seed) {
  Expected expected{Totals(seed.size()), Totals(total_seed.size()), {}, {}};
  std::vector<std::vector<double>> x;
  for (const Tensor& input : inputs) {
    x.push_back(numbers(input));
    expected.slopes.emplace_back(x.back().size());
    expected.total_slopes.emplace_back(x.back().size());
  }
  for (std::int64_t i = 0; i < space.numel(); ++i) {
    double at[8], slope[8];
    std::int64_t from[8];
    for (int k = 0; k < naive.arity; ++k) {
      from[k] = source(space, inputs[k].shape(), i);
      at[k] = x[k][from[k]];
    }
    naive.slopes(at, slope);
    const std::int64_t j = source(space, folded, i);
    expected.value[i] += naive.value(at);
    expected.total[j] += naive.value(at);
    for (int k = 0; k < naive.arity; ++k) {
      expected.slopes[k][from[k]] += seed[i] * slope[k];
      expected.total_slopes[k][from[k]] += total_seed[j] * slope[k];
    }
  }
  return expected;
}

// Checks value, gradients, sum over `dims` and its gradients against the loops.
void compare(const Naive& naive, const std::vector<Shape>& shapes, DType dtype, const Dims& dims) {
  Shape space;
  std::vector<Tensor> inputs;
  std::string text = name_of(dtype);
  for (const Shape& shape : shapes) {
    space = broadcast(space, shape, "test", {});
    inputs.push_back(noise(shape, dtype).requires_grad(true));
    text += shape.str();
  }
  const Reduced to(space, dims, "test", {});
  CAPTURE(text);
  CAPTURE(to.folded.str());
  const Tensor seed = noise(space, dtype), total_seed = noise(to.result, dtype);
  const Expected expected =
      by_loops(naive, inputs, space, to.folded, numbers(seed), numbers(total_seed));
  const Tensor out = naive.apply(inputs), summed = naive.total(dims, inputs);
  CHECK(out.shape() == space);
  CHECK(out.dtype() == dtype);
  CHECK(close(out, expected.value));
  CHECK(summed.shape() == to.result);
  CHECK(close(summed, expected.total));
  for (int pass = 1; pass <= 2; ++pass) {  // the second adds to what is there
    out.backward(seed, {.retain_graph = true});
    for (int k = 0; k < naive.arity; ++k) {
      CHECK(inputs[k].grad().shape() == shapes[k]);
      CHECK(inputs[k].grad().dtype() == dtype);
      CHECK(close(inputs[k].grad(), expected.slopes[k], pass));
    }
  }
  const Tensor roots[] = {summed};
  for (bool create_graph : {false, true}) {
    if (create_graph && space.numel() > 2000) continue;
    const std::vector<Tensor> g =
        grad(roots, inputs, {&total_seed, 1}, {.retain_graph = true, .create_graph = create_graph});
    for (int k = 0; k < naive.arity; ++k) CHECK(close(g[k], expected.total_slopes[k]));
  }
}

int any(int below) { return static_cast<int>(chance() % static_cast<unsigned>(below)); }

}  // namespace

TEST_CASE("elementwise: every number of arguments, every pattern of broadcasting") {
  const std::vector<std::pair<Shape, Shape>> patterns = {
      {{7, 33}, {7, 33}},  {{7, 33}, {33}},     {{7, 33}, {7, 1}},
      {{7, 33}, {}},       {{7, 33}, {1, 1}},   {{5, 1, 19}, {1, 4, 1}},
      {{3, 1, 2}, {4, 1}}, {{1}, {1}},          {{}, {}},
      {{0}, {1}},          {{0, 3}, {3}},       {{3, 0}, {3, 1}},
      {{2, 3, 4}, {4}},    {{2, 3, 4}, {3, 1}}, {{2, 3, 4}, {2, 1, 4}},
      {{1, 5}, {5, 1}},    {{16}, {16}},        {{17}, {1}},
      {{128}, {128}},      {{129, 2}, {129, 1}}};
  for (const Naive& naive : naives)
    for (const auto& [a, b] : patterns)
      for (DType dtype : {float32, float64})
        for (bool swapped : {false, true}) {
          std::vector<Shape> shapes;
          for (int k = 0; k < naive.arity; ++k) shapes.push_back((k % 2 == 1) != swapped ? b : a);
          compare(naive, shapes, dtype, Dims());
        }
}

TEST_CASE("elementwise: random shapes") {
  for (int round = 0; round < 600; ++round) {
    const Naive& naive = naives[any(8)];
    const int rank = any(6);
    std::int64_t full[5], left = 40000 / naive.arity;
    for (int axis = 0; axis < rank; ++axis) {
      full[axis] = std::min<std::int64_t>(any(20) == 0 ? 0 : any(3) == 0 ? 1 : any(71), left);
      left = full[axis] > 0 ? left / full[axis] : left;
    }
    std::vector<Shape> shapes;
    for (int k = 0; k < naive.arity; ++k) {
      Shape shape;
      for (int axis = any(2) ? 0 : any(rank + 1); axis < rank; ++axis)
        shape.push_back(any(3) == 0 ? 1 : full[axis]);
      shapes.push_back(shape);
    }
    Shape space;
    for (const Shape& shape : shapes) space = broadcast(space, shape, "test", {});
    std::vector<std::int64_t> axes;
    for (int axis = 0; axis < space.rank(); ++axis)
      if (any(2)) axes.push_back(any(2) ? axis : axis - space.rank());
    compare(naive, shapes, any(2) ? float32 : float64, Dims(axes).keep(any(2)));
  }
}

TEST_CASE("elementwise: sizes that are cut into pieces") {
  compare(naives[1], {{200003}, {200003}}, float64, Dims());
  compare(naives[1], {{200003}, {1}}, float32, Dims());
  compare(naives[1], {{7, 41003}, {41003}}, float64, 0);
  compare(naives[1], {{7, 41003}, {7, 1}}, float64, 1);
  compare(naives[1], {{70001, 5}, {5}}, float64, 0);
  compare(naives[2], {{70001, 5}, {5}, {70001, 1}}, float32, {0, 1});
  compare(naives[1], {{3, 30011, 4}, {30011, 1}}, float64, 1);
  compare(naives[1], {{3, 30011, 4}, {3, 1, 4}}, float32, {1, 2});
  compare(naives[2], {{301, 1, 300}, {7, 1}, {300}}, float64, {0, 2});
}

TEST_CASE("elementwise: the bits do not depend on the number of threads") {
  const int before = num_threads();
  const auto run = [](int threads) {
    set_num_threads(threads);
    std::vector<Tensor> results;
    chance.seed(7);
    for (const auto& [a, b] : std::vector<std::pair<Shape, Shape>>{{{300001}, {300001}},
                                                                   {{1001, 301}, {301}},
                                                                   {{1001, 301}, {1001, 1}},
                                                                   {{200000, 3}, {3}},
                                                                   {{5, 70001, 2}, {70001, 1}}}) {
      const Tensor x = noise(a, float32).requires_grad(true),
                   y = noise(b, float32).requires_grad(true);
      for (const Tensor& out : {f2(x, y), f2.sum({}, x, y), f2.mean(0, x, y), sum(f2(x, y), -1)}) {
        probe(out).backward();
        results.push_back(out.detach());
      }
      results.push_back(x.grad());
      results.push_back(y.grad());
      results.push_back(amax(x, 0).detach());
      results.push_back(logsumexp(x).detach());
    }
    return results;
  };
  const std::vector<Tensor> one = run(1), two = run(2), five = run(5);
  set_num_threads(before);
  for (std::size_t i = 0; i < one.size(); ++i) {
    CHECK(equal(one[i], two[i]));
    CHECK(equal(one[i], five[i]));
  }
}

TEST_CASE("elementwise: float32 sums of ten million elements are accurate") {
  const double tenth = static_cast<double>(0.1f), n = 1e7;
  const auto wrong = [&](const Tensor& sums, double count) {
    double worst = 0;
    for (double x : numbers(sums)) worst = std::max(worst, std::abs(x / (count * tenth) - 1));
    return worst;
  };
  constexpr double allowed = 4e-6;
  CHECK(wrong(sum(full({10000000}, 0.1)), n) < allowed);
  CHECK(wrong(sum(full({2500000, 4}, 0.1)), n) < allowed);
  CHECK(wrong(sum(full({2500000, 4}, 0.1), 0), n / 4) < allowed);
  CHECK(wrong(sum(full({100000, 100}, 0.1), 0), n / 100) < allowed);
  CHECK(wrong(sum(full({100000, 100}, 0.1), 1), 100) < allowed);
  CHECK(wrong(sum(full({4, 1250000, 2}, 0.1), 1), n / 8) < allowed);
  const auto product = elementwise("product", [](auto a, auto b) { return a * b; });
  CHECK(wrong(product.sum({}, full({2500000, 4}, 0.1), ones({4})), n) < allowed);
  CHECK(wrong(product.sum(0, full({1000, 1000, 10}, 0.1), ones({1000, 1})), 1000) < allowed);
  const Tensor bias = zeros({4}).requires_grad(true);
  product(full({2500000, 4}, 0.1), bias).backward(ones({2500000, 4}));
  CHECK(wrong(bias.grad(), n / 4) < allowed);
}
