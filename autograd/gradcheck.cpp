#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <xtape/autograd/differences.hpp>
#include <xtape/autograd/gradcheck_subject.hpp>

namespace xtape {

namespace {

using namespace detail;
using Kind = GradcheckElement::Kind;

// Errors of differences above this part of the slope cannot tell a rule that is 0.1 % off.
constexpr double too_poor = 5e-4;

enum class Verdict { right, undecided, kink, missing, not_finite, wrong };
constexpr int verdicts = 6;

struct Judged {
  Verdict verdict = Verdict::right;
  double excess = -1;  // the error in units of the allowed one
  double scale = 0;    // the largest gradient of the same input
  bool coarse = false;
  GradcheckElement element;
  bool worse_than(const Judged& other) const {
    return verdict != other.verdict ? verdict > other.verdict : excess > other.excess;
  }
};

double largest(const Numbers& numbers) {
  double most = 0;
  for (double x : numbers)
    if (std::isfinite(x)) most = std::max(most, std::abs(x));
  return most;
}

bool same_bits(const Numbers& a, const Numbers& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(double)) == 0);
}

// NaN beside NaN and infinity beside infinity are close.
bool close(double a, double b, double tolerance) {
  if (std::isnan(a) || std::isnan(b)) return std::isnan(a) && std::isnan(b);
  return a == b || std::abs(a - b) <= tolerance;
}

std::vector<std::int64_t> multi_index(std::int64_t flat, const Shape& shape) {
  std::vector<std::int64_t> index(static_cast<std::size_t>(shape.rank()));
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    index[static_cast<std::size_t>(axis)] = flat % shape[axis];
    flat /= shape[axis];
  }
  return index;
}

// The slope of sum_k weight_k y_k from the slopes of the y_k.
GradcheckElement weighted(const std::vector<Slope>& slopes, const Numbers& weights) {
  GradcheckElement sum;
  for (std::size_t k = 0; k < slopes.size(); ++k) {
    const Slope& slope = slopes[k];
    const double a = weights[k] * slope.low, b = weights[k] * slope.high;
    sum.kind = std::max(sum.kind, static_cast<Kind>(slope.kind));
    sum.numeric += weights[k] * slope.value;
    sum.low += a < b ? a : b;
    sum.high += a < b ? b : a;
    sum.error += std::abs(weights[k]) * slope.error;
  }
  return sum;
}

double distance(const GradcheckElement& e) {
  if (e.analytic >= e.low && e.analytic <= e.high) return 0;
  return std::min(std::abs(e.analytic - e.low), std::abs(e.analytic - e.high));
}

// Whether differences find no finite slope either.
bool agrees_without_limit(const GradcheckElement& e) {
  if (e.kind == Kind::unknown) return true;
  if (e.kind != Kind::infinite) return false;
  const bool one_sign = std::isinf(e.low) && e.low == e.high;
  return std::isnan(e.analytic) || !one_sign || e.analytic == e.low;
}

class Checker {
 public:
  Checker(const GradcheckOptions& options, const Location& where) : options_(options) {
    report_.where = where;
  }

  GradcheckReport run(const Subject& first) {
    const Outputs outputs = first.evaluate();
    report_.op = !options_.name.empty() ? options_.name : outputs.op;
    if (report_.op.empty()) report_.op = "gradcheck";
    check(first, outputs, report_.first);
    if (options_.second_order && report_.ok()) {
      const Subject second = first.gradient(outputs, options_.seed);
      check(second, second.evaluate(), report_.second);
    }
    return std::move(report_);
  }

 private:
  void check(const Subject& subject, const Outputs& origin, GradcheckReport::Order& counts) {
    counts_ = &counts;
    worst_.fill({});
    if (!repeats(subject, origin)) return;
    std::vector<Gradients> gradients;
    for (std::uint64_t stream : {0, 1})
      gradients.push_back(
          subject.differentiate(random_weights(options_.seed, stream, origin.values.size())));
    compare_values(subject, origin.values, gradients[0].values);
    compare_finiteness(subject, origin.values, gradients[0]);
    for (std::size_t i = 0; i < subject.inputs.size(); ++i)
      if (subject.wanted[i]) check_input(subject, origin, gradients, i);
    describe();
    repeats(subject, origin);
  }

  bool repeats(const Subject& subject, const Outputs& origin) {
    if (same_bits(origin.values, subject.evaluate().values)) return true;
    report_.deterministic = false;
    report_.problems.push_back(
        "not deterministic: two evaluations at the same point differ; random numbers from "
        "Generator::global() repeat, so something else changes between calls");
    return false;
  }

