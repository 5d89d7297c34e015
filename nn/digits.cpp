#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <iterator>
#include <span>
#include <xtape/autograd/generator.hpp>
#include <xtape/autograd/parallel.hpp>
#include <xtape/nn/digits.hpp>

// Only + - * / and sqrt, and this file is compiled without contraction to fused multiply-add, so
// that every machine draws the same bits: sin, exp and the like differ between C libraries.

namespace xtape::nn {

namespace {

constexpr int side = 28, pixels = side * side;
constexpr std::int64_t classes = 10;
// Image i draws from stream first + i, far from those that a generator counts from 0.
constexpr std::uint64_t train_streams = std::uint64_t{3} << 61;
constexpr std::uint64_t test_streams = std::uint64_t{4} << 61;

// How much the writing differs, as standard deviations: points and arrows in units of the square,
// the angle in radians, scales relative, the shift in pixels. Chosen so that a linear
// classifier names about 89 % of the test images and a network of two hidden layers 98 %.
constexpr double jitter = 0.022, elasticity = 0.13, angle = 0.13, shearing = 0.15;
constexpr double wider = 0.08, taller = 0.06, shift = 0.55, letter_size = 20;

struct Point {
  double x, y;
};
Point operator+(Point a, Point b) { return {a.x + b.x, a.y + b.y}; }
Point operator-(Point a, Point b) { return {a.x - b.x, a.y - b.y}; }
Point operator*(double s, Point p) { return {s * p.x, s * p.y}; }

// alphabet[digit][variant][stroke]: the points of a smooth curve in the unit square, y downwards; a
// point given twice is a corner. What is not given is 0 and ends the stroke, glyph or variants.
constexpr int max_variants = 4, max_strokes = 2, max_points = 14;
// clang-format off
constexpr Point alphabet[classes][max_variants][max_strokes][max_points] = {
  {  // round; begun on the right with an overlap; narrow
    {{{.5, .08}, {.28, .2}, {.2, .5}, {.28, .8}, {.5, .92}, {.72, .8}, {.8, .5}, {.72, .2},
      {.5, .08}}},
    {{{.64, .16}, {.46, .09}, {.28, .28}, {.22, .56}, {.32, .84}, {.54, .91}, {.74, .72},
      {.78, .42}, {.66, .16}, {.48, .12}}},
    {{{.52, .08}, {.37, .2}, {.31, .5}, {.37, .82}, {.5, .92}, {.63, .8}, {.69, .5}, {.64, .18},
      {.5, .08}}}},
  {  // a bar; slanted; with an upstroke; with upstroke and foot
    {{{.5, .08}, {.5, .92}}},
    {{{.62, .08}, {.4, .92}}},
    {{{.32, .3}, {.45, .2}, {.55, .08}, {.55, .08}, {.53, .92}}},
    {{{.34, .26}, {.52, .08}, {.52, .08}, {.52, .92}}, {{.3, .92}, {.74, .91}}}},
  {  // with a corner; with a loop; with a wave for a foot
    {{{.24, .28}, {.36, .11}, {.57, .08}, {.73, .22}, {.68, .43}, {.46, .68}, {.22, .9},
      {.22, .9}, {.5, .9}, {.8, .89}}},
    {{{.26, .24}, {.42, .08}, {.66, .13}, {.72, .33}, {.57, .6}, {.36, .86}, {.22, .86},
      {.25, .72}, {.42, .77}, {.6, .9}, {.82, .86}}},
    {{{.25, .2}, {.48, .07}, {.72, .2}, {.66, .46}, {.42, .7}, {.24, .88}, {.24, .88},
      {.42, .82}, {.62, .91}, {.8, .84}}}},
  {  // round; flat above; with a small loop in the middle
    {{{.25, .19}, {.46, .07}, {.69, .17}, {.66, .37}, {.44, .47}, {.44, .47}, {.71, .55},
      {.76, .76}, {.54, .92}, {.22, .82}}},
    {{{.24, .1}, {.72, .1}, {.72, .1}, {.44, .42}, {.44, .42}, {.7, .5}, {.76, .73},
      {.56, .92}, {.24, .84}}},
    {{{.28, .14}, {.52, .08}, {.68, .22}, {.56, .41}, {.4, .48}, {.46, .53}, {.62, .5},
      {.74, .67}, {.64, .88}, {.4, .92}, {.22, .84}}}},
  {  // open; open with a bar that does not cross; closed; open and round
    {{{.3, .1}, {.22, .54}, {.22, .54}, {.84, .52}}, {{.66, .14}, {.62, .92}}},
    {{{.28, .1}, {.24, .3}, {.28, .5}, {.48, .52}, {.67, .46}}, {{.69, .08}, {.66, .92}}},
    {{{.64, .92}, {.64, .08}, {.64, .08}, {.18, .66}, {.18, .66}, {.84, .66}}},
    {{{.34, .08}, {.24, .4}, {.36, .54}, {.62, .46}, {.74, .1}, {.74, .1}, {.66, .5},
      {.6, .92}}}},
  {  // the bar first; the bar last; in one sweep
    {{{.74, .1}, {.34, .1}, {.34, .1}, {.29, .45}, {.29, .45}, {.52, .38}, {.74, .52},
      {.74, .76}, {.52, .92}, {.24, .84}}},
    {{{.36, .12}, {.3, .45}, {.3, .45}, {.56, .4}, {.75, .6}, {.66, .86}, {.42, .93}, {.22, .84}},
     {{.36, .12}, {.78, .08}}},
    {{{.74, .12}, {.48, .1}, {.3, .26}, {.4, .44}, {.62, .53}, {.73, .7}, {.58, .9},
      {.26, .87}}}},
  {  // bent; straight
    {{{.66, .08}, {.42, .26}, {.27, .55}, {.31, .82}, {.52, .93}, {.73, .8}, {.7, .6}, {.5, .52},
      {.3, .68}}},
    {{{.54, .06}, {.34, .38}, {.26, .7}, {.42, .92}, {.66, .87}, {.73, .68}, {.56, .55},
      {.36, .62}, {.27, .78}}}},
  {  // plain; with a bar; with a hook; bent
    {{{.22, .12}, {.77, .12}, {.77, .12}, {.42, .92}}},
    {{{.22, .13}, {.76, .11}, {.76, .11}, {.6, .46}, {.42, .92}}, {{.36, .52}, {.76, .5}}},
    {{{.22, .26}, {.23, .12}, {.23, .12}, {.78, .1}, {.78, .1}, {.46, .92}}},
    {{{.2, .15}, {.46, .17}, {.77, .1}, {.77, .1}, {.56, .46}, {.48, .92}}}},
  {  // in one sweep from the top right; from the middle; two rings
    {{{.68, .2}, {.48, .08}, {.3, .2}, {.38, .4}, {.6, .54}, {.72, .74}, {.52, .92}, {.3, .78},
      {.4, .56}, {.62, .4}, {.7, .22}, {.66, .15}}},
    {{{.5, .47}, {.31, .3}, {.4, .11}, {.6, .1}, {.68, .28}, {.5, .47}, {.3, .65}, {.33, .87},
      {.56, .93}, {.73, .76}, {.66, .58}, {.5, .47}}},
    {{{.5, .08}, {.34, .16}, {.34, .36}, {.5, .46}, {.66, .36}, {.66, .16}, {.5, .08}},
     {{.5, .46}, {.3, .56}, {.28, .8}, {.5, .92}, {.72, .8}, {.7, .56}, {.5, .46}}}},
  {  // straight tail; bent tail; in one sweep
    {{{.7, .28}, {.54, .09}, {.32, .18}, {.3, .4}, {.5, .5}, {.68, .38}, {.71, .14}, {.71, .14},
      {.68, .55}, {.64, .92}}},
    {{{.7, .2}, {.5, .08}, {.31, .22}, {.34, .43}, {.56, .47}, {.71, .2}, {.71, .2}, {.73, .6},
      {.58, .88}, {.32, .9}}},
    {{{.66, .3}, {.62, .12}, {.42, .09}, {.3, .28}, {.42, .46}, {.62, .38}, {.68, .2}, {.66, .5},
      {.5, .92}}}},
};
// clang-format on

bool given(Point p) { return p.x != 0 || p.y != 0; }

// The points of a stroke.
std::span<const Point> points_of(const Point (&stroke)[max_points]) {
  const Point* end = std::find_if_not(std::begin(stroke), std::end(stroke), given);
  return {std::begin(stroke), end};
}

// The numbers of one image, in order.
class Dice {
 public:
  Dice(std::uint64_t seed, std::uint64_t stream) : seed_(seed), stream_(stream) {}

