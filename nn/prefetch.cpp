#include <fmt/format.h>

#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <xtape/autograd/tape.hpp>
#include <xtape/nn/prefetch.hpp>

namespace xtape::nn {

namespace {

// Batch b of epoch e draws from this stream plus e 2^36 + b 2^12 on, beyond those of the orders.
constexpr std::uint64_t first_stream = std::uint64_t{1} << 62;
constexpr int epoch_bits = 36, batch_bits = 12;

}  // namespace

// The thread makes batches into a queue; the iterators take them out.
class PrefetchLoader::Iterator::Pass {
 public:
  Pass(DataLoader::Iterator from, std::int64_t count, std::uint64_t seed, std::uint64_t epoch,
       const PrefetchOptions& options, const Location& where)
      : from_(std::move(from)),
        count_(count),
        seed_(seed),
        epoch_(epoch),
        options_(options),
        where_(where) {
    if (options.batches > 0 && count > 0) thread_ = std::thread([this] { work(); });
    take();
  }
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;
  ~Pass() { stop(); }

  const Batch& here() const { return here_; }
  bool done() const { return taken_ > count_; }

  // The next batch, from the queue or made here.
  void take() {
    if (done() || ++taken_ > count_) return;
    try {
      here_ = thread_.joinable() ? taken_out() : make();
    } catch (...) {
      taken_ = count_ + 1;
      stop();
      throw;
    }
  }

 private:
  Batch make() {
    const NoGrad off;
    const Caller caller(where_);
    Batch batch = *from_;
    ++from_;
    const std::uint64_t number = made_++;
    if (!options_.transform) return batch;
    Generator generator(seed_);
    generator.set_stream(first_stream + (epoch_ << epoch_bits) + (number << batch_bits));
    return options_.transform(std::move(batch), generator);
  }

  void work() {
    for (std::int64_t i = 0; i < count_; ++i) {
      {
        std::unique_lock lock(mutex_);
        changed_.wait(lock, [&] { return stopped_ || std::ssize(ready_) < options_.batches; });
        if (stopped_) return;
      }
      try {
        Batch batch = make();
        const std::lock_guard lock(mutex_);
        ready_.push_back(std::move(batch));
      } catch (...) {
        const std::lock_guard lock(mutex_);
        failure_ = std::current_exception();
        changed_.notify_all();
        return;
      }
      changed_.notify_all();
    }
  }

  Batch taken_out() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [&] { return failure_ || !ready_.empty(); });
    if (ready_.empty()) std::rethrow_exception(failure_);
    Batch batch = std::move(ready_.front());
    ready_.pop_front();
    lock.unlock();
    changed_.notify_all();
    return batch;
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopped_ = true;
    }
    changed_.notify_all();
    if (thread_.joinable()) thread_.join();
  }

  DataLoader::Iterator from_;
  std::int64_t count_, taken_ = 0;
  std::uint64_t seed_, epoch_, made_ = 0;
  PrefetchOptions options_;
  Location where_;
  Batch here_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Batch> ready_;
  std::exception_ptr failure_;
  bool stopped_ = false;
  std::thread thread_;
};

PrefetchLoader::PrefetchLoader(DataLoader loader, PrefetchOptions options, Location where)
    : loader_(std::move(loader)), options_(std::move(options)) {
  if (options_.batches < 0)
    raise<ValueError>(where, "PrefetchLoader",
                      fmt::format("{} batches ahead, at least 0 wanted", options_.batches));
}

PrefetchLoader::Iterator PrefetchLoader::begin(Location where) {
  const std::uint64_t epoch = loader_.epoch(), seed = loader_.options().seed;
  return Iterator(std::make_shared<Iterator::Pass>(loader_.begin(where), loader_.size(), seed,
                                                   epoch, options_, where));
}

const Batch& PrefetchLoader::Iterator::operator*() const { return pass_->here(); }

PrefetchLoader::Iterator& PrefetchLoader::Iterator::operator++() {
  pass_->take();
  return *this;
}

bool PrefetchLoader::Iterator::operator==(std::default_sentinel_t) const { return pass_->done(); }

}  // namespace xtape::nn
