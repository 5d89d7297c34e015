#include <fmt/format.h>

#include <xtape/ops/creation.hpp>
#include <xtape/ops/decompositions.hpp>
#include <xtape/ops/diagonals.hpp>
#include <xtape/ops/lapack.hpp>
#include <xtape/ops/math.hpp>
#include <xtape/ops/matrices.hpp>
#include <xtape/ops/products.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape {

using namespace detail;

namespace {

void check_matrix(const Tensor& x, const char* op, const Location& at) {
  check_floating(x, op, at);
  if (x.rank() < 2)
    raise<ShapeError>(
        at, op,
        fmt::format("a matrix or a stack of them wanted, the shape is {}", x.shape().str()));
  for (int axis : {x.rank() - 2, x.rank() - 1}) lapack::check_size(x.shape()[axis], op, at);
}

void check_square(const Tensor& x, const char* op, const Location& at) {
  check_matrix(x, op, at);
  if (x.shape()[x.rank() - 2] != x.shape()[x.rank() - 1])
    raise<ShapeError>(at, op,
                      fmt::format("square matrices wanted, the shape is {}", x.shape().str()));
}

// Rows and columns for numbers, one for each matrix.
Tensor as_matrix(const Tensor& numbers) { return unsqueeze(unsqueeze(numbers, -1), -1); }
// sum_ij a_ij b_ij for each matrix.
Tensor inner(const Tensor& a, const Tensor& b) {
  return formulas::mul.sum(Dims{-2, -1}.keep(), a, b);
}

Tensor inverse(const Tensor& a, const char* op, const Location& at) {
  const Tensor out = lapack::inverse(a, op, at);
  return record(op, at, {unsaved(a), saved(out)}, out, [](Backward& backward) {
    const Tensor y = transpose(backward.result());
    backward.give(0, -matmul(matmul(y, backward.grad()), y));
  });
}

// op(a) x = b for as many matrices a as b.
Tensor solution(const Tensor& a, bool transposed, const Tensor& b, const Location& at) {
  const Tensor out = lapack::solution(a, transposed, b, "solve", at);
  return record(
      "solve", at, {saved(a), unsaved(b), saved(out)}, out, [transposed](Backward& backward) {
        const Location& at = backward.node().where;
        const Tensor share = solution(backward.input(0), !transposed, backward.grad(), at);
        backward.give(1, share);
        if (!backward.needs(0)) return;
        const Tensor x = backward.result();
        backward.give(0, transposed ? -matmul(x, transpose(share)) : -matmul(share, transpose(x)));
      });
}

// The cofactors of a matrix, d det / d a, and their derivatives from the singular value
// decomposition a = u diag(s) vh. They are polynomials in a, right for singular matrices too:
//   cofactors = det(u) det(vh) u diag(products of all s but s_i) vh
struct Cofactors {
  Tensor sign, u, vh;
  Tensor but_one;  // products of all singular values but one, [..., n]
  Tensor but_two;  // but two, [..., n, n]; 0 on the diagonal

  Cofactors(const Tensor& a, const Location& at) {
    const auto parts = lapack::singular(a, "det", at);
    u = parts.u;
    vh = parts.vh;
    sign = as_matrix(lapack::determinants(u, false).sign * lapack::determinants(vh, false).sign);
    but_one = Tensor::empty(parts.s.shape(), a.dtype());
    but_two = Tensor::empty(a.shape(), a.dtype());
    const std::int64_t n = a.shape()[a.rank() - 1], count = n == 0 ? 0 : but_one.numel() / n;
    by_floating(a.dtype(), [&]<class T>(T*) {
      for (std::int64_t i = 0; i < count; ++i)
        fill(parts.s.value()->as<T>() + i * n, n, but_one.value()->as<T>() + i * n,
             but_two.value()->as<T>() + i * n * n);
    });
  }

