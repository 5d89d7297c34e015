#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <xtape/autograd/parallel.hpp>
#include <xtape/ops/arithmetic.hpp>
#include <xtape/ops/gemm.hpp>
#include <xtape/ops/matrices.hpp>
#include <xtape/ops/products.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape {

using namespace detail;

namespace {

// out = op(a) op(b), or out += it; op transposes on request.
class Product {
 public:
  Product(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, bool add)
      : ta_(ta), tb_(tb), m_(m), n_(n), k_(k), add_(add) {}

  // In pieces for several threads, each of which packs what it needs: an element comes to the same
  // bits in any of them.
  void run(const Tensor& a, const Tensor& b, const Tensor& out) const {
    by_floating(out.dtype(), [&]<class T>(T*) {
      const Matrix<const T> left = factor<T>(a, ta_, m_, k_), right = factor<T>(b, tb_, k_, n_);
      T* const to = out.value()->as<T>();
      const bool by_rows = m_ >= n_ || m_ >= 256;  // rows cost less to cut
      const std::int64_t size = by_rows ? m_ : n_, least = by_rows ? 32 : 128;
      std::int64_t pieces =
          std::min({2 * m_ * n_ * k_ / piece_flops, size / least, 2 + size / 1024});
      const int threads = std::min<int>(num_threads(), static_cast<int>(pieces));
      if (threads > 0) pieces -= pieces % threads;  // as many for each
      if (threads <= 1) return gemm(m_, n_, k_, left, right, to, n_, add_);
      const auto begin_of = [&](std::int64_t p) {
        return p == pieces ? size : size / 16 * p / pieces * 16;
      };
      xtape::parallel_for(pieces, [&](std::int64_t p) {
        const std::int64_t begin = begin_of(p), part = begin_of(p + 1) - begin;
        if (by_rows) gemm(part, n_, k_, left.from(begin, 0), right, to + begin * n_, n_, add_);
        else gemm(m_, part, k_, left, right.from(0, begin), to + begin, n_, add_);
      });
    });
  }

  // The same for every pair of a stack of them.
  void run_stack(std::int64_t count, const Tensor& a, const Tensor& b, const Tensor& out) const {
    by_floating(out.dtype(), [&]<class T>(T*) {
      const Matrix<const T> left = factor<T>(a, ta_, m_, k_), right = factor<T>(b, tb_, k_, n_);
      const std::int64_t pieces = std::clamp<std::int64_t>(2 * count * m_ * n_ * k_ / piece_flops,
                                                           1, std::max<std::int64_t>(1, count));
      xtape::parallel_for(pieces, [&](std::int64_t p) {
        for (std::int64_t i = count * p / pieces; i < count * (p + 1) / pieces; ++i)
          gemm(m_, n_, k_, {left.at + i * m_ * k_, left.row, left.column},
               {right.at + i * k_ * n_, right.row, right.column},
               out.value()->as<T>() + i * m_ * n_, n_, add_);
      });
    });
  }

 private:
  static constexpr std::int64_t piece_flops = 2'000'000;  // worth a thread of its own

  template <class T>
  static Matrix<const T> factor(const Tensor& x, bool transposed, std::int64_t rows,
                                std::int64_t columns) {
    const T* const at = x.value()->as<T>();
    return transposed ? Matrix<const T>{at, 1, rows} : Matrix<const T>{at, columns, 1};
  }

