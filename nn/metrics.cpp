#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <xtape/autograd/tape.hpp>
#include <xtape/nn/metrics.hpp>
#include <xtape/ops/sorting.hpp>

namespace xtape::nn {

namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void require_classes(const char* op, const Location& where, const Tensor& classes) {
  if (classes.dtype(where) != int64)
    raise<DTypeError>(where, op,
                      fmt::format("int64 classes wanted, got {}", name_of(classes.dtype())));
  if (classes.rank() != 1)
    raise<ShapeError>(where, op, fmt::format("classes [n] wanted, got {}", classes.shape().str()));
}

void require_rows(const char* op, const Location& where, const Tensor& predicted,
                  const Tensor& classes) {
  if (predicted.size(0) != classes.size(0))
    raise<ShapeError>(
        where, op,
        fmt::format("{} predictions for {} classes: shapes {} and {}", predicted.size(0),
                    classes.size(0), predicted.shape().str(), classes.shape().str()));
}

void require_scores(const char* op, const Location& where, const Tensor& scores) {
  if (!is_floating(scores.dtype(where)))
    raise<DTypeError>(where, op,
                      fmt::format("floating scores wanted, got {}", name_of(scores.dtype())));
  if (scores.rank() != 2 || scores.size(1) == 0)
    raise<ShapeError>(where, op,
                      fmt::format("scores [n, classes] wanted, got {}", scores.shape().str()));
}

// Throws unless every class is in 0 ... count - 1; a negative count bounds nothing.
void require_range(const char* op, const Location& where, const Tensor& classes,
                   std::int64_t count) {
  const std::int64_t* c = classes.data<std::int64_t>();
  for (std::int64_t i = 0, end = classes.numel(); i < end; ++i)
    if (c[i] < 0 || (count >= 0 && c[i] >= count))
      raise<IndexError>(
          where, op,
          count >= 0 ? fmt::format("class {} of sample {} is not in 0 ... {}", c[i], i, count - 1)
                     : fmt::format("class {} of sample {} is negative", c[i], i));
}

struct Pairs {
  Tensor predicted, classes;
  std::int64_t count;  // of the classes, -1 if the predictions do not tell it
};

// Predictions as classes, checked.
Pairs pairs(const char* op, const Arg& predicted, const Tensor& classes, std::int64_t count = -1) {
  const Location& where = predicted.where();
  const Tensor& given = predicted.as_tensor(int64);
  require_classes(op, where, classes);
  Tensor chosen = given;
  if (given.dtype(where) != int64) {
    require_scores(op, where, given);
    if (count < 0) count = given.size(1);
    chosen = argmax(given.detach(), 1);
  } else {
    require_classes(op, where, given);
  }
  require_rows(op, where, given, classes);
  require_range(op, where, classes, count);
  require_range(op, where, chosen, count);
  return {chosen, classes, count};
}

double sum_of(const std::vector<double>& numbers) {
  return std::accumulate(numbers.begin(), numbers.end(), 0.0);
}

Tensor column(const std::vector<double>& numbers) {
  return Tensor::from(numbers.data(), {std::ssize(numbers)});
}

double over(double part, double whole) { return whole == 0 ? 0 : part / whole; }

// Tallies of each class.
struct Tallies {
  std::vector<double> hits, predicted, support;

  explicit Tallies(const Tensor& confusion) {
    const std::int64_t count = confusion.size(0);
    const std::int64_t* cell = confusion.data<std::int64_t>();
    const auto places = static_cast<std::size_t>(count);
    hits.resize(places), predicted.resize(places), support.resize(places);
    for (std::size_t i = 0; i < places; ++i)
      for (std::size_t j = 0; j < places; ++j) {
        const auto times = static_cast<double>(*cell++);
        support[i] += times;
        predicted[j] += times;
        if (i == j) hits[i] = times;
      }
  }
};

// The elements of two tensors of one shape as doubles.
struct Elements {
  Tensor predicted, target;
  const double *p, *t;

