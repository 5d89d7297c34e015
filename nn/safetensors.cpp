#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>
#include <vector>
#include <xtape/nn/safetensors.hpp>
#include <xtape/nn/stored.hpp>
#include <xtape/nn/writer.hpp>

namespace xtape::nn {

namespace {

using Json = nlohmann::json;

constexpr std::int64_t max_header = 100'000'000;
constexpr const char* metadata_key = "__metadata__";

// A tensor as the header tells it; its bytes are [begin, end) behind the header.
struct Stored {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::int64_t begin = 0, end = 0;
};

class Reader {
 public:
  Reader(const char* op, const std::string& path, const Location& where);

  State tensors();
  Metadata metadata() const;

 private:
  friend struct Elements;

  [[noreturn]] void fail(const std::string& what) const {
    raise<FileError>(where_, op_, fmt::format("{}: {}", path_, what));
  }
  [[noreturn]] void fail(const std::string& name, const std::string& what) const {
    fail(fmt::format("tensor '{}': {}", name, what));
  }
  void read(void* to, std::int64_t count);
  Json parse(const std::string& text) const;
  std::int64_t number(const std::string& name, const Json& json, const char* what) const;
  std::vector<std::int64_t> numbers(const std::string& name, const Json& json,
                                    const char* what) const;
  Stored stored(const std::string& name, const Json& json) const;
  void check_places(const std::vector<Stored>& all) const;

  const char* op_;
  std::string path_;
  Location where_;
  std::ifstream file_;
  std::int64_t data_bytes_ = 0;  // behind the header
  Json header_;
};

// How the elements of one type are read.
struct Elements {
  const char* dtype;
  std::int64_t size;
  Tensor (*read)(Reader& reader, const std::string& name, const Shape& shape);

