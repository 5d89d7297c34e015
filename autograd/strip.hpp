// Strips: the loops over rows of registers in which the formulas are computed.
#pragma once

#include <algorithm>
#include <xtape/autograd/fold.hpp>
#include <xtape/autograd/sweep.hpp>

namespace xtape::detail {

/// Registers of which the sums are summed, for accuracy.
inline constexpr std::int64_t strip_block = 64;

// What a strip knows while it runs.
template <class T, int I, int O, class Combine, class Body>
struct StripOf {
  using V = Register<T>;
  using Traits = LaneTraits<V>;
  /// Registers that are computed before it is asked what becomes of each of many outputs: more, or
  /// as many for few outputs, would make programs larger and hardly faster.
  static constexpr int together = O > 2 && sizeof(T) == 4 ? 2 : 1;

  const T* in[I];
  std::ptrdiff_t step[I];
  T* out[O];
  // A copy of the caller's list where it saves looking there again for each of many outputs; loops
  // of few would be unfolded for all that it can hold.
  static constexpr bool copies = O > 2;
  Into into[copies ? O : 1];
  const Run::Output* outputs;
  V folded[O], total[O];

  Into becomes(int o) const {
    if constexpr (copies) return into[o];
    else return outputs[o].into;
  }

  template <int n>
  void compute() {
    V y[n][O];
#pragma GCC unroll 2
    for (int u = 0; u < n; ++u) {
      V x[I];
      for (int k = 0; k < I; ++k) {
        x[k] = Traits::load(in[k]);
        in[k] += step[k];
      }
      Body()(x, y[u]);
    }
    for (int o = 0; o < O; ++o) {
      if (becomes(o) == Into::store) {
        for (int u = 0; u < n; ++u) Traits::store(out[o] + u * Traits::width, y[u][o]);
        out[o] += n * Traits::width;
      } else if (becomes(o) == Into::fold) {
        for (int u = 0; u < n; ++u) {
          T* const to = out[o] + u * Traits::width;
          Traits::store(to, Combine::fold(Traits::load(to), y[u][o]));
        }
        out[o] += n * Traits::width;
      } else if (becomes(o) == Into::one) {
        V sum = y[0][o];
        for (int u = 1; u < n; ++u) sum = Combine::fold(sum, y[u][o]);
        folded[o] = Combine::fold(folded[o], sum);
      }
    }
  }
};

/// How the operands of a strip usually lie, which it is compiled for on its own: what does not move
/// is known, so that nothing is asked for each register, and the ends of rows are computed too.
template <int O>
struct Usual {
  unsigned numbers;  // the inputs of which a row has one number
  Into into[O];      // where that says store, folding into what is there is as usual
};
#ifdef __OPTIMIZE__
template <class Body>
concept LiesUsually = requires {
  Body::usual();
};
#else
// Without optimisation it would take longer to compile and not be faster. Where files of one
// program differ in that, they differ in the body of strip(): whichever is linked computes the
// same.
template <class Body>
concept LiesUsually = false;
#endif

// What a strip knows while it goes through rows of operands that lie as usual.
template <class T, int I, int O, class Combine, class Body>
struct RowsOf {
  using V = Register<T>;
  using Traits = LaneTraits<V>;
  static constexpr auto usual = Body::usual();
  static constexpr bool is_number(int k) { return (usual.numbers >> k) & 1; }

  const char* in[I];
  char* out[O];
  bool adds[O];
  V number[I], folded[O], total[O];

  explicit RowsOf(const Run& run) {
    for (int k = 0; k < I; ++k) in[k] = static_cast<const char*>(run.in[k].at);
    for (int o = 0; o < O; ++o) {
      out[o] = static_cast<char*>(run.out[o].at);
      adds[o] = usual.into[o] == Into::fold || run.out[o].into == Into::fold;
    }
  }

  static bool fit(const Run& run) {
    bool fits = true;
    for (int k = 0; k < I; ++k) fits &= run.in[k].moves != is_number(k);
    for (int o = 0; o < O; ++o)
      fits &= run.out[o].into == usual.into[o] ||
              (usual.into[o] == Into::store && run.out[o].into == Into::fold);
    return fits;
  }

  struct Whole {
    static V load(const T* from) { return Traits::load(from); }
    static void store(T* to, const V& v) { Traits::store(to, v); }
    static const V& only(const V& v, const V&) { return v; }
  };
  // The last elements of a row; the rest of the register is computed, of the first, and dropped.
  struct Rest {
    typename Traits::First first;
    V load(const T* from) const { return Traits::load_first(first, from, Lane<V>(*from).v); }
    void store(T* to, const V& v) const { Traits::store_first(first, to, v); }
    V only(const V& v, const V& others) const { return Traits::select_first(first, v, others); }
  };

