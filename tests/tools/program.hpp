// Runs the project's programs, which lie beside the one that runs the tests.
#pragma once

#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>
#include <string>

namespace program {

struct Outcome {
  int status = -1;
  std::string out, err;
};

/// Runs `line` as a shell would; no terminal is attached.
inline Outcome run_line(const std::string& line) {
  const auto complaints =
      std::filesystem::temp_directory_path() / ("xtape-tests-" + std::to_string(getpid()) + ".err");
  Outcome outcome;
  FILE* pipe = popen((line + " 2>'" + complaints.string() + "' </dev/null").c_str(), "r");
  REQUIRE(pipe);
  char buffer[4096];
  while (const std::size_t n = fread(buffer, 1, sizeof buffer, pipe)) outcome.out.append(buffer, n);
  const int status = pclose(pipe);
  if (WIFEXITED(status)) outcome.status = WEXITSTATUS(status);
  std::ifstream file(complaints);
  outcome.err.assign(std::istreambuf_iterator<char>(file), {});
  std::filesystem::remove(complaints);
  return outcome;
}

/// Runs bin/`command`.
inline Outcome run(const std::string& command) {
  const auto folder = std::filesystem::read_symlink("/proc/self/exe").parent_path();
  return run_line("'" + folder.string() + "'/" + command);
}

/// The object that a run prints as its only line; fails the test if there is anything else.
inline nlohmann::json json_line(const std::string& command) {
  const Outcome outcome = run(command);
  INFO(command);
  INFO(outcome.err);
  CHECK(outcome.status == 0);
  CHECK(outcome.err == "");
  REQUIRE_FALSE(outcome.out.empty());
  CHECK(outcome.out.find('\n') == outcome.out.size() - 1);
  const nlohmann::json line = nlohmann::json::parse(outcome.out, nullptr, false);
  REQUIRE(line.is_object());
  return line;
}

/// The test accuracy of `train` with these arguments; its loss is a number.
inline double accuracy(const std::string& arguments) {
  const nlohmann::json line = json_line("train --json " + arguments);
  INFO(arguments);
  CHECK(std::isfinite(line.at("train_loss").get<double>()));
  return line.at("test_accuracy").get<double>();
}

/// Checks that a run ends with status 2, prints no result and complains in a message that holds
/// `text`.
inline void check_refused(const std::string& command, const std::string& text) {
  const Outcome outcome = run(command);
  CAPTURE(command);
  CAPTURE(outcome.err);
  CHECK(outcome.status == 2);
  CHECK(outcome.out == "");
  CHECK(outcome.err.find(text) != std::string::npos);
}

}  // namespace program
