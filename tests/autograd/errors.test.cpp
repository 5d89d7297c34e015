#include "../check.hpp"

using namespace check;

static_assert(std::is_base_of_v<std::runtime_error, Error>);
static_assert(std::is_base_of_v<Error, ShapeError> && std::is_base_of_v<Error, DTypeError>);
static_assert(std::is_base_of_v<Error, ValueError> && std::is_base_of_v<Error, IndexError>);
static_assert(std::is_base_of_v<Error, GradError> && std::is_base_of_v<Error, AnomalyError>);
static_assert(std::is_base_of_v<GradError, StaleValueError>);
static_assert(!std::is_base_of_v<ShapeError, DTypeError>);

namespace {

Tensor composite(const Tensor& x, Location where = {}) {
  const Caller caller(where);
  return exp(x + zeros({77}));
}
Tensor outer_composite(const Tensor& x, Location where = {}) {
  const Caller caller(where);
  return composite(x);
}

}  // namespace

TEST_CASE("errors: op, rule and line can be read from the exception") {
  const int line = __LINE__ + 2;
  try {
    matmul(zeros({128, 784}), zeros({512, 784}));
    FAIL("no exception");
  } catch (const Error& error) {
    const std::string place = "errors.test.cpp:" + std::to_string(line);
    CHECK(error.op() == "matmul");
    CHECK(error.where().line == line);
    CHECK(error.where().str() == place);
    CHECK(error.what() ==
          "matmul: inner sizes differ: left [128, 784], right [512, 784]; did you mean to "
          "transpose the right operand? (" +
              place + ")");
  }
}

TEST_CASE("errors: operators know their line, whichever operand is the number or is wrong") {
  const Tensor x = zeros({2, 3}), y = zeros({2}), none;
  const std::string shapes = ": shapes do not broadcast: [2, 3] and [2] (";
  CHECK(message<ShapeError>([&] { x + y; }) == "add" + shapes + here() + ")");
  CHECK(message<ShapeError>([&] { x - y; }) == "sub" + shapes + here() + ")");
  CHECK(message<ShapeError>([&] { x* y; }) == "mul" + shapes + here() + ")");
  CHECK(message<ShapeError>([&] { x / y; }) == "div" + shapes + here() + ")");
  CHECK(message<ShapeError>([&] { (void)(x < y); }) == "lt" + shapes + here() + ")");
  CHECK(message<ShapeError>([&] { (void)(x >= y); }) == "ge" + shapes + here() + ")");
  CHECK(message<ShapeError>([&] { (void)(x == y); }) == "eq" + shapes + here() + ")");
  CHECK(message<ShapeError>([&] { x&& y; }) == "logical_and" + shapes + here() + ")");
  CHECK(message<ShapeError>([&] { maximum(x, y); }) == "maximum" + shapes + here() + ")");
  CHECK(message<ShapeError>([&] { pow(x, y); }) == "pow" + shapes + here() + ")");
  CHECK(message<ShapeError>([&] { where(x, y, 0); }) == "where" + shapes + here() + ")");
  const std::string used = "tensor: used before it was given a value (";
  CHECK(message<ValueError>([&] { 2 + none; }) == used + here() + ")");
  CHECK(message<ValueError>([&] { none + 2; }) == used + here() + ")");
  CHECK(message<ValueError>([&] { x + none; }) == used + here() + ")");
  CHECK(message<ValueError>([&] { none + x; }) == used + here() + ")");
  CHECK(message<ValueError>([&] { -none; }) == used + here() + ")");
  CHECK(message<ValueError>([&] { !none; }) == used + here() + ")");
}

TEST_CASE("errors: a composite names the line of its caller, the outermost one") {
  const std::string text = "add: shapes do not broadcast: [3] and [77] (";
  CHECK(message<ShapeError>([] { composite(zeros({3})); }) == text + here() + ")");
  CHECK(message<ShapeError>([] { outer_composite(zeros({3})); }) == text + here() + ")");
  // the attribution ends with the call, also after an exception
  CHECK(message<ShapeError>([] { zeros({3}) + zeros({77}); }) == text + here() + ")");
}

TEST_CASE("errors: a location is the last part of the path and the line") {
  CHECK(Location("a/b/c.cpp", 7).str() == "c.cpp:7");
  CHECK(Location("c.cpp", 7).str() == "c.cpp:7");
  CHECK(Location("/", 7).str() == ":7");
}
