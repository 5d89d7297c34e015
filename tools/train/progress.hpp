// A line that is written over while an epoch runs.
#pragma once

#include <chrono>
#include <xtape/tools/train/settings.hpp>

namespace training {

inline double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

/// Silent unless a person watches.
class Progress {
 public:
  Progress(const Settings& settings, std::int64_t epoch);
  ~Progress();

  /// The share of the epoch that is over, with the means of its samples.
  void show(double share, double loss, double accuracy, double rate);

 private:
  std::int64_t epoch_, epochs_;
  bool shown_, ended_ = false;
  double before_ = 0;
};

}  // namespace training
