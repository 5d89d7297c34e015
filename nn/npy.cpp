#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cstring>
#include <string_view>
#include <xtape/nn/npy.hpp>
#include <xtape/nn/stored.hpp>
#include <xtape/nn/zip.hpp>

namespace xtape::nn {

namespace {

using io::Flag;
using io::Half;
using io::Source;

constexpr std::string_view magic = "\x93NUMPY";
constexpr std::string_view suffix = ".npy";

// What the header of an array says.
struct Header {
  std::string descr;
  bool fortran_order = false;
  std::vector<std::int64_t> shape;
};

// Reads the header's text: a Python dictionary with three entries.
class HeaderParser {
 public:
  HeaderParser(const Source& source, std::string_view text) : source_(source), text_(text) {}

  Header parse() {
    Header header;
    bool descr = false, order = false, shape = false;
    expect('{');
    while (!accept('}')) {
      const std::string key = quoted();
      expect(':');
      if (key == "descr" && !descr) descr = true, header.descr = element_type();
      else if (key == "fortran_order" && !order) order = true, header.fortran_order = boolean();
      else if (key == "shape" && !shape) shape = true, header.shape = tuple();
      else fail("'descr', 'fortran_order' and 'shape', each once");
      if (!accept(',')) {
        expect('}');
        break;
      }
    }
    if (!descr || !order || !shape) fail("'descr', 'fortran_order' and 'shape'");
    skip();
    if (at_ < text_.size()) fail("nothing more");
    return header;
  }

 private:
  [[noreturn]] void fail(const std::string& wanted) const {
    source_.fail(fmt::format("damaged .npy header: {} expected at character {} of \"{}\"", wanted,
                             at_, text_.substr(0, 200)));
  }
  void skip() {
    while (at_ < text_.size() && std::strchr(" \t\r\n", text_[at_]) && text_[at_] != '\0') ++at_;
  }
  bool accept(char c) {
    skip();
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!accept(c)) fail(fmt::format("'{}'", c));
  }
  bool word(std::string_view wanted) {
    skip();
    if (!text_.substr(at_).starts_with(wanted)) return false;
    at_ += wanted.size();
    return true;
  }
  std::string quoted() {
    const char quote = accept('\'') ? '\'' : accept('"') ? '"' : '\0';
    const std::size_t end = quote ? text_.find(quote, at_) : text_.npos;
    if (end == text_.npos) fail("a quoted word");
    const std::string_view found = text_.substr(at_, end - at_);
    at_ = end + 1;
    return std::string(found);
  }
  std::string element_type() {
    skip();
    if (at_ < text_.size() && text_[at_] == '[')
      source_.fail(fmt::format("elements with fields cannot be read: {}", text_.substr(at_, 100)));
    return quoted();
  }
  bool boolean() {
    if (word("True")) return true;
    if (!word("False")) fail("True or False");
    return false;
  }
  std::vector<std::int64_t> tuple() {
    std::vector<std::int64_t> sizes;
    expect('(');
    while (!accept(')')) {
      skip();
      std::int64_t size = 0;
      const char* end = text_.data() + text_.size();
      const auto [stop, error] = std::from_chars(text_.data() + at_, end, size);
      if (error != std::errc{} || size < 0) fail("the size of an axis");
      at_ = static_cast<std::size_t>(stop - text_.data());
      accept('L');  // Python 2 wrote long integers so
      sizes.push_back(size);
      if (!accept(',')) {
        expect(')');
        break;
      }
    }
    return sizes;
  }

  const Source& source_;
  std::string_view text_;
  std::size_t at_ = 0;
};

Header read_header(Source& source) {
  std::array<std::uint8_t, 12> head{};
  const auto read = [&](std::size_t from, std::size_t count, const char* what) {
    const std::int64_t got = source.read(&head[from], static_cast<std::int64_t>(count));
    if (got < static_cast<std::int64_t>(count))
      source.fail(
          fmt::format("truncated: it ends after {} bytes, within {}", source.position(), what));
  };
  read(0, 6, "the magic word");
  if (std::memcmp(head.data(), magic.data(), 6) != 0)
    source.fail(fmt::format("not an .npy file: it begins with {:02x}, not 93 4e 55 4d 50 59",
                            fmt::join(head.begin(), head.begin() + 6, " ")));
  read(6, 2, "the version");
  if (head[6] < 1 || head[6] > 3)
    source.fail(fmt::format(".npy version {}.{}; 1.0 to 3.0 can be read", head[6], head[7]));
  const std::size_t width = head[6] == 1 ? 2 : 4;
  read(8, width, "the length of the header");
  std::uint32_t length = 0;
  std::memcpy(&length, &head[8], width);
  constexpr std::uint32_t longest = 1 << 20;
  if (length > longest)
    source.fail(
        fmt::format("damaged .npy header: {} bytes long, at most {} can be", length, longest));
  std::string text(length, ' ');
  if (const std::int64_t got = source.read(text.data(), length); got < std::int64_t{length})
    source.fail(fmt::format("truncated: a header of {} bytes ends after {}", length, got));
  return HeaderParser(source, text).parse();
}

// Places of a row-major array in the order in which a file by columns names them.
class ColumnOrder {
 public:
  explicit ColumnOrder(const Shape& shape) : shape_(shape) {
    std::int64_t stride = 1;
    for (int axis = shape.rank() - 1; axis >= 0; --axis) {
      strides_[axis] = stride;
      stride *= shape[axis];
    }
  }
  std::int64_t next() {
    const std::int64_t here = place_;
    for (int axis = 0; axis < shape_.rank(); ++axis) {
      place_ += strides_[axis];
      if (++index_[axis] < shape_[axis]) break;
      place_ -= strides_[axis] * shape_[axis];
      index_[axis] = 0;
    }
    return here;
  }

