#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "program.hpp"

using program::check_refused;
using program::json_line;
using program::run;

namespace {

// What must not depend on the machine or the number of threads.
std::pair<double, double> result(const std::string& arguments) {
  const nlohmann::json line = json_line("train --json " + arguments);
  CHECK(line.size() == 4);
  CHECK(line.at("seconds").get<double>() > 0);
  CHECK(line.at("samples_per_second").get<double>() > 0);
  const auto loss = line.at("train_loss").get<double>();
  CHECK(std::isfinite(loss));
  return {line.at("test_accuracy").get<double>(), loss};
}

double accuracy(const std::string& arguments) { return result(arguments).first; }

// The folder with the files of MNIST, if this machine has it.
std::string mnist() {
  const char* shared = std::getenv("XTAPE_SHARED");
  const std::filesystem::path beside =
      std::filesystem::path(XTAPE_SOURCE_DIR).parent_path() / "shared";
  const std::filesystem::path folder =
      (shared ? std::filesystem::path(shared) : beside) / "data" / "mnist";
  return std::filesystem::exists(folder) ? folder.string() : "";
}

}  // namespace

TEST_CASE("train: sets in the plane are learnt by a network and not by a line") {
  const std::string net = " --model mlp:32,32 --epochs 10 --data ";
  CHECK(accuracy(net + "moons") > 0.99);
  CHECK(accuracy(net + "xor") > 0.99);
  CHECK(accuracy(net + "circle") > 0.99);
  CHECK(accuracy(net + "spiral") > 0.95);
  CHECK(accuracy("--model linear --epochs 10 --data xor") < 0.7);
  CHECK(accuracy("--model linear --epochs 10 --data circle") < 0.7);
  CHECK(accuracy("--model linear --epochs 10 --data moons") < 0.95);
}

TEST_CASE("train: one epoch of digits") {
  CHECK(accuracy("--data digits --epochs 1 --model mlp:64") > 0.85);
  CHECK(accuracy("--data digits --epochs 1 --model linear") > 0.75);
}

TEST_CASE("train: other activations, batches, rates") {
  CHECK(accuracy("--data moons --model mlp:24 --activation shifted_rectifier --epochs 15") > 0.95);
  CHECK(accuracy("--data moons --model mlp:24,24 --activation mish --epochs 10 --batch 33") > 0.98);
  CHECK(accuracy("--data circle --model mlp:16 --activation tanh --lr 0.2 --momentum 0") > 0.95);
  CHECK(accuracy("--data moons --model mlp:8 --batch 5000 --epochs 3") > 0.4);
}

TEST_CASE("train: the same bits with one thread and two") {
  const std::string digits = "--data digits --epochs 1 --model mlp:256,128";
  CHECK(result(digits + " --threads 1") == result(digits + " --threads 2"));
  const std::string plane = "--data spiral --epochs 3 --model mlp:300,300 --batch 500";
  CHECK(result(plane + " --threads 1") == result(plane + " --threads 2"));
  CHECK(result(plane + " --threads 1") == result(plane + " --threads 3"));
}

TEST_CASE("train: the seed decides everything") {
  const std::string run = "--data moons --epochs 2 --model mlp:16 --seed ";
  CHECK(result(run + "7") == result(run + "7"));
  CHECK(result(run + "7").second != result(run + "8").second);
}

TEST_CASE("train: without --json it speaks to people") {
  const program::Outcome outcome = run("train --data xor --epochs 1 --model mlp:8");
  CHECK(outcome.status == 0);
  CHECK(outcome.err == "");  // the progress is for terminals
  CHECK(outcome.out.starts_with(
      "mlp:8 on xor: 2000 training and 2000 test samples, 42 parameters\ntest accuracy "));
  CHECK(run("train --help").status == 0);
}

