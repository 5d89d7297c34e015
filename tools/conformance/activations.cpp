// Activations that work element by element.
#include <xtape/tools/conformance/binding.hpp>

namespace conformance {

static const Bindings table{
    {"relu", [](const Call& c) { return relu(c.in(0)); }},
    {"relu6", [](const Call& c) { return relu6(c.in(0)); }},
    {"selu", [](const Call& c) { return selu(c.in(0)); }},
    {"silu", [](const Call& c) { return silu(c.in(0)); }},
    {"mish", [](const Call& c) { return mish(c.in(0)); }},
    {"hardsigmoid", [](const Call& c) { return hardsigmoid(c.in(0)); }},
    {"hardswish", [](const Call& c) { return hardswish(c.in(0)); }},
    {"softsign", [](const Call& c) { return softsign(c.in(0)); }},
    {"tanhshrink", [](const Call& c) { return tanhshrink(c.in(0)); }},
    {"shifted_relu", [](const Call& c) { return shifted_relu(c.in(0)); }},
    {"leaky_relu",
     [](const Call& c) { return leaky_relu(c.in(0), c.number("negative_slope", 0.01)); }},
    {"prelu", [](const Call& c) { return nn::prelu(c.in(0), c.in(1)); }},
    {"rrelu_eval",
     [](const Call& c) {
       return nn::rrelu(c.in(0), c.number("lower", 1.0 / 8), c.number("upper", 1.0 / 3));
     }},
    {"elu", [](const Call& c) { return elu(c.in(0), c.number("alpha", 1)); }},
    {"celu", [](const Call& c) { return celu(c.in(0), c.number("alpha", 1)); }},
    {"softplus",
     [](const Call& c) {
       return softplus(c.in(0), c.number("beta", 1), c.number("threshold", 20));
     }},
    {"swish", [](const Call& c) { return swish(c.in(0), c.in(1)); }},
    {"gelu", [](const Call& c) { return nn::gelu(c.in(0), c.text("approximate", "none")); }},
    {"hardtanh",
     [](const Call& c) {
       return hardtanh(c.in(0), c.number("min_val", -1), c.number("max_val", 1));
     }},
    {"logsigmoid", [](const Call& c) { return log_sigmoid(c.in(0)); }},
    {"softshrink", [](const Call& c) { return softshrink(c.in(0), c.number("lambd", 0.5)); }},
    {"hardshrink", [](const Call& c) { return hardshrink(c.in(0), c.number("lambd", 0.5)); }},
    {"threshold",
     [](const Call& c) { return threshold(c.in(0), c.number("threshold"), c.number("value")); }},
};

}  // namespace conformance
