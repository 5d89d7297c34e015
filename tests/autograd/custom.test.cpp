#include "../check.hpp"

using namespace check;

namespace {

using Tensors = std::vector<Tensor>;

// x^3 whose backward uses what the forward kept.
const CustomFunction cube{"cube",
                          [](CustomContext& context, const Tensors& in) {
                            const Tensor square = in[0] * in[0];
                            context.save(square);
                            return square * in[0];
                          },
                          [](const CustomContext& context, const Tensor& grad) -> Tensors {
                            return {3 * context.saved(0) * grad};
                          }};

// Computes with bare numbers, which no graph sees.
Tensor by_hand(const Tensor& x, double (*f)(double)) {
  const Tensor out = x.copy();
  for (double& each : out.mutable_values<double>()) each = f(each);
  return out;
}

}  // namespace

TEST_CASE("custom: its backward is used, and higher derivatives follow from it") {
  const Tensor x = leaf({1, -2, 0.5});
  const GradOptions again{.retain_graph = true, .create_graph = true};
  const Tensor y = cube({x});
  CHECK(numbers(y) == std::vector<double>{1, -8, 0.125});
  const Tensor first = grad(sum(y), {x}, again)[0];
  CHECK(distance(first, 3 * x * x) < 1e-15);
  const Tensor second = grad(sum(first), {x}, again)[0];
  CHECK(distance(second, 6 * x) < 1e-15);
  CHECK(distance(grad(sum(second), {x})[0], full({3}, 6, float64)) < 1e-15);
  const Tensor t = Tensor({1, 2, 3}, float64);
  const auto [value, tangent] = jvp([](const Tensor& in) { return cube({in}); }, x.detach(), t);
  CHECK(equal(value, y.detach()));
  CHECK(distance(tangent, 3 * x.detach() * x.detach() * t) < 1e-15);
  // as an inner part of something else
  const auto f = [](const Tensors& in) { return sin(cube({in[0] * in[1]})); };
  const Tensors points{Tensor({0.3, 0.7}, float64), Tensor({0.9, -0.4}, float64)};
  CHECK(slope_error(f, points) < 1e-8);
  CHECK(curvature_error(f, points) < 1e-6);
}

TEST_CASE("custom: inputs without a gradient, the result, and a backward that lies on purpose") {
  const CustomFunction straight{
      "straight_through",
      [](CustomContext&, const Tensors& in) { return cast(in[0] > in[1], float64); },
      [](const CustomContext& context, const Tensor& grad) -> Tensors {
        CHECK(context.output().shape() == context.input(0).shape());
        return {grad * 1.0, Tensor()};
      }};
  const Tensor x = leaf({1, -2}), t = leaf({0, 0});
  const Tensor y = straight({x, t});
  CHECK(numbers(y) == std::vector<double>{1, 0});
  y.backward(Tensor({5, 7}, float64));
  CHECK(numbers(x.grad()) == std::vector<double>{5, 7});
  CHECK_FALSE(t.grad().defined());
  CHECK_FALSE(straight({x.detach(), t.detach()}).requires_grad());
}

TEST_CASE("custom: a higher derivative is right or an error, never silently wrong") {
  const GradOptions again{.retain_graph = true, .create_graph = true};
  const Tensor x = leaf({0.5, 2});
  // the gradient itself is computed with bare numbers
  const CustomFunction opaque{
      "opaque", [](CustomContext&, const Tensors& in) { return exp(in[0]); },
      [](const CustomContext& context, const Tensor& grad) -> Tensors {
        return {by_hand(context.input(0).detach(), std::exp) * grad.detach()};
      }};
  const Tensor y = opaque({x});
  const std::string made = here();
  CHECK(distance(grad(sum(y), {x}, {.retain_graph = true})[0], exp(x)) < 1e-15);
  CHECK(message<GradError>([&] { grad(sum(y), {x}, again); })
            .find("opaque: a higher derivative is wanted, but its backward did not compute the "
                  "gradient of input 0 by operations (custom.test.cpp:") == 0);
  // what the forward kept is
  const CustomFunction kept{"kept",
                            [](CustomContext& context, const Tensors& in) {
                              const Tensor e = by_hand(in[0].detach(), std::exp);
                              context.save(e);
                              return e;
                            },
                            [](const CustomContext& context, const Tensor& grad) -> Tensors {
                              return {context.saved(0) * grad};
                            }};
  CHECK(distance(grad(sum(kept({x})), {x})[0], exp(x)) < 1e-15);
  CHECK(message<GradError>([&] { grad(sum(kept({x})), {x}, again); })
            .find("kept: a higher derivative is wanted, but saved tensor 0 was not computed by "
                  "operations on the inputs") == 0);
}

TEST_CASE("custom: errors") {
  const Tensor x = leaf({1, 2});
  const auto identity = [](CustomContext&, const Tensors& in) { return in[0] * 1; };
  const CustomFunction few{"few", identity,
                           [](const CustomContext&, const Tensor&) -> Tensors { return {}; }};
  CHECK(message<ValueError>([&] {
          sum(few({x})).backward();
        }).find("few: its backward gave 0 gradients for 1 inputs") == 0);
  const CustomFunction wrong{"wrong", identity, [](const CustomContext&, const Tensor&) -> Tensors {
                               return {zeros({3}, float64)};
                             }};
  CHECK(message<ShapeError>([&] {
          sum(wrong({x})).backward();
        }).find("backward: wrong gave a gradient of float64 [3] to a tensor of float64 [2]") == 0);
  const CustomFunction none{"none", [](CustomContext&, const Tensors&) { return Tensor(); },
                            few.backward};
  CHECK(message<ValueError>([&] { none({x}); }) ==
        "none: its forward returned no tensor (" + here() + ")");
  const CustomFunction beyond{
      "beyond", identity,
      [](const CustomContext& context, const Tensor&) -> Tensors { return {context.saved(2)}; }};
  CHECK(message<IndexError>([&] {
          sum(beyond({x})).backward();
        }).find("custom function: saved tensor 2 of 0") == 0);
  const CustomFunction inputs{
      "inputs", [](CustomContext& context, const Tensors&) { return context.input(1); },
      few.backward};
  CHECK(message<IndexError>([&] { inputs({x}); }) ==
        "custom function: input 1 of 1 (" + here() + ")");
  // a saved value that is changed in place
  const Tensor y = cube({x});
  x.detach().mutable_values<double>()(0) = 5;
  CHECK_THROWS_AS(sum(y).backward(), StaleValueError);
}

TEST_CASE("custom: the tangent of a gradient") {
  const Tensor x({1, -2, 0.5}, float64), t({1, 2, 3}, float64);
  const auto pushed = [&](const CustomFunction& f) {
    return jvp(
               [&](const Tensor& z) {
                 return vjp([&](const Tensor& y) { return sum(f({y})); }, z).second;
               },
               x, t)
        .second;
  };
  CHECK(distance(pushed(cube), 6 * x * t) < 1e-15);
  const CustomFunction bare{"bare", [](CustomContext&, const Tensors& in) { return in[0] * in[0]; },
                            [](const CustomContext& context, const Tensor& grad) -> Tensors {
                              return {(2 * context.input(0) * grad).detach()};
                            }};
  CHECK(message<GradError>([&] {
          jvp(
              [&](const Tensor& z) {
                return vjp([&](const Tensor& y) { return sum(square(bare({y}))); }, z).second;
              },
              x, t);
        }).find("its backward did not compute the gradient of input 0 by operations") !=
        std::string::npos);
}
