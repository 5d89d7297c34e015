// Sweeps whose operands all have the shape of the space or one element, as nearly all of a small
// network: nothing has to be collapsed, cut into pieces or gathered.
#pragma once

#include <algorithm>
#include <cstring>
#include <xtape/autograd/fold.hpp>
#include <xtape/autograd/sweep.hpp>

namespace xtape::detail {

/// Runs a sweep over n > 0 elements on this thread; false, and nothing is done, if it is another.
template <class T>
bool run_flat(const Sweep& sweep, std::int64_t n) {
  using Accumulator = std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t>;
  alignas(64) T in[max_arguments + 1][max_width], out[max_arguments][max_width];
  const int width = sweep.width;
  Run run;
  run.registers = n / width;
  for (int k = 0; k < sweep.inputs; ++k) {
    const Value& value = *sweep.in[k];
    const std::int64_t size = value.numel();
    if (value.dtype == boolean || (size != n && size != 1)) return false;
    run.in[k] = {value.elements(), 0, size == n};
  }
  for (int o = 0; o < sweep.outputs; ++o) {
    const SweepOutput& output = sweep.out[o];
    run.out[o] = {nullptr, 0, Into::nothing};
    if (!output.value) continue;
    const std::int64_t size = output.shape.numel();
    if (output.value->dtype == boolean || (size != n && size != 1)) return false;
    if (size != n) run.out[o] = {out[o], 0, Into::one};
    else run.out[o] = {output.value->elements(), 0, output.accumulate ? Into::fold : Into::store};
  }
  const auto fold_into_cell = [&](int o, bool first, std::int64_t count) {
    with_fold(sweep.fold, [&]<class F>(F) {
      T& cell = *sweep.out[o].value->as<T>();
      if (first && !sweep.out[o].accumulate) cell = identity_of<T>(sweep.fold);
      Accumulator sum = static_cast<Accumulator>(out[o][0]);
      for (std::int64_t i = 1; i < count; ++i)
        sum = F::fold(sum, static_cast<Accumulator>(out[o][i]));
      cell = static_cast<T>(F::fold(static_cast<Accumulator>(cell), sum));
    });
  };
  const std::int64_t whole = run.registers * width, rest = n - whole;
  if (whole > 0) {
    sweep.strip(run);
    for (int o = 0; o < sweep.outputs; ++o)
      if (run.out[o].into == Into::one) fold_into_cell(o, true, width);
  }
  if (rest == 0) return true;
  Run last = run;  // the elements that do not fill a register, with some of them twice
  last.registers = 1;
  for (int k = 0; k < sweep.inputs; ++k) {
    if (!run.in[k].moves) continue;
    const T* const from = static_cast<const T*>(run.in[k].at) + whole;
    std::fill(std::copy_n(from, rest, in[k]), in[k] + width, *from);
    last.in[k].at = in[k];
  }
  for (int o = 0; o < sweep.outputs; ++o) {
    if (run.out[o].into != Into::nothing) last.out[o] = {out[o], 0, Into::store};
  }
  sweep.strip(last);
  for (int o = 0; o < sweep.outputs; ++o) {
    if (run.out[o].into == Into::nothing) continue;
    if (run.out[o].into == Into::one) {
      fold_into_cell(o, whole == 0, rest);
      continue;
    }
    T* const to = static_cast<T*>(run.out[o].at) + whole;
    if (run.out[o].into == Into::store) std::copy_n(out[o], rest, to);
    else
      with_fold(sweep.fold, [&]<class F>(F) {
        for (std::int64_t i = 0; i < rest; ++i) to[i] = F::fold(to[i], out[o][i]);
      });
  }
  return true;
}

}  // namespace xtape::detail
