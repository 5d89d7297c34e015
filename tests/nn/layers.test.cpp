#include "../blames.hpp"

using namespace xtape;
using check::distance;
using check::equal;
using check::here;
using check::message;
using check::numbers;

namespace {

// x W^T + b by loops; x is [rows, in].
std::vector<double> naive_linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  const std::vector<double> in = numbers(x), w = numbers(weight);
  const std::vector<double> b = bias.defined() ? numbers(bias) : std::vector<double>();
  const std::size_t width = weight.size(1), outs = weight.size(0);
  std::vector<double> out;
  for (std::size_t row = 0; row * width < in.size(); ++row)
    for (std::size_t o = 0; o < outs; ++o) {
      double sum = b.empty() ? 0 : b[o];
      for (std::size_t i = 0; i < width; ++i) sum += in[row * width + i] * w[o * width + i];
      out.push_back(sum);
    }
  return out;
}

double worst(const Tensor& got, const std::vector<double>& want) {
  const std::vector<double> values = numbers(got);
  if (values.size() != want.size()) return INFINITY;
  double most = 0;
  for (std::size_t i = 0; i < want.size(); ++i)
    most = std::max(most, std::abs(values[i] - want[i]) / (1 + std::abs(want[i])));
  return most;
}

std::vector<std::string> names(const nn::Module& module) {
  std::vector<std::string> all;
  for (const nn::NamedTensor& named : module.named_parameters()) all.push_back(named.name);
  return all;
}

// The gradient of a module with respect to its input and all its parameters.
double module_slope_error(nn::Module& module, const Tensor& x) {
  const auto call = [&](const std::vector<Tensor>& in) { return module(in[0]); };
  double most = check::slope_error(call, {x});
  for (const Tensor& p : module.parameters()) {
    module.zero_grad();
    check::probe(module(x)).backward();
    const std::vector<double> slope = numbers(p.grad());
    const NoGrad no_grad;
    double* values = p.mutable_data<double>();
    for (std::size_t i = 0; i < slope.size(); ++i) {
      constexpr double h = 1e-6;
      const double before = values[i];
      values[i] = before + h;
      const double above = check::probe(module(x)).item<double>();
      values[i] = before - h;
      const double below = check::probe(module(x)).item<double>();
      values[i] = before;
      const double difference = (above - below) / (2 * h);
      most = std::max(most, std::abs(difference - slope[i]) / (1 + std::abs(difference)));
    }
  }
  return most;
}

// x above t, slope a below, as a user would write it. Made anew by each test that wants it, so that
// the catalogue stays as the library has it.
auto make_bent() {
  return elementwise(
      "layers_test_bent", [](auto x, auto t, auto a) { return where(x > t, x, t + a * (x - t)); },
      Parameter{"t", 0.3}, Parameter{"a", -0.2});
}
auto make_needy() {
  return elementwise("layers_test_needy", [](auto x, auto y) { return x * y; });
}

}  // namespace

TEST_CASE("linear layer: against loops, with and without bias, for any leading axes") {
  for (const DType dtype : {float32, float64})
    for (const bool bias : {true, false}) {
      nn::Linear fc(5, 3, {.bias = bias, .dtype = dtype});
      CHECK(fc.weight.shape() == Shape{3, 5});
      CHECK(fc.weight.dtype() == dtype);
      CHECK(fc.bias.defined() == bias);
      CHECK(names(fc) == (bias ? std::vector<std::string>{"weight", "bias"}
                               : std::vector<std::string>{"weight"}));
      for (const Shape& lead :
           {Shape{}, Shape{1}, Shape{7}, Shape{2, 3}, Shape{2, 1, 4}, Shape{0}, Shape{3, 0}}) {
        Shape shape = lead, wanted = lead;
        shape.push_back(5);
        wanted.push_back(3);
        const Tensor x = randn(shape, dtype), y = fc(x);
        CHECK(y.shape() == wanted);
        CHECK(y.dtype() == dtype);
        CHECK(worst(y, naive_linear(x, fc.weight, fc.bias)) < (dtype == float32 ? 1e-5 : 1e-14));
      }
    }
}

TEST_CASE("linear layer: gradients by differences") {
  for (const bool bias : {true, false}) {
    nn::Linear fc(4, 3, {.bias = bias, .dtype = float64});
    CHECK(module_slope_error(fc, randn({5, 4}, float64)) < 1e-8);
    CHECK(module_slope_error(fc, randn({4}, float64)) < 1e-8);
    CHECK(module_slope_error(fc, randn({2, 3, 4}, float64)) < 1e-8);
  }
}

