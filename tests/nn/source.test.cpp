#include <xtape/nn/source.hpp>

#include "folder.hpp"

using namespace xtape;
using check::Folder, check::refused;

TEST_CASE("source: plain and gzipped bytes, what may follow, errors that name the file") {
  const Folder folder;
  const std::string bytes(5000, 'a');
  const std::string plain = folder.write("plain", bytes), packed = folder.write_gzip("z", bytes);
  for (const std::string& path : {plain, packed}) {
    nn::io::FileSource source("test", path, {});
    std::string got(6000, ' ');
    CHECK(source.read(got.data(), 1000) == 1000);
    CHECK(source.position() == 1000);
    CHECK(source.may_hold(4000));
    CHECK(source.may_hold(4001) == (path == packed));
    CHECK_FALSE(source.may_hold(std::int64_t{1} << 40));
    CHECK(source.read(got.data() + 1000, 500) == 500);
    CHECK(source.count_rest() == 3500);
    CHECK(source.read(got.data(), 10) == 0);
    CHECK(got.substr(0, 1500) == bytes.substr(0, 1500));
    refused([&] { source.fail("it is so"); }, {"test: " + path + ": it is so"});
  }
  refused([&] { nn::io::FileSource("test", (folder.path / "no").string(), {}); },
          {"cannot be opened: No such file"});
}
