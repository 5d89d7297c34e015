// Matrix products.
#include <xtape/tools/conformance/binding.hpp>

namespace conformance {

using Axes = std::vector<std::int64_t>;

static const Bindings table{
    {"matmul", [](const Call& c) { return matmul(c.in(0), c.in(1)); }},
    {"outer", [](const Call& c) { return outer(c.in(0), c.in(1)); }},
    {"einsum", [](const Call& c) { return einsum(c.text("equation"), c.inputs); }},
    {"tensordot",
     [](const Call& c) {
       const Json& axes = c.kwargs.at("axes");
       if (axes.is_number()) return tensordot(c.in(0), c.in(1), axes.get<std::int64_t>());
       return tensordot(c.in(0), c.in(1), axes.at(0).get<Axes>(), axes.at(1).get<Axes>());
     }},
    {"linear", [](const Call& c) { return linear(c.in(0), c.in(1), c.in(2)); }},
    {"bilinear", [](const Call& c) { return bilinear(c.in(0), c.in(1), c.in(2), c.in(3)); }},
    {"addmm",
     [](const Call& c) {
       return addmm(c.in(0), c.in(1), c.in(2), c.number("beta", 1), c.number("alpha", 1));
     }},
};

}  // namespace conformance
