#include <fmt/format.h>

#include <algorithm>
#include <xtape/autograd/parallel.hpp>
#include <xtape/autograd/tape.hpp>
#include <xtape/ops/dropping.hpp>
#include <xtape/ops/elements.hpp>
#include <xtape/ops/random.hpp>

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
      const auto choose = [&](auto count) {
        for (std::int64_t k = 0; k < count; ++k) {
          const T kept =
              from[i + k] * scale;  // always, so that all of a register are chosen at once
          to[i + k] = words[k] < bound ? T(0) : kept;
        }
      };
      if (n - i >= row) choose(std::integral_constant<std::int64_t, row>());
      else choose(n - i);
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

Tensor noisy(const Tensor& x, double deviation, std::uint64_t seed, std::uint64_t stream,
             const Location& at) {
  Generator same(seed);
  same.set_stream(stream);
  const Tensor out = randn(x.shape(), x.dtype(), same);
  detail::by_type(x.dtype(), [&]<class T>(T*) {
    if constexpr (std::is_floating_point_v<T>) {
      const T* const from = x.value()->as<T>();
      T* const to = out.value()->as<T>();
      for (std::int64_t i = 0, end = x.numel(); i < end; ++i)
        to[i] = from[i] * (1 + static_cast<T>(deviation) * to[i]);
    }
  });
  return record("gaussian_drop", at, {unsaved(x)}, out,
                [deviation, seed, stream, at](Backward& backward) {
                  backward.give(0, noisy(backward.grad(), deviation, seed, stream, at));
                });
}

Tensor checked(const Arg& x, const char* op, const Location& at) {
  const Tensor tensor = x.as_tensor(float32);
  if (!is_floating(tensor.dtype()))
    raise<DTypeError>(at, op,
                      fmt::format("a floating tensor wanted, not {}", name_of(tensor.dtype())));
  return tensor;
}

}  // namespace

Tensor drop(const Arg& argument, double p, double scale, Generator& generator) {
  const Location at = Caller::or_else(argument.where());
  const Tensor x = checked(argument, "drop", at);
  if (!(p >= 0 && p <= 1)) raise<ValueError>(at, "drop", fmt::format("p is {}, not in [0, 1]", p));
  return dropped(x, p, scale, generator.seed(), generator.next_stream(), at);
}

Tensor gaussian_drop(const Arg& argument, double deviation, Generator& generator) {
  const Location at = Caller::or_else(argument.where());
  const Tensor x = checked(argument, "gaussian_drop", at);
  if (!(deviation >= 0))
    raise<ValueError>(at, "gaussian_drop",
                      fmt::format("the deviation is {}, it cannot be negative", deviation));
  return noisy(x, deviation, generator.seed(), generator.next_stream(), at);
}

// What the catalogue says of them.
namespace {

const ArrayOperation drop_record{
    {.name = "drop", .about = "elements set to 0 at random, the others scaled"},
    {{"drop(x, 0.4, 2)", {{3, 5}}, [](auto& in) {
        Generator generator(3);
        return xtape::drop(in[0], 0.4, 2, generator);
      }}}};

const ArrayOperation gaussian_drop_record{
    {.name = "gaussian_drop", .about = "elements times random numbers around 1"},
    {{"gaussian_drop(x, 0.5)", {{3, 5}}, [](auto& in) {
        Generator generator(3);
        return xtape::gaussian_drop(in[0], 0.5, generator);
      }}}};

}  // namespace
}  // namespace xtape
