#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <new>
#include <thread>
#include <vector>
#include <xtape/autograd/lane.hpp>
#include <xtape/tools/compare/machine.hpp>
#if defined(__linux__)
#include <sys/mman.h>
#endif
#if defined(__SSE2__)
#include <immintrin.h>
#endif

namespace compare {

namespace {

using Register = xtape::Register<float>;

double now() {
  using namespace std::chrono;
  return duration<double>(steady_clock::now().time_since_epoch()).count();
}

// How much `threads` threads get done each second: each makes a function of its own by make(), and
// calls it for a while, when all are ready; it returns how much it has done.
template <class Make>
double rate(int threads, const Make& make) {
  constexpr int tries = 12;
  constexpr double seconds = 0.01;
  std::atomic<int> arrived = 0;
  std::vector<double> rates(static_cast<std::size_t>(threads * tries));
  const auto measure = [&](int thread) {
    const auto work = make();
    work();
    for (int i = 0; i < tries; ++i) {
      ++arrived;
      while (arrived < threads * (i + 1)) std::this_thread::yield();
      const double start = now();
      double done = 0, taken = 0;
      while ((taken = now() - start) < seconds) done += work();
      rates[static_cast<std::size_t>(i * threads + thread)] = done / taken;
    }
  };
  std::vector<std::thread> others;
  for (int i = 1; i < threads; ++i) others.emplace_back(measure, i);
  measure(0);
  for (std::thread& other : others) other.join();
  double best = 0;
  for (int i = 0; i < tries; ++i) {
    double sum = 0;
    for (int k = 0; k < threads; ++k) sum += rates[static_cast<std::size_t>(i * threads + k)];
    best = std::max(best, sum);
  }
  return best;
}

// xsimd 8.1 has no fused one for AVX-512.
Register fused(const Register& a, const Register& b, const Register& c) {
#if defined(__AVX512F__)
  return _mm512_fmadd_ps(a, b, c);
#else
  return xsimd::fma(a, b, c);
#endif
}

// As many accumulators as hide the latency of two units and stay in 16 registers.
constexpr int accumulators = 12;

[[gnu::noinline]] float multiply_and_add(int rounds, float factor) {
  Register sums[accumulators];
  for (int i = 0; i < accumulators; ++i) sums[i] = Register(static_cast<float>(i));
  const Register by(factor), plus(1e-3f);
  for (int round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (int i = 0; i < accumulators; ++i) sums[i] = fused(sums[i], by, plus);
  }
  for (int i = 1; i < accumulators; ++i) sums[0] += sums[i];
  return sums[0].get(0);
}

// On huge pages where there are any, as the library's own memory.
class Buffer {
 public:
  explicit Buffer(std::size_t bytes) {
    constexpr std::size_t page = std::size_t{2} << 20;
    void* block = nullptr;
    if (posix_memalign(&block, bytes < page ? 64 : page, bytes) != 0) throw std::bad_alloc();
#if defined(__linux__)
    if (bytes >= page) madvise(block, bytes / page * page, MADV_HUGEPAGE);
#endif
    std::memset(block, 1, bytes);
    data_.reset(static_cast<float*>(block));
  }
  float* data() const { return data_.get(); }

 private:
  struct Free {
    void operator()(void* block) const { std::free(block); }
  };
  std::unique_ptr<float, Free> data_;
};

[[gnu::noinline]] void copy(float* to, const float* from, std::size_t count) {
  for (std::size_t i = 0; i < count; i += Register::size)
    Register::load_aligned(from + i).store_aligned(to + i);
}

// Past the caches, which spares reading what is overwritten.
[[gnu::noinline]] void stream(float* to, const float* from, std::size_t count) {
#if defined(__SSE2__)
  for (std::size_t i = 0; i < count; i += 4) _mm_stream_ps(to + i, _mm_load_ps(from + i));
  _mm_sfence();
#else
  copy(to, from, count);
#endif
}

double copy_rate(int threads, std::size_t bytes, void (*way)(float*, const float*, std::size_t)) {
  return rate(threads, [=] {
    const std::size_t half = bytes / static_cast<std::size_t>(2 * threads);
    const auto from = std::make_shared<Buffer>(half), to = std::make_shared<Buffer>(half);
    const std::size_t times = std::max<std::size_t>(1, 100'000 / half);
    return [=] {
      for (std::size_t i = 0; i < times; ++i) way(to->data(), from->data(), half / sizeof(float));
      return 2.0 * static_cast<double>(half * times);
    };
  });
}

}  // namespace

Machine::Machine(int threads) : threads_(threads) {
  flops_ = rate(threads, [] {
    return [] {
      constexpr int rounds = 10'000;
      // read anew and needed each time, so that no work is left out
      const volatile float factor = 0.999f;
      if (!(multiply_and_add(rounds, factor) > 0)) std::abort();
      return 2.0 * rounds * accumulators * static_cast<double>(Register::size);
    };
  });
}

double Machine::copies(double bytes) {
  const auto whole = static_cast<std::size_t>(std::clamp(bytes, 16e3, 512e6));
  const std::size_t size = std::bit_floor(whole);
  const auto [found, fresh] = copies_.try_emplace(size);
  if (fresh)
    found->second = std::max(copy_rate(threads_, size, copy), copy_rate(threads_, size, stream));
  return found->second;
}

}  // namespace compare
