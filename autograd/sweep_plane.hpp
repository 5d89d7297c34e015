// The inner part of a sweep: rows of one length, one after the other, which is the last two axes.
// Long rows go through the strip register by register. Short rows, the ends of long ones and
// boolean elements are gathered into a panel of whole registers, computed, and spread again.
#pragma once

#include <algorithm>
#include <cstring>
#include <numeric>
#include <xtape/autograd/fold.hpp>
#include <xtape/autograd/pool.hpp>

namespace xtape::detail {

inline constexpr int max_operands = 2 * max_arguments + 1;
inline constexpr std::int64_t panel = 512;  // elements gathered at a time

/// How far it is, in elements, from one row and from one column of an operand to the next; 0 where
/// the operand is repeated or folded.
struct Track {
  std::int64_t row = 0, column = 0, bytes = 0;
  bool boolean = false, folded = false, accumulate = false;
};

/// The places of the operands' elements, inputs first; null for an output that is not wanted.
struct Places {
  char* at[max_operands];
};

template <class T>
class Plane {
 public:
  using Accumulator = std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t>;
  /// The registers of this file; the strip's may be others: a user's file has its own flags.
  static constexpr int own_width = LaneTraits<Register<T>>::width;
  /// Rows shorter than that are gathered; or than a register less if an operand has one number for
  /// a row, of which gathering makes registers.
  static constexpr std::int64_t long_row = 4 * own_width;
  /// The same for strips that compute the ends of rows.
  static constexpr std::int64_t shortest_row = own_width;
  /// The least row that may go past the caches, and so much does at a time.
  static constexpr std::int64_t streamed_row = 8192 / sizeof(T);

  Strip strip;
  int width;  // elements in a register of the strip
  Fold fold;
  int inputs, outputs;
  bool any_boolean = false;
  bool streams = false;         // past the caches: see Sweeper::set_plane()
  bool computes_rests = false;  // as the strip says
  Track tracks[max_operands];

  void ask_strip(const Places& places) { computes_rests = strip(run_at(places, 0)); }

  void run(const Places& places, std::int64_t rows, std::int64_t columns) const {
    const std::int64_t least =
        computes_rests ? shortest_row : long_row - (has_row_numbers() ? own_width : 0);
    if (any_boolean || columns < least) return gathered(places, rows, columns);
    // where all rows meet the same columns, few enough of these at a time to stay in the cache
    const std::int64_t chunk = (rows > 1 && repeats_rows() ? 256 : 4096) * width;
    const std::int64_t whole = columns / width * width, block = streams ? 1 : 64;
    const std::int64_t covered = computes_rests && !streams ? columns : whole;
    for (std::int64_t begin = 0; begin < rows; begin += block) {
      const std::int64_t end = std::min(begin + block, rows);
      for (std::int64_t c = 0; streams && c < whole; c += Bypass::size)
        streamed(moved(places, begin, c), std::min(Bypass::size, whole - c));
      for (std::int64_t c = 0; !streams && c < covered; c += chunk)
        direct(moved(places, begin, c), end - begin, std::min(chunk, covered - c));
      if (covered < columns)
        gathered(moved(places, begin, covered), end - begin, columns - covered);
    }
  }

 private:
  // One panel for each operand, on the stack if they are small: threads may have little of it.
  class Panels {
   public:
    Panels(int count, std::int64_t size)
        : room_((size + max_width - 1) / max_width * max_width + max_width),
          more_(count * room_ <= own ? 0 : count * room_),
          memory_(more_ ? more_ : local_) {}
    T* operator[](int operand) { return memory_ + operand * room_; }

   private:
    static constexpr std::int64_t own = 8192 / sizeof(T);
    std::int64_t room_;
    pool::Scratch<T> more_;
    T* memory_;
    alignas(64) T local_[own];
  };

  // Outputs on their way to memory past the caches: written in the nearest one, and moved on.
  struct Bypass {
    static constexpr std::int64_t size = streamed_row;
    static constexpr int count = 2;  // more would take too much of the stack
    alignas(64) T room[count][size];
  };