  Elements(const char* op, const Arg& from, const Tensor& to) {
    const NoGrad off;
    const Location& where = from.where();
    predicted = from.as_tensor(float64).detach(where);
    target = to.detach(where);
    if (predicted.shape() != target.shape())
      raise<ShapeError>(where, op,
                        fmt::format("predictions {} and targets {} differ in shape",
                                    predicted.shape().str(), target.shape().str()));
    predicted = cast(predicted, float64);
    target = cast(target, float64);
    p = predicted.data<double>();
    t = target.data<double>();
  }
};

}  // namespace

double accuracy(const Arg& predicted, const Tensor& classes) {
  const Pairs both = pairs("accuracy", predicted, classes);
  const std::int64_t *p = both.predicted.data<std::int64_t>(),
                     *c = both.classes.data<std::int64_t>();
  double right = 0;
  for (std::int64_t i = 0, end = classes.numel(); i < end; ++i) right += p[i] == c[i];
  return right / static_cast<double>(classes.numel());
}

double top_k_accuracy(const Arg& scores, const Tensor& classes, std::int64_t k) {
  const char* op = "top_k_accuracy";
  const Location& where = scores.where();
  const Tensor given = scores.as_tensor(float32).detach(where);
  require_classes(op, where, classes);
  require_scores(op, where, given);
  require_rows(op, where, given, classes);
  require_range(op, where, classes, given.size(1));
  if (k < 1 || k > given.size(1))
    raise<ShapeError>(where, op, fmt::format("k is {}, there are {} classes", k, given.size(1)));
  const Tensor best = topk(given, k, 1).indices;
  const std::int64_t *b = best.data<std::int64_t>(), *c = classes.data<std::int64_t>();
  double right = 0;
  for (std::int64_t i = 0, end = classes.numel(); i < end; ++i)
    right += std::find(b + i * k, b + (i + 1) * k, c[i]) != b + (i + 1) * k;
  return right / static_cast<double>(classes.numel());
}

Tensor confusion_matrix(const Arg& predicted, const Tensor& classes, std::int64_t count) {
  if (count < -1)
    raise<ValueError>(predicted.where(), "confusion_matrix",
                      fmt::format("{} classes; -1 lets the samples decide", count));
  Pairs both = pairs("confusion_matrix", predicted, classes, count);
  const std::int64_t n = classes.numel();
  const std::int64_t *p = both.predicted.data<std::int64_t>(),
                     *c = both.classes.data<std::int64_t>();
  if (both.count < 0)
    for (std::int64_t i = 0; i < n; ++i) both.count = std::max({both.count, p[i] + 1, c[i] + 1});
  both.count = std::max<std::int64_t>(both.count, 0);
  const Tensor out = Tensor::empty({both.count, both.count}, int64);
  std::int64_t* cell = out.mutable_data<std::int64_t>();
  std::fill_n(cell, out.numel(), 0);
  for (std::int64_t i = 0; i < n; ++i) ++cell[c[i] * both.count + p[i]];
  return out;
}

ClassReport precision_recall_f1(const Arg& predicted, const Tensor& classes, std::int64_t count) {
  const Tallies of(confusion_matrix(predicted, classes, count));
  std::vector<double> precision, recall, f1;
  std::vector<std::int64_t> support;
  for (std::size_t i = 0; i < of.hits.size(); ++i) {
    precision.push_back(over(of.hits[i], of.predicted[i]));
    recall.push_back(over(of.hits[i], of.support[i]));
    f1.push_back(over(2 * of.hits[i], of.predicted[i] + of.support[i]));
    support.push_back(static_cast<std::int64_t>(of.support[i]));
  }
  return {column(precision), column(recall), column(f1),
          Tensor::from(support.data(), {std::ssize(support)})};
}

