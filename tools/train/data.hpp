// The data sets that `train` knows by name.
#pragma once

#include <xtape/tools/train/settings.hpp>

namespace training {

/// Samples [n, features] on a common scale.
struct Samples {
  nn::TrainTest sets;
  Shape image;  ///< [channels, height, width] if the samples are images, else without axes
};

/// Reads or draws the set of that name. Throws UsageError for an unknown name and a set without
/// samples, and as the readers.
Samples load_samples(const Settings& settings);
std::string data_names();

/// The samples changed as writing or photographs differ, images [n, channels, height, width].
Tensor augment(const Tensor& images, Generator& generator);

}  // namespace training
