// The product is computed in tiles of the result that fit into the registers. For each tile, a few
// rows of the left factor are read element by element, and the columns of the right one register by
// register from a panel in which they lie in the order in which they are read.
#include <algorithm>
#include <bit>
#include <xtape/autograd/count.hpp>
#include <xtape/autograd/lane.hpp>
#include <xtape/autograd/pool.hpp>
#include <xtape/ops/gemm.hpp>

namespace xtape::detail {

namespace {

using pool::Scratch;

Count<std::int64_t> flops{0};

// The registers of a tile: with 32 of them, 8 by 3 sums, else 4 by 3; three more for the columns
// and one for the element of the left factor. Four registers of columns that are left are computed
// at once by tiles of 6 rows where there is room for that: the left factor is read once for them.
template <class T>
constexpr int width = LaneTraits<Register<T>>::width;
template <class T>
constexpr int tall = width<T> * sizeof(T) == 64 ? 8 : 4;
template <class T>
constexpr int low = tall<T> == 8 ? 6 : 4;
template <class T>
constexpr std::int64_t wide = 3 * width<T>;
template <class T>
constexpr std::int64_t widest = tall<T> == 8 ? 4 * width<T> : wide<T>;

// So many products are summed before the sum is added to the result: for the accuracy, and so that
// a panel stays in the nearest cache. So many rows of the left factor stay in the second.
constexpr std::int64_t depth = 256, rows_at_a_time = 512;

// The rows of the left factor, either where they lie or in groups of `tall`, which are adjacent
// there.
template <class T>
struct Left {
  Matrix<const T> matrix;
  bool grouped;

