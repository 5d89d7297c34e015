#include <fmt/format.h>

#include <algorithm>
#include <xtape/autograd/elementwise.hpp>

namespace xtape {

namespace {

// What the arguments of a call come to: tensors of one element type (or boolean) and their space.
struct Call {
  DType dtype;
  Shape space;
  Tensor inputs[max_arguments + 1];  // behind the arguments the slope, if it is kept
  Location where;
};

// Boolean, integer or floating.
int category(DType dtype) { return is_floating(dtype) ? 2 : dtype == int64 ? 1 : 0; }

// Numbers do not widen: a float tensor stays float beside 0.1, an integer one becomes float32. Nor
// do 0-d tensors beside tensors with axes, unless they are of a higher category.
DType computed_in(const Formula& formula, std::span<const Arg> arguments) {
  DType dtype = boolean, of_points = boolean;
  bool number_is_float = false, tensors = false;
  for (const Arg& argument : arguments) {
    if (argument.is_tensor()) {
      const Tensor& tensor = argument.tensor();
      DType& widened = tensor.rank(argument.where()) == 0 ? of_points : dtype;
      widened = promote(widened, tensor.dtype());
      tensors = true;
    } else if (!argument.integral()) {
      number_is_float = true;
    }
  }
  if (!tensors) return float32;
  if (category(of_points) > category(dtype)) dtype = of_points;
  if (dtype == boolean) dtype = int64;
  if (!is_floating(dtype) && (number_is_float || !formula.kernels(dtype))) return float32;
  return dtype;
}

Call prepare(const Formula& formula, std::span<const Arg> arguments) {
  const Location where = Caller::or_else(arguments[0].where());
  Call call{computed_in(formula, arguments), {}, {}, where};
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const Tensor tensor = arguments[i].as_tensor(call.dtype);
    const bool fits = tensor.dtype() == call.dtype || tensor.dtype() == boolean;
    call.inputs[i] = fits ? tensor : cast(Arg(tensor, where), call.dtype);
    call.space = broadcast(call.space, tensor.shape(), formula.name, where);
  }
  return call;
}

Sweep forward_sweep(const Formula& formula, const Call& call, const Tensor& out,
                    const Shape& folded) {
  const Kernels& kernels = *formula.kernels(call.dtype);
  Sweep sweep{call.space, call.dtype, kernels.forward, kernels.width};
  for (int i = 0; i < formula.arity(); ++i) sweep.read(call.inputs[i].value());
  sweep.write(out.value(), folded);
  return sweep;
}

Tensor scaled_copy(const Tensor& tensor, double factor) {
  Tensor out = tensor.copy();
  detail::scale_by(out, factor);
  return out;
}

bool all_finite(const Tensor& tensor) {
  const auto check = [&](const auto* data) {
    bool all = true;
    for (std::int64_t i = 0, end = tensor.numel(); i < end; ++i) all &= data[i] - data[i] == 0;
    return all;
  };
  return tensor.dtype() == float32 ? check(tensor.value()->as<float>())
                                   : check(tensor.value()->as<double>());
}

// s t, but 0 where either is 0.
template <class T>
struct WeighBoth {
  using V = Register<T>;
  void operator()(const V* x, V* y) const {
    const Lane<V> s(x[0]), t(x[1]);
    y[0] = where(s == 0 || t == 0, Lane<V>(0), s * t).v;
  }
};

void weigh_both(const Tensor& slopes, const Tensor& tangent, const SweepOutput& out) {
  Sweep sweep{slopes.shape(), slopes.dtype(), nullptr, 1};
  for (const Tensor* each : {&slopes, &tangent}) sweep.read(each->value());
  sweep.write(out);
  const auto use = [&]<class T>(T*) {
    sweep.strip = &detail::strip<T, 2, 1, detail::SumFold, WeighBoth<T>>;
    sweep.width = LaneTraits<Register<T>>::width;
  };
  if (slopes.dtype() == float32) use(static_cast<float*>(nullptr));
  else use(static_cast<double*>(nullptr));
  sweep.run();
}

// The gradient of an element-wise operation.
struct FormulaVjp {
  Formula formula;

