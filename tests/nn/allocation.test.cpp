// After warm-up a training step takes no memory from the heap. To see every request, also those
// made inside the C++ library and BLAS, this program brings its own malloc and relatives, which
// count and hand on to the C library's. AddressSanitizer brings its own, too, so there is nothing
// to count there.
#include <zlib.h>

#include <atomic>
#include <cerrno>
#include <cstdlib>
#include <mutex>
#include <thread>

#include "../check.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define XTAPE_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define XTAPE_SANITIZED 1
#endif
#endif

using namespace xtape;

namespace {

std::atomic<bool> counting{false};
std::atomic<long> requests{0};

[[maybe_unused]] void count() {
  if (counting.load(std::memory_order_relaxed)) requests.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace

#ifndef XTAPE_SANITIZED

extern "C" {

void* __libc_malloc(std::size_t);
void* __libc_calloc(std::size_t, std::size_t);
void* __libc_realloc(void*, std::size_t);
void* __libc_memalign(std::size_t, std::size_t);

void* malloc(std::size_t bytes) noexcept {
  count();
  return __libc_malloc(bytes);
}
void* calloc(std::size_t n, std::size_t bytes) noexcept {
  count();
  return __libc_calloc(n, bytes);
}
void* realloc(void* block, std::size_t bytes) noexcept {
  count();
  return __libc_realloc(block, bytes);
}
void* memalign(std::size_t alignment, std::size_t bytes) noexcept {
  count();
  return __libc_memalign(alignment, bytes);
}
void* aligned_alloc(std::size_t alignment, std::size_t bytes) noexcept {
  count();
  return __libc_memalign(alignment, bytes);
}
int posix_memalign(void** block, std::size_t alignment, std::size_t bytes) noexcept {
  count();
  *block = __libc_memalign(alignment, bytes);
  return *block ? 0 : ENOMEM;
}

}  // extern "C"

#endif

namespace {

bool can_count() {
#ifdef XTAPE_SANITIZED
  MESSAGE("skipped: AddressSanitizer allocates by itself");
  return false;
#else
  return true;
#endif
}

// How often `f` asks for memory, on all threads.
template <class F>
long heap_requests(F f) {
  requests = 0;
  counting = true;
  f();
  counting = false;
  return requests;
}

// Hides from the compiler that a block is not used, or it would leave the request out.
void* volatile sink;

// A loop of training as users write it, with momentum.
class Training {
 public:
  Training(nn::Sequential net, const Shape& inputs, std::int64_t classes)
      : net_(net),
        x_(randn(inputs)),
        y_(cast(rand({inputs[0]}) * static_cast<double>(classes), int64)),
        sgd_(net.parameters(), {.lr = 1e-3, .momentum = 0.9, .weight_decay = 1e-4}) {}

  void step() {
    sgd_.zero_grad();
    const Tensor loss = nn::cross_entropy(net_(x_), y_);
    loss.backward();
    sgd_.step();
    last_ = loss.item<double>();
  }
  long requests_after_warm_up() {
    for (int i = 0; i < 5; ++i) step();
    return heap_requests([&] {
      for (int i = 0; i < 10; ++i) step();
    });
  }
  double last() const { return last_; }

 private:
  nn::Sequential net_;
  Tensor x_, y_;
  optim::SGD sgd_;
  double last_ = 0;
};

nn::Sequential mlp(const std::vector<std::int64_t>& sizes, const nn::Activation& activation) {
  nn::Sequential net;
  for (std::size_t i = 0; i + 1 < sizes.size(); ++i) {
    if (i > 0) net.append(activation);
    net.append(nn::Linear(sizes[i], sizes[i + 1]));
  }
  return net;
}

struct Threads {
  explicit Threads(int count) : before(num_threads()) { set_num_threads(count); }
  ~Threads() { set_num_threads(before); }
  int before;
};

}  // namespace

TEST_CASE("allocation: every way to ask for memory is counted") {
  if (!can_count()) return;
  CHECK(heap_requests([] { sink = std::malloc(10); }) == 1);
  std::free(sink);
  CHECK(heap_requests([] { sink = std::calloc(3, 10); }) == 1);
  CHECK(heap_requests([] { sink = std::realloc(sink, 1000); }) == 1);
  std::free(sink);
  CHECK(heap_requests([] { sink = std::aligned_alloc(64, 128); }) == 1);
  std::free(sink);
  void* block = nullptr;
  CHECK(heap_requests([&] { CHECK(posix_memalign(&block, 64, 100) == 0); }) >= 1);
  std::free(block);
  CHECK(heap_requests([] { sink = ::operator new(10); }) == 1);
  ::operator delete(sink);
  CHECK(heap_requests([] { sink = ::operator new(10, std::align_val_t(64)); }) == 1);
  ::operator delete(sink, std::align_val_t(64));
  CHECK(heap_requests([] { sink = std::string(1000, 'x').data(); }) == 1);
  CHECK(heap_requests([] { gzclose(gzopen("/dev/null", "rb")); }) > 0);  // in another library
  const auto draw = [] { randn({4}); };
  draw();
  CHECK(heap_requests(draw) == 0);
}

TEST_CASE("allocation: a job asks for nothing, however its pieces fall to the threads") {
  if (!can_count()) return;
  const Threads setting(2);
  std::mutex turn;
  const auto with_rooms = [](auto f) {
    const pool::Scratch<float> small(7'000), another(7'000), large(700'000);
    f();
  };
  for (int i = 0; i < 3; ++i)
    parallel_for(2, [&](std::int64_t) {
      const std::lock_guard alone(turn);
      with_rooms([] {});
    });
  std::atomic<int> there{0};
  CHECK(heap_requests([&] {
          parallel_for(2, [&](std::int64_t) {
            with_rooms([&] {
              for (++there; there < 2;) std::this_thread::yield();
            });
          });
        }) == 0);
}

TEST_CASE("allocation: a training step of a multi-layer perceptron") {
  if (!can_count()) return;
  for (const int threads : {1, 2}) {
    const Threads setting(threads);
    for (const std::int64_t batch : {1, 32, 200}) {
      CAPTURE(threads);
      CAPTURE(batch);
      Training small(mlp({2, 16, 16, 3}, nn::Activation("tanh")), {batch, 2}, 3);
      CHECK(small.requests_after_warm_up() == 0);
      Training large(mlp({784, 300, 100, 10}, nn::Activation("relu")), {batch, 784}, 10);
      CHECK(large.requests_after_warm_up() == 0);
      CHECK(std::isfinite(large.last()));
    }
  }
}

TEST_CASE("allocation: a training step with batch norm, dropout and Adam") {
  if (!can_count()) return;
  for (const int threads : {1, 2}) {
    const Threads setting(threads);
    nn::Sequential net;
    for (int i = 0; i < 3; ++i) {
      net.append(nn::Linear(i == 0 ? 40 : 64, 64));
      net.append(nn::BatchNorm1d(64));
      net.append(nn::Activation("tanh"));
      net.append(nn::Dropout(0.5));
    }
    net.append(nn::Linear(64, 10));
    const Tensor x = randn({100, 40}), y = cast(rand({100}) * 10, int64);
    optim::Adam adam(net.parameters());
    const auto step = [&] {
      adam.zero_grad();
      nn::cross_entropy(net(x), y).backward();
      adam.step();
    };
    for (int i = 0; i < 5; ++i) step();
    CAPTURE(threads);
    CHECK(heap_requests(step) == 0);
  }
}

TEST_CASE("allocation: a training step of a convolutional network") {
  if (!can_count()) return;
  for (const int threads : {1, 2}) {
    const Threads setting(threads);
    nn::Sequential net;
    net.append(nn::Conv2d(3, 16, 3, {.padding = 1}));
    net.append(nn::Activation("relu"));
    net.append(nn::Conv2d(16, 16, 3, {.padding = 1}));
    net.append(nn::MaxPool2d(2));
    net.append(nn::Conv2d(16, 4, 3, {.stride = 2, .bias = false}));
    net.append(nn::AvgPool2d({1, 2}));
    net.append(nn::Flatten());
    net.append(nn::Linear(8, 10));
    Training training(net, {32, 3, 12, 12}, 10);
    CAPTURE(threads);
    CHECK(training.requests_after_warm_up() == 0);
  }
}

TEST_CASE("allocation: there and back through an LSTM and through attention") {
  if (!can_count()) return;
  for (const int threads : {1, 2}) {
    const Threads setting(threads);
    const auto leaf = [](const Shape& shape) { return (randn(shape) * 0.1).requires_grad(true); };
    const std::int64_t inputs = 24, hidden = 32, steps = 7, batch = 10;
    const std::vector<nn::CellWeights> weights{{leaf({4 * hidden, inputs}),
                                                leaf({4 * hidden, hidden}), leaf({4 * hidden}),
                                                leaf({4 * hidden})}};
    const Tensor x = leaf({steps, batch, inputs}), start = zeros({1, batch, hidden});
    const Tensor q = leaf({2, 3, 20, 16}), k = leaf({2, 3, 20, 16}), v = leaf({2, 3, 20, 16});
    const auto forget = [](const std::initializer_list<const Tensor*>& leaves) {
      for (const Tensor* each : leaves) each->zero_grad();
    };
    const auto recurrent = [&] {
      const nn::CellWeights& w = weights[0];
      forget({&x, &w.w_ih, &w.w_hh, &w.b_ih, &w.b_hh});
      sum(nn::lstm(x, {start, start}, weights).output).backward();
    };
    const auto attention = [&] {
      forget({&q, &k, &v});
      sum(nn::scaled_dot_product_attention(q, k, v)).backward();
    };
    CAPTURE(threads);
    for (int i = 0; i < 5; ++i) recurrent(), attention();
    CHECK(heap_requests(recurrent) == 0);
    CHECK(heap_requests(attention) == 0);
  }
}

TEST_CASE("allocation: a training step with each activation, fixed and learnable") {
  if (!can_count()) return;
  int tried = 0;
  for (const Entry* entry : catalogue()) {
    if (entry->kind != Entry::Kind::activation || !entry->formula ||
        entry->arity != static_cast<int>(entry->parameters.size()) + 1)
      continue;
    for (const bool learnable : {false, true}) {
      CAPTURE(entry->record.name);
      CAPTURE(learnable);
      const nn::Activation activation(
          entry->record.name,
          {.learnable = learnable && !entry->parameters.empty(), .channels = 24});
      Training training(mlp({8, 24, 24, 4}, activation), {16, 8}, 4);
      CHECK(training.requests_after_warm_up() == 0);
      ++tried;
    }
  }
  CHECK(tried >= 40);
}

TEST_CASE("allocation: other losses, zero_grad of the module, evaluation") {
  if (!can_count()) return;
  nn::Sequential net = mlp({6, 20, 1}, nn::Activation("mish"));
  const Tensor x = randn({30, 6}), y = cast(rand({30, 1}) > 0.5, float32);
  optim::SGD sgd(net.parameters(), {.lr = 0.01, .momentum = 0.9, .nesterov = true});
  const auto step = [&] {
    net.zero_grad();
    const Tensor logits = net(x);
    (nn::binary_cross_entropy_with_logits(logits, y) +
     0.1 * nn::mse_loss(logits, y, {.reduction = nn::Reduction::sum}))
        .backward();
    sgd.step();
    const NoGrad no_grad;
    net(x);
  };
  for (int i = 0; i < 5; ++i) step();
  CHECK(heap_requests(step) == 0);
}

TEST_CASE("allocation: an epoch with the loader and the accuracy") {
  if (!can_count()) return;
  nn::DataLoader loader(nn::moons(500), {.batch_size = 64, .shuffle = true});
  nn::Sequential net = mlp({2, 32, 2}, nn::Activation("elu"));
  optim::SGD sgd(net.parameters(), {.lr = 0.1, .momentum = 0.9});
  double right = 0;
  const auto epoch = [&] {
    right = 0;
    for (auto [x, y] : loader) {
      const Tensor logits = net(x);
      sgd.zero_grad();
      nn::cross_entropy(logits, y).backward();
      sgd.step();
      right += sum(cast(argmax(logits, -1) == y, float32)).item<double>();
    }
  };
  for (int i = 0; i < 5; ++i) epoch();
  CHECK(heap_requests(epoch) == 0);
  CHECK(right > 300);
}

TEST_CASE("allocation: rearranging, cutting and joining, there and back") {
  if (!can_count()) return;
  const Tensor x = randn({6, 4}).requires_grad(true), y = randn({6, 2}).requires_grad(true);
  const Tensor rows = randint(0, 6, {8}), picks = randint(0, 4, {6, 3});
  const auto step = [&] {
    x.zero_grad();
    y.zero_grad();
    const Tensor wide = cat({x, transpose(transpose(y)), flip(y, 1)}, 1);
    const Tensor high = stack({permute(wide, {1, 0}), movedim(wide, 0, 1)});
    const Tensor part = index(high, {-1, range(_, _, 2), ellipsis});
    const Tensor padded = pad(part, {{1, 0}, {2, -1}}) + pad(part, {{0, 1}, {0, 1}}, {.value = 2});
    const Tensor picked = sum(gather(x, 1, picks)) + sum(index_select(x, 0, rows));
    (picked + sum(roll(padded, 1, 0) * tile(triu(padded), 1)) + sum(diagonal(wide))).backward();
  };
  for (int i = 0; i < 5; ++i) step();
  CHECK(heap_requests(step) == 0);
}

TEST_CASE("allocation: every optimizer, with a schedule, clipping and an average") {
  if (!can_count()) return;
  const auto check = [&]<class Options>(const Options& options) {
    CAPTURE(Options::name);
    nn::Sequential net = mlp({6, 20, 3}, nn::Activation("tanh"));
    const Tensor x = randn({30, 6}), y = cast(rand({30}) * 3, int64);
    const std::vector<Tensor> parameters = net.parameters();
    optim::OptimizerOf<Options> optimizer(parameters, options);
    optim::CosineAnnealingLR schedule(optimizer, {.T_max = 30});
    optim::WeightAverage average(parameters, {.decay = 0.9});
    const auto step = [&] {
      optimizer.zero_grad();
      nn::cross_entropy(net(x), y).backward();
      optim::clip_grad_norm(parameters, 0.1);
      optimizer.step();
      schedule.step();
      average.update();
    };
    for (int i = 0; i < 5; ++i) step();
    CHECK(heap_requests(step) == 0);
  };
  check(optim::SGDOptions{.lr = 0.1, .momentum = 0.9, .nesterov = true});
  check(optim::ASGDOptions{});
  check(optim::AdagradOptions{});
  check(optim::RMSpropOptions{.momentum = 0.9, .centered = true});
  check(optim::AdadeltaOptions{});
  check(optim::AdamOptions{.amsgrad = true});
  check(optim::AdamWOptions{});
  check(optim::NAdamOptions{});
  check(optim::RAdamOptions{});
  check(optim::AdamaxOptions{});
  check(optim::RpropOptions{});
  check(optim::LionOptions{});
}
