// What a machine can do at most, from which the least possible time of a workload follows.
#pragma once

#include <cstddef>
#include <map>

namespace compare {

/// The speeds of some cores of this machine that work at the same time, each the best of several
/// short runs.
class Machine {
 public:
  explicit Machine(int threads);

  /// Operations each second in independent fused multiply-adds of float32 registers.
  double flops() const { return flops_; }
  /// Bytes read and written each second by copies between buffers that hold `bytes` together, in
  /// ordinary or in streaming stores, whichever is faster.
  double copies(double bytes);

 private:
  int threads_;
  double flops_;
  std::map<std::size_t, double> copies_;
};

}  // namespace compare
