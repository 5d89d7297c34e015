#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <vector>
#include <xtape/nn/idx.hpp>
#include <xtape/nn/source.hpp>

namespace xtape::nn {

namespace {

constexpr std::int64_t digit_classes = 10;

// The sizes of the axes.
std::vector<std::int64_t> read_header(io::Source& source) {
  std::array<std::uint8_t, 4> magic;
  const std::int64_t got = source.read(magic.data(), 4);
  if (got < 4) source.fail(fmt::format("truncated: {} bytes, not even a header", got));
  if (magic[0] != 0 || magic[1] != 0)
    source.fail(
        fmt::format("not an IDX file: it begins with {:02x}, not 00 00 08", fmt::join(magic, " ")));
  if (magic[2] != 0x08)
    source.fail(
        fmt::format("elements of type 0x{:02x}; only 0x08, unsigned bytes, can be read", magic[2]));
  if (magic[3] != 1 && magic[3] != 3)
    source.fail(fmt::format("{} axes; labels have 1, images 3", magic[3]));
  std::vector<std::int64_t> sizes;
  for (int axis = 0; axis < magic[3]; ++axis) {
    std::array<std::uint8_t, 4> word;
    if (source.read(word.data(), 4) < 4)
      source.fail(fmt::format("truncated: the header ends before the size of axis {} of {}", axis,
                              magic[3]));
    sizes.push_back(std::int64_t{word[0]} << 24 | word[1] << 16 | word[2] << 8 | word[3]);
  }
  return sizes;
}

// The bytes behind the header, piece by piece: put(first, bytes, count).
template <class F>
void read_elements(io::Source& source, const std::vector<std::int64_t>& sizes, std::int64_t wanted,
                   F put) {
  constexpr std::int64_t chunk = 1 << 20;
  std::vector<std::uint8_t> bytes(static_cast<std::size_t>(std::min(chunk, wanted)));
  for (std::int64_t have = 0; have < wanted;) {
    const std::int64_t part = std::min(chunk, wanted - have);
    const std::int64_t got = source.read(bytes.data(), part);
    if (got < part)
      source.fail(fmt::format("truncated: [{}] needs {} bytes of data, there are {}",
                              fmt::join(sizes, ", "), wanted, have + got));
    put(have, bytes.data(), part);
    have += part;
  }
  if (const std::int64_t excess = source.count_rest(); excess > 0)
    source.fail(fmt::format("too long: [{}] needs {} bytes of data, there are {}",
                            fmt::join(sizes, ", "), wanted, wanted + excess));
}

// How many bytes the header asks for, if the file can have them.
std::int64_t claimed(io::Source& source, const std::vector<std::int64_t>& sizes) {
  std::int64_t wanted = 1;
  for (auto size = sizes.rbegin(); size != sizes.rend(); ++size)
    if (__builtin_mul_overflow(wanted, *size, &wanted))
      source.fail(fmt::format("not an IDX file: its header claims [{}]", fmt::join(sizes, ", ")));
  if (!source.may_hold(wanted))
    source.fail(fmt::format("truncated: [{}] needs {} bytes of data, there are {}",
                            fmt::join(sizes, ", "), wanted, source.count_rest()));
  return wanted;
}

// The file of that name in one of its spellings.
std::string find(const std::string& folder, const std::string& kind, const std::string& axes,
                 const Location& where) {
  const std::string dashed = kind + "-" + axes, dotted = kind + "." + axes;
  for (const std::string& name : {dashed, dashed + ".gz", dotted, dotted + ".gz"}) {
    const std::string path = (std::filesystem::path(folder) / name).string();
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) return path;
  }
  raise<FileError>(
      where, "read_mnist",
      fmt::format("{}: neither {} nor {} is there, plain or with .gz", folder, dashed, dotted));
}

Dataset read_pair(const std::string& folder, const std::string& part, const Location& where) {
  const auto fail = [&](const std::string& path, const std::string& what) {
    raise<FileError>(where, "read_mnist", fmt::format("{}: {}", path, what));
  };
  const std::string image_path = find(folder, part + "-images", "idx3-ubyte", where);
  const std::string label_path = find(folder, part + "-labels", "idx1-ubyte", where);
  const Tensor y = read_idx(label_path, where), x = read_idx(image_path, where);
  if (y.rank() != 1) fail(label_path, fmt::format("labels wanted, it holds {} images", y.size(0)));
  if (x.rank() != 2) fail(image_path, fmt::format("images wanted, it holds {} labels", x.size(0)));
  if (x.size(0) != y.size(0))
    fail(label_path,
         fmt::format("{} labels for the {} images of {}", y.size(0), x.size(0), image_path));
  const std::int64_t* label = y.data<std::int64_t>();
  for (std::int64_t i = 0, end = y.numel(); i < end; ++i)
    if (label[i] >= digit_classes)
      fail(label_path,
           fmt::format("label {} of image {} is not in 0 ... {}", label[i], i, digit_classes - 1));
  return {x, y};
}

}  // namespace

Tensor read_idx(const std::string& path, Location where) {
  io::FileSource source("read_idx", path, where);
  const std::vector<std::int64_t> sizes = read_header(source);
  const std::int64_t count = claimed(source, sizes);
  if (sizes.size() == 1) {
    const Tensor labels = Tensor::empty({sizes[0]}, int64);
    std::int64_t* const to = labels.mutable_data<std::int64_t>();
    read_elements(source, sizes, count,
                  [&](std::int64_t first, const std::uint8_t* bytes, std::int64_t n) {
                    std::copy_n(bytes, n, to + first);
                  });
    return labels;
  }
  const Tensor images = Tensor::empty({sizes[0], sizes[1] * sizes[2]}, float32);
  float* const to = images.mutable_data<float>();
  read_elements(source, sizes, count,
                [&](std::int64_t first, const std::uint8_t* bytes, std::int64_t n) {
                  for (std::int64_t i = 0; i < n; ++i)
                    to[first + i] = static_cast<float>(bytes[i]) / 255;
                });
  return images;
}

TrainTest read_mnist(const std::string& folder, Location where) {
  const Dataset train = read_pair(folder, "train", where), test = read_pair(folder, "t10k", where);
  if (train.x.size(1) != test.x.size(1))
    raise<FileError>(where, "read_mnist",
                     fmt::format("{}: training images of {} pixels, test images of {}", folder,
                                 train.x.size(1), test.x.size(1)));
  return {train, test, digit_classes};
}

}  // namespace xtape::nn
