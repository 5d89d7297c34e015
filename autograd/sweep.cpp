#include <algorithm>
#include <xtape/autograd/parallel.hpp>
#include <xtape/autograd/sweep_flat.hpp>
#include <xtape/autograd/sweep_plane.hpp>

namespace xtape {

using namespace detail;

namespace {

constexpr std::int64_t pair = 49152, max_pieces = 32;  // elements worth two pieces of their own
constexpr std::int64_t long_sum = 128;  // additions to one element before rounding errors matter
// More than one core's share of any cache: what is written has left it before it is read again, and
// would only be read from memory first to be written there.
constexpr std::int64_t stream_bytes = std::int64_t{32} << 20;

// One axis after collapsing; bit k of `missing`: operand k is broadcast or folded along it.
struct Axis {
  std::int64_t size;
  std::uint32_t missing;
};

// An operand while sweeping: inputs first, then outputs.
struct Operand {
  char* data;
  std::int64_t strides[Shape::max_rank];  // elements; 0 along a missing axis
  bool boolean;
  bool repeats;  // one number for all elements
};

template <class T>
class Sweeper {
  using Accumulator = typename Plane<T>::Accumulator;

 public:
  explicit Sweeper(const Sweep& sweep) : sweep_(sweep), count_(sweep.inputs + sweep.outputs) {
    for (int k = 0; k < count_; ++k) {
      Operand& operand = operands_[k];
      const Value* value = k < sweep_.inputs ? sweep_.in[k] : sweep_.out[k - sweep_.inputs].value;
      operand.repeats = k < sweep_.inputs && value->repeats();
      if (operand.repeats) operand.data = static_cast<char*>(value->number());
      else operand.data = value ? value->as<char>() : nullptr;
      operand.boolean = value && value->dtype == boolean;
    }
    collapse();
    for (int o = 0; o < sweep_.outputs; ++o) {
      folded_[o] = sweep_.out[o].value && (all_missing_ >> (sweep_.inputs + o)) & 1;
      if (folded_[o] && !sweep_.out[o].accumulate)
        std::fill_n(sweep_.out[o].value->as<T>(), sweep_.out[o].shape.numel(),
                    identity_of<T>(sweep_.fold));
    }
    if (sweep_.space.numel() == 0) return;
    choose_blocks();
    set_plane();
  }

  void run() {
    const std::int64_t total = sweep_.space.numel();
    if (total == 0) return;
    const std::int64_t columns = axes_[rank_ - 1].size;
    // outputs that the pieces fold into, and then together, cost more
    const std::int64_t worth = rank_ > 1 && any_folds_along(0) ? 4 * pair : pair;
    const std::int64_t wanted = std::clamp<std::int64_t>(total / worth * 2, 1, max_pieces);
    // One row is cut into columns, and so are few rows that are folded into a long one: outputs
    // that several pieces fold into are copied for each.
    const bool by_columns =
        rank_ == 1 || (rank_ == 2 && any_folds_along(0) && columns / wanted >= 1024);
    const std::int64_t pieces =
        std::max<std::int64_t>(1, std::min(wanted, by_columns ? columns / 64 : axes_[0].size));
    if (pieces > 1) return run_pieces(pieces, by_columns);
    sweep_part(Part{0, rows_below(-1), 0, columns, {}, {}}, {});
  }

 private:
  // A range of rows and of columns, and where its outputs go.
  struct Part {
    std::int64_t begin, end, column, columns;
    char* out[max_arguments];
    std::int64_t base[max_arguments];  // the element of the whole output that out[] begins with
  };

  // Whether all indices along an axis fold into the same elements of an output.
  bool folds_along(int axis, int o) const {
    return folded_[o] && operands_[sweep_.inputs + o].strides[axis] == 0;
  }
  bool any_folds_along(int axis) const {
    bool any = false;
    for (int o = 0; o < sweep_.outputs; ++o) any |= folds_along(axis, o);
    return any;
  }

