#include <bit>
#include <xtape/nn/npy.hpp>

#include "../check.hpp"
#include "folder.hpp"

using namespace xtape;
using check::Folder, check::little, check::refused, check::slurp;

namespace {

// An .npy file by the specification: magic, version, length and text of the header, elements.
std::string npy(const std::string& text, const std::string& elements, int version = 1) {
  return std::string("\x93NUMPY") + static_cast<char>(version) + '\0' +
         little(text.size(), version == 1 ? 2 : 4) + text + elements;
}
std::string header(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }\n";
}

// The elements count, size bytes each, in one byte order.
std::string counted(int count, int size, bool big = false) {
  std::string out;
  for (int i = 0; i < count; ++i) {
    std::string word = little(static_cast<std::uint64_t>(i), size);
    out += big ? std::string(word.rbegin(), word.rend()) : word;
  }
  return out;
}

std::string bits(float number) { return little(std::bit_cast<std::uint32_t>(number), 4); }
std::string bits(double number) { return little(std::bit_cast<std::uint64_t>(number), 8); }

}  // namespace

TEST_CASE("npy: every element type, written by hand, in both byte orders") {
  const Folder folder;
  const auto load = [&](const std::string& bytes) {
    return nn::load_npy(folder.write("a.npy", bytes));
  };
  const Tensor counts = Tensor({{0, 1, 2}, {3, 4, 5}}, int64);
  for (const char* kind : {"i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8"})
    for (const char* order : {"<", ">", "|", "="}) {
      CAPTURE(std::string(order) + kind);
      const bool big = *order == '>';
      CHECK(check::equal(
          load(npy(header(std::string(order) + kind, "(2, 3)"), counted(6, kind[1] - '0', big))),
          counts));
    }
  CHECK(check::equal(load(npy(header("<i2", "(2,)"), "\xfe\xff\xff\x7f")),
                     Tensor({-2, 32767}, int64)));
  CHECK(check::equal(load(npy(header("|i1", "(2,)"), "\x80\x7f")), Tensor({-128, 127}, int64)));
  CHECK(check::equal(load(npy(header("<u4", "(1,)"), "\xff\xff\xff\xff")),
                     Tensor({4294967295}, int64)));
  CHECK(check::equal(load(npy(header("<f4", "(2,)"), bits(1.5f) + bits(-0.25f))),
                     Tensor({1.5, -0.25})));
  const std::string big_third = [] {
    const std::string word = bits(1.0 / 3);
    return std::string(word.rbegin(), word.rend());
  }();
  CHECK(check::equal(load(npy(header(">f8", "()"), big_third)), Tensor(1.0 / 3, float64)));
  CHECK(check::equal(load(npy(header("|b1", "(3,)"), std::string("\0\1\2", 3))),
                     Tensor({0, 1, 1}, boolean)));
  // half precision: 1, -2, the largest, the least, infinity, NaN, -0
  const Tensor half =
      load(npy(header("<f2", "(7,)"), std::string("\x00\x3c\x00\xc0\xff\x7b\x01\x00\x00\x7c\x00\x7e"
                                                  "\x00\x80",
                                                  14)));
  CHECK(check::equal(half, Tensor({1, -2, 65504, 0x1p-24, INFINITY, NAN, 0})));
  CHECK(std::signbit(half.data<float>()[6]));
}

