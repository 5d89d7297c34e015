#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>
#include <xtape/nn/cifar.hpp>
#include <xtape/nn/source.hpp>

namespace xtape::nn {

namespace {

constexpr std::int64_t classes = 10, pixels = 3 * 32 * 32, record_bytes = 1 + pixels;

// A file and its number of records, as its size tells.
struct File {
  std::string path;
  std::int64_t records;
};

File measured(const char* op, const std::string& path, const Location& where) {
  std::error_code error;
  const auto bytes = static_cast<std::int64_t>(std::filesystem::file_size(path, error));
  if (error)
    raise<FileError>(where, op, fmt::format("{}: cannot be opened: {}", path, error.message()));
  if (bytes % record_bytes != 0)
    raise<FileError>(
        where, op,
        fmt::format("{}: truncated or not CIFAR-10: {} bytes are {} records of {} "
                    "bytes and {} bytes",
                    path, bytes, bytes / record_bytes, record_bytes, bytes % record_bytes));
  return {path, bytes / record_bytes};
}

Dataset read(const char* op, const std::vector<File>& files, const Location& where) {
  std::int64_t total = 0;
  for (const File& file : files) total += file.records;
  const Dataset data{Tensor::empty({total, 3, 32, 32}, float32), Tensor::empty({total}, int64)};
  float* x = data.x.mutable_data<float>();
  std::int64_t* y = data.y.mutable_data<std::int64_t>();
  std::array<std::uint8_t, record_bytes> bytes;
  for (const File& file : files) {
    io::FileSource source(op, file.path, where);
    for (std::int64_t i = 0; i < file.records; ++i, ++y) {
      if (const std::int64_t got = source.read(bytes.data(), record_bytes); got < record_bytes)
        source.fail(fmt::format("truncated: record {} of {} ends after {} of {} bytes", i,
                                file.records, got, record_bytes));
      if (bytes[0] >= classes)
        source.fail(fmt::format("label {} of record {}, at offset {}, is not in 0 ... {}", bytes[0],
                                i, i * record_bytes, classes - 1));
      *y = bytes[0];
      x = std::transform(bytes.begin() + 1, bytes.end(), x,
                         [](std::uint8_t byte) { return static_cast<float>(byte) / 255; });
    }
  }
  return data;
}

}  // namespace

Dataset read_cifar10_batch(const std::string& path, Location where) {
  const char* op = "read_cifar10_batch";
  return read(op, {measured(op, path, where)}, where);
}

TrainTest read_cifar10(const std::string& folder, Location where) {
  const char* op = "read_cifar10";
  const auto file = [&](const std::string& name) {
    return measured(op, (std::filesystem::path(folder) / name).string(), where);
  };
  std::vector<File> train;
  for (int i = 1; i <= 5; ++i) train.push_back(file(fmt::format("data_batch_{}.bin", i)));
  const std::vector<File> test{file("test_batch.bin")};
  return {read(op, train, where), read(op, test, where), classes};
}

}  // namespace xtape::nn