  std::uint32_t word() {
    if (next_ == 4) {
      words_ = random_words(seed_, stream_, block_++);
      next_ = 0;
    }
    return words_[next_++];
  }
  double uniform(double low, double high) { return low + (high - low) * (word() * 0x1p-32); }
  std::int64_t below(std::int64_t n) {
    return static_cast<std::int64_t>(std::uint64_t{word()} * static_cast<std::uint64_t>(n) >> 32);
  }
  // Nearly normal: the sum of three uniform numbers, scaled to variance 1 and bounded by 3.
  double normal() { return 2 * (uniform(-.5, .5) + uniform(-.5, .5) + uniform(-.5, .5)); }
  Point normal_point(double deviation) {
    const double x = normal(), y = normal();
    return {deviation * x, deviation * y};
  }

 private:
  std::uint64_t seed_, stream_, block_ = 0;
  std::array<std::uint32_t, 4> words_{};
  int next_ = 4;
};

// A smooth random displacement of the unit square: a cubic B-spline over a lattice of random
// arrows.
class ElasticField {
 public:
  explicit ElasticField(Dice& dice) {
    for (Point& arrow : arrows_) arrow = dice.normal_point(elasticity);
  }

  Point at(Point p) const {
    const Weights across(p.x), down(p.y);
    Point sum{0, 0};
    for (int r = 0; r < 4; ++r)
      for (int c = 0; c < 4; ++c)
        sum =
            sum + down.w[r] * across.w[c] * arrows_[(down.first + r) * lattice + across.first + c];
    return sum;
  }