  void compare_values(const Subject& subject, const Numbers& plain, const Numbers& recorded) {
    const double tolerance = 1e-9 * largest(plain);
    for (std::size_t k = 0; k < plain.size() && k < recorded.size(); ++k) {
      if (close(plain[k], recorded[k], tolerance)) continue;
      report_.problems.push_back(fmt::format(
          "{} the recorded computation gives {:.10g} where the plain one gives {:.10g}",
          subject.order == 2 ? "with create_graph" : "evaluated twice,", recorded[k], plain[k]));
      return;
    }
  }

  // A NaN that comes out has to show up in some gradient.
  void compare_finiteness(const Subject& subject, const Numbers& values,
                          const Gradients& gradients) {
    const auto finite = [](double x) { return std::isfinite(x); };
    const auto bad = std::find_if_not(values.begin(), values.end(), finite);
    if (bad == values.end()) return;
    for (const Numbers& grad : gradients.of)
      if (!std::all_of(grad.begin(), grad.end(), finite)) return;
    report_.problems.push_back(fmt::format(
        "not finite: {} {} is {}, but all gradients are finite",
        subject.order == 2 ? "gradient element" : "output element", bad - values.begin(), *bad));
  }

  void check_input(const Subject& subject, const Outputs& origin,
                   const std::vector<Gradients>& gradients, std::size_t input) {
    const Tensor& x = subject.inputs[input];
    const Numbers elements(x.data<double>(), x.data<double>() + x.numel());
    if (elements.empty()) return;
    if (!options_.fast) {
      for (std::int64_t i = 0, end = x.numel(); i < end; ++i)
        settle(examine(subject, origin, gradients, {input, i, {}}, elements[std::size_t(i)]));
      return;
    }
    const Direction random{input, -1, random_weights(options_.seed, 3 + input, elements.size())};
    settle(examine(subject, origin, gradients, random, largest(elements)));
  }

  // Where differences and gradient disagree, smaller steps get their chance: the curve may have a
  // feature that lies between the first samples.
  Judged examine(const Subject& subject, const Outputs& origin,
                 const std::vector<Gradients>& gradients, const Direction& direction, double x) {
    Curves curves;
    curves.at = [&](double t) { return displaced(subject, origin, direction, t); };
    curves.origin = origin.values;
    curves.rounding = origin.rounding;
    curves.size = std::abs(x);
    const double widest =
        std::exp2(std::floor(std::log2(options_.step * std::max(1.0, curves.size))));
    Judged first;
    for (int finer : {0, 8, 16}) {
      curves.step = std::ldexp(widest, -finer);
      const std::vector<Slope> found = slopes(curves, options_.rtol / 10);
      Judged now;
      for (const Gradients& weighting : gradients) {
        const Judged one = judge(subject, direction, found, weighting, curves);
        if (one.worse_than(now)) now = one;
      }
      if (finer == 0) first = now;
      const double magnitude = std::max(std::abs(now.element.low), std::abs(now.element.high));
      const bool clear = now.element.error <= 1e-4 * magnitude;
      if (now.verdict == Verdict::right && (finer == 0 || clear)) return now;
      if (first.verdict != Verdict::wrong && first.verdict != Verdict::missing) break;
    }
    return first;
  }

  Numbers displaced(const Subject& subject, const Outputs& origin, const Direction& direction,
                    double t) const {
    Outputs outputs = subject.evaluate(direction, t);
    if (outputs.values.size() != origin.values.size())
      raise<ValueError>(report_.where, report_.op,
                        fmt::format("the function returns {} numbers at first and {} when an "
                                    "input changes a little; its shapes must not depend on values",
                                    origin.values.size(), outputs.values.size()));
    return std::move(outputs.values);
  }

