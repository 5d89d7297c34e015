#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <xtape/nn/zip.hpp>

namespace xtape::nn::io {

namespace {

constexpr std::uint32_t local_mark = 0x04034b50, entry_mark = 0x02014b50, end_mark = 0x06054b50;
constexpr std::int64_t local_size = 30, entry_size = 46, end_size = 22;
constexpr std::int64_t max_u16 = 0xFFFF, max_u32 = 0xFFFFFFFF;
constexpr std::uint16_t utf8_flag = 1 << 11, encrypted_flag = 1;
constexpr std::uint16_t date = 0x21;  // 1 January 1980, the first there is: no clock in the bytes

std::uint16_t u16(const std::uint8_t* p) { return static_cast<std::uint16_t>(p[0] | p[1] << 8); }
std::uint32_t u32(const std::uint8_t* p) {
  return u16(p) | static_cast<std::uint32_t>(u16(p + 2)) << 16;
}

// Little-endian numbers, one after another.
class Words {
 public:
  Words& u16(std::int64_t value) { return put(value, 2); }
  Words& u32(std::int64_t value) { return put(value, 4); }
  void write(FileWriter& file) const {
    file.write(bytes_.data(), static_cast<std::int64_t>(bytes_.size()));
  }

 private:
  Words& put(std::int64_t value, int count) {
    for (int i = 0; i < count; ++i) bytes_.push_back(static_cast<std::uint8_t>(value >> 8 * i));
    return *this;
  }
  std::vector<std::uint8_t> bytes_;
};

std::uint32_t checksum(std::uint32_t crc, const void* bytes, std::int64_t size) {
  return static_cast<std::uint32_t>(
      crc32_z(crc, static_cast<const Bytef*>(bytes), static_cast<z_size_t>(size)));
}

// The bytes of one member.
class Member final : public Source {
 public:
  Member(ZipReader& zip, const ZipEntry& entry, std::int64_t place, const std::string& op,
         const std::string& name, const Location& where)
      : Source(op, name, where),
        zip_(zip),
        entry_(entry),
        place_(place),
        left_(entry.packed),
        buffer_(entry.method == 0 ? 0 : 1 << 16) {
    if (entry.method != 0 && inflateInit2(&stream_, -MAX_WBITS) != Z_OK) throw std::bad_alloc();
  }
  ~Member() override {
    if (entry_.method != 0) inflateEnd(&stream_);
  }
  bool may_hold(std::int64_t bytes) const override { return bytes <= entry_.size - position(); }

 private:
  std::int64_t get(void* to, std::int64_t wanted) override {
    const std::int64_t got = entry_.method == 0 ? copy(to, wanted) : unpack(to, wanted);
    crc_ = checksum(crc_, to, got);
    if (got < wanted || position() + got == entry_.size) check_end(position() + got);
    return got;
  }

  std::int64_t copy(void* to, std::int64_t wanted) {
    const std::int64_t part = std::min(wanted, left_);
    zip_.get(to, place_, part, "a stored member");
    place_ += part;
    left_ -= part;
    return part;
  }

  std::int64_t unpack(void* to, std::int64_t wanted) {
    std::int64_t got = 0;
    while (got < wanted && !ended_) {
      if (stream_.avail_in == 0 && left_ > 0) {
        const std::int64_t part = std::min(left_, std::ssize(buffer_));
        zip_.get(buffer_.data(), place_, part, "a deflated member");
        place_ += part;
        left_ -= part;
        stream_.next_in = buffer_.data();
        stream_.avail_in = static_cast<unsigned>(part);
      }
      const auto room = static_cast<unsigned>(std::min<std::int64_t>(wanted - got, 1 << 30));
      stream_.next_out = static_cast<Bytef*>(to) + got;
      stream_.avail_out = room;
      const int code = inflate(&stream_, Z_NO_FLUSH);
      got += room - stream_.avail_out;
      ended_ = code == Z_STREAM_END;
      if (code == Z_BUF_ERROR ||
          (code == Z_OK && stream_.avail_in == 0 && left_ == 0 && stream_.avail_out > 0))
        fail(fmt::format("the deflated data ends after {} bytes, {} were expected",
                         position() + got, entry_.size));
      if (code != Z_OK && !ended_)
        fail(fmt::format("damaged deflated data after {} bytes: {}", position() + got,
                         stream_.msg ? stream_.msg : "unknown"));
    }
    return got;
  }