  Matrix<const T> from(std::int64_t i, std::int64_t depth) const {
    if (!grouped) return matrix.from(i, 0);
    return {matrix.at + i / tall<T> * tall<T> * depth + i % tall<T>, 1, tall<T>};
  }
};

// Without it, g++ makes loading a register of columns a part of each multiplication by it: more
// loads than a cache serves.
template <class V>
void keep_in_register([[maybe_unused]] V& v) {
#ifdef __FMA__
  asm("" : "+v"(v.data));
#endif
}

// A tile of `Rows` rows and `Columns` registers; of the last register, `last` elements.
template <class T, int Rows, int Columns>
void tile(std::int64_t d, const Matrix<const T>& left, const T* right, std::int64_t next, T* c,
          std::int64_t pitch, int last, bool add) {
  using V = Register<T>;
  constexpr int width = detail::width<T>;
  V sums[Rows][Columns];
  for (auto& row : sums)
    for (V& sum : row) sum = V(T(0));
  for (int r = 0; r < Rows; ++r)  // until it is written there is time to fetch it
    for (int j = 0; j < Columns; ++j) __builtin_prefetch(c + r * pitch + j * width, 1);
  const std::int64_t row = left.row, row3 = 3 * row;
  const T* fours[(Rows + 3) / 4];  // a pointer for four rows: an address may be p + {0, 1, 2} q
  for (int r = 0; r < Rows; r += 4) fours[r / 4] = left.at + r * row;
  for (std::int64_t l = 0; l < d; ++l, right += next) {
    V x[Columns];
    for (int j = 0; j < Columns; ++j) {
      x[j] = V::load_unaligned(right + j * width);
      keep_in_register(x[j]);
    }
    for (int r = 0; r < Rows; ++r) {
      const T* const at = fours[r / 4];
      const V y(r % 4 == 0 ? *at : r % 4 == 1 ? at[row] : r % 4 == 2 ? at[2 * row] : at[row3]);
      for (int j = 0; j < Columns; ++j) sums[r][j] = xsimd::fma(y, x[j], sums[r][j]);
    }
    for (const T*& four : fours) four += left.column;
  }
  const int whole = last == width ? Columns : Columns - 1;  // registers of a row of the result
  for (int r = 0; r < Rows; ++r, c += pitch) {
    V* const sum = sums[r];
    if (add)
      for (int j = 0; j < Columns; ++j)
        if (j < whole) sum[j] += V::load_unaligned(c + j * width);
    for (int j = 0; j < Columns; ++j)
      if (j < whole) sum[j].store_unaligned(c + j * width);
    if (whole == Columns) continue;
    T part[width];
    sum[whole].store_unaligned(part);
    T* const to = c + whole * width;
    for (int e = 0; e < last; ++e) to[e] = add ? to[e] + part[e] : part[e];
  }
}

template <class T>
using Tile = void (*)(std::int64_t, const Matrix<const T>&, const T*, std::int64_t, T*,
                      std::int64_t, int, bool);
template <class T, int Rows>
Tile<T> tile_of(std::int64_t columns) {
  if constexpr (Rows < tall<T> && low<T> < tall<T>)
    if (columns > wide<T>) return &tile<T, Rows, 4>;
  if (columns > 2 * width<T>) return &tile<T, Rows, 3>;
  return columns > width<T> ? &tile<T, Rows, 2> : &tile<T, Rows, 1>;
}
// How many rows the next tile has: `most`, or the largest power of two that is left; the last eight
// are two times four rather than six and two.
inline int rows_of(std::int64_t left, int most) {
  if (left >= most && (most != 6 || left != 8)) return most;
  return static_cast<int>(std::bit_floor(static_cast<unsigned>(std::min<std::int64_t>(left, 4))));
}

// How many columns the next tile has: a single register would leave the multipliers waiting for it.
// Tiles of 6 rows do not fit groups of 8.
template <class T>
std::int64_t columns_of(std::int64_t left, bool grouped) {
  if (left <= wide<T> || left > wide<T> + width<T>) return std::min(wide<T>, left);
  return left <= widest<T> && !grouped ? left : 2 * width<T>;
}

// Sixteen bytes: four by four floats, or two by two doubles, are transposed in registers.
template <class T>
using Quad = xsimd::make_sized_batch_t<T, 16 / sizeof(T)>;
template <class T>
void transpose_square(const T* from, std::int64_t pitch, T* to, std::int64_t to_pitch) {
  using Q = Quad<T>;
  const Q a = Q::load_unaligned(from), b = Q::load_unaligned(from + pitch);
  if constexpr (sizeof(T) == 8) {
    xsimd::zip_lo(a, b).store_unaligned(to);
    xsimd::zip_hi(a, b).store_unaligned(to + to_pitch);
  } else {
    const Q c = Q::load_unaligned(from + 2 * pitch), d = Q::load_unaligned(from + 3 * pitch);
    const Q ac = xsimd::zip_lo(a, c), bd = xsimd::zip_lo(b, d);
    const Q rest_ac = xsimd::zip_hi(a, c), rest_bd = xsimd::zip_hi(b, d);
    xsimd::zip_lo(ac, bd).store_unaligned(to);
    xsimd::zip_hi(ac, bd).store_unaligned(to + to_pitch);
    xsimd::zip_lo(rest_ac, rest_bd).store_unaligned(to + 2 * to_pitch);
    xsimd::zip_hi(rest_ac, rest_bd).store_unaligned(to + 3 * to_pitch);
  }
}

// The same for a matrix of `count` rows, whose elements are adjacent, and d columns.
template <class T>
void transpose(const T* from, std::int64_t pitch, std::int64_t count, std::int64_t d, T* to,
               std::int64_t to_pitch) {
  constexpr std::int64_t q = 16 / sizeof(T);
  const std::int64_t squares = count / q * q;
  for (std::int64_t e = 0; e < squares; e += q) {
    std::int64_t l = 0;
    for (; l + q <= d; l += q)
      transpose_square(from + e * pitch + l, pitch, to + l * to_pitch + e, to_pitch);
    for (; l < d; ++l)
      for (std::int64_t i = e; i < e + q; ++i) to[l * to_pitch + i] = from[i * pitch + l];
  }
  for (std::int64_t l = 0; l < d; ++l)
    for (std::int64_t e = squares; e < count; ++e) to[l * to_pitch + e] = from[e * pitch + l];
}

// The same, line by line of the cache: rows of the result may be 4 kB apart, and hardly any of them
// stay in the nearest cache then.
template <class T>
void transpose_by_lines(const T* from, std::int64_t pitch, std::int64_t count, std::int64_t d,
                        T* to, std::int64_t to_pitch) {
  constexpr std::int64_t line = 64 / sizeof(T), few = 16 / sizeof(T);
  for (std::int64_t e = 0; e < count; e += line)
    for (std::int64_t l = 0; l < d; l += few)
      transpose(from + e * pitch + l, pitch, std::min(line, count - e), std::min(few, d - l),
                to + l * to_pitch + e, to_pitch);
}

// Copies d rows of so many elements, `next` apart, so that they are adjacent.
template <class T, int size>
void copy_rows(const T* from, std::int64_t next, std::int64_t d, T* to) {
  using V = std::conditional_t<size % width<T> == 0, Register<T>, Quad<T>>;
  for (std::int64_t l = 0; l < d; ++l, from += next, to += size)
    for (int e = 0; e < size; e += static_cast<int>(V::size))
      V::load_unaligned(from + e).store_unaligned(to + e);
}

// Copies the transpose of m, of `count` rows and d columns, into rows of `pitch` elements, of which
// those behind `count` become 0.
template <class T>
void pack(const Matrix<const T>& m, std::int64_t count, std::int64_t d, T* to, std::int64_t pitch) {
  constexpr int q = 16 / sizeof(T);
  if (m.row == 1) {
    if (count == pitch && pitch == wide<T>) return copy_rows<T, wide<T>>(m.at, m.column, d, to);
    if (count == pitch && pitch == widest<T>) return copy_rows<T, widest<T>>(m.at, m.column, d, to);
    if (count == pitch && pitch == tall<T>) return copy_rows<T, tall<T>>(m.at, m.column, d, to);
    for (std::int64_t l = 0; l < d; ++l, to += pitch) {
      const T* const from = m.at + l * m.column;
      std::int64_t e = 0;
      for (; e + q <= count; e += q) Quad<T>::load_unaligned(from + e).store_unaligned(to + e);
      for (; e < count; ++e) to[e] = from[e];
      for (; e < pitch; ++e) to[e] = 0;
    }
    return;
  }
  if (m.column == 1) transpose(m.at, m.row, count, d, to, pitch);
  for (std::int64_t l = 0; l < d; ++l) {
    for (std::int64_t e = m.column == 1 ? count : 0; e < count; ++e)
      to[l * pitch + e] = m.at[e * m.row + l * m.column];
    for (std::int64_t e = count; e < pitch; ++e) to[l * pitch + e] = 0;
  }
}

// The panel that is packed next, of d rows, which the second cache is asked for little by little.
template <class T>
class Ahead {
 public:
  Ahead(const Matrix<const T>& panel, std::int64_t d, std::int64_t columns)
      : at_(panel.at),
        next_(panel.column == 1 ? panel.row : panel.column),
        left_(panel.column == 1 ? d : columns),
        all_(left_),
        last_((panel.column == 1 ? columns : d) - 1) {}

