// The checker is checked: rules that are wrong by little must fail by name.
#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>
#include <xtape/tools/catalogue_calls.hpp>

#include "rules.hpp"

using namespace rules;

TEST_CASE("gradcheck: right gradients pass, however the function takes its tensors") {
  const Tensor x = randn({3, 4}), w = randn({4, 2});
  CHECK(gradcheck([](const std::vector<Tensor>& in) { return matmul(in[0], in[1]); }, {x, w}).ok());
  CHECK(gradcheck([](auto& in) { return mish(in[0]); }, {x}).ok());
  CHECK(gradcheck([](Tensor a, Tensor b) { return matmul(a, b); }, {x, w}).ok());
  CHECK(gradcheck([](auto a, auto b) { return matmul(a, b); }, {x, w}).ok());
  CHECK(gradcheck(mish, {x}).ok());
  CHECK(gradcheck(shifted_rectifier, {x, randn({4}), randn({3, 1})}).ok());
  const auto several = [](const Tensor& a) { return std::vector<Tensor>{exp(a), a > 0, a * a}; };
  const GradcheckReport report = gradcheck(several, {x}, {.second_order = true});
  CHECK(report.ok());
  CHECK(report.first.elements == 12);
  CHECK(report.second.elements == 12 * 3);
  CHECK(report.elements() == 48);
  CHECK(report.op == "exp");
}

TEST_CASE("gradcheck: one element that is wrong by 0.1 % is named") {
  Tensor errors = ones({3, 2}, float64);
  errors.mutable_values<double>()(2, 1) = 1.001;
  const auto f = [&](const Tensor& a, const Tensor& b) { return a + distorted(b, errors); };
  const Tensor a = randn({3, 2}, float64), b = randn({3, 2}, float64);
  const GradcheckReport report = gradcheck(f, {a, b});
  const int line = __LINE__ - 1;
  CHECK_FALSE(report.ok());
  CHECK(report.first.elements == 12);
  CHECK(report.first.failed == 1);
  CHECK(report.worst.input == 1);
  CHECK(report.worst.index == std::vector<std::int64_t>{2, 1});
  CHECK(report.worst.analytic / report.worst.numeric == doctest::Approx(1.001));
  CHECK(report.worst.error < 1e-8);
  CHECK(report.where.line == line);
  CHECK(report.str().starts_with("add: wrong gradient: input 1 at [2, 1]: gradient "));
  CHECK(report.str().ends_with("; 1 of 12 elements fail (" + here(line) + ")"));
  std::ostringstream out;
  out << report;
  CHECK(out.str() == report.str());
  CHECK(gradcheck(f, {a, b}, {.name = "mine"}).op == "mine");
  CHECK_FALSE(gradcheck(f, {a, b}, {.fast = true}).ok());
  // the other input alone is right
  CHECK(gradcheck(f, {a, b}, {.constants = {1}}).ok());
}

TEST_CASE("gradcheck: 0.1 % is found at any magnitude and in the smallest element") {
  for (double size : {1e-6, 1e-3, 1.0, 1e3, 1e6}) {
    CAPTURE(size);
    const Tensor x = rand({5}, float64) * size + size;
    CHECK(gradcheck([](const Tensor& t) { return t * t * t; }, {x}, {.second_order = true}).ok());
    CHECK(gradcheck([](const Tensor& t) { return log(t); }, {x}, {.second_order = true}).ok());
    const Tensor errors = doubles({1, 1, 1.001, 1, 1});
    for (double factor : {1e-6, 1.0, 1e6}) {
      const auto wrong = [&](const Tensor& t) { return distorted(t, errors, factor); };
      const GradcheckReport report = gradcheck(wrong, {x});
      CHECK(report.first.failed == 1);
      CHECK(report.worst.index == std::vector<std::int64_t>{2});
    }
  }
  // beside gradients that are a million times larger
  const auto mixed = [](const Tensor& t) {
    return distorted(t, doubles({1, 1.001}), 1) * doubles({1e6, 1});
  };
  CHECK(gradcheck(mixed, {doubles({1, 2})}).first.failed == 1);
}

TEST_CASE("gradcheck: wrong sign, zero gradient, lost factor of a broadcast") {
  const Tensor x = randn({4}, float64);
  CHECK_FALSE(
      gradcheck([](const Tensor& t) { return distorted(t, Tensor(-1.0, float64)); }, {x}).ok());
  CHECK_FALSE(
      gradcheck([](const Tensor& t) { return distorted(t, Tensor(0.0, float64)); }, {x}).ok());
  const auto mean_instead_of_sum = [](const Tensor& t, const Tensor& bias) {
    return record("biased", Location(), {unsaved(t), unsaved(bias)}, t.detach() + bias.detach(),
                  [](Backward& b) {
                    b.give(0, b.grad());
                    b.give(1, mean(b.grad(), 0));
                  });
  };
  const GradcheckReport report = gradcheck(mean_instead_of_sum, {randn({3, 4}), randn({4})});
  CHECK(report.op == "biased");
  CHECK(report.first.failed == 4);
  CHECK(report.worst.input == 1);
}

