#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>
#include <xtape/tests/oracle/formula.hpp>

namespace {

using oracle::Formula;
using oracle::Real;

Real at(const char* text, std::initializer_list<Real> numbers = {2, 3}) {
  const std::vector<Real> values(numbers);
  return Formula(text, {"x", "long_name"})(values);
}

bool near(Real a, Real b) { return std::fabs(a - b) <= 1e-18L * std::fabs(b); }

std::string complaint(const char* text) {
  try {
    Formula(text, {"x"});
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "none";
}

}  // namespace

TEST_CASE("oracle: arithmetic with the usual precedence") {
  CHECK(at("1 + 2 * 3 - 4 / 8") == 6.5L);
  CHECK(at("2 - 3 - 4") == -5);
  CHECK(at("2 / 4 / 2") == 0.25L);
  CHECK(at("-x * long_name") == -6);
  CHECK(at("2 - -x") == 4);
  CHECK(at("-(x + .5) * 1e2") == -250);
  CHECK(at("x", {7, 8}) == 7);
  CHECK(at("long_name", {7, 8}) == 8);
}

TEST_CASE("oracle: choices look at one branch only, and nest") {
  CHECK(at("x > 2 ? 1 : x >= 2 ? 5 : 1") == 5);
  CHECK(at("x < 2 ? 1 : x <= 2 ? 6 : 1") == 6);
  CHECK(at("x == 2 ? 7 : 1") == 7);
  CHECK(at("x != 2 ? 1 : 8") == 8);
  CHECK(at("2 * (x > 0 ? log(x) : 0)", {-1, 0}) == 0);
  CHECK(at("x > 0 ? 1 : 0", {std::nanl(""), 0}) == 0);
}

TEST_CASE("oracle: a branch goes on beyond its kink") {
  const Formula relu("x <= 0 ? 0 : x", {"x"});
  const std::vector<Real> left = {0}, right = {1}, here = {-2};
  CHECK(relu.branch_of(left, here) == 0);
  CHECK(relu.branch_of(right, here) == -2);
}

TEST_CASE("oracle: functions") {
  CHECK(near(at("exp(x)"), std::exp(2.0L)));
  CHECK(near(at("expm1(x)"), std::expm1(2.0L)));
  CHECK(near(at("log(x)"), std::log(2.0L)));
  CHECK(near(at("log1p(x)"), std::log1p(2.0L)));
  CHECK(near(at("sqrt(x)"), std::sqrt(2.0L)));
  CHECK(near(at("sin(x) + cos(x)"), std::sin(2.0L) + std::cos(2.0L)));
  CHECK(near(at("tanh(x)"), std::tanh(2.0L)));
  CHECK(near(at("erf(x)"), std::erf(2.0L)));
  CHECK(near(at("erfc(x)"), std::erfc(2.0L)));
  CHECK(at("abs(-x)") == 2);
  CHECK(at("pow(x, long_name)") == 8);
}

TEST_CASE("oracle: the error tells where terms cancel") {
  const Formula cancels("x - tanh(x)", {"x"}), keeps("x * x / (1 + x)", {"x"});
  const std::vector<Real> small = {1e-5L};
  const oracle::Rounded lost = cancels.rounded(small, 1e-16L), kept = keeps.rounded(small, 1e-16L);
  CHECK(lost.error / lost.value > 1e-7L);
  CHECK(kept.error / kept.value < 1e-15L);
  CHECK(Formula("x", {"x"}).rounded(small, 1e-16L).error == 0);
  // sin(1e8 / 3) moves by as much as its argument is rounded
  CHECK(Formula("sin(1e8 / 3)", {}).rounded({}, 1e-16L).error > 1e-10L);
}

TEST_CASE("oracle: a bad text is explained") {
  CHECK(complaint("x +") ==
        "formula \"x +\": a number, a name or '(' wanted at column 4, found the end");
  CHECK(complaint("x * y") == "formula \"x * y\": a known name wanted at column 5, found \"y\"");
  CHECK(complaint("(x") == "formula \"(x\": ')' wanted at column 3, found the end");
  CHECK(complaint("x ? 1 : 2") ==
        "formula \"x ? 1 : 2\": a comparison before '?' wanted at column 4, found \" 1 : 2\"");
  CHECK(complaint("x > 1 ? 2") == "formula \"x > 1 ? 2\": ':' wanted at column 10, found the end");
  CHECK(complaint("x > 1") == "formula \"x > 1\": '?' wanted at column 6, found the end");
  CHECK(complaint("x x").find("an operator or the end wanted at column 3") != std::string::npos);
  CHECK(complaint("pow(x)").find("',' wanted") != std::string::npos);
  CHECK(complaint("exp x").find("'(' wanted") != std::string::npos);
  CHECK(complaint("").find("found the end") != std::string::npos);
  CHECK(oracle::list("", {}).empty());
  CHECK(oracle::list("t, -t, 3", {"t"}).size() == 3);
  CHECK_THROWS_AS(oracle::list("t,", {"u"}), std::invalid_argument);
}
