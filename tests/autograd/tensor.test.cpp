#include <limits>
#include <sstream>
#include <xtensor/xbuilder.hpp>
#include <xtensor/xmath.hpp>
#include <xtensor/xview.hpp>

#include "../check.hpp"

using namespace check;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
const double not_a_number = std::nan("");

Nested nested_ones(int depth) {
  return depth == 0 ? Nested(1) : Nested(std::initializer_list<Nested>{nested_ones(depth - 1)});
}

}  // namespace

TEST_CASE("tensor: nested lists") {
  const Tensor vector({1, 2, 3});
  CHECK(vector.shape() == Shape{3});
  CHECK(vector.dtype() == float32);
  CHECK(numbers(vector) == std::vector<double>{1, 2, 3});
  const Tensor matrix({{1, 2, 3}, {4, 5, 6}}, float64);
  CHECK(matrix.shape() == Shape{2, 3});
  CHECK(matrix.dtype() == float64);
  CHECK(numbers(matrix) == std::vector<double>{1, 2, 3, 4, 5, 6});
  const Tensor cube({{{1}, {2}}, {{3}, {4}}, {{5}, {6}}}, int64);
  CHECK(cube.shape() == Shape{3, 2, 1});
  CHECK(cube.dtype() == int64);
  CHECK(Tensor({0, 2, 0.25}, boolean).values<bool>()(2));
  CHECK_FALSE(Tensor({0, 2}, boolean).values<bool>()(0));
}

TEST_CASE("tensor: integers keep all their bits") {
  constexpr std::int64_t big = 9007199254740993;  // 2^53 + 1 is not a double
  CHECK(Tensor({big, -big}, int64).values<std::int64_t>()(1) == -big);
  CHECK((Tensor({big}, int64) + 0).item<std::int64_t>() == big);
  CHECK((Tensor({0}, int64) + big).item<std::int64_t>() == big);
  CHECK(Tensor(big, int64).item<std::int64_t>() == big);
  CHECK(Tensor({1.9, -1.9}, int64).values<std::int64_t>()(1) == -1);
  CHECK(Tensor(std::uint8_t{200}).item<float>() == 200);
}

TEST_CASE("tensor: ragged lists throw and name the line") {
  for (const std::string& text : {
           message<ShapeError>([] {
             Tensor({{1, 2}, {3}});
           }),
           message<ShapeError>([] {
             Tensor({{1, 2}, {3, 4, 5}});
           }),
           message<ShapeError>([] {
             Tensor({1, {2}});
           }),
           message<ShapeError>([] {
             Tensor({{1}, 2});
           }),
           message<ShapeError>([] {
             Tensor({{{1}, {2}}, {{3}, {4, 5}}});
           }),
           message<ShapeError>([] {
             Tensor({Nested({}), {1}});
           }),
       })
    CHECK(text.find("tensor: the nested lists are ragged: a part does not fit shape [") == 0);
  CHECK(message<ShapeError>([] {
          Tensor({{1}, {2, 3}});
        }).find(" (" + here() + ")") != std::string::npos);
  const std::string deep = message<ShapeError>([] { Tensor({nested_ones(10)}); });
  CHECK(deep == "shape: more than 10 axes (" + check::here().substr(0, 15) + ":" +
                    std::to_string(__LINE__ - 2) + ")");
}

// (x + y) = z would be lost
static_assert(!std::is_assignable_v<Tensor, Tensor> && std::is_assignable_v<Tensor&, Tensor>);

TEST_CASE("tensor: empty and 0-d") {
  const Tensor none = Tensor::empty({0}, float32);
  CHECK(none.numel() == 0);
  CHECK(none.values<float>().size() == 0);
  CHECK(none.copy().shape() == Shape{0});
  const Tensor sizes = Tensor::empty({2, 0, 3}, float64);
  CHECK(sizes.numel() == 0);
  CHECK(sizes.rank() == 3);
  CHECK(Tensor({Nested({}), Nested({})}).shape() == Shape{2, 0});
  const Tensor number(2.5);
  CHECK(number.rank() == 0);
  CHECK(number.numel() == 1);
  CHECK(number.values<float>()() == 2.5f);
  CHECK(Tensor(true).dtype() == float32);
  CHECK(Tensor(3, int64).item<int>() == 3);
  CHECK(Tensor(1e300).item<double>() == infinity);  // float32 is the default
  CHECK(Tensor(1e300, float64).item<double>() == 1e300);
}

