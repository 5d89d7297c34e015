// Five million operations are recorded, differentiated and destroyed in a thread with a stack of
// 64 kB. Without matrix products OpenBLAS is not loaded, which would take 60 kB of that.
#include <pthread.h>

#include <cstdio>
#include <xtape/xtape.hpp>
using namespace xtape;

static void* chain(void*) {
  Tensor x = ones({1}, float64).requires_grad(true), y = x;
  for (int i = 0; i < 5'000'000 / 4; ++i) y = log(exp(y * 1.0000001 + 0.0));
  y.backward();
  std::printf("%.4f\n", x.grad().item<double>());  // 1.0000001 ^ 1250000
  return nullptr;
}

int main() {
  pthread_attr_t small;
  pthread_t thread;
  pthread_attr_init(&small);
  pthread_attr_setstacksize(&small, 64 * 1024);
  if (pthread_create(&thread, &small, chain, nullptr) != 0) return std::puts("no thread"), 1;
  return pthread_join(thread, nullptr);
}

// Output:
//   1.1331
