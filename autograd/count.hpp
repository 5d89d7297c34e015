// Counts that several threads may change.
#pragma once

#include <atomic>
#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#endif

namespace xtape {

/// A number that goes up and down. While the process has one thread it is changed without a locked
/// instruction: one takes as long as twenty others, and a small step is full of them.
template <class N>
class Count {
 public:
  explicit Count(N start) : value_(start) {}
  N load() const { return value_.load(std::memory_order_acquire); }
  /// Adds to it; returns what it was before.
  N add(N more = 1) {
    if (!alone()) return value_.fetch_add(more, std::memory_order_relaxed);
    const N before = value_.load(std::memory_order_relaxed);
    value_.store(before + more, std::memory_order_relaxed);
    return before;
  }
  /// Takes one reference of those that it counts away; true if that was the last. Nobody can get
  /// one from the holder of the only one, so that one is not written down.
  bool drop() {
    if (load() == 1) return true;
    if (!alone()) return value_.fetch_sub(1, std::memory_order_acq_rel) == 1;
    value_.store(value_.load(std::memory_order_relaxed) - 1, std::memory_order_relaxed);
    return false;
  }

 private:
  // glibc knows; elsewhere there may always be others.
  static bool alone() {
#if __has_include(<sys/single_threaded.h>)
    return __libc_single_threaded;
#else
    return false;
#endif
  }

  std::atomic<N> value_;
};

}  // namespace xtape
