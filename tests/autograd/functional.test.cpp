#include "../check.hpp"

using namespace check;

namespace {

using Tensors = std::vector<Tensor>;

Tensor doubles(std::initializer_list<Nested> items) { return Tensor(items, float64); }

/// A 2-16-16-1 network of tanh units and its squared error at a few points.
struct Net {
  Tensor x = randn({5, 2}, float64), t = randn({5, 1}, float64);
  Tensors parameters{randn({16, 2}, float64), randn({16}, float64),    randn({16, 16}, float64) / 4,
                     randn({16}, float64),    randn({1, 16}, float64), randn({1}, float64)};
  Tensor operator()(const Tensors& p) const {
    const Tensor hidden = tanh(linear(tanh(linear(x, p[0], p[1])), p[2], p[3]));
    return mean(square(linear(hidden, p[4], p[5]) - t));
  }
};

/// df/dx of every element of `x` by central differences, in a row for each element of x.
template <class F>
std::vector<std::vector<double>> differences(const Tensor& x, F f) {
  std::vector<std::vector<double>> rows;
  constexpr double h = 1e-5;
  for (std::int64_t i = 0; i < x.numel(); ++i) {
    double& element = x.mutable_data<double>()[i];
    const double before = element;
    element = before + h;
    std::vector<double> above = f();
    element = before - h;
    const std::vector<double> below = f();
    element = before;
    for (std::size_t k = 0; k < above.size(); ++k) above[k] = (above[k] - below[k]) / (2 * h);
    rows.push_back(above);
  }
  return rows;
}

}  // namespace

TEST_CASE("functional: gradient, Hessian and Hessian times vector of a tanh network") {
  const Net net;
  const auto gradient = [&] {
    std::vector<double> all;
    for (const Tensor& g : vjp(net, net.parameters).second)
      for (double number : numbers(g)) all.push_back(number);
    return all;
  };
  const std::vector<double> slopes = gradient();
  const std::vector<Tensors> h = hessian(net, net.parameters);
  Tensors v;
  for (const Tensor& p : net.parameters) v.push_back(randn(p.shape(), float64));
  const auto [value, products] = hvp(net, net.parameters, v);
  CHECK(value.item<double>() == net(net.parameters).item<double>());
  double slope_error = 0, curvature_error = 0, product_error = 0;
  std::size_t at = 0;
  for (std::size_t i = 0; i < net.parameters.size(); ++i) {
    const Tensor& p = net.parameters[i];
    const auto first = differences(p, [&] { return numbers(net(net.parameters)); });
    const auto second = differences(p, gradient);
    const std::vector<double> product = numbers(products[i]);
    for (std::size_t e = 0; e < first.size(); ++e, ++at) {
      slope_error = std::max(slope_error, std::abs(first[e][0] - slopes[at]));
      double sum = 0;
      std::size_t column = 0;
      for (std::size_t j = 0; j < net.parameters.size(); ++j) {
        const std::vector<double> row = numbers(h[i][j]), along = numbers(v[j]);
        for (std::size_t k = 0; k < along.size(); ++k, ++column) {
          const double exact = row[e * along.size() + k];
          curvature_error = std::max(curvature_error, std::abs(exact - second[e][column]));
          sum += second[e][column] * along[k];
        }
      }
      product_error = std::max(product_error, std::abs(sum - product[e]));
    }
  }
  CHECK(slope_error < 1e-6);
  CHECK(curvature_error < 1e-6);
  CHECK(product_error < 1e-6);
}

TEST_CASE("functional: derivatives of every smooth function of the catalogue, to the fourth") {
  for (const Entry* entry : catalogue()) {
    const bool one =
        entry->formula && entry->arity == 1 + static_cast<int>(entry->parameters.size());
    if (!one || *entry->record.kinks || !*entry->record.about ||
        entry->formula->readings->boolean_result)
      continue;
    INFO(std::string(entry->record.name));
    const double low = entry->record.low, high = entry->record.high, margin = (high - low) / 10;
    const Tensor x = linspace(low + margin, high - margin, 40, float64);
    const auto nth = [&](const Tensor& at, int n) {
      const Tensor leaf = at.copy().requires_grad(true);
      Tensor y = (*entry)(leaf);
      for (; n > 0; --n) {
        Tensor slope;
        if (y.requires_grad())
          slope = grad(sum(y), leaf, {.create_graph = true, .allow_unused = true});
        y = slope.defined() ? slope : zeros_like(at);
      }
      return y;
    };
    UnaryFunction pushed = [entry](const Tensor& z) { return (*entry)(z); };
    for (int n = 1; n <= 4; ++n) {
      INFO("derivative " << n);
      const double h = 2e-3;
      const auto step = [&](double k) { return nth(x + k * h, n - 1); };
      const Tensor difference =
          ((step(1) - step(-1)) * 45 - (step(2) - step(-2)) * 9 + (step(3) - step(-3))) / (60 * h);
      const Tensor exact = nth(x, n);
      CHECK(distance(exact, difference) < 1e-7);
      pushed = [pushed](const Tensor& z) { return jvp(pushed, z, ones_like(z)).second; };
      CHECK(distance(pushed(x), exact) < 1e-9);
    }
  }
}

