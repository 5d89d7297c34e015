#include <algorithm>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
#include <utility>
#include <xtape/autograd/pool.hpp>
#if defined(__linux__)
#include <sys/mman.h>
#endif

// Under AddressSanitizer every block is the system's, or the pool would hide its misuse.
#if defined(__SANITIZE_ADDRESS__)
#define XTAPE_POOL_PLAIN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define XTAPE_POOL_PLAIN 1
#endif
#endif

namespace xtape::pool {

#if XTAPE_POOL_PLAIN

void* allocate(std::size_t bytes) {
  if (bytes > (std::size_t{1} << 46)) throw std::bad_alloc();
  void* block = std::aligned_alloc(64, std::max<std::size_t>(64, (bytes + 63) / 64 * 64));
  if (!block) throw std::bad_alloc();
  return block;
}
void release(void* block, std::size_t) noexcept { std::free(block); }
void trim() noexcept {}
void begin_thread() {}
Job::Job(int) noexcept {}
Job::~Job() {}

#else

namespace {

// Classes: multiples of 64 bytes up to 512, then four steps to each doubling.
constexpr int class_count = 200;
constexpr std::size_t small_limit = 32 * 1024;
constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t slab_bytes = huge_page;
constexpr std::size_t idle_allowance = std::size_t{256} << 20;
constexpr std::size_t batch_bytes = 64 * 1024;
constexpr std::size_t reserved_bytes = std::size_t{4} << 20;  // of a class, for a thread

constexpr int class_of(std::size_t bytes) {
  if (bytes <= 512) return bytes == 0 ? 0 : static_cast<int>((bytes - 1) / 64);
  const int log = std::bit_width(bytes - 1) - 1;
  return 8 + (log - 9) * 4 + static_cast<int>(((bytes - 1) >> (log - 2)) & 3);
}

std::size_t bytes_of(int index) {
  if (index < 8) return static_cast<std::size_t>(index + 1) * 64;
  const int log = 9 + (index - 8) / 4, step = (index - 8) % 4;
  return (std::size_t{1} << log) + ((static_cast<std::size_t>(step) + 1) << (log - 2));
}

// Memory from the system. Big blocks ask for huge pages: touching 2 MB costs one page fault instead
// of 512.
void* fresh(std::size_t bytes) {
#if defined(__linux__)
  void* block = nullptr;
  if (bytes >= huge_page) {
    if (posix_memalign(&block, huge_page, bytes) != 0) return nullptr;
    madvise(block, bytes / huge_page * huge_page, MADV_HUGEPAGE);
    return block;
  }
#endif
  return std::aligned_alloc(64, bytes);
}

struct Free {
  Free* next;
};

struct List {
  Free* first = nullptr;
  std::size_t count = 0;

  void push(void* block) {
    first = new (block) Free{first};
    ++count;
  }
  void* pop() {
    if (!first) return nullptr;
    Free* block = first;
    first = block->next;
    --count;
    return block;
  }
};

constexpr int small_classes = class_of(small_limit) + 1;

// The blocks of jobs: those that wait, how many there are with those that threads hold, and the
// most that one thread held, of late.
struct Reserve {
  List blocks;
  std::size_t made = 0, most = 0;
};

// Shared by all threads; never destroyed, because static tensors may outlive it otherwise.
struct Shared {
  std::mutex mutex;
  List lists[class_count];
  Reserve reserves[class_count];
  std::size_t idle_large = 0, live_large = 0;
  char *slab = nullptr, *slab_end = nullptr;

