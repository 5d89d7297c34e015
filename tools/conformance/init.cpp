// Initial values of parameters.
#include <xtape/tools/conformance/binding.hpp>

namespace conformance {

namespace {

namespace init = nn::init;

struct Kaiming {
  std::string nonlinearity;
  init::KaimingOptions options;

  explicit Kaiming(const Call& h)
      : nonlinearity(h.text("nonlinearity", "leaky_relu")),
        options{
            .mode = h.text("mode", "fan_in") == "fan_in" ? init::Mode::fan_in : init::Mode::fan_out,
            .nonlinearity = nonlinearity,
            .a = h.number("a", 0)} {}
};

Tensor scale(const Call& c) {
  const std::string name = c.text("init");
  const Shape shape = c.shape("shape");
  const double deviation =
      name.starts_with("xavier")    ? init::xavier_deviation(shape, c.number("gain", 1))
      : name.starts_with("kaiming") ? init::kaiming_deviation(shape, Kaiming(c).options)
                                    : init::lecun_deviation(shape);
  return full({}, name.ends_with("uniform") ? std::sqrt(3.0) * deviation : deviation, float64);
}

Tensor draw(const std::string& name, const Tensor& x, const Call& h) {
  const double mean = h.number("mean", 0), std = h.number("std", 1);
  if (name == "uniform") return init::uniform(x, h.number("a", 0), h.number("b", 1));
  if (name == "normal") return init::normal(x, mean, std);
  if (name == "trunc_normal")
    return init::truncated_normal(x, mean, std, h.number("a", -2), h.number("b", 2));
  if (name == "xavier_uniform") return init::xavier_uniform(x, h.number("gain", 1));
  if (name == "xavier_normal") return init::xavier_normal(x, h.number("gain", 1));
  if (name == "kaiming_uniform") return init::kaiming_uniform(x, Kaiming(h).options);
  if (name == "kaiming_normal") return init::kaiming_normal(x, Kaiming(h).options);
  if (name == "lecun_uniform") return init::lecun_uniform(x);
  if (name == "lecun_normal") return init::lecun_normal(x);
  if (name == "eye") return init::eye(x);
  if (name == "dirac") return init::dirac(x, h.integer("groups", 1));
  if (name == "zeros") return init::zeros(x);
  if (name == "ones") return init::ones(x);
  if (name == "constant") return init::constant(x, h.number("value"));
  throw Unsupported("xtape has no initialisation " + name);
}

Tensor drawn(const Call& c) {
  const Call h{c.kwargs.at("hyper"), c.inputs, c.dtype};
  return draw(c.text("init"), Tensor::empty(c.shape("shape"), c.dtype), h);
}

// Mean, standard deviation, smallest and largest element.
Tensor statistics(const Tensor& x) {
  const Tensor m = mean(x);
  return cat({reshape(m, {1}), reshape(sqrt(mean(square(x - m))), {1}), reshape(amin(x), {1}),
              reshape(amax(x), {1})});
}

// W W^T or W^T W, whichever is smaller, of the weight as a matrix.
Tensor products(const Tensor& weight) {
  const Tensor w = reshape(weight, {weight.size(0), weight.numel() / weight.size(0)});
  return w.size(0) <= w.size(1) ? matmul(w, transpose(w)) : matmul(transpose(w), w);
}

const Bindings table{
    {"init.fans",
     [](const Call& c) {
       const init::Fans fans = init::fans(c.shape("shape"));
       return Tensor({fans.in, fans.out}, int64);
     }},
    {"init.gain",
     [](const Call& c) {
       return full({}, init::gain(c.text("nonlinearity"), c.number("param", 0.01)), float64);
     }},
    {"init.scale", scale},
    {"init.stats", [](const Call& c) { return statistics(drawn(c)); }},
    {"init.orthogonal",
     [](const Call& c) {
       const Tensor weight = Tensor::empty(c.shape("shape"), c.dtype);
       return products(init::orthogonal(weight, c.number("gain", 1)));
     }},
    {"init.exact", drawn},
};

}  // namespace

}  // namespace conformance