  template <class From, class To>
  static Tensor as(Reader& reader, const std::string& name, const Shape& shape) {
    const Tensor out = Tensor::empty(shape, dtype_of<To>());
    To* to = out.mutable_data<To>();
    if constexpr (std::is_same_v<From, To>) {
      reader.read(to, out.value()->bytes());
    } else {
      constexpr std::int64_t chunk = 1 << 15;
      std::vector<From> from(static_cast<std::size_t>(std::min(out.numel(), chunk)));
      for (std::int64_t done = 0; done < out.numel();) {
        const std::int64_t part = std::min(chunk, out.numel() - done);
        reader.read(from.data(), part * static_cast<std::int64_t>(sizeof(From)));
        for (std::int64_t i = 0; i < part; ++i, ++done)
          if (!io::convert(from[static_cast<std::size_t>(i)], to[done]))
            reader.fail(name,
                        fmt::format("element {} is 2^63 or more, which no int64 holds", done));
      }
    }
    return out;
  }
};

constexpr Elements element_types[] = {
    {"F32", 4, Elements::as<float, float>},
    {"F64", 8, Elements::as<double, double>},
    {"I64", 8, Elements::as<std::int64_t, std::int64_t>},
    {"BOOL", 1, Elements::as<io::Flag, bool>},
    {"F16", 2, Elements::as<io::Half, float>},
    {"BF16", 2, Elements::as<io::Brain, float>},
    {"I8", 1, Elements::as<std::int8_t, std::int64_t>},
    {"I16", 2, Elements::as<std::int16_t, std::int64_t>},
    {"I32", 4, Elements::as<std::int32_t, std::int64_t>},
    {"U8", 1, Elements::as<std::uint8_t, std::int64_t>},
    {"U16", 2, Elements::as<std::uint16_t, std::int64_t>},
    {"U32", 4, Elements::as<std::uint32_t, std::int64_t>},
    {"U64", 8, Elements::as<std::uint64_t, std::int64_t>},
};

const Elements* elements_of(const std::string& dtype) {
  const auto* const found = std::ranges::find_if(
      element_types, [&](const Elements& elements) { return dtype == elements.dtype; });
  return found == std::end(element_types) ? nullptr : found;
}

Reader::Reader(const char* op, const std::string& path, const Location& where)
    : op_(op), path_(path), where_(where), file_(path, std::ios::binary) {
  if (!file_) fail(fmt::format("cannot be opened: {}", std::strerror(errno)));
  std::error_code problem;
  const std::uintmax_t size = std::filesystem::file_size(path, problem);
  if (problem) fail(fmt::format("cannot be read: {}", problem.message()));
  const auto bytes = static_cast<std::int64_t>(size);
  if (bytes < 8)
    fail(fmt::format("truncated: 8 bytes with the length of the header expected, there are {}",
                     bytes));
  std::uint64_t length = 0;
  read(&length, 8);
  if (length > max_header)
    fail(
        fmt::format("no safetensors file: a header of at most {} bytes expected, this one claims "
                    "{}",
                    max_header, length));
  data_bytes_ = bytes - 8 - static_cast<std::int64_t>(length);
  if (data_bytes_ < 0)
    fail(fmt::format("truncated: a header of {} bytes expected, there are {}", length, bytes - 8));
  std::string text(length, ' ');
  read(text.data(), std::ssize(text));
  header_ = parse(text);
}

void Reader::read(void* to, std::int64_t count) {
  file_.read(static_cast<char*>(to), count);
  if (file_.gcount() != count) fail("cannot be read to its end: it has become shorter");
}

// The library keeps the last of two equal keys; here they are an error, as the format wants it.
Json Reader::parse(const std::string& text) const {
  if (!text.starts_with('{'))
    fail("the header is no JSON object: it should begin with '{' at byte 8");
  constexpr int deepest = 3;
  std::vector<std::set<std::string>> keys;
  const auto check = [&](int depth, Json::parse_event_t event, const Json& value) {
    if (depth > deepest) fail(fmt::format("the header is nested deeper than {} levels", deepest));
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second)
      fail(fmt::format("'{}' comes twice in the header", value.get<std::string>()));
    return true;
  };
  try {
    return Json::parse(text, check);
  } catch (const Json::parse_error& error) {
    fail(fmt::format("the header is no JSON: {}", error.what()));
  }
}

std::int64_t Reader::number(const std::string& name, const Json& json, const char* what) const {
  constexpr std::uint64_t most = std::uint64_t{1} << 62;
  if (!json.is_number_unsigned() || json.get<std::uint64_t>() > most)
    fail(name, fmt::format("{} expected, not {}", what, json.dump()));
  return json.get<std::int64_t>();
}

std::vector<std::int64_t> Reader::numbers(const std::string& name, const Json& json,
                                          const char* what) const {
  if (!json.is_array()) fail(name, fmt::format("{} expected, not {}", what, json.dump()));
  std::vector<std::int64_t> list;
  for (const Json& each : json) list.push_back(number(name, each, what));
  return list;
}

Stored Reader::stored(const std::string& name, const Json& json) const {
  if (!json.is_object() || json.size() != 3 || !json.contains("dtype") || !json.contains("shape") ||
      !json.contains("data_offsets"))
    fail(name, "an object of dtype, shape and data_offsets expected");
  if (!json["dtype"].is_string())
    fail(name, fmt::format("a dtype in quotes expected, not {}", json["dtype"].dump()));
  Stored out{.name = name,
             .dtype = json["dtype"].get<std::string>(),
             .shape = numbers(name, json["shape"], "a shape of whole numbers")};
  const Elements* const elements = elements_of(out.dtype);
  if (!elements) {
    std::string known;
    for (const Elements& each : element_types) known += std::string(" ") + each.dtype;
    fail(name, fmt::format("elements of dtype {}; of these can be read:{}", out.dtype, known));
  }
  if (std::ssize(out.shape) > Shape::max_rank)
    fail(name, fmt::format("{} axes; at most {} can be read", out.shape.size(), Shape::max_rank));
  constexpr const char* two = "data_offsets of two whole numbers";
  const std::vector<std::int64_t> places = numbers(name, json["data_offsets"], two);
  if (places.size() != 2)
    fail(name, fmt::format("{} expected, not {}", two, json["data_offsets"].dump()));
  out.begin = places[0];
  out.end = places[1];
  if (out.begin > out.end || out.end > data_bytes_)
    fail(name, fmt::format("data_offsets [{}, {}] are not within the {} bytes behind the header",
                           out.begin, out.end, data_bytes_));
  std::int64_t bytes = elements->size;
  bool fits = true;  // as Shape counts, beside sizes of 0 as well
  for (const std::int64_t size : out.shape)
    fits = fits && (size == 0 || !__builtin_mul_overflow(bytes, size, &bytes));
  if (std::ranges::count(out.shape, 0) > 0) bytes = 0;
  if (!fits || bytes != out.end - out.begin)
    fail(name,
         fmt::format("{} of shape {} needs {} bytes, data_offsets [{}, {}] have {}", out.dtype,
                     json["shape"].dump(), fits ? std::to_string(bytes) : "2^63 or more", out.begin,
                     out.end, out.end - out.begin));
  return out;
}

// The tensors, in the order of their bytes, follow one another up to the end of the file.
void Reader::check_places(const std::vector<Stored>& all) const {
  std::int64_t at = 0;
  for (const Stored& each : all) {
    if (each.begin != at)
      fail(each.name,
           fmt::format("begins at offset {}, but the tensor before it ends at {}: {}", each.begin,
                       at, each.begin < at ? "they overlap" : "there is a gap"));
    at = each.end;
  }
  if (at != data_bytes_)
    fail(fmt::format("too long: the tensors end at offset {}, but {} bytes follow the header", at,
                     data_bytes_));
}

State Reader::tensors() {
  metadata();
  std::vector<Stored> all;
  for (const auto& [name, json] : header_.items())
    if (name != metadata_key) all.push_back(stored(name, json));
  std::ranges::sort(all, {}, [](const Stored& each) { return std::pair(each.begin, each.end); });
  check_places(all);
  State state;
  for (const Stored& each : all)
    state[each.name] = elements_of(each.dtype)->read(*this, each.name, Shape(each.shape, where_));
  return state;
}

Metadata Reader::metadata() const {
  Metadata out;
  const auto found = header_.find(metadata_key);
  if (found == header_.end()) return out;
  if (!found->is_object()) fail("an object of texts expected as __metadata__");
  for (const auto& [key, text] : found->items()) {
    if (!text.is_string())
      fail(fmt::format("a text expected as '{}' of __metadata__, not {}", key, text.dump()));
    out[key] = text.get<std::string>();
  }
  return out;
}

const char* dtype_name(DType dtype) {
  constexpr const char* names[] = {"F32", "F64", "I64", "BOOL"};
  return names[static_cast<int>(dtype)];
}

}  // namespace

