#include <numeric>
#include <thread>

#include "../blames.hpp"

using namespace check;

using Numbers = std::vector<double>;

TEST_CASE("creation: full, zeros, ones and their likes") {
  CHECK(zeros({2, 3}).dtype() == float32);
  CHECK(numbers(ones({2}, int64)) == Numbers{1, 1});
  CHECK(numbers(full({2}, 2.5, float64)) == Numbers{2.5, 2.5});
  CHECK(numbers(full({2}, 2.5, boolean)) == Numbers{1, 1});
  CHECK(full({}, 3).item<int>() == 3);
  CHECK(zeros({0, 4}).numel() == 0);
  const Tensor x = full({2, 2}, 7, float64).requires_grad(true);
  for (const Tensor& like : {full_like(x, 1), zeros_like(x), ones_like(x), empty_like(x),
                             rand_like(x), randn_like(x), randint_like(x, 0, 5)}) {
    CHECK(like.shape() == x.shape());
    CHECK(like.dtype() == float64);
    CHECK_FALSE(like.requires_grad());
  }
  CHECK(zeros_like(x, int64).dtype() == int64);
  CHECK(numbers(ones_like(x, float32)) == Numbers{1, 1, 1, 1});
  CHECK(full_like(x, 1, boolean).dtype() == boolean);
  CHECK(empty_like(x, float32).dtype() == float32);
  CHECK(rand_like(ones({3}, int64), float64).dtype() == float64);
  CHECK(randn_like(ones({3}, int64), float32).shape() == Shape{3});
  CHECK(randint_like(x, 1, 2, int64).dtype() == int64);
  CHECK_BLAMES(ValueError, "tensor: used before it was given a value", empty_like(Tensor()));
  CHECK_BLAMES(DTypeError, "rand: floating numbers wanted, not int64", rand_like(ones({3}, int64)));
}

TEST_CASE("creation: many equal elements are one number until they are asked for") {
  const std::int64_t n = 6'000'000;
  for (DType dtype : {float32, float64, int64}) {
    CAPTURE(name_of(dtype));
    const Tensor twos = full({3, n / 3}, 2, dtype), fives = full({n / 3}, 5, dtype);
    const Tensor small = cast(arange(3), dtype), all = twos * fives + unsqueeze(small, 1);
    CHECK(twos.value()->repeats());
    CHECK(fives.value()->repeats());
    CHECK(numbers(sum(all, 1)) == Numbers{20e6, 22e6, 24e6});
    CHECK(numbers(sum(twos)) == Numbers{12e6});
    const Tensor flat = reshape(twos, {n});  // shows the same memory
    CHECK_FALSE(twos.value()->repeats());
    CHECK(numbers(sum(flat * flat)) == Numbers{24e6});
  }
  const Tensor truth = full({6, n / 6}, true, boolean), nan = full({n}, std::nan(""));
  CHECK(truth.value()->repeats());
  CHECK(numbers(sum(where(truth, 3, ones({n / 6})))) == Numbers{3.0 * n});
  CHECK(std::isnan(sum(nan).item<double>()));
  const Tensor changed = ones({n});
  changed.mutable_data<float>()[n - 1] = 7;
  CHECK(changed.data<float>()[0] == 1);
  CHECK(numbers(sum(changed)) == Numbers{n + 6.0});
  CHECK_FALSE(full({n / 6}, 1).value()->repeats());  // less than 4 MB
}

TEST_CASE("creation: gradients of equal numbers, and threads that ask for them at once") {
  const std::int64_t n = 2'000'003;
  const Tensor x = (arange(0, n, 1, float32) * 1e-6).requires_grad(true);
  const Tensor y = square(x), seed = full({n}, 3);
  y.backward(seed);
  CHECK(seed.value()->repeats());
  CHECK(equal(x.grad(), x.detach() * 2 * 3));
  x.zero_grad();
  sum(square(x)).backward();
  CHECK(equal(x.grad(), x.detach() * 2));
  sum(x).backward();  // is added to those that are there
  CHECK(equal(x.grad(), x.detach() * 2 + 1));
  x.zero_grad();
  sum(x).backward();
  CHECK(x.grad().data<float>()[n - 1] == 1);
  const Tensor shared = ones({n});
  std::vector<double> sums(4);
  std::vector<std::thread> threads;
  for (double& total : sums)
    threads.emplace_back([&total, &shared] {
      const float* const elements = shared.data<float>();
      total = std::accumulate(elements, elements + shared.numel(), 0.0);
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(sums == std::vector<double>(4, static_cast<double>(n)));
}

TEST_CASE("creation: arange counts as PyTorch does") {
  CHECK(numbers(arange(0, 5)) == Numbers{0, 1, 2, 3, 4});
  CHECK(numbers(arange(1, 2, 0.25, float64)) == Numbers{1, 1.25, 1.5, 1.75});
  CHECK(numbers(arange(5, 0, -2)) == Numbers{5, 3, 1});
  CHECK(numbers(arange(0, 3, 1, int64)) == Numbers{0, 1, 2});
  CHECK(numbers(arange(3)) == Numbers{0, 1, 2});
  CHECK(arange(4, int64).dtype() == int64);
  CHECK(arange(-1).numel() == 0);
  CHECK_BLAMES(ValueError, "arange: from 0 to inf in steps of 1 never ends", arange(INFINITY));
  CHECK(arange(5, 0).numel() == 0);
  CHECK(arange(0, 0).numel() == 0);
  CHECK(arange(0, 1, 0.1, float64).numel() == 10);
  CHECK(numbers(arange(0, 100000, 1, float64))[99999] == 99999);
}

TEST_CASE("creation: linspace includes both ends") {
  CHECK(numbers(linspace(0, 1, 5, float64)) == Numbers{0, 0.25, 0.5, 0.75, 1});
  CHECK(numbers(linspace(3, -3, 3)) == Numbers{3, 0, -3});
  CHECK(numbers(linspace(2, 9, 1)) == Numbers{2});
  CHECK(linspace(2, 9, 0).numel() == 0);
  CHECK(numbers(linspace(0, 0.1, 7, float64)).back() == 0.1);
}

TEST_CASE("creation: eye") {
  CHECK(numbers(eye(2)) == Numbers{1, 0, 0, 1});
  CHECK(eye(0).shape() == Shape{0, 0});
  CHECK(numbers(eye(2, 3)) == Numbers{1, 0, 0, 0, 1, 0});
  CHECK(numbers(eye(3, 2, int64)) == Numbers{1, 0, 0, 1, 0, 0});
  CHECK(eye(2, 0).shape() == Shape{2, 0});
  CHECK_BLAMES(ShapeError, "shape: a size is negative: -2", eye(3, -2));
  CHECK(numbers(eye(3, int64)) == Numbers{1, 0, 0, 0, 1, 0, 0, 0, 1});
}

TEST_CASE("creation: cast") {
  const Tensor x({-1.7, 0, 2.9}, float64);
  CHECK(numbers(cast(x, int64)) == Numbers{-1, 0, 2});
  CHECK(numbers(cast(x, boolean)) == Numbers{1, 0, 1});
  CHECK(numbers(cast(Tensor({1, 0}, boolean), float32)) == Numbers{1, 0});
  CHECK(cast(x, float64).same_as(x));
  CHECK(cast(2.5, float64).item<double>() == 2.5);
  const Tensor y = Tensor({1, 2}).requires_grad(true);
  sum(cast(y, float64) * Tensor({3, 4}, float64)).backward();
  CHECK(y.grad().dtype() == float32);
  CHECK(numbers(y.grad()) == Numbers{3, 4});
}
