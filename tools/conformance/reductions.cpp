// Reductions, statistics, running totals and sorting.
#include <xtape/tools/conformance/binding.hpp>

namespace conformance {

static Outputs both(const Selection& selection) {
  return Tensors{selection.values, selection.indices};
}

static std::optional<std::int64_t> axis(const Call& c) {
  if (!c.has("dim")) return {};
  return c.integer("dim");
}

static const Bindings table{
    {"sum", [](const Call& c) { return sum(c.in(0), c.dims()); }},
    {"mean", [](const Call& c) { return mean(c.in(0), c.dims()); }},
    {"prod", [](const Call& c) { return prod(c.in(0), c.dims()); }},
    {"var", [](const Call& c) { return var(c.in(0), c.dims(), c.integer("correction", 1)); }},
    {"std", [](const Call& c) { return stddev(c.in(0), c.dims(), c.integer("correction", 1)); }},
    {"amax", [](const Call& c) { return amax(c.in(0), c.dims()); }},
    {"amin", [](const Call& c) { return amin(c.in(0), c.dims()); }},
    {"max_all", [](const Call& c) { return max(c.in(0)); }},
    {"min_all", [](const Call& c) { return min(c.in(0)); }},
    {"max_dim",
     [](const Call& c) { return both(max(c.in(0), c.integer("dim"), c.flag("keepdim"))); }},
    {"min_dim",
     [](const Call& c) { return both(min(c.in(0), c.integer("dim"), c.flag("keepdim"))); }},
    {"argmax", [](const Call& c) { return argmax(c.in(0), axis(c), c.flag("keepdim")); }},
    {"argmin", [](const Call& c) { return argmin(c.in(0), axis(c), c.flag("keepdim")); }},
    {"logsumexp", [](const Call& c) { return logsumexp(c.in(0), c.dims()); }},
    {"norm", [](const Call& c) { return norm(c.in(0), c.number("p", 2), c.dims()); }},
    {"cumsum", [](const Call& c) { return cumsum(c.in(0), c.integer("dim")); }},
    {"cumprod", [](const Call& c) { return cumprod(c.in(0), c.integer("dim")); }},
    {"any", [](const Call& c) { return any(c.in(0), c.dims()); }},
    {"all", [](const Call& c) { return all(c.in(0), c.dims()); }},
    {"count_nonzero", [](const Call& c) { return count_nonzero(c.in(0), c.dims()); }},
    {"sort",
     [](const Call& c) { return both(sort(c.in(0), c.integer("dim", -1), c.flag("descending"))); }},
    {"topk",
     [](const Call& c) {
       return both(topk(c.in(0), c.integer("k"), c.integer("dim", -1), c.flag("largest", true)));
     }},
    {"median_dim",
     [](const Call& c) { return both(median(c.in(0), c.integer("dim"), c.flag("keepdim"))); }},
};

}  // namespace conformance
