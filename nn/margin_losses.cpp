#include <fmt/format.h>

#include <limits>
#include <xtape/nn/loss_formulas.hpp>
#include <xtape/nn/margin_losses.hpp>
#include <xtape/ops/creation.hpp>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape::nn {

namespace {

// Scores of samples with their classes, ready for formulas over [.., C].
constexpr std::int64_t none_ignored = std::numeric_limits<std::int64_t>::min();

struct Scores {
  Tensor x, right, numbers, classes;  // right: the score of the class; numbers: 0 ... C - 1

  Scores(const Arg& input, const Tensor& target, const char* op) : x(input.as_tensor(float32)) {
    if (x.rank() > 2)
      raise<ShapeError>(input.where(), op,
                        fmt::format("scores [N, C] or [C] wanted, not {}", x.shape().str()));
    classes = check_classes(x, target, none_ignored, op, input.where()).index;
    right = gather(x, -1, classes);
    numbers =
        arange(0, static_cast<double>(x.size(-1)), 1, is_floating(x.dtype()) ? x.dtype() : int64);
  }
};

void check_power(int p, const char* op, const Location& at) {
  if (p != 1 && p != 2) raise<ValueError>(at, op, fmt::format("p is {}, 1 or 2 wanted", p));
}

// The sum of each sample over the wrong classes, or over all samples; or their mean over samples
// and classes.
enum class Over { classes, all, mean };
Tensor class_margins(const Scores& scores, int p, double margin, Over over = Over::classes) {
  const auto of = [&](const auto& formula) {
    const auto reduced = [&](const auto&... arguments) {
      return over == Over::mean ? formula.mean({}, arguments...)
                                : formula.sum(over == Over::all ? Dims() : Dims(-1), arguments...);
    };
    return reduced(scores.x, scores.right, scores.numbers, scores.classes, margin);
  };
  return p == 1 ? of(formulas::class_margin) : of(formulas::squared_class_margin);
}

// Throws unless the scores have classes along a last axis.
void check_labels(const Tensor& x, const char* op, const Location& at) {
  if (x.rank() == 0 || x.rank() > 2)
    raise<ShapeError>(at, op, fmt::format("scores [N, C] or [C] wanted, not {}", x.shape().str()));
}

// Lists of labels as tensors over [N, C]: which classes are labels, the labels with 0 where the
// list has ended, and where it has not.
struct Labels {
  Tensor is_label, index, used;

  Labels(const Tensor& x, const Tensor& target, const char* op, const Location& at)
      : is_label(xtape::detail::zeros_of(x.shape(), boolean)),
        index(xtape::detail::zeros_of(x.shape(), int64)),
        used(xtape::detail::zeros_of(x.shape(), boolean)) {
    const std::int64_t classes = x.size(-1), rows = classes == 0 ? 0 : x.numel() / classes;
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::int64_t begin = row * classes;
      const std::int64_t* labels = target.data<std::int64_t>() + begin;
      for (std::int64_t i = 0; i < classes && labels[i] != -1; ++i) {
        if (labels[i] < 0 || labels[i] >= classes)
          raise<IndexError>(
              at, op,
              fmt::format("label {} in row {}, but there are {} classes", labels[i], row, classes));
        is_label.value()->as<bool>()[begin + labels[i]] = true;
        used.value()->as<bool>()[begin + i] = true;
        index.value()->as<std::int64_t>()[begin + i] = labels[i];
      }
    }
  }
};

}  // namespace

Tensor hinge_embedding_loss(const Arg& input, const Arg& target, const MarginOptions& options) {
  const Caller caller(input.where());
  check_same_shape("hinge_embedding_loss", input, target);
  return reduced(formulas::hinge_embedding, options.reduction, input, target, options.margin);
}

Tensor margin_ranking_loss(const Arg& a, const Arg& b, const Arg& target,
                           const RankingOptions& options) {
  const Caller caller(a.where());
  check_same_shape("margin_ranking_loss", a, b);
  check_same_shape("margin_ranking_loss", a, target);
  return reduced(formulas::ranking, options.reduction, a, b, target, options.margin);
}

Tensor soft_margin_loss(const Arg& input, const Arg& target, const LossOptions& options) {
  const Caller caller(input.where());
  check_same_shape("soft_margin_loss", input, target);
  return reduced(formulas::soft_margin, options.reduction, input, target);
}

