#include <fmt/ranges.h>

#include <cmath>
#include <xtape/tools/train/progress.hpp>
#include <xtape/tools/train/training.hpp>

namespace training {

namespace {

constexpr const char* prefix = "train";

// The settings that decide the bits: a line for each. Where the data lies does not matter.
std::vector<std::string> identity(const Settings& s) {
  const auto given = [](const std::optional<double>& number) {
    return number ? fmt::format("{}", *number) : std::string("default");
  };
  return {fmt::format("--data {}", s.data.substr(0, s.data.find(':'))),
          fmt::format("--model {}", s.model),
          fmt::format("--activation {}", s.activation),
          fmt::format("--loss {}", s.loss),
          fmt::format("--optimizer {}", s.optimizer),
          fmt::format("--schedule {}", s.schedule),
          fmt::format("--batch {}", s.batch),
          fmt::format("--lr {}", given(s.lr)),
          fmt::format("--momentum {}", given(s.momentum)),
          fmt::format("--weight-decay {}", given(s.weight_decay)),
          fmt::format("--dropout {}", s.dropout),
          fmt::format("--batchnorm {}", s.batchnorm),
          fmt::format("--augment {}", s.augment),
          fmt::format("--early-stopping {}", s.early_stopping),
          fmt::format("--seed {}", s.seed)};
}

// Text as numbers, for files that hold nothing else.
Tensor letters(const std::string& text) {
  const std::vector<std::int64_t> codes(text.begin(), text.end());
  return Tensor::from(codes.data(), {std::ssize(codes)});
}

std::string text_of(const Tensor& letters) {
  if (letters.dtype() != int64) return "";
  const std::int64_t* const codes = letters.data<std::int64_t>();
  return {codes, codes + letters.numel()};
}

void check_identity(const State& state, const Settings& settings, const std::string& file) {
  const auto found = state.find("settings");
  if (found == state.end())
    fail(fmt::format("{} was not saved by train: there is no 'train.settings'", file));
  const std::string text = text_of(found->second);
  std::size_t begin = 0;
  for (const std::string& wanted : identity(settings)) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    if (line != wanted) fail(fmt::format("{} was trained with {}, not {}", file, line, wanted));
    begin = std::min(end + 1, text.size());
  }
}

// A tenth of the training samples, taken away from them, if they are to stop the training.
nn::Dataset take_validation(nn::Dataset& train, const Settings& settings) {
  if (settings.early_stopping == 0) return {};
  const nn::Split split =
      nn::train_test_split(train.size(), {.test_size = 0.1, .seed = settings.seed});
  nn::Dataset validation = nn::rows_of(train, split.test);
  train = nn::rows_of(train, split.train);
  return validation;
}

// The rows of x, each as a tensor of that shape.
Tensor as(const Tensor& x, const Shape& sample) {
  Shape shape{x.size(0)};
  for (const std::int64_t size : sample) shape.push_back(size);
  return reshape(x, shape);
}

nn::PrefetchLoader make_loader(const nn::Dataset& train, const Settings& settings,
                               const Shape& image, const Shape& input) {
  // the variance of a single sample is nothing to divide by
  const bool single = settings.batchnorm && train.size() % settings.batch == 1;
  const nn::DataLoader loader(train, {.batch_size = settings.batch,
                                      .shuffle = true,
                                      .drop_last = single && train.size() > settings.batch,
                                      .seed = settings.seed});
  return nn::PrefetchLoader(
      loader, {.transform = [=, changes = settings.augment](nn::Batch batch, Generator& generator) {
        if (changes) batch.x = augment(as(batch.x, image), generator);
        batch.x = as(batch.x, input);
        return batch;
      }});
}

double correct(const Tensor& scores, const Tensor& classes) {
  return sum(cast(argmax(scores, -1) == classes, float32)).item<double>();
}

}  // namespace

// What an epoch adds up.
struct Training::Sums {
  double loss = 0, right = 0, seen = 0;

  void add(const Tensor& mean_loss, const Tensor& scores, const Tensor& classes) {
    const auto count = static_cast<double>(classes.numel());
    loss += mean_loss.item<double>() * count;
    right += correct(scores, classes);
    seen += count;
  }
};

Training::Training(const Settings& settings, Samples samples)
    : settings_(settings),
      sets_(samples.sets),
      validation_(take_validation(sets_.train, settings)),
      image_(samples.image),
      loss_(find_loss(settings.loss)),
      model_(make_model(settings, samples)),
      loader_(make_loader(sets_.train, settings, image_, model_.input)),
      optimizer_(make_optimizer(model_.net.parameters(), settings)),
      pace_(*optimizer_, settings, loader_.size()) {
  if (settings.augment && image_.rank() == 0)
    fail(fmt::format("--augment changes images; a sample of {} is {} numbers", settings.data,
                     sets_.train.x.size(1)));
  if (settings.early_stopping == 0) return;
  std::vector<Tensor> tensors = model_.net.parameters();
  for (const Tensor& buffer : model_.net.buffers()) tensors.push_back(buffer);
  stopping_.emplace(tensors, nn::EarlyStoppingOptions{.patience = settings.early_stopping});
}

