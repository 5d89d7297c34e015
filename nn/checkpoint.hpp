// Checkpoints: a state (autograd/state.hpp) in a file of the format that its name ends in.
//
//   nn::save("net.safetensors", net.state_dict());
//   net.load_state_dict(nn::load("net.safetensors"));
//
// Names are PyTorch's, so that torch.nn.Module.load_state_dict() takes what
// safetensors.torch.load_file() makes of such a file, and the other way round.
#pragma once

#include <string>
#include <xtape/autograd/state.hpp>

namespace xtape::nn {

/// Writes a state as .safetensors or .npz. `path` is the old file or the new one, whole, whenever
/// the process is stopped. Throws ValueError for another ending, and as save_safetensors() and
/// save_npz().
void save(const std::string& path, const State& state, Location where = {});
/// Reads it again. Throws ValueError for another ending, and as load_safetensors() and load_npz().
State load(const std::string& path, Location where = {});
/// Throws ValueError for a name that ends in none of the formats.
void check_checkpoint_name(const std::string& path, Location where = {});

}  // namespace xtape::nn
