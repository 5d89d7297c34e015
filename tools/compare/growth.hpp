// How time and memory grow with the size of a problem, as a picture.
#pragma once

#include <string>

namespace compare {

/// The picture, as SVG: elements of a tensor, nodes of a graph, parameters of a check of gradients;
/// time above, memory below. The programs of `folder` are run, `seconds` for each point. Throws
/// std::runtime_error if one fails.
std::string growth_picture(const std::string& folder, double seconds);

}  // namespace compare