State load_safetensors(const std::string& path, Location where) {
  return Reader("load_safetensors", path, where).tensors();
}

Metadata safetensors_metadata(const std::string& path, Location where) {
  return Reader("safetensors_metadata", path, where).metadata();
}

void save_safetensors(const std::string& path, const State& state, const Metadata& metadata,
                      Location where) {
  const char* op = "save_safetensors";
  std::vector<std::pair<std::string, Tensor>> tensors(state.begin(), state.end());
  for (const auto& [name, tensor] : tensors) {
    if (!tensor.defined()) raise<ValueError>(where, op, fmt::format("'{}' is not defined", name));
    if (name == metadata_key)
      raise<ValueError>(where, op, fmt::format("a tensor cannot be named '{}'", name));
  }
  // the largest elements first, so that all are aligned
  std::ranges::stable_sort(tensors, std::greater<>(),
                           [](const auto& each) { return size_of(each.second.dtype()); });
  nlohmann::ordered_json header = nlohmann::ordered_json::object();
  if (!metadata.empty()) header[metadata_key] = metadata;
  std::int64_t at = 0;
  for (const auto& [name, tensor] : tensors) {
    const std::int64_t end = at + tensor.value()->bytes();
    header[name] = {
        {"dtype", dtype_name(tensor.dtype())},
        {"shape", std::vector<std::int64_t>(tensor.shape().begin(), tensor.shape().end())},
        {"data_offsets", {at, end}}};
    at = end;
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::type_error&) {
    raise<ValueError>(where, op, "a name or a text of the metadata is not UTF-8");
  }
  text.append((8 - text.size() % 8) % 8, ' ');
  io::FileWriter file(op, path, where);
  if (std::ssize(text) > max_header)
    file.fail(
        fmt::format("a header of {} bytes; at most {} can be written", text.size(), max_header));
  const std::uint64_t length = text.size();
  file.write(&length, 8);
  file.write(text.data(), std::ssize(text));
  for (const auto& [name, tensor] : tensors)
    file.write(tensor.value()->elements(), tensor.value()->bytes());
  file.finish();
}

}  // namespace xtape::nn
