// Every way a sweep goes through its index space: long and short rows, ends of rows, booleans,
// outputs folded over any axes, few rows that are long, on any number of threads.
#include "../check.hpp"

using namespace check;

namespace {

Tensor wavy(const Shape& shape, DType dtype) {
  const double end = static_cast<double>(shape.numel());
  return cast(reshape(sin(arange(0, end, 1, float64) * 0.37) * 3, shape), dtype);
}

const auto three = elementwise("three", [](auto u, auto v, auto w) { return u * v * w; });

// Sums of a * b over the axes of a subset, by a loop.
Tensor looped(const Tensor& a, const Tensor& b, const Shape& space, unsigned subset) {
  const std::vector<double> x = numbers(broadcast_to(a, space)),
                            y = numbers(broadcast_to(b, space));
  Shape folded = space;
  for (int axis = 0; axis < space.rank(); ++axis)
    if ((subset >> axis) & 1) folded[axis] = 1;
  std::vector<double> out(static_cast<std::size_t>(folded.numel()));
  for (std::size_t i = 0; i < x.size(); ++i) {
    std::int64_t rest = static_cast<std::int64_t>(i), at = 0, stride = 1;
    for (int axis = space.rank() - 1; axis >= 0; --axis) {
      if (folded[axis] != 1) at += rest % space[axis] * stride;
      stride *= folded[axis];
      rest /= space[axis];
    }
    out[static_cast<std::size_t>(at)] += x[i] * y[i];
  }
  return Tensor::from(out.data(), folded);
}

std::vector<std::int64_t> axes_of(unsigned subset) {
  std::vector<std::int64_t> axes;
  for (int axis = 0; axis < 8; ++axis)
    if ((subset >> axis) & 1) axes.push_back(axis);
  return axes;
}

}  // namespace

TEST_CASE("sweep: values, sums and gradients of broadcast products for rows of all lengths") {
  for (std::int64_t columns : {1, 2, 3, 4, 5, 6, 7, 8, 12, 16, 17, 20, 31, 33, 63, 64, 65, 130})
    for (DType dtype : {float32, float64}) {
      const Shape space{5, 7, columns};
      CAPTURE(columns);
      const Tensor a = wavy(space, dtype);
      for (const Shape& shape : {Shape{5, 7, columns}, Shape{columns}, Shape{7, 1}, Shape{5, 1, 1},
                                 Shape{5, 1, columns}, Shape{}}) {
        const Tensor b = wavy(shape, dtype);
        CHECK(distance(a * b, looped(a, b, space, 0)) < 1e-6);
        CHECK(equal(a > b, broadcast_to(a, space) > broadcast_to(b, space)));
        for (unsigned subset = 1; subset < 8; ++subset)
          CHECK(distance(formulas::mul.sum(Dims(axes_of(subset)).keep(), a, b),
                         looped(a, b, space, subset)) < 1e-4);
        const Tensor x = a.copy().requires_grad(true), y = b.copy().requires_grad(true);
        sum(x * y).backward();
        CHECK(distance(x.grad(), broadcast_to(b, space)) < 1e-6);
        CHECK(distance(y.grad(), sum_to(a, shape)) < 1e-4);
        sum(x * y).backward();  // into gradients that are there
        CHECK(distance(x.grad(), broadcast_to(b, space) * 2) < 1e-6);
        CHECK(distance(y.grad(), sum_to(a, shape) * 2) < 1e-4);
      }
    }
}

TEST_CASE("sweep: folds of many elements, the same on any number of threads") {
  const int before = num_threads();
  for (const Shape& shape : {Shape{100000, 3}, Shape{50000, 20}, Shape{4, 300000}, Shape{300, 5000},
                             Shape{3, 7, 20000}, Shape{1000003}, Shape{90, 60, 50}})
    for (DType dtype : {float32, int64, boolean}) {
      const Tensor x = cast(wavy(shape, float32), dtype);
      for (unsigned subset = 1; subset < (1u << shape.rank()); ++subset) {
        const Dims dims = Dims(axes_of(subset)).keep();
        set_num_threads(1);
        const Tensor total = sum(x, dims), most = amax(x, dims), least = amin(x, dims);
        set_num_threads(3);
        CHECK(equal(sum(x, dims), total));
        CHECK(equal(amax(x, dims), most));
        CHECK(equal(amin(x, dims), least));
        const Tensor one = ones({}, dtype);
        CHECK(distance(total, looped(x, one, shape, subset)) < 1e-3);
        CHECK(all(x <= most).item<bool>());
        CHECK(all(any(x == most, dims)).item<bool>());
        CHECK(all(any(x == least, dims)).item<bool>());
      }
    }
  set_num_threads(before);
}

TEST_CASE("sweep: two outputs folded over different axes of few long rows") {
  const Tensor x = wavy({4, 200000}, float64);
  for (const Shape& shape : {Shape{200000}, Shape{4, 1}, Shape{}}) {
    const Tensor a = wavy(shape, float64).requires_grad(true);
    const Tensor b = wavy({4, 1}, float64).requires_grad(true);
    sum(three(x, a, b)).backward();
    CHECK(distance(a.grad(), sum_to(x * b.detach(), shape)) < 1e-10);
    CHECK(distance(b.grad(), sum_to(x * a.detach(), {4, 1})) < 1e-10);
  }
}

