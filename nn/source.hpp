// Bytes of files, read piece by piece from the beginning to the end: what the readers of data sets
// share. Every error names the reader, the file and the user's line.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <xtape/autograd/errors.hpp>

struct gzFile_s;

namespace xtape::nn::io {

/// Bytes that come one after another.
class Source {
 public:
  Source(std::string op, std::string name, const Location& where)
      : op_(std::move(op)), name_(std::move(name)), where_(where) {}
  virtual ~Source() = default;

  /// Throws FileError: "name: what".
  [[noreturn]] void fail(const std::string& what) const;
  /// Up to `wanted` bytes, fewer only at the end. Throws FileError if reading fails.
  std::int64_t read(void* to, std::int64_t wanted);
  /// How many bytes were read so far.
  std::int64_t position() const { return position_; }
  /// Passes over the bytes that are left, and counts them.
  std::int64_t count_rest();
  /// Whether so many more bytes can follow, judged by the size of the file: what a header claims is
  /// checked with it before memory is taken.
  virtual bool may_hold(std::int64_t bytes) const = 0;

 private:
  virtual std::int64_t get(void* to, std::int64_t wanted) = 0;

  std::string op_, name_;
  Location where_;
  std::int64_t position_ = 0;
};

/// A file as it is, or unpacked if it is gzipped.
class FileSource final : public Source {
 public:
  /// Throws FileError if the file cannot be opened.
  FileSource(const std::string& op, const std::string& path, const Location& where);
  bool may_hold(std::int64_t bytes) const override;

 private:
  std::int64_t get(void* to, std::int64_t wanted) override;

  std::unique_ptr<gzFile_s, int (*)(gzFile_s*)> file_;
  std::int64_t size_ = 0;  // of the file on disk
};

/// The most bytes that one byte of a deflated stream can stand for (zlib's documentation).
inline constexpr std::int64_t deflate_ratio = 1032;

}  // namespace xtape::nn::io
