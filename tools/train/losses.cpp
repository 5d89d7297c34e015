#include <xtape/tools/train/losses.hpp>

namespace training {

namespace {

// 1 for the class and 0 for the others, or -1 for the others.
Tensor one_hot(const Tensor& scores, const Tensor& classes) {
  return cast(xtape::one_hot(classes, scores.size(-1)), scores.dtype());
}
Tensor signs(const Tensor& scores, const Tensor& classes) {
  return 2 * one_hot(scores, classes) - 1;
}

constexpr Choice<Loss> table[] = {
    {"cross_entropy", [](const Tensor& scores,
                         const Tensor& classes) { return nn::cross_entropy(scores, classes); }},
    {"label_smoothing",
     [](const Tensor& scores, const Tensor& classes) {
       return nn::cross_entropy(scores, classes, {.label_smoothing = 0.1});
     }},
    {"multi_margin", [](const Tensor& scores,
                        const Tensor& classes) { return nn::multi_margin_loss(scores, classes); }},
    {"weston_watkins",
     [](const Tensor& scores, const Tensor& classes) {
       return nn::multiclass_hinge_loss(scores, classes);
     }},
    {"squared_hinge",
     [](const Tensor& scores, const Tensor& classes) {
       return nn::multiclass_hinge_loss(scores, classes, {.p = 2});
     }},
    {"crammer_singer",
     [](const Tensor& scores, const Tensor& classes) {
       return nn::crammer_singer_loss(scores, classes);
     }},
    {"hinge",
     [](const Tensor& scores, const Tensor& classes) {
       return nn::multilabel_hinge_loss(scores, signs(scores, classes));
     }},
    {"logistic",
     [](const Tensor& scores, const Tensor& classes) {
       return nn::multilabel_logistic_loss(scores, signs(scores, classes));
     }},
    {"mse", [](const Tensor& scores,
               const Tensor& classes) { return nn::mse_loss(scores, one_hot(scores, classes)); }},
    {"l1", [](const Tensor& scores,
              const Tensor& classes) { return nn::l1_loss(scores, one_hot(scores, classes)); }},
    {"smooth_l1",
     [](const Tensor& scores, const Tensor& classes) {
       return nn::smooth_l1_loss(scores, one_hot(scores, classes));
     }},
    {"huber",
     [](const Tensor& scores, const Tensor& classes) {
       return nn::huber_loss(scores, one_hot(scores, classes));
     }},
};

}  // namespace

Loss find_loss(const std::string& name) { return choose(table, "loss", name).value; }

std::string loss_names() { return names(table); }

}  // namespace training
