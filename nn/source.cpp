#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <limits>
#include <vector>
#include <xtape/nn/source.hpp>

namespace xtape::nn::io {

void Source::fail(const std::string& what) const {
  raise<FileError>(where_, op_, fmt::format("{}: {}", name_, what));
}

std::int64_t Source::read(void* to, std::int64_t wanted) {
  const std::int64_t got = get(to, wanted);
  position_ += got;
  return got;
}

std::int64_t Source::count_rest() {
  std::vector<char> rest(1 << 16);
  std::int64_t count = 0;
  while (const std::int64_t got = read(rest.data(), std::ssize(rest))) count += got;
  return count;
}

FileSource::FileSource(const std::string& op, const std::string& path, const Location& where)
    : Source(op, path, where), file_(gzopen(path.c_str(), "rb"), gzclose) {
  if (!file_) fail(fmt::format("cannot be opened: {}", std::strerror(errno)));
  gzbuffer(file_.get(), 1 << 17);
  std::error_code unknown;
  const std::uintmax_t size = std::filesystem::file_size(path, unknown);
  // a pipe, for instance, has no size: anything may come out of it
  constexpr std::int64_t any = std::numeric_limits<std::int64_t>::max();
  size_ = unknown || size > static_cast<std::uintmax_t>(any / deflate_ratio)
              ? any / deflate_ratio
              : static_cast<std::int64_t>(size);
}

bool FileSource::may_hold(std::int64_t bytes) const {
  const std::int64_t most = gzdirect(file_.get()) ? size_ - position() : size_ * deflate_ratio;
  return bytes <= most;
}

std::int64_t FileSource::get(void* to, std::int64_t wanted) {
  std::int64_t got = 0;
  while (got < wanted) {
    const auto part = static_cast<unsigned>(std::min<std::int64_t>(wanted - got, 1 << 30));
    const int count = gzread(file_.get(), static_cast<char*>(to) + got, part);
    if (count > 0) got += count;
    if (count < static_cast<int>(part)) break;
  }
  int code = Z_OK;
  const char* message = gzerror(file_.get(), &code);
  if (code == Z_OK || code == Z_STREAM_END) return got;
  const std::string reason = code == Z_ERRNO       ? std::strerror(errno)
                             : code == Z_BUF_ERROR ? "the gzip stream is cut off"
                                                   : fmt::format("damaged gzip: {}", message);
  fail(fmt::format("{} after {} bytes of data", reason, position() + got));
}

}  // namespace xtape::nn::io
