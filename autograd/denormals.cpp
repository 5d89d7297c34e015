#include <xtape/autograd/denormals.hpp>

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace xtape {

namespace {

#if defined(__x86_64__)

constexpr std::uint64_t flushing = 0x8040;  // FTZ and DAZ
constexpr unsigned flags = 0x3f;            // of exceptions that have happened

std::uint64_t read() { return _mm_getcsr() & ~flags; }
void write(std::uint64_t mode) { _mm_setcsr(static_cast<unsigned>(mode) | (_mm_getcsr() & flags)); }

#elif defined(__aarch64__)

constexpr std::uint64_t flushing = std::uint64_t{1} << 24;  // FZ; the flags are in FPSR

std::uint64_t read() {
  std::uint64_t mode;
  asm volatile("mrs %0, fpcr" : "=r"(mode));
  return mode;
}
void write(std::uint64_t mode) { asm volatile("msr fpcr, %0" : : "r"(mode)); }

#else

constexpr std::uint64_t flushing = 0;

std::uint64_t read() { return 0; }
void write(std::uint64_t) {}

#endif

}  // namespace

std::uint64_t detail::arithmetic_mode() { return read(); }

void detail::set_arithmetic_mode(std::uint64_t mode) { write(mode); }

FlushDenormals::FlushDenormals() : before_(read()) { write(before_ | flushing); }

// The rest of the mode may have changed meanwhile, and stays.
FlushDenormals::~FlushDenormals() { write((read() & ~flushing) | (before_ & flushing)); }

bool FlushDenormals::supported() { return flushing != 0; }

}  // namespace xtape
