#include <thread>

#include "../check.hpp"

using namespace check;

namespace {

// The shares that it hands to both inputs are what the test wants.
Tensor faulty(const Tensor& x, const Tensor& y, Tensor share_x, Tensor share_y) {
  return record("faulty", Location(), {unsaved(x), unsaved(y)}, (x * y).detach(),
                [=](Backward& backward) {
                  backward.give(0, share_x);
                  backward.give(1, share_y);
                });
}

// The identity whose vjp throws while `*armed`.
Tensor mined(const Tensor& x, const bool* armed) {
  return record("mined", Location(), {unsaved(x)}, x.copy(), [armed](Backward& backward) {
    if (*armed) throw std::runtime_error("boom");
    backward.give(0, backward.grad());
  });
}

}  // namespace

TEST_CASE("backward: grad() goes no further than it must") {
  const Tensor x = leaf({1, 2});
  const bool armed = true;
  const Tensor y = mined(x, &armed) * 2;
  CHECK(numbers(grad(sum(y * y), {y})[0]) == std::vector<double>{4, 8});
}

TEST_CASE("backward: a value changed in place is noticed, and both lines are named") {
  const Tensor x = leaf({1, 2});
  const Tensor w({3, 4}, float64);
  const Tensor y = sum(x * w);
  const int made = __LINE__ - 1;
  w.mutable_values<double>()(0) = 7;
  const int changed = __LINE__ - 1;
  CHECK(message<StaleValueError>([&] { y.backward(); }) ==
        "mul: input 1 of shape [2] was changed in place at backward.test.cpp:" +
            std::to_string(changed) +
            " after the operation was recorded; copy() it first, or change it after backward() "
            "(backward.test.cpp:" +
            std::to_string(made) + ")");
  CHECK_THROWS_AS(sum(x).mutable_values<double>(), GradError);
  CHECK(message<GradError>([&] { x.mutable_values<double>(); }) ==
        "mutable_values: a tensor that requires gradients may be changed only under NoGrad (" +
            here() + ")");
  const Tensor z = sin(x), s = z * z;
  {
    const NoGrad off;
    x.mutable_values<double>()(0) = 5;
  }
  CHECK_THROWS_AS(sum(s).backward(), StaleValueError);
  // what keeps its result does not need its argument, but the result
  const Tensor e = exp(x);
  {
    const NoGrad off;
    x.mutable_values<double>()(0) = 8;
  }
  CHECK_NOTHROW(sum(e).backward({.retain_graph = true}));
  e.detach().mutable_values<double>()(0) = 1;
  CHECK_THROWS_AS(sum(e).backward(), StaleValueError);
  // through any handle that shares the memory
  const Tensor u = sum(x * x);
  reshape(x.detach(), {2, 1}).mutable_values<double>()(1, 0) = 0;
  CHECK_THROWS_AS(u.backward(), StaleValueError);
  // rearranging and summing do not need the old values
  const Tensor t = sum(permute(reshape(x, {1, 2}), {1, 0}));
  {
    const NoGrad off;
    x.mutable_values<double>()(0) = 6;
  }
  CHECK_NOTHROW(t.backward());
}

TEST_CASE("backward: an index or a result that the gradient needs is noticed, too") {
  const Tensor x = leaf({{1, 2}, {3, 4}});
  const auto stale = [&](const Tensor& result, const Tensor& needed) {
    needed.mutable_data<std::int64_t>()[0] = 1000000;
    CHECK_THROWS_AS(sum(result).backward(), StaleValueError);
    needed.mutable_data<std::int64_t>()[0] = 0;
  };
  const Tensor index({{0, 1}}, int64), rows({1, 0}, int64);
  stale(gather(x, 0, index), index);
  stale(scatter_add(x, 0, index, leaf({{1, 1}})), index);
  stale(index_select(x, 0, rows), rows);
  const Tensor flat({0, 3}, int64);
  stale(take(x, flat), flat);
  const Tensor top = amax(x, 0);
  {
    const NoGrad off;
    top.mutable_values<double>().fill(0);
  }
  CHECK_THROWS_AS(sum(top).backward(), StaleValueError);
}