  Tensor jvp(const Backward& saved, std::span<const Tensor> tangents, const Tensor& output) const {
    const Tensor out = Tensor::empty(output.shape(), output.dtype());
    push(saved, tangents, out, out.shape(), out.shape());
    return out;
  }

  // Leaves the sum of slopes times tangents, folded, in `out`.
  void push(const Backward& saved, std::span<const Tensor> tangents, const Tensor& out,
            const Shape& space, const Shape& folded) const {
    bool more = false;
    for (int i = 0; i < formula.arity(); ++i) {
      if (!tangents[i].defined()) continue;
      weigh_slope(saved, i, tangents[i], space, {out.value().get(), folded, more});
      more = true;
    }
    if (all_finite(out)) return;
    // a slope of 0 hides what is not finite, as it does in the backward pass
    more = false;
    const Tensor one = number_like(out, 1), slopes = Tensor::empty(space, out.dtype());
    for (int i = 0; i < formula.arity(); ++i) {
      if (!tangents[i].defined()) continue;
      weigh_slope(saved, i, one, space, {slopes.value().get(), space, false});
      weigh_both(slopes, tangents[i], {out.value().get(), folded, more});
      more = true;
    }
  }

  // The strip that weighs a gradient with the slope of an argument does so with any factor.
  void weigh_slope(const Backward& saved, int argument, const Tensor& factor, const Shape& space,
                   const SweepOutput& out) const {
    if (argument == 0 && keeps(saved)) return sweep_kept(kept(saved), factor, out);
    const Kernels& kernels = *formula.kernels(factor.dtype());
    const Kernels::Slopes& slopes = kernels.slopes(1u << argument);
    Sweep sweep{space, factor.dtype(), slopes.strip, kernels.width};
    Tensor inputs[max_arguments];
    for (int i = 0; i < formula.arity(); ++i) {
      sweep.read((inputs[i] = saved.input(i)).value());
      if ((slopes.mask >> i) & 1) sweep.write(i == argument ? out : SweepOutput{});
    }
    sweep.read(factor.value());
    sweep.run();
  }

  void operator()(Backward& backward) const {
    const Tensor& gradient = backward.grad();
    const Shape& space = gradient.shape();
    if (backward.create_graph())
      return formula.readings->recorded_vjp().call(backward, space, space, 1);
    if (keeps(backward)) sweep_kept(backward, gradient, space);
    else sweep(backward, gradient, space);
  }

  // The result, or the slope of the first argument, is behind the arguments if it was kept.
  bool keeps(const Backward& saved) const { return saved.input_count() > formula.arity(); }
  Tensor kept(const Backward& saved) const {
    // an argument that was changed is reported, although its old slope is known
    if (formula.readings->keeps == Keeps::slope) saved.input(0);
    return saved.input(formula.arity());
  }

  // One pass from what was kept and the gradient.
  void sweep_kept(Backward& backward, const Tensor& gradient, const Shape& space) const {
    if (!backward.needs(0)) return;
    Tensor* there = backward.accumulator(0);
    Tensor fresh = there ? Tensor() : Tensor::empty(space, gradient.dtype());
    if (there) there->value()->changed(backward.node().where);
    sweep_kept(kept(backward), gradient,
               {(there ? *there : fresh).value().get(), space, there != nullptr});
    backward.give(0, std::move(fresh));
  }

  void sweep_kept(const Tensor& kept, const Tensor& gradient, const SweepOutput& out) const {
    const Kernels& kernels = *formula.kernels(kept.dtype());
    Sweep sweep{kept.shape(), kept.dtype(), kernels.from_kept, kernels.width};
    for (const Tensor* each : {&kept, &gradient}) sweep.read(each->value());
    sweep.write(out);
    sweep.run();
  }

