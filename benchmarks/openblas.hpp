// Threads of OpenBLAS, which other libraries call but do not tell how many they were given.
#pragma once

#include <dlfcn.h>

namespace bench {

/// Does nothing where OpenBLAS is not loaded.
inline void set_openblas_threads(int threads) {
  using SetThreads = void(int);
  if (void* const set = dlsym(RTLD_DEFAULT, "openblas_set_num_threads"))
    reinterpret_cast<SetThreads*>(set)(threads);
}

}  // namespace bench
