#include <xtape/xtape.hpp>

#include "program.hpp"

using program::check_refused;
using program::json_line;

namespace {

nlohmann::json timing(const std::string& arguments) {
  const nlohmann::json line = json_line("bench " + arguments);
  for (const char* key : {"workload", "median_us", "min_us", "samples", "threads", "peak_rss_kb"}) {
    CAPTURE(arguments);
    CAPTURE(key);
    REQUIRE(line.contains(key));
  }
  CHECK(line["min_us"].get<double>() > 0);
  CHECK(line["median_us"].get<double>() >= line["min_us"].get<double>());
  CHECK(line["samples"].get<int>() >= 5);
  CHECK(line["peak_rss_kb"].get<long>() > 1000);
  return line;
}

}  // namespace

TEST_CASE("bench: a perceptron") {
  const nlohmann::json line = timing("mlp --seconds 0.05");
  CHECK(line["workload"] == "mlp");
  CHECK(line["threads"] == 1);
  CHECK(timing("--threads 2 mlp --seconds 0.05")["threads"] == 2);
  timing("mlp --sizes 2,16,16,1 --batch 1 --activation mish --seconds 0.05");
  timing("mlp --sizes 5,1 --batch 17 --optimizer sgd --threads 3 --seconds 0.05");
}

TEST_CASE("bench: sizes that fill no register, and none at all") {
  for (const char* n : {"0", "1", "3", "17", "1000", "65537"})
    for (const char* threads : {"1", "2"}) {
      const nlohmann::json line =
          timing("elementwise --n " + std::string(n) + " --threads " + threads + " --seconds 0.01");
      CHECK(line["workload"] == "elementwise");
      CHECK(line["function"] == "shifted_rectifier");
      CHECK(std::to_string(line["n"].get<long>()) == n);
    }
}

TEST_CASE("bench: a long chain") {
  for (const char* way : {"", " --forward"}) {
    const nlohmann::json line = timing("chain --length 37 --seconds 0.01" + std::string(way));
    CHECK(line["workload"] == "chain");
    CHECK(line["length"] == 37);
    CHECK(line.contains("forward") == (*way != 0));
  }
}

TEST_CASE("bench: a network that was trained before, with numbers that are subnormal") {
  // units that have died have no gradients: their velocities shrink until a tenth rounds to nothing
  const std::string trained =
      "mlp --sizes 8,16,4 --batch 8 --activation relu --lr 10 --trained 3000 --seconds 0.01";
  const nlohmann::json kept = timing(trained), flushed = timing(trained + " --flush-denormals");
  CHECK(kept["subnormal_state"].get<double>() > 0);
  if (xtape::FlushDenormals::supported()) {
    CHECK(flushed["subnormal_state"] == 0);
    CHECK(flushed["subnormal_gradients"] == 0);
  }
  CHECK(kept["flush_denormals"] == false);
  CHECK(flushed["flush_denormals"] == true);
  timing("elementwise --function sigmoid --scale 1e-30 --n 100 --seconds 0.01");
  CHECK(timing("mlp --sizes 4,8,1 --seconds 0.01")["subnormal_state"] == 0);
}

TEST_CASE("bench: slopes, and a check of them by differences") {
  for (const char* way : {"", " --backward"}) {
    const nlohmann::json line =
        timing("gradcheck --parameters 30 --seconds 0.01" + std::string(way));
    CHECK(line["parameters"] == 30);
    CHECK(line.contains("backward") == (*way != 0));
  }
}

TEST_CASE("bench: every formula of the catalogue") {
  int tried = 0;
  for (const xtape::Entry* entry : xtape::catalogue()) {
    const std::string name = entry->record.name;
    if (!*entry->record.about) continue;  // made by a test of this program, unknown to the other
    if (!entry->formula) {
      check_refused("bench elementwise --function " + name,
                    "bench: '" + name + "' is not an element-wise function");
      continue;
    }
    const nlohmann::json line =
        timing("elementwise --function " + name + " --n 33 --seconds 0.001");
    CHECK(line["function"] == name);
    CHECK(line["n"] == 33);
    ++tried;
  }
  CHECK(tried >= 50);
}

TEST_CASE("bench: what it refuses") {
  check_refused("bench", "A subcommand is required");
  check_refused("bench nonsense", "A subcommand is required");
  check_refused("bench elementwise --function tahn",
                "catalogue: no such name: 'tahn'; did you mean");
  check_refused("bench elementwise --n -1", "--n");
  check_refused("bench elementwise --n x", "--n");
  check_refused("bench elementwise --seconds 0", "--seconds");
  check_refused("bench elementwise --threads 0", "--threads");
  check_refused("bench mlp --activation mush", "activation: no such name: 'mush'");
  check_refused("bench mlp --optimizer adamant", "--optimizer");
  check_refused("bench mlp --sizes 3", "--sizes");
  check_refused("bench mlp --sizes 3,0", "sizes of at least 1");
  check_refused("bench mlp --sizes 3,-1", "sizes of at least 1");
  check_refused("bench mlp --batch 0", "--batch");
  check_refused("bench chain --length 0", "--length");
}
