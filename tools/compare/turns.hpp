// Programs that take turns at a workload, so that a busy machine slows all of them.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace compare {

/// Whose programs, with how many threads each, how often and how long.
struct Setting {
  std::string folder;                 ///< where the programs lie
  std::vector<std::string> programs;  ///< `bench` first, then those that it is compared with
  std::vector<int> threads;
  int repeat;
  double seconds;
};

/// What the turns of one program with one number of threads gave.
struct Samples {
  std::vector<double> us;  ///< the median of each turn
  double megabytes = 0;    ///< peak resident size
  nlohmann::json last;
};

/// By the number of threads, samples of each program in the order of the setting.
using Turns = std::map<int, std::vector<Samples>>;

/// The line of JSON that `program` prints of a workload with its arguments. Throws
/// std::runtime_error if it fails.
nlohmann::json run_once(const Setting& setting, const std::string& program,
                        const std::string& arguments, int threads, double seconds);

/// Throws as run_once().
Turns take_turns(const Setting& setting, const std::string& arguments);

/// The median of how many times longer the turns of `a` took than those of `b`.
double ratio(const Samples& a, const Samples& b);

/// Microseconds, in these or in milliseconds.
std::string time_text(double us);

}  // namespace compare