TEST_CASE("sweep: more rows than are folded at once, with numbers of their own") {
  for (std::int64_t columns : {48, 64, 70, 2100})
    for (DType dtype : {float32, float64}) {
      CAPTURE(columns);
      const Tensor x = wavy({37, columns}, dtype).requires_grad(true);
      const Tensor a = wavy({37, 1}, dtype).requires_grad(true);
      const Tensor b = wavy({1, columns}, dtype).requires_grad(true);
      const Tensor y = three(x, a, b);
      CHECK(distance(y, looped(x * a, b, x.shape(), 0)) < 1e-5);
      sum(y).backward();
      CHECK(distance(x.grad(), looped(a, b, x.shape(), 0)) < 1e-5);
      CHECK(distance(a.grad(), looped(x, b, x.shape(), 0b10)) < 1e-3);
      CHECK(distance(b.grad(), looped(x, a, x.shape(), 0b01)) < 1e-3);
      std::vector<double> all = numbers(x), most, least;
      all[20 * columns + columns - 1] = std::nan("");
      for (auto line = all.begin(); line != all.end(); line += columns) {
        const auto [low, high] = std::minmax_element(line, line + columns);
        least.push_back(*low), most.push_back(*high);
      }
      least[20] = most[20] = std::nan("");
      const Tensor holes = cast(Tensor::from(all.data(), x.shape()), dtype);
      CHECK(equal(amax(holes, 1), cast(Tensor::from(most.data(), {37}), dtype)));
      CHECK(equal(amin(holes, 1), cast(Tensor::from(least.data(), {37}), dtype)));
    }
}

// Formulas whose strips are compiled for float32 rows that lie as these say, too.
const auto rows_written = elementwise(
    "rows_written", xtape::detail::by_rows<0b0110, Into::store, 0b1111>(
                        [](auto x, auto u, auto v, auto w) { return (x - u) * v * w; }));
const auto rows_summed = elementwise(
    "rows_summed",
    xtape::detail::by_rows<0b10, Into::one, 0b11>([](auto x, auto u) { return exp(x - u) * u; }));

TEST_CASE("sweep: rows that lie as usual, of all lengths, in single precision as in double") {
  for (std::int64_t columns = 1; columns < 3000; columns += columns < 70 ? 1 : 977)
    for (std::int64_t count : {1, 2, 17, 70}) {
      CAPTURE(columns);
      CAPTURE(count);
      const auto results = [&](DType dtype) {
        const Tensor x = wavy({count, columns}, dtype).requires_grad(true);
        const Tensor u = (wavy({count, 1}, dtype) * 0.5).requires_grad(true);
        const Tensor v = (wavy({count, 1}, dtype) - 4).requires_grad(true);
        const Tensor w = (wavy({columns}, dtype) + 0.3).requires_grad(true);
        const Tensor y = rows_written(x, u, v, w), z = rows_summed.sum(1, x, u);
        y.backward(wavy(y.shape(), dtype) * 0.2);
        z.backward(wavy(z.shape(), dtype) * 0.1);  // is added to the gradients that are there
        return std::vector<Tensor>{y.detach(), z.detach(), x.grad(), u.grad(), v.grad(), w.grad()};
      };
      const std::vector<Tensor> found = results(float32), wanted = results(float64);
      for (std::size_t i = 0; i < found.size(); ++i) {
        CAPTURE(i);
        const double size = 1 + numbers(amax(abs(wanted[i])))[0];
        CHECK(distance(cast(found[i], float64), wanted[i]) < 3e-6 * size);
      }
    }
}

TEST_CASE("sweep: the ends of rows that lie as usual neither read nor write what is behind them") {
  for (std::int64_t columns : {16, 17, 24, 31, 33, 50}) {
    CAPTURE(columns);
    Tensor x = wavy({20, columns}, float32);
    for (std::int64_t row = 1; row < 20; row += 2)
      for (std::int64_t c = 0; c < columns; ++c)
        x.mutable_data<float>()[row * columns + c] = std::nanf("");
    x.requires_grad(true);
    const Tensor u = full({20, 1}, 0.5), w = ones({columns});
    const Tensor y = rows_written(x, u, 2, w), z = rows_summed.sum(1, x, u);
    z.backward(ones({20}));
    for (std::int64_t row = 0; row < 20; ++row) {
      CHECK(std::isnan(z.data<float>()[row]) == (row % 2 == 1));
      for (std::int64_t c = row * columns; c < (row + 1) * columns; ++c) {
        CHECK(std::isnan(y.data<float>()[c]) == (row % 2 == 1));
        CHECK(std::isnan(x.grad().data<float>()[c]) == (row % 2 == 1));
      }
    }
  }
}

TEST_CASE("sweep: tensors that no cache holds, in one row and in several") {
  const std::int64_t n = 6'000'011;  // with the result 48 MB
  for (const Shape& shape : {Shape{n}, Shape{3, n / 3}}) {
    const Tensor x = wavy(shape, float32).requires_grad(true);
    const Tensor w = wavy({shape[shape.rank() - 1]}, float32).requires_grad(true);
    const Tensor y = three(x, w, 2);
    const auto wrong = [&](const Tensor& product, const Tensor& a, const Tensor& b) {
      const float *p = product.data<float>(), *f = a.data<float>(), *g = b.data<float>();
      const std::int64_t size = product.numel(), repeated = b.numel();
      std::int64_t count = 0;
      for (std::int64_t i = 0; i < size; ++i) count += p[i] != f[i] * g[i % repeated] * 2;
      return count;
    };
    CHECK(wrong(y, x, w) == 0);
    y.backward(x.detach());
    CHECK(wrong(x.grad(), x, w) == 0);
    if (shape.rank() == 1) CHECK(wrong(w.grad(), x, x) == 0);
    else CHECK(distance(w.grad(), 2 * sum(square(x.detach()), 0)) < 1e-6);
  }
}
