#include <xtape/tools/bench/workloads.hpp>

// The least that each workload does, for float32: a backward pass has twice the products of its
// forward pass, less those for the gradient of the data.
namespace bench {

namespace {

constexpr double size = sizeof(float);

double number(std::int64_t n) { return static_cast<double>(n); }

// Bytes of a parameter in a step with momentum: read forward and backward, its gradient written
// and read, itself and its velocity read and written; those three are kept.
constexpr double per_parameter = 8 * size, kept_of_parameter = 3 * size;

}  // namespace

Work Mlp::work() const {
  double weights = 0, units = 0;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    weights += number(sizes[i]) * number(sizes[i + 1]);
    units += number(sizes[i + 1]);
  }
  const double first = number(sizes[0]) * number(sizes[1]);
  // each hidden value and its gradient is written and read by two operations
  return {2 * number(batch) * (3 * weights - first),
          per_parameter * weights + 8 * size * number(batch) * units,
          kept_of_parameter * weights + 3 * size * number(batch) * units};
}

Work Cnn::work() const {
  Work work;
  double side = number(image), last = 0;
  for (std::size_t i = 0; i + 1 < channels.size(); ++i) {
    const double in = number(channels[i]), out = number(channels[i + 1]);
    const double points = number(batch) * side * side;
    work.flops += 2 * points * 9 * in * out * (i == 0 ? 2 : 3);
    // convolution and relu forward and backward, pooling with a quarter of the points
    work.bytes += size * points * (3 * in + 8.5 * out);
    work.working_set += size * points * (2 * in + 4.5 * out);
    side = static_cast<double>(static_cast<std::int64_t>(side) / 2);
    last = out * side * side;
  }
  work.flops += 6 * number(batch) * last * number(classes);
  return work;
}

// The gradient of the result is all ones, which need not be read.
Work Function::work() const { return {0, 4 * size * number(n), 3 * size * number(n)}; }

Work Loss::work() const {
  const bool of_classes = name == "cross_entropy" || name == "hinge";
  const double bytes = size * number(rows) * number(classes);
  return {0, (of_classes ? 3 : 5) * bytes, (of_classes ? 2 : 3) * bytes};
}

Work Norm::work() const {
  const double bytes = size * number(rows) * number(cols);
  return {0, 5 * bytes, 4 * bytes};
}

Work Matmul::work() const {
  const double a = number(m) * number(k), b = number(k) * number(n), c = number(m) * number(n);
  return {6 * number(m) * number(n) * number(k), 3 * size * (a + b + c), size * (2 * (a + b) + c)};
}

Work Lstm::work() const {
  const double weights = 4 * number(hidden) * (number(input) + number(hidden));
  const double values = number(steps) * number(batch) * (number(input) + 6 * number(hidden));
  return {6 * number(steps) * number(batch) * weights, 3 * size * values,
          2 * size * (values + weights)};
}

Work Attention::work() const {
  const double scores = number(batch) * number(heads) * number(length) * number(length);
  return {12 * scores * number(dim), 4 * size * scores, 2 * size * scores};
}

}  // namespace bench
