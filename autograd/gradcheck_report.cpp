#include <fmt/format.h>

#include <cmath>
#include <limits>
#include <ostream>
#include <xtape/autograd/gradcheck.hpp>

namespace xtape {

namespace {

const char* name_of(GradcheckElement::Kind kind) {
  using Kind = GradcheckElement::Kind;
  switch (kind) {
    case Kind::kink: return "a kink";
    case Kind::jump: return "a jump";
    case Kind::edge: return "the edge of the domain";
    case Kind::infinite: return "an infinite slope";
    case Kind::unknown: return "no finite value";
    default: return "smooth";
  }
}

// More than this many kinks are counted, not listed.
constexpr std::size_t listed = 3;

std::string order_summary(const GradcheckReport::Order& order, const char* what) {
  std::string text = fmt::format("{} {} agree with differences, largest relative error {:.1e}",
                                 order.elements, what, order.relative_error);
  if (order.coarse > 0)
    text += fmt::format(" ({} of them too small to be sure of the third digit)", order.coarse);
  return text;
}

std::string kink_summary(const std::vector<GradcheckElement>& kinks) {
  if (kinks.empty()) return "";
  std::string text = fmt::format("; {} not smooth: ", kinks.size());
  for (std::size_t i = 0; i < kinks.size() && i < listed; ++i)
    text += (i ? "; " : "") + kinks[i].str();
  if (kinks.size() > listed) text += "; ...";
  return text;
}

}  // namespace

std::string GradcheckElement::str() const {
  const char* what = order == 2 ? "second-order gradient" : "gradient";
  std::string text = fmt::format("{}: {} {:.10g}, ", place, what, analytic);
  if (kind == Kind::smooth)
    return text + fmt::format("differences {:.10g} +- {:.1e}", numeric, error);
  text += name_of(kind);
  if (kind == Kind::unknown || std::isnan(low)) return text;
  return text + fmt::format(" with slopes from {:.10g} to {:.10g}", low, high);
}

std::string GradcheckReport::summary() const {
  if (!ok()) return fmt::format("{}", fmt::join(problems, "; "));
  std::string text = order_summary(first, "gradients");
  if (second.elements > 0) text += "; " + order_summary(second, "second-order gradients");
  return text + kink_summary(kinks);
}

std::string GradcheckReport::str() const {
  return fmt::format("{}: {} ({})", op, summary(), where.str());
}

std::ostream& operator<<(std::ostream& out, const GradcheckReport& report) {
  return out << report.str();
}

GradcheckError::GradcheckError(const GradcheckReport& found)
    : Error(found.op, found.summary(), found.where), report(found) {}

}  // namespace xtape