  bool ta_, tb_;
  std::int64_t m_, n_, k_;
  bool add_;
};

void give_product(Backward& backward, int input, const Tensor& a, bool ta, const Tensor& b,
                  bool tb) {
  const Location& at = backward.node().where;
  Tensor* there = backward.accumulator(input);
  if (!there) return backward.give(input, detail::product(a, ta, b, tb, "matmul", at));
  const Shape &sa = a.shape(), &sb = b.shape();
  there->value()->changed(at);
  Product(ta, tb, sa[ta ? 1 : 0], sb[tb ? 0 : 1], sa[ta ? 0 : 1], true).run(a, b, *there);
}

// The shares of the factors of op(a) op(b), as inputs 0 and 1.
void product_vjp(Backward& backward, const Tensor& gradient, bool ta, bool tb) {
  if (backward.needs(0)) {
    const Tensor b = backward.input(1);
    if (ta) give_product(backward, 0, b, tb, gradient, true);
    else give_product(backward, 0, gradient, false, b, !tb);
  }
  if (backward.needs(1)) {
    const Tensor a = backward.input(0);
    if (tb) give_product(backward, 1, gradient, true, a, ta);
    else give_product(backward, 1, a, !ta, gradient, false);
  }
}

// The sum of the rows of the gradient. Few are added one after the other, without the preparations
// of a sum over any axes; of many the rounding errors would matter.
void give_sum_of_rows(Backward& backward, int input) {
  const Tensor& gradient = backward.grad();
  const std::int64_t rows = gradient.shape()[0], columns = gradient.shape()[1];
  if (backward.create_graph() || rows > 128) return backward.give(input, sum(gradient, 0));
  const Tensor total = Tensor::empty({columns}, gradient.dtype());
  by_floating(gradient.dtype(), [&]<class T>(T*) {
    const T* const from = gradient.value()->as<T>();
    T* const to = total.value()->as<T>();
    if (columns > 64) {
      std::fill_n(to, columns, T(0));
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t c = 0; c < columns; ++c) to[c] += from[r * columns + c];
      return;
    }
    constexpr std::int64_t together = 16;  // columns whose sums stay in registers
    std::int64_t c = 0;
    for (; c + together <= columns; c += together) {
      T sums[together] = {};
      for (std::int64_t r = 0; r < rows; ++r)
        for (std::int64_t i = 0; i < together; ++i) sums[i] += from[r * columns + c + i];
      std::copy_n(sums, together, to + c);
    }
    for (; c < columns; ++c) {
      T sum = 0;
      for (std::int64_t r = 0; r < rows; ++r) sum += from[r * columns + c];
      to[c] = sum;
    }
  });
  backward.give(input, total);
}

[[noreturn]] void raise_inner(const Tensor& a, const Tensor& b, bool could_transpose,
                              const char* op, const Location& at) {
  raise<ShapeError>(
      at, op,
      fmt::format("inner sizes differ: left {}, right {}{}", a.shape().str(), b.shape().str(),
                  could_transpose ? "; did you mean to transpose the right operand?" : ""));
}

// How many rows a tensor has whose last axis is a row; right for rows without elements, too.
std::int64_t rows_of(const Shape& shape) {
  return Shape(std::span<const std::int64_t>(shape.begin(), shape.rank() - 1)).numel();
}

// What matmul() and its relatives compute, in the name of `op`; tb transposes the matrices of b.
Tensor multiply(Tensor a, Tensor b, const char* op, const Location& at, bool tb = false) {
  const Caller caller(at);
  check_floating_pair(a, b, op, at);
  if (a.rank() == 0 || b.rank() == 0)
    raise<ShapeError>(
        at, op,
        fmt::format("a 0-d operand: left {}, right {}; use *", a.shape().str(), b.shape().str()));
  const bool row = a.rank() == 1, column = b.rank() == 1;
  const std::int64_t inner_a = a.shape()[a.rank() - 1],
                     inner_b = b.shape()[column ? 0 : b.rank() - (tb ? 1 : 2)];
  if (inner_a != inner_b)
    raise_inner(a, b, !column && !tb && inner_a == b.shape()[b.rank() - 1], op, at);
  if (row) a = unsqueeze(a, 0);
  if (column) b = unsqueeze(b, 1);
  const std::int64_t m = a.shape()[a.rank() - 2], n = b.shape()[b.rank() - (tb ? 2 : 1)];
  Tensor out;
  if (a.rank() == 2 && b.rank() == 2) {
    out = product(a, false, b, tb, op, at);
  } else if (b.rank() == 2) {  // one matrix for the whole stack: a single product of all rows
    out = product(reshape(a, Shape{rows_of(a.shape()), inner_a}), false, b, tb, op, at);
    out = reshape(out, with_matrix(stack_of(a.shape()), m, n));
  } else {
    const Shape stack = broadcast(stack_of(a.shape()), stack_of(b.shape()), op, at);
    const std::int64_t count = stack.numel();
    a = reshape(broadcast_to(a, with_matrix(stack, m, inner_a)), Shape{count, m, inner_a});
    const std::int64_t rows = tb ? n : inner_b, columns = tb ? inner_b : n;
    b = reshape(broadcast_to(b, with_matrix(stack, rows, columns)), Shape{count, rows, columns});
    out = reshape(stacked_product(a, false, b, tb, op, at), with_matrix(stack, m, n));
  }
  if (row) out = squeeze(out, -2);
  if (column) out = squeeze(out, -1);
  return out;
}

// The same for operands that must have certain ranks.
Tensor multiply_ranks(const Arg& left, int rank_a, const Tensor& b, int rank_b, const char* op) {
  const Tensor a = left.as_tensor(float32);
  if (a.rank() != rank_a || b.rank() != rank_b)
    raise<ShapeError>(left.where(), op,
                      fmt::format("{}-d and {}-d operands wanted: left {}, right {}", rank_a,
                                  rank_b, a.shape().str(), b.shape().str()));
  return multiply(a, b, op, Caller::or_else(left.where()));
}

}  // namespace

