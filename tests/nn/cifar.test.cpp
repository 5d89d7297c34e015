#include <xtape/nn/cifar.hpp>

#include "../check.hpp"
#include "folder.hpp"

using namespace xtape;
using check::Folder, check::refused;

namespace {

// n records; the bytes of record i count up from i.
std::string records(int n, int first_label = 0) {
  std::string bytes;
  for (int i = 0; i < n; ++i) {
    bytes += static_cast<char>((first_label + i) % 10);
    for (int k = 0; k < 3072; ++k) bytes += static_cast<char>(i + k);
  }
  return bytes;
}

}  // namespace

TEST_CASE("cifar: records become images and labels") {
  const Folder folder;
  const nn::Dataset batch = nn::read_cifar10_batch(folder.write("a.bin", records(12)));
  CHECK(batch.x.shape() == Shape{12, 3, 32, 32});
  CHECK(batch.x.dtype() == float32);
  for (int i = 0; i < 12; ++i) {
    CHECK(batch.y.data<std::int64_t>()[i] == i % 10);
    // channel 2, row 5, column 7 is byte 2 * 1024 + 5 * 32 + 7 of the record
    CHECK(index(batch.x, {i, 2, 5, 7}).item<float>() ==
          static_cast<float>((i + 2 * 1024 + 5 * 32 + 7) % 256) / 255);
  }
  CHECK(nn::read_cifar10_batch(folder.write("none.bin", "")).x.shape() == Shape{0, 3, 32, 32});
  for (int i = 1; i <= 5; ++i)
    folder.write("data_batch_" + std::to_string(i) + ".bin", records(i, i));
  folder.write("test_batch.bin", records(2, 9));
  const nn::TrainTest set = nn::read_cifar10(folder.path.string());
  CHECK(set.classes == 10);
  CHECK(set.train.size() == 15);
  CHECK(check::equal(set.train.y, Tensor({1, 2, 3, 3, 4, 5, 4, 5, 6, 7, 5, 6, 7, 8, 9}, int64)));
  CHECK(check::equal(set.test.y, Tensor({9, 0}, int64)));
  CHECK(check::equal(slice(set.train.x, 0, {.start = 1, .stop = 3}),
                     slice(batch.x, 0, {.start = 0, .stop = 2})));
}

TEST_CASE("cifar: files that cannot be read") {
  const Folder folder;
  const auto absent = (folder.path / "absent.bin").string();
  refused([&] { nn::read_cifar10_batch(absent); },
          {"read_cifar10_batch: " + absent + ": cannot be opened: No such file"});
  refused([&] { nn::read_cifar10_batch(folder.write("a", records(3).substr(0, 9000))); },
          {"truncated or not CIFAR-10: 9000 bytes are 2 records of 3073 bytes and 2854 bytes"});
  std::string bad = records(3);
  bad[3073] = 10;
  refused([&] { nn::read_cifar10_batch(folder.write("b", bad)); },
          {"label 10 of record 1, at offset 3073, is not in 0 ... 9"});
  // a gzipped file that happens to have the size of a record holds another number of bytes
  const std::string packed = folder.write_gzip("c", "x");
  std::ofstream(packed, std::ios::app | std::ios::binary)
      << std::string(3073 - std::filesystem::file_size(packed), '\0');
  refused([&] { nn::read_cifar10_batch(packed); }, {"truncated: record 0 of 1 ends after 1 of"});
  for (int i = 1; i <= 5; ++i) folder.write("data_batch_" + std::to_string(i) + ".bin", records(1));
  refused([&] { nn::read_cifar10(folder.path.string()); },
          {"read_cifar10: ", "test_batch.bin: cannot be opened: No such file"});
}