 private:
  Shape shape_;
  std::int64_t strides_[Shape::max_rank]{}, index_[Shape::max_rank]{}, place_ = 0;
};

// Reads the elements, of type From in the file, in chunks.
template <class From, class To>
Tensor read_elements(Source& source, const Shape& shape, bool swapped, bool by_columns) {
  const Tensor out = Tensor::empty(shape, dtype_of<To>());
  To* to = out.mutable_data<To>();
  const std::int64_t count = out.numel();
  const auto ended = [&](std::int64_t bytes) {
    source.fail(
        fmt::format("truncated: {} elements of {} bytes wanted, it ends after {} bytes of "
                    "them",
                    count, sizeof(From), bytes));
  };
  if constexpr (std::is_same_v<From, To>)
    if (!swapped && !by_columns) {
      const std::int64_t bytes = count * static_cast<std::int64_t>(sizeof(To));
      if (const std::int64_t got = source.read(to, bytes); got < bytes) ended(got);
      return out;
    }
  constexpr std::int64_t chunk = 1 << 15;
  std::vector<From> buffer(static_cast<std::size_t>(std::min(count, chunk)));
  ColumnOrder order(shape);
  for (std::int64_t done = 0; done < count;) {
    const std::int64_t part = std::min(chunk, count - done);
    const std::int64_t bytes = part * static_cast<std::int64_t>(sizeof(From));
    if (const std::int64_t got = source.read(buffer.data(), bytes); got < bytes)
      ended(done * static_cast<std::int64_t>(sizeof(From)) + got);
    for (std::int64_t i = 0; i < part; ++i, ++done) {
      From& from = buffer[static_cast<std::size_t>(i)];
      if (swapped) {
        auto* const first = reinterpret_cast<std::uint8_t*>(&from);
        std::reverse(first, first + sizeof(From));
      }
      if (!io::convert(from, to[by_columns ? order.next() : done]))
        source.fail(fmt::format("element {} is 2^63 or more, which no int64 holds", done));
    }
  }
  return out;
}

using Reader = Tensor (*)(Source&, const Shape&, bool, bool);

struct ElementType {
  std::string_view name;
  int size;
  Reader read;
};
constexpr ElementType element_types[] = {
    {"f4", 4, read_elements<float, float>},
    {"f8", 8, read_elements<double, double>},
    {"i8", 8, read_elements<std::int64_t, std::int64_t>},
    {"b1", 1, read_elements<Flag, bool>},
    {"f2", 2, read_elements<Half, float>},
    {"i1", 1, read_elements<std::int8_t, std::int64_t>},
    {"i2", 2, read_elements<std::int16_t, std::int64_t>},
    {"i4", 4, read_elements<std::int32_t, std::int64_t>},
    {"u1", 1, read_elements<std::uint8_t, std::int64_t>},
    {"u2", 2, read_elements<std::uint16_t, std::int64_t>},
    {"u4", 4, read_elements<std::uint32_t, std::int64_t>},
    {"u8", 8, read_elements<std::uint64_t, std::int64_t>},
};

Tensor read_array(Source& source, const Location& where) {
  const Header header = read_header(source);
  const std::string_view descr = header.descr;
  const bool has_order = !descr.empty() && std::strchr("<>=|", descr[0]);
  const auto* const type =
      std::ranges::find(element_types, descr.substr(has_order ? 1 : 0), &ElementType::name);
  if (type == std::end(element_types))
    source.fail(
        fmt::format("elements of type '{}'; f2 f4 f8 i1 i2 i4 i8 u1 u2 u4 u8 b1 can be "
                    "read",
                    descr));
  std::int64_t bytes = type->size;
  bool fits = std::ssize(header.shape) <= Shape::max_rank;
  for (const std::int64_t size : header.shape)  // as Shape counts, beside sizes of 0 as well
    fits = fits && (size == 0 || !__builtin_mul_overflow(bytes, size, &bytes));
  if (!fits)
    source.fail(fmt::format("an array [{}]; at most {} axes and 2^63 bytes can be read",
                            fmt::join(header.shape, ", "), Shape::max_rank));
  if (std::ranges::count(header.shape, 0) > 0) bytes = 0;
  if (!source.may_hold(bytes))
    source.fail(fmt::format("truncated: [{}] of {} needs {} bytes behind the header, there are {}",
                            fmt::join(header.shape, ", "), descr, bytes, source.count_rest()));
  const Tensor out = type->read(source, Shape(header.shape, where), descr[0] == '>',
                                header.fortran_order && header.shape.size() > 1);
  if (const std::int64_t excess = source.count_rest(); excess > 0)
    source.fail(fmt::format("too long: [{}] of {} needs {} bytes behind the header, there are {}",
                            fmt::join(header.shape, ", "), descr, bytes, bytes + excess));
  return out;
}

std::span<const std::uint8_t> bytes_of(const Tensor& tensor) {
  return {static_cast<const std::uint8_t*>(tensor.value()->elements()),
          static_cast<std::size_t>(tensor.value()->bytes())};
}

// Everything before the elements: version 1.0, padded so that they begin at a multiple of 64.
std::string header_of(const Tensor& tensor) {
  const char* const names[] = {"<f4", "<f8", "<i8", "|b1"};
  std::string text = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}",
                                 names[static_cast<int>(tensor.dtype())],
                                 fmt::join(tensor.shape(), ", "), tensor.rank() == 1 ? "," : "");
  constexpr std::size_t before = 10;
  text.append(63 - (before + text.size()) % 64, ' ');
  text += '\n';
  std::string head(magic);
  head += {1, 0, static_cast<char>(text.size()), static_cast<char>(text.size() >> 8)};
  return head + text;
}