TEST_CASE("backward: a gradient that was recorded and then added to is noticed") {
  const Tensor x = leaf(2);
  (x * x).backward();
  const Tensor use = x * x.grad();
  (x * x).backward();
  CHECK_THROWS_AS(use.backward(), StaleValueError);
}

TEST_CASE("backward: an exception inside a vjp leaves the tape usable") {
  const Tensor x = leaf({1, 2}), y = leaf({1, 1});
  bool armed = true;
  const Tensor a = x * 3, b = mined(a, &armed), z = sum(b * y) + sum(a);
  CHECK_THROWS_WITH(z.backward({.retain_graph = true}), "boom");
  armed = false;
  x.zero_grad();
  y.zero_grad();
  z.backward();
  CHECK(numbers(x.grad()) == std::vector<double>{6, 6});
  CHECK(numbers(y.grad()) == std::vector<double>{3, 6});
  CHECK(grad_enabled());
}

TEST_CASE("backward: shares of different shapes throw instead of reading beyond") {
  const Tensor x = leaf({1, 2});
  CHECK(message<ShapeError>([&] {
          sum(faulty(x, x, zeros({2}, float64), zeros({1}, float64))).backward();
        }).find("backward: faulty gave a gradient of float64 [1] to a tensor of float64 [2] (") ==
        0);
  CHECK_THROWS_AS(sum(faulty(x, x, zeros({2}, float64), zeros({2}))).backward(), ShapeError);
}

TEST_CASE("backward: two threads build and differentiate their own graphs") {
  const Tensor shared = leaf({1, 2, 3});
  double sums[2] = {};
  const auto work = [&](int which) {
    for (int round = 0; round < 200; ++round) {
      const Tensor x = leaf({1, 2, 3});
      Tensor y = x;
      for (int i = 0; i < 20; ++i) y = sin(y) * x + shared.detach();
      sum(y).backward();
      const Tensor slope = grad(sum(exp(shared * which) * x), {shared})[0];
      sums[which] += sum(x.grad()).item<double>() + sum(slope).item<double>();
      if (which == 1) sums[which] += rand({100}).item<float>() * 0;
    }
  };
  const auto safe = [&](int which) {
    try {
      work(which);
    } catch (const ShapeError&) {  // rand({100}).item() has 100 elements
    }
  };
  std::thread other(safe, 1);
  work(0);
  other.join();
  CHECK(sums[0] != 0);
  CHECK(sums[1] != 0);
}

TEST_CASE("backward: anomaly mode names the operation and the line") {
  struct Mode {
    Mode() { set_anomaly(true); }
    ~Mode() { set_anomaly(false); }
  };
  const Tensor x = leaf({1, 0});
  {
    const Mode mode;
    CHECK(message<AnomalyError>([&] { log(x); }) ==
          "log: the forward pass first produced -inf at element 1 of shape [2] (" + here() + ")");
    CHECK(message<AnomalyError>([&] { Tensor({1}) / Tensor({0}); }).find("div: ") == 0);
    CHECK_NOTHROW(Tensor({INFINITY}) + 1);  // not the first
    const Tensor y = sqrt(x);
    const int line = __LINE__ - 1;
    CHECK(message<AnomalyError>([&] { sum(y).backward(); }) ==
          "sqrt: the backward pass first produced inf at element 1 of shape [2] "
          "(backward.test.cpp:" +
              std::to_string(line) + ")");
    x.zero_grad();
    // the branch that is not taken may be anything, at any order
    const auto guarded = elementwise("guarded", [](auto a) { return where(a > 0, sqrt(a), 0); });
    const Tensor slope =
        grad(sum(guarded(x)), {x}, {.retain_graph = false, .create_graph = true})[0];
    CHECK(numbers(slope) == std::vector<double>{0.5, 0});
    CHECK(numbers(grad(sum(slope), {x})[0]) == std::vector<double>{-0.25, 0});
    const Tensor negative = leaf(-2);
    CHECK(grad(grad(sum(pow(negative, 2)), {negative},
                    {.retain_graph = false, .create_graph = true})[0],
               {negative})[0]
              .item<double>() == 2);
  }
  CHECK_FALSE(anomaly_enabled());
  CHECK_NOTHROW(log(x));
}