  void check_end(std::int64_t end) const {
    if (end != entry_.size)
      fail(fmt::format("{} bytes, the directory of the archive says {}", end, entry_.size));
    if (crc_ != entry_.crc)
      fail(fmt::format("damaged: its checksum is {:08x}, {:08x} was expected", crc_, entry_.crc));
  }

  ZipReader& zip_;
  ZipEntry entry_;
  std::int64_t place_, left_;
  std::vector<std::uint8_t> buffer_;
  z_stream stream_{};
  std::uint32_t crc_ = 0;
  bool ended_ = false;
};

}  // namespace

ZipReader::ZipReader(const std::string& op, const std::string& path, const Location& where)
    : op_(op), path_(path), where_(where), file_(std::fopen(path.c_str(), "rb"), std::fclose) {
  if (!file_) fail(fmt::format("cannot be opened: {}", std::strerror(errno)));
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(path, error);
  if (error) fail(fmt::format("cannot be read: {}", error.message()));
  size_ = static_cast<std::int64_t>(size);
  read_directory();
}

void ZipReader::fail(const std::string& what) const {
  raise<FileError>(where_, op_, fmt::format("{}: {}", path_, what));
}

void ZipReader::get(void* to, std::int64_t place, std::int64_t size, const char* what) {
  if (place > size_ || size > size_ - place)
    fail(fmt::format("truncated: {} needs {} bytes at offset {}, the file has {}", what, size,
                     place, size_));
  if (fseeko(file_.get(), place, SEEK_SET) != 0 ||
      std::fread(to, 1, static_cast<std::size_t>(size), file_.get()) !=
          static_cast<std::size_t>(size))
    fail(fmt::format("{} at offset {} cannot be read: {}", what, place,
                     std::ferror(file_.get()) ? std::strerror(errno) : "the file became shorter"));
}

void ZipReader::read_directory() {
  std::vector<std::uint8_t> tail(
      static_cast<std::size_t>(std::min<std::int64_t>(size_, end_size + max_u16)));
  const std::int64_t start = size_ - std::ssize(tail);
  get(tail.data(), start, std::ssize(tail), "the end of the archive");
  std::int64_t at = std::ssize(tail) - end_size;
  while (at >= 0 &&
         !(u32(&tail[at]) == end_mark && at + end_size + u16(&tail[at + 20]) == std::ssize(tail)))
    --at;
  if (at < 0) {
    std::array<std::uint8_t, 4> head{};
    get(head.data(), 0, std::min<std::int64_t>(size_, 4), "the first word");
    fail(u32(head.data()) == local_mark || u32(head.data()) == end_mark
             ? fmt::format("truncated: {} bytes of an archive without the directory at its end",
                           size_)
             : fmt::format("not a zip archive: it begins with {:02x} {:02x} {:02x} {:02x}, not 50 "
                           "4b 03 04",
                           head[0], head[1], head[2], head[3]));
  }
  const std::uint8_t* end = &tail[at];
  const std::int64_t count = u16(end + 10), bytes = u32(end + 12), place = u32(end + 16);
  if (count == max_u16 || bytes == max_u32 || place == max_u32)
    fail("a zip64 archive, of 4 GiB or 65535 members; these cannot be read");
  if (u16(end + 4) != 0 || u16(end + 6) != 0 || u16(end + 8) != count)
    fail("one part of an archive in several; these cannot be read");
  if (place + bytes > start + at)
    fail(fmt::format("damaged: the directory, {} bytes at offset {}, overlaps its end record at {}",
                     bytes, place, start + at));
  std::vector<std::uint8_t> directory(static_cast<std::size_t>(bytes));
  get(directory.data(), place, bytes, "the directory");
  std::size_t next = 0;
  for (std::int64_t i = 0; i < count; ++i) entries_.push_back(read_entry(directory, next));
}

ZipEntry ZipReader::read_entry(std::span<const std::uint8_t> directory, std::size_t& at) const {
  const std::uint8_t* p = directory.data() + at;
  const auto left = static_cast<std::int64_t>(directory.size() - at);
  if (left < entry_size || u32(p) != entry_mark)
    fail(fmt::format("damaged: no entry at byte {} of the directory", at));
  const std::int64_t name = u16(p + 28), extra = u16(p + 30), comment = u16(p + 32);
  if (left < entry_size + name + extra + comment)
    fail(fmt::format("damaged: the entry at byte {} goes beyond the directory", at));
  ZipEntry entry{.name = std::string(reinterpret_cast<const char*>(p) + entry_size,
                                     static_cast<std::size_t>(name)),
                 .method = u16(p + 10),
                 .crc = u32(p + 16),
                 .packed = u32(p + 20),
                 .size = u32(p + 24),
                 .place = u32(p + 42)};
  const auto fail_entry = [&](const std::string& what) {
    fail(fmt::format("member '{}': {}", entry.name, what));
  };
  if (u16(p + 8) & encrypted_flag) fail_entry("encrypted");
  if (entry.method != 0 && entry.method != Z_DEFLATED)
    fail_entry(fmt::format("compressed by method {}; 0 (stored) and 8 (deflated) can be read",
                           entry.method));
  if (entry.packed == max_u32 || entry.size == max_u32 || entry.place == max_u32)
    fail_entry("zip64 sizes, of 4 GiB and more; these cannot be read");
  if (entry.method == 0 && entry.packed != entry.size)
    fail_entry(fmt::format("damaged: stored, but {} bytes for {}", entry.packed, entry.size));
  if (entry.size / deflate_ratio > entry.packed)
    fail_entry(fmt::format("damaged: {} bytes cannot unpack to {}", entry.packed, entry.size));
  at += static_cast<std::size_t>(entry_size + name + extra + comment);
  return entry;
}

std::unique_ptr<Source> ZipReader::open(const ZipEntry& entry) {
  std::array<std::uint8_t, local_size> head;
  get(head.data(), entry.place, local_size, "the header of a member");
  if (u32(head.data()) != local_mark)
    fail(fmt::format("member '{}': damaged: no header at offset {}", entry.name, entry.place));
  const std::int64_t place = entry.place + local_size + u16(&head[26]) + u16(&head[28]);
  return std::make_unique<Member>(*this, entry, place, op_,
                                  fmt::format("{}: member '{}'", path_, entry.name), where_);
}

void ZipWriter::add(const std::string& name,
                    std::initializer_list<std::span<const std::uint8_t>> pieces) {
  ZipEntry entry{.name = name, .place = file_.position()};
  for (const auto piece : pieces) entry.size += static_cast<std::int64_t>(piece.size());
  entry.packed = entry.size;
  if (entry.size >= max_u32 || entry.place + entry.size >= max_u32 || std::ssize(name) > max_u16 ||
      std::ssize(entries_) + 1 >= max_u16)
    file_.fail(
        fmt::format("member '{}', {} bytes at offset {}, would need zip64, which is not "
                    "written",
                    name, entry.size, entry.place));
  for (const auto piece : pieces)
    entry.crc = checksum(entry.crc, piece.data(), static_cast<std::int64_t>(piece.size()));
  Words head;
  head.u32(local_mark).u16(20).u16(utf8_flag).u16(0).u16(0).u16(date).u32(entry.crc);
  head.u32(entry.packed).u32(entry.size).u16(std::ssize(name)).u16(0).write(file_);
  file_.write(name.data(), std::ssize(name));
  for (const auto piece : pieces)
    file_.write(piece.data(), static_cast<std::int64_t>(piece.size()));
  entries_.push_back(entry);
}

void ZipWriter::finish() {
  const std::int64_t place = file_.position(), count = std::ssize(entries_);
  for (const ZipEntry& entry : entries_) {
    Words head;
    head.u32(entry_mark).u16(20).u16(20).u16(utf8_flag).u16(0).u16(0).u16(date).u32(entry.crc);
    head.u32(entry.packed).u32(entry.size).u16(std::ssize(entry.name)).u16(0).u16(0);
    head.u16(0).u16(0).u32(0).u32(entry.place).write(file_);
    file_.write(entry.name.data(), std::ssize(entry.name));
  }
  const std::int64_t bytes = file_.position() - place;
  if (place + bytes >= max_u32) file_.fail("the archive would need zip64, which is not written");
  Words end;
  end.u32(end_mark).u16(0).u16(0).u16(count).u16(count).u32(bytes).u32(place).u16(0);
  end.write(file_);
  file_.finish();
}

}  // namespace xtape::nn::io
