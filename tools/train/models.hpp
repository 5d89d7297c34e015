// The networks that `train` knows by name.
#pragma once

#include <xtape/tools/train/settings.hpp>

namespace training {

struct Samples;

/// A network and the shape in which it takes a sample.
struct Model {
  nn::Sequential net;
  Shape input;
};

/// Throws UsageError for an unknown name, and for samples that are no images where it wants some.
Model make_model(const Settings& settings, const Samples& samples);
/// Throws UsageError for an unknown name, before the work begins.
void check_model(const Settings& settings);
std::string model_names();

}  // namespace training
