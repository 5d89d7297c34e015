// The IDX files of MNIST and its relatives (LeCun, Cortes and Burges, "The MNIST database of
// handwritten digits"), plain or gzipped. A file is a header of big-endian words and the bytes:
//
//   0 0 8 rank | size of axis 0 | ... | one unsigned byte per element, row-major
#pragma once

#include <string>
#include <xtape/nn/loader.hpp>

namespace xtape::nn {

/// A file of unsigned bytes: with three axes, images [n, rows * columns] float32 in [0, 1] (byte /
/// 255); with one, labels [n] int64. Throws FileError if the file cannot be read, is damaged or
/// foreign, has another number of axes, or does not end where its header says.
Tensor read_idx(const std::string& path, Location where = {});

/// The files train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte and
/// t10k-labels-idx1-ubyte of a folder, each with or without .gz, with '-' or '.' before idx.
/// Throws FileError as read_idx(), and if one is missing, images and labels differ in number,
/// training and test images in size, or a label is not one of 0 ... 9.
TrainTest read_mnist(const std::string& folder, Location where = {});

}  // namespace xtape::nn
