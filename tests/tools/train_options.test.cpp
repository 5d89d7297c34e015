#include <random>

#include "../nn/folder.hpp"
#include "program.hpp"

using check::Folder;
using program::accuracy;
using program::check_refused;
using program::json_line;
using program::run;

namespace {

// The names that an option takes, as it lists them when it gets another.
std::vector<std::string> names(const std::string& option) {
  const std::string text = run("train --" + option + " ''").err;
  const std::string start = "train: no such " + option + ": ''; ", end = " wanted";
  REQUIRE(text.starts_with(start));
  REQUIRE(text.find(end) != text.npos);
  std::string list = text.substr(start.size(), text.find(end) - start.size());
  const std::size_t last = list.find(" or ");
  REQUIRE(last != list.npos);
  list.replace(last, 4, ", ");
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin < list.size();) {
    const std::size_t comma = std::min(list.find(", ", begin), list.size());
    out.push_back(list.substr(begin, comma - begin));
    begin = comma + 2;
  }
  return out;
}

const std::string plane = "--data moons --model mlp:32 --batch 32 --epochs 10 ";

}  // namespace

TEST_CASE("train: every optimizer learns, with the rate that is its own") {
  const std::vector<std::string> all = names("optimizer");
  CHECK(all.size() >= 13);
  for (const std::string& name : all) {
    CAPTURE(name);
    CHECK(accuracy(plane + "--optimizer " + name) > 0.85);
  }
  CHECK(accuracy(plane + "--optimizer rmsprop --momentum 0.5 --weight-decay 1e-4") > 0.85);
  CHECK(accuracy(plane + "--optimizer sgd --weight-decay 3") < 0.9);
}

TEST_CASE("train: every schedule") {
  const std::vector<std::string> all = names("schedule");
  CHECK(all.size() >= 8);
  std::vector<nlohmann::json> losses;
  for (const std::string& name : all) {
    CAPTURE(name);
    const nlohmann::json line = json_line("train --json " + plane + "--schedule " + name);
    CHECK(line.at("test_accuracy").get<double>() > 0.85);
    losses.push_back(line.at("train_loss"));
  }
  // a loss that falls all the time leaves the rate as it is
  const auto plateau = std::find(all.begin(), all.end(), "plateau");
  REQUIRE(plateau != all.end());
  losses.erase(losses.begin() + (plateau - all.begin()));
  std::sort(losses.begin(), losses.end());
  CHECK(std::unique(losses.begin(), losses.end()) == losses.end());
}

TEST_CASE("train: every loss") {
  const std::vector<std::string> all = names("loss");
  CHECK(all.size() >= 10);
  std::vector<nlohmann::json> losses;
  for (const std::string& name : all) {
    CAPTURE(name);
    const nlohmann::json line = json_line("train --json " + plane + "--loss " + name);
    CHECK(line.at("test_accuracy").get<double>() > 0.8);
    losses.push_back(line.at("train_loss"));
  }
}

TEST_CASE("train: early stopping keeps the best weights") {
  const nlohmann::json line = json_line(
      "train --json --data xor --model mlp:16 --epochs 100 --early-stopping 2 --schedule constant "
      "--lr 0.5");
  CHECK(line.size() == 6);
  CHECK(line.at("epochs").get<int>() < 100);
  CHECK(line.at("best_epoch").get<int>() == line.at("epochs").get<int>() - 2);
  CHECK(line.at("test_accuracy").get<double>() > 0.9);
  const program::Outcome outcome =
      run("train --data xor --model mlp:16 --epochs 3 --early-stopping 3");
  CHECK(outcome.out.starts_with("mlp:16 on xor: 1800 training and 2000 test samples"));
  CHECK(outcome.out.find("\n3 epochs; the best for the validation was ") != std::string::npos);
}

TEST_CASE("train: tables") {
  const Folder folder;
  std::mt19937 random(1);
  std::string table = "width,kind,weight\n";
  for (int i = 0; i < 400; ++i) {
    const int width = static_cast<int>(random() % 1000), weight = static_cast<int>(random() % 10);
    table += std::to_string(width) + (width > 100 * weight ? ",flat," : ",\"heavy\",") +
             std::to_string(weight) + "\n";
  }
  const std::string file = folder.write("a:b.csv", table);
  const std::string data = "--epochs 20 --model mlp:16 --data 'csv:" + file;
  CHECK(accuracy(data + ":kind'") > 0.9);
  CHECK(accuracy(data + ":1'") > 0.9);
  CHECK(run("train --data 'csv:" + file + ":kind' --epochs 1 --model linear")
            .out.find("300 training and 100 test samples, 6 parameters") != std::string::npos);
  check_refused("train --data 'csv:" + file + ":size'", "size");
  for (const char* bad : {"csv:", "csv:file", "csv::label", "csv:file:"})
    check_refused("train --data " + std::string(bad), "train: csv:FILE:LABEL wanted");
  check_refused("train --data csv:/no/such:kind", "read_csv: ");
}

TEST_CASE("train: what other options refuse") {
  check_refused("train --optimizer sgdd", "train: no such optimizer: 'sgdd'; sgd, adam, ");
  check_refused("train --schedule none", "train: no such schedule: 'none'; linear, constant, ");
  check_refused("train --loss mae", "train: no such loss: 'mae'; cross_entropy, ");
  check_refused("train --optimizer adam --momentum 0.9", "train: adam has no momentum to set by");
  check_refused("train --optimizer lbfgs --weight-decay 1", "train: lbfgs has no weight decay to");
  check_refused("train --data moons --augment", "--augment changes images; a sample of moons is 2");
}

TEST_CASE("train: the help names all choices") {
  const std::string help = run("train --help").out;
  for (const char* option : {"data", "model", "loss", "optimizer", "schedule"})
    for (const std::string& name : names(option)) {
      CAPTURE(name);
      // a line of the help may end within a list, not within a name
      CHECK(help.find(name) != std::string::npos);
    }
}
