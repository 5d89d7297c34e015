#include <xtape/nn/safetensors.hpp>
#include <xtape/xtape.hpp>

#include "folder.hpp"

using namespace xtape;
using check::Folder;
using check::little;
using check::refused;
using check::slurp;

namespace {

// A file of a header, as it is given, and the bytes behind it.
std::string whole(const std::string& header, const std::string& data) {
  return little(header.size(), 8) + header + data;
}

std::string word(float number) { return little(std::bit_cast<std::uint32_t>(number), 4); }
std::string word(double number) { return little(std::bit_cast<std::uint64_t>(number), 8); }

// One tensor "t".
std::string single(const std::string& dtype, const std::string& shape, const std::string& data) {
  return whole("{\"t\":{\"dtype\":\"" + dtype + "\",\"shape\":" + shape + ",\"data_offsets\":[0," +
                   std::to_string(data.size()) + "]}}",
               data);
}

template <class T>
std::vector<T> numbers(const Tensor& tensor) {
  const T* const data = tensor.data<T>();
  return std::vector<T>(data, data + tensor.numel());
}

}  // namespace

TEST_CASE("safetensors: what is saved has the bytes of the specification") {
  const Folder folder;
  const std::string path = (folder.path / "a.safetensors").string();
  const State state = {{"flags", Tensor({1, 0, 1}, boolean)},
                       {"layer.weight", Tensor({{1, 2, 3}, {4, 5, 6}})},
                       {"steps", Tensor(7, int64)},
                       {"x", Tensor({0.5}, float64)}};
  nn::save_safetensors(path, state, {{"format", "pt"}});
  std::string header =
      "{\"__metadata__\":{\"format\":\"pt\"},"
      "\"steps\":{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]},"
      "\"x\":{\"dtype\":\"F64\",\"shape\":[1],\"data_offsets\":[8,16]},"
      "\"layer.weight\":{\"dtype\":\"F32\",\"shape\":[2,3],\"data_offsets\":[16,40]},"
      "\"flags\":{\"dtype\":\"BOOL\",\"shape\":[3],\"data_offsets\":[40,43]}}";
  while (header.size() % 8 != 0) header += ' ';
  std::string data = little(7, 8) + word(0.5);
  for (const float number : {1, 2, 3, 4, 5, 6}) data += word(number);
  CHECK(slurp(path) == whole(header, data + std::string("\1\0\1", 3)));
  CHECK(nn::safetensors_metadata(path) == nn::Metadata{{"format", "pt"}});
  const State back = nn::load_safetensors(path);
  REQUIRE(back.size() == state.size());
  for (const auto& [name, tensor] : state) {
    CHECK(back.at(name).dtype() == tensor.dtype());
    CHECK(back.at(name).shape() == tensor.shape());
    CHECK(std::memcmp(back.at(name).value()->elements(), tensor.value()->elements(),
                      static_cast<std::size_t>(tensor.value()->bytes())) == 0);
  }
  CHECK_FALSE(std::filesystem::exists(folder.path / ".a.safetensors.part"));
}

TEST_CASE("safetensors: empty files, tensors and names") {
  const Folder folder;
  const std::string path = (folder.path / "a").string();
  nn::save_safetensors(path, {});
  CHECK(slurp(path) == whole("{}      ", ""));
  CHECK(nn::load_safetensors(path).empty());
  CHECK(nn::safetensors_metadata(path).empty());
  const std::string name = "\"quoted\" \\ \xc3\xa9\n";
  nn::save_safetensors(path, {{"", zeros({0, 3})}, {"b", zeros({2, 0})}, {name, Tensor({1})}});
  const State state = nn::load_safetensors(path);
  CHECK(state.size() == 3);
  CHECK(state.at("").shape() == Shape{0, 3});
  CHECK(state.at("b").shape() == Shape{2, 0});
  CHECK(state.at(name).item<double>() == 1);
}

