#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <xtape/autograd/tape.hpp>
#include <xtape/nn/ensemble.hpp>
#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/extrema.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::nn {

namespace {

void require_same_shapes(const char* op, const Location& where, std::span<const Tensor> members) {
  if (members.empty()) raise<ValueError>(where, op, "no members");
  for (const Tensor& member : members)
    if (member.shape(where) != members[0].shape(where))
      raise<ShapeError>(where, op,
                        fmt::format("predictions of shapes {} and {}", members[0].shape().str(),
                                    member.shape().str()));
}

std::vector<Tensor> asked(const Ensemble& ensemble, const Tensor& x) {
  std::vector<Tensor> predictions;
  for (const Predictor& member : ensemble.members) predictions.push_back(member(x));
  return predictions;
}

}  // namespace

Tensor average_predictions(std::span<const Tensor> predictions, std::span<const double> weights,
                           Location where) {
  const char* op = "average_predictions";
  require_same_shapes(op, where, predictions);
  if (!weights.empty() && weights.size() != predictions.size())
    raise<ValueError>(
        where, op,
        fmt::format("{} weights for {} predictions", weights.size(), predictions.size()));
  for (const double weight : weights)
    if (!(weight >= 0)) raise<ValueError>(where, op, fmt::format("a weight is {}", weight));
  const double total = weights.empty() ? static_cast<double>(predictions.size())
                                       : std::accumulate(weights.begin(), weights.end(), 0.0);
  if (!(total > 0)) raise<ValueError>(where, op, "all weights are 0");
  const Caller caller(where);
  Tensor sum;
  for (std::size_t i = 0; i < predictions.size(); ++i) {
    const Tensor term = weights.empty() ? predictions[i] : predictions[i] * weights[i];
    sum = sum.defined() ? sum + term : term;
  }
  return sum / total;
}

Tensor majority_vote(std::span<const Tensor> classes, Location where) {
  const char* op = "majority_vote";
  require_same_shapes(op, where, classes);
  if (classes[0].rank() != 1)
    raise<ShapeError>(where, op,
                      fmt::format("classes [n] wanted, got {}", classes[0].shape().str()));
  std::int64_t count = 1;
  for (const Tensor& member : classes) {
    if (member.dtype() != int64)
      raise<DTypeError>(where, op,
                        fmt::format("int64 classes wanted, got {}", name_of(member.dtype())));
    for (const std::int64_t c : member.values<std::int64_t>()) {
      if (c < 0) raise<ValueError>(where, op, fmt::format("a class is {}", c));
      count = std::max(count, c + 1);
    }
  }
  const std::int64_t n = classes[0].numel();
  const Tensor out = Tensor::empty({n}, int64);
  std::int64_t* winner = out.mutable_data<std::int64_t>();
  std::vector<std::int64_t> votes(static_cast<std::size_t>(count));
  for (std::int64_t i = 0; i < n; ++i) {
    std::ranges::fill(votes, 0);
    for (const Tensor& member : classes)
      ++votes[static_cast<std::size_t>(member.data<std::int64_t>()[i])];
    winner[i] = std::ranges::max_element(votes) - votes.begin();
  }
  return out;
}

Tensor Ensemble::average(const Tensor& x, Location where) const {
  return average_predictions(asked(*this, x), {}, where);
}

Tensor Ensemble::vote(const Tensor& x, Location where) const {
  std::vector<Tensor> predictions = asked(*this, x);
  for (Tensor& prediction : predictions)
    if (prediction.rank(where) == 2) prediction = argmax({prediction.detach(), where}, 1);
  return majority_vote(predictions, where);
}

Tensor Bagging::out_of_bag(const Tensor& x, Location where) const {
  const NoGrad off;
  const Caller caller(where);
  Tensor sum, count;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Tensor& rows = samples[i].out_of_bag;
    const Tensor seen = ensemble.members[i](index_select(x, 0, rows));
    if (!sum.defined()) {
      Shape shape = seen.shape();
      shape[0] = x.size(0);
      sum = zeros(shape, seen.dtype());
      for (int axis = 1; axis < shape.rank(); ++axis) shape[axis] = 1;
      count = zeros(shape, seen.dtype());
    }
    Shape ones_shape = count.shape();
    ones_shape[0] = rows.numel();
    sum = index_add(sum, 0, rows, seen);
    count = index_add(count, 0, rows, ones(ones_shape, seen.dtype()));
  }
  return sum / count;  // 0 / 0 is the NaN of rows that every member knows
}

Bagging bagging(const Dataset& data,
                const std::function<Predictor(const Dataset& sample, std::int64_t member)>& train,
                const BaggingOptions& options, Location where) {
  if (options.members < 1)
    raise<ValueError>(where, "bagging", fmt::format("{} members", options.members));
  const std::int64_t n = data.size(where);
  Bagging result;
  for (std::int64_t i = 0; i < options.members; ++i) {
    result.samples.push_back(
        bootstrap(n, options.seed + static_cast<std::uint64_t>(i), options.samples, where));
    result.ensemble.members.push_back(train(rows_of(data, result.samples.back().drawn, where), i));
  }
  return result;
}

}  // namespace xtape::nn