  // The number of rows that share an index of the axis.
  std::int64_t rows_below(int axis) const {
    std::int64_t rows = 1;
    while (++axis < rank_ - 1) rows *= axes_[axis].size;
    return rows;
  }
  // The product of the sizes of an operand along the axes below one that it misses, or does not.
  std::int64_t size_below(int axis, int k, bool missing, int last) const {
    std::int64_t size = 1;
    while (++axis <= last)
      if (missing == (operands_[k].strides[axis] == 0)) size *= axes_[axis].size;
    return size;
  }

  // Where many rows are summed into one, blocks of them are summed first, for accuracy: the axis
  // that is cut and the size of its blocks.
  void choose_blocks() {
    if (!std::is_floating_point_v<T> || sweep_.fold != Fold::sum) return;
    for (int o = 0; o < sweep_.outputs; ++o)
      for (int axis = 0, k = sweep_.inputs + o; folded_[o] && axis < rank_ - 1; ++axis) {
        const std::int64_t size = axes_[axis].size;
        if (operands_[k].strides[axis] != 0 ||
            (block_axis_ >= 0 && size <= axes_[block_axis_].size))
          continue;
        const std::int64_t each = size_below(axis, k, true, rank_ - 2);
        if (size < 2 || size * each <= 2 * long_sum) continue;
        block_axis_ = axis;
        block_ = std::max<std::int64_t>(1, long_sum / each);
        // short rows that are folded are added in pairs, a panel of them at a time
        const std::int64_t columns = axes_[rank_ - 1].size;
        if (axis == rank_ - 2 && columns < Plane<T>::long_row) block_ *= panel / columns;
      }
  }

  void set_plane() {
    plane_.strip = sweep_.strip;
    plane_.width = sweep_.width;
    plane_.fold = sweep_.fold;
    plane_.inputs = sweep_.inputs;
    plane_.outputs = sweep_.outputs;
    plane_.streams = Plane<T>::own_width > 1 && stores() && operand_bytes() > stream_bytes &&
                     axes_[rank_ - 1].size >= Plane<T>::streamed_row;
    for (int k = 0; k < count_; ++k) {
      const Operand& operand = operands_[k];
      Track& track = plane_.tracks[k];
      track.row = rank_ > 1 ? operand.strides[rank_ - 2] : 0;
      track.column = operand.strides[rank_ - 1];
      track.boolean = operand.boolean;
      track.bytes = operand.boolean ? 1 : sizeof(T);
      plane_.any_boolean |= operand.boolean;
      if (k < sweep_.inputs) continue;
      track.folded = folded_[k - sweep_.inputs];
      track.accumulate = sweep_.out[k - sweep_.inputs].accumulate;
    }
    Places places;
    for (int k = 0; k < count_; ++k) places.at[k] = operands_[k].data;
    plane_.ask_strip(places);
  }

  // Whether an output is neither folded nor added to what is there.
  bool stores() const {
    bool any = false;
    for (int o = 0; o < sweep_.outputs; ++o)
      any |= sweep_.out[o].value && !folded_[o] && !sweep_.out[o].accumulate;
    return any;
  }
  // The bytes of all operands that do not repeat or fold.
  std::int64_t operand_bytes() const {
    std::int64_t bytes = 0;
    for (int k = 0; k < count_; ++k)
      if (operands_[k].data && !((all_missing_ >> k) & 1))
        bytes += sweep_.space.numel() * static_cast<std::int64_t>(sizeof(T));
    return bytes;
  }

  // Merges neighbouring axes that the same operands miss, and drops axes of size 1.
  void collapse() {
    const int rank = sweep_.space.rank();
    for (int axis = 0; axis < rank; ++axis) {
      const std::int64_t size = sweep_.space[axis];
      if (size == 1) continue;
      std::uint32_t missing = 0;
      for (int k = 0; k < count_; ++k) {
        const Shape& shape =
            k < sweep_.inputs ? sweep_.in[k]->shape : sweep_.out[k - sweep_.inputs].shape;
        const int own = axis - (rank - shape.rank());
        if (own < 0 || shape[own] == 1 || operands_[k].repeats) missing |= 1u << k;
      }
      all_missing_ |= missing;
      if (rank_ > 0 && axes_[rank_ - 1].missing == missing) axes_[rank_ - 1].size *= size;
      else axes_[rank_++] = {size, missing};
    }
    if (rank_ == 0) axes_[rank_++] = {1, 0};
    for (int k = 0; k < count_; ++k) {
      std::int64_t stride = 1;
      for (int axis = rank_ - 1; axis >= 0; --axis) {
        const bool missing = (axes_[axis].missing >> k) & 1;
        operands_[k].strides[axis] = missing ? 0 : stride;
        if (!missing) stride *= axes_[axis].size;
      }
    }
  }