 private:
  static constexpr int cells = 2, lattice = cells + 3;

  struct Weights {
    int first;
    std::array<double, 4> w;
    explicit Weights(double position) {
      const double scaled = std::clamp(position, 0.0, 1.0) * cells;
      first = std::min(static_cast<int>(scaled), cells - 1);
      const double t = scaled - first, s = 1 - t;
      w = {s * s * s / 6, (3 * t * t * t - 6 * t * t + 4) / 6, (3 * s * s * s - 6 * s * s + 4) / 6,
           t * t * t / 6};
    }
  };

  std::array<Point, lattice * lattice> arrows_;
};

// From the unit square to pixels.
class AffineMap {
 public:
  explicit AffineMap(Dice& dice) {
    const double half = 0.5 * angle * dice.normal();  // nearly the tangent of half the angle
    const double cosine = (1 - half * half) / (1 + half * half);
    const double sine = 2 * half / (1 + half * half);
    const double shear = shearing * dice.normal();
    const double width = letter_size * (1 + wider * dice.normal());
    const double height = letter_size * (1 + taller * dice.normal());
    xx_ = cosine * width;
    xy_ = (-sine - cosine * shear) * height;
    yx_ = sine * width;
    yy_ = (cosine - sine * shear) * height;
    centre_ = Point{side / 2.0, side / 2.0} + dice.normal_point(shift);
  }

  Point operator()(Point p) const {
    const double x = p.x - 0.5, y = p.y - 0.5;
    return centre_ + Point{xx_ * x + xy_ * y, yx_ * x + yy_ * y};
  }

 private:
  double xx_, xy_, yx_, yy_;
  Point centre_;
};

// A sheet that remembers for each pixel how deep within the ink its middle is, in pixels.
class Sheet {
 public:
  Sheet() { depth_.fill(-side); }

  // A straight piece of line from a to b, as wide as a round pen whose radius goes from ra to rb.
  void line(Point a, Point b, double ra, double rb) {
    const double reach = std::max(ra, rb) + margin;
    const int left = clip(std::min(a.x, b.x) - reach), right = clip(std::max(a.x, b.x) + reach);
    const int top = clip(std::min(a.y, b.y) - reach), bottom = clip(std::max(a.y, b.y) + reach);
    const Point along = b - a;
    const double length2 = along.x * along.x + along.y * along.y;
    const double inverse = length2 > 0 ? 1 / length2 : 0;
    for (int row = top; row < bottom; ++row)
      for (int column = left; column < right; ++column) {
        const Point to{column + 0.5 - a.x, row + 0.5 - a.y};
        const double t = std::clamp((to.x * along.x + to.y * along.y) * inverse, 0.0, 1.0);
        const Point off = to - t * along;
        double& deepest = depth_[row * side + column];
        deepest = std::max(deepest, ra + t * (rb - ra) - std::sqrt(off.x * off.x + off.y * off.y));
      }
  }

  // How much ink the pixel shows, 0 to 1, where an edge fades over 2 `softness` pixels.
  double ink(int pixel, double softness) const {
    const double t = std::clamp(0.5 + depth_[pixel] / (2 * softness), 0.0, 1.0);
    return t * t * (3 - 2 * t);
  }

  static constexpr double margin = 1.5;  // more than any softness

 private:
  static int clip(double edge) { return static_cast<int>(std::clamp(edge + 0.5, 0.0, 1.0 * side)); }