std::span<const std::uint8_t> bytes_of(const std::string& text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};
}

std::string array_name(const io::ZipReader& zip, const io::ZipEntry& entry) {
  if (!entry.name.ends_with(suffix))
    zip.fail(fmt::format("member '{}' is no array: its name does not end in .npy", entry.name));
  return entry.name.substr(0, entry.name.size() - suffix.size());
}

}  // namespace

Tensor load_npy(const std::string& path, Location where) {
  io::FileSource source("load_npy", path, where);
  return read_array(source, where);
}

void save_npy(const std::string& path, const Tensor& tensor, Location where) {
  const std::string header = header_of(tensor.detach(where));
  io::FileWriter file("save_npy", path, where);
  file.write(header.data(), std::ssize(header));
  file.write(bytes_of(tensor).data(), std::ssize(bytes_of(tensor)));
  file.finish();
}

State load_npz(const std::string& path, Location where) {
  io::ZipReader zip("load_npz", path, where);
  State state;
  for (const io::ZipEntry& entry : zip.entries()) {
    const std::string name = array_name(zip, entry);
    if (!state.emplace(name, read_array(*zip.open(entry), where)).second)
      zip.fail(fmt::format("two arrays are named '{}'", name));
  }
  return state;
}

Tensor load_npz_array(const std::string& path, const std::string& name, Location where) {
  io::ZipReader zip("load_npz_array", path, where);
  for (const io::ZipEntry& entry : zip.entries())
    if (array_name(zip, entry) == name) return read_array(*zip.open(entry), where);
  raise<ValueError>(where, "load_npz_array",
                    fmt::format("{}: there is no '{}'; there are: {}", path, name,
                                fmt::join(npz_names(path, where), ", ")));
}

std::vector<std::string> npz_names(const std::string& path, Location where) {
  const io::ZipReader zip("npz_names", path, where);
  std::vector<std::string> names;
  for (const io::ZipEntry& entry : zip.entries()) names.push_back(array_name(zip, entry));
  return names;
}

void save_npz(const std::string& path, const State& state, Location where) {
  for (const auto& [name, tensor] : state)
    if (!tensor.defined())
      raise<ValueError>(where, "save_npz", fmt::format("'{}' is not defined", name));
  io::FileWriter file("save_npz", path, where);
  io::ZipWriter zip(file);
  for (const auto& [name, tensor] : state) {
    const std::string header = header_of(tensor);
    zip.add(name + std::string(suffix), {bytes_of(header), bytes_of(tensor)});
  }
  zip.finish();
}

}  // namespace xtape::nn
