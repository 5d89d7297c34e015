#include <fmt/format.h>
#include <fmt/ranges.h>
#include <zlib.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>
#include <vector>
#include <xtape/autograd/parallel.hpp>
#include <xtape/nn/idx.hpp>

namespace xtape::nn {

namespace {

constexpr std::int64_t digit_classes = 10;

// A file being read, gzipped or not.
class Source {
 public:
  Source(const std::string& path, const Location& where)
      : path_(path), where_(where), file_(gzopen(path.c_str(), "rb"), gzclose) {
    if (!file_) fail(fmt::format("cannot be opened: {}", std::strerror(errno)));
    gzbuffer(file_.get(), 1 << 17);
  }

  [[noreturn]] void fail(const std::string& what) const {
    raise<FileError>(where_, "read_idx", fmt::format("{}: {}", path_, what));
  }

  // Up to `wanted` bytes, fewer only at the end of the file.
  std::int64_t read(void* to, std::int64_t wanted) {
    std::int64_t got = 0;
    while (got < wanted) {
      const auto part = static_cast<unsigned>(std::min<std::int64_t>(wanted - got, 1 << 30));
      const int count = gzread(file_.get(), static_cast<char*>(to) + got, part);
      if (count > 0) got += count;
      if (count < static_cast<int>(part)) break;
    }
    check(got);
    total_ += got;
    return got;
  }

 private:
  void check(std::int64_t got) const {
    int code = Z_OK;
    const char* message = gzerror(file_.get(), &code);
    if (code == Z_OK || code == Z_STREAM_END) return;
    const std::string reason = code == Z_ERRNO       ? std::strerror(errno)
                               : code == Z_BUF_ERROR ? "the gzip stream is cut off"
                                                     : fmt::format("damaged gzip: {}", message);
    fail(fmt::format("{} after {} bytes of data", reason, total_ + got));
  }

  std::string path_;
  Location where_;
  std::unique_ptr<gzFile_s, int (*)(gzFile)> file_;
  std::int64_t total_ = 0;
};

// The sizes of the axes.
std::vector<std::int64_t> read_header(Source& source) {
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

// The bytes behind the header. Memory grows with what is there, not with what the header claims.
std::vector<std::uint8_t> read_elements(Source& source, const std::vector<std::int64_t>& sizes) {
  constexpr std::int64_t chunk = 1 << 22;
  std::int64_t wanted = 1;
  for (auto size = sizes.rbegin(); size != sizes.rend(); ++size)
    if (__builtin_mul_overflow(wanted, *size, &wanted))
      source.fail(fmt::format("not an IDX file: its header claims [{}]", fmt::join(sizes, ", ")));
  std::vector<std::uint8_t> bytes;
  std::int64_t have = 0;
  while (have < wanted) {
    const std::int64_t part = std::min(chunk, wanted - have);
    bytes.resize(have + part);
    const std::int64_t got = source.read(bytes.data() + have, part);
    have += got;
    if (got < part)
      source.fail(fmt::format("truncated: [{}] needs {} bytes of data, there are {}",
                              fmt::join(sizes, ", "), wanted, have));
  }
  std::vector<std::uint8_t> rest(1 << 16);
  std::int64_t excess = 0;
  while (const std::int64_t got = source.read(rest.data(), std::ssize(rest))) excess += got;
  if (excess > 0)
    source.fail(fmt::format("too long: [{}] needs {} bytes of data, there are {}",
                            fmt::join(sizes, ", "), wanted, wanted + excess));
  return bytes;
}

Tensor images(const std::vector<std::uint8_t>& bytes, const std::vector<std::int64_t>& sizes) {
  constexpr std::int64_t grain = 1 << 16;
  const Tensor out = Tensor::empty({sizes[0], sizes[1] * sizes[2]}, float32);
  float* to = out.mutable_data<float>();
  const std::int64_t n = out.numel();
  parallel_for((n + grain - 1) / grain, [&](std::int64_t piece) {
    for (std::int64_t i = piece * grain; i < std::min(n, (piece + 1) * grain); ++i)
      to[i] = static_cast<float>(bytes[i]) / 255;
  });
  return out;
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
  for (std::int64_t i = 0; i < y.numel(); ++i)
    if (label[i] >= digit_classes)
      fail(label_path,
           fmt::format("label {} of image {} is not in 0 ... {}", label[i], i, digit_classes - 1));
  return {x, y};
}

}  // namespace

Tensor read_idx(const std::string& path, Location where) {
  Source source(path, where);
  const std::vector<std::int64_t> sizes = read_header(source);
  const std::vector<std::uint8_t> bytes = read_elements(source, sizes);
  return sizes.size() == 1 ? Tensor::from(bytes.data(), {sizes[0]}) : images(bytes, sizes);
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
