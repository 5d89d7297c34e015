#include <thread>

#include "../check.hpp"

using namespace check;

namespace {

const Profile::Row* find_row(const std::vector<Profile::Row>& rows, const std::string& op,
                             bool backward) {
  for (const Profile::Row& row : rows)
    if (row.op == op && row.backward == backward) return &row;
  return nullptr;
}

}  // namespace

TEST_CASE("profile: calls, bytes and lines of operations, forward and backward") {
  const Tensor w = ones({300, 200}).requires_grad(true), x = ones({100, 300});
  Profile profile;
  int line = 0;
  for (int i = 0; i < 3; ++i) {
    const Tensor y = matmul(x, w);
    line = __LINE__ - 1;
    sum(exp(y)).backward();
  }
  const std::vector<Profile::Row> rows = profile.rows();
  const Profile::Row* product = find_row(rows, "matmul", false);
  REQUIRE(product);
  CHECK(product->calls == 3);
  CHECK(product->where.line == line);
  CHECK(product->bytes == 3 * 4 * (100 * 300 + 300 * 200 + 100 * 200));
  CHECK(product->seconds > 0);
  const Profile::Row* back = find_row(rows, "matmul", true);
  REQUIRE(back);
  CHECK(back->calls == 3);
  CHECK(back->bytes == 3 * 4 * 100 * 200);
  REQUIRE(find_row(rows, "sum", true));
  CHECK_FALSE(find_row(rows, "leaf", true));
  for (std::size_t i = 1; i < rows.size(); ++i) CHECK(rows[i - 1].seconds >= rows[i].seconds);
  const std::string table = profile.table();
  CHECK(table.find("profile.test.cpp:" + std::to_string(line)) != std::string::npos);
  CHECK(table.find("matmul, backward") != std::string::npos);
  CHECK(table.find("100.0%") != std::string::npos);
}

TEST_CASE("profile: only the time of its life and its thread, and each of several sees all") {
  const Tensor x = ones({10});
  exp(x);
  Profile outer;
  exp(x);
  {
    Profile inner;
    exp(x);
    std::thread([&] { exp(x); }).join();
    CHECK(inner.rows().size() == 1);
    CHECK(inner.rows()[0].calls == 1);
  }
  const Profile::Row* row = nullptr;
  std::int64_t calls = 0;
  const auto rows = outer.rows();
  for (const Profile::Row& each : rows) calls += (row = &each)->calls;
  CHECK(calls == 2);
  CHECK(Profile().rows().empty());
}

TEST_CASE("dot: operations, shapes and lines of the graph") {
  const Tensor x = leaf({{1, 2}, {3, 4}});
  const Tensor y = exp(x);
  const int line = __LINE__ - 1;
  const std::string dot = to_dot(sum(y * x, 0));
  CHECK(dot.find("digraph tape {") == 0);
  CHECK(dot.find("label=\"exp\\nfloat64 [2, 2]\\nprofile.test.cpp:" + std::to_string(line)) !=
        std::string::npos);
  CHECK(dot.find("label=\"sum\\nfloat64 [2]\\n") != std::string::npos);
  CHECK(dot.find("shape=ellipse, label=\"leaf\\nfloat64 [2, 2]\\n") != std::string::npos);
  std::size_t arrows = 0;
  for (std::size_t at = 0; (at = dot.find(" -> ", at)) != std::string::npos; ++at) ++arrows;
  CHECK(arrows == 4);
  CHECK(dot.find("null") == std::string::npos);
  CHECK(message<GradError>([] { to_dot(zeros({2})); }) ==
        "to_dot: the tensor does not depend on one that requires gradients (" + here() + ")");
}
