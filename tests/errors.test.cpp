// Every place that throws, once: what is called, and how the message begins. All messages end in
// the line of the call.
#include <limits>

#include "check.hpp"

using namespace check;

namespace {

enum class Kind { shape, dtype, value, index, grad, stale, anomaly };

struct Row {
  Kind kind;
  const char* beginning;
  void (*call)();
  int line;
};
Row row(Kind kind, const char* beginning, void (*call)(), int line = __builtin_LINE()) {
  return {kind, beginning, call, line};
}

template <class E>
bool is(const Error& error) {
  return typeid(error) == typeid(E);
}

bool is_kind(const Error& error, Kind kind) {
  switch (kind) {
    case Kind::shape: return is<ShapeError>(error);
    case Kind::dtype: return is<DTypeError>(error);
    case Kind::value: return is<ValueError>(error);
    case Kind::index: return is<IndexError>(error);
    case Kind::grad: return is<GradError>(error);
    case Kind::stale: return is<StaleValueError>(error);
    case Kind::anomaly: return is<AnomalyError>(error);
  }
  return false;
}

Tensor leaf() { return ones({2}).requires_grad(true); }
const auto test_condition = elementwise("test_condition", [](auto x) { return x > 0; });
const auto test_sum = elementwise("test_sum", [](auto x, auto y) { return x + y; });
constexpr double infinity = std::numeric_limits<double>::infinity();

// clang-format off
const Row rows[] = {
    // shapes
    row(Kind::shape, "shape: more than 10 axes", [] { zeros({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}); }),
    row(Kind::shape, "shape: a size is negative: -2", [] { zeros({3, -2}); }),
    row(Kind::shape, "shape: more elements than can be counted: [9223372036854775807, 2]", [] { zeros({std::numeric_limits<std::int64_t>::max(), 2}); }),
    row(Kind::shape, "test_sum: shapes do not broadcast: [2] and [3]", [] { test_sum(zeros({2}), zeros({3})); }),
    row(Kind::index, "sum: axis 2 of a tensor with 1 axes", [] { sum(zeros({2}), 2); }),
    // tensors
    row(Kind::shape, "tensor: the nested lists are ragged: a part does not fit shape [2, 1]", [] { Tensor({{1}, {2, 3}}); }),
    row(Kind::value, "tensor: used before it was given a value", [] { Tensor().numel(); }),
    row(Kind::dtype, "values: the tensor is float32, asked for as boolean", [] { zeros({2}).values<bool>(); }),
    row(Kind::grad, "mutable_values: a tensor that requires gradients may be changed only under NoGrad", [] { leaf().mutable_values<float>(); }),
    row(Kind::shape, "item: one element wanted, shape is [2]", [] { zeros({2}).item<float>(); }),
    // the tape
    row(Kind::dtype, "requires_grad: only floating tensors have gradients, this one is boolean", [] { zeros({2}, boolean).requires_grad(true); }),
    row(Kind::grad, "requires_grad: an operation made this tensor; detach() it to stop its gradient", [] { (leaf() * 2).requires_grad(false); }),
    row(Kind::grad, "set_grad: only a leaf that requires gradients has one to set", [] { zeros({2}).set_grad(zeros({2})); }),
    row(Kind::shape, "set_grad: the gradient has shape [3], the tensor [2]", [] { leaf().set_grad(zeros({3})); }),
    row(Kind::dtype, "set_grad: the gradient is int64, the tensor float32", [] { leaf().set_grad(zeros({2}, int64)); }),
    row(Kind::grad, "retain_grad: the tensor does not require gradients", [] { zeros({2}).retain_grad(); }),
    row(Kind::shape, "backward: a tensor of shape [2] needs a seed of its shape; or reduce it with sum() or mean()", [] { leaf().backward(); }),
    row(Kind::grad, "backward: the tensor does not depend on one that requires gradients", [] { zeros({}).backward(); }),
    row(Kind::shape, "backward: the seed has shape [], the tensor [2]", [] { leaf().backward(Tensor(1)); }),
    row(Kind::dtype, "backward: the seed is float64, the tensor float32", [] { leaf().backward(ones({2}, float64)); }),
    row(Kind::value, "backward: 1 tensors but 0 seeds", [] { const Tensor x = leaf(); backward({&x, 1}, {}); }),
    row(Kind::grad, "grad: input 0 does not require gradients", [] { grad(sum(leaf()), {zeros({2})}); }),
    row(Kind::grad, "sum: its saved values were freed by an earlier backward(); pass {.retain_graph = true} to the earlier call", [] { const Tensor x = sum(leaf()); x.backward(); x.backward(); }),
    row(Kind::shape, "leaf: gradients of float32 [2] and float32 [3] for one tensor", [] { const Tensor x = leaf(); record("odd", Location(), {unsaved(x)}, x.copy(), [](Backward& b) { b.give(0, zeros({2})); b.give(0, zeros({3})); }).backward(zeros({2})); }),
    row(Kind::stale, "sin: input 0 of shape [2] was changed in place at errors.test.cpp:", [] { const Tensor x = leaf(), y = sin(x); x.detach().mutable_values<float>(); y.backward(zeros({2})); }),
    row(Kind::anomaly, "log: the forward pass first produced -inf at element 0 of shape [2]", [] { set_anomaly(true); log(zeros({2})); }),
    row(Kind::anomaly, "sqrt: the backward pass first produced inf at element 0 of shape []", [] { set_anomaly(true); sqrt(Tensor(0).requires_grad(true)).backward(); }),
    // formulas and the catalogue
    row(Kind::dtype, "test_condition: a condition cannot be summed; use where()", [] { test_condition.sum({}, zeros({2})); }),
    row(Kind::dtype, "mul: mean of a floating tensor wanted, not of int64; cast() it", [] { formulas::mul.mean({}, zeros({2}, int64), 2); }),
    row(Kind::index, "test_sum: axis -1 is named twice in [1, -1]", [] { test_sum.sum({1, -1}, zeros({2, 2}), 1); }),
    row(Kind::value, "catalogue: no such name: 'tanhh'; did you mean tanh", [] { find("tanhh"); }),
    row(Kind::value, "activation: no such name: 'gelou'; did you mean gelu", [] { activation("gelou"); }),
    row(Kind::value, "matmul: needs more than one tensor", [] { find("matmul")(zeros({2})); }),
    row(Kind::value, "set_num_threads: at least 1 wanted, got 0", [] { set_num_threads(0); }),
    // creation and random numbers
    row(Kind::value, "arange: the step is 0", [] { arange(0, 1, 0); }),
    row(Kind::value, "arange: from 0 to inf in steps of 1 never ends", [] { arange(0, infinity); }),
    row(Kind::value, "arange: from 0 to nan in steps of 1 never ends", [] { arange(0, std::nan("")); }),
    row(Kind::value, "linspace: the count is negative: -1", [] { linspace(0, 1, -1); }),
    row(Kind::shape, "shape: a size is negative: -1", [] { eye(-1); }),
    row(Kind::dtype, "rand: floating numbers wanted, not int64", [] { rand({2}, int64); }),
    row(Kind::dtype, "randn: floating numbers wanted, not boolean", [] { randn({2}, boolean); }),
    row(Kind::value, "randperm: n is negative: -3", [] { randperm(-3); }),
    // reductions
    row(Kind::dtype, "mean: of a floating tensor wanted, this one is int64; cast() it", [] { mean(zeros({2}, int64)); }),
    row(Kind::index, "mean: axis 1 of a tensor with 1 axes", [] { mean(zeros({2}), 1); }),
    row(Kind::index, "sum: axis 0 is named twice in [0, 0]", [] { sum(zeros({2}), {0, 0}); }),
    row(Kind::shape, "amax: no elements to choose from in shape [0, 3]", [] { amax(zeros({0, 3}), 0); }),
    row(Kind::shape, "amin: no elements to choose from in shape [0]", [] { amin(zeros({0})); }),
    row(Kind::index, "amin: axis -2 of a tensor with 1 axes", [] { amin(zeros({2}), -2); }),
    row(Kind::index, "argmax: axis 1 of a tensor with 1 axes", [] { argmax(zeros({2}), 1); }),
    row(Kind::shape, "argmax: no elements to choose from in shape [2, 0]", [] { argmax(zeros({2, 0}), 1); }),
    row(Kind::index, "logsumexp: axis 1 of a tensor with 1 axes", [] { logsumexp(zeros({2}), 1); }),
    row(Kind::shape, "sum_to: shapes do not broadcast: [2] and [3]", [] { sum_to(zeros({2}), {3}); }),
    row(Kind::shape, "sum_to: [2, 2] does not broadcast to [2]", [] { sum_to(zeros({2}), {2, 2}); }),
    row(Kind::shape, "broadcast_to: shapes do not broadcast: [2] and [3]", [] { broadcast_to(zeros({2}), {3}); }),
    row(Kind::shape, "broadcast_to: [2, 2] does not broadcast to [2]", [] { broadcast_to(zeros({2, 2}), {2}); }),
    // shaping
    row(Kind::shape, "reshape: [2, 3] has 6 elements, [4] has 4", [] { reshape(zeros({2, 3}), {4}); }),
    row(Kind::shape, "reshape: [2, 3] has 6 elements, [4, 2] has 8", [] { reshape(zeros({2, 3}), Shape{4, 2}); }),
    row(Kind::shape, "reshape: 6 elements of shape [2, 3] do not divide into [4, -1]", [] { reshape(zeros({2, 3}), {4, -1}); }),
    row(Kind::shape, "reshape: 0 elements of shape [0] do not divide into [0, -1]", [] { reshape(zeros({0}), {0, -1}); }),
    row(Kind::shape, "shape: a size is negative: -1", [] { reshape(zeros({4}), {-1, -1}); }),
    row(Kind::shape, "shape: a size is negative: -4", [] { reshape(zeros({4}), {-4, -1}); }),
    row(Kind::index, "flatten: axis 2 of a tensor with 2 axes", [] { flatten(zeros({2, 3}), 2); }),
    row(Kind::index, "flatten: axis 1 comes after axis 0", [] { flatten(zeros({2, 3}), 1, 0); }),
    row(Kind::index, "unsqueeze: axis 3 of a tensor with 3 axes", [] { unsqueeze(zeros({2, 3}), 3); }),
    row(Kind::shape, "shape: more than 10 axes", [] { unsqueeze(zeros({1, 1, 1, 1, 1, 1, 1, 1, 1, 1}), 0); }),
    row(Kind::index, "squeeze: axis 0 of a tensor with 0 axes", [] { squeeze(zeros({}), 0); }),
    row(Kind::index, "permute: [0, 0] does not name each of the 2 axes of shape [2, 3] once", [] { permute(zeros({2, 3}), {0, 0}); }),
    row(Kind::index, "permute: [0] does not name each of the 2 axes of shape [2, 3] once", [] { permute(zeros({2, 3}), {0}); }),
    row(Kind::index, "permute: no axes named for shape [2, 3]", [] { permute(zeros({2, 3}), {}); }),
    row(Kind::index, "permute: axis 5 of a tensor with 2 axes", [] { permute(zeros({2, 3}), {0, 5}); }),
    row(Kind::index, "transpose: axis -2 of a tensor with 1 axes", [] { transpose(zeros({2})); }),
    row(Kind::index, "slice: axis 1 of a tensor with 1 axes", [] { slice(zeros({2}), 1, {}); }),
    row(Kind::value, "slice: the step is 0", [] { slice(zeros({2}), 0, {.start = 0, .stop = 1, .step = 0}); }),
    row(Kind::value, "cat: no tensors given", [] { cat({}); }),
    row(Kind::dtype, "cat: float32 beside int64", [] { cat({zeros({2}), zeros({2}, int64)}); }),
    row(Kind::shape, "cat: sizes differ outside axis 0: [2, 3] and [2, 4]", [] { cat({zeros({2, 3}), zeros({2, 4})}); }),
    row(Kind::shape, "cat: sizes differ outside axis 0: [2, 3] and [2]", [] { cat({zeros({2, 3}), zeros({2})}); }),
    row(Kind::index, "cat: axis 0 of a tensor with 0 axes", [] { cat({Tensor(1)}); }),
    row(Kind::value, "stack: no tensors given", [] { stack({}); }),
    row(Kind::shape, "stack: shapes differ: [2] and [3]", [] { stack({zeros({2}), zeros({3})}); }),
    row(Kind::index, "stack: axis 2 of a tensor with 2 axes", [] { stack({zeros({2})}, 2); }),
    row(Kind::dtype, "gather: the index is float32, int64 wanted", [] { gather(zeros({2}), 0, zeros({1})); }),
    row(Kind::index, "gather: index 2 at position 1, but the axis has size 2", [] { gather(zeros({2}), 0, Tensor({0, 2}, int64)); }),
    row(Kind::index, "gather: index -3 at position 0, but the axis has size 2", [] { gather(zeros({2}), 0, Tensor({-3}, int64)); }),
    row(Kind::shape, "gather: an index of shape [3, 1] does not fit x of shape [2, 2] along axis 1", [] { gather(zeros({2, 2}), 1, zeros({3, 1}, int64)); }),
    row(Kind::shape, "gather: an index of shape [1] does not fit x of shape [2, 2] along axis 0", [] { gather(zeros({2, 2}), 0, zeros({1}, int64)); }),
    row(Kind::index, "scatter_add: axis 1 of a tensor with 1 axes", [] { scatter_add(zeros({2}), 1, zeros({1}, int64), zeros({1})); }),
    row(Kind::shape, "scatter_add: an index of shape [1, 2] does not fit x of shape [1, 1] along axis 0", [] { scatter_add(zeros({1, 1}), 0, zeros({1, 2}, int64), zeros({1, 2})); }),
    row(Kind::shape, "scatter_add: the source has shape [2], the index [1]", [] { scatter_add(zeros({2}), 0, zeros({1}, int64), zeros({2})); }),
    row(Kind::dtype, "scatter_add: float64 added to float32", [] { scatter_add(zeros({2}), 0, zeros({1}, int64), zeros({1}, float64)); }),
    row(Kind::index, "scatter_add: index 7 at position 0, but the axis has size 2", [] { scatter_add(zeros({2}), 0, Tensor({7}, int64), zeros({1})); }),
    row(Kind::shape, "index_select: a 1-d index wanted, its shape is [1, 1]", [] { index_select(zeros({2}), 0, zeros({1, 1}, int64)); }),
    row(Kind::index, "index_select: index 2 at position 0, but the axis has size 2", [] { index_select(zeros({2}), 0, Tensor({2}, int64)); }),
    row(Kind::index, "take: index 4 at position 0, but the axis has size 4", [] { take(zeros({2, 2}), Tensor({4}, int64)); }),
    row(Kind::dtype, "take: the index is boolean, int64 wanted", [] { take(zeros({2, 2}), zeros({1}, boolean)); }),
    // linear algebra
    row(Kind::dtype, "matmul: two floating tensors of one type wanted: float32 and float64", [] { matmul(zeros({2, 2}), zeros({2, 2}, float64)); }),
    row(Kind::dtype, "matmul: two floating tensors of one type wanted: int64 and int64", [] { matmul(zeros({2, 2}, int64), zeros({2, 2}, int64)); }),
    row(Kind::shape, "matmul: a 0-d operand: left [], right [2]; use *", [] { matmul(zeros({}), zeros({2})); }),
    row(Kind::shape, "matmul: inner sizes differ: left [2, 3], right [4, 3]; did you mean to transpose the right operand?", [] { matmul(zeros({2, 3}), zeros({4, 3})); }),
    row(Kind::shape, "matmul: inner sizes differ: left [2, 3], right [4, 5] (", [] { matmul(zeros({2, 3}), zeros({4, 5})); }),
    row(Kind::shape, "matmul: inner sizes differ: left [3], right [4] (", [] { matmul(zeros({3}), zeros({4})); }),
    row(Kind::shape, "matmul: shapes do not broadcast: [2] and [3]", [] { matmul(zeros({2, 1, 1}), zeros({3, 1, 1})); }),
    row(Kind::shape, "matmul: BLAS counts to 2^31 - 1, a size is 2147483648", [] { matmul(zeros({std::int64_t{1} << 31, 0}), zeros({0, 0})); }),
    row(Kind::dtype, "linear: two floating tensors of one type wanted: float64 and float32", [] { linear(zeros({2, 2}, float64), zeros({2, 2})); }),
    row(Kind::shape, "linear: x is [2, 3], weight [3, 2]; [..., in] and [out, in] wanted", [] { linear(zeros({2, 3}), zeros({3, 2})); }),
    row(Kind::shape, "linear: x is [], weight [3, 2]; [..., in] and [out, in] wanted", [] { linear(zeros({}), zeros({3, 2})); }),
    row(Kind::shape, "linear: bias is float32 [2], float32 [3] wanted", [] { linear(zeros({1, 2}), zeros({3, 2}), zeros({2})); }),
    row(Kind::shape, "linear: bias is float64 [3], float32 [3] wanted", [] { linear(zeros({1, 2}), zeros({3, 2}), zeros({3}, float64)); }),
    row(Kind::shape, "linear: BLAS counts to 2^31 - 1, a size is 2147483648", [] { linear(zeros({std::int64_t{1} << 31, 0}), zeros({0, 0}), zeros({0})); }),
};
// clang-format on

}  // namespace

TEST_CASE("errors: every throw site has its type, its message and the user's line") {
  for (const Row& each : rows) {
    CAPTURE(each.line);
    bool thrown = false;
    try {
      each.call();
    } catch (const Error& error) {
      thrown = true;
      CHECK(is_kind(error, each.kind));
      const std::string text = error.what();
      CHECK_MESSAGE(text.find(each.beginning) == 0, text);
      CHECK_MESSAGE(
          text.find(" (errors.test.cpp:" + std::to_string(each.line) + ")") == text.rfind(" ("),
          text);
      CHECK(text.find(error.op()) == 0);
    }
    set_anomaly(false);
    CHECK(thrown);
  }
}
