// Functions of whole axes among the activations, and dropout.
#include <xtape/tools/conformance/binding.hpp>

namespace conformance {

static const Bindings table{
    {"softmax",
     [](const Call& c) {
       return softmax(c.in(0), c.integer("dim"), {.temperature = c.number("temperature", 1)});
     }},
    {"log_softmax",
     [](const Call& c) {
       return log_softmax(c.in(0), c.integer("dim"), {.temperature = c.number("temperature", 1)});
     }},
    {"softmin", [](const Call& c) { return softmin(c.in(0), c.integer("dim")); }},
    {"glu", [](const Call& c) { return glu(c.in(0), c.integer("dim", -1)); }},
    {"crelu", [](const Call& c) { return crelu(c.in(0), c.integer("dim", -1)); }},
    {"maxout",
     [](const Call& c) { return maxout(c.in(0), c.integer("pieces"), c.integer("dim", -1)); }},
    {"normalize",
     [](const Call& c) {
       return normalize(
           c.in(0),
           {.p = c.number("p", 2), .dim = Dims(c.integers("dim")), .eps = c.number("eps", 1e-12)});
     }},
    {"cosine_similarity",
     [](const Call& c) {
       return cosine_similarity(c.in(0), c.in(1),
                                {.dim = c.integer("dim", 1), .eps = c.number("eps", 1e-8)});
     }},
    {"dropout",
     [](const Call& c) {
       return nn::dropout(c.in(0), {.p = c.number("p"), .training = c.flag("training")});
     }},
    {"dropout_mask",
     [](const Call& c) { return nn::masked_dropout(c.in(0), c.in(1), c.number("p")); }},
};

}  // namespace conformance
