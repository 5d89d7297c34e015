#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>
#include <xtape/autograd/denormals.hpp>
#include <xtape/autograd/errors.hpp>
#include <xtape/autograd/parallel.hpp>
#include <xtape/autograd/pool.hpp>

namespace xtape {

namespace {

int default_threads() {
  if (const char* set = std::getenv("XTAPE_NUM_THREADS"); set && std::atoi(set) > 0)
    return std::atoi(set);
  return static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
}

std::atomic<int> wanted_threads{0};
thread_local bool inside = false;

// Looks again and again whether something has come about, for some 20 us: less than it takes to
// fall asleep and to be woken, so that short jobs in a row gain by more threads, too.
template <class F>
void look_for(const F& come) {
  for (int looks = 0; looks < 1000 && !come(); ++looks) {
#if defined(__x86_64__)
    __builtin_ia32_pause();
#else
    std::this_thread::yield();
#endif
  }
}

// One job at a time; the caller works on it too, so a helper that is late costs nothing but help.
// Each thread has a range of the pieces of its own and begins there, so that it finds in its cache
// what it wrote in the job before; then it helps the others.
class Team {
 public:
  ~Team() {
    {
      std::lock_guard lock(mutex_);
      stop_ = true;
    }
    wake_.notify_all();
    for (std::thread& helper : helpers_) helper.join();
  }

  void run(std::int64_t pieces, void (*call)(const void*, std::int64_t), const void* body,
           int threads) {
    {
      std::unique_lock lock(mutex_);
      while (static_cast<int>(helpers_.size()) < threads - 1)
        helpers_.emplace_back([this, own = helpers_.size() + 1] { help(own); });
      done_.wait(lock, [this] { return ready_ == helpers_.size(); });
      if (ranges_.size() < static_cast<std::size_t>(threads)) ranges_ = std::vector<Range>(threads);
      call_ = call;
      body_ = body;
      mode_ = detail::arithmetic_mode();
      for (std::int64_t t = 0; t < threads; ++t) {
        ranges_[t].next.store(pieces * t / threads);
        ranges_[t].end = pieces * (t + 1) / threads;
      }
      places_ = threads - 1;
      threads_ = threads;
      ++job_;
    }
    wake_.notify_all();
    work(0);
    {
      std::lock_guard lock(mutex_);
      places_ = 0;
    }
    look_for([this] { return busy_ == 0; });
    std::unique_lock lock(mutex_);
    done_.wait(lock, [this] { return busy_ == 0; });
    if (failure_) std::rethrow_exception(std::exchange(failure_, nullptr));
  }

  std::mutex use;  // held by the thread whose job it is

 private:
  struct alignas(64) Range {  // of pieces that are left; a cache line of its own
    std::atomic<std::int64_t> next{0};
    std::int64_t end = 0;
  };

  void work(std::size_t own) {
    const pool::Job blocks(static_cast<int>(threads_));
    inside = true;
    for (std::size_t t = 0; t < threads_; ++t) {
      Range& range = ranges_[(own + t) % threads_];
      for (std::int64_t piece; (piece = range.next.fetch_add(1)) < range.end;) {
        try {
          call_(body_, piece);
        } catch (...) {
          std::lock_guard lock(mutex_);
          if (!failure_) failure_ = std::current_exception();
        }
      }
    }
    inside = false;
  }

  void help(std::size_t own) {
    pool::begin_thread();
    std::uint64_t seen = 0;
    std::unique_lock lock(mutex_);
    ++ready_;
    done_.notify_all();
    while (true) {
      lock.unlock();
      look_for([&] { return stop_ || job_ != seen; });
      lock.lock();
      wake_.wait(lock, [&] { return stop_ || (job_ != seen && places_ > 0); });
      if (stop_) return;
      seen = job_;
      --places_;
      ++busy_;
      detail::set_arithmetic_mode(mode_);  // as the caller computes
      lock.unlock();
      work(own);
      lock.lock();
      if (--busy_ == 0) done_.notify_all();
    }
  }

  std::mutex mutex_;
  std::condition_variable wake_, done_;
  std::vector<std::thread> helpers_;
  void (*call_)(const void*, std::int64_t) = nullptr;
  const void* body_ = nullptr;
  std::size_t threads_ = 0, ready_ = 0;
  std::vector<Range> ranges_;
  std::uint64_t mode_ = 0;
  int places_ = 0;
  std::atomic<std::uint64_t> job_{0};
  std::atomic<int> busy_{0};
  std::atomic<bool> stop_{false};
  std::exception_ptr failure_;
};

Team& team() {
  static Team instance;
  return instance;
}

}  // namespace

void set_num_threads(int count, Location where) {
  if (count < 1)
    raise<ValueError>(where, "set_num_threads", "at least 1 wanted, got " + std::to_string(count));
  wanted_threads = count;
}

int num_threads() {
  if (wanted_threads == 0) wanted_threads = default_threads();
  return wanted_threads;
}

void detail::parallel_for(std::int64_t pieces, void (*call)(const void*, std::int64_t),
                          const void* body) {
  const int threads = static_cast<int>(std::min<std::int64_t>(num_threads(), pieces));
  if (threads > 1 && !inside) {
    if (std::unique_lock use(team().use, std::try_to_lock); use) {
      team().run(pieces, call, body, threads);
      return;
    }
  }
  for (std::int64_t piece = 0; piece < pieces; ++piece) call(body, piece);
}

}  // namespace xtape
