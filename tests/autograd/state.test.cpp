#include "../blames.hpp"

using namespace xtape;
using check::equal;

TEST_CASE("state: numbers keep their bits") {
  State state{{"a", number_tensor(0.1)}, {"n", number_tensor(std::int64_t{1} << 62)}};
  CHECK(number_entry(state, "a") == 0.1);
  CHECK(integer_entry(state, "n") == std::int64_t{1} << 62);
  CHECK(equal(entry(state, "a", Tensor(0.0, float64)), Tensor(0.1, float64)));
}

TEST_CASE("state: parts") {
  const State part{{"x", number_tensor(1.0)}, {"y.z", number_tensor(2.0)}};
  State whole{{"ab", number_tensor(0.0)}, {"a", number_tensor(0.0)}};
  put_under(whole, "a", part);
  CHECK(whole.size() == 4);
  CHECK(whole.contains("a.y.z"));
  const State back = part_under(whole, "a");
  CHECK(back.size() == 2);
  CHECK(number_entry(back, "y.z") == 2);
  CHECK(part_under(whole, "b").empty());
}

TEST_CASE("state: a generator goes on where it was") {
  Generator generator(~std::uint64_t{0} - 5), other;
  rand({3}, float32, generator);
  const State state = state_dict(generator);
  load_state_dict(other, state);
  CHECK(other.seed() == generator.seed());
  CHECK(equal(rand({5}, float32, generator), rand({5}, float32, other)));
}

TEST_CASE("state: errors") {
  const State state{{"a", ones({2})}, {"b", number_tensor(1.0)}};
  CHECK_BLAMES(ValueError, "state: there is no 'c'", number_entry(state, "c"));
  CHECK_BLAMES(ShapeError, "state: 'a' has shape [2], not []", number_entry(state, "a"));
  CHECK_BLAMES(DTypeError, "state: 'b' is float64, not int64", integer_entry(state, "b"));
  Generator generator;
  CHECK_BLAMES(ValueError, "state: there is no 'seed'", load_state_dict(generator, state));
}