  template <class Elements>
  void compute(std::int64_t at, const Elements& elements) {
    V x[I], y[O];
    for (int k = 0; k < I; ++k)
      x[k] = is_number(k) ? number[k] : elements.load(reinterpret_cast<const T*>(in[k]) + at);
    Body()(x, y);
    for (int o = 0; o < O; ++o) {
      T* const to = reinterpret_cast<T*>(out[o]) + at;
      if (usual.into[o] == Into::nothing) continue;
      if (usual.into[o] == Into::one)
        folded[o] = elements.only(Combine::fold(folded[o], y[o]), folded[o]);
      else if (adds[o]) elements.store(to, Combine::fold(elements.load(to), y[o]));
      else elements.store(to, y[o]);
    }
  }

  void start(V* sums) const {
    for (int o = 0; o < O; ++o) sums[o] = Lane<V>(identity_of<T>(Combine::kind)).v;
  }
  void add_folded() {
    for (int o = 0; o < O; ++o) total[o] = Combine::fold(total[o], folded[o]);
  }

  void row(const Run& run) {
    for (int k = 0; k < I; ++k)
      if (is_number(k)) number[k] = Lane<V>(*reinterpret_cast<const T*>(in[k])).v;
    start(total);
    for (std::int64_t begin = 0; begin < run.registers; begin += strip_block, add_folded()) {
      const std::int64_t end = std::min(begin + strip_block, run.registers);
      start(folded);
      for (std::int64_t r = begin; r < end; ++r) compute(r * Traits::width, Whole());
    }
    if constexpr (Traits::has_first)
      if (run.rest > 0) {
        start(folded);
        compute(run.registers * Traits::width, Rest{Traits::first(run.rest)});
        add_folded();
      }
    for (int o = 0; o < O; ++o)
      if (usual.into[o] == Into::one) Traits::store(reinterpret_cast<T*>(out[o]), total[o]);
  }

  void next(const Run& run) {
    for (int k = 0; k < I; ++k) in[k] += run.in[k].row;
    for (int o = 0; o < O; ++o) out[o] += run.out[o].row;
  }
};

/// Rows of operands that lie as usual. Whether their ends were computed, too.
template <class T, int I, int O, class Combine, class Body>
[[gnu::flatten, gnu::noinline]] bool usual_rows(const Run& run) {
  using Rows = RowsOf<T, I, O, Combine, Body>;
  Rows rows(run);
  for (std::int64_t row = 0; row < run.rows; ++row, rows.next(run)) rows.row(run);
  return Rows::Traits::has_first;
}

/// A strip from `Body`, which maps inputs to outputs in registers.
template <class T, int I, int O, class Combine, class Body>
[[gnu::flatten]] bool strip(const Run& run) {
  if constexpr (LiesUsually<Body> && sizeof(T) == 4)
    if (RowsOf<T, I, O, Combine, Body>::fit(run)) return usual_rows<T, I, O, Combine, Body>(run);
  using S = StripOf<T, I, O, Combine, Body>;
  using V = Register<T>;
  using Traits = LaneTraits<V>;
  const V none = Lane<V>(identity_of<T>(Combine::kind)).v;
  V numbers[I];
  S s;
  s.outputs = run.out;
  for (int o = 0; S::copies && o < O; ++o) s.into[o] = run.out[o].into;
  for (int k = 0; k < I; ++k) s.step[k] = run.in[k].moves ? Traits::width : 0;
  for (std::int64_t row = 0; row < run.rows; ++row) {
    for (int k = 0; k < I; ++k) {
      const Run::Input& in = run.in[k];
      s.in[k] = reinterpret_cast<const T*>(static_cast<const char*>(in.at) + row * in.row);
      if (in.moves) continue;
      numbers[k] = Lane<V>(*s.in[k]).v;
      s.in[k] = reinterpret_cast<const T*>(&numbers[k]);
    }
    for (int o = 0; o < O; ++o) {
      s.out[o] = reinterpret_cast<T*>(static_cast<char*>(run.out[o].at) + row * run.out[o].row);
      s.total[o] = none;
    }
    for (std::int64_t begin = 0; begin < run.registers; begin += strip_block) {
      const std::int64_t end = std::min(begin + strip_block, run.registers);
      for (int o = 0; o < O; ++o) s.folded[o] = none;
      std::int64_t r = begin;
      for (; r + S::together <= end; r += S::together) s.template compute<S::together>();
      if constexpr (S::together > 1)
        for (; r < end; ++r) s.template compute<1>();
      for (int o = 0; o < O; ++o)
        if (s.becomes(o) == Into::one) s.total[o] = Combine::fold(s.total[o], s.folded[o]);
    }
    for (int o = 0; o < O; ++o)
      if (s.becomes(o) == Into::one) Traits::store(s.out[o], s.total[o]);
  }
  return false;
}

}  // namespace xtape::detail
