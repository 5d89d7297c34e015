// Optimizers and schedules by the corpus's names.
#pragma once

#include <memory>
#include <xtape/tools/conformance/binding.hpp>

namespace conformance {

/// The optimizer called `name` with the options `hyper`; `groups` lists the positions of each
/// group's parameters and the options that it overrides. Throws Unsupported for an unknown name.
std::unique_ptr<optim::Optimizer> make_optimizer(const std::string& name, const Json& hyper,
                                                 const Json& groups, const Tensors& parameters);

/// A schedule with the ones that it is made of.
struct Scheduled {
  std::vector<std::unique_ptr<optim::Schedule>> schedules;  // the last one is stepped
  std::unique_ptr<optim::ReduceLROnPlateau> plateau;

  void step(double metric) {
    if (plateau) plateau->step(metric);
    else schedules.back()->step();
  }
};
Scheduled make_schedule(const std::string& name, const Json& hyper, optim::Optimizer& optimizer);

}  // namespace conformance