  void streamed(Places places, std::int64_t columns) const {
    Bypass bypass;
    char* to[Bypass::count] = {};
    for (int o = 0, used = 0; o < outputs && used < Bypass::count; ++o) {
      const Track& t = tracks[inputs + o];
      char*& place = places.at[inputs + o];
      if (!place || t.folded || t.accumulate) continue;
      to[used] = std::exchange(place, reinterpret_cast<char*>(bypass.room[used]));
      ++used;
    }
    direct(places, 1, columns);
    for (int k = 0; k < Bypass::count && to[k]; ++k)
      copy_past_caches(bypass.room[k], columns, reinterpret_cast<T*>(to[k]));
  }

  static void copy_past_caches(const T* from, std::int64_t n, T* to) {
    using Traits = LaneTraits<Register<T>>;
    std::int64_t i = 0;
    for (; i < n && reinterpret_cast<std::uintptr_t>(to + i) % sizeof(Register<T>) != 0; ++i)
      to[i] = from[i];
    for (; i + own_width <= n; i += own_width) Traits::stream(to + i, Traits::load(from + i));
    for (; i < n; ++i) to[i] = from[i];
  }

  int operands() const { return inputs + outputs; }
  bool repeats_rows() const {
    bool found = false;
    for (int k = 0; k < operands(); ++k) found |= tracks[k].row == 0 && tracks[k].column != 0;
    return found;
  }
  bool has_row_numbers() const {
    bool found = false;
    for (int k = 0; k < operands(); ++k) found |= tracks[k].row != 0 && tracks[k].column == 0;
    return found;
  }
  Places moved(const Places& places, std::int64_t row, std::int64_t column) const {
    Places out;
    for (int k = 0; k < operands(); ++k) {
      const Track& t = tracks[k];
      out.at[k] = places.at[k];
      if (out.at[k]) out.at[k] += (row * t.row + column * t.column) * t.bytes;
    }
    return out;
  }
  static const T* elements(const char* at) { return reinterpret_cast<const T*>(at); }
  static T value_at(const Track& t, const char* at) {
    return t.boolean ? static_cast<T>(*reinterpret_cast<const bool*>(at)) : *elements(at);
  }

  // How the operands lie.
  Run run_at(const Places& places, std::int64_t columns) const {
    Run run;
    run.registers = columns / width;
    run.rows = 0;
    run.rest = static_cast<int>(columns % width);
    for (int k = 0; k < inputs; ++k) {
      const Track& t = tracks[k];
      run.in[k] = {places.at[k], t.row * t.bytes, t.column != 0};
    }
    for (int o = 0; o < outputs; ++o) {
      const Track& t = tracks[inputs + o];
      char* const to = places.at[inputs + o];
      const Into into = !to                          ? Into::nothing
                        : !t.folded && !t.accumulate ? Into::store
                        : t.folded && t.column == 0  ? Into::one
                                                     : Into::fold;
      run.out[o] = {to, to ? t.row * t.bytes : 0, into};
    }
    return run;
  }

  // Rows, or whole registers of them, straight from and to memory. Rows that are folded into a cell
  // each give a register; those of some rows are folded at once.
  void direct(const Places& places, std::int64_t rows, std::int64_t columns) const {
    constexpr std::int64_t together = 64 / sizeof(T);
    alignas(64) T folded[max_arguments][together * max_width];
    Run run = run_at(places, columns);
    std::int64_t step = rows;
    for (int o = 0; o < outputs; ++o) {
      if (run.out[o].into != Into::one) continue;
      run.out[o].at = folded[o];
      run.out[o].row = static_cast<std::ptrdiff_t>(width * sizeof(T));
      step = std::min(rows, together);
    }
    for (std::int64_t r = 0; r < rows; r += step) {
      run.rows = std::min(step, rows - r);
      strip(run);
      for (int k = 0; k < inputs; ++k)
        run.in[k].at = static_cast<const char*>(run.in[k].at) + run.rows * run.in[k].row;
      for (int o = 0; o < outputs; ++o) {
        if (run.out[o].into != Into::one) {
          run.out[o].at = static_cast<char*>(run.out[o].at) + run.rows * run.out[o].row;
          continue;
        }
        const Track& t = tracks[inputs + o];
        spread(t, folded[o], run.rows, width, places.at[inputs + o] + r * t.row * t.bytes);
      }
    }
  }