  Judged judge(const Subject& subject, const Direction& direction, const std::vector<Slope>& found,
               const Gradients& gradients, const Curves& curves) const {
    Judged judged;
    GradcheckElement& e = judged.element = weighted(found, gradients.weights);
    const Numbers& grad = gradients.of[direction.input];
    locate(e, subject, direction);
    if (!grad.empty() && direction.element >= 0) e.analytic = grad[std::size_t(direction.element)];
    for (std::size_t i = 0; i < direction.along.size() && !grad.empty(); ++i)
      e.analytic += grad[i] * direction.along[i];
    const double size = std::max({std::abs(e.analytic), std::abs(e.low), std::abs(e.high)});
    const double scale = largest(grad);
    e.allowed = e.error + options_.atol * scale;
    if (std::isfinite(size)) e.allowed += options_.rtol * size;
    judged.scale = scale;
    judged.excess = distance(e) > 0 ? distance(e) / e.allowed : 0;
    if (e.kind == Kind::unknown && std::isfinite(e.analytic)) e.kind = Kind::smooth;
    judged.coarse = e.error > too_poor * size && size > 0;
    const double natural = largest(curves.origin) / std::max(1.0, curves.size);
    if (!std::isfinite(e.analytic)) {
      judged.excess = agrees_without_limit(e) ? 0 : std::numeric_limits<double>::infinity();
      if (judged.excess > 0) judged.verdict = Verdict::not_finite;
    } else if (!(distance(e) <= e.allowed)) {
      judged.verdict = grad.empty() ? Verdict::missing : Verdict::wrong;
    } else if (judged.coarse && e.error > 1e-6 * std::max(scale, natural)) {
      judged.verdict = Verdict::undecided;
    } else if (e.kind != Kind::smooth && !options_.allow_kinks) {
      judged.verdict = Verdict::kink;
    }
    return judged;
  }

  static void locate(GradcheckElement& e, const Subject& subject, const Direction& direction) {
    e.order = subject.order;
    e.input = static_cast<int>(direction.input);
    e.place = subject.names[direction.input];
    if (direction.element < 0) {
      e.place += " along a random direction";
      return;
    }
    e.index = multi_index(direction.element, subject.inputs[direction.input].shape());
    e.place += fmt::format(" at [{}]", fmt::join(e.index, ", "));
  }

  // Enters one comparison into the report.
  void settle(const Judged& judged) {
    const GradcheckElement& e = judged.element;
    ++counts_->elements;
    counts_->coarse += judged.coarse;
    if (judged.verdict != Verdict::right) ++counts_->failed;
    else if (e.kind != Kind::smooth) report_.kinks.push_back(e);
    if (e.kind == Kind::smooth && std::isfinite(e.analytic)) {
      const double size =
          std::max({std::abs(e.analytic), std::abs(e.numeric), 1e-3 * judged.scale});
      if (size > 0) counts_->relative_error = std::max(counts_->relative_error, distance(e) / size);
    }
    Judged& worst = worst_[static_cast<std::size_t>(judged.verdict)];
    if (worst.element.input < 0 || judged.excess > worst.excess) worst = judged;
    if (overall_.element.input < 0 || judged.worse_than(overall_)) overall_ = judged;
    report_.worst = overall_.element;
  }

  // One problem for each kind of failure, with its worst element.
  void describe() {
    constexpr const char* text[verdicts] = {
        "",
        "differences are too poor to tell",
        "not smooth",
        "missing gradient: no gradient reaches this input although it changes the output",
        "gradient is not finite",
        "wrong gradient"};
    for (std::size_t v = verdicts - 1; v > 0; --v)
      if (worst_[v].element.input >= 0)
        report_.problems.push_back(fmt::format("{}: {}; {} of {} elements fail", text[v],
                                               worst_[v].element.str(), counts_->failed,
                                               counts_->elements));
  }

  const GradcheckOptions& options_;
  GradcheckReport report_;
  GradcheckReport::Order* counts_ = nullptr;
  std::array<Judged, verdicts> worst_;
  Judged overall_;
};

}  // namespace

GradcheckReport detail::check_gradients(const TensorFunction& f, const std::vector<Tensor>& inputs,
                                        const GradcheckOptions& options, const Location& given) {
  const Location where = Caller::or_else(given);
  if (!(options.step > 0 && options.rtol >= 0 && options.atol >= 0))
    raise<ValueError>(where, "gradcheck",
                      fmt::format("step must be positive, rtol and atol not negative: {}, {}, {}",
                                  options.step, options.rtol, options.atol));
  const Subject subject(f, inputs, options.constants, where);
  if (std::find(subject.wanted.begin(), subject.wanted.end(), true) == subject.wanted.end())
    raise<ValueError>(where, "gradcheck",
                      fmt::format("nothing to check: none of {} inputs is floating and not among "
                                  "the constants",
                                  inputs.size()));
  const GradcheckReport report = Checker(options, where).run(subject);
  if (options.throw_on_failure && !report.ok()) throw GradcheckError(report);
  return report;
}

void detail::raise_wrong_count(std::size_t inputs, const Location& where) {
  raise<ValueError>(where, "gradcheck",
                    fmt::format("the function does not take {} tensors one by one; let it take a "
                                "const std::vector<Tensor>&",
                                inputs));
}

}  // namespace xtape
