// Other programs, run and measured.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace compare {

/// What a command of the shell prints. Throws std::runtime_error if it fails.
std::string text_of(const std::string& command);

/// The line of JSON that `program` prints when it may use so many threads; OpenMP and OpenBLAS,
/// which may use `blas_threads`, are told by their environment, before they start them. Throws as
/// text_of().
nlohmann::json json_of(const std::string& program, int threads, int blas_threads);

/// From the start of a program to its end.
struct Run {
  double seconds;
  double megabytes;  ///< peak resident size, of its largest process
};

/// Runs a program; what it prints is thrown away. The size of this process should be small, for the
/// new one begins as a copy of it. Throws std::runtime_error if it fails.
Run run(const std::vector<std::string>& command);

double median(std::vector<double> values);

}  // namespace compare
