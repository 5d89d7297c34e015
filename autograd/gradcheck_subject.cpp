#include <fmt/format.h>

#include <algorithm>
#include <xtape/autograd/elementwise.hpp>
#include <xtape/autograd/gradcheck_subject.hpp>

namespace xtape::detail {

Frozen::Frozen(const Generator& start) : before_(Generator::global()), anomaly_(anomaly_enabled()) {
  Generator::global() = start;
  set_anomaly(false);
}

Frozen::~Frozen() {
  Generator::global() = before_;
  set_anomaly(anomaly_);
}

Numbers random_weights(std::uint64_t seed, std::uint64_t stream, std::size_t count) {
  Numbers weights(count);
  for (std::size_t i = 0; i < count; ++i) {
    const auto words = random_words(seed, stream, i);
    weights[i] = (words[0] & 1 ? 1 : -1) * (0.5 + words[1] * 0x1p-32);
  }
  return weights;
}

namespace {

Numbers numbers_of(const Tensor& tensor) {
  const Tensor wide = cast(tensor.detach(), float64);
  return {wide.data<double>(), wide.data<double>() + wide.numel()};
}

// Fresh leaves, so that nothing that a function does to its arguments lasts.
std::vector<Tensor> leaves_of(const Subject& subject) {
  std::vector<Tensor> leaves;
  for (std::size_t i = 0; i < subject.inputs.size(); ++i) {
    leaves.push_back(subject.inputs[i].copy());
    if (subject.wanted[i]) leaves.back().requires_grad(true);
  }
  return leaves;
}

template <class T>
std::vector<T> only(const std::vector<T>& all, const std::vector<bool>& wanted) {
  std::vector<T> some;
  for (std::size_t i = 0; i < all.size() && i < wanted.size(); ++i)
    if (wanted[i]) some.push_back(all[i]);
  return some;
}

// grad() without the outputs from which no gradient flows. `seeds` belong to the floating outputs.
std::vector<Tensor> gradients(const std::vector<Tensor>& outputs, const std::vector<Tensor>& seeds,
                              const std::vector<Tensor>& inputs, bool create_graph,
                              const Location& where) {
  std::vector<Tensor> roots, upstream;
  std::size_t next = 0;
  for (const Tensor& output : outputs) {
    if (!is_floating(output.dtype())) continue;
    const Tensor& seed = seeds.at(next++);
    if (!output.node()) continue;
    roots.push_back(output);
    upstream.push_back(cast(seed, output.dtype()));
  }
  if (roots.empty()) return std::vector<Tensor>(inputs.size());
  return grad(roots, inputs, upstream,
              {.retain_graph = false, .create_graph = create_graph, .allow_unused = true}, where);
}

Tensor zeros_like(const Tensor& x) {
  return Tensor::from(Numbers(static_cast<std::size_t>(x.numel())).data(), x.shape());
}

// Weights in a row as tensors of these shapes.
std::vector<Tensor> cut(const Numbers& weights, const std::vector<Shape>& shapes) {
  std::vector<Tensor> parts;
  const double* from = weights.data();
  for (const Shape& shape : shapes) {
    parts.push_back(Tensor::from(from, shape));
    from += shape.numel();
  }
  return parts;
}

// The gradient of f as a function of f's inputs and, behind them, the upstream gradients.
struct Gradient {
  TensorFunction f;
  std::vector<bool> wanted;
  bool create_graph;
  Location where;

  std::vector<Tensor> operator()(const std::vector<Tensor>& in) const {
    const auto middle = in.begin() + static_cast<std::ptrdiff_t>(wanted.size());
    const std::vector<Tensor> x(in.begin(), middle), upstream(middle, in.end());
    const std::vector<Tensor> leaves = only(x, wanted);
    std::vector<Tensor> grads = gradients(f(x), upstream, leaves, create_graph, where);
    for (std::size_t i = 0; i < grads.size(); ++i)
      if (!grads[i].defined()) grads[i] = zeros_like(leaves[i]);
    return grads;
  }
};

}  // namespace

Outputs::Outputs(const std::vector<Tensor>& tensors, const Location& where) {
  for (const Tensor& tensor : tensors) {
    if (!is_floating(tensor.dtype(where))) continue;
    const Numbers more = numbers_of(tensor);
    values.insert(values.end(), more.begin(), more.end());
    rounding.resize(values.size(), tensor.dtype() == float64 ? 0x1p-53 : 0x1p-24);
    shapes.push_back(tensor.shape());
    if (op.empty() && tensor.node()) op = tensor.node()->op;
  }
}

Subject::Subject(const TensorFunction& f, const std::vector<Tensor>& given,
                 const std::vector<int>& constants, const Location& where)
    : plain(f), recorded(f), start(Generator::global()), where(where) {
  for (std::size_t i = 0; i < given.size(); ++i) {
    const Tensor& input = given[i];
    const bool floating = is_floating(input.dtype(where));
    const bool constant =
        std::find(constants.begin(), constants.end(), static_cast<int>(i)) != constants.end();
    inputs.push_back(floating ? cast(input.detach(), float64).copy() : input.copy());
    wanted.push_back(floating && !constant);
    names.push_back(fmt::format("input {}", i));
  }
}

Subject Subject::gradient(const Outputs& outputs, std::uint64_t seed) const {
  Subject out = *this;
  out.order = 2;
  out.plain = Gradient{plain, wanted, false, where};
  out.recorded = Gradient{plain, wanted, true, where};
  for (const Tensor& upstream :
       cut(random_weights(seed, 2, outputs.values.size()), outputs.shapes)) {
    out.names.push_back(
        fmt::format("upstream gradient {}", out.inputs.size() - this->inputs.size()));
    out.inputs.push_back(upstream);
    out.wanted.push_back(true);
  }
  return out;
}

Outputs Subject::evaluate(const Direction& direction, double t) const {
  const Frozen frozen(start);
  const std::vector<Tensor> in = leaves_of(*this);
  if (t != 0) {
    double* x = in[direction.input].value()->as<double>();
    if (direction.element >= 0) x[direction.element] += t;
    for (std::size_t i = 0; i < direction.along.size(); ++i) x[i] += t * direction.along[i];
  }
  return Outputs(plain(in), where);
}

Gradients Subject::differentiate(const Numbers& weights) const {
  const Frozen frozen(start);
  const std::vector<Tensor> in = leaves_of(*this);
  const std::vector<Tensor> out = recorded(in);
  const Outputs outputs(out, where);
  Gradients gradients{weights, {}, outputs.values};
  const std::vector<Tensor> grads =
      detail::gradients(out, cut(weights, outputs.shapes), only(in, wanted), false, where);
  for (std::size_t i = 0, next = 0; i < in.size(); ++i) {
    gradients.of.emplace_back();
    if (wanted[i] && grads[next].defined()) gradients.of.back() = numbers_of(grads[next]);
    next += wanted[i];
  }
  return gradients;
}

}  // namespace xtape::detail
