#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <filesystem>
#include <vector>
#include <xtape/tools/compare/growth.hpp>
#include <xtape/tools/compare/process.hpp>
#include <xtape/tools/svg.hpp>

namespace compare {

namespace {

using svg::at;

struct Point {
  double size, us, megabytes;
};

// One line in the panels of a column.
struct Curve {
  std::string name, style;
  std::vector<Point> points;
};

// The same curves twice, time above memory. It may be divided by the size.
struct Column {
  std::string axis, time_name;
  bool time_for_each;
  std::vector<Curve> curves;
};

class Measurement {
 public:
  Measurement(std::string folder, double seconds) : folder_(std::move(folder)), seconds_(seconds) {
    has_peer_ = std::filesystem::exists(folder_ + "/bench_torch");
  }

  std::vector<Column> columns() const {
    Column elements{"elements", "time of a function, there and back", false, {}};
    int colour = 0;
    for (const char* function : {"relu", "tanh", "gelu"}) {
      const auto points = [&](const char* program) {
        return curve(program, fmt::format("elementwise --function {} --n", function), 10'000'000);
      };
      ++colour;
      elements.curves.push_back({function, fmt::format("c{}", colour), points("bench")});
      if (has_peer_)
        elements.curves.push_back(
            {"libtorch", fmt::format("c{} peer", colour), points("bench_torch")});
    }
    Column nodes{"nodes in a chain of small operations", "time of each node", true, {}};
    nodes.curves.push_back({"there and back", "c1", curve("bench", "chain --length", 1'000'000)});
    if (has_peer_)
      nodes.curves.push_back(
          {"libtorch", "c1 peer", curve("bench_torch", "chain --length", 1'000'000)});
    nodes.curves.push_back(
        {"forward mode", "c2", curve("bench", "chain --forward --length", 1'000'000)});
    Column checks{"parameters of a linear layer", "time of all slopes", false, {}};
    checks.curves.push_back(
        {"check by differences, n²", "c2", curve("bench", "gradcheck --parameters", 10'000)});
    checks.curves.push_back({"backpropagation, n", "c1",
                             curve("bench", "gradcheck --backward --parameters", 1'000'000)});
    return {elements, nodes, checks};
  }

 private:
  // From ten on, tenfold each time.
  std::vector<Point> curve(const char* program, const std::string& arguments,
                           std::int64_t last) const {
    std::vector<Point> points;
    for (std::int64_t size = 10; size <= last; size *= 10) {
      const nlohmann::json line = json_of(
          fmt::format("{}/{} {} {} --seconds {}", folder_, program, arguments, size, seconds_), 1,
          1);
      points.push_back(
          {static_cast<double>(size), line["min_us"], line["peak_rss_kb"].get<double>() / 1024});
    }
    return points;
  }

  std::string folder_;
  double seconds_;
  bool has_peer_;
};

constexpr double width = 330, height = 262, plot_width = 262, plot_height = 188;
constexpr double left = 54, top = 40, margin = 12, legend = 18;

// The decades that hold some values.
class Axis {
 public:
  // `units` are a thousandfold of each other, the first that of the values.
  explicit Axis(std::vector<const char*> units) : units_(std::move(units)) {}

  void take(double value) {
    low_ = std::fmin(low_, std::log10(value));
    high_ = std::fmax(high_, std::log10(value));
  }
  int first() const { return static_cast<int>(std::floor(low_ + 0.01)); }
  int last() const { return std::max(first() + 1, static_cast<int>(std::ceil(high_ - 0.01))); }
  // From 0 to 1.
  double operator()(double value) const {
    return (std::log10(value) - first()) / (last() - first());
  }
  std::string text(int decade) const {
    const char* const zeros[] = {"1", "10", "100"};
    return fmt::format("{}{}", zeros[decade % 3], units_[static_cast<std::size_t>(decade / 3)]);
  }

 private:
  std::vector<const char*> units_;
  double low_ = HUGE_VAL, high_ = -HUGE_VAL;
};

double x_of(const Axis& axis, double value) { return left + axis(value) * plot_width; }
double y_of(const Axis& axis, double value) { return top + (1 - axis(value)) * plot_height; }

// Lines at the decades with their names.
std::string grid(const Axis& x, const Axis& y, const std::string& x_name) {
  std::string out;
  const double right = left + plot_width, bottom = top + plot_height;
  for (int decade = x.first(); decade <= x.last(); ++decade) {
    const double at_x = x_of(x, std::pow(10, decade));
    out += svg::path(decade == x.first() ? "axis" : "grid",
                     fmt::format("M{} {}V{}", at(at_x), at(top), at(bottom)));
    out += svg::text("tick", at_x, bottom + 12, x.text(decade));
  }
  for (int decade = y.first(); decade <= y.last(); ++decade) {
    const double at_y = y_of(y, std::pow(10, decade));
    out += svg::path(decade == y.first() ? "axis" : "grid",
                     fmt::format("M{} {}H{}", at(left), at(at_y), at(right)));
    out += svg::text("tick side", left - 5, at_y + 3, y.text(decade));
  }
  return out + svg::text("tick", left + plot_width / 2, bottom + 25, x_name);
}

// One panel of a column: `value` is what is shown of a point.
template <class Value>
std::string panel(const Column& column, const std::string& name, Axis y, const Value& value) {
  Axis x({"", "k", "M"});
  for (const Curve& curve : column.curves)
    for (const Point& point : curve.points) {
      x.take(point.size);
      y.take(value(point));
    }
  std::string curves;
  for (const Curve& curve : column.curves) {
    std::string line, dots;
    for (const Point& point : curve.points) {
      const std::string place = at(x_of(x, point.size)) + " " + at(y_of(y, value(point)));
      line += (line.empty() ? "M" : "L") + place;
      dots += "M" + place + "h0";
    }
    curves += svg::path("curve " + curve.style, line);
    curves += svg::path("curve dots " + curve.style.substr(0, 2), dots);
  }
  return svg::text("name", left, 24, name) + grid(x, y, column.axis) + curves;
}

// The names of the curves, each beside that of libtorch's.
std::string names_of(const Column& column) {
  std::string out;
  double y = 20 - legend;
  for (const Curve& curve : column.curves) {
    const bool peer = curve.style.ends_with("peer");
    if (!peer) y += legend;
    const double x = peer ? width - 106 : 20;
    out += svg::path("curve " + curve.style, fmt::format("M{} {}h24", at(x), at(y)));
    out += svg::text("legend", x + 32, y + 4, curve.name);
  }
  return out;
}

}  // namespace

std::string growth_picture(const std::string& folder, double seconds) {
  const std::vector<Column> columns = Measurement(folder, seconds).columns();
  constexpr double names_height = 24 + 3 * legend;
  std::string inside;
  double x = margin;
  for (const Column& column : columns) {
    const auto time = [&](const Point& point) {
      return 1e3 * point.us / (column.time_for_each ? point.size : 1);
    };
    double y = margin;
    inside += svg::card(x, y, width, names_height, names_of(column));
    y += names_height + margin;
    inside += svg::card(x, y, width, height,
                        panel(column, column.time_name, Axis({" ns", " µs", " ms", " s"}), time));
    y += height + margin;
    inside += svg::card(x, y, width, height,
                        panel(column, "peak size of the process", Axis({" MB", " GB"}),
                              [](const Point& point) { return point.megabytes; }));
    x += width + margin;
  }
  return svg::picture(
      x, names_height + 2 * height + 4 * margin,
      ".curve { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round }\n"
      ".tick { font-size: 11px } .side { text-anchor: end } .dots { stroke-width: 5 }\n"
      ".c1 { stroke: #1f5fbf } .c2 { stroke: #e07b1a } .c3 { stroke: #2c8a4b }\n"
      ".peer { stroke-dasharray: 2 5 }\n",
      inside);
}

}  // namespace compare
