#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <xtape/autograd/errors.hpp>
#include <xtape/autograd/generator.hpp>
#include <xtape/nn/search.hpp>

namespace xtape::nn {

namespace {

using Kind = SearchRange::Kind;

SearchRange checked(const char* op, const SearchRange& range, const Location& where) {
  if (!(range.low <= range.high && std::isfinite(range.low) && std::isfinite(range.high)))
    raise<ValueError>(where, op, fmt::format("from {} to {}", range.low, range.high));
  return range;
}

// From the numbers of a range to a scale on which they are evenly likely, and back.
double on_scale(Kind kind, double number) {
  return kind == Kind::log_uniform ? std::log(number) : number;
}
double off_scale(Kind kind, double place) {
  return kind == Kind::log_uniform ? std::exp(place) : place;
}

void require(const char* op, const Location& where, const SearchSpace& space, std::string_view mode,
             std::int64_t trials) {
  if (space.empty()) raise<ValueError>(where, op, "the space is empty");
  if (mode != "max" && mode != "min")
    raise<ValueError>(where, op, fmt::format("mode is \"{}\", \"max\" or \"min\" wanted", mode));
  if (trials < 1) raise<ValueError>(where, op, fmt::format("{} trials", trials));
}

void rank(std::vector<Trial>& trials, std::string_view mode) {
  const double sign = mode == "max" ? 1 : -1;
  std::ranges::stable_sort(trials, [&](const Trial& a, const Trial& b) {
    if (std::isnan(a.score) || std::isnan(b.score))
      return !std::isnan(a.score) && std::isnan(b.score);
    return sign * a.score > sign * b.score;
  });
}

SearchPoint draw(const SearchSpace& space, std::uint64_t seed, std::uint64_t trial) {
  SearchPoint point;
  std::uint64_t axis = 0;
  for (const auto& [name, range] : space) {
    const auto words = random_words(seed, trial, axis++);
    point[name] = range.at((words[0] + (words[1] >> 11) * 0x1p-21) * 0x1p-32);
  }
  return point;
}

}  // namespace

double SearchRange::at(double place) const {
  const auto pick = [&](double count) { return std::min(std::floor(place * count), count - 1); };
  if (kind == Kind::choices)
    return values[static_cast<std::size_t>(pick(static_cast<double>(values.size())))];
  if (kind == Kind::whole) return low + pick(high - low + 1);
  const double from = on_scale(kind, low), to = on_scale(kind, high);
  return std::clamp(off_scale(kind, from + place * (to - from)), low, high);
}

std::vector<double> SearchRange::grid(std::int64_t count) const {
  if (kind == Kind::choices) return values;
  std::vector<double> out;
  const double from = on_scale(kind, low), to = on_scale(kind, high);
  for (std::int64_t i = 0; i < count; ++i) {
    const double place = count == 1 ? 0.5 : static_cast<double>(i) / static_cast<double>(count - 1);
    double number = std::clamp(off_scale(kind, from + place * (to - from)), low, high);
    if (place == 0) number = low;
    if (place == 1) number = high;
    if (kind == Kind::whole) number = std::round(number);
    if (out.empty() || out.back() != number) out.push_back(number);
  }
  return out;
}

SearchRange SearchRange::around(double centre, double share) const {
  if (kind == Kind::choices) return *this;
  const double from = on_scale(kind, low), to = on_scale(kind, high);
  const double width = share * (to - from);
  const double start = std::clamp(on_scale(kind, centre) - width / 2, from, to - width);
  SearchRange narrow = *this;
  narrow.low = std::max(low, off_scale(kind, start));
  narrow.high = std::min(high, off_scale(kind, start + width));
  if (kind == Kind::whole) {
    narrow.low = std::floor(narrow.low);
    narrow.high = std::ceil(narrow.high);
  }
  return narrow;
}

SearchRange uniform_range(double low, double high, Location where) {
  return checked("uniform_range", {.kind = Kind::uniform, .low = low, .high = high}, where);
}

SearchRange log_uniform(double low, double high, Location where) {
  if (!(low > 0))
    raise<ValueError>(where, "log_uniform", fmt::format("from {}, above 0 wanted", low));
  return checked("log_uniform", {.kind = Kind::log_uniform, .low = low, .high = high}, where);
}

SearchRange whole_numbers(std::int64_t low, std::int64_t high, Location where) {
  return checked(
      "whole_numbers",
      {.kind = Kind::whole, .low = static_cast<double>(low), .high = static_cast<double>(high)},
      where);
}

SearchRange choices(std::vector<double> values, Location where) {
  if (values.empty()) raise<ValueError>(where, "choices", "nothing to choose from");
  return {.kind = Kind::choices, .values = std::move(values)};
}

std::vector<Trial> grid_search(const SearchSpace& space, const Score& score,
                               const GridSearchOptions& options, Location where) {
  require("grid_search", where, space, options.mode, options.count);
  std::vector<SearchPoint> points(1);
  for (const auto& axis : space) {
    std::vector<SearchPoint> longer;
    for (const SearchPoint& point : points)
      for (const double number : axis.second.grid(options.count)) {
        longer.push_back(point);
        longer.back()[axis.first] = number;
      }
    points = std::move(longer);
  }
  std::vector<Trial> trials;
  for (const SearchPoint& point : points) trials.push_back({point, score(point)});
  rank(trials, options.mode);
  return trials;
}

std::vector<Trial> random_search(const SearchSpace& space, const Score& score,
                                 const RandomSearchOptions& options, Location where) {
  require("random_search", where, space, options.mode, options.trials);
  std::vector<Trial> trials;
  for (std::int64_t t = 0; t < options.trials; ++t) {
    const SearchPoint point = draw(space, options.seed, static_cast<std::uint64_t>(t));
    trials.push_back({point, score(point)});
  }
  rank(trials, options.mode);
  return trials;
}

std::vector<Trial> coarse_to_fine(const SearchSpace& space, const Score& score,
                                  const CoarseToFineOptions& options, Location where) {
  const char* op = "coarse_to_fine";
  require(op, where, space, options.mode, std::min(options.trials, options.rounds));
  if (!(options.share > 0 && options.share <= 1))
    raise<ValueError>(where, op, fmt::format("share is {}, wanted in (0, 1]", options.share));
  std::vector<Trial> trials;
  std::uint64_t drawn = 0;
  double share = 1;
  for (std::int64_t round = 0; round < options.rounds; ++round, share *= options.share) {
    SearchSpace narrow = space;
    if (round > 0)
      for (auto& [name, range] : narrow) range = range.around(trials[0].point.at(name), share);
    for (std::int64_t t = 0; t < options.trials; ++t) {
      const SearchPoint point = draw(narrow, options.seed, drawn++);
      trials.push_back({point, score(point)});
    }
    rank(trials, options.mode);
  }
  return trials;
}

}  // namespace xtape::nn
