#include <xtape/nn/idx.hpp>

#include "../check.hpp"
#include "folder.hpp"

using namespace xtape;
using check::Folder, check::slurp;
namespace fs = std::filesystem;

namespace {

std::string word(std::uint32_t value) {
  return {static_cast<char>(value >> 24), static_cast<char>(value >> 16),
          static_cast<char>(value >> 8), static_cast<char>(value)};
}

// An IDX file of `type` whose elements count up from 0, modulo `modulus`.
std::string idx(const std::vector<std::uint32_t>& sizes, int modulus = 256, int type = 8) {
  std::string bytes = word(static_cast<std::uint32_t>(type << 8 | static_cast<int>(sizes.size())));
  std::size_t count = 1;
  for (const std::uint32_t size : sizes) {
    bytes += word(size);
    count *= size;
  }
  for (std::size_t i = 0; i < count; ++i)
    bytes += static_cast<char>(i % static_cast<std::size_t>(modulus));
  return bytes;
}

// Writes a good pair of training and test files, one of them replaced.
void write_mnist(const Folder& folder, const std::string& replaced = "",
                 const std::string& bytes = "") {
  const std::pair<const char*, std::string> files[] = {{"train-images-idx3-ubyte", idx({20, 2, 3})},
                                                       {"train-labels-idx1-ubyte", idx({20}, 10)},
                                                       {"t10k-images-idx3-ubyte", idx({5, 2, 3})},
                                                       {"t10k-labels-idx1-ubyte", idx({5}, 10)}};
  for (const auto& [name, good] : files) folder.write(name, name == replaced ? bytes : good);
}

}  // namespace

TEST_CASE("idx: images are scaled rows, labels are int64, plain and gzipped") {
  const Folder folder;
  for (const bool gzip : {false, true}) {
    const auto write = [&](const std::string& name, const std::string& bytes) {
      return gzip ? folder.write_gzip(name + ".gz", bytes) : folder.write(name, bytes);
    };
    const Tensor images = nn::read_idx(write("images", idx({50, 4, 3})));
    CHECK(images.shape() == Shape{50, 12});
    CHECK(images.dtype() == float32);
    for (int i = 0; i < 600; ++i)
      CHECK(images.data<float>()[i] == static_cast<float>(i % 256) / 255);
    const Tensor labels = nn::read_idx(write("labels", idx({300})));
    CHECK(labels.shape() == Shape{300});
    CHECK(labels.dtype() == int64);
    for (int i = 0; i < 300; ++i) CHECK(labels.data<std::int64_t>()[i] == i % 256);
    CHECK(nn::read_idx(write("none", idx({0}))).shape() == Shape{0});
    CHECK(nn::read_idx(write("no-images", idx({0, 28, 28}))).shape() == Shape{0, 784});
  }
}

TEST_CASE("idx: larger than any buffer, the same with 1 and 2 threads") {
  const Folder folder;
  const std::string path = folder.write_gzip("large.gz", idx({6000, 28, 28}, 251));
  const int before = num_threads();
  set_num_threads(1);
  const Tensor one = nn::read_idx(path);
  set_num_threads(2);
  const Tensor two = nn::read_idx(path);
  set_num_threads(before);
  REQUIRE(one.shape() == Shape{6000, 784});
  bool right = true;
  for (std::int64_t i = 0; i < one.numel(); ++i)
    right = right && one.data<float>()[i] == static_cast<float>(i % 251) / 255 &&
            two.data<float>()[i] == one.data<float>()[i];
  CHECK(right);
}

TEST_CASE("idx: files that cannot be read") {
  const Folder folder;
  const auto refused = [](const std::string& path, std::vector<std::string> parts) {
    parts.push_back(path);
    check::refused([&] { nn::read_idx(path); }, parts);
  };
  refused((folder.path / "absent").string(), {"cannot be opened", "No such file"});
  refused(folder.path.string(), {"Is a directory"});
  refused(folder.write("empty", ""), {"truncated: 0 bytes"});
  refused(folder.write("stub", std::string("\0\0\10", 3)), {"truncated: 3 bytes"});
  refused(folder.write("text", "hello, world"), {"not an IDX file", "68 65 6c 6c"});
  refused(folder.write("floats", idx({4}, 256, 0x0d)), {"0x0d", "0x08"});
  refused(folder.write("two", idx({4, 3})), {"2 axes; labels have 1, images 3"});
  refused(folder.write("four", idx({2, 2, 2, 2})), {"4 axes"});
  refused(folder.write("header", idx({2, 3, 4}).substr(0, 14)), {"the size of axis 2 of 3"});
  const std::string good = idx({10, 4, 4});
  refused(folder.write("short", good.substr(0, good.size() - 1)),
          {"truncated", "[10, 4, 4] needs 160 bytes of data, there are 159"});
  refused(folder.write("bare", good.substr(0, 16)), {"there are 0"});
  refused(folder.write("long", good + std::string(100000, 'x')),
          {"too long", "needs 160 bytes of data, there are 100160"});
  refused(folder.write("claims", word(0x803) + word(~0u) + word(~0u) + word(~0u)),
          {"claims [4294967295, 4294967295, 4294967295]"});
  refused(folder.write("huge", word(0x803) + word(~0u) + word(28) + word(28) + "abc"),
          {"truncated", "there are 3"});
}

