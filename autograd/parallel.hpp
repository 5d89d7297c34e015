// The library's own threads. Work is cut into pieces by its size alone, or so that an element comes
// to the same bits in any of them: every number of threads computes the same.
#pragma once

#include <cstdint>
#include <type_traits>
#include <xtape/autograd/location.hpp>

namespace xtape {

/// How many threads large operations may use, counting the caller. The default is the number of
/// processors, or the environment variable XTAPE_NUM_THREADS. Throws ValueError below 1.
void set_num_threads(int count, Location where = {});
int num_threads();

namespace detail {
void parallel_for(std::int64_t pieces, void (*call)(const void*, std::int64_t), const void* body);
}

/// Calls body(0) ... body(pieces - 1), on several threads where that is allowed. An exception
/// thrown by a piece is thrown again here after the others have ended.
template <class F>
void parallel_for(std::int64_t pieces, const F& body) {
  detail::parallel_for(
      pieces, [](const void* f, std::int64_t piece) { (*static_cast<const F*>(f))(piece); }, &body);
}

}  // namespace xtape
