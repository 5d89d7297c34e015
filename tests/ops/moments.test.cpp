#include "../blames.hpp"

using namespace xtape;
using check::distance;

TEST_CASE("moments: values, gradients of one and of both, added to other gradients") {
  const Tensor x = randn({3, 4, 5}, float64);
  for (const Dims& dims : {Dims(), Dims(0), Dims(-1), Dims{0, 2}}) {
    const Moments both = moments(x, dims);
    const Tensor m = mean(x, dims, true);
    CHECK(distance(both.mean, m) < 1e-15);
    CHECK(distance(both.var, mean(square(x - m), dims, true)) < 1e-14);
    const check::Function functions[] = {[&](auto& in) { return moments(in[0], dims).mean; },
                                         [&](auto& in) { return moments(in[0], dims).var; },
                                         [&](auto& in) {
                                           const Moments two = moments(in[0], dims);
                                           return two.mean * two.var + in[0] * in[0];
                                         }};
    for (const check::Function& f : functions) {
      CHECK(check::slope_error(f, {x}) < 1e-8);
      CHECK(check::slope_error(f, {x}, true) < 1e-8);
      CHECK(check::curvature_error(f, {x}) < 1e-6);
    }
  }
}

TEST_CASE("moments: no elements, equal elements, errors") {
  const Moments none = moments(Tensor::empty({0, 2}, float32), 0);
  CHECK(std::isnan(check::numbers(none.mean)[1]));
  CHECK(std::isnan(check::numbers(none.var)[0]));
  CHECK(moments(full({1000}, 3, float32)).var.item<float>() == 0);
  CHECK_THROWS_AS(moments(ones({2}), 1), IndexError);
  CHECK_BLAMES(DTypeError, "moments: of a floating tensor wanted, this one is int64; cast() it",
               moments(ones({2}, int64)));
}
