// Programs made of other operations, and derivatives of programs and operations.
#include <xtape/tools/conformance/program.hpp>

namespace conformance {

namespace {

/// The program of a case as a function of the input that is differentiated.
struct Program {
  const Call& call;
  std::size_t wrt = static_cast<std::size_t>(call.integer("wrt"));

  const Tensor& point() const { return call.inputs[wrt]; }
  Tensor operator()(const Tensor& x) const {
    const Json& program = call.kwargs.at("program");
    Tensors inputs = call.inputs;
    inputs[wrt] = x;
    return run_program(program, inputs, call.dtype)[0];
  }
};

Outputs hessian_of(const Call& c) {
  const Program f{c};
  const auto [value, gradient] = vjp(f, f.point());
  return Tensors{value, gradient, hessian(f, f.point())};
}

Outputs apply_inner(const Call& c, const Tensors& arguments) {
  const Json& inner = c.kwargs.at("inner");
  return function_of(inner.at("op"))({inner.at("kwargs"), arguments, c.dtype});
}

/// Gradients that can be differentiated again, zero where there is no influence.
Tensors slopes(const Tensors& roots, const Tensors& inputs, const Tensors& seeds) {
  Tensors out = grad(roots, inputs, seeds, {.create_graph = true, .allow_unused = true});
  for (std::size_t i = 0; i < out.size(); ++i)
    if (!out[i].defined()) out[i] = zeros_like(inputs[i]);
  return out;
}

Outputs double_backward(const Call& c) {
  const auto inner = c.inputs.begin() + c.integer("num_inner_inputs");
  const Tensors inputs(c.inputs.begin(), inner), upstream(inner, c.inputs.end());
  Tensors roots, wanted;
  for (std::int64_t position : c.integers("wrt"))
    wanted.push_back(Tensor(inputs.at(static_cast<std::size_t>(position))).requires_grad(true));
  for (const Tensor& y : apply_inner(c, inputs))
    if (y.requires_grad()) roots.push_back(y);
  return slopes(roots, wanted, upstream);
}

Outputs nth_derivative(const Call& c) {
  const Tensor x = Tensor(c.in(0)).requires_grad(true);
  Tensors out{apply_inner(c, {x})[0]};
  for (std::int64_t n = c.integer("n"); n > 0; --n) {
    const Tensor y = out.back();
    out.push_back(y.requires_grad() ? slopes({y}, {x}, {ones_like(y)})[0] : zeros_like(x));
  }
  return out;
}

Outputs chain(const Call& c) {
  const Tensor x = c.in(0);
  const bool accumulate = c.text("mode") == "accumulate";
  Tensor y = x;
  for (std::int64_t n = c.integer("n"); n > 0; --n)
    y = apply_inner(c, accumulate ? Tensors{y, x} : Tensors{y})[0];
  return y;
}

const Bindings table{
    {"program", [](const Call& c) { return run_program(c.kwargs, c.inputs, c.dtype); }},
    {"double_backward", double_backward},
    {"hessian", hessian_of},
    {"hvp",
     [](const Call& c) {
       const auto [value, product] = hvp(Program{c}, Program{c}.point(), c.inputs.back());
       return Tensors{value, product};
     }},
    {"jacobian",
     [](const Call& c) {
       const Program f{c};
       return Tensors{f(f.point()), jacobian(f, f.point())};
     }},
    {"jvp",
     [](const Call& c) {
       const auto [value, change] = jvp(Program{c}, Program{c}.point(), c.inputs.back());
       return Tensors{value, change};
     }},
    {"nth_derivative", nth_derivative},
    {"chain", chain},
};

}  // namespace

}  // namespace conformance
