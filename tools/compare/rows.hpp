// The workloads that are compared, and what of them is aimed at.
#pragma once

#include <string>
#include <vector>

namespace compare {

/// A workload; the same nodes with hardly any elements, whose time is that of the nodes; and how
/// many times faster than another library it is to be with one thread.
struct Row {
  std::string arguments, least;
  double target;
};

/// Workloads with something in common, which a sentence says.
struct Section {
  std::string title, about;
  std::vector<Row> rows;
};

/// What is compared with libtorch.
std::vector<Section> sections();

/// What is compared with ggml and MLX.
std::vector<Row> peer_rows();

}  // namespace compare