TEST_CASE("safetensors: each element type by hand") {
  const Folder folder;
  const auto read = [&](const std::string& dtype, const std::string& data, int count) {
    return nn::load_safetensors(
               folder.write("a", single(dtype, "[" + std::to_string(count) + "]", data)))
        .at("t");
  };
  CHECK(numbers<float>(read("F32", word(1.5F) + word(-2.F), 2)) == std::vector<float>{1.5, -2});
  CHECK(numbers<double>(read("F64", word(1e300), 1)) == std::vector<double>{1e300});
  // 1, -2, the largest, the smallest, infinity
  CHECK(
      numbers<float>(read("F16", std::string("\x00\x3c\x00\xc0\xff\x7b\x01\x00\x00\x7c", 10), 5)) ==
      std::vector<float>{1, -2, 65504, std::ldexp(1.F, -24), INFINITY});
  CHECK(numbers<float>(read("BF16", std::string("\x80\x3f\x20\xc0", 4), 2)) ==
        std::vector<float>{1, -2.5});
  using Integers = std::vector<std::int64_t>;
  CHECK(numbers<std::int64_t>(read("I8", "\x01\xff", 2)) == Integers{1, -1});
  CHECK(numbers<std::int64_t>(read("U8", "\x01\xff", 2)) == Integers{1, 255});
  CHECK(numbers<std::int64_t>(read("I16", "\xfe\xff", 1)) == Integers{-2});
  CHECK(numbers<std::int64_t>(read("U16", "\xfe\xff", 1)) == Integers{65534});
  CHECK(numbers<std::int64_t>(read("I32", "\xfd\xff\xff\xff", 1)) == Integers{-3});
  CHECK(numbers<std::int64_t>(read("U32", "\xfd\xff\xff\xff", 1)) == Integers{4294967293});
  CHECK(numbers<std::int64_t>(read("I64", std::string(8, '\xff'), 1)) == Integers{-1});
  CHECK(numbers<std::int64_t>(read("U64", little(std::uint64_t{1} << 62, 8), 1)) ==
        Integers{std::int64_t{1} << 62});
  CHECK(numbers<bool>(read("BOOL", std::string("\0\1\2", 3), 3)) ==
        std::vector<bool>{false, true, true});
  // more than a piece, and a number for one element without axes
  CHECK(nn::load_safetensors(folder.write("a", single("U8", "[100, 1000]", std::string(100000, 3))))
            .at("t")
            .data<std::int64_t>()[99999] == 3);
  CHECK(
      nn::load_safetensors(folder.write("a", single("I8", "[]", "\x05"))).at("t").item<double>() ==
      5);
}

TEST_CASE("safetensors: order, padding and metadata of other writers") {
  const Folder folder;
  const std::string path = folder.write(
      "a", whole("{\"b\":{\"data_offsets\":[1,2],\"shape\":[1],\"dtype\":\"U8\"}, \"__metadata__\":"
                 "{\"k\":\"v\"},\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}   ",
                 "\x07\x08"));
  const State state = nn::load_safetensors(path);
  CHECK(state.at("a").item<double>() == 7);
  CHECK(state.at("b").item<double>() == 8);
  CHECK(nn::safetensors_metadata(path).at("k") == "v");
}