TEST_CASE("gradcheck: errors that cancel in a plain sum are seen") {
  // the rows' gradients are exchanged: the column sums are right
  const auto f = [](const Tensor& t) {
    return record("exchanged", Location(), {unsaved(t)}, t.copy(), [](Backward& b) {
      b.give(0, slice(b.grad(), 0, {.start = {}, .stop = {}, .step = -1}));
    });
  };
  CHECK_FALSE(gradcheck(f, {randn({2, 3})}).ok());
}

TEST_CASE("gradcheck: a missing gradient is called that") {
  const auto f = [](const Tensor& a, const Tensor& b) { return a * b.detach(); };
  const GradcheckReport report = gradcheck(f, {randn({3}), randn({3})});
  CHECK(report.first.failed == 3);
  CHECK(report.worst.input == 1);
  CHECK(contains(report.str(), "missing gradient: no gradient reaches this input although it"));
  CHECK_FALSE(gradcheck([](const Tensor& a) { return a.detach() * 2; }, {randn({3})}).ok());
  // without influence there is nothing to miss
  CHECK(gradcheck([](const Tensor& a, const Tensor&) { return a * 2; }, {randn({3}), randn({2})})
            .ok());
}

TEST_CASE("gradcheck: second-order rules are checked on their own") {
  // x^3 with a right first derivative whose own derivative is off by 0.1 %
  const auto slope = [](const Tensor& x, double error) {
    return record("slope", Location(), {saved(x)}, 3 * x.detach() * x.detach(),
                  [error](Backward& b) { b.give(0, b.grad() * 6 * error * b.input(0)); });
  };
  const auto cube = [&](double error) {
    return [&slope, error](const Tensor& t) {
      return with_slope(
          "cube", t, [](const Tensor& v) { return v * v * v; },
          [&slope, error](const Tensor& v) { return slope(v, error); });
    };
  };
  const Tensor x = doubles({0.5, -2});
  CHECK(gradcheck(cube(1), {x}, {.second_order = true}).ok());
  CHECK(gradcheck(cube(1.001), {x}).ok());
  const GradcheckReport report = gradcheck(cube(1.001), {x}, {.second_order = true});
  CHECK_FALSE(report.ok());
  CHECK(report.first.failed == 0);
  CHECK(report.second.failed == 2);
  CHECK(report.worst.order == 2);
  CHECK(contains(report.str(), "second-order gradient"));
  // a gradient that forgets the upstream gradient's place on the tape
  const auto cut = [](const Tensor& t) {
    return record("cut", Location(), {unsaved(t)}, t.copy(),
                  [](Backward& b) { b.give(0, b.grad().detach()); });
  };
  const GradcheckReport lost = gradcheck(cut, {x}, {.second_order = true});
  CHECK(contains(lost.str(), "upstream gradient 0"));
  // another value when it is recorded
  const auto two_faced = [](const Tensor& t) {
    return record("two_faced", Location(), {unsaved(t)}, t.copy(),
                  [](Backward& b) { b.give(0, b.create_graph() ? b.grad() * 1.5 : b.grad()); });
  };
  CHECK(gradcheck(two_faced, {x}).ok());
  CHECK(contains(gradcheck(two_faced, {x}, {.second_order = true}).str(), "with create_graph"));
}

TEST_CASE("gradcheck: random masks are frozen and the generator is left alone") {
  manual_seed(7);
  Generator::global().set_stream(5);
  const auto dropped = [](const Tensor& x) {
    return where(rand(x.shape(), float64) < 0.5, x * 2, 0);
  };
  CHECK(
      gradcheck(dropped, {randn({20}, float64, Generator::global())}, {.second_order = true}).ok());
  CHECK(Generator::global().stream() == 6);
  CHECK(Generator::global().seed() == 7);
  CHECK_THROWS_AS(
      gradcheck([](const Tensor& x) { return rand({2}) + matmul(x, x); }, {ones({2, 3})}),
      ShapeError);
  CHECK(Generator::global().stream() == 6);
}

TEST_CASE("gradcheck: a function that is not deterministic fails") {
  int calls = 0;
  const auto counts = [&](const Tensor& x) { return x * (1 + 1e-15 * ++calls); };
  const GradcheckReport report = gradcheck(counts, {doubles({1, 2})});
  CHECK_FALSE(report.ok());
  CHECK_FALSE(report.deterministic);
  CHECK(contains(report.str(), "not deterministic"));
  // changes its mind after a while
  calls = 0;
  const auto late = [&](const Tensor& x) { return x * (++calls > 9 ? 3.0 : 2.0); };
  CHECK_FALSE(gradcheck(late, {doubles({1})}).ok());
  Generator own(3);
  CHECK_FALSE(
      gradcheck([&](const Tensor& x) { return x * rand({2}, float64, own); }, {doubles({1, 2})})
          .deterministic);
}

