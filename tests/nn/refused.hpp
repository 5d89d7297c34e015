// Errors by what they must say, wherever in the message.
#pragma once

#include <doctest/doctest.h>

#include <filesystem>
#include <string>
#include <vector>
#include <xtape/autograd/errors.hpp>

namespace check {

/// Checks that f throws an E that names each of the parts, and the line.
template <class E = xtape::FileError, class F>
void refused(F f, const std::vector<std::string>& parts, xtape::Location where = {}) {
  const std::string file = std::filesystem::path(where.file).filename().string();
  try {
    f();
    FAIL_CHECK("nothing was thrown, line ", where.line);
  } catch (const E& error) {
    const std::string what = error.what();
    CAPTURE(what);
    for (const std::string& part : parts) {
      CAPTURE(part);
      CHECK(what.find(part) != std::string::npos);
    }
    CHECK(what.find("(" + file + ":") != std::string::npos);
  }
}

}  // namespace check