  void sweep(Backward& backward, const Tensor& gradient, const Shape& space) const {
    const DType dtype = gradient.dtype();
    unsigned wanted = 0;
    for (int i = 0; i < formula.arity(); ++i)
      if (backward.needs(i)) wanted |= 1u << i;
    const Kernels& kernels = *formula.kernels(dtype);
    const Kernels::Slopes& slopes = kernels.slopes(wanted);
    Sweep sweep{space, dtype, slopes.strip, kernels.width};
    Tensor inputs[max_arguments], fresh[max_arguments];
    for (int i = 0; i < formula.arity(); ++i) sweep.read((inputs[i] = backward.input(i)).value());
    sweep.read(gradient.value());
    for (int i = 0; i < formula.arity(); ++i) {
      if (!((slopes.mask >> i) & 1)) continue;
      const Shape& shape = inputs[i].shape();
      if (!((wanted >> i) & 1)) {
        sweep.write({});
      } else if (Tensor* there = backward.accumulator(i)) {
        there->value()->changed(backward.node().where);
        sweep.write(there->value(), shape, true);
      } else {
        fresh[i] = Tensor::empty(shape, dtype);
        sweep.write(fresh[i].value(), shape);
      }
    }
    sweep.run();
    for (int i = 0; i < formula.arity(); ++i) {
      inputs[i] = Tensor();
      if (fresh[i].defined()) backward.give(i, std::move(fresh[i]));
    }
  }
};

// The gradient of its sum over the axes that `folded` has not, scaled.
struct ReducedVjp {
  FormulaVjp inner;
  Shape space, folded;
  double scale;

  Tensor jvp(const Backward& saved, std::span<const Tensor> tangents, const Tensor& output) const {
    const Tensor out = Tensor::empty(output.shape(), output.dtype());
    inner.push(saved, tangents, out, space, folded);
    return scale == 1 ? out : scaled_copy(out, scale);
  }

  void operator()(Backward& backward) const {
    if (backward.create_graph())
      return inner.formula.readings->recorded_vjp().call(backward, space, folded, scale);
    Tensor gradient(Value::show(backward.grad().value(), folded));
    if (scale != 1) gradient = scaled_copy(gradient, scale);
    inner.sweep(backward, gradient, space);
  }
};

template <class Vjp>
void record_formula(const Formula& formula, const Call& call, const Tensor& out, const Vjp& vjp) {
  const auto operands = [&]<std::size_t... I>(std::index_sequence<I...>) {
    return std::array{saved(call.inputs[I])...};
  }
  (std::make_index_sequence<max_arguments + 1>());
  const std::size_t count = formula.arity() + call.inputs[formula.arity()].defined();
  record(formula.name, call.where, std::span<const Operand>(operands.data(), count),
         std::span<const Tensor>(&out, 1), vjp);
}

// Of more elements, fetching the slope from memory takes as long as computing most of them.
constexpr std::int64_t slopes_kept = std::int64_t{1} << 20;

// Whether a call keeps the slope of its first argument: if nothing else wants a gradient.
bool keeps_slope(const Formula& formula, const Call& call) {
  if (!formula.kernels(call.dtype)->forward_and_slope || !grad_enabled() ||
      call.space.numel() > slopes_kept || call.inputs[0].shape() != call.space)
    return false;
  for (int i = 0; i < formula.arity(); ++i)
    if ((call.inputs[i].node() != nullptr) != (i == 0)) return false;
  return true;
}

}  // namespace

const Kernels::Slopes& Kernels::slopes(unsigned wanted) const {
  for (const Slopes& candidate : backward)
    if (candidate.strip && (candidate.mask & wanted) == wanted) return candidate;
  return backward.back();
}