TEST_CASE("linear layer: initial values are uniform within 1 / sqrt(in)") {
  manual_seed(3);
  const nn::Linear fc(64, 2000);
  for (const Tensor& tensor : {fc.weight, fc.bias}) {
    double most = 0, sum = 0, squares = 0;
    for (double v : numbers(tensor)) {
      most = std::max(most, std::abs(v));
      sum += v;
      squares += v * v;
    }
    const auto n = static_cast<double>(tensor.numel()), bound = 0.125;
    CHECK(most <= bound);
    CHECK(most > 0.99 * bound);
    CHECK(std::abs(sum / n) < 6 * bound / std::sqrt(3 * n));
    CHECK(std::abs(std::sqrt(squares / n) - bound / std::sqrt(3)) <
          6 * bound * 0.45 / std::sqrt(n));
  }
  manual_seed(3);
  CHECK(equal(nn::Linear(64, 2000).weight, fc.weight));
  CHECK_FALSE(equal(nn::Linear(64, 2000).weight, fc.weight));
}

TEST_CASE("linear layer: errors") {
  CHECK_BLAMES(ValueError, "Linear: sizes of at least 1 wanted: 0 to 3", nn::Linear(0, 3));
  CHECK_BLAMES(ValueError, "Linear: sizes of at least 1 wanted: 3 to -1", nn::Linear(3, -1));
  CHECK_BLAMES(DTypeError, "rand: floating numbers wanted",
               nn::Linear(3, 3, {.bias = true, .dtype = int64}));
  nn::Linear fc(5, 3);
  CHECK_BLAMES(ShapeError, "linear: x is [2, 4], weight [3, 5]", fc(ones({2, 4})));
  CHECK_BLAMES(ShapeError, "linear: x is [], weight [3, 5]", fc(Tensor(1.0)));
  CHECK_BLAMES(ShapeError, "linear: x is [], weight [3, 5]", fc(1.5));
  CHECK_BLAMES(DTypeError, "linear: two floating tensors", fc(ones({2, 5}, float64)));
  CHECK_BLAMES(DTypeError, "linear: two floating tensors", fc(ones({2, 5}, int64)));
}

TEST_CASE("activation layer: by name it is the function at its defaults") {
  const Tensor x = randn({4, 6});
  nn::Activation mish("mish"), leaky("leaky_relu"), prelu("prelu");
  CHECK(equal(mish(x), xtape::mish(x)));
  CHECK(equal(leaky(x), leaky_relu(x)));
  CHECK(equal(prelu(x), xtape::prelu(x, 0.25)));
  CHECK(equal(nn::Activation("tanh")(x), tanh(x)));
  CHECK(mish.parameters().empty());
  CHECK(prelu.parameters().empty());
  for (const Shape& shape : {Shape{}, Shape{0}, Shape{1}, Shape{2, 3, 4, 5}})
    CHECK(mish(ones(shape)).shape() == shape);
  CHECK(mish(ones({2}, float64)).dtype() == float64);
}

TEST_CASE("activation layer: every activation of the catalogue, fixed and learnable") {
  int tried = 0;
  for (const Entry* entry : catalogue()) {
    if (entry->kind != Entry::Kind::activation || !entry->formula ||
        entry->arity != static_cast<int>(entry->parameters.size()) + 1)
      continue;
    CAPTURE(entry->record.name);
    const Tensor x = randn({3, 4}, float64);
    nn::Activation fixed(entry->record.name);
    nn::Activation learnt(entry->record.name, {.learnable = true, .channels = 4, .dtype = float64});
    CHECK(equal(fixed(x), (*entry)(x)));
    CHECK(distance(learnt(x), fixed(x)) < 1e-15);
    REQUIRE(learnt.parameters().size() == entry->parameters.size());
    for (std::size_t i = 0; i < entry->parameters.size(); ++i) {
      CHECK(names(learnt)[i] == entry->parameters[i].name);
      CHECK(equal(learnt.parameters()[i], full({4}, entry->parameters[i].value, float64)));
    }
    ++tried;
  }
  CHECK(tried >= 20);
}

