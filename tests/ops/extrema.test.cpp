#include <limits>

#include "../check.hpp"

using namespace check;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");
using Numbers = std::vector<double>;

}  // namespace

TEST_CASE("extrema: max and min along an axis, and where they are") {
  const Tensor x = Tensor({{1, 5, 5}, {7, -2, 7}}, float64).requires_grad(true);
  const auto [values, indices] = max(x, 1);
  CHECK(numbers(values) == Numbers{5, 7});
  CHECK(equal(indices, Tensor({1, 0}, int64)));
  values.backward(Tensor({2, 3}, float64));
  CHECK(numbers(x.grad()) == Numbers{0, 2, 0, 3, 0, 0});
  CHECK(equal(max(x, -2, true).indices, Tensor({{1, 0, 1}}, int64)));
  CHECK(equal(min(x, 0).values.detach(), Tensor({1, -2, 5}, float64)));
  CHECK(equal(min(x, 1, true).indices, Tensor({{0}, {1}}, int64)));
  CHECK(max(Tensor({3, 9, 4}, int64), 0).values.item<std::int64_t>() == 9);
  CHECK(max(Tensor({0, 1, 1}, boolean), 0).values.dtype() == boolean);
  CHECK(max(Tensor({0, 1, 1}, boolean), 0).indices.item<int>() == 1);
}

TEST_CASE("extrema: of all elements, ties share equally, NaN wins") {
  const Tensor x = Tensor({{3, 1, 3}, {0, 3, 1}}, float64).requires_grad(true);
  max(x).backward();
  CHECK(distance(x.grad(), Tensor({{1, 0, 1}, {0, 1, 0}}, float64) / 3) < 1e-15);
  x.zero_grad();
  min(x).backward();
  CHECK(numbers(x.grad()) == Numbers{0, 0, 0, 1, 0, 0});
  CHECK(std::isnan(max(Tensor({1, not_a_number, 3})).item<double>()));
  CHECK(std::isnan(min(Tensor({1, not_a_number, 3})).item<double>()));
  CHECK(min(Tensor({1, -infinity, 3})).item<double>() == -infinity);
  CHECK(max(Tensor({0, 1}, boolean)).dtype() == boolean);
  CHECK(amin(Tensor({{1, 1}, {0, 1}}, boolean), 1).dtype() == boolean);
  const auto [values, indices] = max(Tensor({{1, not_a_number, not_a_number}, {2, 5, 5}}), 1);
  CHECK(std::isnan(numbers(values)[0]));
  CHECK(numbers(indices) == Numbers{1, 1});
  CHECK(numbers(min(Tensor({{1, not_a_number}, {not_a_number, 5}}), 0).indices) == Numbers{1, 0});
}

TEST_CASE("extrema: argmax and argmin against loops") {
  for (DType dtype : {float32, float64, int64, boolean})
    for (const Shape& shape : {Shape{5}, Shape{3, 40}, Shape{40, 3}, Shape{2, 300, 7}, Shape{1}}) {
      const Tensor ramp = arange(0, static_cast<double>(shape.numel()), 1, float64);
      const Tensor x = cast(reshape(sin(ramp * 1.7) * 5, shape), dtype);
      const Numbers in = numbers(x);
      for (int axis = 0; axis < shape.rank(); ++axis) {
        std::int64_t inner = 1;
        for (int i = axis + 1; i < shape.rank(); ++i) inner *= shape[i];
        const std::int64_t n = shape[axis], rows = shape.numel() / n;
        const Numbers most = numbers(argmax(x, axis)), least = numbers(argmin(x, axis - x.rank()));
        for (std::int64_t row = 0; row < rows; ++row) {
          const double* column = in.data() + row / inner * n * inner + row % inner;
          std::int64_t largest = 0, smallest = 0;
          for (std::int64_t k = 0; k < n; ++k) {
            if (column[k * inner] > column[largest * inner]) largest = k;
            if (column[k * inner] < column[smallest * inner]) smallest = k;
          }
          CHECK(most[static_cast<std::size_t>(row)] == static_cast<double>(largest));
          CHECK(least[static_cast<std::size_t>(row)] == static_cast<double>(smallest));
        }
      }
      const auto at = std::max_element(in.begin(), in.end()) - in.begin();
      CHECK(argmax(x).item<std::int64_t>() == at);
      CHECK(argmax(x).rank() == 0);
      CHECK(argmin(x, {}, true).rank() == x.rank());
    }
}

TEST_CASE("extrema: 0-d and empty tensors") {
  CHECK(argmax(Tensor(3)).item<int>() == 0);
  CHECK(argmax(Tensor(3), 0).rank() == 0);
  CHECK(max(Tensor(3), -1).values.rank() == 0);
  CHECK(max(Tensor(3), 0).values.item<int>() == 3);
  CHECK(max(Tensor(3)).item<int>() == 3);
  CHECK(amax(Tensor(3), 0, true).rank() == 0);
  const Tensor x = Tensor(3.0, float64).requires_grad(true);
  max(x, 0).values.backward();
  CHECK(x.grad().item<double>() == 1);
  CHECK(max(zeros({0, 3}), 1).values.shape() == Shape{0});
  CHECK(argmin(zeros({2, 0, 3}), 0).shape() == Shape{0, 3});
  const std::string none = "no elements to choose from in shape ";
  CHECK_THROWS_WITH_AS(max(zeros({0})), ("max: " + none + "[0] (" + here() + ")").c_str(),
                       ShapeError);
  CHECK_THROWS_AS(min(zeros({0, 3})), ShapeError);
  CHECK_THROWS_AS(min(zeros({0, 3}), 0), ShapeError);
  CHECK_THROWS_AS(argmin(zeros({0})), ShapeError);
  CHECK_THROWS_AS(argmax(zeros({0, 3})), ShapeError);
  CHECK_THROWS_AS(max(zeros({3}), 1), IndexError);
  CHECK_THROWS_AS(max(Tensor(3), 1), IndexError);
}
