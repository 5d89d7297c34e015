// train: trains a network on a data set and says how well it does on samples it has not seen.
#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <xtape/tools/train/training.hpp>

using namespace xtape;
using training::Settings;
using training::Training;

namespace {

void print(const Settings& settings, const Training& training, const training::Outcome& outcome,
           double accuracy) {
  const nn::EarlyStopping* const stopping = training.stopping();
  if (settings.json) {
    nlohmann::ordered_json line{{"test_accuracy", accuracy},
                                {"train_loss", outcome.train_loss},
                                {"seconds", outcome.seconds},
                                {"samples_per_second", outcome.samples_per_second}};
    if (stopping) {
      line["epochs"] = training.epoch();
      line["best_epoch"] = stopping->best_step() + 1;
    }
    std::printf("%s\n", line.dump().c_str());
    return;
  }
  if (stopping)
    fmt::print("{} epochs; the best for the validation was {}, with a loss of {:.4f}\n",
               training.epoch(), stopping->best_step() + 1, stopping->best());
  fmt::print("test accuracy {:.2f} %, training loss {:.4f}, {:.1f} s, {:.0f} samples/s\n",
             100 * accuracy, outcome.train_loss, outcome.seconds, outcome.samples_per_second);
}

// What names cannot be before the work begins, even if nothing uses them.
void check(const Settings& settings) {
  activation(settings.activation);
  training::check_model(settings);
  training::find_loss(settings.loss);
  training::check_optimizer(settings);
  training::check_schedule(settings);
  if (settings.save.empty()) return;
  nn::check_checkpoint_name(settings.save);
  const std::filesystem::path folder = std::filesystem::path(settings.save).parent_path();
  if (!folder.empty() && !std::filesystem::is_directory(folder))
    training::fail(fmt::format("--save {}: there is no folder {}", settings.save, folder.string()));
}

void run(const Settings& settings) {
  set_num_threads(settings.threads);
  manual_seed(settings.seed);
  check(settings);
  const State resumed = settings.resume.empty() ? State() : nn::load(settings.resume);
  training::Samples samples = training::load_samples(settings);
  const std::int64_t tests = samples.sets.test.size();
  Training training(settings, std::move(samples));
  if (!settings.resume.empty()) training.load_state_dict(resumed, settings.resume);
  if (!settings.json) {
    fmt::print("{} on {}: {} training and {} test samples, {} parameters\n", settings.model,
               settings.data, training.train_size(), tests, training.net().parameter_count());
    if (training.epoch() > 0)
      fmt::print("{} goes on after epoch {}\n", settings.resume, training.epoch());
  }
  std::fflush(stdout);
  const training::Outcome outcome = training.fit();
  print(settings, training, outcome, training.test().accuracy);
}

// What is not a number of that kind gets one short sentence.
template <class T>
CLI::Validator number(const char* wanted, bool (*good)(T)) {
  return CLI::Validator(
      [=](const std::string& text) {
        T value{};
        const char* const end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        if (error == std::errc() && stop == end && good(value)) return std::string();
        return fmt::format("{} wanted, not {}", wanted, text);
      },
      "");
}

const CLI::Validator positive = number<double>(
    "a number above 0", [](double value) { return value > 0 && std::isfinite(value); });
const CLI::Validator not_negative = number<double>(
    "a number of at least 0", [](double value) { return value >= 0 && std::isfinite(value); });
const CLI::Validator share =
    number<double>("a number from 0 to 1", [](double value) { return value >= 0 && value <= 1; });
const CLI::Validator probability = number<double>(
    "a number from 0 to below 1", [](double value) { return value >= 0 && value < 1; });
const CLI::Validator count =
    number<std::int64_t>("a whole number of at least 1",
                         [](std::int64_t value) { return value >= 1 && value <= 1'000'000'000; });
const CLI::Validator any_seed =
    number<std::uint64_t>("a whole number of at least 0", [](std::uint64_t) { return true; });

void add_options(CLI::App& app, Settings& settings) {
  const auto add = [&](const char* option, auto& value, const char* type, const std::string& help) {
    return app.add_option(option, value, help)->type_name(type);
  };
  const auto name = [&](const char* option, std::string& value, const std::string& help) {
    add(option, value, "NAME", help)->capture_default_str();
  };
  const auto counted = [&](const char* option, auto& value, const char* help) {
    return add(option, value, "COUNT", help)->check(count);
  };
  name("--data", settings.data, training::data_names());
  name("--model", settings.model, training::model_names());
  name("--activation", settings.activation, "Any of the catalogue, between the layers");
  add("--dropout", settings.dropout, "P", "The part of each hidden layer that is left out")
      ->check(probability);
  app.add_flag("--batchnorm", settings.batchnorm, "Normalise what the layers give over the batch");
  name("--loss", settings.loss, training::loss_names());
  name("--optimizer", settings.optimizer,
       training::optimizer_names() + "; the numbers are the --lr that is theirs");
  add("--lr", settings.lr, "X", "Learning rate, the largest of the schedule")->check(positive);
  add("--momentum", settings.momentum, "X", "Of sgd (0.9) and rmsprop (0)")->check(share);
  add("--weight-decay", settings.weight_decay, "X", "0, but 0.01 of adamw")->check(not_negative);
  name("--schedule", settings.schedule, training::schedule_names() + "; linear falls to 0");
  app.add_flag("--augment", settings.augment, "Shift, turn or flip the images of every batch");
  counted("--epochs", settings.epochs, "Passes over the training samples")->capture_default_str();
  counted("--batch", settings.batch, "Samples in a batch")->capture_default_str();
  counted("--early-stopping", settings.early_stopping,
          "End when the loss of a tenth of the samples, kept apart, has not got better for so many "
          "epochs, with the best weights");
  add("--save", settings.save, "FILE", "Write a .safetensors or .npz file after every epoch");
  add("--resume", settings.resume, "FILE", "Go on from it; the other options are as before");
  counted("--stop-at", settings.stop_at, "End after this epoch, to go on later");
  add("--seed", settings.seed, "NUMBER", "Decides everything that is drawn")
      ->check(any_seed)
      ->capture_default_str();
  counted("--threads", settings.threads, "Any number gives the same bits")->capture_default_str();
  app.add_flag("--json", settings.json, "Print one line of JSON");
}

}  // namespace

int main(int argc, char** argv) {
  Settings settings;
  CLI::App app("Trains a network and prints its accuracy on the test set.", "train");
  try {
    add_options(app, settings);
    app.parse(argc, argv);
    run(settings);
  } catch (const CLI::ParseError& error) {
    if (error.get_exit_code() == 0) return app.exit(error);  // --help
    std::fprintf(stderr, "train: %s\n", error.what());
    return 2;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