TEST_CASE("npy: shapes, orders and versions") {
  const Folder folder;
  const auto load = [&](const std::string& bytes) {
    return nn::load_npy(folder.write("a.npy", bytes));
  };
  // by columns: element (i, j, k) of (2, 3, 2) is number i + 2 j + 6 k
  const Tensor columns = load(npy(header("<i8", "(2, 3, 2)", true), counted(12, 8)));
  CHECK(
      check::equal(columns, Tensor({{{0, 6}, {2, 8}, {4, 10}}, {{1, 7}, {3, 9}, {5, 11}}}, int64)));
  CHECK(check::equal(load(npy(header(">i2", "(2, 2)", true), counted(4, 2, true))),
                     Tensor({{0, 2}, {1, 3}}, int64)));
  CHECK(load(npy(header("<f8", "(0, 3)"), "")).shape() == Shape{0, 3});
  CHECK(load(npy(header("<f4", "(3, 0)", true), "")).shape() == Shape{3, 0});
  for (const int version : {1, 2, 3})
    CHECK(check::equal(load(npy("{\"shape\": (2L,),'fortran_order':False , 'descr': 'u1'}  \n",
                                counted(2, 1), version)),
                       Tensor({0, 1}, int64)));
  // longer than any buffer, and gzipped
  const std::string large = npy(header(">i4", "(300, 500)"), counted(150000, 4, true));
  const Tensor big = load(large);
  CHECK(check::equal(big, reshape(arange(150000, int64), {300, 500})));
  CHECK(check::equal(nn::load_npy(folder.write_gzip("a.npy.gz", large)), big));
  CHECK(check::equal(load(npy(header(">i4", "(500, 300)", true), counted(150000, 4, true))),
                     transpose(big)));
}

TEST_CASE("npy: what is saved has the bytes of the specification and comes back") {
  const Folder folder;
  const std::string path = (folder.path / "a.npy").string();
  nn::save_npy(path, Tensor({{1, 2, 3}, {4, 5, 6}}, int64));
  const std::string text = "{'descr': '<i8', 'fortran_order': False, 'shape': (2, 3), }";
  std::string wanted = npy(text + std::string(118 - text.size() - 1, ' ') + "\n", "");
  for (int i = 1; i <= 6; ++i) wanted += little(static_cast<std::uint64_t>(i), 8);
  CHECK(slurp(path) == wanted);
  CHECK_FALSE(std::filesystem::exists(folder.path / ".a.npy.part"));
  const Tensor tensors[] = {Tensor(2.5, float64),
                            Tensor({1, 0, 1}, boolean),
                            Tensor({{1.5, -2}, {INFINITY, 1e-40}}),
                            zeros({0, 4}),
                            zeros({1, 1, 1, 1, 1, 1, 1, 1, 1, 2}, int64),
                            Tensor({1, 2}).requires_grad(true),
                            transpose(reshape(arange(6), {2, 3}))};
  for (const Tensor& tensor : tensors) {
    nn::save_npy(path, tensor);
    const Tensor back = nn::load_npy(path);
    CHECK(check::equal(back, tensor));
    CHECK_FALSE(back.requires_grad());
    CHECK(slurp(path).find('\n') % 64 == 63);
  }
}

