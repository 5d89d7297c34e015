// Training from the first epoch, or from where it was stopped.
#pragma once

#include <xtape/tools/train/data.hpp>
#include <xtape/tools/train/losses.hpp>
#include <xtape/tools/train/models.hpp>
#include <xtape/tools/train/optimizers.hpp>

namespace training {

/// How well a network does on a set.
struct Score {
  double loss = 0, accuracy = 0;
};

struct Outcome {
  double train_loss = 0, seconds = 0, samples_per_second = 0;
};

/// A network, what trains it and how far it is. All of it is in a state: training that goes on from
/// one ends with the same bits as training that was never stopped.
class Training {
 public:
  /// Takes `samples` apart if a part of them is to stop the training early.
  Training(const Settings& settings, Samples samples);

  const nn::Sequential& net() const { return model_.net; }
  std::int64_t epoch() const { return epoch_; }
  std::int64_t train_size() const { return sets_.train.size(); }
  /// What ends the training early, if anything does.
  const nn::EarlyStopping* stopping() const { return stopping_ ? &*stopping_ : nullptr; }

  /// Trains up to the last epoch, saving after each if a file is given. If it was to end early, the
  /// best weights come back at the end. Throws UsageError for a loss that is not finite.
  Outcome fit();
  /// How it does on the test.
  Score test();

  /// The network under PyTorch's names, and all else below "train.".
  State state_dict() const;
  /// Goes on from a state that was read from `file`. Throws UsageError for one of other settings.
  void load_state_dict(const State& state, const std::string& file);

 private:
  struct Sums;

  bool ended() const;
  void train_epoch();
  void step(const nn::Batch& batch, Sums& sums);
  Score score(const nn::Dataset& set);

  Settings settings_;
  nn::TrainTest sets_;
  nn::Dataset validation_{};
  Shape image_;
  Loss loss_;
  Model model_;
  nn::PrefetchLoader loader_;
  std::unique_ptr<optim::Optimizer> optimizer_;
  Pace pace_;
  std::optional<nn::EarlyStopping> stopping_{};
  std::int64_t epoch_ = 0;
  double train_loss_ = 0;
};

}  // namespace training