Tensor multi_margin_loss(const Arg& input, const Tensor& target,
                         const MultiMarginOptions& options) {
  constexpr const char* op = "multi_margin_loss";
  const Caller caller(input.where());
  check_power(options.p, op, input.where());
  const Scores scores(input, target, op);
  const std::int64_t classes = scores.x.size(-1);
  const auto margins = [&](Over over) {
    const Tensor sums = class_margins(scores, options.p, options.margin, over);
    return over == Over::mean ? sums : sums / static_cast<double>(classes);
  };
  const bool weighted = options.weight.defined();
  if (!weighted && options.reduction == Reduction::mean) return margins(Over::mean);
  if (!weighted && options.reduction == Reduction::sum) return margins(Over::all);
  Tensor losses = margins(Over::classes);
  if (weighted) {
    check_class_weight(options.weight, classes, op, input.where());
    losses = losses * take(options.weight, target);
  }
  return reduce(losses, options.reduction, input.where());
}

Tensor multiclass_hinge_loss(const Arg& input, const Tensor& target,
                             const MulticlassHingeOptions& options) {
  constexpr const char* op = "multiclass_hinge_loss";
  const Caller caller(input.where());
  check_power(options.p, op, input.where());
  const Scores scores(input, target, op);
  return reduce(class_margins(scores, options.p, options.margin), options.reduction, input.where());
}

Tensor crammer_singer_loss(const Arg& input, const Tensor& target, const MarginOptions& options) {
  const Caller caller(input.where());
  const Scores scores(input, target, "crammer_singer_loss");
  const Tensor most =
      amax(formulas::wrong_score(scores.x, scores.numbers, scores.classes), -1, true);
  const Tensor losses = formulas::hinge(scores.right - most, 1, options.margin);
  return reduce(squeeze(losses, -1), options.reduction, input.where());
}

Tensor multilabel_margin_loss(const Arg& input, const Tensor& target, const LossOptions& options) {
  constexpr const char* op = "multilabel_margin_loss";
  const Location at = input.where();
  const Caller caller(at);
  const Tensor x = input.as_tensor(float32);
  check_labels(x, op, at);
  check_same_shape(op, input, Arg(target, at));
  if (target.dtype() != int64)
    raise<DTypeError>(at, op, fmt::format("labels are {}, int64 wanted", name_of(target.dtype())));
  const Labels labels(x, target, op, at);
  // [.., labels, 1] against [.., 1, classes]
  const Tensor each = formulas::label_margin.sum(
      {-2, -1}, unsqueeze(x, -2), unsqueeze(gather(x, -1, labels.index), -1),
      unsqueeze(labels.is_label, -2), unsqueeze(labels.used, -1));
  return reduce(each / static_cast<double>(x.size(-1)), options.reduction, at);
}

Tensor multilabel_soft_margin_loss(const Arg& input, const Arg& target,
                                   const MultilabelOptions& options) {
  constexpr const char* op = "multilabel_soft_margin_loss";
  const Caller caller(input.where());
  const Tensor x = input.as_tensor(float32);
  check_labels(x, op, input.where());
  const Tensor each = binary_cross_entropy_with_logits(
      input, target, {.weight = options.weight, .reduction = Reduction::none});
  return reduce(mean(each, -1), options.reduction, input.where());
}

Tensor multilabel_hinge_loss(const Arg& input, const Arg& target, const MarginOptions& options) {
  constexpr const char* op = "multilabel_hinge_loss";
  const Caller caller(input.where());
  check_labels(input.as_tensor(float32), op, input.where());
  check_same_shape(op, input, target);
  return reduce(formulas::hinge.sum(-1, input, target, options.margin), options.reduction,
                input.where());
}

Tensor multilabel_logistic_loss(const Arg& input, const Arg& target, const LossOptions& options) {
  constexpr const char* op = "multilabel_logistic_loss";
  const Caller caller(input.where());
  check_labels(input.as_tensor(float32), op, input.where());
  check_same_shape(op, input, target);
  return reduce(formulas::soft_margin.sum(-1, input, target), options.reduction, input.where());
}

}  // namespace xtape::nn
