// Writes docs/catalogue.md, a table of everything in the catalogue, and docs/activations.svg, a
// plot of every activation and its slope, or with --check tells whether the files are up to date.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <cmath>
#include <fstream>
#include <iostream>
#include <sstream>
#include <xtape/tools/svg.hpp>
#include <xtape/xtape.hpp>

namespace {

using namespace xtape;
using svg::at;
using Kind = Entry::Kind;

std::vector<const Entry*> entries(Kind kind) {
  std::vector<const Entry*> out = catalogue();
  std::erase_if(out, [&](const Entry* entry) { return entry->kind != kind; });
  return out;
}

// The table.

/// Text for a cell of a table.
std::string cell(std::string_view text) {
  std::string out;
  for (char c : text) out += c == '|' ? "\\|" : std::string(1, c);
  return out;
}

std::string code(std::string_view text) {
  return text.empty() ? "" : fmt::format("`{}`", cell(text));
}

std::string parameters(const Entry& entry) {
  std::vector<std::string> out;
  for (const Parameter& parameter : entry.parameters)
    out.push_back(fmt::format("{} = {:g}", parameter.name, parameter.value));
  return fmt::format("{}", fmt::join(out, ", "));
}

std::string formula_table(Kind kind) {
  const bool activations = kind == Kind::activation;
  std::string out = activations ? "| name | what it is | formula | parameters | kinks | source |\n"
                                  "|---|---|---|---|---|---|\n"
                                : "| name | what it is | formula | kinks |\n|---|---|---|---|\n";
  for (const Entry* entry : entries(kind)) {
    const Record& record = entry->record;
    out += fmt::format("| {} | {} | {} |", code(record.name), cell(record.about),
                       code(record.formula));
    if (activations) out += fmt::format(" {} |", code(parameters(*entry)));
    out += fmt::format(" {} |", code(record.kinks));
    if (activations) out += fmt::format(" {} |", cell(record.source));
    out += "\n";
  }
  return out;
}

std::string array_table() {
  std::string out =
      "| name | what it is | formula | calls, and the shapes they are tested with |\n"
      "|---|---|---|---|\n";
  for (const Entry* entry : entries(Kind::array)) {
    std::vector<std::string> calls;
    for (const Sample& sample : entry->samples) {
      std::vector<std::string> shapes;
      for (const Shape& shape : sample.shapes) shapes.push_back(shape.str());
      calls.push_back(fmt::format("{} {}", code(sample.call), fmt::join(shapes, ", ")));
    }
    out +=
        fmt::format("| {} | {} | {} | {} |\n", code(entry->record.name), cell(entry->record.about),
                    code(entry->record.formula), fmt::join(calls, "<br>"));
  }
  return out;
}

std::string page() {
  return fmt::format(
      "# Catalogue\n\n"
      "Everything that can be computed, from the records beside the definitions. Written by\n"
      "`catalogue`; do not edit. A slope at a kink lies between those beside it.\n\n"
      "## Activations\n\n"
      "Called as `relu(x)`, or by name as `activation(\"relu\")(x)`. A parameter may be a number "
      "or\n"
      "a tensor that broadcasts, learnable or not.\n\n"
      "![Every activation and its slope](activations.svg)\n\n{}\n"
      "## Functions\n\nElement by element; integers are taken as float32.\n\n{}\n"
      "## Arithmetic, comparisons and choices\n\n"
      "Element by element; integers stay integers, comparisons give booleans.\n\n{}\n"
      "## Array operations\n\n{}",
      formula_table(Kind::activation), formula_table(Kind::function),
      formula_table(Kind::arithmetic), array_table());
}

// The plot: one panel for each activation, side by side.

constexpr int columns = 5;
constexpr double width = 200, height = 168, plot_width = 160, plot_height = 104;
constexpr double left = 28, top = 40, margin = 12, header = 44;

struct Curve {
  std::vector<double> x, y;
};

struct Panel {
  double x_low, x_high, y_low, y_high;
  double x(double value) const { return left + (value - x_low) / (x_high - x_low) * plot_width; }
  double y(double value) const { return top + (y_high - value) / (y_high - y_low) * plot_height; }
};

/// The activation and its slope by the tape, over its domain.
std::pair<Curve, Curve> curves(const Entry& entry) {
  constexpr int points = 201;
  Tensor x = linspace(entry.record.low, entry.record.high, points, float64);
  x.requires_grad(true);
  const Tensor y = entry(x);
  y.backward(ones_like(y));
  const auto numbers = [](const Tensor& tensor) {
    return std::vector<double>(tensor.data<double>(), tensor.data<double>() + points);
  };
  return {{numbers(x), numbers(y)}, {numbers(x), numbers(x.grad())}};
}

Panel panel_around(const Entry& entry, const Curve& value, const Curve& slope) {
  Panel panel{entry.record.low, entry.record.high, 0, 0};
  for (const Curve* curve : {&value, &slope})
    for (double y : curve->y) {
      panel.y_low = std::fmin(panel.y_low, y);
      panel.y_high = std::fmax(panel.y_high, y);
    }
  const double room = 0.06 * (panel.y_high - panel.y_low);
  panel.y_low -= room;
  panel.y_high += room;
  return panel;
}

/// The curve as a path, interrupted where it jumps.
std::string path(const Panel& panel, const Curve& curve, const char* style) {
  std::string d;
  for (std::size_t i = 0; i < curve.x.size(); ++i) {
    const double step = i ? std::fabs(panel.y(curve.y[i]) - panel.y(curve.y[i - 1])) : HUGE_VAL;
    d += fmt::format("{}{} {}", step > 0.08 * plot_height ? "M" : "L", at(panel.x(curve.x[i])),
                     at(panel.y(curve.y[i])));
  }
  return svg::path(style, d);
}

/// Lines at the whole numbers, the axes darker, and the numbers at the ends and at 0 and 1.
std::string grid(const Panel& panel) {
  std::string lines, numbers;
  const double right = left + plot_width, bottom = top + plot_height;
  for (double x = std::ceil(panel.x_low) + 0.0; x <= panel.x_high; ++x) {
    lines += svg::path(x == 0 ? "axis" : "grid",
                       fmt::format("M{} {}V{}", at(panel.x(x)), at(top), at(bottom)));
    if (x == 0 || x - 1 < panel.x_low || x + 1 > panel.x_high)
      numbers += svg::text("tick", panel.x(x), bottom + 12, fmt::format("{:g}", x));
  }
  for (double y = std::ceil(panel.y_low) + 0.0; y <= panel.y_high; ++y) {
    lines += svg::path(y == 0 ? "axis" : "grid",
                       fmt::format("M{} {}H{}", at(left), at(panel.y(y)), at(right)));
    if (y == 0 || y - 1 < panel.y_low || y + 1 > panel.y_high)
      numbers += svg::text("tick", left - 9, panel.y(y) + 3, fmt::format("{:g}", y));
  }
  return lines + numbers;
}

std::string panel(const Entry& entry, std::size_t index) {
  const auto [value, slope] = curves(entry);
  const Panel panel = panel_around(entry, value, slope);
  return svg::card(margin + (width + margin) * static_cast<double>(index % columns),
                   header + (height + margin) * static_cast<double>(index / columns), width, height,
                   svg::text("name", left - 14, 18, entry.record.name) +
                       svg::text("parameters", left - 14, 31, parameters(entry)) + grid(panel) +
                       path(panel, slope, "slope") + path(panel, value, "value"));
}

std::string picture() {
  const std::vector<const Entry*> all = entries(Kind::activation);
  const std::size_t rows = (all.size() + columns - 1) / columns;
  std::string inside = svg::path("value", "M16 24h24") + svg::text("legend", 46, 28, "value") +
                       svg::path("slope", "M106 24h24") +
                       svg::text("legend", 136, 28, "slope, as the tape derives it");
  for (std::size_t i = 0; i < all.size(); ++i) inside += panel(*all[i], i);
  return svg::picture(
      margin + columns * (width + margin), header + static_cast<double>(rows) * (height + margin),
      ".value, .slope { fill: none; stroke-linejoin: round; stroke-linecap: round }\n"
      ".value { stroke: #1f5fbf; stroke-width: 2.2 }\n"
      ".slope { stroke: #e07b1a; stroke-width: 1.6 }\n",
      inside);
}

/// Whether every record says what the operation is for, and an activation's by which formula.
bool complete() {
  bool good = true;
  for (const Entry* entry : catalogue()) {
    const bool needs_formula = entry->kind == Entry::Kind::activation;
    if (*entry->record.about && (!needs_formula || *entry->record.formula)) continue;
    std::cerr << entry->record.name << ": the record needs a sentence and a formula\n";
    good = false;
  }
  return good;
}

bool fresh(const std::string& file, const std::string& text) {
  std::ifstream in(file);
  std::ostringstream there;
  there << in.rdbuf();
  if (in && there.str() == text) return true;
  std::cerr << file << " is not what the records say; write it again:\n  catalogue " << file
            << "\n";
  return false;
}

bool written(const std::string& file, const std::string& text) {
  if ((std::ofstream(file) << text).flush()) return true;
  std::cerr << file << " cannot be written\n";
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  bool check = false;
  std::vector<std::string> files = {"docs/catalogue.md", "docs/activations.svg"};
  CLI::App app("Writes what the documentation says about the catalogue");
  app.add_flag("--check", check, "fail if a file is not up to date; write nothing");
  app.add_option("files", files, "a table (.md), a picture (.svg)")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  bool good = complete();
  for (const std::string& file : files) {
    const std::string text = file.ends_with(".svg") ? picture() : page();
    good = (check ? fresh(file, text) : written(file, text)) && good;
  }
  return !good;
}
