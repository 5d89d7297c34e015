#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <random>
#include <thread>
#include <xtape/nn/checkpoint.hpp>
#include <xtape/nn/npy.hpp>
#include <xtape/nn/safetensors.hpp>
#include <xtape/xtape.hpp>

#include "folder.hpp"

using namespace xtape;
using check::Folder;
using check::refused;
using check::slurp;

namespace {

// All elements are the number of the version.
State version(std::int64_t number) {
  return {{"a", full({70, 1000}, static_cast<double>(number))},
          {"b", Tensor(number, int64)},
          {"c.weight", full({3, 5}, static_cast<double>(number), float64)}};
}

// The number of the version of which every element is; -1 if they are not of one.
std::int64_t version_of(const State& state) {
  const auto number = state.at("b").item<std::int64_t>();
  const State wanted = version(number);
  if (state.size() != wanted.size()) return -1;
  for (const auto& [name, tensor] : wanted) {
    const Tensor& found = state.at(name);
    if (found.shape() != tensor.shape() || found.dtype() != tensor.dtype() ||
        std::memcmp(found.value()->elements(), tensor.value()->elements(),
                    static_cast<std::size_t>(tensor.value()->bytes())) != 0)
      return -1;
  }
  return number;
}

// Kills processes that save one version after the other.
void kill_savers(const std::string& name, int kills) {
  const Folder folder;
  const std::string path = (folder.path / name).string();
  nn::save(path, version(0));
  std::mt19937 random(7);
  std::int64_t last = 0, progress = 0, patience = 12000;  // in us
  std::vector<State> versions;  // made here: a child of several threads may only save
  for (std::int64_t i = 0; i < 40; ++i) versions.push_back(version(i));
  for (int round = 0; round < kills; ++round) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      for (std::size_t i = 0;; ++i) nn::save(path, versions[i % versions.size()]);
    }
    std::this_thread::sleep_for(std::chrono::microseconds(random() % patience));
    kill(child, SIGKILL);
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    REQUIRE(WIFSIGNALED(status));
    const std::int64_t found = version_of(nn::load(path));
    REQUIRE(found >= 0);
    progress += found != last;
    last = found;
    // on a busy machine a child may not have begun to save
    if (progress == 0) patience = std::min<std::int64_t>(2 * patience, 1'000'000);
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path))
      names.push_back(entry.path().filename().string());
    REQUIRE(names.size() <= 2);  // the file and what the last saver had begun
  }
  CHECK(progress > 0);
  nn::save(path, version(99));
  CHECK(version_of(nn::load(path)) == 99);
  CHECK_FALSE(std::filesystem::exists(folder.path / ("." + name + ".part")));
}

}  // namespace

TEST_CASE("checkpoint: the ending of the name decides the format") {
  const Folder folder;
  const std::string tensors = (folder.path / "a.safetensors").string();
  const std::string arrays = (folder.path / "a.npz").string();
  const State state = version(3);
  nn::save(tensors, state);
  nn::save(arrays, state);
  CHECK(version_of(nn::load(tensors)) == 3);
  CHECK(version_of(nn::load(arrays)) == 3);
  CHECK(version_of(nn::load_safetensors(tensors)) == 3);
  CHECK(version_of(nn::load_npz(arrays)) == 3);
  for (const char* name : {"", "a", "a.npy", "npz", "a.safetensors.gz"}) {
    const std::string end = std::string(name) + ": a name that ends in .safetensors or .npz wanted";
    refused<ValueError>([&] { nn::save(name, state); }, {"save: " + end});
    refused<ValueError>([&] { nn::load(name); }, {"load: " + end});
    refused<ValueError>([&] { nn::check_checkpoint_name(name); }, {end});
  }
  nn::check_checkpoint_name("folder/a.npz");
  refused([&] { nn::load((folder.path / "no.npz").string()); }, {"load_npz: "});
  refused([&] { nn::load((folder.path / "no.safetensors").string()); }, {"load_safetensors: "});
}

TEST_CASE("checkpoint: a network has PyTorch's names and comes back to the bit") {
  const Folder folder;
  const std::string path = (folder.path / "net.safetensors").string();
  nn::Sequential net(nn::Linear(4, 3), relu, nn::Linear(3, 2));
  nn::save(path, net.state_dict());
  const State state = nn::load(path);
  std::vector<std::string> names;
  for (const auto& [name, tensor] : state) names.push_back(name);
  CHECK(names == std::vector<std::string>{"0.bias", "0.weight", "2.bias", "2.weight"});
  nn::Sequential other(nn::Linear(4, 3), relu, nn::Linear(3, 2));
  other.load_state_dict(state);
  const Tensor x = randn({5, 4});
  CHECK(sum(cast(net(x) == other(x), int64)).item<int>() == 10);
}

TEST_CASE("checkpoint: a saver that is killed leaves the old file or the new one") {
  kill_savers("a.safetensors", 100);
  kill_savers("a.npz", 30);
}
