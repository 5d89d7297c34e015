// Files with random damage: a reader may read something else then, but if it does not, it says so
// with a FileError that names the file, and it never reads beyond what is there.
#include <xtape/nn/cifar.hpp>
#include <xtape/nn/csv.hpp>
#include <xtape/nn/idx.hpp>
#include <xtape/nn/npy.hpp>

#include "../check.hpp"
#include "folder.hpp"

using namespace xtape;
using check::Folder, check::little, check::slurp;

namespace {

// Overwrites, takes out, puts in or cuts off, at places and with bytes that follow from the number.
std::string damaged(std::string bytes, std::uint64_t number) {
  const auto words = random_words(17, number, 0);
  const std::uint32_t kind = words[0] % 8, times = 1 + words[1] % 3;
  for (std::uint32_t i = 0; i < times && !bytes.empty(); ++i) {
    const auto more = random_words(17, number, 1 + i);
    const std::size_t at = more[0] % bytes.size();
    const auto byte = static_cast<char>(more[2] % 4 == 0 ? 0xff : more[1]);
    if (kind < 5) bytes[at] = byte;
    else if (kind == 5) bytes.erase(at, 1 + more[1] % 5);
    else if (kind == 6) bytes.insert(at, 1 + more[1] % 5, byte);
    else bytes.resize(at);
  }
  return bytes;
}

// Reads many damaged versions of a file; how many were refused.
template <class F>
int refusals(const std::string& name, const std::string& good, F read) {
  const Folder folder;
  int refused = 0;
  for (std::uint64_t i = 0; i < 1000; ++i) {
    std::filesystem::remove(folder.path / name);
    const std::string path = folder.write(name, damaged(good, i));
    try {
      read(path);
    } catch (const FileError& error) {
      ++refused;
      CHECK(std::string(error.what()).find(name) != std::string::npos);
    } catch (const std::exception& error) {
      FAIL_CHECK("damage ", i, " of ", name, ": ", std::string(error.what()));
    }
  }
  return refused;
}

}  // namespace

TEST_CASE("damaged files: npy and npz") {
  const Folder folder;
  const std::string npy = (folder.path / "a.npy").string(), npz = (folder.path / "a.npz").string();
  nn::save_npy(npy, arange(5));
  CHECK(refusals("b.npy", slurp(npy), [](const std::string& path) { nn::load_npy(path); }) > 300);
  nn::save_npz(npz, {{"a", arange(3)}, {"b", Tensor({{1}, {0}}, boolean)}});
  CHECK(refusals("b.npz", slurp(npz), [](const std::string& path) { nn::load_npz(path); }) > 300);
}

TEST_CASE("damaged files: IDX, plain and gzipped") {
  const Folder folder;
  std::string bytes("\0\0\10\3\0\0\0\2\0\0\0\3\0\0\0\4", 16);
  bytes += "abcdefghijklmnopqrstuvwx";
  const auto read = [](const std::string& path) { nn::read_idx(path); };
  CHECK(refusals("b.idx", bytes, read) > 300);
  CHECK(refusals("b.gz", slurp(folder.write_gzip("a.gz", bytes)), read) > 300);
}

TEST_CASE("damaged files: CSV and CIFAR-10") {
  const auto table = [](const std::string& path) {
    nn::read_csv(path, {.header = false, .label = "-1", .categorical = {"0"}});
  };
  CHECK(refusals("b.csv", "\"x\",1,2.5,a\ny,2,-3e5,b\n\"x\",3,0,a\n", table) > 150);
  const auto images = [](const std::string& path) { nn::read_cifar10_batch(path); };
  CHECK(refusals("b.bin", std::string(3073, '\1'), images) > 150);
}