 private:
  template <class T>
  static void fill(const T* s, std::int64_t n, T* one, T* two) {
    T before = 1;
    for (std::int64_t i = 0; i < n; before *= s[i++]) {
      T between = before;
      two[i * n + i] = 0;
      for (std::int64_t j = i + 1; j < n; between *= s[j++]) two[i * n + j] = between;
      one[i] = between;
    }
    T after = 1;
    for (std::int64_t j = n - 1; j >= 0; after *= s[j--])
      for (std::int64_t i = 0; i < j; ++i) two[j * n + i] = two[i * n + j] *= after;
  }
};

// d cofactors(a) along g, the second derivative of det: linear in g, and its own transpose.
Tensor cofactor_slope(const Tensor& a, const Tensor& g, const Location& at) {
  Tensor out;
  {
    const NoGrad off;
    const Cofactors of(a, at);
    const Tensor turned = matmul(matmul(transpose(of.u), g), transpose(of.vh));
    const Tensor on = unsqueeze(diagonal(turned, 0, -2, -1), -1);
    const Tensor middle =
        diag_embed(squeeze(matmul(of.but_two, on), -1)) - of.but_two * transpose(turned);
    out = of.sign * matmul(matmul(of.u, middle), of.vh);
  }
  return record("det", at, {saved(a), saved(g)}, out, [](Backward& backward) {
    const Location& at = backward.node().where;
    const Tensor a = backward.input(0), g = backward.input(1), &h = backward.grad();
    if (backward.needs(1)) backward.give(1, cofactor_slope(a, h, at));
    if (!backward.needs(0)) return;
    // with p = a^-1 g and q = a^-1 h:
    //   det a^-T ((tr p tr q - tr(p q)) I - tr p q^T - tr q p^T + (p q)^T + (q p)^T)
    const Tensor y = inverse(a, "det", at), p = matmul(y, g), q = matmul(y, h);
    const Tensor one = eye(a.shape()[a.rank() - 1], a.dtype());
    const Tensor tp = inner(p, one), tq = inner(q, one);
    const Tensor total =
        (tp * tq - inner(p, transpose(q))) * one - tp * q - tq * p + matmul(p, q) + matmul(q, p);
    backward.give(0, as_matrix(det(a)) * transpose(matmul(total, y)));
  });
}

Tensor cofactors(const Tensor& a, const Location& at) {
  Tensor out;
  {
    const NoGrad off;
    const Cofactors of(a, at);
    out = of.sign * matmul(of.u * unsqueeze(of.but_one, -2), of.vh);
  }
  return record("det", at, {saved(a)}, out, [](Backward& backward) {
    backward.give(0, cofactor_slope(backward.input(0), backward.grad(), backward.node().where));
  });
}

// The lower triangle with half of the diagonal.
Tensor half_lower(const Tensor& x) { return 0.5 * (tril(x) + tril(x, -1)); }

// 1 / (x_j - x_i), and 1 on the diagonal, where what it is multiplied with is 0.
Tensor reciprocal_gaps(const Tensor& x) {
  return 1 / (unsqueeze(x, -2) - unsqueeze(x, -1) + eye(x.shape()[x.rank() - 1], x.dtype()));
}

}  // namespace

Tensor inv(const Arg& argument) {
  const Tensor a = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  check_square(a, "inv", at);
  return inverse(a, "inv", at);
}

Tensor det(const Arg& argument) {
  const Tensor a = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  check_square(a, "det", at);
  const auto parts = lapack::determinants(a, false);
  return record("det", at, {saved(a)}, parts.sign * parts.size, [](Backward& backward) {
    backward.give(0,
                  as_matrix(backward.grad()) * cofactors(backward.input(0), backward.node().where));
  });
}

SignAndLog slogdet(const Arg& argument) {
  const Tensor a = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  check_square(a, "slogdet", at);
  const auto parts = lapack::determinants(a, true);
  return {parts.sign, record("slogdet", at, {saved(a)}, parts.size, [](Backward& backward) {
            const Tensor y = inverse(backward.input(0), "slogdet", backward.node().where);
            backward.give(0, as_matrix(backward.grad()) * transpose(y));
          })};
}