TEST_CASE("activation layer: learnt numbers per channel of 1, 2 and 4 axes") {
  nn::Activation layer("prelu", {.learnable = true, .channels = 3, .dtype = float64});
  CHECK(names(layer) == std::vector<std::string>{"weight"});
  const Tensor weight = layer.parameters()[0];
  {
    const NoGrad no_grad;
    for (int c = 0; c < 3; ++c) weight.mutable_data<double>()[c] = 0.1 * (c + 1);
  }
  for (const Shape& shape :
       {Shape{3}, Shape{5, 3}, Shape{2, 3, 4}, Shape{2, 3, 4, 5}, Shape{0, 3}}) {
    const Tensor x = randn(shape, float64), y = layer(x);
    CHECK(y.shape() == shape);
    std::int64_t inner = 1;
    for (int axis = 2; axis < shape.rank(); ++axis) inner *= shape[axis];
    const std::vector<double> in = numbers(x), out = numbers(y);
    for (std::size_t i = 0; i < in.size(); ++i) {
      const auto channel = static_cast<double>(static_cast<std::int64_t>(i) / inner % 3);
      CHECK(out[i] == doctest::Approx(in[i] > 0 ? in[i] : 0.1 * (channel + 1) * in[i]));
    }
    if (x.numel() > 0) CHECK(module_slope_error(layer, x) < 1e-8);
  }
}

TEST_CASE("activation layer: one learnt number for all, on inputs of any shape") {
  nn::Activation layer("shifted_rectifier", {.learnable = true, .dtype = float64});
  CHECK(names(layer) == std::vector<std::string>{"t", "a"});
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{7}, Shape{2, 3}, Shape{2, 3, 2, 2}}) {
    const Tensor x = randn(shape, float64);
    CHECK(layer(x).shape() == shape);
    CHECK(distance(layer(x), shifted_rectifier(x, 0.0, 0.25)) < 1e-15);
    CHECK(module_slope_error(layer, x) < 1e-7);
  }
}

TEST_CASE("activation layer: of a user's own function") {
  const auto bent = make_bent();
  const Tensor x = randn({6, 2}, float64);
  nn::Activation fixed(bent), learnt(bent, {.learnable = true, .channels = 2, .dtype = float64});
  CHECK(equal(fixed(x), bent(x)));
  CHECK(names(learnt) == std::vector<std::string>{"t", "a"});
  CHECK(module_slope_error(learnt, x) < 1e-7);
  CHECK(equal(nn::Activation("layers_test_bent")(x), bent(x)));
  nn::Activation outlives = [] {
    const auto local = elementwise("layers_test_local", [](auto v) { return v * v + 1; });
    return nn::Activation(local);
  }();
  CHECK(distance(outlives(x), x * x + 1) < 1e-15);
  CHECK_THROWS_AS(nn::Activation("layers_test_local"), ValueError);
}

TEST_CASE("activation layer: errors") {
  const auto needy = make_needy();
  CHECK_BLAMES(ValueError, "activation: no such name: 'mush'; did you mean mish",
               nn::Activation("mush"));
  CHECK_BLAMES(ValueError, "activation: no such name: ''", nn::Activation(""));
  CHECK_BLAMES(ValueError, "activation: no such name: 'add'", nn::Activation("add"));
  CHECK_BLAMES(ValueError,
               "Activation: layers_test_needy takes 2 arguments of which 0 have defaults",
               nn::Activation{needy});
  CHECK_BLAMES(ValueError, "Activation: layers_test_needy takes 2",
               nn::Activation("layers_test_needy"));
  for (const std::int64_t channels : {0, -3})
    CHECK_BLAMES(ValueError, "Activation: at least 1 channel wanted, got",
                 nn::Activation("prelu", {.learnable = true, .channels = channels}));
  CHECK_BLAMES(DTypeError, "requires_grad: only floating",
               nn::Activation("prelu", {.learnable = true, .dtype = int64}));
  nn::Activation layer("prelu", {.learnable = true, .channels = 3});
  for (const Shape& shape : {Shape{}, Shape{1}, Shape{4}, Shape{2, 1}, Shape{3, 2}, Shape{3, 4, 3}})
    CHECK_BLAMES(ShapeError,
                 "Activation: prelu has learnt 3 channels; they are not axis 1 of x, whose",
                 layer(ones(shape)));
  CHECK_BLAMES(ValueError, "tensor: used before", layer(Tensor()));
}

