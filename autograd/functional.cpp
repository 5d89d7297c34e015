#include <fmt/format.h>

#include <cstring>
#include <xtape/autograd/forward.hpp>
#include <xtape/autograd/functional.hpp>

namespace xtape {

namespace {

using Tensors = std::vector<Tensor>;

VectorFunction as_vector(const UnaryFunction& f) {
  return [&f](const Tensors& x) { return Tensors{f(x[0])}; };
}
VectorFunction as_vector(const NaryFunction& f) {
  return [&f](const Tensors& x) { return Tensors{f(x)}; };
}

Tensor zeros(const Shape& shape, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  if (out.numel() > 0)
    std::memset(out.value()->elements(), 0, static_cast<std::size_t>(out.numel() * size_of(dtype)));
  return out;
}
Tensor zeros_like(const Tensor& x) { return zeros(x.shape(), x.dtype()); }

// Sets element i of a floating tensor.
void put(const Tensor& x, std::int64_t i, double number) {
  if (x.dtype() == float32) x.value()->as<float>()[i] = static_cast<float>(number);
  else x.value()->as<double>()[i] = number;
}

Shape joined(const Shape& a, const Shape& b, const Location& where) {
  Shape out = a;
  for (std::int64_t size : b) out.push_back(size, where);
  return out;
}

void check_count(std::size_t got, std::size_t wanted, const char* op, const char* what,
                 const Location& where) {
  if (got != wanted)
    raise<ValueError>(where, op, fmt::format("{} {}, {} wanted", got, what, wanted));
}

// Throws unless `direction` can be added to x.
void check_fit(const Tensor& direction, const Tensor& x, const char* op, const char* what,
               std::size_t index, const Location& where) {
  if (direction.shape(where) != x.shape(where))
    raise<ShapeError>(where, op,
                      fmt::format("{} {} has shape {}, {} wanted", what, index,
                                  direction.shape().str(), x.shape().str()));
  if (direction.dtype() != x.dtype())
    raise<DTypeError>(where, op,
                      fmt::format("{} {} is {}, {} wanted", what, index, name_of(direction.dtype()),
                                  name_of(x.dtype())));
}

Tensors cut(const Tensor& whole, std::size_t count, const Shape& part, const Location& where);

// Tensors of one shape behind each other, as one of another shape.
Tensor join(const Tensors& parts, const Shape& part, const Shape& shape, DType dtype,
            const Location& where) {
  const Tensor out = Tensor::empty(shape, dtype);
  const auto bytes = static_cast<std::size_t>(part.numel() * size_of(dtype));
  std::vector<Operand> operands;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (bytes > 0)
      std::memcpy(out.value()->as<char>() + i * bytes, parts[i].value()->elements(), bytes);
    operands.push_back(unsaved(parts[i]));
  }
  record("join", where, operands, {&out, 1}, [part, where](Backward& backward) {
    const auto count = static_cast<std::size_t>(backward.input_count());
    Tensors shares = cut(backward.grad(), count, part, where);
    for (std::size_t i = 0; i < count; ++i)
      backward.give(static_cast<int>(i), std::move(shares[i]));
  });
  return out;
}

// The inverse of join().
Tensors cut(const Tensor& whole, std::size_t count, const Shape& part, const Location& where) {
  Tensors parts;
  const auto bytes = static_cast<std::size_t>(part.numel() * size_of(whole.dtype()));
  for (std::size_t i = 0; i < count; ++i) {
    parts.push_back(Tensor::empty(part, whole.dtype()));
    if (bytes > 0)
      std::memcpy(parts[i].value()->elements(), whole.value()->as<char>() + i * bytes, bytes);
  }
  const Operand operand = unsaved(whole);
  record("cut", where, {&operand, 1}, parts,
         [count, part, shape = whole.shape(), dtype = whole.dtype(), where](Backward& backward) {
           Tensors grads;
           for (std::size_t i = 0; i < count; ++i) {
             const Tensor& grad = backward.grad(static_cast<int>(i));
             grads.push_back(grad.defined() ? grad : zeros(part, dtype));
           }
           backward.give(0, join(grads, part, shape, dtype, where));
         });
  return parts;
}

// The same value without a place on the tape; it carries the same tangents.
Tensor off_tape(const Tensor& x) { return Tensor(x.value()); }

// A call of f on the tape, with leaves, or on request copies of the inputs, in their place.
struct Traced {
  Tensors inputs, outputs;

