#include <fmt/format.h>

#include <algorithm>
#include <xtape/autograd/parallel.hpp>
#include <xtape/autograd/tape.hpp>
#include <xtape/ops/dropping.hpp>
#include <xtape/ops/elements.hpp>

namespace xtape {

namespace {

// to = from scale, or 0 where a random word is below `bound`.
template <class T>
void drop_elements(const T* from, T* to, std::int64_t n, T scale, std::uint32_t bound,
                   std::uint64_t seed, std::uint64_t stream) {
  constexpr std::int64_t row = random_row, grain = 256 * row;
  parallel_for((n + grain - 1) / grain, [&](std::int64_t piece) {
    std::uint32_t words[row];
    for (std::int64_t i = piece * grain; i < std::min(n, (piece + 1) * grain); i += row) {
      random_words(seed, stream, static_cast<std::uint64_t>(i) / row, words);
      const std::int64_t count = std::min(row, n - i);
      for (std::int64_t k = 0; k < count; ++k)
        to[i + k] = words[k] < bound ? T(0) : from[i + k] * scale;
    }
  });
}

Tensor dropped(const Tensor& x, double p, double scale, std::uint64_t seed, std::uint64_t stream,
               const Location& at) {
  const Tensor out = Tensor::empty(x.shape(), x.dtype());
  const auto bound = static_cast<std::uint32_t>(std::min(p * 0x1p32, 0x1p32 - 1));
  detail::by_type(x.dtype(), [&]<class T>(T*) {
    if constexpr (std::is_floating_point_v<T>) {
      T* const to = out.value()->as<T>();
      if (p == 1) std::fill_n(to, out.numel(), T(0));
      else
        drop_elements(x.value()->as<T>(), to, x.numel(), static_cast<T>(scale), bound, seed,
                      stream);
    }
  });
  return record("drop", at, {unsaved(x)}, out, [p, scale, seed, stream, at](Backward& backward) {
    backward.give(0, dropped(backward.grad(), p, scale, seed, stream, at));
  });
}

}  // namespace

Tensor drop(const Arg& argument, double p, double scale, Generator& generator) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  if (!is_floating(x.dtype()))
    raise<DTypeError>(at, "drop",
                      fmt::format("a floating tensor wanted, not {}", name_of(x.dtype())));
  if (!(p >= 0 && p <= 1)) raise<ValueError>(at, "drop", fmt::format("p is {}, not in [0, 1]", p));
  return dropped(x, p, scale, generator.seed(), generator.next_stream(), at);
}

// What the catalogue says of them.
namespace {

const ArrayOperation drop_record{
    {.name = "drop", .about = "elements set to 0 at random, the others scaled"},
    {{"drop(x, 0.4, 2)", {{3, 5}}, [](auto& in) {
        Generator generator(3);
        return xtape::drop(in[0], 0.4, 2, generator);
      }}}};

}  // namespace
}  // namespace xtape
