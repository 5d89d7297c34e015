#include <fmt/format.h>

#include <xtape/ops/elements.hpp>
#include <xtape/ops/extrema.hpp>
#include <xtape/ops/formulas.hpp>
#include <xtape/ops/indexing.hpp>
#include <xtape/ops/reduce.hpp>
#include <xtape/ops/shaping.hpp>

namespace xtape {

using namespace detail;

namespace {

void check_elements(const Tensor& x, const Reduced& to, const char* op, const Location& at) {
  if (x.numel() == 0 && to.folded.numel() > 0)
    raise<ShapeError>(at, op,
                      fmt::format("no elements to choose from in shape {}", x.shape().str()));
}

// The extrema themselves in the shape `folded`, and x as numbers.
struct Folded {
  Tensor numbers, extrema;
  Folded(const Tensor& x, const Reduced& to, Fold kind, const char* op, const Location& at) {
    check_elements(x, to, op, at);
    numbers = x.dtype() == boolean ? cast(Arg(x, at), int64) : x;
    extrema = Tensor::empty(to.folded, numbers.dtype());
    fold(numbers, extrema, x.shape(), to.folded, kind);
  }
};

Tensor extremum(const Arg& argument, const Dims& dims, Fold kind, const char* op) {
  const Tensor x = argument.as_tensor(float32);
  const Location at = Caller::or_else(argument.where());
  const Caller caller(at);
  const Reduced to(x.shape(), dims, op, at);
  const Folded folded(x, to, kind, op, at);
  const Tensor out(Value::show(folded.extrema.value(), to.result));
  if (x.dtype() == boolean) return cast(out, boolean);
  return chosen(op, at, x, out, to.folded);
}

// The first index along the middle axis at which x equals its extremum there: going backwards, the
// last match is the first one.
template <class T>
void first_matches(const T* x, const T* extrema, std::int64_t* out, const Around& block) {
  for_columns(block, [&](std::int64_t first, std::int64_t columns) {
    const std::int64_t row = first / (block.n * block.inner) * block.inner + first % block.inner;
    const T* const wanted = extrema + row;
    std::int64_t* const index = out + row;
    if (block.inner == 1) {
      std::int64_t k = 0;
      while (!(x[first + k] == *wanted || x[first + k] != x[first + k])) ++k;
      *index = k;
      return;
    }
    for (std::int64_t k = block.n - 1; k >= 0; --k) {
      const T* const here = x + first + k * block.inner;
      for (std::int64_t c = 0; c < columns; ++c)
        index[c] = here[c] == wanted[c] || here[c] != here[c] ? k : index[c];
    }
  });
}

// The axis, and the indices of the extrema along it with size 1 there.
struct Found {
  int axis;
  Reduced to;
  Tensor x, indices;

  Found(const Arg& argument, std::int64_t dim, bool keepdim, Fold kind, const char* op)
      : to(argument.as_tensor(float32).shape(), Dims(dim).keep(keepdim), op,
           Caller::or_else(argument.where())) {
    const Location at = Caller::or_else(argument.where());
    x = argument.as_tensor(float32);
    const Tensor rows = x.rank() == 0 ? reshape(x.detach(), {1}) : x;
    axis = normalize_axis(dim, rows.rank(), op, at);
    const Folded folded(x, to, kind, op, at);
    indices = Tensor::empty(replaced(rows.shape(), axis, 1), int64);
    by_type(folded.numbers.dtype(), [&]<class T>(T*) {
      first_matches(folded.numbers.value()->as<T>(), folded.extrema.value()->as<T>(),
                    indices.value()->as<std::int64_t>(), Around(rows.shape(), axis));
    });
  }
};

Tensor index_of(const Arg& argument, std::optional<std::int64_t> dim, bool keepdim, Fold kind,
                const char* op) {
  const Caller caller(argument.where());
  if (dim) {
    const Found found(argument, *dim, keepdim, kind, op);
    return reshape(found.indices, found.to.result);
  }
  const Tensor x = argument.as_tensor(float32);
  const Tensor indices = Found(reshape(x.detach(), {-1}), 0, false, kind, op).indices;
  return reshape(indices, Reduced(x.shape(), Dims().keep(keepdim), op, argument.where()).result);
}

Selection along(const Arg& argument, std::int64_t dim, bool keepdim, Fold kind, const char* op) {
  const Caller caller(argument.where());
  const Found found(argument, dim, keepdim, kind, op);
  return selected(found.x, found.axis, found.indices, found.to.result);
}

}  // namespace

namespace detail {

Tensor chosen(const char* op, const Location& at, const Tensor& x, const Tensor& out,
              const Shape& folded) {
  return record(op, at, {saved(x), saved(out)}, out, [folded](Backward& backward) {
    const Tensor best = reshape(backward.input(1).detach(), folded);
    const Tensor ties = formulas::tie(backward.input(0).detach(), best);
    backward.give(0, weigh(ties, reshape(backward.grad(), folded) / sum_to(ties, folded)));
  });
}

Selection selected(const Tensor& x, int axis, const Tensor& indices, const Shape& result) {
  const Tensor rows = x.rank() == 0 ? reshape(x, {1}) : x;
  return {reshape(gather(rows, axis, indices), result), reshape(indices, result)};
}

}  // namespace detail

Tensor amax(const Arg& x, const Dims& dims, bool keepdim) {
  return extremum(x, dims.keep(keepdim || dims.keepdim), Fold::max, "amax");
}
Tensor amin(const Arg& x, const Dims& dims, bool keepdim) {
  return extremum(x, dims.keep(keepdim || dims.keepdim), Fold::min, "amin");
}

Tensor max(const Arg& x) { return extremum(x, {}, Fold::max, "max"); }
Tensor min(const Arg& x) { return extremum(x, {}, Fold::min, "min"); }
Selection max(const Arg& x, std::int64_t dim, bool keepdim) {
  return along(x, dim, keepdim, Fold::max, "max");
}
Selection min(const Arg& x, std::int64_t dim, bool keepdim) {
  return along(x, dim, keepdim, Fold::min, "min");
}

Tensor argmax(const Arg& x, std::optional<std::int64_t> dim, bool keepdim) {
  return index_of(x, dim, keepdim, Fold::max, "argmax");
}
Tensor argmin(const Arg& x, std::optional<std::int64_t> dim, bool keepdim) {
  return index_of(x, dim, keepdim, Fold::min, "argmin");
}

// What the catalogue says of them.
namespace {

const ArrayOperation amax_record{
    {.name = "amax", .about = "the maximum over axes; ties share the gradient"},
    {{"amax(x)", {{3, 4}}, [](auto& in) { return xtape::amax(in[0]); }},
     {"amax(x, 0)", {{3, 4}}, [](auto& in) { return xtape::amax(in[0], 0); }},
     {"max(x)", {{5}}, [](auto& in) { return xtape::max(in[0]); }},
     {"max(x, 1).values", {{3, 4, 2}}, [](auto& in) { return xtape::max(in[0], 1).values; }}}};
const ArrayOperation amin_record{
    {.name = "amin", .about = "the minimum over axes; ties share the gradient"},
    {{"amin(x, {0, 1})",
      {{3, 4, 2}},
      [](auto& in) {
        return xtape::amin(in[0], {0, 1});
      }},
     {"min(x, -1, true).values", {{3, 4}}, [](auto& in) {
        return xtape::min(in[0], -1, true).values;
      }}}};

}  // namespace
}  // namespace xtape