AverageReport precision_recall_f1(const Arg& predicted, const Tensor& classes,
                                  std::string_view average, std::int64_t count) {
  if (average != "macro" && average != "micro" && average != "weighted")
    raise<ValueError>(predicted.where(), "precision_recall_f1",
                      fmt::format("average is \"{}\"; \"macro\", \"micro\" and \"weighted\" are "
                                  "known",
                                  average));
  const Tallies of(confusion_matrix(predicted, classes, count));
  const double total = sum_of(of.support);
  if (average == "micro") {
    const double share = over(sum_of(of.hits), total);
    return {share, share, share};
  }
  AverageReport mean{0, 0, 0};
  for (std::size_t i = 0; i < of.hits.size(); ++i) {
    const double weight =
        average == "macro" ? 1 / static_cast<double>(of.hits.size()) : over(of.support[i], total);
    mean.precision += weight * over(of.hits[i], of.predicted[i]);
    mean.recall += weight * over(of.hits[i], of.support[i]);
    mean.f1 += weight * over(2 * of.hits[i], of.predicted[i] + of.support[i]);
  }
  return mean;
}

double mean_squared_error(const Arg& predicted, const Tensor& target) {
  const Elements of("mean_squared_error", predicted, target);
  double sum = 0;
  for (std::int64_t i = 0, end = of.target.numel(); i < end; ++i)
    sum += (of.p[i] - of.t[i]) * (of.p[i] - of.t[i]);
  return sum / static_cast<double>(of.target.numel());
}

double r2_score(const Arg& predicted, const Tensor& target) {
  const Elements of("r2_score", predicted, target);
  const int rank = of.target.rank();
  if (rank != 1 && rank != 2)
    raise<ShapeError>(predicted.where(), "r2_score",
                      fmt::format("[n] or [n, outputs] wanted, got {}", of.target.shape().str()));
  const std::int64_t n = of.target.size(0), outputs = rank == 2 ? of.target.size(1) : 1;
  if (n < 2) return nan;
  double total = 0;
  for (std::int64_t k = 0; k < outputs; ++k) {
    double mean = 0, left = 0, all = 0;
    for (std::int64_t i = 0; i < n; ++i) mean += of.t[i * outputs + k] / static_cast<double>(n);
    bool same = true;
    for (std::int64_t i = 0; i < n; ++i) {
      const double t = of.t[i * outputs + k], p = of.p[i * outputs + k];
      same = same && t == of.t[k];
      left += (t - p) * (t - p);
      all += (t - mean) * (t - mean);
    }
    total += same ? (left == 0 ? 1.0 : std::isnan(left) ? nan : 0.0) : 1 - left / all;
  }
  return total / static_cast<double>(outputs);
}

double roc_auc(const Arg& scores, const Tensor& classes) {
  const char* op = "roc_auc";
  const Location& where = scores.where();
  const NoGrad off;
  const Tensor given = scores.as_tensor(float64);
  require_classes(op, where, classes);
  if (given.shape(where) != classes.shape())
    raise<ShapeError>(where, op,
                      fmt::format("scores [n] wanted for classes {}, got {}", classes.shape().str(),
                                  given.shape().str()));
  require_range(op, where, classes, 2);
  const Tensor wide = cast(given, float64);
  const double* s = wide.data<double>();
  const std::int64_t* c = classes.data<std::int64_t>();
  const std::int64_t n = classes.numel();
  for (std::int64_t i = 0; i < n; ++i)
    if (std::isnan(s[i])) raise<ValueError>(where, op, fmt::format("score {} is NaN", i));
  std::vector<std::int64_t> order(static_cast<std::size_t>(n));
  std::iota(order.begin(), order.end(), 0);
  std::ranges::sort(order, {}, [&](std::int64_t i) { return s[i]; });
  double ranks = 0, positive = 0;  // ranks of class 1, counted from 1, equal ones averaged
  for (auto first = order.begin(); first != order.end();) {
    const auto last =
        std::find_if(first, order.end(), [&](std::int64_t i) { return s[i] != s[*first]; });
    const auto ones =
        static_cast<double>(std::count_if(first, last, [&](std::int64_t i) { return c[i] == 1; }));
    ranks += ones * static_cast<double>((first - order.begin()) + (last - order.begin()) + 1) / 2;
    positive += ones;
    first = last;
  }
  const double negative = static_cast<double>(n) - positive;
  if (positive == 0 || negative == 0)
    raise<ValueError>(
        where, op,
        fmt::format("both classes are wanted, class {} does not occur", positive == 0 ? 1 : 0));
  return (ranks - positive * (positive + 1) / 2) / (positive * negative);
}

}  // namespace xtape::nn
