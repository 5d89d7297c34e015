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

/// Returns the large blocks that wait for reuse to the system.
void trim() noexcept;

}  // namespace xtape::pool
