// Losses.
#include <xtape/tools/conformance/binding.hpp>

namespace conformance {

namespace {

nn::Reduction reduction(const Call& c) {
  const std::string name = c.text("reduction", "mean");
  if (name == "none") return nn::Reduction::none;
  if (name == "sum") return nn::Reduction::sum;
  return name == "batchmean" ? nn::Reduction::batchmean : nn::Reduction::mean;
}
nn::LossOptions plain(const Call& c) { return {.reduction = reduction(c)}; }
nn::MarginOptions margin(const Call& c) {
  return {.margin = c.number("margin", 1), .reduction = reduction(c)};
}

}  // namespace

static const Bindings table{
    {"l1_loss", [](const Call& c) { return nn::l1_loss(c.in(0), c.in(1), plain(c)); }},
    {"mse_loss", [](const Call& c) { return nn::mse_loss(c.in(0), c.in(1), plain(c)); }},
    {"smooth_l1_loss",
     [](const Call& c) {
       return nn::smooth_l1_loss(c.in(0), c.in(1),
                                 {.beta = c.number("beta", 1), .reduction = reduction(c)});
     }},
    {"huber_loss",
     [](const Call& c) {
       return nn::huber_loss(c.in(0), c.in(1),
                             {.delta = c.number("delta", 1), .reduction = reduction(c)});
     }},
    {"cross_entropy",
     [](const Call& c) {
       return nn::cross_entropy(c.in(0), c.in(1),
                                {.weight = c.in(2),
                                 .ignore_index = c.integer("ignore_index", -100),
                                 .label_smoothing = c.number("label_smoothing", 0),
                                 .reduction = reduction(c)});
     }},
    {"nll_loss",
     [](const Call& c) {
       return nn::nll_loss(c.in(0), c.in(1),
                           {.weight = c.in(2),
                            .ignore_index = c.integer("ignore_index", -100),
                            .reduction = reduction(c)});
     }},
    {"bce_loss",
     [](const Call& c) {
       return nn::binary_cross_entropy(c.in(0), c.in(1),
                                       {.weight = c.in(2), .reduction = reduction(c)});
     }},
    {"bce_with_logits",
     [](const Call& c) {
       return nn::binary_cross_entropy_with_logits(
           c.in(0), c.in(1), {.weight = c.in(2), .pos_weight = c.in(3), .reduction = reduction(c)});
     }},
    {"kl_div",
     [](const Call& c) {
       return nn::kl_div(c.in(0), c.in(1),
                         {.log_target = c.flag("log_target"), .reduction = reduction(c)});
     }},
    {"hinge_embedding_loss",
     [](const Call& c) { return nn::hinge_embedding_loss(c.in(0), c.in(1), margin(c)); }},
    {"multi_margin_loss",
     [](const Call& c) {
       return nn::multi_margin_loss(c.in(0), c.in(1),
                                    {.p = static_cast<int>(c.integer("p", 1)),
                                     .margin = c.number("margin", 1),
                                     .weight = c.in(2),
                                     .reduction = reduction(c)});
     }},
    {"multilabel_margin_loss",
     [](const Call& c) { return nn::multilabel_margin_loss(c.in(0), c.in(1), plain(c)); }},
    {"soft_margin_loss",
     [](const Call& c) { return nn::soft_margin_loss(c.in(0), c.in(1), plain(c)); }},
    {"multilabel_soft_margin_loss",
     [](const Call& c) {
       return nn::multilabel_soft_margin_loss(c.in(0), c.in(1),
                                              {.weight = c.in(2), .reduction = reduction(c)});
     }},
    {"cosine_embedding_loss",
     [](const Call& c) {
       return nn::cosine_embedding_loss(
           c.in(0), c.in(1), c.in(2), {.margin = c.number("margin", 0), .reduction = reduction(c)});
     }},
    {"margin_ranking_loss",
     [](const Call& c) {
       return nn::margin_ranking_loss(c.in(0), c.in(1), c.in(2),
                                      {.margin = c.number("margin", 0), .reduction = reduction(c)});
     }},
    {"triplet_margin_loss",
     [](const Call& c) {
       return nn::triplet_margin_loss(c.in(0), c.in(1), c.in(2),
                                      {.margin = c.number("margin", 1),
                                       .p = c.number("p", 2),
                                       .eps = c.number("eps", 1e-6),
                                       .swap = c.flag("swap"),
                                       .reduction = reduction(c)});
     }},
    {"poisson_nll_loss",
     [](const Call& c) {
       return nn::poisson_nll_loss(c.in(0), c.in(1),
                                   {.log_input = c.flag("log_input", true),
                                    .full = c.flag("full"),
                                    .eps = c.number("eps", 1e-8),
                                    .reduction = reduction(c)});
     }},
    {"gaussian_nll_loss",
     [](const Call& c) {
       return nn::gaussian_nll_loss(
           c.in(0), c.in(1), c.in(2),
           {.full = c.flag("full"), .eps = c.number("eps", 1e-6), .reduction = reduction(c)});
     }},
};

}  // namespace conformance