TEST_CASE("idx: damaged gzip streams") {
  const Folder folder;
  const std::string whole = slurp(folder.write_gzip("whole.gz", idx({100, 28, 28}, 241)));
  const auto refused = [&](const std::string& name, const std::string& bytes,
                           const std::vector<std::string>& parts) {
    const std::string path = folder.write(name, bytes);
    check::refused([&] { nn::read_idx(path); }, parts);
  };
  refused("cut.gz", whole.substr(0, whole.size() / 2), {"cut.gz", "the gzip stream is cut off"});
  refused("tail.gz", whole.substr(0, whole.size() - 4), {"tail.gz", "the gzip stream is cut off"});
  std::string flipped = whole;
  flipped[flipped.size() - 8] ^= 1;  // of the checksum
  refused("flipped.gz", flipped, {"flipped.gz", "damaged gzip"});
  std::string broken = whole;
  for (std::size_t i = 20; i < 60; ++i) broken[i] = static_cast<char>(~broken[i]);
  refused("broken.gz", broken, {"broken.gz"});
}

TEST_CASE("mnist: the four files in every spelling") {
  const Folder plain, mixed;
  write_mnist(plain);
  mixed.write_gzip("train-images-idx3-ubyte.gz", idx({20, 2, 3}));
  mixed.write("train-labels.idx1-ubyte", idx({20}, 10));
  mixed.write_gzip("t10k-images.idx3-ubyte.gz", idx({5, 2, 3}));
  mixed.write("t10k-labels-idx1-ubyte", idx({5}, 10));
  for (const Folder* folder : {&plain, &mixed}) {
    const nn::TrainTest set = nn::read_mnist(folder->path.string());
    CHECK(set.classes == 10);
    CHECK(set.train.x.shape() == Shape{20, 6});
    CHECK(set.train.size() == 20);
    CHECK(set.test.size() == 5);
    CHECK(set.train.x.data<float>()[7] == 7.0f / 255);
    CHECK(set.train.y.data<std::int64_t>()[13] == 3);
    CHECK(set.test.y.data<std::int64_t>()[4] == 4);
  }
}

TEST_CASE("mnist: files that do not belong together") {
  const auto refused = [](const std::string& replaced, const std::string& bytes,
                          const std::vector<std::string>& parts) {
    const Folder folder;
    write_mnist(folder, replaced, bytes);
    check::refused([&] { nn::read_mnist(folder.path.string()); }, parts);
  };
  refused("train-labels-idx1-ubyte", idx({19}, 10),
          {"19 labels for the 20 images of", "train-images-idx3-ubyte"});
  refused("t10k-images-idx3-ubyte", idx({6, 2, 3}), {"5 labels for the 6 images of"});
  refused("train-labels-idx1-ubyte", idx({20}, 11),
          {"train-labels-idx1-ubyte", "label 10 of image 10 is not in 0 ... 9"});
  refused("train-labels-idx1-ubyte", idx({20, 2, 3}),
          {"train-labels-idx1-ubyte", "labels wanted, it holds 20 images"});
  refused("t10k-images-idx3-ubyte", idx({5}, 10),
          {"t10k-images-idx3-ubyte", "images wanted, it holds 5 labels"});
  refused("t10k-images-idx3-ubyte", idx({5, 3, 3}),
          {"training images of 6 pixels, test images of 9"});
  refused("t10k-labels-idx1-ubyte", "", {"t10k-labels-idx1-ubyte", "truncated: 0 bytes"});
}

TEST_CASE("mnist: a missing file is named with its spellings") {
  const Folder folder;
  check::refused(
      [&] { nn::read_mnist(folder.path.string()); },
      {folder.path.string(), "train-images-idx3-ubyte", "train-images.idx3-ubyte", ".gz"});
  check::refused([&] { nn::read_mnist((folder.path / "absent").string()); }, {"absent"});
  write_mnist(folder);
  fs::remove(folder.path / "t10k-labels-idx1-ubyte");
  check::refused([&] { nn::read_mnist(folder.path.string()); }, {"t10k-labels-idx1-ubyte"});
}

TEST_CASE("mnist: the real files, where they are") {
  const std::string folder = check::shared_data("mnist");
  if (folder.empty()) return;
  const nn::TrainTest set = nn::read_mnist(folder);
  CHECK(set.train.x.shape() == Shape{60000, 784});
  CHECK(set.test.x.shape() == Shape{10000, 784});
  // known of the data set: its class sizes, first labels and mean grey level
  const int sizes[] = {5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949};
  int counts[10] = {};
  for (const std::int64_t label : set.train.y.values<std::int64_t>()) ++counts[label];
  for (int c = 0; c < 10; ++c) CHECK(counts[c] == sizes[c]);
  const std::int64_t first[] = {5, 0, 4, 1, 9, 2, 1, 3, 1, 4};
  for (int i = 0; i < 10; ++i) CHECK(set.train.y.data<std::int64_t>()[i] == first[i]);
  double sum = 0;
  for (const float value : set.train.x.values<float>()) sum += value;
  CHECK(sum / 47040000 == doctest::Approx(0.1307).epsilon(0.001));
}
