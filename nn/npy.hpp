// NumPy's files: .npy holds one array, .npz is a zip archive of them by name. The formats are those
// of NumPy Enhancement Proposal 1 (numpy.lib.format, versions 1.0 to 3.0) and PKWARE's APPNOTE.
// Elements go from the file to the tensor piece by piece. A state (autograd/state.hpp) is saved as
// an .npz that numpy.load() reads.
#pragma once

#include <string>
#include <vector>
#include <xtape/autograd/state.hpp>

namespace xtape::nn {

/// The array of an .npy file, plain or gzipped, in either byte order, by rows (C) or by columns
/// (Fortran):
///
///   f4, f2 -> float32   f8 -> float64   b1 -> bool   i1 i2 i4 i8 u1 u2 u4 u8 -> int64
///
/// Throws FileError if the file cannot be read, is damaged or foreign, holds other elements, more
/// than ten axes or an unsigned number of 2^63 and more, or does not end where its header says.
Tensor load_npy(const std::string& path, Location where = {});
/// Writes a tensor as .npy, version 1.0, by rows. The file is written under another name first, so
/// that `path` is never half a file. Throws FileError if it cannot be written.
void save_npy(const std::string& path, const Tensor& tensor, Location where = {});

/// All arrays of an .npz file, stored or deflated, by name without ".npy". Throws FileError as
/// load_npy(), and for a damaged or encrypted archive, one in several parts or with zip64 sizes,
/// another method of compression, a member that is no .npy, and a wrong checksum.
State load_npz(const std::string& path, Location where = {});
/// One array of an .npz file; the others are not read. Throws as above, and ValueError if there is
/// none of that name.
Tensor load_npz_array(const std::string& path, const std::string& name, Location where = {});
/// The names of the arrays of an .npz file, in their order there. Throws as load_npz().
std::vector<std::string> npz_names(const std::string& path, Location where = {});
/// Writes tensors by name as .npz, not compressed, as numpy.savez() does; the same state gives the
/// same bytes. The file is written under another name first, so that `path` is never half a file.
/// Throws FileError if it cannot be written or would need zip64 (4 GiB or 65535 members), and
/// ValueError for a tensor that is not defined.
void save_npz(const std::string& path, const State& state, Location where = {});

}  // namespace xtape::nn