TEST_CASE("functional: Jacobians by rows and by columns") {
  const Tensor x = doubles({1, 2}), w = doubles({{1, 2}, {3, 4}, {5, 6}});
  const UnaryFunction few = [&](const Tensor& z) { return matmul(w, z * z); };
  const UnaryFunction many = [&](const Tensor& z) {
    return reshape(few(z), {3, 1}) * ones({1, 4}, float64);
  };
  CHECK(equal(jacobian(few, x), doubles({{2, 8}, {6, 16}, {10, 24}})));
  const Tensor by_columns = jacobian(many, x);
  const Tensor by_rows = jacobian(many, x, {.create_graph = true});
  CHECK(by_columns.shape() == Shape{3, 4, 2});
  CHECK(equal(by_columns, by_rows.detach()));
  CHECK(numbers(by_columns)[7] == 8);
  // several inputs and results, some without influence
  const VectorFunction f = [](const Tensors& in) {
    return Tensors{sum(in[0] * in[1]), in[1] * 2, ones({2})};
  };
  const auto j = jacobian(f, {doubles({1, 2}), doubles({3, 4})});
  CHECK(numbers(j[0][0]) == std::vector<double>{3, 4});
  CHECK(numbers(j[0][1]) == std::vector<double>{1, 2});
  CHECK(numbers(j[1][0]) == std::vector<double>{0, 0, 0, 0});
  CHECK(numbers(j[1][1]) == std::vector<double>{2, 0, 0, 2});
  CHECK(numbers(j[2][1]) == std::vector<double>{0, 0, 0, 0});
  // no elements, no axes
  CHECK(jacobian(few, x).dtype() == float64);
  CHECK(jacobian([](const Tensor& z) { return z * 2; }, zeros({0, 2})).shape() ==
        Shape{0, 2, 0, 2});
  CHECK(jacobian([](const Tensor& z) { return z * 2; }, Tensor(1)).shape() == Shape{});
  CHECK(jacobian([](const Tensor& z) { return sum(z, 0); }, zeros({0, 2})).shape() ==
        Shape{2, 0, 2});
}

TEST_CASE("functional: results can be differentiated again on request") {
  const Tensor x = doubles({0.5, -1.5}).requires_grad(true), v = doubles({1, 2});
  const Tensor w = doubles({2, 3}).requires_grad(true);
  const UnaryFunction f = [&](const Tensor& z) { return sum(z * z * z * w); };
  CHECK_FALSE(vjp(f, x).second.requires_grad());
  CHECK_FALSE(vjp(f, x).first.requires_grad());
  CHECK_FALSE(jacobian(f, x).requires_grad());
  CHECK_FALSE(hessian(f, x).requires_grad());
  CHECK_FALSE(hvp(f, x, v).second.requires_grad());
  const NoGrad off;  // does not keep f off the tape
  const Function again[] = {
      [&](const Tensors& in) {
        const UnaryFunction g = [&](const Tensor& z) { return sum(z * z * z * in[1]); };
        return jacobian(g, in[0], {.create_graph = true});
      },
      [&](const Tensors& in) {
        const UnaryFunction g = [&](const Tensor& z) { return sum(z * z * z * in[1]); };
        return hessian(g, in[0], {.create_graph = true});
      },
      [&](const Tensors& in) {
        const UnaryFunction g = [&](const Tensor& z) { return sum(z * z * z * in[1]); };
        return hvp(g, in[0], v, {.create_graph = true}).second;
      },
      [&](const Tensors& in) {
        const UnaryFunction g = [&](const Tensor& z) { return z * z * z * in[1]; };
        return vjp(g, in[0], v, {.create_graph = true}).second;
      },
      [&](const Tensors& in) {
        const UnaryFunction g = [&](const Tensor& z) { return z * z * z * in[1]; };
        return jvp(g, in[0], v).second;
      }};
  for (const Function& g : again) {
    const EnableGrad on;
    CHECK(slope_error(g, {x.detach(), w.detach()}) < 1e-6);
    CHECK(curvature_error(g, {x.detach(), w.detach()}) < 1e-5);
    // in forward mode, too
    const auto [y, change] = jvp(g, {x.detach(), w.detach()}, {v, v});
    const Tensor seed = randn(y.shape(), float64);
    const auto [same, shares] = vjp(g, {x.detach(), w.detach()}, seed);
    CHECK(sum(seed * change).item<double>() ==
          doctest::Approx((sum(shares[0] * v) + sum(shares[1] * v)).item<double>()));
  }
}

