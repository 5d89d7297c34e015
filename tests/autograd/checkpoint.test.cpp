#include "../check.hpp"

using namespace check;

namespace {

const auto layer = [](const Tensor& w, const Tensor& x) { return tanh(matmul(x, w)); };

}  // namespace

TEST_CASE("checkpoint: values and gradients are those of the function itself") {
  const Tensor w = randn({4, 4}, float64).requires_grad(true), v = randn({4, 4}, float64);
  v.detach();
  const Tensor u = v.copy().requires_grad(true), x = randn({3, 4}, float64).requires_grad(true);
  const auto part = [&](const std::vector<Tensor>& in) {
    return layer(u, layer(w, in[0])) * in[0];
  };
  const Tensor plain = part({x}), saved = checkpoint(part, {x});
  CHECK(equal(plain, saved));
  const std::vector<Tensor> want = grad(sum(plain * plain), {x, w, u});
  const std::vector<Tensor> got = grad(sum(saved * saved), {x, w, u}, {.retain_graph = true});
  for (int i = 0; i < 3; ++i) CHECK(equal(got[i], want[i]));
  sum(saved * saved).backward();
  CHECK(equal(w.grad(), want[1]));
  CHECK(equal(x.grad(), want[0]));
}

TEST_CASE("checkpoint: it runs the function twice and keeps none of what it computed") {
  int calls = 0;
  const Tensor x = leaf({0.5, 0.25});
  const auto part = [&](const std::vector<Tensor>& in) {
    ++calls;
    return sin(exp(in[0]) * 2);
  };
  const Tensor y = checkpoint(part, {x});
  CHECK(calls == 1);
  CHECK(y.node()->op == std::string("checkpoint"));
  CHECK(y.node()->inputs.size() == 1);
  CHECK(y.node()->inputs[0].node->is_leaf());
  sum(y).backward();
  CHECK(calls == 2);
  CHECK(distance(x.grad(), 2 * exp(x) * cos(exp(x) * 2)) < 1e-15);
  {
    const NoGrad off;
    checkpoint(part, {x});
    CHECK(calls == 3);
  }
  CHECK_FALSE(checkpoint(part, {x.detach()}).requires_grad());
}

TEST_CASE("checkpoint: gradients of any order, one inside another, and parameters without inputs") {
  const Tensor w = leaf({0.3, -0.2}), x = Tensor({1.5, 0.5}, float64);
  const auto inner = [&](const std::vector<Tensor>& in) { return tanh(in[0] * w); };
  const auto outer = [&](const std::vector<Tensor>& in) {
    return checkpoint(inner, {in[0] * w}) * w;
  };
  const auto value = [&](const std::vector<Tensor>&) { return checkpoint(outer, {x}); };
  const Tensor plain = tanh(x * w * w) * w;
  CHECK(equal(value({}), plain));
  const GradOptions again{.retain_graph = true, .create_graph = true};
  const Tensor first = grad(sum(value({})), {w}, again)[0], want = grad(sum(plain), {w}, again)[0];
  CHECK(distance(first, want) < 1e-14);
  CHECK(distance(grad(sum(first * first), {w})[0], grad(sum(want * want), {w})[0]) < 1e-13);
}

TEST_CASE("checkpoint: tangents pass through") {
  const Tensor w = leaf({0.3, -0.2}), x = Tensor({1.5, 0.5}, float64);
  const auto part = [&](const Tensor& in) {
    return checkpoint([&](const std::vector<Tensor>& part) { return sin(part[0] * w); }, {in});
  };
  const Tensor t = Tensor({1, -2}, float64);
  CHECK(distance(jvp(part, x, t).second.detach(), (cos(x * w) * w * t).detach()) < 1e-15);
}

TEST_CASE("checkpoint: random numbers are drawn again, and those after it are others") {
  manual_seed(3);
  const Tensor x = ones({64}, float64).requires_grad(true);
  const auto noisy = [](const std::vector<Tensor>& in) {
    return in[0] * rand({64}, float64) * rand({64}, float64);
  };
  const Tensor y = checkpoint(noisy, {x});
  const std::uint64_t stream = Generator::global().stream();
  sum(y).backward();
  CHECK(equal(x.grad(), y.detach()));
  CHECK(Generator::global().stream() == stream);
}

TEST_CASE("checkpoint: what was changed in between is noticed, captured or not") {
  const Tensor w = leaf({1, 2}), x = leaf({3, 4});
  const auto part = [&](const std::vector<Tensor>& in) { return in[0] * w; };
  for (const Tensor& changed : {w, x}) {
    const Tensor y = checkpoint(part, {x});
    changed.detach().mutable_values<double>()(0) = 7;
    CHECK_THROWS_AS(sum(y).backward(), StaleValueError);
  }
}