TEST_CASE("tensor: xtensor expressions of any kind") {
  const xt::xarray<float> a{{1, 2, 3}, {4, 5, 6}};
  const Tensor lazy(a + 2 * a);
  CHECK(lazy.dtype() == float32);
  CHECK(numbers(lazy) == std::vector<double>{3, 6, 9, 12, 15, 18});
  CHECK(Tensor(xt::xarray<double>{{1.5, 2.5}}).dtype() == float64);
  CHECK(Tensor(xt::xarray<int>{1, 2}).dtype() == int64);
  CHECK(Tensor(xt::xarray<unsigned char>{1, 255}).values<std::int64_t>()(1) == 255);
  CHECK(Tensor(xt::xarray<bool>{true, false}).dtype() == boolean);
  const Tensor compared(a > 2.5f);
  CHECK(compared.dtype() == boolean);
  CHECK(numbers(compared) == std::vector<double>{0, 0, 1, 1, 1, 1});
  CHECK(numbers(Tensor(xt::view(a, xt::all(), 1))) == std::vector<double>{2, 5});
  CHECK(numbers(Tensor(xt::transpose(a))) == std::vector<double>{1, 4, 2, 5, 3, 6});
  CHECK(numbers(Tensor(xt::arange<double>(0, 4))) == std::vector<double>{0, 1, 2, 3});
  const xt::xtensor<double, 2> fixed_rank{{1, 2}, {3, 4}};
  CHECK(numbers(Tensor(fixed_rank * fixed_rank)) == std::vector<double>{1, 4, 9, 16});
  const xt::xarray<double, xt::layout_type::column_major> columns{{1, 2, 3}, {4, 5, 6}};
  CHECK(Tensor(columns).shape() == Shape{2, 3});
  CHECK(numbers(Tensor(columns)) == std::vector<double>{1, 2, 3, 4, 5, 6});
  CHECK(Tensor(xt::xarray<float>(7.f)).rank() == 0);
  CHECK(Tensor(xt::xarray<float>::from_shape({3, 0})).shape() == Shape{3, 0});
}

TEST_CASE("tensor: from memory") {
  const int integers[] = {1, -2, 3};
  CHECK(Tensor::from(integers, {3}).dtype() == int64);
  CHECK(numbers(Tensor::from(integers, {3, 1})) == std::vector<double>{1, -2, 3});
  const double doubles[] = {1.5, infinity};
  CHECK(Tensor::from(doubles, {2}).dtype() == float64);
  const bool booleans[] = {true, false, true, true};
  CHECK(numbers(Tensor::from(booleans, {2, 2})) == std::vector<double>{1, 0, 1, 1});
  float floats[] = {1, 2};
  const Tensor copied = Tensor::from(floats, {2});
  floats[0] = 9;
  CHECK(copied.values<float>()(0) == 1);
}

TEST_CASE("tensor: values without a copy, in the tensor's own type only") {
  Tensor x({{1, 2}, {3, 4}});
  const float* memory = x.data<float>();
  CHECK(&x.values<float>()(1, 0) == memory + 2);
  x.mutable_values<float>()(1, 0) = 7;
  CHECK(memory[2] == 7);
  CHECK(x.data<float>() == memory);
  x.mutable_values<float>() += 1;
  CHECK(numbers(x) == std::vector<double>{2, 3, 8, 5});
  const xt::xarray<float> back = x.values<float>();
  CHECK(back(0, 1) == 3);
  CHECK(message<DTypeError>([&] { x.values<double>(); }) ==
        "values: the tensor is float32, asked for as float64 (" + here() + ")");
  CHECK(message<DTypeError>([&] { x.mutable_values<std::int64_t>(); }) ==
        "values: the tensor is float32, asked for as int64 (" + here() + ")");
  const std::uint32_t version = x.value()->current_version();
  CHECK_THROWS_AS(x.mutable_values<bool>(), DTypeError);
  CHECK(x.value()->current_version() == version);
}

TEST_CASE("tensor: size, item") {
  const Tensor x = zeros({2, 3, 5});
  CHECK(x.size(-1) == 5);
  CHECK(x.size(0) == 2);
  CHECK(message<IndexError>([&] { x.size(3); }) ==
        "size: axis 3 of a tensor with 3 axes (" + here() + ")");
  CHECK(message<IndexError>([&] { x.size(-4); }) ==
        "size: axis -4 of a tensor with 3 axes (" + here() + ")");
  CHECK(message<ShapeError>([&] { x.item<float>(); }) ==
        "item: one element wanted, shape is [2, 3, 5] (" + here() + ")");
  CHECK_THROWS_AS(zeros({0}).item<float>(), ShapeError);
  CHECK(Tensor({{2.75}}).item<double>() == 2.75);
  CHECK(Tensor({2.75}).item<int>() == 2);
  CHECK(Tensor({1}, boolean).item<bool>());
}