namespace detail {

Tensor product(const Tensor& a, bool ta, const Tensor& b, bool tb, const char* op,
               const Location& at) {
  const Shape &sa = a.shape(), &sb = b.shape();
  const std::int64_t m = sa[ta ? 1 : 0], k = sa[ta ? 0 : 1], n = sb[tb ? 0 : 1];
  const Tensor out = Tensor::empty({m, n}, a.dtype());
  Product(ta, tb, m, n, k, false).run(a, b, out);
  return record(op, at, {saved(a), saved(b)}, out,
                [ta, tb](Backward& backward) { product_vjp(backward, backward.grad(), ta, tb); });
}

Tensor stacked_product(const Tensor& a, bool ta, const Tensor& b, bool tb, const char* op,
                       const Location& at) {
  const Shape &sa = a.shape(), &sb = b.shape();
  const std::int64_t m = sa[ta ? 2 : 1], k = sa[ta ? 1 : 2], n = sb[tb ? 1 : 2];
  const Tensor out = Tensor::empty({sa[0], m, n}, a.dtype());
  Product(ta, tb, m, n, k, false).run_stack(sa[0], a, b, out);
  return record(op, at, {saved(a), saved(b)}, out, [ta, tb, op, at](Backward& backward) {
    const Tensor& g = backward.grad();
    if (backward.needs(0)) {
      const Tensor right = backward.input(1);
      backward.give(0, ta ? stacked_product(right, tb, g, true, op, at)
                          : stacked_product(g, false, right, !tb, op, at));
    }
    if (backward.needs(1)) {
      const Tensor left = backward.input(0);
      backward.give(1, tb ? stacked_product(g, true, left, ta, op, at)
                          : stacked_product(left, !ta, g, false, op, at));
    }
  });
}

Tensor matmul_transposed(const Tensor& a, const Tensor& b, const char* op, const Location& at) {
  return multiply(a, b, op, at, true);
}

}  // namespace detail

Tensor matmul(const Arg& left, const Arg& right) {
  return multiply(left.as_tensor(float32), right.as_tensor(float32), "matmul",
                  Caller::or_else(left.where()));
}

Tensor dot(const Arg& a, const Tensor& b) { return multiply_ranks(a, 1, b, 1, "dot"); }
Tensor mv(const Arg& a, const Tensor& v) { return multiply_ranks(a, 2, v, 1, "mv"); }
Tensor mm(const Arg& a, const Tensor& b) { return multiply_ranks(a, 2, b, 2, "mm"); }

Tensor bmm(const Arg& a, const Tensor& b) {
  const Tensor left = a.as_tensor(float32);
  if (left.rank() == 3 && b.rank() == 3 && left.shape()[0] != b.shape()[0])
    raise<ShapeError>(
        a.where(), "bmm",
        fmt::format("stacks of {} and {} matrices: left {}, right {}", left.shape()[0],
                    b.shape()[0], left.shape().str(), b.shape().str()));
  return multiply_ranks(a, 3, b, 3, "bmm");
}

Tensor addmm(const Arg& argument, const Tensor& a, const Tensor& b, double beta, double alpha) {
  const Tensor c = argument.as_tensor(a.dtype());
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  if (c.dtype() != a.dtype())
    raise<DTypeError>(
        at, "addmm",
        fmt::format("{} added to a product of {}", name_of(c.dtype()), name_of(a.dtype())));
  Tensor out = multiply_ranks(Arg(a, at), 2, b, 2, "addmm");
  if (broadcast(c.shape(), out.shape(), "addmm", at) != out.shape())
    raise<ShapeError>(at, "addmm",
                      fmt::format("{} does not broadcast to the product's shape {}",
                                  c.shape().str(), out.shape().str()));
  if (alpha != 1) out = alpha * out;
  if (beta == 0) return out;  // what is in c does not matter, not even NaN
  return beta == 1 ? c + out : beta * c + out;
}

Tensor outer(const Arg& left, const Tensor& b) {
  const Tensor a = left.as_tensor(float32);
  if (a.rank() != 1 || b.rank() != 1)
    raise<ShapeError>(
        left.where(), "outer",
        fmt::format("1-d operands wanted: left {}, right {}", a.shape().str(), b.shape().str()));
  const Caller caller(left.where());
  return unsqueeze(a, 1) * b;
}

