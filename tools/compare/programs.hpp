// What a user's program costs besides its work: to compile, to keep, to start.
#pragma once

#include <string>

namespace compare {

/// A table of the README's program and, where it was built, the same written against libtorch.
/// `folder` is that of the programs. Throws std::runtime_error if one is missing or fails.
std::string programs_table(const std::string& folder);

}  // namespace compare