TEST_CASE("npy: files that cannot be read") {
  const Folder folder;
  const auto fails = [&](const std::string& bytes, std::vector<std::string> parts) {
    const std::string path = folder.write("bad.npy", bytes);
    parts.push_back("load_npy: " + path + ": ");
    refused([&] { nn::load_npy(path); }, parts);
  };
  refused([&] { nn::load_npy((folder.path / "absent").string()); },
          {"absent: cannot be opened: No such file"});
  fails("", {"truncated: it ends after 0 bytes, within the magic word"});
  fails("PK\3\4 and more", {"not an .npy file: it begins with 50 4b 03 04 20 61, not 93 4e"});
  fails("\x93NUMPY\1", {"ends after 7 bytes, within the version"});
  fails(npy("", "", 4), {".npy version 4.0; 1.0 to 3.0 can be read"});
  fails(std::string("\x93NUMPY\2\0\1", 9), {"ends after 9 bytes, within the length of the header"});
  fails(npy(header("<f4", "(2,)"), "").substr(0, 30), {"truncated: a header of", "ends after 20"});
  fails(std::string("\x93NUMPY\2\0\0\0\0\x10", 12) + "x", {"268435456 bytes long"});
  fails(npy("hello", ""), {"damaged .npy header: '{' expected at character 0 of \"hello\""});
  fails(npy("{'descr': '<f4'}", ""), {"'descr', 'fortran_order' and 'shape' expected"});
  fails(npy("{'descr': '<f4', 'descr': '<f4'}", ""), {"each once expected"});
  fails(npy("{'colour': 1}", ""), {"each once expected"});
  fails(npy("{'descr': <f4}", ""), {"a quoted word expected at character 10"});
  fails(npy("{'fortran_order': Maybe}", ""), {"True or False expected"});
  fails(npy("{'shape': (-1,)}", ""), {"the size of an axis expected"});
  fails(npy("{'shape': (1 2)}", ""), {"')' expected"});
  fails(npy(header("<f4", "()") + "x", "1234"), {"nothing more expected"});
  fails(npy("{'descr': [('a', '<f4')], }", ""), {"elements with fields cannot be read: [('a',"});
  for (const char* descr : {"<c8", "|O", "<U5", "<M8[s]", "f16", ""})
    fails(npy(header(descr, "()"), ""),
          {std::string("elements of type '") + descr + "'; f2 f4 f8 i1"});
  fails(npy(header("<f4", "(1,1,1,1,1,1,1,1,1,1,1)"), ""), {"at most 10 axes"});
  fails(npy(header("<f4", "(4294967296, 4294967296)"), ""), {"at most 10 axes and 2^63 bytes"});
  fails(npy(header("<i4", "(9223372036854775807, 9, 0)"), ""), {"at most 10 axes and 2^63 bytes"});
  fails(npy(header("<f4", "(5,)"), "123"),
        {"truncated: [5] of <f4 needs 20 bytes behind the header, there are 3"});
  fails(npy(header("<f4", "(1,)"), "12345"), {"too long: [1] of <f4", "there are 5"});
  fails(npy(header("<u8", "(2,)"), counted(1, 8) + std::string(8, '\xff')),
        {"element 1 is 2^63 or more"});
  // gzipped, so that only reading can tell
  for (const char* type : {"<f8", ">f8"}) {
    const std::string cut = folder.write_gzip("c.gz", npy(header(type, "(5,)"), "12345678abc"));
    refused([&] { nn::load_npy(cut); },
            {"5 elements of 8 bytes wanted, it ends after 11 bytes of them"});
  }
}

TEST_CASE("npy: files that cannot be written leave what was there") {
  const Folder folder;
  const std::string absent = (folder.path / "absent" / "a.npy").string();
  refused([&] { nn::save_npy(absent, Tensor({1})); },
          {"save_npy: " + absent + ": cannot be written: No such file"});
  std::filesystem::create_directory(folder.path / "taken");
  const std::string taken = (folder.path / "taken").string();
  refused([&] { nn::save_npz(taken, {{"a", Tensor({1})}}); }, {"cannot be written"});
  CHECK_FALSE(std::filesystem::exists(folder.path / ".taken.part"));
  refused<ValueError>([&] { nn::save_npy(taken, Tensor()); }, {});
}

TEST_CASE("npz: a state comes back, one member at a time, too") {
  const Folder folder;
  const std::string path = (folder.path / "state.npz").string();
  const State state = {{"layer.weight", rand({3, 4})},
                       {"steps", number_tensor(std::int64_t{7})},
                       {"rate", number_tensor(0.1)},
                       {"gr\xc3\xb6\xc3\x9f"
                        "e/..",
                        Tensor({1, 0}, boolean)},
                       {"", zeros({0})}};
  nn::save_npz(path, state);
  const std::string bytes = slurp(path);
  const State back = nn::load_npz(path);
  REQUIRE(back.size() == state.size());
  for (const auto& [name, tensor] : state) {
    CHECK(check::equal(back.at(name), tensor));
    CHECK(check::equal(nn::load_npz_array(path, name), tensor));
  }
  CHECK(nn::npz_names(path) == std::vector<std::string>{"",
                                                        "gr\xc3\xb6\xc3\x9f"
                                                        "e/..",
                                                        "layer.weight", "rate", "steps"});
  nn::save_npz(path, state);
  CHECK(slurp(path) == bytes);
  nn::save_npz(path, {});
  CHECK(nn::load_npz(path).empty());
  nn::save_npz(path, {{"a", Tensor({1})}, {"b", Tensor({1})}});
  refused<ValueError>([&] { nn::load_npz_array(path, "c"); }, {"there is no 'c'; there are: a, b"});
  refused<ValueError>(
      [&] {
        nn::save_npz(path, {{"x", Tensor()}});
      },
      {"save_npz: 'x' is not defined"});
}