  // Asks for more until no more than this share of it is left. In line, because g++ 12 drops calls
  // of functions that do nothing else.
  [[gnu::always_inline]] void fetch(std::int64_t rows_left, std::int64_t rows) {
    constexpr std::int64_t line = 64 / sizeof(T);
    for (; left_ * rows > all_ * rows_left; --left_, at_ += next_)
      for (std::int64_t e = 0; e < last_ + line; e += line)
        __builtin_prefetch(at_ + std::min(e, last_), 0, 2);
  }

 private:
  const T* at_;
  std::int64_t next_, left_, all_, last_;
};

// How up to `rows_at_a_time` rows of the result are computed, and the room for it.
template <class T>
struct Plan {
  std::int64_t step;  // of the products that are summed, so many at a time
  // Elements of a row that are read a few times need not be adjacent, and so with a panel, which
  // the second cache gives as fast as it is multiplied.
  bool group, direct;
  bool fetches;  // a right factor that has left the second cache, while there is time for it
  Scratch<T> groups, panel;

  Plan(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix<const T>& a,
       const Matrix<const T>& b)
      : step(step_of(k)),
        group(a.column != 1 && n > 2 * wide<T>),
        direct(b.column == 1 && (m <= 64 || (n <= widest<T> && b.row == n))),
        fetches(m >= 16 && n * k * bytes >= (m >= 64 ? 1 << 18 : 1 << 23)),
        groups(group ? (m + tall<T> - 1) / tall<T> * tall<T> * step : 0),
        panel(direct && n % width<T> == 0 ? 0 : step * widest<T>) {}

