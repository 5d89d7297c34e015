// A training step beside those of libraries that only have that workload: ggml and MLX.
#pragma once

#include <string>
#include <xtape/tools/compare/turns.hpp>

namespace compare {

/// A table of the perceptrons of peer_rows(), for those of `bench_ggml` and `bench_mlx` that lie in
/// the setting's folder; empty if neither does. Throws std::runtime_error if a program fails.
std::string peers_table(Setting setting);

}  // namespace compare
