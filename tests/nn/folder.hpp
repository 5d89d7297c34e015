// What the tests of files share: folders that vanish, bytes, and errors that name a file and a
// line.
#pragma once

#include <doctest/doctest.h>
#include <zlib.h>

#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "refused.hpp"

namespace check {

/// A folder of its own, gone at the end.
struct Folder {
  std::filesystem::path path;
  Folder() {
    // mkdtemp() puts letters of its own in the place of six X
    std::string name = std::filesystem::temp_directory_path() / "xtape-test-";
    name += std::string(6, 'X');
    REQUIRE(mkdtemp(name.data()) != nullptr);
    path = name;
  }
  ~Folder() { std::filesystem::remove_all(path); }

  std::string write(const std::string& name, const std::string& bytes) const {
    std::ofstream(path / name, std::ios::binary) << bytes;
    return (path / name).string();
  }
  std::string write_gzip(const std::string& name, const std::string& bytes) const {
    const std::string file = (path / name).string();
    const gzFile out = gzopen(file.c_str(), "wb");
    gzwrite(out, bytes.data(), static_cast<unsigned>(bytes.size()));
    gzclose(out);
    return file;
  }
};

inline std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// A folder of shared data sets, which lie beside the project; empty, with a message, if absent.
inline std::string shared_data(const std::string& name) {
  const char* shared = std::getenv("XTAPE_SHARED");
  const std::filesystem::path root =
      shared ? std::filesystem::path(shared)
             : std::filesystem::path(XTAPE_SOURCE_DIR) / ".." / "shared";
  const std::string folder = (root / "data" / name).string();
  if (std::filesystem::exists(folder)) return folder;
  MESSAGE("absent, not tested: ", folder, " (set XTAPE_SHARED to the folder above data/)");
  return {};
}

/// A number as `count` bytes, the least first; those after the eighth are 0.
inline std::string little(std::uint64_t value, int count) {
  std::string bytes;
  for (int i = 0; i < count; ++i) bytes += i < 8 ? static_cast<char>(value >> 8 * i) : '\0';
  return bytes;
}

}  // namespace check