TEST_CASE("gradcheck: element types, empty and 0-d tensors, untouched inputs") {
  const Tensor x = randn({3}), index = Tensor({2, 0}, int64);
  const std::vector<float> before(x.data<float>(), x.data<float>() + 3);
  const auto pick = [](const Tensor& t, const Tensor& i) {
    CHECK(t.dtype() == float64);
    CHECK(i.dtype() == int64);
    const NoGrad guard;
    t.mutable_values<double>()(0) += 1;
    const EnableGrad again;
    return index_select(t * t, 0, i);
  };
  const GradcheckReport report = gradcheck(pick, {x, index}, {.second_order = true});
  CHECK_MESSAGE(report.ok(), report.str());
  CHECK(report.first.elements == 3);
  CHECK(std::equal(before.begin(), before.end(), x.data<float>()));
  CHECK(x.dtype() == float32);
  CHECK_FALSE(x.requires_grad());
  const GradcheckReport empty = gradcheck(formulas::exp, {zeros({0, 3})}, {.second_order = true});
  CHECK(empty.ok());
  CHECK(empty.elements() == 0);
  const GradcheckReport scalar = gradcheck(formulas::exp, {Tensor(0.5)}, {.second_order = true});
  CHECK(scalar.ok());
  CHECK(scalar.worst.index.empty());
  CHECK(contains(scalar.worst.place, "at []"));
  {
    const NoGrad off;
    CHECK(gradcheck(formulas::exp, {x}).ok());
    CHECK_FALSE(grad_enabled());
  }
  set_anomaly(true);
  CHECK(gradcheck([](const Tensor& t) { return log(t); }, {doubles({0.001})}).ok());
  CHECK(anomaly_enabled());
  set_anomaly(false);
}

TEST_CASE("gradcheck: a random direction stands for a whole input") {
  const Tensor x = randn({40, 30}), w = randn({30, 20});
  const auto f = [](const Tensor& a, const Tensor& b) { return tanh(matmul(a, b)); };
  const GradcheckReport report = gradcheck(f, {x, w}, {.fast = true, .second_order = true});
  CHECK_MESSAGE(report.ok(), report.str());
  CHECK(report.first.elements == 2);
  CHECK(report.second.elements == 3);
  const GradcheckReport kinks = gradcheck(relu, {zeros({7})}, {.fast = true});
  CHECK(kinks.ok());
  CHECK(contains(kinks.str(), "input 0 along a random direction"));
}

TEST_CASE("gradcheck: errors") {
  const Tensor x = randn({2});
  const auto f = [](const Tensor& t) { return distorted(t, Tensor(1.5, float64)); };
  try {
    assert_gradcheck(f, {x});
    FAIL("should have thrown");
  } catch (const GradcheckError& error) {
    CHECK(error.where().line == __LINE__ - 3);
    CHECK(error.report.first.failed == 2);
    CHECK(error.op() == "distorted");
    CHECK(error.what() == error.report.str());
  }
  CHECK_THROWS_AS(gradcheck(f, {x}, {.throw_on_failure = true}), Error);
  CHECK(assert_gradcheck(mish, {x}).ok());
  CHECK_THROWS_AS(gradcheck(f, {}), ValueError);
  CHECK_THROWS_AS(gradcheck(f, {Tensor({1, 2}, int64)}), ValueError);
  CHECK_THROWS_AS(gradcheck(f, {x}, {.constants = {0}}), ValueError);
  CHECK_THROWS_AS(gradcheck(f, {Tensor()}), ValueError);
  CHECK_THROWS_AS(gradcheck(f, {x, x}), ValueError);
  CHECK_THROWS_AS(gradcheck(f, {x}, {.rtol = -1}), ValueError);
  CHECK_THROWS_AS(gradcheck(f, {x}, {.step = 0}), ValueError);
  CHECK_THROWS_AS(gradcheck([](const Tensor&) { return Tensor(); }, {x}), ValueError);
  const auto shrinks = [](const Tensor& t) {
    return slice(t, 0, {.start = 0, .stop = t.data<double>()[0] > 1 ? 1 : 2});
  };
  CHECK_THROWS_AS(gradcheck(shrinks, {doubles({1, 2})}), ValueError);
}

TEST_CASE("gradcheck: every operation of the catalogue passes in both orders") {
  Generator generator(11);
  std::size_t checked = 0, kinks = 0;
  for (const Entry* entry : catalogue()) {
    if (entry->kind == Entry::Kind::custom) continue;  // of other tests
    if (!catalogue_calls::differentiable(*entry)) continue;
    for (const auto& call : catalogue_calls::calls_of(*entry, generator)) {
      const GradcheckReport report =
          gradcheck(call.function, call.inputs, {.name = call.name, .second_order = true});
      CHECK_MESSAGE(report.ok(), report.str());
      CHECK(report.elements() > 0);
      kinks += report.kinks.size();
    }
    ++checked;
  }
  CHECK(checked > 50);
  CHECK(kinks > 100);
}
