// Shapes, cutting and joining, indexing.
#include <xtape/tools/conformance/binding.hpp>

namespace conformance {

namespace {

/// The items of "slices": lists of start, stop and step, integers and "newaxis".
std::vector<Index> items(const Call& c) {
  std::vector<Index> out;
  for (const Json& item : c.kwargs.at("slices")) {
    if (item.is_string()) {
      out.push_back(newaxis);
    } else if (item.is_number()) {
      out.push_back(item.get<std::int64_t>());
    } else {
      const auto bound = [&](std::size_t i) {
        return i < item.size() && !item[i].is_null() ? std::optional(item[i].get<std::int64_t>())
                                                     : std::nullopt;
      };
      out.push_back(range(bound(0), bound(1), bound(2).value_or(1)));
    }
  }
  return out;
}

std::vector<PadWidth> paddings(const Call& c) {
  std::vector<PadWidth> out;
  for (const Json& pair : c.kwargs.at("pad"))
    out.push_back({pair[0].get<std::int64_t>(), pair[1].get<std::int64_t>()});
  return out;
}

PadMode pad_mode(const std::string& name) {
  if (name == "constant") return PadMode::constant;
  if (name == "reflect") return PadMode::reflect;
  if (name == "replicate") return PadMode::replicate;
  if (name == "circular") return PadMode::circular;
  throw Unsupported("no padding is called " + name);
}

std::optional<std::int64_t> optional_dim(const Call& c) {
  return c.has("dim") ? std::optional(c.integer("dim")) : std::nullopt;
}

}  // namespace

static const Bindings table{
    {"reshape", [](const Call& c) { return reshape(c.in(0), c.integers("shape")); }},
    {"flatten",
     [](const Call& c) {
       return flatten(c.in(0), c.integer("start_dim", 0), c.integer("end_dim", -1));
     }},
    {"transpose",
     [](const Call& c) { return transpose(c.in(0), c.integer("dim0"), c.integer("dim1")); }},
    {"permute", [](const Call& c) { return permute(c.in(0), c.integers("dims")); }},
    {"squeeze",
     [](const Call& c) {
       return c.has("dim") ? squeeze(c.in(0), c.integer("dim")) : squeeze(c.in(0));
     }},
    {"unsqueeze", [](const Call& c) { return unsqueeze(c.in(0), c.integer("dim")); }},
    {"broadcast_to", [](const Call& c) { return broadcast_to(c.in(0), c.shape("shape")); }},
    {"cat", [](const Call& c) { return cat(c.inputs, c.integer("dim", 0)); }},
    {"stack", [](const Call& c) { return stack(c.inputs, c.integer("dim", 0)); }},
    {"split",
     [](const Call& c) {
       return c.kwargs.at("sizes").is_array()
                  ? split(c.in(0), c.integers("sizes"), c.integer("dim", 0))
                  : split(c.in(0), c.integer("sizes"), c.integer("dim", 0));
     }},
    {"chunk",
     [](const Call& c) { return chunk(c.in(0), c.integer("chunks"), c.integer("dim", 0)); }},
    {"unbind", [](const Call& c) { return unbind(c.in(0), c.integer("dim", 0)); }},
    {"slice", [](const Call& c) { return index(c.in(0), items(c)); }},
    {"gather", [](const Call& c) { return gather(c.in(0), c.integer("dim"), c.in(1)); }},
    {"take", [](const Call& c) { return take(c.in(0), c.in(1)); }},
    {"index_select",
     [](const Call& c) { return index_select(c.in(0), c.integer("dim"), c.in(1)); }},
    {"scatter_add",
     [](const Call& c) { return scatter_add(c.in(0), c.integer("dim"), c.in(1), c.in(2)); }},
    {"masked_select", [](const Call& c) { return masked_select(c.in(0), c.in(1)); }},
    {"diagonal",
     [](const Call& c) {
       return diagonal(c.in(0), c.integer("offset", 0), c.integer("dim1", 0), c.integer("dim2", 1));
     }},
    {"tril", [](const Call& c) { return tril(c.in(0), c.integer("diagonal", 0)); }},
    {"triu", [](const Call& c) { return triu(c.in(0), c.integer("diagonal", 0)); }},
    {"trace", [](const Call& c) { return trace(c.in(0)); }},
    {"pad",
     [](const Call& c) {
       return pad(c.in(0), paddings(c),
                  {pad_mode(c.text("mode", "constant")), c.number("value", 0)});
     }},
    {"flip", [](const Call& c) { return flip(c.in(0), c.integers("dims")); }},
    {"roll", [](const Call& c) { return roll(c.in(0), c.integers("shifts"), c.integers("dims")); }},
    {"tile", [](const Call& c) { return tile(c.in(0), c.integers("reps")); }},
    {"repeat_interleave",
     [](const Call& c) {
       return repeat_interleave(c.in(0), c.integer("repeats"), optional_dim(c));
     }},
    {"one_hot", [](const Call& c) { return one_hot(c.in(0), c.integer("num_classes", -1)); }},
};

}  // namespace conformance
