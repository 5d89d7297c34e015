// train: trains a network on a data set and says how well it does on samples it has not seen.
#include <CLI/CLI.hpp>
#include <charconv>
#include <cmath>
#include <cstdio>
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
  if (!settings.save.empty()) nn::check_checkpoint_name(settings.save);
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
CLI::Validator number(const char* name, const char* wanted, bool (*good)(T)) {
  return CLI::Validator(
      [=](const std::string& text) {
        T value{};
        const char* const end = text.data() + text.size();
        const auto [stop, error] = std::from_chars(text.data(), end, value);
        if (error == std::errc() && stop == end && good(value)) return std::string();
        return fmt::format("{} wanted, not {}", wanted, text);
      },
      name);
}

const CLI::Validator positive = number<double>("NUMBER > 0", "a number above 0", [](double value) {
  return value > 0 && std::isfinite(value);
});
const CLI::Validator not_negative =
    number<double>("NUMBER >= 0", "a number of at least 0",
                   [](double value) { return value >= 0 && std::isfinite(value); });
const CLI::Validator share = number<double>("0 ... 1", "a number from 0 to 1",
                                            [](double value) { return value >= 0 && value <= 1; });
const CLI::Validator probability = number<double>(
    "0 ... 1", "a number from 0 to below 1", [](double value) { return value >= 0 && value < 1; });
const CLI::Validator count =
    number<std::int64_t>("COUNT", "a whole number of at least 1",
                         [](std::int64_t value) { return value >= 1 && value <= 1'000'000'000; });
const CLI::Validator any_seed = number<std::uint64_t>("NUMBER", "a whole number of at least 0",
                                                      [](std::uint64_t) { return true; });

void add_options(CLI::App& app, Settings& settings) {
  const auto text = [&](const char* option, std::string& value, const std::string& help) {
    app.add_option(option, value, help)->capture_default_str()->type_name("");
  };
  text("--data", settings.data, training::data_names());
  text("--model", settings.model, training::model_names());
  text("--activation", settings.activation, "Any activation of the catalogue, between the layers");
  app.add_option("--dropout", settings.dropout, "The part of each hidden layer that is left out")
      ->check(probability)
      ->type_name("");
  app.add_flag("--batchnorm", settings.batchnorm, "Normalise what the layers give over the batch");
  text("--loss", settings.loss, training::loss_names());
  text("--optimizer", settings.optimizer,
       "With the --lr that is theirs: " + training::optimizer_names());
  app.add_option("--lr", settings.lr, "Learning rate, the largest of the schedule")
      ->check(positive)
      ->type_name("");
  app.add_option("--momentum", settings.momentum, "Of sgd, 0.9 there, and rmsprop, 0 there")
      ->check(share)
      ->type_name("");
  app.add_option("--weight-decay", settings.weight_decay, "0, but 0.01 of adamw")
      ->check(not_negative)
      ->type_name("");
  text("--schedule", settings.schedule, training::schedule_names() + "; linear falls to 0");
  app.add_flag("--augment", settings.augment, "Shift, turn or flip the images of every batch");
  const auto counted = [&](const char* option, auto& value, const char* help) {
    return app.add_option(option, value, help)->check(count)->type_name("");
  };
  counted("--epochs", settings.epochs, "Passes over the training samples")->capture_default_str();
  counted("--batch", settings.batch, "Samples in a batch")->capture_default_str();
  counted("--early-stopping", settings.early_stopping,
          "End when the loss of a tenth of the samples, kept apart, has not got better for so many "
          "epochs, with the best weights");
  text("--save", settings.save, "A .safetensors or .npz file, written after every epoch");
  text("--resume", settings.resume, "Go on from such a file; the other options are as before");
  counted("--stop-at", settings.stop_at, "End after this epoch, to go on later");
  app.add_option("--seed", settings.seed, "Decides everything that is drawn")
      ->check(any_seed)
      ->type_name("")
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