TEST_CASE("npz: NumPy reads what is written and writes what is read") {
  if (std::system("python3 -c 'import numpy' 2> /dev/null") != 0) {
    MESSAGE("python3 with NumPy is not there: files are compared with the specification alone");
    return;
  }
  const Folder folder;
  const std::string ours = (folder.path / "ours.npz").string();
  const std::string theirs = (folder.path / "theirs.npz").string();
  nn::save_npz(ours, {{"w", Tensor({{1.5, 2}, {3, 4}})}, {"n", number_tensor(std::int64_t{-3})}});
  const std::string script = folder.write(
      "convert.py",
      "import sys, numpy as np\n"
      "a = np.load(sys.argv[1])\n"
      "assert a['w'].dtype == np.float32 and a['n'] == -3, a\n"
      "np.savez_compressed(sys.argv[2], w=np.asfortranarray(a['w']), h=a['w'].astype('>f2'),\n"
      "                    zero=np.zeros((100, 100)), flag=a['w'] > 2)\n");
  REQUIRE(std::system(("python3 " + script + " " + ours + " " + theirs).c_str()) == 0);
  const State back = nn::load_npz(theirs);
  CHECK(check::equal(back.at("w"), Tensor({{1.5, 2}, {3, 4}})));
  CHECK(check::equal(back.at("h"), Tensor({{1.5, 2}, {3, 4}})));
  CHECK(check::equal(back.at("zero"), zeros({100, 100}, float64)));
  CHECK(check::equal(back.at("flag"), Tensor({{0, 0}, {1, 1}}, boolean)));
}

TEST_CASE("npz: Python's own zipfile reads what is written and writes what is read") {
  if (std::system("python3 -c 'import zipfile' 2> /dev/null") != 0) {
    MESSAGE("python3 is not there: archives are compared with the specification alone");
    return;
  }
  const Folder folder;
  const std::string ours = (folder.path / "ours.npz").string();
  const std::string theirs = (folder.path / "theirs.npz").string();
  nn::save_npz(ours, {{"w", rand({30, 40}, float64)}, {"n\xc3\xb6", Tensor({1, 2}, int64)}});
  // members as numpy.savez_compressed() writes them, with zip64 extras in the local headers
  const std::string script = folder.write(
      "convert.py",
      "import sys, zipfile\n"
      "source = zipfile.ZipFile(sys.argv[1])\n"
      "assert source.testzip() is None and source.namelist() == ['n\\u00f6.npy', 'w.npy']\n"
      "out = zipfile.ZipFile(sys.argv[2], 'w', zipfile.ZIP_DEFLATED)\n"
      "for name in source.namelist():\n"
      "    with out.open(name, 'w', force_zip64=True) as member:\n"
      "        member.write(source.read(name))\n"
      "out.close()\n");
  REQUIRE(std::system(("python3 " + script + " " + ours + " " + theirs).c_str()) == 0);
  const State before = nn::load_npz(ours), after = nn::load_npz(theirs);
  REQUIRE(after.size() == 2);
  for (const auto& [name, tensor] : before) CHECK(check::equal(after.at(name), tensor));
}