const Kernels* Formula::kernels(DType dtype) const {
  const auto of_type = dtype == xtape::float32   ? readings->float32_kernels
                       : dtype == xtape::float64 ? readings->float64_kernels
                       : dtype == xtape::int64   ? readings->int64_kernels
                                                 : nullptr;
  return of_type ? of_type() : nullptr;
}

Tensor Formula::apply(std::span<const Arg> arguments) const {
  Call call = prepare(*this, arguments);
  const Tensor out = Tensor::empty(call.space, readings->boolean_result ? boolean : call.dtype);
  Sweep sweep = forward_sweep(*this, call, out, call.space);
  if (keeps_slope(*this, call)) {
    const Tensor& slope = call.inputs[arity()] = Tensor::empty(call.space, call.dtype);
    sweep.strip = kernels(call.dtype)->forward_and_slope;
    sweep.write(slope.value(), call.space);
  }
  sweep.run();
  if (readings->boolean_result) return out;
  if (readings->keeps == Keeps::result)
    return record(name, call.where, {unsaved(call.inputs[0]), saved(out)}, out, FormulaVjp{*this});
  record_formula(*this, call, out, FormulaVjp{*this});
  return out;
}

void Formula::compute(std::initializer_list<Tensor> inputs, const Tensor& out, bool add) const {
  const Kernels& of_type = *kernels(out.dtype());
  Sweep sweep{inputs.begin()->shape(), out.dtype(), of_type.forward, of_type.width};
  for (const Tensor& each : inputs) sweep.read(each.value());
  sweep.write(out.value(), out.shape(), add);
  sweep.run();
}

Tensor Formula::reduce(std::span<const Arg> arguments, const Dims& dims, bool mean) const {
  const Call call = prepare(*this, arguments);
  if (readings->boolean_result)
    raise<DTypeError>(call.where, name, "a condition cannot be summed; use where()");
  if (mean && !is_floating(call.dtype))
    raise<DTypeError>(
        call.where, name,
        fmt::format("mean of a floating tensor wanted, not of {}; cast() it", name_of(call.dtype)));
  const Reduced to(call.space, dims, name, call.where);
  const double count =
      static_cast<double>(call.space.numel()) / static_cast<double>(to.folded.numel());
  const double scale = mean ? 1 / count : 1;
  Tensor out = Tensor::empty(to.result, call.dtype);
  forward_sweep(*this, call, out, to.folded).run();
  if (mean) out = scaled_copy(out, scale);
  record_formula(*this, call, out, ReducedVjp{{*this}, call.space, to.folded, scale});
  return out;
}

Reduced::Reduced(const Shape& shape, const Dims& dims, const char* op, const Location& where)
    : folded(shape) {
  bool reduced[Shape::max_rank] = {};
  const int rank = std::max(1, shape.rank());  // a 0-d tensor may be reduced along axis 0
  for (std::int64_t axis : dims.axes()) {
    bool& seen = reduced[normalize_axis(axis, rank, op, where)];
    if (seen)
      raise<IndexError>(
          where, op,
          fmt::format("axis {} is named twice in [{}]", axis, fmt::join(dims.axes(), ", ")));
    seen = true;
  }
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (!dims.axes().empty() && !reduced[axis]) {
      result.push_back(shape[axis]);
    } else {
      folded[axis] = 1;
      if (dims.keepdim) result.push_back(1);
    }
  }
}

void detail::scale_by(const Tensor& tensor, double factor) {
  const auto scale = [&](auto* data) {
    using T = std::remove_pointer_t<decltype(data)>;
    for (std::int64_t i = 0, end = tensor.numel(); i < end; ++i) data[i] *= static_cast<T>(factor);
  };
  if (tensor.dtype() == float32) scale(tensor.value()->as<float>());
  else scale(tensor.value()->as<double>());
}

Tensor number_like(const Tensor& other, double number) {
  return Arg(number).as_tensor(other.dtype());
}

}  // namespace xtape
