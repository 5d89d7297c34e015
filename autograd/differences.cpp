#include <algorithm>
#include <cmath>
#include <limits>
#include <xtape/autograd/differences.hpp>

namespace xtape::detail {

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr int most_levels = 20;
constexpr int fewest_levels = 3;   // one extrapolation and one to compare it with
constexpr double safety = 8;       // rounding errors of a curve's own computation, in units
constexpr double distinct = 0.1;   // slopes differ if their errors are below this part of the gap
constexpr double rounded = 1e-2;   // a relative error that shows that there is a slope
constexpr double resolved = 1e-4;  // a relative error that needs no explanation by a kink

// The samples of one curve: p[i] and m[i] are y(h_i) - y(0) and y(-h_i) - y(0), h_i = h / 4^i.
struct Samples {
  double origin = 0, rounding = 0, size = 0;
  std::vector<double> h, p, m;

  int levels() const { return static_cast<int>(h.size()); }
  bool moved() const {
    const auto changed = [](double d) { return d != 0; };
    return std::any_of(p.begin(), p.end(), changed) || std::any_of(m.begin(), m.end(), changed);
  }
  // What rounding may do to a slope over h_i.
  double noise(int i, double slope) const {
    double y = std::abs(origin);
    for (double moved : {std::abs(origin + p[i]), std::abs(origin + m[i])})
      if (std::isfinite(moved)) y = std::max(y, moved);
    return safety * rounding * (y + std::abs(slope) * size) / h[i];
  }
};

struct Estimate {
  double slope = 0, error = infinity;
  double noise = infinity;  // the part of the error that smaller steps make worse
  int level = 0;            // of the first of its samples
};

// From levels i, i + 1 and i + 2, both sides together. The gap between the one-sided slopes is
// extrapolated too, F - B = h y'' + O(h^3); what is left of it counts as error: D alone would
// converge at a kink, to the mean of the slopes.
Estimate central(const Samples& s, int i) {
  double d[3], gap[3];
  for (int k = 0; k < 3; ++k) {
    d[k] = (s.p[i + k] - s.m[i + k]) / (2 * s.h[i + k]);
    gap[k] = (s.p[i + k] + s.m[i + k]) / s.h[i + k];
  }
  const double coarse = (16 * d[1] - d[0]) / 15, fine = (16 * d[2] - d[1]) / 15;
  const double gap_coarse = (4 * gap[1] - gap[0]) / 3, gap_fine = (4 * gap[2] - gap[1]) / 3;
  const double noise = s.noise(i + 2, fine);
  const double error = std::abs(fine - coarse) + std::abs(64 * gap_fine - gap_coarse) / 63 + noise;
  if (!std::isfinite(fine) || !std::isfinite(error)) return {};
  return {fine, error, noise, i};
}

// One side of a curve, without y(0), so that a jump at 0 does not matter.
struct Side {
  bool exists = false, vertical = false;
  Estimate best;
  double rise = 0, rise_error = 0;  // the limit of y(h) - y(0)
};

// The slope between neighbouring samples grows at every level: infinite, like sqrt's at 0.
bool grows(const std::vector<double>& steep) {
  if (steep.size() < 8) return false;
  for (std::size_t i = 1; i < steep.size(); ++i)
    if (!(std::abs(steep[i]) > 1.1 * std::abs(steep[i - 1]))) return false;
  return std::abs(steep.back()) > 100 * std::abs(steep.front());
}

Side one_sided(const Samples& s, const std::vector<double>& y, double sign) {
  Side side;
  std::vector<double> steep, at;
  for (int i = 0; i + 1 < s.levels(); ++i) {
    if (!std::isfinite(y[i]) || !std::isfinite(y[i + 1])) {
      steep.clear();
      continue;
    }
    steep.push_back(sign * (y[i] - y[i + 1]) / (s.h[i] - s.h[i + 1]));
    const std::size_t n = steep.size();
    side.exists = true;
    if (n < 3) continue;
    const double coarse = (4 * steep[n - 2] - steep[n - 3]) / 3;
    const double fine = (4 * steep[n - 1] - steep[n - 2]) / 3;
    const double slope = (16 * fine - coarse) / 15;
    const double noise = 2 * s.noise(i + 1, slope);
    const double error = std::abs(fine - coarse) + noise;
    if (!(error < side.best.error)) continue;
    side.best = {slope, error, noise, i};
    side.rise = y[i + 1] - sign * slope * s.h[i + 1];
    side.rise_error = 4 * error * s.h[i + 1] + 64 * s.rounding * std::abs(s.origin);
  }
  const bool clear = side.best.error < distinct * std::abs(side.best.slope);
  if (side.exists && !clear && grows(steep)) {
    side.vertical = true;
    side.best = {std::copysign(infinity, steep.back()), 0, 0, 0};
  }
  return side;
}

Slope smooth(const Estimate& e) {
  return {Slope::Kind::smooth, e.slope, e.slope, e.slope, e.error};
}

// Very near a kink or a jump only tiny steps, with much noise, see both sides alike. Longer ones
// are free to look to the other side: the one that continues the curve.
Estimate sharpened(const Samples& s, const Estimate& best) {
  const auto continues = [&](const Side& side) {
    return side.exists && !side.vertical && std::abs(side.rise) <= side.rise_error &&
           side.best.error < best.error && std::abs(side.best.slope - best.slope) <= best.error;
  };
  const Side left = one_sided(s, s.m, -1), right = one_sided(s, s.p, 1);
  if (continues(left) == continues(right)) return best;
  return continues(left) ? left.best : right.best;
}

// What no step could tell from a smooth curve: at a kink of larger gap, or a larger jump, every
// central estimate would have been off by about that much.
struct Blur {
  double gap = infinity, jump = infinity;
};

Slope between(const Side& left, const Side& right, const Blur& blur, const Estimate& otherwise) {
  const double l = left.best.slope, r = right.best.slope;
  const auto jumps = [&](const Side& side) {
    return std::abs(side.rise) > side.rise_error && blur.jump > distinct * std::abs(side.rise);
  };
  Slope slope;
  slope.low = std::min(l, r);
  slope.high = std::max(l, r);
  slope.value = left.vertical ? l : right.vertical ? r : (l + r) / 2;
  slope.error = left.best.error + right.best.error;
  if (left.vertical || right.vertical) {
    slope.kind = Slope::Kind::infinite;
  } else if (slope.error < infinity && (jumps(left) || jumps(right))) {
    slope.kind = Slope::Kind::jump;
  } else if (slope.error < distinct * (slope.high - slope.low) &&
             blur.gap > distinct * (slope.high - slope.low)) {
    slope.kind = Slope::Kind::kink;
  } else {
    return smooth(otherwise);
  }
  return slope;
}

// The curve is not smooth as far as differences can tell.
Slope classify(const Samples& s, const Blur& blur, const Estimate& otherwise) {
  const Side left = one_sided(s, s.m, -1), right = one_sided(s, s.p, 1);
  if (left.exists && right.exists) return between(left, right, blur, otherwise);
  if (!left.exists && !right.exists) return {Slope::Kind::unknown, 0, 0, 0, 0};
  const Side& side = left.exists ? left : right;
  const double value = side.best.slope;
  const auto kind = side.vertical ? Slope::Kind::infinite : Slope::Kind::edge;
  return {kind, value, value, value, side.best.error};
}

// y(0) is infinite or NaN: nothing can be subtracted from it.
Slope around_a_pole(const Samples& s) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  const auto finite = [](double y) { return std::isfinite(y); };
  const bool isolated =
      std::any_of(s.p.begin(), s.p.end(), finite) || std::any_of(s.m.begin(), s.m.end(), finite);
  if (!isolated) return {Slope::Kind::unknown, 0, 0, 0, 0};
  return {Slope::Kind::infinite, nan, nan, nan, 0};
}

