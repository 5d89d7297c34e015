#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <xtape/nn/writer.hpp>

namespace xtape::nn::io {

namespace {

std::string partial_name(const std::string& path) {
  const std::filesystem::path whole(path);
  return whole.parent_path() / ("." + whole.filename().string() + ".part");
}

// Puts the new name of a file on the disk. Some file systems cannot do that with folders, and need
// not; the file is whole either way.
void sync_folder(const std::string& path) {
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  const int descriptor = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY);
  if (descriptor < 0) return;
  fsync(descriptor);
  close(descriptor);
}

}  // namespace

FileWriter::FileWriter(const std::string& op, const std::string& path, const Location& where)
    : op_(op),
      path_(path),
      partial_(partial_name(path)),
      where_(where),
      file_(std::fopen(partial_.c_str(), "wb"), std::fclose) {
  if (!file_) fail(fmt::format("cannot be written: {}", std::strerror(errno)));
}

FileWriter::~FileWriter() {
  if (!file_) return;
  file_.reset();
  std::remove(partial_.c_str());
}

void FileWriter::fail(const std::string& what) const {
  raise<FileError>(where_, op_, fmt::format("{}: {}", path_, what));
}

void FileWriter::write(const void* bytes, std::int64_t size) {
  const auto wanted = static_cast<std::size_t>(size);
  if (wanted > 0 && std::fwrite(bytes, 1, wanted, file_.get()) != wanted)
    fail(fmt::format("cannot be written after {} bytes: {}", position_, std::strerror(errno)));
  position_ += size;
}

void FileWriter::finish() {
  const bool flushed = std::fflush(file_.get()) == 0 && fsync(fileno(file_.get())) == 0;
  int reason = errno;
  if (std::fclose(file_.release()) == 0 && flushed) {
    if (std::rename(partial_.c_str(), path_.c_str()) == 0) return sync_folder(path_);
    reason = errno;
  } else if (flushed) {
    reason = errno;
  }
  std::remove(partial_.c_str());
  fail(fmt::format("cannot be written: {}", std::strerror(reason)));
}

}  // namespace xtape::nn::io