Tensor solve(const Arg& argument, const Tensor& right) {
  Tensor a = argument.as_tensor(float32), b = right;
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  check_floating_pair(a, b, "solve", at);
  check_square(a, "solve", at);
  const std::int64_t n = a.shape()[a.rank() - 1];
  bool vector = b.rank() == 1 || b.rank() == a.rank() - 1;
  for (int axis = 0; b.rank() > 1 && vector && axis < b.rank(); ++axis)
    vector = b.shape()[axis] == a.shape()[axis];
  if (vector) b = unsqueeze(b, -1);
  if (b.rank() < 2 || b.shape()[b.rank() - 2] != n)
    raise<ShapeError>(at, "solve",
                      fmt::format("a right side of {} rows wanted for a of shape {}, b is {}", n,
                                  a.shape().str(), right.shape().str()));
  const std::int64_t k = b.shape()[b.rank() - 1];
  lapack::check_size(k, "solve", at);
  const Shape stack = broadcast(stack_of(a.shape()), stack_of(b.shape()), "solve", at);
  const Tensor out = solution(broadcast_to(a, with_matrix(stack, n, n)), false,
                              broadcast_to(b, with_matrix(stack, n, k)), at);
  return vector ? squeeze(out, -1) : out;
}

Tensor cholesky(const Arg& argument) {
  const Tensor a = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  check_square(a, "cholesky", at);
  const Tensor out = lapack::cholesky(a, at);
  return record("cholesky", at, {unsaved(a), saved(out)}, out, [](Backward& backward) {
    const Location& at = backward.node().where;
    const Tensor l = backward.result();
    const Tensor lower = half_lower(matmul(transpose(l), backward.grad()));
    // l^-T lower l^-1, of which the symmetric part
    const Tensor half = solution(l, true, lower, at);
    const Tensor share = solution(l, true, transpose(half), at);
    backward.give(0, 0.5 * (share + transpose(share)));
  });
}

Svd svd(const Arg& argument) {
  const Tensor a = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  check_matrix(a, "svd", at);
  const auto parts = lapack::singular(a, "svd", at);
  const Tensor outputs[] = {parts.u, parts.s, parts.vh};
  const Operand inputs[] = {saved(a), saved(parts.u), saved(parts.s), saved(parts.vh)};
  record("svd", at, inputs, outputs, [](Backward& backward) {
    Tensor u = backward.input(1), s = backward.input(2), vh = backward.input(3);
    if (backward.create_graph()) {  // the outputs again, with their place on the tape
      const Svd again = svd(backward.input(0));
      u = again.u;
      s = again.s;
      vh = again.vh;
    }
    const Tensor &gu = backward.grad(0), &gs = backward.grad(1), &gvh = backward.grad(2);
    const Tensor scale = unsqueeze(s, -2);  // multiplies columns
    Tensor middle, share;
    const auto add = [](Tensor& to, const Tensor& what) { to = to.defined() ? to + what : what; };
    const auto skew = [](const Tensor& x) { return x - transpose(x); };
    if (gs.defined()) add(middle, diag_embed(gs));
    if (gu.defined()) {
      const Tensor turned = matmul(transpose(u), gu);
      add(middle, weigh(skew(turned), reciprocal_gaps(square(s))) * scale);
      if (u.shape()[u.rank() - 2] > u.shape()[u.rank() - 1])
        add(share, matmul((gu - matmul(u, turned)) / scale, vh));
    }
    if (gvh.defined()) {
      const Tensor turned = matmul(vh, transpose(gvh));
      add(middle, weigh(skew(turned), reciprocal_gaps(square(s))) * unsqueeze(s, -1));
      if (vh.shape()[vh.rank() - 2] < vh.shape()[vh.rank() - 1])
        add(share, matmul(u, (gvh - matmul(transpose(turned), vh)) / unsqueeze(s, -1)));
    }
    if (middle.defined()) add(share, matmul(matmul(u, middle), vh));
    backward.give(0, share);
  });
  return {parts.u, parts.s, parts.vh};
}

