#include <sys/resource.h>

#include <csignal>
#include <xtape/nn/writer.hpp>

#include "folder.hpp"

using check::Folder;
using check::refused;
using check::slurp;
using xtape::nn::io::FileWriter;

TEST_CASE("writer: the old file stays until the new one is finished") {
  const Folder folder;
  const std::string path = folder.write("a", "old");
  const auto partial = folder.path / ".a.part";
  {
    FileWriter file("test", path, {});
    file.write("new", 3);
    CHECK(file.position() == 3);
    CHECK(std::filesystem::exists(partial));
    CHECK(slurp(path) == "old");
    file.finish();
  }
  CHECK(slurp(path) == "new");
  CHECK_FALSE(std::filesystem::exists(partial));
  {
    FileWriter file("test", path, {});
    file.write("given up", 8);
  }
  CHECK(slurp(path) == "new");
  CHECK_FALSE(std::filesystem::exists(partial));
}

TEST_CASE("writer: what an ended process left behind is written over") {
  const Folder folder;
  folder.write(".a.part", "left behind, and longer");
  FileWriter file("test", (folder.path / "a").string(), {});
  file.write("new", 3);
  file.finish();
  CHECK(slurp((folder.path / "a").string()) == "new");
  CHECK_FALSE(std::filesystem::exists(folder.path / ".a.part"));
}

TEST_CASE("writer: a name without a folder is in the working directory") {
  const Folder folder;
  const auto before = std::filesystem::current_path();
  std::filesystem::current_path(folder.path);
  FileWriter file("test", "a", {});
  file.write("new", 3);
  file.finish();
  std::filesystem::current_path(before);
  CHECK(slurp((folder.path / "a").string()) == "new");
}

TEST_CASE("writer: where nothing can be written") {
  const Folder folder;
  refused([&] { FileWriter("test", (folder.path / "no" / "a").string(), xtape::Location()); },
          {"test: ", "cannot be written: No such file"});
  std::filesystem::create_directory(folder.path / "taken");
  refused(
      [&] {
        FileWriter file("test", (folder.path / "taken").string(), xtape::Location());
        file.finish();
      },
      {"taken: cannot be written: "});
  CHECK_FALSE(std::filesystem::exists(folder.path / ".taken.part"));
}

TEST_CASE("writer: a disk that is full") {
  const Folder folder;
  const std::string path = folder.write("a", "old");
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  rlimit small = before;
  small.rlim_cur = 10000;
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  const std::string large(20000, 'x');
  refused(
      [&] {
        FileWriter file("test", path, xtape::Location());
        file.write(large.data(), 20000);
        file.finish();
      },
      {"cannot be written after 0 bytes: File too large"});
  refused(
      [&] {
        FileWriter file("test", path, xtape::Location());
        for (int i = 0; i < 10100; ++i) file.write("x", 1);  // the last part waits in memory
        file.finish();
      },
      {"cannot be written: File too large"});
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(slurp(path) == "old");
  CHECK_FALSE(std::filesystem::exists(folder.path / ".a.part"));
}
