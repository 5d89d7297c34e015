#include <atomic>
#include <thread>

#include "../check.hpp"

using namespace check;

namespace {

constexpr float small = 1e-20f, below = 1e-40f;

// When the program runs, not when it is compiled.
float product(float a, float b) {
  const volatile float x = a, y = b;
  return x * y;
}

// 1e-20 squared is subnormal; 1e-40 is, and a million times it is small but normal.
bool flushes() { return product(small, small) == 0 && product(below, 1e6f) == 0; }
bool keeps() { return product(small, small) > 0 && product(below, 1e6f) > 0; }

struct Threads {
  int before = num_threads();
  explicit Threads(int count) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
};

// Whether `holds` on this thread and on one of the library's own: each waits for the other, so that
// neither does the work of both.
template <class F>
bool on_both_threads(const F& holds) {
  std::atomic<int> here = 0, right = 0;
  parallel_for(2, [&](std::int64_t) {
    ++here;
    while (here < 2) std::this_thread::yield();
    right += holds();
  });
  return right == 2;
}

}  // namespace

TEST_CASE("denormals: kept without a guard, 0 while it lives, kept again") {
  if (!FlushDenormals::supported()) return;
  CHECK(keeps());
  {
    const FlushDenormals guard;
    CHECK(flushes());
    CHECK(product(small, 1e-10f) > 0);  // normal numbers are left alone
    {
      const FlushDenormals inner;
      CHECK(flushes());
    }
    CHECK(flushes());
  }
  CHECK(keeps());
}

TEST_CASE("denormals: the library's threads follow their caller") {
  if (!FlushDenormals::supported()) return;
  const Threads use(2);
  CHECK(on_both_threads(keeps));
  {
    const FlushDenormals guard;
    CHECK(on_both_threads(flushes));
    const std::uint64_t mode = detail::arithmetic_mode();
    CHECK(on_both_threads([&] { return detail::arithmetic_mode() == mode; }));
  }
  CHECK(on_both_threads(keeps));
}

TEST_CASE("denormals: other threads of the program are left alone") {
  if (!FlushDenormals::supported()) return;
  std::atomic<bool> flushing = false;
  bool kept = false;
  std::thread other([&] {
    while (!flushing) std::this_thread::yield();
    kept = keeps();
  });
  {
    const FlushDenormals guard;
    flushing = true;
    other.join();
  }
  CHECK(kept);
}

TEST_CASE("denormals: a sweep on several threads, there and back, and a product of matrices") {
  if (!FlushDenormals::supported()) return;
  const Threads use(2);
  const std::int64_t n = 1'000'003;
  const Tensor factor = full({n}, small), seed = full({n}, small);
  const Tensor x = full({n}, small).requires_grad(true);
  const Tensor a = full({40, 300}, small), b = full({300, 50}, small);
  const auto check = [&](double low, double high) {
    x.zero_grad();
    const Tensor y = x * factor;
    y.backward(seed);
    for (const Tensor& each : {y.detach(), x.grad(), matmul(a, b)}) {
      CHECK(amin(each).item<double>() >= low);
      CHECK(amax(each).item<double>() <= high);
    }
  };
  check(0.9e-40, 310e-40);
  {
    const FlushDenormals guard;
    check(0, 0);
  }
  check(0.9e-40, 310e-40);
}
