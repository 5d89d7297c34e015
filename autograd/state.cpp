#include <fmt/format.h>

#include <bit>
#include <xtape/autograd/state.hpp>

namespace xtape {

Tensor number_tensor(double number) { return Tensor(number, float64); }
Tensor number_tensor(std::int64_t number) { return Tensor(number, int64); }

const Tensor& entry(const State& state, const std::string& name, const Tensor& like,
                    Location where) {
  const auto found = state.find(name);
  if (found == state.end() || !found->second.defined())
    raise<ValueError>(where, "state", fmt::format("there is no '{}'", name));
  const Tensor& tensor = found->second;
  if (tensor.shape() != like.shape())
    raise<ShapeError>(
        where, "state",
        fmt::format("'{}' has shape {}, not {}", name, tensor.shape().str(), like.shape().str()));
  if (tensor.dtype() != like.dtype())
    raise<DTypeError>(
        where, "state",
        fmt::format("'{}' is {}, not {}", name, name_of(tensor.dtype()), name_of(like.dtype())));
  return tensor;
}

double number_entry(const State& state, const std::string& name, Location where) {
  return entry(state, name, number_tensor(0.0), where).item<double>();
}

std::int64_t integer_entry(const State& state, const std::string& name, Location where) {
  return entry(state, name, number_tensor(std::int64_t{0}), where).item<std::int64_t>();
}

void put_under(State& whole, const std::string& prefix, const State& part) {
  for (const auto& [name, tensor] : part) whole[prefix + "." + name] = tensor;
}

State part_under(const State& whole, const std::string& prefix) {
  const std::string start = prefix + ".";
  State part;
  for (auto it = whole.lower_bound(start); it != whole.end() && it->first.starts_with(start); ++it)
    part[it->first.substr(start.size())] = it->second;
  return part;
}

State state_dict(const Generator& generator) {
  return {{"seed", number_tensor(std::bit_cast<std::int64_t>(generator.seed()))},
          {"stream", number_tensor(std::bit_cast<std::int64_t>(generator.stream()))}};
}

void load_state_dict(Generator& generator, const State& state, Location where) {
  const std::int64_t seed = integer_entry(state, "seed", where);
  const std::int64_t stream = integer_entry(state, "stream", where);
  generator.manual_seed(std::bit_cast<std::uint64_t>(seed));
  generator.set_stream(std::bit_cast<std::uint64_t>(stream));
}

}  // namespace xtape
