// Files that are whole or not there: bytes go to a file of another name in the same folder, which
// gets its own name, in one step of the file system, once they are on the disk.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <xtape/autograd/errors.hpp>

namespace xtape::nn::io {

/// A file that appears under its name only once it is complete. Whenever the process ends, that
/// name is the old file, whole, or the new one. The other name is ".NAME.part", always the same, so
/// that what an ended process left behind is written over by the next. One process writes a file at
/// a time.
class FileWriter {
 public:
  /// Throws FileError if the file cannot be made.
  FileWriter(const std::string& op, const std::string& path, const Location& where);
  FileWriter(const FileWriter&) = delete;
  FileWriter& operator=(const FileWriter&) = delete;
  /// Takes an incomplete file away.
  ~FileWriter();

  /// Throws FileError if they cannot be written, for instance to a full disk.
  void write(const void* bytes, std::int64_t size);
  /// Puts the bytes on the disk and gives the complete file its name. Throws FileError.
  void finish();
  std::int64_t position() const { return position_; }
  [[noreturn]] void fail(const std::string& what) const;

 private:
  std::string op_, path_, partial_;
  Location where_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::int64_t position_ = 0;
};

}  // namespace xtape::nn::io
