#include <xtape/nn/dropout_layers.hpp>
#include <xtape/nn/norm_layers.hpp>

#include "layer_check.hpp"

using namespace xtape;
using check::distance;
using check::equal;
using check::listing;
using check::numbers;

TEST_CASE("batch norm layers: parameters, buffers, training and evaluation against loops") {
  nn::BatchNorm1d norm(3, {.eps = 0.1, .momentum = 0.25, .dtype = float64});
  CHECK(listing(norm) ==
        "weight [3], bias [3] | running_mean [3], running_var [3], num_batches_tracked []");
  CHECK(norm.num_batches_tracked.dtype() == int64);
  const Tensor x = randn({5, 3, 2}, float64) * 2 + 1;
  {
    const NoGrad no_grad;
    assign(norm.weight, {ellipsis}, Tensor({1.5, -2, 0.5}, float64));
    assign(norm.bias, {ellipsis}, Tensor({0.1, 0.2, 0.3}, float64));
  }
  const std::vector<double> in = numbers(x), w = numbers(norm.weight), b = numbers(norm.bias);
  std::vector<double> running_mean(3, 0), running_var(3, 1);
  for (int pass = 1; pass <= 2; ++pass) {
    const std::vector<double> out = numbers(norm(x));
    for (int c = 0; c < 3; ++c) {
      double mean = 0, var = 0;
      for (int n = 0; n < 5; ++n)
        for (int l = 0; l < 2; ++l) mean += in[n * 6 + c * 2 + l] / 10;
      for (int n = 0; n < 5; ++n)
        for (int l = 0; l < 2; ++l) var += std::pow(in[n * 6 + c * 2 + l] - mean, 2) / 10;
      running_mean[c] = 0.75 * running_mean[c] + 0.25 * mean;
      running_var[c] = 0.75 * running_var[c] + 0.25 * var * 10 / 9;
      CHECK(numbers(norm.running_mean)[c] == doctest::Approx(running_mean[c]));
      CHECK(numbers(norm.running_var)[c] == doctest::Approx(running_var[c]));
      for (int i : {c * 2, 24 + c * 2 + 1})
        CHECK(out[i] == doctest::Approx((in[i] - mean) / std::sqrt(var + 0.1) * w[c] + b[c]));
    }
    CHECK(norm.num_batches_tracked.item<std::int64_t>() == pass);
  }
  norm.eval();
  const std::vector<double> out = numbers(norm(x));
  for (int i = 0; i < 30; ++i) {
    const int c = i / 2 % 3;
    CHECK(out[i] == doctest::Approx(
                        (in[i] - running_mean[c]) / std::sqrt(running_var[c] + 0.1) * w[c] + b[c]));
  }
  CHECK(norm.num_batches_tracked.item<std::int64_t>() == 2);
}

TEST_CASE("batch norm layers: the average over all batches, without statistics, without weights") {
  nn::BatchNorm1d average(2, {.momentum = {}, .affine = false});
  CHECK(listing(average) == " | running_mean [2], running_var [2], num_batches_tracked []");
  Tensor total = zeros({2});
  for (int i = 0; i < 3; ++i) {
    const Tensor x = randn({6, 2});
    average(x);
    total = total + mean(x, 0);
  }
  CHECK(distance(average.running_mean, total / 3) < 1e-6);
  nn::BatchNorm2d own(2, {.track_running_stats = false});
  CHECK(listing(own) == "weight [2], bias [2]");
  const Tensor x = randn({3, 2, 4, 5});
  const Tensor trained = own(x);
  own.eval();
  CHECK(equal(own(x), trained));
  CHECK(distance(mean(trained, {0, 2, 3}), zeros({2})) < 1e-6);
}