  Traced(const VectorFunction& f, const Tensors& given, bool create_graph, const Location& where) {
    for (const Tensor& x : given) inputs.push_back(stand_in(x, create_graph, where));
    const EnableGrad on;
    outputs = f(inputs);
    for (const Tensor& output : outputs) output.value(where);
  }

  static Tensor stand_in(const Tensor& x, bool history, const Location& where) {
    const GradMode mode(history);
    return record("input", where, {unsaved(x)}, Tensor(Value::show(x.value(where), x.shape())),
                  [](Backward& backward) { backward.give(0, backward.grad()); })
        .requires_grad(true, where);
  }

  Tensors values(bool create_graph) const {
    Tensors out;
    for (const Tensor& y : outputs) out.push_back(create_graph ? y : off_tape(y));
    return out;
  }
};

Tensors or_zeros(Tensors grads, const Tensors& inputs) {
  for (std::size_t i = 0; i < grads.size(); ++i)
    if (!grads[i].defined()) grads[i] = zeros_like(inputs[i]);
  return grads;
}

// The gradients of sum(seed * root) over the roots on which a gradient can start; 0 where none
// arrives.
Tensors gradients(const Tensors& roots, const Tensors& inputs, const Tensors& seeds,
                  const GradOptions& options, const Location& where) {
  Tensors used, upstream;
  for (std::size_t i = 0; i < roots.size(); ++i) {
    if (!roots[i].requires_grad()) continue;
    used.push_back(roots[i]);
    upstream.push_back(seeds[i]);
  }
  return or_zeros(grad(used, inputs, upstream, options, where), inputs);
}

std::pair<Tensors, Tensors> push(const VectorFunction& f, Tensors inputs, const Tensors& tangents,
                                 const Location& where) {
  check_count(tangents.size(), inputs.size(), "jvp", "tangents", where);
  ForwardMode mode;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    check_fit(tangents[i], inputs[i], "jvp", "tangent", i, where);
    inputs[i] = mode.dual(inputs[i], tangents[i], where);
  }
  std::pair<Tensors, Tensors> out;
  for (const Tensor& y : f(inputs)) {
    const Tensor change = mode.tangent(y, where);
    out.first.push_back(mode.primal(y, where));
    out.second.push_back(change.defined() ? change : zeros_like(y));
  }
  return out;
}

std::pair<Tensors, Tensors> pull(const VectorFunction& f, const Tensors& inputs,
                                 const Tensors& seeds, const DerivativeOptions& options,
                                 const Location& where) {
  const Traced traced(f, inputs, options.create_graph, where);
  check_count(seeds.size(), traced.outputs.size(), "vjp", "seeds", where);
  for (std::size_t i = 0; i < seeds.size(); ++i) {
    if (seeds[i].defined()) check_fit(seeds[i], traced.outputs[i], "vjp", "seed", i, where);
    else if (traced.outputs[i].numel() != 1)
      raise<ShapeError>(where, "vjp",
                        fmt::format("a result of shape {} needs a seed of its shape",
                                    traced.outputs[i].shape().str()));
  }
  return {traced.values(options.create_graph),
          gradients(traced.outputs, traced.inputs, seeds,
                    {.create_graph = options.create_graph, .allow_unused = true}, where)};
}