TEST_CASE("functional: where there is no influence the derivative is 0") {
  const Tensor x = ones({2}), v = ones({2});
  const UnaryFunction constant = [](const Tensor&) { return Tensor(3); };
  CHECK(numbers(jvp(constant, x, v).second) == std::vector<double>{0});
  CHECK(numbers(vjp(constant, x).second) == std::vector<double>{0, 0});
  CHECK(numbers(jacobian(constant, x)) == std::vector<double>{0, 0});
  CHECK(numbers(hvp(constant, x, v).second) == std::vector<double>{0, 0});
  CHECK(numbers(hessian(constant, x)) == std::vector<double>{0, 0, 0, 0});
  const UnaryFunction line = [](const Tensor& z) { return sum(z); };
  CHECK(numbers(hessian(line, x)) == std::vector<double>{0, 0, 0, 0});
  CHECK(numbers(hvp(line, x, v).second) == std::vector<double>{0, 0});
  const UnaryFunction count = [](const Tensor& z) { return argmax(z, 0); };
  CHECK(equal(jvp(count, x, v).second, Tensor(0, int64)));
  const UnaryFunction same = [](const Tensor& z) { return z; };
  CHECK(equal(jvp(same, x, v).first, x));
  CHECK(equal(jvp(same, x, v).second, v));
  CHECK(equal(jacobian(same, x), eye(2)));
}

TEST_CASE("functional: ways to call grad()") {
  const Tensor x = doubles({1, 2}).requires_grad(true), w = doubles({3, 4}).requires_grad(true);
  const Tensor y = x * w;
  CHECK(numbers(grad(sum(y), x, {.retain_graph = true})) == std::vector<double>{3, 4});
  const Tensors g = grad(sum(y), {x, w}, {.create_graph = true});
  CHECK(g[0].requires_grad());
  CHECK(numbers(grad(y, {x}, doubles({1, 10}), {.retain_graph = true})[0]) ==
        std::vector<double>{3, 40});
  const Tensors both = grad({y, sum(x)}, {x, w}, {ones({2}, float64), Tensor()});
  CHECK(numbers(both[0]) == std::vector<double>{4, 5});
  CHECK(numbers(both[1]) == std::vector<double>{1, 2});
}

TEST_CASE("functional: what it refuses") {
  const Tensor x = ones({2}), three = ones({3});
  const UnaryFunction f = [](const Tensor& z) { return sum(z * z); };
  const UnaryFunction g = [](const Tensor& z) { return z * z; };
  const NaryFunction h = [](const Tensors& in) { return sum(in[0]); };
  const auto at = [](const char* text, const std::string& where) {
    return std::string(text) + " (" + where + ")";
  };
  CHECK(message<ShapeError>([&] { jvp(f, x, three); }) ==
        at("jvp: tangent 0 has shape [3], [2] wanted", here()));
  CHECK(message<DTypeError>([&] { jvp(f, x, ones({2}, float64)); }) ==
        at("jvp: tangent 0 is float64, float32 wanted", here()));
  CHECK(message<ValueError>([&] {
          jvp(h, {x, x}, {x});
        }) == at("jvp: 1 tangents, 2 wanted", here()));
  CHECK(message<DTypeError>([&] { jvp(f, zeros({2}, int64), zeros({2}, int64)); }) ==
        at("dual: only floating tensors have tangents, this one is int64", here()));
  CHECK(message<ShapeError>([&] { vjp(g, x); }) ==
        at("vjp: a result of shape [2] needs a seed of its shape", here()));
  CHECK(message<ShapeError>([&] { vjp(g, x, three); }) ==
        at("vjp: seed 0 has shape [3], [2] wanted", here()));
  CHECK(message<DTypeError>([&] { vjp(g, x, ones({2}, float64)); }) ==
        at("vjp: seed 0 is float64, float32 wanted", here()));
  CHECK(message<DTypeError>([&] { vjp(f, zeros({2}, int64)); }) ==
        at("requires_grad: only floating tensors have gradients, this one is int64", here()));
  CHECK(message<ShapeError>([&] { hvp(g, x, x); }) ==
        at("hvp: a function with one element wanted, its shape is [2]", here()));
  CHECK(message<ShapeError>([&] { hvp(f, x, three); }) ==
        at("hvp: vector 0 has shape [3], [2] wanted", here()));
  CHECK(message<ValueError>([&] {
          hvp(h, {x, x}, {x});
        }) == at("hvp: 1 vectors, 2 wanted", here()));
  CHECK(message<ShapeError>([&] { hessian(g, x); }) ==
        at("hessian: a function with one element wanted, its shape is [2]", here()));
  CHECK(message<ShapeError>([&] {
          jacobian(g, ones({1, 1, 1, 1, 1, 1}));
        }) == at("shape: more than 10 axes", here()));
  CHECK(message<ValueError>([&] { jvp([](const Tensor&) { return Tensor(); }, x, x); }) ==
        at("tensor: used before it was given a value", here()));
}
