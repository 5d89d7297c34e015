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
// A call and its line; on one line, where all compilers agree on which it is.
#define CALL(...) [] { __VA_ARGS__; }, __LINE__

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
// Hands its input two gradients of different shapes.
Tensor torn(const Arg& x) {
  return record("leaf", x.where(), {unsaved(x.tensor())}, x.tensor().copy(), [](Backward& b) {
    b.give(0, zeros({2}));
    b.give(0, zeros({3}));
  });
}
void spoil(const Tensor& x) { x.detach().mutable_values<float>(); }
constexpr double infinity = std::numeric_limits<double>::infinity();

const Row rows[] = {
    // shapes
    {Kind::shape, "shape: more than 10 axes", CALL(zeros({1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1}))},
    {Kind::shape, "shape: a size is negative: -2", CALL(zeros({3, -2}))},
    {Kind::shape, "shape: more elements than can be counted: [9223372036854775807, 2]",
     CALL(zeros({std::numeric_limits<std::int64_t>::max(), 2}))},
    {Kind::shape, "test_sum: shapes do not broadcast: [2] and [3]",
     CALL(test_sum(zeros({2}), zeros({3})))},
    {Kind::index, "sum: axis 2 of a tensor with 1 axes", CALL(sum(zeros({2}), 2))},
    // tensors
    {Kind::shape, "tensor: the nested lists are ragged: a part does not fit shape [2, 1]",
     CALL(Tensor({{1}, {2, 3}}))},
    {Kind::value, "tensor: used before it was given a value", CALL(Tensor().numel())},
    {Kind::dtype, "values: the tensor is float32, asked for as boolean",
     CALL(zeros({2}).values<bool>())},
    {Kind::grad,
     "mutable_values: a tensor that requires gradients may be changed only under NoGrad",
     CALL(leaf().mutable_values<float>())},
    {Kind::shape, "item: one element wanted, shape is [2]", CALL(zeros({2}).item<float>())},
    // the tape
    {Kind::dtype, "requires_grad: only floating tensors have gradients, this one is boolean",
     CALL(zeros({2}, boolean).requires_grad(true))},
    {Kind::grad, "requires_grad: an operation made this tensor; detach() it to stop its gradient",
     CALL((leaf() * 2).requires_grad(false))},
    {Kind::grad, "set_grad: only a leaf that requires gradients has one to set",
     CALL(zeros({2}).set_grad(zeros({2})))},
    {Kind::shape, "set_grad: the gradient has shape [3], the tensor [2]",
     CALL(leaf().set_grad(zeros({3})))},
    {Kind::dtype, "set_grad: the gradient is int64, the tensor float32",
     CALL(leaf().set_grad(zeros({2}, int64)))},
    {Kind::grad, "retain_grad: the tensor does not require gradients",
     CALL(zeros({2}).retain_grad())},
    {Kind::shape,
     "backward: a tensor of shape [2] needs a seed of its shape; or reduce it with sum() or mean()",
     CALL(leaf().backward())},
    {Kind::grad, "backward: the tensor does not depend on one that requires gradients",
     CALL(zeros({}).backward())},
    {Kind::shape, "backward: the seed has shape [], the tensor [2]",
     CALL(leaf().backward(Tensor(1)))},
    {Kind::dtype, "backward: the seed is float64, the tensor float32",
     CALL(leaf().backward(ones({2}, float64)))},
    {Kind::value, "backward: 1 tensors but 0 seeds",
     CALL(const Tensor x = leaf(); backward({&x, 1}, {}))},
    {Kind::grad, "grad: input 0 does not require gradients", CALL(grad(sum(leaf()), {zeros({2})}))},
    {Kind::grad,
     "sum: its saved values were freed by an earlier backward(); pass {.retain_graph = true} to "
     "the earlier call",
     CALL(const Tensor x = sum(leaf()); x.backward(); x.backward())},
    {Kind::shape, "backward: leaf gave a gradient of float32 [3] to a tensor of float32 [2]",
     CALL(torn(leaf()).backward(zeros({2})))},
    {Kind::stale, "sin: input 0 of shape [2] was changed in place at errors.test.cpp:",
     CALL(const Tensor x = leaf(), y = sin(x); spoil(x); y.backward(zeros({2})))},
    {Kind::anomaly, "log: the forward pass first produced -inf at element 0 of shape [2]",
     CALL(set_anomaly(true); log(zeros({2})))},
    {Kind::anomaly, "sqrt: the backward pass first produced inf at element 0 of shape []",
     CALL(set_anomaly(true); sqrt(Tensor(0).requires_grad(true)).backward())},
    // formulas and the catalogue
    {Kind::dtype, "test_condition: a condition cannot be summed; use where()",
     CALL(test_condition.sum({}, zeros({2})))},
    {Kind::dtype, "mul: mean of a floating tensor wanted, not of int64; cast() it",
     CALL(formulas::mul.mean({}, zeros({2}, int64), 2))},
    {Kind::index, "test_sum: axis -1 is named twice in [1, -1]",
     CALL(test_sum.sum({1, -1}, zeros({2, 2}), 1))},
    {Kind::value, "catalogue: no such name: 'tanhh'; did you mean tanh", CALL(find("tanhh"))},
    {Kind::value, "activation: no such name: 'gelou'; did you mean gelu",
     CALL(activation("gelou"))},
    {Kind::value, "matmul: needs more than one tensor", CALL(find("matmul")(zeros({2})))},
    {Kind::value, "set_num_threads: at least 1 wanted, got 0", CALL(set_num_threads(0))},
    // creation and random numbers
    {Kind::value, "arange: the step is 0", CALL(arange(0, 1, 0))},
    {Kind::value, "arange: from 0 to inf in steps of 1 never ends", CALL(arange(0, infinity))},
    {Kind::value, "arange: from 0 to nan in steps of 1 never ends", CALL(arange(0, std::nan("")))},
    {Kind::value, "linspace: the count is negative: -1", CALL(linspace(0, 1, -1))},
    {Kind::shape, "shape: a size is negative: -1", CALL(eye(-1))},
    {Kind::dtype, "rand: floating numbers wanted, not int64", CALL(rand({2}, int64))},
    {Kind::dtype, "randn: floating numbers wanted, not boolean", CALL(randn({2}, boolean))},
    {Kind::value, "randperm: n is negative: -3", CALL(randperm(-3))},
    // reductions
    {Kind::dtype, "mean: of a floating tensor wanted, this one is int64; cast() it",
     CALL(mean(zeros({2}, int64)))},
    {Kind::index, "mean: axis 1 of a tensor with 1 axes", CALL(mean(zeros({2}), 1))},
    {Kind::index, "sum: axis 0 is named twice in [0, 0]", CALL(sum(zeros({2}), {0, 0}))},
    {Kind::shape, "amax: no elements to choose from in shape [0, 3]", CALL(amax(zeros({0, 3}), 0))},
    {Kind::shape, "amin: no elements to choose from in shape [0]", CALL(amin(zeros({0})))},
    {Kind::index, "amin: axis -2 of a tensor with 1 axes", CALL(amin(zeros({2}), -2))},
    {Kind::index, "argmax: axis 1 of a tensor with 1 axes", CALL(argmax(zeros({2}), 1))},
    {Kind::shape, "argmax: no elements to choose from in shape [2, 0]",
     CALL(argmax(zeros({2, 0}), 1))},
    {Kind::index, "logsumexp: axis 1 of a tensor with 1 axes", CALL(logsumexp(zeros({2}), 1))},
    {Kind::shape, "sum_to: shapes do not broadcast: [2] and [3]", CALL(sum_to(zeros({2}), {3}))},
    {Kind::shape, "sum_to: [2, 2] does not broadcast to [2]", CALL(sum_to(zeros({2}), {2, 2}))},
    {Kind::shape, "broadcast_to: shapes do not broadcast: [2] and [3]",
     CALL(broadcast_to(zeros({2}), {3}))},
    {Kind::shape, "broadcast_to: [2, 2] does not broadcast to [2]",
     CALL(broadcast_to(zeros({2, 2}), {2}))},
    // shaping
    {Kind::shape, "reshape: [2, 3] has 6 elements, [4] has 4", CALL(reshape(zeros({2, 3}), {4}))},
    {Kind::shape, "reshape: [2, 3] has 6 elements, [4, 2] has 8",
     CALL(reshape(zeros({2, 3}), Shape{4, 2}))},
    {Kind::shape, "reshape: 6 elements of shape [2, 3] do not divide into [4, -1]",
     CALL(reshape(zeros({2, 3}), {4, -1}))},
    {Kind::shape, "reshape: 0 elements of shape [0] do not divide into [0, -1]",
     CALL(reshape(zeros({0}), {0, -1}))},
    {Kind::shape, "shape: a size is negative: -1", CALL(reshape(zeros({4}), {-1, -1}))},
    {Kind::shape, "shape: a size is negative: -4", CALL(reshape(zeros({4}), {-4, -1}))},
    {Kind::index, "flatten: axis 2 of a tensor with 2 axes", CALL(flatten(zeros({2, 3}), 2))},
    {Kind::index, "flatten: axis 1 comes after axis 0", CALL(flatten(zeros({2, 3}), 1, 0))},
    {Kind::index, "unsqueeze: axis 3 of a tensor with 3 axes", CALL(unsqueeze(zeros({2, 3}), 3))},
    {Kind::shape, "shape: more than 10 axes",
     CALL(unsqueeze(zeros({1, 1, 1, 1, 1, 1, 1, 1, 1, 1}), 0))},
    {Kind::index, "squeeze: axis 1 of a tensor with 1 axes", CALL(squeeze(zeros({}), 1))},
    {Kind::index, "permute: [0, 0] does not name each of the 2 axes of shape [2, 3] once",
     CALL(permute(zeros({2, 3}), {0, 0}))},
    {Kind::index, "permute: [0] does not name each of the 2 axes of shape [2, 3] once",
     CALL(permute(zeros({2, 3}), {0}))},
    {Kind::index, "permute: no axes named for shape [2, 3]", CALL(permute(zeros({2, 3}), {}))},
    {Kind::index, "permute: axis 5 of a tensor with 2 axes", CALL(permute(zeros({2, 3}), {0, 5}))},
    {Kind::index, "transpose: axis -2 of a tensor with 1 axes", CALL(transpose(zeros({2})))},
    {Kind::index, "slice: axis 1 of a tensor with 1 axes", CALL(slice(zeros({2}), 1, {}))},
    {Kind::value, "slice: the step is 0",
     CALL(slice(zeros({2}), 0, {.start = 0, .stop = 1, .step = 0}))},
    {Kind::value, "cat: no tensors given", CALL(cat({}))},
    {Kind::shape, "cat: sizes differ outside axis 0: [2, 3] and [2, 4]",
     CALL(cat({zeros({2, 3}), zeros({2, 4})}))},
    {Kind::shape, "cat: sizes differ outside axis 0: [2, 3] and [2]",
     CALL(cat({zeros({2, 3}), zeros({2})}))},
    {Kind::index, "cat: axis 0 of a tensor with 0 axes", CALL(cat({Tensor(1)}))},
    {Kind::value, "stack: no tensors given", CALL(stack({}))},
    {Kind::shape, "stack: shapes differ: [2] and [3]", CALL(stack({zeros({2}), zeros({3})}))},
    {Kind::index, "stack: axis 2 of a tensor with 2 axes", CALL(stack({zeros({2})}, 2))},
    {Kind::dtype, "gather: the index is float32, int64 wanted",
     CALL(gather(zeros({2}), 0, zeros({1})))},
    {Kind::index, "gather: index 2 at position 1, but the axis has size 2",
     CALL(gather(zeros({2}), 0, Tensor({0, 2}, int64)))},
    {Kind::index, "gather: index -3 at position 0, but the axis has size 2",
     CALL(gather(zeros({2}), 0, Tensor({-3}, int64)))},
    {Kind::shape, "gather: an index of shape [3, 1] does not fit x of shape [2, 2] along axis 1",
     CALL(gather(zeros({2, 2}), 1, zeros({3, 1}, int64)))},
    {Kind::shape, "gather: an index of shape [1] does not fit x of shape [2, 2] along axis 0",
     CALL(gather(zeros({2, 2}), 0, zeros({1}, int64)))},
    {Kind::index, "scatter_add: axis 1 of a tensor with 1 axes",
     CALL(scatter_add(zeros({2}), 1, zeros({1}, int64), zeros({1})))},
    {Kind::shape,
     "scatter_add: an index of shape [1, 2] does not fit x of shape [1, 1] along axis 0",
     CALL(scatter_add(zeros({1, 1}), 0, zeros({1, 2}, int64), zeros({1, 2})))},
    {Kind::dtype, "scatter_add: float64 added to float32",
     CALL(scatter_add(zeros({2}), 0, zeros({1}, int64), zeros({1}, float64)))},
    {Kind::index, "scatter_add: index 7 at position 0, but the axis has size 2",
     CALL(scatter_add(zeros({2}), 0, Tensor({7}, int64), zeros({1})))},
    {Kind::shape, "index_select: a 1-d index wanted, its shape is [1, 1]",
     CALL(index_select(zeros({2}), 0, zeros({1, 1}, int64)))},
    {Kind::index, "index_select: index 2 at position 0, but the axis has size 2",
     CALL(index_select(zeros({2}), 0, Tensor({2}, int64)))},
    {Kind::index, "take: index 4 at position 0, but the axis has size 4",
     CALL(take(zeros({2, 2}), Tensor({4}, int64)))},
    {Kind::dtype, "take: the index is boolean, int64 wanted",
     CALL(take(zeros({2, 2}), zeros({1}, boolean)))},
    // linear algebra
    {Kind::dtype, "matmul: two floating tensors of one type wanted: float32 and float64",
     CALL(matmul(zeros({2, 2}), zeros({2, 2}, float64)))},
    {Kind::dtype, "matmul: two floating tensors of one type wanted: int64 and int64",
     CALL(matmul(zeros({2, 2}, int64), zeros({2, 2}, int64)))},
    {Kind::shape, "matmul: a 0-d operand: left [], right [2]; use *",
     CALL(matmul(zeros({}), zeros({2})))},
    {Kind::shape,
     "matmul: inner sizes differ: left [2, 3], right [4, 3]; did you mean to transpose the right "
     "operand?",
     CALL(matmul(zeros({2, 3}), zeros({4, 3})))},
    {Kind::shape, "matmul: inner sizes differ: left [2, 3], right [4, 5] (",
     CALL(matmul(zeros({2, 3}), zeros({4, 5})))},
    {Kind::shape, "matmul: inner sizes differ: left [3], right [4] (",
     CALL(matmul(zeros({3}), zeros({4})))},
    {Kind::shape, "matmul: shapes do not broadcast: [2] and [3]",
     CALL(matmul(zeros({2, 1, 1}), zeros({3, 1, 1})))},
    {Kind::dtype, "linear: two floating tensors of one type wanted: float64 and float32",
     CALL(linear(zeros({2, 2}, float64), zeros({2, 2})))},
    {Kind::shape, "linear: x is [2, 3], weight [3, 2]; [..., in] and [out, in] wanted",
     CALL(linear(zeros({2, 3}), zeros({3, 2})))},
    {Kind::shape, "linear: x is [], weight [3, 2]; [..., in] and [out, in] wanted",
     CALL(linear(zeros({}), zeros({3, 2})))},
    {Kind::shape, "linear: bias is float32 [2], float32 [3] wanted",
     CALL(linear(zeros({1, 2}), zeros({3, 2}), zeros({2})))},
    {Kind::shape, "linear: bias is float64 [3], float32 [3] wanted",
     CALL(linear(zeros({1, 2}), zeros({3, 2}), zeros({3}, float64)))},
};

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