bool Training::ended() const {
  return epoch_ >= settings_.epochs ||
         (stopping_ && stopping_->waited() >= settings_.early_stopping);
}

void Training::step(const nn::Batch& batch, Sums& sums) {
  Tensor scores, loss;  // before the step, even if the optimizer looks further
  const auto evaluate = [&] {
    optimizer_->zero_grad();
    const Tensor there = model_.net(batch.x);
    const Tensor loss_there = loss_(there, batch.y);
    loss_there.backward();
    if (!loss.defined()) {
      scores = there;
      loss = loss_there;
    }
    return loss_there;
  };
  if (auto* const lbfgs = dynamic_cast<optim::LBFGS*>(optimizer_.get())) {
    lbfgs->step(evaluate);
  } else {
    evaluate();
    optimizer_->step();
  }
  pace_.after_step();
  sums.add(loss, scores, batch.y);
}

void Training::train_epoch() {
  Progress progress(settings_, epoch_);
  Sums sums;
  const double start = now();
  const auto batches = static_cast<double>(loader_.size());
  double done = 0;
  for (const nn::Batch& batch : loader_) {
    step(batch, sums);
    progress.show(++done / batches, sums.loss / sums.seen, sums.right / sums.seen,
                  sums.seen / (now() - start));
  }
  ++epoch_;
  train_loss_ = sums.loss / sums.seen;
  if (!std::isfinite(train_loss_))
    fail(fmt::format("the loss is not finite after epoch {}; lower --lr, which is {}", epoch_,
                     settings_.lr.value_or(optimizer_->initial_lr(0).value_or(0))));
  const double judged = stopping_ ? score(validation_).loss : train_loss_;
  pace_.after_epoch(judged);
  if (stopping_) stopping_->step(judged);
}

Outcome Training::fit() {
  const double start = now();
  const std::int64_t first = epoch_;
  const auto save = [&] {
    if (!settings_.save.empty()) nn::save(settings_.save, state_dict());
  };
  while (!ended() && (settings_.stop_at == 0 || epoch_ < settings_.stop_at)) {
    train_epoch();
    save();
  }
  if (ended() && stopping_) stopping_->restore();
  if (stopping_ || epoch_ == first) save();
  const double seconds = now() - start;
  const auto seen = static_cast<double>((epoch_ - first) * train_size());
  return {train_loss_, seconds, seen / seconds};
}

Score Training::test() { return score(sets_.test); }

Score Training::score(const nn::Dataset& set) {
  const NoGrad no_grad;
  model_.net.eval();
  Sums sums;
  for (const auto& [x, y] : nn::DataLoader(set, {.batch_size = 1000})) {
    const Tensor scores = model_.net(as(x, model_.input));
    sums.add(loss_(scores, y), scores, y);
  }
  model_.net.train();
  return {sums.loss / sums.seen, sums.right / sums.seen};
}

State Training::state_dict() const {
  State own;
  put_under(own, "optimizer", optimizer_->state_dict());
  put_under(own, "schedule", pace_.state_dict());
  put_under(own, "generator", xtape::state_dict(Generator::global()));
  if (stopping_) put_under(own, "stopping", stopping_->state_dict());
  own["epoch"] = number_tensor(epoch_);
  own["loss"] = number_tensor(train_loss_);
  own["settings"] = letters(fmt::format("{}", fmt::join(identity(settings_), "\n")));
  State state = model_.net.state_dict();
  put_under(state, prefix, own);
  return state;
}

void Training::load_state_dict(const State& state, const std::string& file) {
  const State own = part_under(state, prefix);
  check_identity(own, settings_, file);
  State net;
  for (const auto& [name, tensor] : state)
    if (!name.starts_with(std::string(prefix) + ".")) net[name] = tensor;
  try {
    model_.net.load_state_dict(net);
    optimizer_->load_state_dict(part_under(own, "optimizer"));
    pace_.load_state_dict(part_under(own, "schedule"));
    xtape::load_state_dict(Generator::global(), part_under(own, "generator"));
    if (stopping_) stopping_->load_state_dict(part_under(own, "stopping"));
    epoch_ = integer_entry(own, "epoch");
    train_loss_ = number_entry(own, "loss");
  } catch (const Error& error) {
    fail(fmt::format("{} does not fit: {}", file, error.what()));
  }
  if (epoch_ > settings_.epochs)
    fail(fmt::format("{} has {} epochs behind it, more than --epochs {}", file, epoch_,
                     settings_.epochs));
  loader_.set_epoch(static_cast<std::uint64_t>(epoch_));
}

}  // namespace training
