// Memory that is kept instead of given back: freed blocks wait in lists by size class for the next
// request of their class. Small blocks have lists of their own in every thread and cost a few
// instructions; large ones, whose fresh pages would cost more than the work done on them, share
// one.
#pragma once

#include <cstddef>
#include <cstdint>

namespace xtape::pool {

/// A block of at least `bytes` bytes, aligned to 64; throws std::bad_alloc.
void* allocate(std::size_t bytes);

/// Gives back a block of allocate(bytes), from any thread.
void release(void* block, std::size_t bytes) noexcept;

/// Room for `count` elements for as long as it lives; none for 0.
template <class T>
class Scratch {
 public:
  explicit Scratch(std::int64_t count)
      : bytes_(static_cast<std::size_t>(count) * sizeof(T)),
        data_(count == 0 ? nullptr : static_cast<T*>(allocate(bytes_))) {}
  ~Scratch() {
    if (data_) release(data_, bytes_);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  operator T*() const { return data_; }
  T* get() const { return data_; }

 private:
  std::size_t bytes_;
  T* data_;
};

/// Prepares a thread for its first small block, which would take memory of the system otherwise.
void begin_thread();

/// While one lives, its thread works on a job of so many. Jobs have blocks of their own: as many
/// for each thread as any of them has held at once, whichever thread it was, so that a job that is
/// repeated asks the system for nothing, however its pieces fall to the threads. That is so for up
/// to 4 MB of each size, and for blocks that do not outlive the job.
class Job {
 public:
  explicit Job(int threads) noexcept;
  ~Job();
  Job(const Job&) = delete;
  Job& operator=(const Job&) = delete;
};

/// Returns the large blocks that wait for reuse to the system.
void trim() noexcept;

}  // namespace xtape::pool