  // Outputs that every piece folds into get a buffer for each piece; the buffers are folded in
  // order afterwards, so that the result does not depend on which thread came first.
  void run_pieces(std::int64_t pieces, bool by_columns) {
    Ref<Value> partial[max_arguments];
    for (int o = 0; o < sweep_.outputs; ++o)
      if (folds_along(by_columns ? rank_ - 1 : 0, o)) {
        Shape shape{pieces, sweep_.out[o].shape.numel()};
        partial[o] = Value::make(shape, sweep_.dtype);
        std::fill_n(partial[o]->template as<T>(), shape.numel(), identity_of<T>(sweep_.fold));
      }
    const std::int64_t columns = axes_[rank_ - 1].size, below = rows_below(0);
    parallel_for(pieces, [&](std::int64_t p) {
      Part part{0, rows_below(-1), 0, columns, {}, {}};
      if (by_columns) {
        part.column = columns / 64 * p / pieces * 64;
        part.columns = (p + 1 == pieces ? columns : columns / 64 * (p + 1) / pieces * 64);
        part.columns -= part.column;
      } else {
        part.begin = axes_[0].size * p / pieces * below;
        part.end = axes_[0].size * (p + 1) / pieces * below;
      }
      T* own[max_arguments] = {};
      for (int o = 0; o < sweep_.outputs; ++o)
        if (partial[o]) own[o] = partial[o]->template as<T>() + p * sweep_.out[o].shape.numel();
      sweep_part(part, own);
    });
    for (int o = 0; o < sweep_.outputs; ++o)
      if (partial[o])
        with_fold(sweep_.fold, [&]<class F>(F) {
          fold_partial<F>(partial[o]->template as<T>(), pieces, sweep_.out[o].value->as<T>(),
                          sweep_.out[o].shape.numel());
        });
  }

  template <class F>
  static void fold_partial(const T* from, std::int64_t pieces, T* to, std::int64_t n) {
    constexpr std::int64_t block = 256;
    Accumulator sums[block];
    for (std::int64_t begin = 0; begin < n; begin += block) {
      const std::int64_t size = std::min(block, n - begin);
      std::copy_n(to + begin, size, sums);
      for (std::int64_t p = 0; p < pieces; ++p)
        for (std::int64_t i = 0; i < size; ++i)
          sums[i] = F::fold(sums[i], static_cast<Accumulator>(from[p * n + begin + i]));
      for (std::int64_t i = 0; i < size; ++i) to[begin + i] = static_cast<T>(sums[i]);
    }
  }

  // `own` are the buffers of outputs that do not go to the tensor itself.
  void sweep_part(Part part, std::span<T* const> own) const {
    for (int o = 0; o < sweep_.outputs; ++o) {
      part.out[o] = operands_[sweep_.inputs + o].data;
      if (!own.empty() && own[o]) part.out[o] = reinterpret_cast<char*>(own[o]);
    }
    if (block_axis_ >= 0) sweep_blocks(part);
    else sweep_rows(part);
    if (plane_.streams) end_streams();
  }