TEST_CASE("safetensors: damaged and foreign files") {
  const Folder folder;
  const auto bad = [&](const std::string& bytes, const std::string& what) {
    const std::string path = folder.write("bad", bytes);
    refused([&] { nn::load_safetensors(path); }, {"load_safetensors: " + path + ": ", what});
  };
  bad("", "8 bytes with the length of the header expected, there are 0");
  bad("1234567", "expected, there are 7");
  bad(little(std::uint64_t{1} << 63, 8) + "{}", "a header of at most 100000000 bytes expected");
  bad(little(100'000'001, 8) + "{}", "this one claims 100000001");
  bad(little(3, 8) + "{}", "truncated: a header of 3 bytes expected, there are 2");
  bad(whole("", ""), "it should begin with '{'");
  bad(whole(" {}", ""), "it should begin with '{'");
  bad(whole("{\"a\":", ""), "the header is no JSON: ");
  bad(whole("{}x", ""), "the header is no JSON: ");
  bad(whole("{\"\xff\":1}", ""), "the header is no JSON: ");
  bad(whole("{\"a\":" + std::string(50, '[') + std::string(50, ']') + "}", ""), "nested deeper");
  bad(whole("{\"a\":1}", ""), "tensor 'a': an object of dtype, shape and data_offsets expected");
  bad(whole("{\"a\":{\"dtype\":\"F32\",\"shape\":[]}}", ""), "an object of dtype, shape and");
  bad(whole("{}", "x"), "too long: the tensors end at offset 0, but 1 bytes follow the header");

  const auto entry = [](const std::string& name, const std::string& dtype, const std::string& shape,
                        const std::string& offsets) {
    return "\"" + name + "\":{\"dtype\":" + dtype + ",\"shape\":" + shape +
           ",\"data_offsets\":" + offsets + "}";
  };
  const auto one = [&](const std::string& dtype, const std::string& shape,
                       const std::string& offsets, const std::string& what) {
    bad(whole("{" + entry("t", dtype, shape, offsets) + "}", std::string(8, '\0')),
        "tensor 't': " + what);
  };
  one("7", "[2]", "[0,8]", "a dtype in quotes expected, not 7");
  one("\"F8_E4M3\"", "[8]", "[0,8]", "elements of dtype F8_E4M3; of these can be read: F32 F64");
  one("\"F32\"", "2", "[0,8]", "a shape of whole numbers expected, not 2");
  one("\"F32\"", "[-2]", "[0,8]", "a shape of whole numbers expected, not -2");
  one("\"F32\"", "[2.0]", "[0,8]", "a shape of whole numbers expected, not 2.0");
  one("\"U8\"", "[1,1,1,1,1,1,1,1,1,1,8]", "[0,8]", "11 axes; at most 10 can be read");
  one("\"F32\"", "[2]", "[0]", "data_offsets of two whole numbers expected, not [0]");
  one("\"F32\"", "[2]", "[0,-8]", "data_offsets of two whole numbers expected, not -8");
  one("\"F32\"", "[2]", "[0,18446744073709551615]",
      "data_offsets of two whole numbers expected, not 1844");
  one("\"F32\"", "[2]", "[0,9]", "data_offsets [0, 9] are not within the 8 bytes behind the");
  one("\"F32\"", "[2]", "[8,0]", "data_offsets [8, 0] are not within");
  one("\"F32\"", "[3]", "[0,8]", "F32 of shape [3] needs 12 bytes, data_offsets [0, 8] have 8");
  one("\"F64\"", "[2305843009213693952,4]", "[0,8]",
      "F64 of shape [2305843009213693952,4] needs 2^63 or more");
  one("\"F64\"", "[2305843009213693952,4,0]", "[0,0]",
      "F64 of shape [2305843009213693952,4,0] needs 2^63 or");
  one("\"F32\"", "[1]", "[4,8]", "begins at offset 4, but the tensor before it ends at 0: there");
  bad(single("U64", "[1]", std::string(8, '\xff')), "element 0 is 2^63 or more, which no int64");

  const std::string a = entry("a", "\"F32\"", "[1]", "[0,4]");
  bad(whole("{" + a + "," + a + "}", std::string(4, '\0')), "'a' comes twice in the header");
  bad(whole("{\"a\":{\"dtype\":\"F32\",\"dtype\":\"F32\"}}", ""), "'dtype' comes twice");
  bad(whole("{" + a + "," + entry("b", "\"F32\"", "[1]", "[2,6]") + "}", std::string(6, '\0')),
      "tensor 'b': begins at offset 2, but the tensor before it ends at 4: they overlap");
  bad(whole("{" + a + "," + entry("b", "\"F32\"", "[1]", "[6,10]") + "}", std::string(10, '\0')),
      "begins at offset 6, but the tensor before it ends at 4: there is a gap");
  bad(whole("{" + a + "}", std::string(5, '\0')), "the tensors end at offset 4, but 5 bytes");
  bad(whole("{\"__metadata__\":3}", ""), "an object of texts expected as __metadata__");
  bad(whole("{\"__metadata__\":{\"k\":3}}", ""), "a text expected as 'k' of __metadata__, not 3");

  const std::string absent = (folder.path / "absent").string();
  refused([&] { nn::load_safetensors(absent); }, {absent + ": cannot be opened: No such file"});
  refused([&] { nn::safetensors_metadata(absent); }, {"safetensors_metadata: " + absent});
  refused([&] { nn::load_safetensors(folder.path.string()); }, {"cannot be read: "});
}

TEST_CASE("safetensors: every cut of a file is refused") {
  const Folder folder;
  const std::string path = (folder.path / "a").string();
  nn::save_safetensors(path, {{"a", Tensor({1, 2})}, {"b", Tensor({true}, boolean)}});
  const std::string bytes = slurp(path);
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    folder.write("cut", bytes.substr(0, length));
    CAPTURE(length);
    CHECK_THROWS_AS(nn::load_safetensors((folder.path / "cut").string()), FileError);
  }
}

TEST_CASE("safetensors: states that cannot be saved leave what was there") {
  const Folder folder;
  const std::string path = folder.write("a", "old");
  const auto no = [&](const State& state, const nn::Metadata& metadata, const std::string& what) {
    refused<ValueError>([&] { nn::save_safetensors(path, state, metadata); },
                        {"save_safetensors: ", what});
  };
  no({{"a", Tensor()}}, {}, "'a' is not defined");
  no({{"__metadata__", Tensor({1})}}, {}, "a tensor cannot be named '__metadata__'");
  no({{"\xff", Tensor({1})}}, {}, "is not UTF-8");
  no({}, {{"k", "\xff"}}, "is not UTF-8");
  refused(
      [&] {
        nn::save_safetensors(path, {}, {{"k", std::string(100'000'000, 'x')}});
      },
      {"a header of 1000000", "at most 100000000 can be written"});
  CHECK(slurp(path) == "old");
  CHECK_FALSE(std::filesystem::exists(folder.path / ".a.part"));
  refused([&] { nn::save_safetensors((folder.path / "absent" / "a").string(), {}); },
          {"cannot be written: No such file"});
}