  template <class F>
  static void fold_cell(T* cell, Accumulator value) {
    *cell = static_cast<T>(F::fold(static_cast<Accumulator>(*cell), value));
  }

  void gathered(const Places& places, std::int64_t rows, std::int64_t columns) const {
    if (columns > panel) {
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < columns; c += panel)
          gathered(moved(places, r, c), 1, std::min(panel, columns - c));
      return;
    }
    // as many rows as fill whole registers, if they fit
    std::int64_t step = panel / columns;
    const std::int64_t fitting = width / std::gcd(columns, width);
    if (step >= fitting) step -= step % fitting;
    step = std::min(step, rows);
    Panels panels(operands(), step * columns);
    repeat_rows(places, columns, step, panels);
    for (std::int64_t r = 0; r < rows; r += step)
      compute(moved(places, r, 0), std::min(step, rows - r), columns, panels);
  }

  // Inputs that are the same for all rows are gathered once.
  void repeat_rows(const Places& places, std::int64_t columns, std::int64_t rows,
                   Panels& panels) const {
    for (int k = 0; k < inputs; ++k) {
      const Track& t = tracks[k];
      T* const to = panels[k];
      if (t.row != 0) continue;
      if (t.column == 0) {
        *to = value_at(t, places.at[k]);
        continue;
      }
      gather_row(t, places.at[k], columns, to);
      const std::int64_t size = rows * columns + width - 1;
      for (std::int64_t have = columns; have < size; have *= 2)
        std::memcpy(to + have, to, std::min(have, size - have) * sizeof(T));
    }
  }

  static void gather_row(const Track& t, const char* from, std::int64_t columns, T* to) {
    if (t.boolean) std::copy_n(reinterpret_cast<const bool*>(from), columns, to);
    else copy(elements(from), columns, to);
  }

  // memcpy() without a call for the few elements that are left of a row: their halves overlap.
  static void copy(const T* from, std::int64_t n, T* to) {
    const auto halves = [&]<std::size_t bytes>(std::integral_constant<std::size_t, bytes>) {
      constexpr auto half = static_cast<std::int64_t>(bytes / sizeof(T));
      std::memcpy(to, from, bytes);
      std::memcpy(to + n - half, from + n - half, bytes);
    };
    const std::size_t bytes = n * sizeof(T);
    if (bytes > 64) std::memcpy(to, from, bytes);
    else if (bytes >= 32) halves(std::integral_constant<std::size_t, 32>());
    else if (bytes >= 16) halves(std::integral_constant<std::size_t, 16>());
    else if (bytes >= 8) halves(std::integral_constant<std::size_t, 8>());
    else if (bytes > 0) *to = *from;
  }

  static void gather(const Track& t, const char* from, std::int64_t rows, std::int64_t columns,
                     T* to) {
    if (t.column == 0) {  // whole registers of every number; the next one covers what is too much
      for (std::int64_t r = 0; r < rows; ++r, from += t.row * t.bytes) {
        const Lane<Register<T>> number(value_at(t, from));
        for (std::int64_t c = 0; c < columns; c += own_width)
          LaneTraits<Register<T>>::store(to + r * columns + c, number.v);
      }
    } else if (t.row == columns) {
      gather_row(t, from, rows * columns, to);
    } else {
      for (std::int64_t r = 0; r < rows; ++r, from += t.row * t.bytes)
        gather_row(t, from, columns, to + r * columns);
    }
  }

  void compute(const Places& places, std::int64_t rows, std::int64_t columns,
               Panels& panels) const {
    const std::int64_t size = rows * columns;
    Run run;
    run.registers = (size + width - 1) / width;
    const std::int64_t padding = run.registers * width - size;
    const auto in_place = [&](const Track& t) {
      return padding == 0 && !t.boolean && t.column != 0 && (t.row == columns || rows == 1);
    };
    for (int k = 0; k < inputs; ++k) {
      const Track& t = tracks[k];
      run.in[k] = {panels[k], 0, t.row != 0 || t.column != 0};
      if (t.row == 0) continue;
      if (in_place(t)) {
        run.in[k].at = places.at[k];
        continue;
      }
      gather(t, places.at[k], rows, columns, panels[k]);
      std::fill_n(panels[k] + size, padding, panels[k][0]);
    }
    for (int o = 0; o < outputs; ++o) {
      const Track& t = tracks[inputs + o];
      char* const to = places.at[inputs + o];
      run.out[o] = {to, 0, to ? Into::store : Into::nothing};
      if (to && in_place(t)) {
        if (t.folded || t.accumulate) run.out[o].into = Into::fold;
      } else {
        run.out[o].at = panels[inputs + o];
      }
    }
    strip(run);
    for (int o = 0; o < outputs; ++o)
      if (char* const to = places.at[inputs + o]; to && run.out[o].at == panels[inputs + o])
        spread(tracks[inputs + o], panels[inputs + o], rows, columns, to);
  }

