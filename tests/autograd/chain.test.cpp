#include <pthread.h>

#include <chrono>

#include "../check.hpp"

using namespace check;

#if defined(__has_feature)
#if __has_feature(address_sanitizer) && !defined(__SANITIZE_ADDRESS__)
#define __SANITIZE_ADDRESS__ 1
#endif
#endif

namespace {

#if defined(__SANITIZE_ADDRESS__)
// Every small block is the system's there and has red zones: twenty times slower, and frames are
// several times as large.
constexpr int length = 100'000;
constexpr std::size_t stack_bytes = 1024 * 1024;
#else
constexpr int length = 5'000'000;
// 64 kB (recursion over nodes would need gigabytes), and as much again because glibc takes the
// thread-local memory from the stack, of which OpenBLAS alone has 60 kB.
constexpr std::size_t stack_bytes = 2 * 64 * 1024;
#endif

// Runs f on a thread with a small stack and returns the seconds it took.
double on_small_stack(void (*f)(void*), void* argument) {
  pthread_attr_t attributes;
  REQUIRE(pthread_attr_init(&attributes) == 0);
  REQUIRE(pthread_attr_setstacksize(&attributes, stack_bytes) == 0);
  struct Job {
    void (*f)(void*);
    void* argument;
  } job{f, argument};
  const auto run = [](void* raw) -> void* {
    Job* const own = static_cast<Job*>(raw);
    own->f(own->argument);
    return nullptr;
  };
  const auto start = std::chrono::steady_clock::now();
  pthread_t thread;
  REQUIRE(pthread_create(&thread, &attributes, run, &job) == 0);
  REQUIRE(pthread_join(thread, nullptr) == 0);
  pthread_attr_destroy(&attributes);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

struct Outcome {
  double value = 0, slope = 0;
};

}  // namespace

TEST_CASE("chain: five million factors on a stack of 64 kB") {
  Outcome outcome;
  const double seconds = on_small_stack(
      [](void* out) {
        const Tensor start = Tensor(1.0, float64).requires_grad(true);
        Tensor x = start;
        for (int i = 0; i < length; ++i) x = x * 1.0000001;
        x.backward();
        *static_cast<Outcome*>(out) = {x.item<double>(), start.grad().item<double>()};
      },
      &outcome);
  const double expected = std::exp(length * std::log1p(1e-7));
  CHECK(outcome.value == doctest::Approx(expected).epsilon(1e-6));
  CHECK(outcome.slope == doctest::Approx(expected).epsilon(1e-6));
  CHECK(seconds < 60);
}

TEST_CASE("chain: five million terms that all lead to one leaf") {
  Outcome outcome;
  const double seconds = on_small_stack(
      [](void* out) {
        const Tensor x = Tensor(0.5, float64).requires_grad(true);
        Tensor y = x;
        for (int i = 0; i < length; ++i) y = y + x;
        y.backward();
        *static_cast<Outcome*>(out) = {y.item<double>(), x.grad().item<double>()};
      },
      &outcome);
  CHECK(outcome.value == 0.5 * (length + 1.0));
  CHECK(outcome.slope == length + 1.0);
  CHECK(seconds < 60);
}

TEST_CASE("chain: one that was never differentiated is destroyed all the same") {
  const double seconds = on_small_stack(
      [](void*) {
        const Tensor x = Tensor(0.5).requires_grad(true);
        Tensor y = x;
        for (int i = 0; i < length / 5; ++i) y = reshape(y, {1 + i % 2 * 0, 1}) + 0.5;
        std::vector<Tensor> rests;  // many ends of one chain, dropped from the oldest on
        for (int i = 0; i < length / 50; ++i) rests.push_back(y = exp(y * 0));
      },
      nullptr);
  CHECK(seconds < 60);
}

TEST_CASE("chain: a recorded gradient of a long chain") {
  Outcome outcome;
  on_small_stack(
      [](void* out) {
        const Tensor x = Tensor(1.0, float64).requires_grad(true);
        Tensor y = x;
        for (int i = 0; i < length / 500; ++i) y = y * x;
        const Tensor slope = grad(y, {x}, {.retain_graph = false, .create_graph = true})[0];
        *static_cast<Outcome*>(out) = {slope.item<double>(), grad(slope, {x})[0].item<double>()};
      },
      &outcome);
  const double n = length / 500 + 1;
  CHECK(outcome.value == doctest::Approx(n));
  CHECK(outcome.slope == doctest::Approx(n * (n - 1)));
}

TEST_CASE("chain: mixed operations, backward, and in forward mode without a tape") {
  struct Mixed {
    Tensor w = eye(2, float64) * 1.0000001;
    Tensor operator()(const Tensor& x) const {
      Tensor y = x;
      for (int i = 0; i < length / 100; ++i) {
        y = transpose(matmul(y, w));
        y = reshape(reshape(y, {4}), {2, 2}) * 0.9999999;
        y = where(y > 5, y * 1, y + x * 1e-7);
      }
      return sum(y);
    }
  };
  double values[2] = {};
  const double seconds = on_small_stack(
      [](void* out) {
        const Tensor x = Tensor({{1, 10}, {3, 4}}, float64).requires_grad(true);
        Mixed()(x).backward();
        static_cast<double*>(out)[0] = sum(x.grad()).item<double>();
        const auto [y, change] = jvp(Mixed(), x.detach(), ones({2, 2}, float64));
        static_cast<double*>(out)[1] = change.item<double>();
      },
      values);
  CHECK(values[0] == doctest::Approx(values[1]).epsilon(1e-9));
  CHECK(values[0] > 3);
  CHECK(seconds < 60);
}
