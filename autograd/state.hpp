// What a run needs to go on where it stopped: tensors by name. A number is a 0-d tensor, so that
// any format that holds named arrays can hold a state.
#pragma once

#include <map>
#include <string>
#include <xtape/autograd/generator.hpp>
#include <xtape/autograd/tensor.hpp>

namespace xtape {

using State = std::map<std::string, Tensor>;

/// A number as a 0-d float64 or int64 tensor.
Tensor number_tensor(double number);
Tensor number_tensor(std::int64_t number);

/// The tensor of that name. Throws ValueError if there is none, ShapeError if it has not the shape
/// and DTypeError if it has not the element type of `like`.
const Tensor& entry(const State& state, const std::string& name, const Tensor& like,
                    Location where = {});
/// The number of that name. Throws as entry().
double number_entry(const State& state, const std::string& name, Location where = {});
std::int64_t integer_entry(const State& state, const std::string& name, Location where = {});

/// Adds the entries of `part` to `whole` under "prefix.name".
void put_under(State& whole, const std::string& prefix, const State& part);
/// The entries of `whole` under "prefix.", without it.
State part_under(const State& whole, const std::string& prefix);

/// The seed and the next stream of a generator.
State state_dict(const Generator& generator);
/// Puts a generator where it was. Throws as entry().
void load_state_dict(Generator& generator, const State& state, Location where = {});

}  // namespace xtape