  static constexpr std::int64_t bytes = sizeof(T);
  static std::int64_t step_of(std::int64_t k) {
    const std::int64_t parts = (k + depth - 1) / depth;
    return (k + parts - 1) / parts;
  }
};

// Up to `rows_at_a_time` rows of the result.
template <class T>
void block(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix<const T>& a,
           const Matrix<const T>& b, T* c, std::int64_t pitch, bool add) {
  const Plan<T> plan(m, n, k, a, b);
  const auto& [step, group, direct, fetches, groups, panel] = plan;
  for (std::int64_t l = 0; l < k; l += step) {
    const std::int64_t d = std::min(step, k - l);
    Left<T> left{a.from(0, l), group};
    if (group) {
      for (std::int64_t i = 0; i < m; i += tall<T>)
        pack(left.matrix.from(i, 0), std::min<std::int64_t>(tall<T>, m - i), d, groups + i * d,
             tall<T>);
      left.matrix.at = groups;
    }
    for (std::int64_t j = 0, columns; j < n; j += columns) {
      columns = columns_of<T>(n - j, group);
      const std::int64_t padded = (columns + width<T> - 1) / width<T> * width<T>;
      const bool in_place = direct && columns == padded;
      const T* const right = in_place ? b.from(l, j).at : panel;
      if (!in_place) pack(b.from(l, j).transposed(), columns, d, panel.get(), padded);
      const Tile<T> tiles[] = {
          tile_of<T, 1>(columns), tile_of<T, 2>(columns), tile_of<T, 4>(columns),
          columns > wide<T> ? tile_of<T, low<T>>(columns) : tile_of<T, tall<T>>(columns)};
      const int most = columns > wide<T> ? low<T> : tall<T>;
      const int last = static_cast<int>(columns - padded + width<T>);
      const std::int64_t after = fetches ? j + columns : n;
      Ahead<T> ahead(b.from(l, after), d, after < n ? columns_of<T>(n - after, group) : 0);
      for (std::int64_t i = 0, rows; i < m; i += rows) {
        rows = rows_of(m - i, most);
        if (after < n) ahead.fetch(m - i - rows, m);
        tiles[rows == most ? 3 : std::countr_zero(static_cast<unsigned>(rows))](
            d, left.from(i, d), right, in_place ? b.row : padded, c + i * pitch + j, pitch, last,
            add || l > 0);
      }
    }
  }
}

// c[i * next] = the sum of a_il x_l, for rows of a that are contiguous; `Rows` at once.
template <class T, int Rows>
void dots(std::int64_t k, const T* a, std::int64_t pitch, const T* x, T* c, std::int64_t next,
          bool add) {
  using V = Register<T>;
  V sums[Rows];
  for (V& sum : sums) sum = V(T(0));
  std::int64_t l = 0;
  for (; l + width<T> <= k; l += width<T>) {
    const V y = V::load_unaligned(x + l);
    for (int r = 0; r < Rows; ++r)
      sums[r] = xsimd::fma(V::load_unaligned(a + r * pitch + l), y, sums[r]);
  }
  for (int r = 0; r < Rows; ++r) {
    T sum = xsimd::hadd(sums[r]);
    for (std::int64_t rest = l; rest < k; ++rest) sum += a[r * pitch + rest] * x[rest];
    c[r * next] = add ? c[r * next] + sum : sum;
  }
}

// The product of a matrix, whose rows are contiguous, and a column.
template <class T>
void times_column(std::int64_t m, std::int64_t k, const Matrix<const T>& a,
                  const Matrix<const T>& x, T* c, std::int64_t next, bool add) {
  const Scratch<T> copy(x.row == 1 ? 0 : k);
  for (std::int64_t l = 0; copy && l < k; ++l) copy[l] = x.at[l * x.row];
  const T* const column = copy ? copy : x.at;
  std::int64_t i = 0;
  for (; i + 4 <= m; i += 4) dots<T, 4>(k, a.from(i, 0).at, a.row, column, c + i * next, next, add);
  for (; i < m; ++i) dots<T, 1>(k, a.from(i, 0).at, a.row, column, c + i * next, next, add);
}

// Whether the transpose of the result costs less: both factors would be transposed to be packed,
// and the left one is smaller by far and fills the registers of one pass nearly.
template <class T>
bool turns(std::int64_t m, std::int64_t n, const Matrix<const T>& a, const Matrix<const T>& b) {
  const std::int64_t filled = (m + width<T> - 1) / width<T> * width<T>;
  return a.column == 1 && b.row == 1 && m <= widest<T> && n >= 2 * m &&
         4 * (filled - m) <= width<T>;
}

// c^T = b^T a^T: each element is the same sum in the same order.
template <class T>
void multiply_turned(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix<const T>& a,
                     const Matrix<const T>& b, T* c, std::int64_t pitch, bool add) {
  const Scratch<T> part(std::min(rows_at_a_time, n) * m);
  for (std::int64_t j = 0; j < n; j += rows_at_a_time, c += rows_at_a_time) {
    const std::int64_t columns = std::min(rows_at_a_time, n - j);
    if (add) transpose_by_lines<T>(c, pitch, m, columns, part, m);
    block<T>(columns, m, k, b.from(0, j).transposed(), a.transposed(), part, m, add);
    transpose_by_lines<T>(part, m, columns, m, c, pitch);
  }
}

template <class T>
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix<const T>& a,
              const Matrix<const T>& b, T* c, std::int64_t pitch, bool add) {
  if (m == 0 || n == 0) return;
  if (k == 0) {
    for (std::int64_t i = 0; i < m && !add; ++i) std::fill_n(c + i * pitch, n, T(0));
    return;
  }
  flops.add(2 * m * n * k);
  if (n == 1 && pitch == 1 && a.column != 1)  // a row times a matrix
    return block(1, m, k, b.transposed(), a.transposed(), c, m, add);
  if (n == 1 && a.column == 1) return times_column(m, k, a, b, c, pitch, add);
  if (m == 1 && b.row == 1 && n > 1)
    return times_column(n, k, b.transposed(), a.transposed(), c, 1, add);
  if (turns(m, n, a, b)) return multiply_turned(m, n, k, a, b, c, pitch, add);
  for (std::int64_t i = 0; i < m; i += rows_at_a_time)
    block(std::min(rows_at_a_time, m - i), n, k, a.from(i, 0), b, c + i * pitch, pitch, add);
}

}  // namespace

void gemm(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix<const float>& a,
          const Matrix<const float>& b, float* c, std::int64_t pitch, bool add) {
  multiply(m, n, k, a, b, c, pitch, add);
}
void gemm(std::int64_t m, std::int64_t n, std::int64_t k, const Matrix<const double>& a,
          const Matrix<const double>& b, double* c, std::int64_t pitch, bool add) {
  multiply(m, n, k, a, b, c, pitch, add);
}

std::int64_t counted_flops() { return flops.load(); }
void count_flops(std::int64_t more) { flops.add(more); }

}  // namespace xtape::detail
