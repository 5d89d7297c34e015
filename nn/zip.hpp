// Zip archives (PKWARE, APPNOTE 6.3): as much of them as .npz files need. A member is
//
//   PK 3 4 | header | name | extra | bytes ...    and at the end, for each, its entry of the
//   PK 1 2 | sizes, crc32, place | name | ...     central directory, then
//   PK 5 6 | number of entries, place of the directory | comment
#pragma once

#include <cstdio>
#include <memory>
#include <span>
#include <vector>
#include <xtape/nn/source.hpp>
#include <xtape/nn/writer.hpp>

namespace xtape::nn::io {

/// A member of an archive, as the central directory tells it.
struct ZipEntry {
  std::string name{};
  std::uint16_t method = 0;  // 0 is stored, 8 deflated
  std::uint32_t crc = 0;
  std::int64_t packed = 0, size = 0, place = 0;
};

/// An archive to read from.
class ZipReader {
 public:
  /// Reads the central directory. Throws FileError for what is no archive or one that it cannot
  /// read.
  ZipReader(const std::string& op, const std::string& path, const Location& where);

  const std::vector<ZipEntry>& entries() const { return entries_; }
  /// The bytes of a member, unpacked. Its end is checked when it is reached: size and checksum.
  /// Valid while the reader lives, one at a time.
  std::unique_ptr<Source> open(const ZipEntry& entry);
  [[noreturn]] void fail(const std::string& what) const;
  /// Exactly `size` bytes at `place` of the file; `what` names them in the error.
  void get(void* to, std::int64_t place, std::int64_t size, const char* what);

 private:
  void read_directory();
  ZipEntry read_entry(std::span<const std::uint8_t> directory, std::size_t& at) const;

  std::string op_, path_;
  Location where_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> file_;
  std::int64_t size_ = 0;
  std::vector<ZipEntry> entries_;
};

/// Writes members, stored as they are, and the directory at the end.
class ZipWriter {
 public:
  explicit ZipWriter(FileWriter& file) : file_(file) {}
  /// Adds a member whose bytes are those of the pieces in order. Throws FileError where zip64 would
  /// be needed.
  void add(const std::string& name, std::initializer_list<std::span<const std::uint8_t>> pieces);
  void finish();

 private:
  FileWriter& file_;
  std::vector<ZipEntry> entries_;
};

}  // namespace xtape::nn::io
