// Files of named tensors in the safetensors format of Hugging Face, which PyTorch and others read
// without running code from the file:
//
//   8 bytes: n, little-endian | n bytes of JSON, padded with spaces | the elements
//   {"__metadata__": {"key": "text"}, "name": {"dtype": "F32", "shape": [2, 3],
//    "data_offsets": [0, 24]}, ...}
#pragma once

#include <map>
#include <string>
#include <xtape/autograd/state.hpp>

namespace xtape::nn {

/// Texts by name, whatever the writer of a file wants to say.
using Metadata = std::map<std::string, std::string>;

/// All tensors of a file by name:
///
///   F32, F16, BF16 -> float32   F64 -> float64   BOOL -> bool
///   I8 I16 I32 I64 U8 U16 U32 U64 -> int64
///
/// Throws FileError, which says what was expected, if the file cannot be read, its header is too
/// large (100 MB) or no JSON of the form above, a name comes twice, tensors overlap, leave gaps or
/// do not fill the file, have other elements, more than ten axes or an unsigned number of 2^63 and
/// more.
State load_safetensors(const std::string& path, Location where = {});
/// The texts of a file; the elements are not read. Throws as above.
Metadata safetensors_metadata(const std::string& path, Location where = {});
/// Writes tensors by name; the same state gives the same bytes. `path` is the old file or the new
/// one, whole, whenever the process is stopped. Throws FileError if it cannot be written, and
/// ValueError for a tensor that is not defined, the name "__metadata__" and text that is not UTF-8.
void save_safetensors(const std::string& path, const State& state, const Metadata& metadata = {},
                      Location where = {});

}  // namespace xtape::nn