  void* carve(std::size_t bytes) {
    if (static_cast<std::size_t>(slab_end - slab) < bytes) {
      slab = static_cast<char*>(fresh(slab_bytes));
      if (!slab) throw std::bad_alloc();
      slab_end = slab + slab_bytes;
    }
    void* block = slab;
    slab += bytes;
    return block;
  }
  void drop_idle() {
    for (int index = small_classes; index < class_count; ++index) {
      while (void* block = lists[index].pop()) std::free(block);
      Reserve& of_jobs = reserves[index];
      for (void* block; (block = of_jobs.blocks.pop()); --of_jobs.made) std::free(block);
      if (of_jobs.made == 0) of_jobs.most = 0;
    }
    idle_large = 0;
  }
};

Shared& shared() {
  static Shared* const instance = new Shared;
  return *instance;
}

// A thread's own lists of small blocks, and in a job of so many threads what it holds of reserves:
// large blocks until it releases them, small ones for good. All of it is trivially destructible, so
// that it can be used at any time; the guard gives the lists to the others when the thread ends.
struct Local {
  List lists[small_classes];
  bool guarded, ended;
  int job_threads;
  std::size_t held[class_count], large_held;
};
thread_local Local local{};

struct LocalGuard {
  ~LocalGuard() {
    std::lock_guard lock(shared().mutex);
    for (int index = 0; index < small_classes; ++index)
      while (void* block = local.lists[index].pop()) shared().lists[index].push(block);
    local.ended = true;
  }
};

void guard_local() {
  static thread_local LocalGuard guard;
  local.guarded = true;
}

std::size_t batch_of(std::size_t bytes) { return std::max<std::size_t>(2, batch_bytes / bytes); }
// Whether a list is longer than four batches, without a division.
bool is_long(const List& list, std::size_t bytes) {
  return list.count >= 8 && list.count * bytes >= 4 * batch_bytes;
}

void* refill(int index, std::size_t bytes) {
  if (!local.guarded) guard_local();
  std::lock_guard lock(shared().mutex);
  List& mine = local.lists[index];
  List& theirs = shared().lists[index];
  if (local.ended) {
    void* block = theirs.pop();
    return block ? block : shared().carve(bytes);
  }
  const std::size_t wanted = batch_of(bytes);
  while (mine.count < wanted && theirs.first) mine.push(theirs.pop());
  while (mine.count < wanted) mine.push(shared().carve(bytes));
  return mine.pop();
}

// A block that waits, or one of the system's.
void* take_large(Shared& s, int index, std::size_t bytes) {
  if (void* block = s.lists[index].pop()) {
    s.idle_large -= bytes;
    return block;
  }
  if (s.idle_large > s.live_large + idle_allowance) s.drop_idle();
  if (void* block = fresh(bytes)) return block;
  s.drop_idle();
  if (void* block = fresh(bytes)) return block;
  throw std::bad_alloc();
}

void* allocate_large(int index, std::size_t bytes) {
  Shared& s = shared();
  std::lock_guard lock(s.mutex);
  void* block = take_large(s, index, bytes);
  s.live_large += bytes;
  return block;
}

// Puts so many further blocks into a reserve, or as many as there is memory for, if any.
void add(Shared& s, int index, std::size_t bytes, std::size_t count) {
  List more;  // aside, so that nothing of it is given back to make room for the rest
  const bool large = index >= small_classes;
  try {
    while (more.count < count) {
      void* waiting = large ? nullptr : s.lists[index].pop();
      if (!waiting) waiting = large ? take_large(s, index, bytes) : s.carve(bytes);
      more.push(waiting);
    }
  } catch (const std::bad_alloc&) {
    if (!more.first && !s.reserves[index].blocks.first) throw;
  }
  s.reserves[index].made += more.count;
  if (large) s.idle_large += more.count * bytes;
  while (void* block = more.pop()) s.reserves[index].blocks.push(block);
}

// From the reserve: as many as this thread holds for each thread of the job, but what would be
// much.
void* take_reserved(int index, std::size_t bytes) {
  Shared& s = shared();
  std::lock_guard lock(s.mutex);
  Reserve& of_jobs = s.reserves[index];
  const std::size_t held = local.held[index] + 1, most = std::max(of_jobs.most, held);
  const bool little = most * bytes <= reserved_bytes, large = index >= small_classes;
  const std::size_t wanted = little ? most * static_cast<std::size_t>(local.job_threads) : 0;
  if (of_jobs.made < wanted) add(s, index, bytes, wanted - of_jobs.made);
  if (!of_jobs.blocks.first) add(s, index, bytes, 1);
  of_jobs.most = most;
  local.held[index] = held;
  if (large) ++local.large_held, s.idle_large -= bytes, s.live_large += bytes;
  return of_jobs.blocks.pop();
}

void give_back_reserved(void* block, int index, std::size_t bytes) {
  Shared& s = shared();
  std::lock_guard lock(s.mutex);
  s.reserves[index].blocks.push(block);
  --local.held[index];
  --local.large_held;
  s.live_large -= bytes;
  s.idle_large += bytes;
}

}  // namespace

void* allocate(std::size_t bytes) {
  if (bytes > (std::size_t{1} << 46)) throw std::bad_alloc();
  const int index = class_of(bytes);
  const std::size_t rounded = bytes_of(index);
  const bool in_job = local.job_threads > 0;
  if (rounded > small_limit)
    return in_job ? take_reserved(index, rounded) : allocate_large(index, rounded);
  if (void* block = local.lists[index].pop()) return block;
  if (in_job && local.guarded && !local.ended && local.held[index] * rounded < reserved_bytes)
    return take_reserved(index, rounded);
  return refill(index, rounded);
}

void release(void* block, std::size_t bytes) noexcept {
  const int index = class_of(bytes);
  const std::size_t rounded = bytes_of(index);
  if (rounded > small_limit) {
    if (local.job_threads > 0 && local.held[index] > 0)
      return give_back_reserved(block, index, rounded);
    Shared& s = shared();
    std::lock_guard lock(s.mutex);
    s.lists[index].push(block);
    s.live_large -= rounded;
    s.idle_large += rounded;
    return;
  }
  if (!local.guarded) guard_local();
  List& mine = local.lists[index];
  if (!local.ended) mine.push(block);
  if (!local.ended && !is_long(mine, rounded)) return;
  std::lock_guard lock(shared().mutex);
  if (local.ended) shared().lists[index].push(block);
  while (mine.count > 2 * batch_of(rounded)) shared().lists[index].push(mine.pop());
}

void trim() noexcept {
  std::lock_guard lock(shared().mutex);
  shared().drop_idle();
}

void begin_thread() {
  if (!local.guarded) guard_local();
}

Job::Job(int threads) noexcept { local.job_threads = threads; }

// Large blocks that outlive it are no longer of jobs, and tell nothing of what the next one needs.
Job::~Job() {
  local.job_threads = 0;
  if (local.large_held == 0) return;
  std::lock_guard lock(shared().mutex);
  for (int index = small_classes; index < class_count; ++index)
    if (const std::size_t held = std::exchange(local.held[index], 0)) {
      shared().reserves[index].made -= held;
      shared().reserves[index].most = 0;
    }
  local.large_held = 0;
}

#endif

}  // namespace xtape::pool
