#include <xtape/nn/stopping.hpp>

#include "../check.hpp"
#include "refused.hpp"

using namespace xtape;
using check::refused;

TEST_CASE("stopping: after patience steps without a better value, and the best comes back") {
  Tensor w = check::leaf({1, 2}), buffer = Tensor({0, 0}, int64), flag = Tensor({0}, boolean);
  const Tensor single = Tensor({0});
  nn::EarlyStopping stopping({w, buffer, flag, single}, {.patience = 3});
  const double values[] = {5, 3, NAN, 4, 2.5, 2.5, 3, 9};
  bool stopped = false;
  int steps = 0;
  for (const double value : values) {
    const NoGrad off;
    w.mutable_data<double>()[0] = value;
    buffer.mutable_data<std::int64_t>()[1] = steps;
    flag.mutable_data<bool>()[0] = steps == 4;
    single.mutable_data<float>()[0] = static_cast<float>(-value);
    CHECK_FALSE(stopped);
    stopped = stopping.step(value);
    ++steps;
  }
  CHECK(stopped);
  CHECK(steps == 8);
  CHECK(stopping.best() == 2.5);
  CHECK(stopping.best_step() == 4);
  CHECK(stopping.waited() == 3);
  const Tensor loss = sum(square(w));
  stopping.restore();
  CHECK(check::equal(w.detach(), Tensor({2.5, 2}, float64)));
  CHECK(w.requires_grad());
  CHECK(check::equal(buffer, Tensor({0, 4}, int64)));
  CHECK(check::equal(flag, Tensor({1}, boolean)));
  CHECK(check::equal(single, Tensor({-2.5})));
  // a change that the tape sees
  refused<StaleValueError>([&] { loss.backward(); }, {"square"});
}

TEST_CASE("stopping: larger may be better, and by how much") {
  nn::EarlyStopping stopping({}, {.patience = 2, .min_delta = 0.1, .mode = "max"});
  CHECK_FALSE(stopping.step(0.5));
  CHECK_FALSE(stopping.step(0.55));
  CHECK_FALSE(stopping.step(0.625));
  CHECK_FALSE(stopping.step(0.7));
  CHECK(stopping.step(0.5));
  CHECK(stopping.best() == 0.625);
}

TEST_CASE("stopping: a resumed run stops at the same step with the same weights") {
  const double values[] = {3, 1, 2, 2, 2};
  const Tensor w = Tensor({0, 0}, float64), again = Tensor({9, 9}, float64);
  nn::EarlyStopping first({w}, {.patience = 3});
  State state = first.state_dict();
  CHECK(state.size() == 3);
  for (int i = 0; i < 3; ++i) {
    w.mutable_data<double>()[0] = i;
    CHECK_FALSE(first.step(values[i]));
  }
  state = first.state_dict();
  nn::EarlyStopping second({again}, {.patience = 3});
  second.load_state_dict(state);
  CHECK(second.best() == 1);
  CHECK(second.best_step() == 1);
  CHECK_FALSE(second.step(values[3]));
  CHECK(second.step(values[4]));
  second.restore();
  CHECK(check::equal(again, Tensor({1, 0}, float64)));
  nn::EarlyStopping other({zeros({3}, float64)});
  refused<ShapeError>([&] { other.load_state_dict(state); },
                      {"'tensors.0' has shape [2], not [3]"});
  state.erase("steps");
  refused<ValueError>([&] { second.load_state_dict(state); }, {"there is no 'steps'"});
}

TEST_CASE("stopping: what is refused") {
  refused<ValueError>([] { nn::EarlyStopping({}, {.patience = 0}); }, {"patience is 0"});
  refused<ValueError>([] { nn::EarlyStopping({}, {.min_delta = -1}); }, {"min_delta is -1"});
  refused<ValueError>([] { nn::EarlyStopping({}, {.min_delta = NAN}); }, {"min_delta is nan"});
  refused<ValueError>([] { nn::EarlyStopping({}, {.mode = "least"}); }, {"mode is \"least\""});
  refused<ValueError>([] { nn::EarlyStopping({Tensor()}); }, {"tensor 0 is not defined"});
  nn::EarlyStopping stopping({});
  stopping.step(NAN);
  refused<ValueError>([&] { stopping.restore(); }, {"none of 1 steps had a best value"});
}