Eigh eigh(const Arg& argument) {
  const Tensor a = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  check_square(a, "eigh", at);
  const auto parts = lapack::eigen(a, at);
  const Tensor outputs[] = {parts.values, parts.vectors};
  const Operand inputs[] = {saved(a), saved(parts.values), saved(parts.vectors)};
  record("eigh", at, inputs, outputs, [](Backward& backward) {
    Tensor values = backward.input(1), v = backward.input(2);
    if (backward.create_graph()) {  // the outputs again, with their place on the tape
      const Eigh again = eigh(backward.input(0));
      values = again.values;
      v = again.vectors;
    }
    const Tensor &gvalues = backward.grad(0), &gv = backward.grad(1);
    Tensor middle;
    if (gvalues.defined()) middle = diag_embed(gvalues);
    if (gv.defined()) {
      const Tensor turned = matmul(transpose(v), gv);
      const Tensor turning = weigh(0.5 * (turned - transpose(turned)), reciprocal_gaps(values));
      middle = middle.defined() ? middle + turning : turning;
    }
    backward.give(0, matmul(matmul(v, middle), transpose(v)));
  });
  return {parts.values, parts.vectors};
}

Tensor eigvalsh(const Arg& a) { return eigh(a).values; }

// What the catalogue says of them.
namespace {

const ArrayOperation inv_record{
    {.name = "inv", .about = "the inverse matrix", .low = -1, .high = 3},
    {{"inv(a)", {{2, 3, 3}}, [](auto& in) {
        return xtape::inv(in[0] + 4 * eye(3, in[0].dtype()));
      }}}};
const ArrayOperation det_record{
    {.name = "det", .about = "the determinant"},
    {{"det(a)", {{2, 3, 3}}, [](auto& in) { return xtape::det(in[0]); }}}};
const ArrayOperation slogdet_record{
    {.name = "slogdet", .about = "the sign and the logarithm of the determinant's size"},
    {{"slogdet(a).logabsdet", {{2, 3, 3}}, [](auto& in) {
        return xtape::slogdet(in[0] + 6 * eye(3, in[0].dtype())).logabsdet;
      }}}};
const ArrayOperation solve_record{
    {.name = "solve", .about = "the solution of a system of linear equations"},
    {{"solve(a, b)", {{2, 3, 3}, {3, 2}}, [](auto& in) {
        return xtape::solve(in[0] + 6 * eye(3, in[0].dtype()), in[1]);
      }}}};
const ArrayOperation cholesky_record{
    {.name = "cholesky",
     .about = "the lower triangular factor of a symmetric positive definite matrix",
     .source = "Murray 2016"},
    {{"cholesky(x x^T + I)", {{2, 3, 3}}, [](auto& in) {
        return xtape::cholesky(matmul(in[0], transpose(in[0])) + eye(3, in[0].dtype()));
      }}}};
const ArrayOperation svd_record{{.name = "svd", .about = "the singular value decomposition"},
                                {{"svd(a)", {{4, 3}}, [](auto& in) {
                                    const Svd parts = xtape::svd(in[0]);
                                    return matmul(square(parts.u) * exp(-parts.s),
                                                  square(parts.vh));
                                  }}}};
const ArrayOperation eigh_record{
    {.name = "eigh", .about = "the eigenvalues and eigenvectors of a symmetric matrix"},
    {{"eigh(x + x^T)", {{3, 3}}, [](auto& in) {
        const Eigh parts = xtape::eigh(in[0] + transpose(in[0]));
        return square(parts.vectors) * parts.values;
      }}}};

}  // namespace
}  // namespace xtape
