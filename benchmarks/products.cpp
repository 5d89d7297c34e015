// The library's matrix products beside those of OpenBLAS and oneDNN, and its convolutions beside
// the way by columns and oneDNN's direct ones and Winograd's, on one thread: why they are made as
// they are. Prints the tables of docs/benchmarks.md.
#include <dlfcn.h>
#include <fmt/format.h>
#include <xflens/cxxblas/drivers/cblas.h>

#include <algorithm>
#include <chrono>
#include <oneapi/dnnl/dnnl.hpp>
#include <vector>
#include <xtape/ops/gemm.hpp>
#include <xtape/xtape.hpp>

namespace {

template <class F>
double milliseconds(const F& f) {
  using Clock = std::chrono::steady_clock;
  const auto once = [&] {
    const auto start = Clock::now();
    f();
    return std::chrono::duration<double, std::milli>(Clock::now() - start).count();
  };
  once();
  double best = once();
  for (double total = best; total < 100; total += best) best = std::min(best, once());
  return best;
}

void compare_products() {
  struct Product {
    const char* what;
    int m, n, k;
    bool ta, tb;
  };
  const Product all[] = {{"512", 512, 512, 512, false, false},
                         {"layer forward", 128, 512, 784, false, true},
                         {"layer, input", 128, 784, 512, false, false},
                         {"layer, weights", 512, 784, 128, true, false},
                         {"head of attention", 128, 128, 64, false, true},
                         {"step of an LSTM", 32, 1024, 256, false, true},
                         {"tiny layer", 32, 16, 16, false, true},
                         {"row and matrix", 1, 512, 512, false, true}};
  fmt::print("| product | sizes | xtape GFLOP/s | OpenBLAS | oneDNN |\n|---|---|---|---|---|\n");
  for (const auto& [what, m, n, k, ta, tb] : all) {
    const std::vector<float> a(m * k, 0.5F), b(k * n, 0.25F);
    std::vector<float> c(m * n);
    const int lda = ta ? m : k, ldb = tb ? k : n;
    const double flop = 2e-6 * m * n * k;
    const double own = milliseconds([&, m = m, n = n, k = k, ta = ta, tb = tb] {
      using Matrix = xtape::detail::Matrix<const float>;
      xtape::detail::gemm(m, n, k, Matrix{a.data(), ta ? 1 : k, ta ? m : 1},
                          Matrix{b.data(), tb ? 1 : n, tb ? k : 1}, c.data(), n, false);
    });
    const double blas = milliseconds([&, m = m, n = n, k = k, ta = ta, tb = tb] {
      cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, m,
                  n, k, 1, a.data(), lda, b.data(), ldb, 0, c.data(), n);
    });
    const double onednn = milliseconds([&, m = m, n = n, k = k, ta = ta, tb = tb] {
      dnnl_sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, 1, a.data(), lda, b.data(), ldb, 0,
                 c.data(), n);
    });
    fmt::print("| {} | {} x {} x {} | {:.0f} | {:.0f} | {:.0f} |\n", what, m, n, k, flop / own,
               flop / blas, flop / onednn);
  }
}