// The derivatives of y by each input, a row for each element of y.
Tensors by_rows(const Tensor& y, const Tensors& inputs, bool create_graph, const Location& where) {
  std::vector<Tensors> rows(inputs.size());
  for (std::int64_t i = 0, end = y.numel(); i < end; ++i) {
    const Tensor seed = zeros_like(y);
    put(seed, i, 1);
    Tensors row = gradients(
        {y}, inputs, {seed},
        {.retain_graph = true, .create_graph = create_graph, .allow_unused = true}, where);
    for (std::size_t j = 0; j < inputs.size(); ++j) rows[j].push_back(std::move(row[j]));
  }
  Tensors out;
  const GradMode mode(create_graph);
  for (std::size_t j = 0; j < inputs.size(); ++j)
    out.push_back(join(rows[j], inputs[j].shape(), joined(y.shape(), inputs[j].shape(), where),
                       inputs[j].dtype(), where));
  return out;
}

template <class T>
void scatter_column(const Tensor& column, const Tensor& to, std::int64_t at, std::int64_t columns) {
  for (std::int64_t i = 0, end = column.numel(); i < end; ++i)
    to.value()->as<T>()[i * columns + at] = column.value()->as<T>()[i];
}

// The same for several results, a column for each element of the inputs.
std::vector<Tensors> by_columns(const VectorFunction& f, const Tensors& inputs,
                                const Tensors& outputs, const Location& where) {
  std::vector<Tensors> out(outputs.size());
  for (std::size_t k = 0; k < outputs.size(); ++k)
    for (const Tensor& x : inputs)
      out[k].push_back(zeros(joined(outputs[k].shape(), x.shape(), where), outputs[k].dtype()));
  const NoGrad off;
  for (std::size_t j = 0; j < inputs.size(); ++j)
    for (std::int64_t i = 0, columns = inputs[j].numel(); i < columns; ++i) {
      ForwardMode mode;
      const Tensor direction = zeros_like(inputs[j]);
      put(direction, i, 1);
      Tensors duals = inputs;
      duals[j] = mode.dual(inputs[j], direction, where);
      const Tensors results = f(duals);
      for (std::size_t k = 0; k < results.size(); ++k) {
        const Tensor column = mode.tangent(results[k], where);
        if (!column.defined()) continue;
        if (column.dtype() == float32) scatter_column<float>(column, out[k][j], i, columns);
        else scatter_column<double>(column, out[k][j], i, columns);
      }
    }
  return out;
}

std::int64_t elements(const Tensors& tensors) {
  std::int64_t total = 0;
  for (const Tensor& tensor : tensors) total += tensor.numel();
  return total;
}

std::vector<Tensors> all_slopes(const VectorFunction& f, const Tensors& inputs,
                                const DerivativeOptions& options, const Location& where) {
  const Traced traced(f, inputs, options.create_graph, where);
  const bool plain = !options.create_graph && !ForwardMode::on();
  if (plain && 2 * elements(inputs) < elements(traced.outputs))
    return by_columns(f, inputs, traced.outputs, where);
  std::vector<Tensors> out;
  for (const Tensor& y : traced.outputs)
    out.push_back(by_rows(y, traced.inputs, options.create_graph, where));
  return out;
}

// The gradient of an f with one element, on the tape.
Tensors slopes(const Traced& traced, const char* op, const Location& where) {
  if (traced.outputs[0].numel() != 1)
    raise<ShapeError>(where, op,
                      fmt::format("a function with one element wanted, its shape is {}",
                                  traced.outputs[0].shape().str()));
  return gradients(traced.outputs, traced.inputs, {Tensor()},
                   {.create_graph = true, .allow_unused = true}, where);
}