TEST_CASE("batch norm layers: ranks and channels are strict") {
  nn::BatchNorm1d one(3);
  nn::BatchNorm2d two(3, {.affine = false, .track_running_stats = false});
  nn::BatchNorm3d three(3);
  CHECK(one(ones({2, 3})).shape() == Shape{2, 3});
  CHECK(three(ones({2, 3, 1, 2, 2})).shape() == Shape{2, 3, 1, 2, 2});
  CHECK_BLAMES(ShapeError, "BatchNorm: x with 2 or 3 axes wanted, its shape is [2, 3, 4, 5]",
               one(ones({2, 3, 4, 5})));
  CHECK_BLAMES(ShapeError, "BatchNorm: x with 4 axes wanted, its shape is [2, 3]",
               two(ones({2, 3})));
  CHECK_BLAMES(ShapeError, "BatchNorm: x with 5 axes wanted, its shape is [2, 3, 4, 5]",
               three(ones({2, 3, 4, 5})));
  CHECK_BLAMES(ShapeError, "BatchNorm: axis 1 of x, [2, 4, 3, 3], should have 3 elements",
               two(ones({2, 4, 3, 3})));
  CHECK_BLAMES(ShapeError, "batch_norm: more than one value per channel wanted", one(ones({1, 3})));
  CHECK(one.num_batches_tracked.item<std::int64_t>() == 1);
  CHECK_BLAMES(ValueError, "BatchNorm: at least 1 channel wanted, got 0", nn::BatchNorm1d(0));
}

TEST_CASE("reestimated statistics are those of the data, and nothing else changes") {
  struct Net : nn::Module {
    nn::Linear fc = add("fc", nn::Linear(3, 4, {.dtype = float64}));
    nn::Dropout drop = add("drop", nn::Dropout(0.5));
    nn::BatchNorm1d norm = add("norm", nn::BatchNorm1d(4, {.dtype = float64}));
    Tensor forward(const Tensor& x) override { return norm(drop(fc(x))); }
  };
  Net net;
  net.fc.eval();
  std::vector<Tensor> batches;
  for (int i = 0; i < 4; ++i) batches.push_back(randn({7, 3}, float64) + i);
  net(batches[0]);
  nn::reestimate_statistics(net, batches);
  std::vector<double> mean(4, 0), var(4, 0);
  for (const Tensor& batch : batches) {
    const std::vector<double> y = numbers(linear(batch, net.fc.weight, net.fc.bias));
    for (int c = 0; c < 4; ++c) {
      double m = 0, v = 0;
      for (int n = 0; n < 7; ++n) m += y[n * 4 + c] / 7;
      for (int n = 0; n < 7; ++n) v += std::pow(y[n * 4 + c] - m, 2) / 6;  // 7/6 of the biased
      mean[c] += m / 4;
      var[c] += v / 4;
    }
  }
  for (int c = 0; c < 4; ++c) {
    CHECK(numbers(net.norm.running_mean)[c] == doctest::Approx(mean[c]));
    CHECK(numbers(net.norm.running_var)[c] == doctest::Approx(var[c]));
  }
  CHECK(net.norm.num_batches_tracked.item<std::int64_t>() == 4);
  CHECK(net.is_training());
  CHECK_FALSE(net.fc.is_training());
  CHECK(net.drop.is_training());
  // by a callback, and for a batch norm alone
  nn::BatchNorm1d alone(3);
  int calls = 0;
  nn::reestimate_statistics(alone, [&]() -> Tensor {
    return ++calls > 2 ? Tensor() : full({4, 3}, calls);
  });
  CHECK(calls == 3);
  CHECK(distance(alone.running_mean, full({3}, 1.5)) < 1e-6);
  CHECK(distance(alone.running_var, zeros({3})) < 1e-6);
  CHECK_BLAMES(ValueError, "reestimate_statistics: there are no batches",
               nn::reestimate_statistics(net, std::vector<Tensor>()));
  CHECK_BLAMES(ShapeError, "BatchNorm: axis 1 of x, [2, 9], should have 3 elements",
               nn::reestimate_statistics(alone, {ones({2, 9})}));
  nn::BatchNorm1d free(3, {.track_running_stats = false});
  CHECK_NOTHROW(nn::reestimate_statistics(free, {ones({2, 3})}));
}

