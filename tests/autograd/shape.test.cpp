#include "../check.hpp"

using namespace check;

TEST_CASE("shape: sizes, elements, text") {
  CHECK(Shape{}.rank() == 0);
  CHECK(Shape{}.numel() == 1);
  CHECK(Shape{}.str() == "[]");
  CHECK(Shape{2, 0, 5}.numel() == 0);
  CHECK(Shape{128, 784}.str() == "[128, 784]");
  CHECK(Shape{1, 2} != Shape{2, 1});
  CHECK(Shape{1} != Shape{});
  CHECK(Shape{1} != Shape{1, 1});
  CHECK(Shape{1, 1, 1, 1, 1, 1, 1, 1, 1, 2}.numel() == 2);
  CHECK(Shape{std::int64_t{1} << 31, std::int64_t{1} << 31}.numel() == std::int64_t{1} << 62);
}

TEST_CASE("shape: what is none") {
  CHECK(message<ShapeError>([] { Shape{1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}; }) ==
        "shape: more than 10 axes (" + here() + ")");
  CHECK(message<ShapeError>([] {
          Shape{3, -1};
        }) == "shape: a size is negative: -1 (" + here() + ")");
  CHECK(message<ShapeError>([] {
          zeros({std::int64_t{1} << 32, std::int64_t{1} << 32});
        }) ==
        "shape: more elements than can be counted: [4294967296, 4294967296] (" + here() + ")");
  CHECK_THROWS_AS((Shape{std::int64_t{1} << 32, 0, std::int64_t{1} << 32}), ShapeError);
}

TEST_CASE("shape: broadcasting follows NumPy") {
  struct Row {
    Shape a, b, result;
  };
  for (const Row& row : {Row{{}, {}, {}}, Row{{3}, {}, {3}}, Row{{2, 3}, {3}, {2, 3}},
                         Row{{2, 1}, {1, 3}, {2, 3}}, Row{{0}, {1}, {0}}, Row{{0, 3}, {3}, {0, 3}},
                         Row{{5, 1, 4, 1}, {3, 1, 1}, {5, 3, 4, 1}}, Row{{1, 0}, {2, 1}, {2, 0}}}) {
    CHECK(broadcast(row.a, row.b, "op", {}) == row.result);
    CHECK(broadcast(row.b, row.a, "op", {}) == row.result);
  }
  for (const auto& [a, b] : {std::pair<Shape, Shape>{{2}, {3}}, {{0}, {2}}, {{2, 3}, {2}}})
    CHECK(message<ShapeError>([&, a = a, b = b] { broadcast(a, b, "op", {}); }) ==
          "op: shapes do not broadcast: " + a.str() + " and " + b.str() + " (" + here() + ")");
}

TEST_CASE("shape: element types") {
  CHECK(promote(boolean, int64) == int64);
  CHECK(promote(int64, float32) == float32);
  CHECK(promote(float64, float32) == float64);
  CHECK(promote(float64, int64) == float64);
  CHECK(promote(boolean, boolean) == boolean);
  CHECK(std::string(name_of(boolean)) == "boolean");
  CHECK(size_of(float32) == 4);
  CHECK(size_of(boolean) == 1);
  CHECK(is_floating(float64));
  CHECK_FALSE(is_floating(int64));
}

TEST_CASE("shape: axes count from both ends") {
  CHECK(normalize_axis(-1, 3, "op", {}) == 2);
  CHECK(normalize_axis(0, 1, "op", {}) == 0);
  for (std::int64_t axis : {3, -4}) {
    const std::string said = message<IndexError>([&] { normalize_axis(axis, 3, "op", {}); });
    const std::string line = here(Location(__FILE__, __LINE__ - 1));
    CHECK(said == "op: axis " + std::to_string(axis) + " of a tensor with 3 axes (" + line + ")");
  }
  CHECK_THROWS_AS(normalize_axis(0, 0, "op", {}), IndexError);
}
