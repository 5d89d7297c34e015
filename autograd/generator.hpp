// Random numbers from a counter: the i-th number of a stream depends on the seed, the stream and i
// alone (Philox 4x32-10; Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2,
// 3", SC 2011), so any part of a tensor can be drawn by any thread, and drawn again.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>

namespace xtape {

/// A seeded source of random streams. Each tensor drawn takes the next stream.
class Generator {
 public:
  explicit Generator(std::uint64_t seed = 0) : seed_(seed) {}

  /// Starts again with another seed.
  void manual_seed(std::uint64_t seed) {
    seed_ = seed;
    stream_ = 0;
  }
  std::uint64_t seed() const { return seed_; }
  /// The number of the next stream; set it to repeat or skip.
  std::uint64_t stream() const { return stream_; }
  void set_stream(std::uint64_t stream) { stream_ = stream; }
  /// May be called by several threads at once.
  std::uint64_t next_stream() { return std::atomic_ref(stream_).fetch_add(1); }

  /// The generator that functions use when none is given.
  static Generator& global();

 private:
  std::uint64_t seed_, stream_ = 0;
};

/// Seeds the global generator.
void manual_seed(std::uint64_t seed);

/// Four random words: block `index` of a stream.
std::array<std::uint32_t, 4> random_words(std::uint64_t seed, std::uint64_t stream,
                                          std::uint64_t index);

/// How many words random_words() makes at once; many together cost a fraction of what they cost one
/// by one.
inline constexpr std::int64_t random_row = 128;
/// Row `index` of a stream's words.
void random_words(std::uint64_t seed, std::uint64_t stream, std::uint64_t index,
                  std::uint32_t (&words)[random_row]);

}  // namespace xtape
