// Pictures for the documentation.
#pragma once

#include <fmt/format.h>

#include <cmath>
#include <string>
#include <string_view>

namespace svg {

/// A coordinate to a tenth of a unit. What would lie half-way is moved off it, so that the last bit
/// of a result, which differs from machine to machine, decides nothing.
inline std::string at(double coordinate) {
  const double tenths = std::round(coordinate * 10 + 0.0123) / 10;
  return fmt::format("{:g}", tenths == 0 ? 0.0 : tenths);
}

inline std::string path(std::string_view style, std::string_view d) {
  return fmt::format("<path class=\"{}\" d=\"{}\"/>\n", style, d);
}

inline std::string text(std::string_view style, double x, double y, std::string_view what) {
  return fmt::format("<text class=\"{}\" x=\"{}\" y=\"{}\">{}</text>\n", style, at(x), at(y), what);
}

/// A card with rounded corners, drawn on from its upper left corner.
inline std::string card(double x, double y, double width, double height, std::string_view inside) {
  return fmt::format(
      "<g transform=\"translate({} {})\">\n"
      "<rect class=\"card\" width=\"{}\" height=\"{}\" rx=\"6\"/>\n{}</g>\n",
      at(x), at(y), at(width), at(height), inside);
}

/// The whole picture, on a light ground of its own. The styles of the house are text, name,
/// parameters, tick, legend, grid and axis; `styles` has those of this picture.
inline std::string picture(double width, double height, std::string_view styles,
                           std::string_view inside) {
  return fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\">\n"
      "<style>\n"
      "text {{ font-family: \"DejaVu Sans\", Verdana, sans-serif; fill: #24292f }}\n"
      ".back {{ fill: #f3f4f6 }} .card {{ fill: #ffffff; stroke: #dfe3e8 }}\n"
      ".name {{ font-size: 13px; font-weight: bold }}\n"
      ".parameters, .tick {{ font-size: 9px; fill: #7a828e }} .tick {{ text-anchor: middle }}\n"
      ".legend {{ font-size: 13px }}\n"
      ".grid {{ stroke: #eef0f3; fill: none }} .axis {{ stroke: #b4bac2; fill: none }}\n"
      "{2}</style>\n"
      "<rect class=\"back\" width=\"{0}\" height=\"{1}\"/>\n{3}</svg>\n",
      at(width), at(height), styles, inside);
}

}  // namespace svg
