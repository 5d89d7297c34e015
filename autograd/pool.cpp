#include <algorithm>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <new>
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

#else

namespace {

// Classes: multiples of 64 bytes up to 512, then four steps to each doubling.
constexpr int class_count = 200;
constexpr std::size_t small_limit = 32 * 1024;
constexpr std::size_t huge_page = std::size_t{2} << 20;
constexpr std::size_t slab_bytes = huge_page;
constexpr std::size_t idle_allowance = std::size_t{256} << 20;
constexpr std::size_t batch_bytes = 64 * 1024;

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

// Shared by all threads; never destroyed, because static tensors may outlive it otherwise.
struct Shared {
  std::mutex mutex;
  List lists[class_count];
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
    for (int index = small_classes; index < class_count; ++index)
      while (void* block = lists[index].pop()) std::free(block);
    idle_large = 0;
  }
};

Shared& shared() {
  static Shared* const instance = new Shared;
  return *instance;
}

// A thread's own lists of small blocks. The lists are trivially destructible, so that they can be
// used at any time; the guard gives them to the others when the thread ends.
struct Local {
  List lists[small_classes];
  bool guarded, ended;
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

void* allocate_large(int index, std::size_t bytes) {
  Shared& s = shared();
  std::lock_guard lock(s.mutex);
  s.live_large += bytes;
  if (void* block = s.lists[index].pop()) {
    s.idle_large -= bytes;
    return block;
  }
  if (s.idle_large > s.live_large + idle_allowance) s.drop_idle();
  void* block = fresh(bytes);
  if (!block) {
    s.drop_idle();
    block = fresh(bytes);
  }
  if (!block) {
    s.live_large -= bytes;
    throw std::bad_alloc();
  }
  return block;
}

}  // namespace

void* allocate(std::size_t bytes) {
  if (bytes > (std::size_t{1} << 46)) throw std::bad_alloc();
  const int index = class_of(bytes);
  const std::size_t rounded = bytes_of(index);
  if (rounded > small_limit) return allocate_large(index, rounded);
  if (void* block = local.lists[index].pop()) return block;
  return refill(index, rounded);
}

void release(void* block, std::size_t bytes) noexcept {
  const int index = class_of(bytes);
  const std::size_t rounded = bytes_of(index);
  if (rounded > small_limit) {
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

#endif

}  // namespace xtape::pool
