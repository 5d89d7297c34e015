#include <zlib.h>

#include <xtape/nn/npy.hpp>
#include <xtape/nn/zip.hpp>

#include "../check.hpp"
#include "folder.hpp"

using namespace xtape;
using check::Folder, check::little, check::refused, check::slurp;

namespace {

std::string deflated(const std::string& bytes) {
  z_stream stream{};
  deflateInit2(&stream, 9, Z_DEFLATED, -MAX_WBITS, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<unsigned>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<unsigned>(out.size());
  REQUIRE(deflate(&stream, Z_FINISH) == Z_STREAM_END);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct Made {
  std::string name{}, bytes{};
  bool packed = false;
  std::uint64_t flags = 0, method = 0, crc_error = 0;
  std::int64_t size_error = 0, packed_error = 0;
  std::string local_extra{}, entry_extra{};
};

// An archive by the specification: local headers with data, directory, end record, comment.
std::string zip(const std::vector<Made>& members, const std::string& comment = "") {
  std::string data, directory;
  for (const Made& m : members) {
    const std::string body = m.packed ? deflated(m.bytes) : m.bytes;
    const auto crc = crc32(0, reinterpret_cast<const Bytef*>(m.bytes.data()),
                           static_cast<unsigned>(m.bytes.size())) ^
                     m.crc_error;
    const std::string place = little(data.size(), 4);
    const std::string common =
        little(20, 2) + little(m.flags, 2) +
        little(m.method   ? m.method
               : m.packed ? 8
                          : 0,
               2) +
        little(0, 4) + little(crc, 4) +
        little(body.size() + static_cast<std::uint64_t>(m.packed_error), 4) +
        little(m.bytes.size() + static_cast<std::uint64_t>(m.size_error), 4) +
        little(m.name.size(), 2);
    data += "PK\3\4" + common + little(m.local_extra.size(), 2) + m.name + m.local_extra + body;
    directory += "PK\1\2" + little(20, 2) + common + little(m.entry_extra.size(), 2) +
                 little(0, 10) + place + m.name + m.entry_extra;
  }
  return data + directory + "PK\5\6" + little(0, 4) + little(members.size(), 2) +
         little(members.size(), 2) + little(directory.size(), 4) + little(data.size(), 4) +
         little(comment.size(), 2) + comment;
}

// The bytes of an .npy of n float64 zeros.
std::string zeros_npy(int n) {
  const std::string text =
      "{'descr': '<f8', 'fortran_order': False, 'shape': (" + std::to_string(n) + ",), }\n";
  return std::string("\x93NUMPY\1\0", 8) + little(text.size(), 2) + text +
         std::string(static_cast<std::size_t>(8 * n), '\0');
}

}  // namespace

TEST_CASE("zip: stored and deflated members, with extras and a comment") {
  const Folder folder;
  const std::string path = folder.write(
      "a.npz",
      zip({{.name = "a.npy", .bytes = zeros_npy(3), .local_extra = std::string(20, 'x')},
           {.name = "b.npy", .bytes = zeros_npy(100000), .packed = true},
           {.name = "c.npy", .bytes = zeros_npy(0), .packed = true, .entry_extra = "abcd"}},
          "PK\5\6 in a comment, long enough to look like one"));
  const State state = nn::load_npz(path);
  CHECK(state.size() == 3);
  CHECK(check::equal(state.at("a"), zeros({3}, float64)));
  CHECK(check::equal(state.at("b"), zeros({100000}, float64)));
  CHECK(check::equal(state.at("c"), zeros({0}, float64)));
}

TEST_CASE("zip: a member is read in pieces of any size") {
  const Folder folder;
  std::string text;
  for (int i = 0; i < 50000; ++i) text += std::to_string(i);
  const std::string path = folder.write(
      "a.zip", zip({{.name = "s", .bytes = text}, {.name = "d", .bytes = text, .packed = true}}));
  {
    nn::io::ZipReader reader("test", path, {});
    for (const nn::io::ZipEntry& entry : reader.entries()) {
      const auto source = reader.open(entry);
      CHECK(source->may_hold(std::ssize(text)));
      CHECK_FALSE(source->may_hold(std::ssize(text) + 1));
      std::string got, piece;
      for (int size = 1;; size = size * 7 % 10007) {
        piece.resize(static_cast<std::size_t>(size));
        const auto count = source->read(piece.data(), size);
        got.append(piece, 0, static_cast<std::size_t>(count));
        if (count < size) break;
      }
      CHECK(got == text);
      CHECK(source->position() == std::ssize(text));
    }
  }
}

TEST_CASE("zip: archives that cannot be read") {
  const Folder folder;
  const auto fails = [&](const std::string& bytes, std::vector<std::string> parts) {
    const std::string path = folder.write("bad.npz", bytes);
    parts.push_back("load_npz: " + path + ": ");
    refused([&] { nn::load_npz(path); }, parts);
  };
  const std::string array = zeros_npy(1000);
  const std::string good = zip({{.name = "a.npy", .bytes = array}});
  const std::string packed = zip({{.name = "a.npy", .bytes = array, .packed = true}});
  refused([&] { nn::load_npz((folder.path / "absent").string()); },
          {"cannot be opened: No such file"});
  refused([&] { nn::load_npz(folder.path.string()); }, {"cannot be"});
  fails("", {"not a zip archive"});
  fails(array, {"not a zip archive: it begins with 93 4e 55 4d, not 50 4b 03 04"});
  fails(good.substr(0, good.size() - 1), {"truncated: ", "without the directory at its end"});
  fails(good.substr(0, 500), {"truncated: 500 bytes of an archive"});
  const auto damaged = [](std::string bytes, std::size_t from_end, const std::string& with) {
    return bytes.replace(bytes.size() - from_end, with.size(), with);
  };
  fails(damaged(good, 22 - 16, "\xff\xff\xff\xff"), {"a zip64 archive"});
  fails(damaged(good, 22 - 4, "\1"), {"one part of an archive in several"});
  fails(damaged(good, 22 - 16, "\xff\xff\xff\x7f"), {"the directory", "overlaps its end record"});
  fails(damaged(good, 22 - 16, little(5, 4)), {"damaged: no entry at byte 0 of the directory"});
  fails(damaged(good, 22 - 12, little(48, 4)), {"entry at byte 0 goes beyond the directory"});
  fails(damaged(good, 22 - 12, little(40, 4)), {"no entry at byte 0"});
  // the local header's place, four bytes before the name of the entry
  fails(damaged(good, 22 + 5 + 4, little(7, 4)),
        {"member 'a.npy': damaged: no header at offset 7"});
  fails(damaged(good, 22 + 5 + 4, little(1 << 30, 4)),
        {"the header of a member needs 30 bytes at offset 1073741824, the file has"});
  fails(zip({{.name = "a.npy", .bytes = array, .flags = 1}}), {"member 'a.npy': encrypted"});
  fails(zip({{.name = "a.npy", .bytes = array, .method = 12}}),
        {"compressed by method 12; 0 (stored) and 8 (deflated)"});
  fails(zip({{.name = "a.npy", .bytes = array, .size_error = 1}}), {"damaged: stored, but"});
  fails(zip({{.name = "a.npy",
              .bytes = array,
              .size_error = 0xffffffff - std::ssize(array),
              .packed_error = 0xffffffff - std::ssize(array)}}),
        {"zip64 sizes"});
  fails(zip({{.name = "a.npy", .bytes = array, .packed = true, .size_error = 1 << 30}}),
        {"cannot unpack to"});
  fails(zip({{.name = "a.npy", .bytes = array, .size_error = 5000, .packed_error = 5000}}),
        {"truncated: a stored member needs"});
  for (const bool deflate : {false, true})
    fails(zip({{.name = "a.npy", .bytes = array, .packed = deflate, .crc_error = 1}}),
          {"member 'a.npy': damaged: its checksum is"});
  fails(zip({{.name = "a.npy", .bytes = array, .packed = true, .size_error = 8}}),
        {"member 'a.npy'", "bytes, the directory of the archive says"});
  fails(zip({{.name = "a.npy", .bytes = array, .packed = true, .size_error = -8}}),
        {"member 'a.npy'", "8071 bytes, the directory of the archive says 8063"});
  fails(zip({{.name = "a.npy", .bytes = array, .packed = true, .packed_error = -9}}),
        {"the deflated data ends after"});
  std::string broken = packed;
  broken[35 + 10] = '\xff', broken[35 + 11] = '\xff', broken[35] = '\x07';
  fails(broken, {"member 'a.npy': damaged deflated data"});
  fails(zip({{.name = "read.me", .bytes = "hello"}}), {"member 'read.me' is no array"});
  fails(zip({{.name = "a.npy", .bytes = "hello"}}), {"member 'a.npy': truncated"});
  fails(zip({{.name = "a.npy", .bytes = array}, {.name = "a.npy", .bytes = array}}),
        {"two arrays are named 'a'"});
}

TEST_CASE("zip: what needs zip64 is refused before it is written") {
  const Folder folder;
  const std::string path = (folder.path / "a.zip").string();
  nn::io::FileWriter file("save", path, {});
  nn::io::ZipWriter writer(file);
  const std::uint8_t byte = 0;
  // a span that claims 4 GiB is refused by its size alone
  refused([&] { writer.add("large", {std::span(&byte, std::size_t{0xffffffff})}); },
          {"member 'large', 4294967295 bytes at offset 0, would need zip64"});
  refused([&] { writer.add(std::string(65536, 'x'), {}); }, {"would need zip64"});
  CHECK(file.position() == 0);
}
