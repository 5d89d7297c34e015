// One pass over a broadcast index space, as fast as the memory allows. Inputs are broadcast into
// the space; outputs fill it, or are folded (summed, ...) over the axes that they do not have. A
// Strip computes a run of full registers; everything else (collapsing axes, short rows, the rest of
// a row, boolean elements, threads) is done here, once for all formulas.
#pragma once

#include <xtape/autograd/value.hpp>

namespace xtape {

/// How many tensors a formula may take.
inline constexpr int max_arguments = 8;
/// How many elements a register holds at most: floats in AVX-512.
inline constexpr int max_width = 16;

/// What becomes of an output of a strip: left alone, written, folded into what is there, or folded
/// into one register for each row.
enum class Into : std::uint8_t { nothing, store, fold, one };

/// The arguments of a strip: rows of full registers, one after the other.
struct Run {
  struct Input {
    const void* at;
    std::ptrdiff_t row;  // bytes from one row to the next
    bool moves;          // else each row has one number, of which a register is made
  };
  struct Output {
    void* at;
    std::ptrdiff_t row;
    Into into;
  };
  std::int64_t registers, rows = 1;  // the registers of a row
  int rest = 0;                      // the elements behind them, for strips that compute those
  Input in[max_arguments + 1];
  Output out[max_arguments];
};
/// Computes the rows. Whether it computes what is left of them, too, as it says of none.
using Strip = bool (*)(const Run&);

enum class Fold : std::uint8_t { sum, product, max, min };

struct SweepOutput {
  Value* value = nullptr;   // null: not wanted
  Shape shape;              // in the space: as many axes, each as the space's or 1
  bool accumulate = false;  // fold into the elements that are there
};

/// Runs `strip`, whose registers hold `width` elements of `dtype`, over `space`. Inputs broadcast
/// into the space; their elements and the outputs' are of `dtype` or boolean.
struct Sweep {
  Shape space;
  DType dtype;
  Strip strip;
  int width;
  Fold fold = Fold::sum;
  int inputs = 0, outputs = 0;
  const Value* in[max_arguments + 1] = {};
  SweepOutput out[max_arguments] = {};

  /// Adds an input.
  void read(const Ref<Value>& value) { in[inputs++] = value.get(); }
  /// Adds an output.
  void write(const SweepOutput& output) { out[outputs++] = output; }
  void write(const Ref<Value>& value, const Shape& shape, bool accumulate = false) {
    write({value.get(), shape, accumulate});
  }
  void run() const;
};

}  // namespace xtape