  // Every block is summed into `low`, `long_sum` of those into `high`, and those into the output.
  void sweep_blocks(const Part& part) const {
    const std::int64_t below = rows_below(block_axis_), size = axes_[block_axis_].size;
    Ref<Value> low[max_arguments], high[max_arguments];
    for (int o = 0; o < sweep_.outputs; ++o)
      if (const int k = sweep_.inputs + o; folded_[o] && operands_[k].strides[block_axis_] == 0)
        for (auto* sums : {&low[o], &high[o]}) {
          const std::int64_t columns = operands_[k].strides[rank_ - 1] ? part.columns : 1;
          *sums =
              Value::make({size_below(block_axis_, k, false, rank_ - 2) * columns}, sweep_.dtype);
          std::fill_n((*sums)->template as<T>(), (*sums)->numel(), T(0));
        }
    Part block = part;
    for (std::int64_t blocks = 1; block.begin < part.end; ++blocks, block.begin = block.end) {
      const std::int64_t whole = block.begin / below / size, index = block.begin / below % size;
      const std::int64_t next = std::min((index / block_ + 1) * block_, size);
      block.end = std::min(part.end, (whole * size + next) * below);
      const Rows first = first_row(part, whole * size * below);
      for (int o = 0; o < sweep_.outputs; ++o)
        if (low[o]) {
          block.out[o] = low[o]->template as<char>();
          block.base[o] = first.offset[sweep_.inputs + o];
        }
      sweep_rows(block);
      const bool done = next == size || block.end == part.end || blocks % long_sum == 0;
      for (int o = 0; o < sweep_.outputs; ++o)
        if (low[o]) {
          T* const sums = high[o]->template as<T>();
          move_sums(low[o]->template as<T>(), sums, low[o]->shape[0]);
          T* const to = reinterpret_cast<T*>(part.out[o]) + block.base[o];
          if (done) move_sums(sums, to, low[o]->shape[0]);
        }
    }
  }

  // The offset of each operand at a row, kept up to date like an odometer.
  struct Rows {
    std::int64_t index[Shape::max_rank] = {};
    std::int64_t offset[max_operands];
  };

  Rows first_row(const Part& part, std::int64_t row) const {
    Rows rows;
    for (int axis = rank_ - 2; axis >= 0; row /= axes_[axis--].size)
      rows.index[axis] = row % axes_[axis].size;
    for (int k = 0; k < count_; ++k) {
      rows.offset[k] = part.column * operands_[k].strides[rank_ - 1];
      for (int axis = 0; axis < rank_ - 1; ++axis)
        rows.offset[k] += rows.index[axis] * operands_[k].strides[axis];
      if (k >= sweep_.inputs) rows.offset[k] -= part.base[k - sweep_.inputs];
    }
    return rows;
  }

  // Goes on by rows that share all indices but that of their axis.
  void advance(Rows& row, std::int64_t rows) const {
    if (rank_ < 2) return;
    for (int axis = rank_ - 2;; --axis, rows = 1) {
      for (int k = 0; k < count_; ++k) row.offset[k] += rows * operands_[k].strides[axis];
      row.index[axis] += rows;
      if (row.index[axis] < axes_[axis].size || axis == 0) return;
      row.index[axis] = 0;
      for (int k = 0; k < count_; ++k)
        row.offset[k] -= operands_[k].strides[axis] * axes_[axis].size;
    }
  }

  void sweep_rows(const Part& part) const {
    Rows row = first_row(part, part.begin);
    for (std::int64_t done = part.begin; done < part.end;) {
      const std::int64_t left = rank_ > 1 ? axes_[rank_ - 2].size - row.index[rank_ - 2] : 1;
      const std::int64_t together = std::min(part.end - done, left);
      Places places;
      for (int k = 0; k < count_; ++k) {
        char* const data = k < sweep_.inputs ? operands_[k].data : part.out[k - sweep_.inputs];
        places.at[k] = data ? data + row.offset[k] * plane_.tracks[k].bytes : nullptr;
      }
      plane_.run(places, together, part.columns);
      advance(row, together);
      done += together;
    }
  }

  const Sweep& sweep_;
  int count_, rank_ = 0;
  Axis axes_[Shape::max_rank];
  Operand operands_[max_operands];
  std::uint32_t all_missing_ = 0;
  int block_axis_ = -1;
  std::int64_t block_ = 0;
  bool folded_[max_arguments] = {};
  Plane<T> plane_;
};

}  // namespace

void Sweep::run() const {
  const std::int64_t n = space.numel();
  const auto with = [&]<class T>(T*) {
    if (n == 0 || n >= pair || !run_flat<T>(*this, n)) Sweeper<T>(*this).run();
  };
  if (dtype == float32) with(static_cast<float*>(nullptr));
  else if (dtype == float64) with(static_cast<double*>(nullptr));
  else with(static_cast<std::int64_t*>(nullptr));
}

}  // namespace xtape