TEST_CASE("sequential: modules, activations and functions, in order") {
  const auto bent = make_bent();
  nn::Sequential net(nn::Linear(4, 8), relu, nn::Linear(8, 8), nn::Activation("elu"), bent,
                     nn::Linear(8, 2));
  CHECK(net.size() == 6);
  CHECK(names(net) ==
        std::vector<std::string>{"0.weight", "0.bias", "2.weight", "2.bias", "5.weight", "5.bias"});
  const Tensor x = randn({3, 4});
  const std::vector<Tensor> p = net.parameters();
  const Tensor y = linear(bent(elu(linear(relu(linear(x, p[0], p[1])), p[2], p[3]))), p[4], p[5]);
  CHECK(distance(net(x), y) < 1e-6);
  CHECK(net(x).shape() == Shape{3, 2});
}

TEST_CASE("sequential: empty, nested, and grown by append") {
  nn::Sequential empty;
  const Tensor x = randn({2, 3});
  CHECK(empty.size() == 0);
  CHECK(equal(empty(x), x));
  nn::Sequential net;
  net.append(
         nn::Sequential(nn::Linear(3, 4), nn::Sequential(nn::Activation("tanh"), nn::Linear(4, 4))))
      .append(nn::Activation("sigmoid"));
  CHECK(net.size() == 2);
  CHECK(names(net) ==
        std::vector<std::string>{"0.0.weight", "0.0.bias", "0.1.1.weight", "0.1.1.bias"});
  CHECK(net(x).shape() == Shape{2, 4});
}

TEST_CASE("sequential: copies are handles of one sequence") {
  nn::Sequential net(nn::Linear(2, 3));
  nn::Sequential copy = net;
  copy.append(nn::Linear(3, 4));
  CHECK(net.size() == 2);
  CHECK(net.parameters().size() == 4);
  CHECK(net(ones({1, 2})).shape() == Shape{1, 4});
  CHECK_NOTHROW(net.append(relu));
  CHECK(equal(net(ones({1, 2})), copy(ones({1, 2}))));
}

TEST_CASE("sequential: a module that stands in it twice is one") {
  const nn::Linear fc(3, 3);
  nn::Sequential net(fc, relu, fc);
  CHECK(names(net) == std::vector<std::string>{"0.weight", "0.bias"});
  const Tensor x = randn({2, 3});
  CHECK(distance(net(x), linear(relu(linear(x, fc.weight, fc.bias)), fc.weight, fc.bias)) < 1e-6);
}

TEST_CASE("sequential: errors name the line that called or built it") {
  const auto needy = make_needy();
  nn::Sequential net(nn::Linear(4, 8), relu, nn::Sequential(nn::Linear(7, 2)));
  CHECK_BLAMES(ShapeError, "linear: x is [1, 3], weight [8, 4]", net(ones({1, 3})));
  CHECK_BLAMES(ShapeError, "linear: x is [1, 8], weight [2, 7]", net(ones({1, 4})));
  CHECK_BLAMES(ValueError, "Activation: layers_test_needy takes 2", nn::Sequential{needy});
  CHECK_BLAMES(ValueError, "Activation: layers_test_needy takes 2", nn::Sequential(relu, needy));
  CHECK_BLAMES(ValueError, "Activation: layers_test_needy takes 2", net.append(needy));
  CHECK(net.size() == 3);
  CHECK_BLAMES(ValueError, "module: '3' would contain itself", net.append(net));
}

TEST_CASE("sequential: an error in the forward() of a user's own step names that line") {
  struct Own : nn::Module {
    Tensor forward(const Tensor& x) override { return x + ones({3}); }
  };
  nn::Sequential net{Own()};
  const std::string line = here();
  const int own = std::stoi(line.substr(line.find(':') + 1)) - 3;
  CHECK(message<ShapeError>([&] {
          net(ones({2}));
        }).ends_with("(layers.test.cpp:" + std::to_string(own) + ")"));
}

TEST_CASE("sequential: recorded operations name the user's line") {
  nn::Sequential net(nn::Linear(2, 2), nn::Activation("mish"));
  const auto line_and_output = [&](Location where = {}) {
    return std::pair(where.str(), net(Arg(ones({1, 2}), where)));
  };
  const auto [line, y] = line_and_output();
  REQUIRE(y.node());
  CHECK(y.node()->where.str() == line);
  CHECK(y.node()->inputs[0].node->where.str() == line);
}
