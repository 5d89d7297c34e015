// The binary files of CIFAR-10 (Krizhevsky 2009, "Learning multiple layers of features from tiny
// images"): records of a label byte and three planes, red, green and blue, of 32 by 32 bytes.
#pragma once

#include <string>
#include <xtape/nn/loader.hpp>

namespace xtape::nn {

/// The records of one file: x [n, 3, 32, 32] float32 in [0, 1] (byte / 255), y [n] int64. Read
/// piece by piece. Throws FileError if the file cannot be read, has no whole number of records, or
/// a label is not one of 0 ... 9.
Dataset read_cifar10_batch(const std::string& path, Location where = {});

/// data_batch_1.bin ... data_batch_5.bin and test_batch.bin of a folder. Throws FileError as
/// read_cifar10_batch(), and if one is missing.
TrainTest read_cifar10(const std::string& folder, Location where = {});

}  // namespace xtape::nn
