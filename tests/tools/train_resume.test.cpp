#include <xtape/xtape.hpp>

#include "../nn/folder.hpp"
#include "program.hpp"

using check::Folder;
using check::slurp;
using program::check_refused;
using program::json_line;
using program::run;
using namespace xtape;

namespace {

const std::string small = "train --json --data moons --model mlp:16,8 --epochs 4 --batch 100";

// Everything that training leaves behind: the file, and what it printed but for the time.
std::string trained(const std::string& command, const std::string& file) {
  const nlohmann::json line = json_line(command + " --save '" + file + "'");
  return slurp(file) + line.at("test_accuracy").dump() + line.at("train_loss").dump();
}

// Trains in one go, and stopped after each of the epochs.
void check_resumed(const std::string& command) {
  CAPTURE(command);
  const Folder folder;
  const auto path = [&](const char* name) { return (folder.path / name).string(); };
  const std::string whole = trained(command, path("whole.safetensors"));
  for (const std::string stop : {"1", "2", "3"}) {
    CAPTURE(stop);
    const std::string half = path("half.safetensors");
    trained(command + " --stop-at " + stop, half);
    CHECK(nn::load(half).at("train.epoch").item<int>() == std::stoi(stop));
    const std::string resumed = command + " --resume '" + half + "'";
    CHECK(trained(resumed, path("again.safetensors")) == whole);
  }
}

}  // namespace

TEST_CASE("train: stopped and resumed is to the bit as never stopped") {
  check_resumed(small);
  check_resumed(small + " --optimizer adam --schedule onecycle --dropout 0.2 --batchnorm");
  check_resumed(small + " --optimizer rmsprop --schedule plateau --lr 0.03 --early-stopping 3");
  check_resumed(small + " --optimizer asgd --schedule step --weight-decay 1e-3 --seed 9");
  check_resumed(small + " --optimizer lbfgs --schedule exponential --loss mse");
  check_resumed(small + " --optimizer nadam --schedule warmup_cosine --threads 2 --dropout 0.5");
}

TEST_CASE("train: killed at any moment, it goes on from the last epoch that was saved") {
  const Folder folder;
  const std::string command =
      "train --json --data moons --model mlp:32 --dropout 0.1 --epochs 60 --optimizer adam";
  const std::string whole = trained(command, (folder.path / "whole.safetensors").string());
  const std::string file = (folder.path / "killed.safetensors").string();
  const auto resume = [&] {
    return std::filesystem::exists(file) ? " --resume '" + file + "'" : std::string();
  };
  std::int64_t least = 0;
  for (int i = 0; i < 6; ++i) {
    run(command + resume() + " --save '" + file + "' & sleep 0." + std::to_string(10 + 3 * i) +
        "; kill -9 $!");
    if (!std::filesystem::exists(file)) continue;
    const auto epochs = nn::load(file).at("train.epoch").item<std::int64_t>();
    CHECK(epochs >= least);
    least = epochs;
  }
  CHECK(trained(command + resume(), file) == whole);
}

TEST_CASE("train: more epochs than before, and none left") {
  const Folder folder;
  const std::string file = (folder.path / "a.npz").string();
  const std::string constant = "train --json --data moons --model mlp:16 --schedule constant";
  const std::string five = trained(constant + " --epochs 5", (folder.path / "b.npz").string());
  trained(constant + " --epochs 2", file);
  const std::string resumed = constant + " --epochs 5 --resume '" + file + "'";
  CHECK(trained(resumed, file) == five);
  CHECK(trained(resumed, file) == five);
  const program::Outcome outcome = run(
      "train --data moons --model mlp:16 --schedule constant --epochs 5 --resume '" + file + "'");
  CHECK(outcome.out.find("a.npz goes on after epoch 5\n") != std::string::npos);
}

TEST_CASE("train: a saved network is a module's state with PyTorch's names") {
  const Folder folder;
  const std::string file = (folder.path / "a.safetensors").string();
  trained(small, file);
  nn::Sequential net(nn::Linear(2, 16), relu, nn::Linear(16, 8), relu, nn::Linear(8, 2));
  const nn::LoadReport report = net.load_state_dict(nn::load(file), false);
  CHECK(report.missing.empty());
  CHECK_FALSE(report.unexpected.empty());
  for (const std::string& name : report.unexpected) CHECK(name.starts_with("train."));
}

TEST_CASE("train: files that do not fit") {
  const Folder folder;
  const auto path = [&](const char* name) { return (folder.path / name).string(); };
  const std::string file = path("a.safetensors");
  trained(small, file);
  const std::string resume = " --resume '" + file + "'";
  const std::string moons = "train --data moons --epochs 4 --batch 100" + resume;
  check_refused(moons + " --model mlp:16,8 --seed 1",
                "train: " + file + " was trained with --seed 0, not --seed 1");
  check_refused(moons + " --model mlp:16", "was trained with --model mlp:16,8, not --model mlp:16");
  check_refused(moons + " --model mlp:16,8 --lr 0.1", "with --lr default, not --lr 0.1");
  check_refused("train --data moons --model mlp:16,8 --batch 100 --epochs 3" + resume,
                file + " has 4 epochs behind it, more than --epochs 3");
  State state = nn::load(file);
  state.erase("train.epoch");
  nn::save(path("b.npz"), state);
  check_refused(small + " --resume '" + path("b.npz") + "'",
                "b.npz does not fit: state: there is no 'epoch'");
  state = nn::load(file);
  state["0.weight"] = zeros({16, 3});
  nn::save(path("c.npz"), state);
  check_refused(small + " --resume '" + path("c.npz") + "'",
                "'0.weight' has shape [16, 3], the module [16, 2]");
  nn::save(path("d.npz"), {{"0.weight", zeros({16, 2})}});
  check_refused(small + " --resume '" + path("d.npz") + "'",
                "d.npz was not saved by train: there is no 'train.settings'");
  check_refused(small + " --resume '" + path("none.npz") + "'", "load_npz: ");
  check_refused(small + " --resume a.txt", "load: a.txt: a name that ends in .safetensors or .npz");
  check_refused(small + " --save a.txt", "a.txt: a name that ends in .safetensors or .npz wanted");
  check_refused(small + " --save '" + path("no/such/a.npz") + "'", "a.npz: there is no folder ");
  std::filesystem::create_directory(folder.path / ".taken.npz.part");
  check_refused(small + " --save '" + path("taken.npz") + "'", "taken.npz: cannot be written: ");
}