TEST_CASE("train: what it refuses") {
  check_refused("train --data nonsense", "train: no such data: 'nonsense'; digits, spiral");
  check_refused("train --data ''", "train: no such data: ''");
  check_refused("train --data idx:", "read_mnist: ");
  check_refused("train --data idx:/no/such/folder", "read_mnist: /no/such/folder: neither train-");
  for (const char* model : {"mlp", "mlp:", "mlp:8,", "mlp:,8", "mlp:8,,8", "mlp:-8", "mlp:8x",
                            "mlp:99999999999999999999", "''", "linear:3"}) {
    check_refused("train --data moons --model " + std::string(model), "train: no such model: '");
  }
  check_refused("train --data moons --model mlp:0", "sizes of at least 1");
  check_refused("train --data moons --model mlp:8,0,8 --json", "sizes of at least 1");
  check_refused("train --activation mush", "activation: no such name: 'mush'; did you mean mish");
  check_refused("train --model linear --activation add", "activation: no such name: 'add'");
  check_refused("train --json --data moons --lr 1e30", "train: the loss is not finite after epoch");
}

TEST_CASE("train: numbers outside their range get one short line") {
  const std::pair<const char*, const char*> cases[] = {
      {"--epochs 0", "a whole number of at least 1 wanted, not 0"},
      {"--epochs -1", "a whole number of at least 1 wanted, not -1"},
      {"--epochs many", "a whole number of at least 1 wanted, not many"},
      {"--epochs 99999999999999999999", "a whole number of at least 1 wanted, not 9999"},
      {"--batch 0", "a whole number of at least 1 wanted, not 0"},
      {"--threads 0", "a whole number of at least 1 wanted, not 0"},
      {"--early-stopping 0", "a whole number of at least 1 wanted, not 0"},
      {"--stop-at 0.5", "a whole number of at least 1 wanted, not 0.5"},
      {"--lr 0", "a number above 0 wanted, not 0"},
      {"--lr -1", "a number above 0 wanted, not -1"},
      {"--lr inf", "a number above 0 wanted, not inf"},
      {"--weight-decay -1", "a number of at least 0 wanted, not -1"},
      {"--momentum 1.5", "a number from 0 to 1 wanted, not 1.5"},
      {"--dropout 1", "a number from 0 to below 1 wanted, not 1"},
      {"--seed x", "a whole number of at least 0 wanted, not x"},
      {"--seed -1", "a whole number of at least 0 wanted, not -1"}};
  for (const auto& [arguments, message] : cases) {
    const std::string option = std::string(arguments).substr(0, std::string(arguments).find(' '));
    const program::Outcome outcome = run("train " + std::string(arguments));
    CHECK(outcome.status == 2);
    CHECK(outcome.out == "");
    CHECK(outcome.err.starts_with("train: " + option + ": " + message));
    CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
  }
  check_refused("train --nonsense", "train: The following argument was not expected: --nonsense");
}

TEST_CASE("train: an IDX folder without a single image") {
  const auto folder =
      std::filesystem::temp_directory_path() / ("xtape-tests-" + std::to_string(getpid()) + "-idx");
  std::filesystem::create_directory(folder);
  for (const std::string part : {"train", "t10k"}) {
    std::ofstream(folder / (part + "-images-idx3-ubyte"), std::ios::binary)
        << std::string("\0\0\x08\x03\0\0\0\0\0\0\0\x04\0\0\0\x04", 16);
    std::ofstream(folder / (part + "-labels-idx1-ubyte"), std::ios::binary)
        << std::string("\0\0\x08\x01\0\0\0\0", 8);
  }
  check_refused("train --data idx:" + folder.string(), "train: no samples in idx:");
  std::filesystem::remove_all(folder);
}

TEST_CASE("train: one epoch of MNIST") {
  const std::string folder = mnist();
  if (folder.empty()) {
    MESSAGE("skipped: no MNIST below $XTAPE_SHARED or ../shared");
    return;
  }
  CHECK(accuracy("--epochs 1 --data 'idx:" + folder + "'") > 0.95);
}
