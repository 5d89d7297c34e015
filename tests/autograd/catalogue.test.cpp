#include <set>

#include "../check.hpp"

using namespace check;

TEST_CASE("catalogue: sorted, with names and without gaps") {
  std::string last;
  for (const Entry* entry : catalogue()) {
    CAPTURE(entry->record.name);
    CHECK(last <= entry->record.name);
    last = entry->record.name;
    CHECK((entry->formula != nullptr) == (entry->kind != Entry::Kind::array));
    if (entry->formula) CHECK(entry->arity == entry->formula->arity());
    else CHECK_FALSE(entry->samples.empty());
    CHECK(entry->parameters.size() <= static_cast<std::size_t>(entry->arity));
    CHECK(&find(entry->record.name) != nullptr);
    CHECK(entry->record.low < entry->record.high);
  }
  CHECK(find("matmul").kind == Entry::Kind::array);
  CHECK(find("relu").kind == Entry::Kind::activation);
}

TEST_CASE("catalogue: unknown names come with the nearest known ones") {
  CHECK(message<ValueError>([] {
          find("matmull");
        }).find("catalogue: no such name: 'matmull'; did you mean matmul, ") == 0);
  const std::string text = message<ValueError>([] { activation("rellu"); });
  CHECK(text.find("activation: no such name: 'rellu'; did you mean relu, ") == 0);
  CHECK(text.find(here(Location(__FILE__, __LINE__ - 2))) != std::string::npos);
  CHECK_THROWS_AS(activation("matmul"), ValueError);
  CHECK_THROWS_AS(activation(""), ValueError);
  CHECK_THROWS_AS(find("Relu"), ValueError);
}

TEST_CASE("catalogue: activations are called by name, at their defaults") {
  const Tensor x({-2, 0.5});
  CHECK(equal(activation("mish")(x), mish(x)));
  CHECK(equal(activation("prelu")(x), prelu(x, 0.25)));
  CHECK(message<ValueError>([&] { find("add")(x); }) ==
        "add: needs more than one tensor (" + here() + ")");
  CHECK(message<ValueError>([&] { find("sum")(x); }) ==
        "sum: needs more than one tensor (" + here() + ")");
}

TEST_CASE("catalogue: a formula is there as long as it lives") {
  CHECK_THROWS_AS(find("short_lived"), ValueError);
  {
    const auto formula = elementwise("short_lived", [](auto x) { return x * 2; });
    CHECK(&find("short_lived") != nullptr);
    CHECK(numbers(activation("short_lived")(Tensor({3}))) == std::vector<double>{6});
  }
  CHECK_THROWS_AS(find("short_lived"), ValueError);
}