TEST_CASE("tensor: what shares memory and what does not") {
  const Tensor x({1, 2, 3, 4});
  const Tensor handle = x;
  CHECK(handle.same_as(x));
  const Tensor shaped = reshape(x, {2, 2}), bare = x.detach(), own = x.copy();
  x.mutable_values<float>()(3) = 9;
  CHECK(handle.values<float>()(3) == 9);
  CHECK(shaped.values<float>()(1, 1) == 9);
  CHECK(bare.values<float>()(3) == 9);
  CHECK(own.values<float>()(3) == 4);
  CHECK_FALSE(bare.same_as(x));
  CHECK_FALSE(x.exclusive());
  CHECK(own.exclusive());
  shaped.mutable_values<float>()(0, 0) = -1;
  CHECK(x.values<float>()(0) == -1);
  Tensor survivor;
  {
    const Tensor local({5, 6});
    survivor = reshape(unsqueeze(local, 0).detach(), {2, 1});
  }
  CHECK(numbers(survivor) == std::vector<double>{5, 6});
}

TEST_CASE("tensor: printed") {
  CHECK(str(Tensor(3.5)) == "3.5");
  CHECK(str(Tensor({1, 2.5, -3})) == "[  1, 2.5,  -3]");
  CHECK(str(Tensor({{1, 20}, {3, 4}})) == "[[ 1, 20],\n [ 3,  4]]");
  CHECK(str(Tensor({{{1}, {2}}, {{3}, {4}}})) == "[[[1],\n  [2]],\n [[3],\n  [4]]]");
  CHECK(str(Tensor({1, -2}, int64)) == "[ 1, -2] (int64)");
  CHECK(str(Tensor({1, 0}, boolean)) == "[ true, false] (boolean)");
  CHECK(str(Tensor({1.0 / 3, 2}, float64)) == "[0.33333333,          2] (float64)");
  CHECK(str(Tensor({-not_a_number, infinity, -infinity, not_a_number})) ==
        "[ nan,  inf, -inf,  nan]");
  CHECK(str(arange(0, 2000)) == "[   0,    1,    2, ..., 1997, 1998, 1999]");
  CHECK(str(zeros({4, 500})).find("[[0, 0, 0, ..., 0, 0, 0],\n [0") == 0);
  CHECK(str(zeros({0})) == "[] (float32 [0])");
  CHECK(str(zeros({2, 0})) == "[[],\n []] (float32 [2, 0])");
  CHECK(str(Tensor()) == "(no tensor)");
  std::ostringstream out;
  out << Tensor({1}) << Tensor(2);
  CHECK(out.str() == "[1]2");
}

TEST_CASE("tensor: one that was never given a value throws at the user's line") {
  const Tensor none;
  const Tensor x({1, 2});
  CHECK_FALSE(none.defined());
  CHECK_FALSE(none.requires_grad());
  CHECK_FALSE(Tensor(none).defined());
  const std::string text = "tensor: used before it was given a value (";
  const auto fails = [&](auto f, int line) {
    CHECK(message<ValueError>(f) == text + "tensor.test.cpp:" + std::to_string(line) + ")");
  };
  fails([&] { none.shape(); }, __LINE__);
  fails([&] { none.rank(); }, __LINE__);
  fails([&] { none.size(0); }, __LINE__);
  fails([&] { none.numel(); }, __LINE__);
  fails([&] { none.dtype(); }, __LINE__);
  fails([&] { none.values<float>(); }, __LINE__);
  fails([&] { none.mutable_values<float>(); }, __LINE__);
  fails([&] { none.item<float>(); }, __LINE__);
  fails([&] { none.grad(); }, __LINE__);
  fails([&] { none.zero_grad(); }, __LINE__);
  fails([&] { none.detach(); }, __LINE__);
  fails([&] { none.copy(); }, __LINE__);
  fails([&] { none.backward(); }, __LINE__);
  fails([&] { Tensor().requires_grad(true); }, __LINE__);
  fails([&] { none + 1; }, __LINE__);
  fails([&] { x* none; }, __LINE__);
  fails([&] { exp(none); }, __LINE__);
  fails([&] { sum(none); }, __LINE__);
  fails([&] { amax(none); }, __LINE__);
  fails([&] { matmul(x, none); }, __LINE__);
  fails([&] { linear(x, none); }, __LINE__);
  fails([&] { reshape(none, {1}); }, __LINE__);
  fails([&] { cat({x, none}); }, __LINE__);
  fails([&] { stack({x, none}); }, __LINE__);
  fails([&] { gather(x, 0, none); }, __LINE__);
  fails([&] { scatter_add(x, 0, Tensor({0}, int64), none); }, __LINE__);
  fails([&] { index_select(x, 0, none); }, __LINE__);
  fails([&] { take(x, none); }, __LINE__);
  fails([&] { zeros_like(none); }, __LINE__);
  fails([&] { full_like(none, 2); }, __LINE__);
  fails([&] { cast(none, float64); }, __LINE__);
  fails([&] { where(none, x, x); }, __LINE__);
  Tensor leaf = x.copy().requires_grad(true);
  fails([&] { leaf.set_grad(none); }, __LINE__);
  fails([&] { (leaf * 2).backward(none); }, __LINE__);
}
