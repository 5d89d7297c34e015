#include "../blames.hpp"

using namespace xtape;
using check::distance;
using check::equal;
using optim::WeightAverage;

TEST_CASE("average: the mean of all, and the exponential one") {
  for (const DType dtype : {float32, float64}) {
    const Tensor p = Tensor({0, 1}, dtype).requires_grad(true);
    WeightAverage mean({p}), moving({p}, {.decay = 0.9});
    double expected = 0;
    for (int t = 1; t <= 5; ++t) {
      nn::init::constant(p, t);
      mean.update();
      moving.update();
      expected = t == 1 ? 1 : 0.9 * expected + 0.1 * t;
    }
    CHECK(distance(mean.averages()[0], full({2}, 3, dtype)) < 1e-6);
    CHECK(distance(moving.averages()[0], full({2}, expected, dtype)) < 1e-6);
    CHECK(moving.count() == 5);
  }
}

TEST_CASE("average: swapped for the evaluation and back") {
  const Tensor p = ones({3}).requires_grad(true), y = sum(p * p);
  WeightAverage average({p});
  average.update();
  nn::init::constant(p, 5);
  average.swap();
  CHECK(equal(p, ones({3})));
  CHECK(p.is_leaf());
  average.swap();
  CHECK(equal(p, full({3}, 5)));
  CHECK_THROWS_AS(y.backward(), StaleValueError);
}

TEST_CASE("average: stopped and resumed") {
  const Tensor p = randn({4}), q = randn({2, 2}, float64);
  WeightAverage whole({p, q}), resumed({p, q});
  whole.update();
  nn::init::normal(p, 0, 1);
  whole.update();
  resumed.load_state_dict(whole.state_dict());
  nn::init::normal(q, 0, 1);
  whole.update();
  resumed.update();
  CHECK(equal(whole.averages()[0], resumed.averages()[0]));
  CHECK(equal(whole.averages()[1], resumed.averages()[1]));
}

TEST_CASE("average: errors") {
  CHECK_BLAMES(ValueError, "WeightAverage: there are no parameters", WeightAverage({}));
  CHECK_BLAMES(ValueError, "WeightAverage: decay is 2, a number from 0 to 1 wanted",
               WeightAverage({ones({1})}, {.decay = 2}));
  CHECK_BLAMES(DTypeError, "WeightAverage: floating parameters wanted, not int64",
               WeightAverage({ones({1}, int64)}));
  WeightAverage average({ones({1})}), other({ones({2})});
  CHECK_BLAMES(ShapeError, "state: 'average.0' has shape [2], not [1]",
               average.load_state_dict(other.state_dict()));
}