  std::array<double, pixels> depth_;
};

// Calls line(a, b, from, to) along a Catmull-Rom spline through points between two corners, in
// short straight lines; `from` and `to` count points from the beginning of the stroke.
template <class F>
void spline(std::span<const Point> points, std::size_t first, F line) {
  constexpr int pieces = 6;
  for (std::size_t i = 0; i + 1 < points.size(); ++i) {
    const Point a = points[i], b = points[i + 1];
    const Point before = i > 0 ? points[i - 1] : 2 * a - b;
    const Point after = i + 2 < points.size() ? points[i + 2] : 2 * b - a;
    const Point slope_a = 0.5 * (b - before), slope_b = 0.5 * (after - a);
    Point last = a;
    for (int k = 1; k <= pieces; ++k) {
      const double t = static_cast<double>(k) / pieces, s = 1 - t;
      const Point next = (s * s * (1 + 2 * t)) * a + (s * s * t) * slope_a +
                         (t * t * (1 + 2 * s)) * b - (t * t * s) * slope_b;
      const double origin = static_cast<double>(first + i);
      line(last, next, origin + static_cast<double>(k - 1) / pieces, origin + t);
      last = next;
    }
  }
}

bool same(Point a, Point b) { return a.x == b.x && a.y == b.y; }

// Draws a stroke with a shaky hand and a pen that presses more or less towards the end; `map` takes
// the unit square to pixels.
template <class M>
void draw_stroke(std::span<const Point> stroke, Dice& dice, double radius, M map, Sheet& sheet) {
  std::array<Point, max_points> moved;
  const std::size_t count = stroke.size();
  for (std::size_t i = 0; i < count; ++i)
    moved[i] = i > 0 && same(stroke[i], stroke[i - 1]) ? moved[i - 1]
                                                       : stroke[i] + dice.normal_point(jitter);
  const double start = radius * dice.uniform(0.85, 1.15), end = radius * dice.uniform(0.7, 1.1);
  const double slope = (end - start) / static_cast<double>(count - 1);
  const auto line = [&](Point a, Point b, double from, double to) {
    sheet.line(map(a), map(b), start + slope * from, start + slope * to);
  };
  std::size_t first = 0;
  for (std::size_t i = 1; i <= count; ++i)
    if (i == count || same(moved[i], moved[i - 1])) {
      spline(std::span(moved).subspan(first, i - first), first, line);
      first = i;
    }
}

void draw(std::uint64_t seed, std::uint64_t stream, float* image, std::int64_t* label) {
  Dice dice(seed, stream);
  *label = dice.below(classes);
  const auto& variants = alphabet[*label];
  const auto written = [](const auto& glyph) { return given(glyph[0][0]); };
  const auto& glyph = variants[dice.below(std::ranges::count_if(variants, written))];
  const ElasticField field(dice);
  const AffineMap affine(dice);
  const double radius = dice.uniform(0.9, 1.9), softness = dice.uniform(0.6, 1.1);
  const auto map = [&](Point p) { return affine(p + field.at(p)); };
  Sheet sheet;
  for (const auto& stroke : glyph)
    if (given(stroke[0])) draw_stroke(points_of(stroke), dice, radius, map, sheet);
  const double darkness = dice.uniform(0.75, 1), noise = dice.uniform(0, 0.1);
  for (int i = 0; i < pixels; ++i) {
    const double value = darkness * sheet.ink(i, softness) + noise * dice.uniform(-1, 1);
    image[i] = static_cast<float>(static_cast<int>(255 * std::clamp(value, 0.0, 1.0) + 0.5)) / 255;
  }
}

Dataset part(std::int64_t n, std::uint64_t seed, std::uint64_t first_stream) {
  constexpr std::int64_t grain = 64;
  const Dataset set{Tensor::empty({n, pixels}, float32), Tensor::empty({n}, int64)};
  float* x = set.x.mutable_data<float>();
  std::int64_t* y = set.y.mutable_data<std::int64_t>();
  parallel_for((n + grain - 1) / grain, [&](std::int64_t piece) {
    for (std::int64_t i = piece * grain; i < std::min(n, (piece + 1) * grain); ++i)
      draw(seed, first_stream + static_cast<std::uint64_t>(i), x + i * pixels, y + i);
  });
  return set;
}

}  // namespace

TrainTest digits(std::int64_t n_train, std::int64_t n_test, std::uint64_t seed, Location where) {
  if (n_train < 0 || n_test < 0)
    raise<ValueError>(where, "digits",
                      fmt::format("a size is negative: {} to train, {} to test", n_train, n_test));
  return {part(n_train, seed, train_streams), part(n_test, seed, test_streams), classes};
}

}  // namespace xtape::nn
