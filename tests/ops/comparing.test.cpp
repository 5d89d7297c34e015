#include <xtape/ops/comparing.hpp>

#include "../blames.hpp"

using namespace check;

TEST_CASE("comparing: isclose and allclose") {
  const double infinity = INFINITY, nan = std::nan("");
  const Tensor a({1, 1, infinity, -infinity, infinity, nan, nan, 0}, float64);
  const Tensor b({1 + 5e-6, 1 + 5e-5, infinity, infinity, 1, nan, 1, 1e-9}, float64);
  CHECK(isclose(a, b).dtype() == boolean);
  CHECK(numbers(isclose(a, b)) == std::vector<double>{1, 0, 1, 0, 0, 0, 0, 1});
  CHECK(numbers(isclose(b, a)) == std::vector<double>{1, 0, 1, 0, 0, 0, 0, 1});
  CHECK(numbers(isclose(a, b, 1e-4, 0, true)) == std::vector<double>{1, 1, 1, 0, 0, 1, 0, 0});
  CHECK_FALSE(allclose(a, b));
  CHECK(allclose(Tensor({1, 2}), Tensor({1.000001, 2})));
  CHECK(allclose(full({2, 3}, 0.1), 0.1));
  CHECK(allclose(Tensor({{1}, {1}}), Tensor({1, 1, 1})));
  CHECK(allclose(zeros({0}), zeros({0})));
  CHECK(allclose(Tensor({3, 4}, int64), Tensor({3, 5}, int64), 0, 1));
  CHECK_FALSE(allclose(Tensor({3, 4}, int64), Tensor({3, 5}, int64)));
  CHECK(allclose(Tensor({1, 0}, boolean), Tensor({1, 0}, boolean)));
  CHECK_FALSE(allclose(Tensor(nan), nan));
  CHECK(allclose(Tensor(nan), nan, 0, 0, true));
  const Tensor leaf = ones({2}).requires_grad(true);
  CHECK_FALSE(isclose(leaf, leaf * 2).requires_grad());
  CHECK_BLAMES(ValueError, "isclose: rtol is -1, atol 0", isclose(a, b, -1, 0));
  CHECK_BLAMES(ValueError, "isclose: rtol is 0, atol nan", allclose(a, b, 0, nan));
  CHECK_BLAMES(ShapeError, "sub: shapes do not broadcast: [2] and [3]",
               allclose(zeros({2}), zeros({3})));
}

TEST_CASE("comparing: equal") {
  CHECK(xtape::equal(Tensor({1, 2}), Tensor({1, 2}, int64)));
  CHECK_FALSE(xtape::equal(Tensor({1, 2}), Tensor({1, 3})));
  CHECK_FALSE(xtape::equal(Tensor({1, 1}), Tensor({1})));
  CHECK_FALSE(xtape::equal(Tensor(std::nan("")), Tensor(std::nan(""))));
  CHECK(xtape::equal(zeros({0, 2}), zeros({0, 2})));
  CHECK_FALSE(xtape::equal(zeros({0, 2}), zeros({2, 0})));
  CHECK(xtape::equal(Tensor(2), 2));
}
