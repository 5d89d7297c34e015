// Searching for hyperparameters: a point of a space is scored by a callback, which trains with it
// and judges on one validation set, the same for all points; a test set is for the winner alone.
//
//   const SearchSpace space = {{"lr", log_uniform(1e-5, 1)}, {"hidden", whole_numbers(16, 256)}};
//   const std::vector<Trial> trials = random_search(space, score, {.trials = 40});
//   trials[0].point.at("lr") ...
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>
#include <xtape/autograd/location.hpp>

namespace xtape::nn {

/// What one hyperparameter may be.
struct SearchRange {
  enum class Kind : std::uint8_t { uniform, log_uniform, whole, choices };
  Kind kind = Kind::uniform;
  double low = 0, high = 1;
  std::vector<double> values{};  // of choices

  /// The number at a place in [0, 1) of the range, on its scale.
  double at(double place) const;
  /// At most so many numbers, evenly spaced on the scale of the range with both ends, the middle if
  /// one is wanted; all choices.
  std::vector<double> grid(std::int64_t count) const;
  /// The range around a number that is `share` as wide on its scale, moved to lie within this one.
  /// Choices stay.
  SearchRange around(double centre, double share) const;
};
/// Numbers low ... high. Throws ValueError unless low <= high and both are finite, as below.
SearchRange uniform_range(double low, double high, Location where = {});
/// The same with all magnitudes equally likely; 0 < low.
SearchRange log_uniform(double low, double high, Location where = {});
/// The whole numbers low ... high, both included.
SearchRange whole_numbers(std::int64_t low, std::int64_t high, Location where = {});
/// One of some numbers. Throws ValueError for none.
SearchRange choices(std::vector<double> values, Location where = {});

using SearchSpace = std::map<std::string, SearchRange>;
using SearchPoint = std::map<std::string, double>;
/// A point's score on the validation set.
using Score = std::function<double(const SearchPoint&)>;

struct Trial {
  SearchPoint point;
  double score;
};

/// Every search returns all trials, the best first, equal ones in the order in which they ran; NaN
/// is worse than anything. All throw ValueError for a mode that is neither "max" nor "min", an
/// empty space, and numbers of trials below 1.
struct GridSearchOptions {
  std::int64_t count = 5;         ///< values of each range
  std::string_view mode = "max";  ///< whether large or small ("min") scores are good
};
/// Scores all points of a grid; the last name varies fastest.
std::vector<Trial> grid_search(const SearchSpace& space, const Score& score,
                               const GridSearchOptions& options = {}, Location where = {});

struct RandomSearchOptions {
  std::int64_t trials = 20;
  std::string_view mode = "max";
  std::uint64_t seed = 0;  ///< trial t depends on this, t and the space alone
};
/// Scores random points (Bergstra and Bengio 2012, "Random search for hyper-parameter
/// optimization").
std::vector<Trial> random_search(const SearchSpace& space, const Score& score,
                                 const RandomSearchOptions& options = {}, Location where = {});

struct CoarseToFineOptions {
  std::int64_t rounds = 3;
  std::int64_t trials = 20;  ///< of each round
  double share = 0.25;       ///< how wide a round's ranges are, relative to those of the one before
  std::string_view mode = "max";
  std::uint64_t seed = 0;
};
/// Random search in rounds: each looks in narrower ranges around the best point so far. Throws
/// ValueError, too, unless 0 < share <= 1.
std::vector<Trial> coarse_to_fine(const SearchSpace& space, const Score& score,
                                  const CoarseToFineOptions& options = {}, Location where = {});

}  // namespace xtape::nn