TEST_CASE("layer, group, instance, root mean square and response norm layers") {
  const Tensor x = randn({2, 6, 4, 3});
  nn::LayerNorm layer(Shape{4, 3}, {.eps = 0.01}), last(3), plain(3, {.elementwise_affine = false});
  CHECK(listing(layer) == "weight [4, 3], bias [4, 3]");
  CHECK(listing(last) == "weight [3], bias [3]");
  CHECK(listing(plain).empty());
  CHECK(distance(layer(x), nn::layer_norm(x, {4, 3}, {.eps = 0.01})) < 1e-6);
  CHECK(distance(last(x), plain(x)) < 1e-6);
  nn::GroupNorm group(3, 6);
  CHECK(listing(group) == "weight [6], bias [6]");
  CHECK(distance(group(x), nn::group_norm(x, 3)) < 1e-6);
  nn::InstanceNorm2d instance(6), affine(6, {.affine = true});
  CHECK(listing(instance).empty());
  CHECK(listing(affine) == "weight [6], bias [6]");
  CHECK(distance(instance(x), nn::instance_norm(x)) < 1e-6);
  CHECK(distance(affine(x), instance(x)) < 1e-6);
  CHECK(distance(instance(index(x, {1})), index(instance(x), {1})) < 1e-6);
  CHECK(nn::InstanceNorm1d(2)(randn({3, 2, 5})).shape() == Shape{3, 2, 5});
  CHECK(nn::InstanceNorm3d(2)(randn({3, 2, 5, 1, 2})).shape() == Shape{3, 2, 5, 1, 2});
  nn::RMSNorm rms(3, {.eps = 0.5});
  CHECK(listing(rms) == "weight [3]");
  CHECK(distance(rms(x), nn::rms_norm(x, {.eps = 0.5})) < 1e-6);
  CHECK(equal(nn::LocalResponseNorm(3, {.alpha = 0.5})(x),
              nn::local_response_norm(x, 3, {.alpha = 0.5})));
  for (nn::Module* each : std::vector<nn::Module*>{&layer, &group, &affine, &rms}) {
    sum(square((*each)(x) + 1)).backward();
    CHECK(check::all_learn(*each));
  }
}

TEST_CASE("norm layers: errors name the user's line") {
  CHECK_BLAMES(ValueError, "GroupNorm: 4 groups do not divide 6 channels", nn::GroupNorm(4, 6));
  CHECK_BLAMES(ValueError, "GroupNorm: at least 1 channel wanted", nn::GroupNorm(1, 0));
  CHECK_BLAMES(ValueError, "InstanceNorm: at least 1 channel", nn::InstanceNorm1d(0));
  CHECK_BLAMES(ValueError, "RMSNorm: at least 1 channel", nn::RMSNorm(0));
  nn::LayerNorm layer(3);
  CHECK_BLAMES(ShapeError, "layer_norm: [2, 4] does not end in", layer(ones({2, 4})));
  nn::GroupNorm group(2, 4, {.affine = false});
  CHECK_BLAMES(ShapeError, "GroupNorm: axis 1 of x, [2, 6], should have 4 elements",
               group(ones({2, 6})));
  nn::InstanceNorm1d instance(4);
  CHECK_BLAMES(ShapeError, "InstanceNorm: x is [4]; batch, channels", instance(ones({4})));
  CHECK_BLAMES(ShapeError, "InstanceNorm: axis 1 of x, [1, 3, 5], should have 4",
               instance(ones({1, 3, 5})));
  nn::RMSNorm rms(3, {.elementwise_affine = false});
  CHECK_BLAMES(ShapeError, "RMSNorm: axis 0 of x, [4], should have 3", rms(ones({4})));
}