std::pair<Tensor, Tensors> curve(const VectorFunction& f, const Tensors& inputs, const Tensors& v,
                                 const DerivativeOptions& options, const Location& where) {
  check_count(v.size(), inputs.size(), "hvp", "vectors", where);
  for (std::size_t i = 0; i < v.size(); ++i) check_fit(v[i], inputs[i], "hvp", "vector", i, where);
  const Traced traced(f, inputs, options.create_graph, where);
  return {traced.values(options.create_graph)[0],
          gradients(slopes(traced, "hvp", where), traced.inputs, v,
                    {.create_graph = options.create_graph, .allow_unused = true}, where)};
}

std::vector<Tensors> all_curvatures(const VectorFunction& f, const Tensors& inputs,
                                    const DerivativeOptions& options, const Location& where) {
  const Traced traced(f, inputs, options.create_graph, where);
  std::vector<Tensors> out;
  for (const Tensor& slope : slopes(traced, "hessian", where))
    out.push_back(by_rows(slope, traced.inputs, options.create_graph, where));
  return out;
}

}  // namespace

std::pair<Tensor, Tensor> jvp(const UnaryFunction& f, const Tensor& input, const Tensor& tangent,
                              Location where) {
  const auto [y, change] = push(as_vector(f), {input}, {tangent}, where);
  return {y[0], change[0]};
}
std::pair<Tensor, Tensor> jvp(const NaryFunction& f, const Tensors& inputs, const Tensors& tangents,
                              Location where) {
  const auto [y, change] = push(as_vector(f), inputs, tangents, where);
  return {y[0], change[0]};
}
std::pair<Tensors, Tensors> jvp(const VectorFunction& f, const Tensors& inputs,
                                const Tensors& tangents, Location where) {
  return push(f, inputs, tangents, where);
}

std::pair<Tensor, Tensor> vjp(const UnaryFunction& f, const Tensor& input, const Tensor& seed,
                              const DerivativeOptions& options, Location where) {
  const auto [y, share] = pull(as_vector(f), {input}, {seed}, options, where);
  return {y[0], share[0]};
}
std::pair<Tensor, Tensors> vjp(const NaryFunction& f, const Tensors& inputs, const Tensor& seed,
                               const DerivativeOptions& options, Location where) {
  const auto [y, shares] = pull(as_vector(f), inputs, {seed}, options, where);
  return {y[0], shares};
}
std::pair<Tensors, Tensors> vjp(const VectorFunction& f, const Tensors& inputs,
                                const Tensors& seeds, const DerivativeOptions& options,
                                Location where) {
  return pull(f, inputs, seeds, options, where);
}

Tensor jacobian(const UnaryFunction& f, const Tensor& input, const DerivativeOptions& options,
                Location where) {
  return all_slopes(as_vector(f), {input}, options, where)[0][0];
}
Tensors jacobian(const NaryFunction& f, const Tensors& inputs, const DerivativeOptions& options,
                 Location where) {
  return all_slopes(as_vector(f), inputs, options, where)[0];
}
std::vector<Tensors> jacobian(const VectorFunction& f, const Tensors& inputs,
                              const DerivativeOptions& options, Location where) {
  return all_slopes(f, inputs, options, where);
}

std::pair<Tensor, Tensor> hvp(const UnaryFunction& f, const Tensor& input, const Tensor& v,
                              const DerivativeOptions& options, Location where) {
  const auto [y, product] = curve(as_vector(f), {input}, {v}, options, where);
  return {y, product[0]};
}
std::pair<Tensor, Tensors> hvp(const NaryFunction& f, const Tensors& inputs, const Tensors& v,
                               const DerivativeOptions& options, Location where) {
  return curve(as_vector(f), inputs, v, options, where);
}

Tensor hessian(const UnaryFunction& f, const Tensor& input, const DerivativeOptions& options,
               Location where) {
  return all_curvatures(as_vector(f), {input}, options, where)[0][0];
}
std::vector<Tensors> hessian(const NaryFunction& f, const Tensors& inputs,
                             const DerivativeOptions& options, Location where) {
  return all_curvatures(as_vector(f), inputs, options, where);
}

}  // namespace xtape