// A convolution forward by oneDNN, from NCHW to NCHW; the result of algorithms that it does not
// have is negative.
double by_onednn(dnnl::algorithm algorithm, std::int64_t batch, std::int64_t channels,
                 std::int64_t filters, std::int64_t side) {
  using dnnl::memory;
  using Tag = memory::format_tag;
  try {
    const dnnl::engine engine(dnnl::engine::kind::cpu, 0);
    dnnl::stream stream(engine);
    const auto desc = [](const memory::dims& dims, Tag tag) {
      return memory::desc(dims, memory::data_type::f32, tag);
    };
    const memory::dims xs{batch, channels, side, side}, ws{filters, channels, 3, 3}, bs{filters},
        ys{batch, filters, side, side};
    const dnnl::convolution_forward::primitive_desc primitive({dnnl::prop_kind::forward_training,
                                                               algorithm,
                                                               desc(xs, Tag::any),
                                                               desc(ws, Tag::any),
                                                               desc(bs, Tag::x),
                                                               desc(ys, Tag::any),
                                                               {1, 1},
                                                               {1, 1},
                                                               {1, 1}},
                                                              engine);
    memory x(desc(xs, Tag::nchw), engine), w(desc(ws, Tag::oihw), engine),
        bias(desc(bs, Tag::x), engine), y(desc(ys, Tag::nchw), engine);
    for (memory* each : {&x, &w, &bias})
      std::fill_n(static_cast<float*>(each->get_data_handle()),
                  each->get_desc().get_size() / sizeof(float), 0.1F);
    memory inner_x(primitive.src_desc(), engine), inner_w(primitive.weights_desc(), engine),
        inner_y(primitive.dst_desc(), engine);
    dnnl::convolution_forward convolution(primitive);
    return milliseconds([&] {
      dnnl::reorder(w, inner_w).execute(stream, w, inner_w);
      const bool same_x = primitive.src_desc() == x.get_desc();
      const bool same_y = primitive.dst_desc() == y.get_desc();
      if (!same_x) dnnl::reorder(x, inner_x).execute(stream, x, inner_x);
      convolution.execute(stream, {{DNNL_ARG_SRC, same_x ? x : inner_x},
                                   {DNNL_ARG_WEIGHTS, inner_w},
                                   {DNNL_ARG_BIAS, bias},
                                   {DNNL_ARG_DST, same_y ? y : inner_y}});
      if (!same_y) dnnl::reorder(inner_y, y).execute(stream, inner_y, y);
      stream.wait();
    });
  } catch (const dnnl::error&) {
    return -1;
  }
}

void compare_convolutions() {
  fmt::print(
      "\n| channels, filters, image | xtape ms | by columns | oneDNN, direct | oneDNN, Winograd "
      "|\n");
  fmt::print("|---|---|---|---|---|\n");
  const std::int64_t batch = 64;
  struct Shape {
    std::int64_t channels, filters, side;
  };
  for (const auto& [channels, filters, side] :
       {Shape{3, 32, 32}, Shape{32, 64, 16}, Shape{64, 64, 32}, Shape{128, 128, 8}}) {
    const xtape::NoGrad off;
    const xtape::Tensor x = xtape::full({batch, channels, side, side}, 0.1);
    const xtape::Tensor w = xtape::full({filters, channels, 3, 3}, 0.1);
    const xtape::Tensor bias = xtape::full({filters}, 0.1);
    const double own = milliseconds([&] { xtape::conv2d(x, w, bias, {.padding = 1}); });
    const double by_columns =
        milliseconds([&] { xtape::conv2d(x, w, bias, {.padding = 1, .winograd = false}); });
    fmt::print("| {}, {}, {} x {} | {:.2f} | {:.2f} |", channels, filters, side, side, own,
               by_columns);
    for (auto algorithm :
         {dnnl::algorithm::convolution_direct, dnnl::algorithm::convolution_winograd}) {
      const double other = by_onednn(algorithm, batch, channels, filters, side);
      fmt::print(" {} |", other < 0 ? "-" : fmt::format("{:.2f}", other));
    }
    fmt::print("\n");
  }
}

}  // namespace

int main() {
  xtape::set_num_threads(1);
  for (const char* set : {"openblas_set_num_threads", "omp_set_num_threads"})
    if (void* const function = dlsym(RTLD_DEFAULT, set))
      reinterpret_cast<void (*)(int)>(function)(1);
  const float one = 1;
  float out = 0;
  const auto start = std::chrono::steady_clock::now();
  dnnl_sgemm('N', 'N', 1, 1, 1, 1, &one, 1, &one, 1, 0, &out, 1);
  const double first =
      std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - start).count();
  compare_products();
  fmt::print("\nThe first product of oneDNN takes {:.0f} ms.\n", first);
  compare_convolutions();
}