// One curve while the steps shrink.
struct Track {
  Samples samples;
  Estimate best;
  double last_noise = infinity;
  bool done = false;
  std::vector<Estimate> all;
  Blur blur;

  void add(double h, double plus, double minus) {
    const double from = std::isfinite(samples.origin) ? samples.origin : 0;
    samples.h.push_back(h);
    samples.p.push_back(plus - from);
    samples.m.push_back(minus - from);
  }
  bool flat() const {
    const int n = samples.levels();
    for (int i = n - fewest_levels; i < n; ++i)
      if (samples.p[i] != 0 || samples.m[i] != 0) return false;
    return true;
  }
  void refine(double target) {
    if (samples.levels() < fewest_levels) return;
    if (!std::isfinite(samples.origin) || !samples.moved()) {
      done = true;
      return;
    }
    const Estimate now = central(samples, samples.levels() - fewest_levels);
    // a curve that rises and then seems flat is rounded to steps that h no longer leaves
    if (flat() && best.error < rounded * std::abs(best.slope)) done = true;
    else if (now.error < best.error) best = now;
    all.push_back(now);
    blur.gap = std::min(blur.gap, now.error);
    blur.jump = std::min(blur.jump, now.error * samples.h.back());
    const bool hopeless = now.noise > 0.5 * now.error && now.noise > last_noise;
    done = done || best.error <= target * std::abs(best.slope) || hopeless;
    last_noise = now.noise;
  }
  // The best estimate may be a lucky one among noisy ones. How far those with smaller steps lie
  // apart says how noisy the samples really are, whatever the curve does inside.
  Estimate sobered() const {
    std::vector<double> noise;
    for (std::size_t i = 1; i < all.size(); ++i) {
      const double moved = std::abs(all[i].slope - all[i - 1].slope);
      if (static_cast<int>(i) > best.level && all[i].error < infinity && moved > 0)
        noise.push_back(moved * samples.h[i]);
    }
    if (noise.empty()) return best;
    const auto middle = noise.begin() + static_cast<std::ptrdiff_t>(noise.size() / 2);
    std::nth_element(noise.begin(), middle, noise.end());
    Estimate sober = best;
    const double extra = 2 * *middle / samples.h[static_cast<std::size_t>(best.level)];
    sober.noise += extra;
    sober.error += extra;
    return sober;
  }
  Slope result(double target) const {
    if (!std::isfinite(samples.origin)) return around_a_pole(samples);
    // a slope that leaves every digit of y as it is may still be that of the last digit
    const double still = samples.rounding * std::abs(samples.origin) / samples.h.front();
    if (!samples.moved()) return smooth({0, still, still, 0});
    if (best.error <= target * std::abs(best.slope)) return smooth(best);
    const bool plain = best.error <= resolved * std::abs(best.slope);
    if (plain || best.noise > 0.5 * best.error) return smooth(sharpened(samples, sobered()));
    return classify(samples, blur, sobered());
  }
};

}  // namespace

std::vector<Slope> slopes(const Curves& curves, double target) {
  std::vector<Track> tracks(curves.origin.size());
  for (std::size_t k = 0; k < tracks.size(); ++k) {
    tracks[k].samples.origin = curves.origin[k];
    tracks[k].samples.rounding = curves.rounding[k];
    tracks[k].samples.size = curves.size;
  }
  const double smallest = 0x1p-46 * curves.size;
  double h = curves.step;
  for (int level = 0; level < most_levels && (level < fewest_levels || h > smallest); ++level) {
    const std::vector<double> plus = curves.at(h), minus = curves.at(-h);
    bool done = true;
    for (std::size_t k = 0; k < tracks.size(); ++k) {
      if (tracks[k].done) continue;
      tracks[k].add(h, plus[k], minus[k]);
      tracks[k].refine(target);
      done = done && tracks[k].done;
    }
    if (done) break;
    h /= 4;
  }
  std::vector<Slope> out;
  for (const Track& track : tracks) out.push_back(track.result(target));
  return out;
}

}  // namespace xtape::detail