  void spread(const Track& t, T* from, std::int64_t rows, std::int64_t columns, char* to) const {
    with_fold(fold, [&]<class F>(F) { spread_by<F>(t, from, rows, columns, to); });
  }
  template <class F>
  static void spread_by(const Track& t, T* from, std::int64_t rows, std::int64_t columns,
                        char* to) {
    T* const out = reinterpret_cast<T*>(to);
    if (t.boolean) {
      bool* const truth = reinterpret_cast<bool*>(to);
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < columns; ++c)
          truth[r * t.row + c] = from[r * columns + c] != 0;
    } else if (t.folded && t.column == 0) {
      if (t.row == 0) fold_all<F>(from, rows * columns, out);
      else fold_short<F>(from, rows, columns, out, t.row);
    } else if (t.folded && t.row == 0) {
      for (; rows > 1; rows -= rows / 2)  // the later half of the rows into the earlier one
        fold_onto<F>(from + (rows - rows / 2) * columns, rows / 2 * columns, from);
      fold_onto<F>(from, columns, out);
    } else {
      for (std::int64_t r = 0; r < rows; ++r) {
        if (t.folded || t.accumulate) fold_onto<F>(from + r * columns, columns, out + r * t.row);
        else copy(from + r * columns, columns, out + r * t.row);
      }
    }
  }

  template <class F>
  static void fold_onto(const T* from, std::int64_t n, T* to) {
    for (std::int64_t i = 0; i < n; ++i) to[i] = F::fold(to[i], from[i]);
  }

  // All into a cell: the later half of the registers into the earlier one until one is left.
  template <class F>
  static void fold_all(T* from, std::int64_t n, T* cell) {
    for (std::int64_t half; n > own_width; n = half) {
      half = (n + 2 * own_width - 1) / (2 * own_width) * own_width;
      fold_onto<F>(from + half, n - half, from);
    }
    fold_rows<F>(from, 1, n, cell, 0);
  }

  // Every row into a cell. Neighbours are folded in pairs as long as their number is even: that
  // is many rows at once.
  template <class F>
  static void fold_short(const T* from, std::int64_t rows, std::int64_t columns, T* cells,
                         std::int64_t step) {
    alignas(64) T half[2][panel / 2];
    for (int turn = 0; columns % 2 == 0; columns /= 2, turn = 1 - turn) {
      T* const to = half[turn];
      for (std::int64_t i = 0; i < rows * columns / 2; ++i)
        to[i] = F::fold(from[2 * i], from[2 * i + 1]);
      from = to;
    }
    if (columns == 1 && step == 1) fold_onto<F>(from, rows, cells);
    else if (columns == 1) fold_rows<F>(from, rows, std::integral_constant<int, 1>(), cells, step);
    else if (columns == 3) fold_rows<F>(from, rows, std::integral_constant<int, 3>(), cells, step);
    else if (columns == 5) fold_rows<F>(from, rows, std::integral_constant<int, 5>(), cells, step);
    else fold_rows<F>(from, rows, columns, cells, step);
  }

  // Every row into a cell.
  template <class F, class Columns>
  static void fold_rows(const T* from, std::int64_t rows, Columns columns, T* cells,
                        std::int64_t step) {
    for (std::int64_t r = 0; r < rows; ++r, from += columns) {
      Accumulator sum = from[0];
      for (std::int64_t c = 1; c < columns; ++c)
        sum = F::fold(sum, static_cast<Accumulator>(from[c]));
      fold_cell<F>(cells + r * step, sum);
    }
  }
};

}  // namespace xtape::detail