Tensor bilinear(const Arg& left, const Tensor& x2, const Tensor& weight, const Tensor& bias) {
  const Tensor x1 = left.as_tensor(float32);
  const Location at = Caller::or_else(left.where());
  const Caller caller(at);
  for (const Tensor* other : {&x2, &weight}) check_floating_pair(x1, *other, "bilinear", at);
  bool fits = x1.rank() > 0 && x2.rank() == x1.rank() && weight.rank() == 3;
  for (int i = 0; fits && i < x1.rank(); ++i) {
    const bool last = i == x1.rank() - 1;
    fits = last ? x1.shape()[i] == weight.shape()[1] && x2.shape()[i] == weight.shape()[2]
                : x1.shape()[i] == x2.shape()[i];
  }
  if (!fits)
    raise<ShapeError>(
        at, "bilinear",
        fmt::format("x1 is {}, x2 {}, weight {}; [..., in1], [..., in2] and [out, in1, in2] wanted",
                    x1.shape().str(), x2.shape().str(), weight.shape().str()));
  const std::int64_t in1 = weight.shape()[1], in2 = weight.shape()[2];
  if (bias.defined() &&
      (bias.shape() != Shape{weight.shape()[0]} || bias.dtype() != weight.dtype()))
    raise<ShapeError>(at, "bilinear",
                      fmt::format("bias is {} {}, {} [{}] wanted", name_of(bias.dtype()),
                                  bias.shape().str(), name_of(weight.dtype()), weight.shape()[0]));
  // all products of two inputs, so that the rest is one affine map
  Shape pairs = x1.shape();
  pairs[pairs.rank() - 1] = in1 * in2;
  const Tensor products = reshape(unsqueeze(x1, -1) * unsqueeze(x2, -2), pairs);
  return linear(products, reshape(weight, Shape{weight.shape()[0], in1 * in2}), bias);
}

Tensor linear(const Arg& argument, const Tensor& weight, const Tensor& bias) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  check_floating_pair(x, weight, "linear", at);
  if (x.rank() == 0 || weight.rank() != 2 || x.shape()[x.rank() - 1] != weight.shape()[1])
    raise<ShapeError>(at, "linear",
                      fmt::format("x is {}, weight {}; [..., in] and [out, in] wanted",
                                  x.shape().str(), weight.shape().str()));
  const std::int64_t in = weight.shape()[1], out_size = weight.shape()[0];
  if (bias.defined() && (bias.shape() != Shape{out_size} || bias.dtype() != x.dtype()))
    raise<ShapeError>(at, "linear",
                      fmt::format("bias is {} {}, {} [{}] wanted", name_of(bias.dtype()),
                                  bias.shape().str(), name_of(x.dtype()), out_size));
  const Tensor rows = x.rank() == 2 ? x : reshape(x, Shape{rows_of(x.shape()), in});
  Shape shape = x.shape();
  shape[shape.rank() - 1] = out_size;
  Tensor out;
  if (!bias.defined()) {
    out = product(rows, false, weight, true, "linear", at);
  } else {
    const std::int64_t m = rows.shape()[0];
    out = Tensor::empty({m, out_size}, x.dtype());
    const std::int64_t bytes = out_size * size_of(x.dtype());
    char* const to = out.value()->as<char>();
    if (m > 0) std::memcpy(to, bias.value()->elements(), bytes);
    for (std::int64_t rows = 1; rows < m; rows *= 2)
      std::memcpy(to + rows * bytes, to, std::min(rows, m - rows) * bytes);
    Product(false, true, m, out_size, in, true).run(rows, weight, out);
    record("linear", at, std::initializer_list<Operand>{saved(rows), saved(weight), unsaved(bias)},
           out, [](Backward& backward) {
             product_vjp(backward, backward.grad(), false, true);
             if (backward.needs(2)) give_sum_of_rows(backward, 2);
           });
  }
  return x.rank() == 2 ? out : reshape(out, shape);
}

// What the catalogue says of them.
namespace {

const ArrayOperation matmul_record{
    {.name = "matmul", .about = "the matrix product", .formula = "sum_k a_ik b_kj"},
    {{"matmul(a, b)", {{3, 4}, {4, 2}}, [](auto& in) { return xtape::matmul(in[0], in[1]); }},
     {"matmul(a, v)", {{3, 4}, {4}}, [](auto& in) { return xtape::matmul(in[0], in[1]); }},
     {"matmul(stack, b)", {{2, 1, 3, 4}, {5, 4, 2}}, [](auto& in) {
        return xtape::matmul(in[0], in[1]);
      }}}};
const ArrayOperation linear_record{
    {.name = "linear", .about = "an affine map of the last axis", .formula = "x W^T + b"},
    {{"linear(x, W, b)",
      {{3, 4}, {2, 4}, {2}},
      [](auto& in) { return xtape::linear(in[0], in[1], in[2]); }},
     {"linear(x, W)", {{2, 3, 4}, {5, 4}}, [](auto& in) { return xtape::linear(in[0], in[1]); }}}};

}  // namespace
}  // namespace xtape
