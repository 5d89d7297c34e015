// The perceptron of `bench` as a static graph of ggml. Its CPU backend computes all but the
// products, which OpenBLAS computes, as ggml's BLAS backend has it do: so no ggml need be built
// with that backend. XTAPE_GGML_PRODUCTS=own leaves them to the kernels of the CPU backend.
#include <ggml-alloc.h>
#include <ggml-backend.h>
#include <ggml.h>
#include <xflens/cxxblas/drivers/cblas.h>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <random>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>
#include <xtape/tools/bench/workloads.hpp>

#include "openblas.hpp"

namespace {

using namespace bench;
using Tensor = ggml_tensor*;

template <auto free>
struct Free {
  template <class T>
  void operator()(T* what) const {
    free(what);
  }
};
using Context = std::unique_ptr<ggml_context, Free<ggml_free>>;
using Backend = std::unique_ptr<std::remove_pointer_t<ggml_backend_t>, Free<ggml_backend_free>>;
using Buffer =
    std::unique_ptr<std::remove_pointer_t<ggml_backend_buffer_t>, Free<ggml_backend_buffer_free>>;
using Allocator = std::unique_ptr<std::remove_pointer_t<ggml_gallocr_t>, Free<ggml_gallocr_free>>;

constexpr std::size_t most_nodes = 4096;

Context make_context() {
  // room for tensors without their data, for the graph, and for a piece of it at each node
  return Context(ggml_init({.mem_size = most_nodes * (2 * ggml_tensor_overhead() +
                                                      ggml_graph_overhead_custom(1, false)) +
                                        2 * ggml_graph_overhead_custom(most_nodes, true),
                            .mem_buffer = nullptr,
                            .no_alloc = true}));
}

bool has_own_products() {
  const char* const products = std::getenv("XTAPE_GGML_PRODUCTS");
  return products && std::string_view(products) == "own";
}

// Whether ggml's BLAS backend would take a node: it leaves small products of rows, and what does
// not lie as it is, to the CPU backend.
bool is_for_blas(const ggml_tensor& node) {
  constexpr std::int64_t least = 32;
  const Tensor b = node.src[0], a = node.src[1];
  if (node.op == GGML_OP_MUL_MAT)
    return ggml_is_contiguous(a) && ggml_is_contiguous(b) && node.ne[0] >= least &&
           node.ne[1] >= least && a->ne[0] >= least;
  return node.op == GGML_OP_OUT_PROD && ggml_is_matrix(a) && ggml_is_matrix(b) &&
         ggml_is_contiguous(b) && (ggml_is_contiguous(a) || ggml_is_transposed(a));
}

// In rows: MUL_MAT is a b^T, OUT_PROD a^T b, where a may be a transposed view.
void multiply(const ggml_tensor& node) {
  const Tensor b = node.src[0], a = node.src[1];
  const bool outer = node.op == GGML_OP_OUT_PROD, turned = outer && !ggml_is_transposed(a);
  const auto m = static_cast<int>(node.ne[1]), n = static_cast<int>(node.ne[0]);
  const auto k = static_cast<int>(b->ne[outer ? 1 : 0]);
  cblas_sgemm(CblasRowMajor, turned ? CblasTrans : CblasNoTrans, outer ? CblasNoTrans : CblasTrans,
              m, n, k, 1, static_cast<const float*>(a->data), turned ? m : k,
              static_cast<const float*>(b->data), outer ? n : k, 0, static_cast<float*>(node.data),
              n);
}

// A step: parameters that are kept, and the nodes that are computed each time.
class Training {
 public:
  Training(const Mlp& o, ggml_backend_t backend)
      : backend_(backend), kept_(make_context()), computed_(make_context()) {
    const std::int64_t classes = o.sizes.back();
    const Tensor x = keep(o.sizes[0], o.batch), labels = keep(classes, o.batch);
    const Tensor settings = keep(2), one = keep(1);
    std::vector<Tensor> parameters;
    Tensor y = x;
    for (std::size_t i = 0; i + 1 < o.sizes.size(); ++i) {
      const Tensor weight = keep(o.sizes[i], o.sizes[i + 1]), bias = keep(o.sizes[i + 1]);
      for (const Tensor parameter : {weight, bias}) {
        ggml_set_param(parameter);
        parameters.push_back(parameter);
      }
      y = ggml_add(computed_.get(), ggml_mul_mat(computed_.get(), weight, y), bias);
      if (i + 2 < o.sizes.size()) y = ggml_relu(computed_.get(), y);
    }
    const Tensor loss = ggml_cross_entropy_loss(computed_.get(), y, labels);
    ggml_set_loss(loss);
    ggml_set_output(loss);
    ggml_cgraph* const graph = ggml_new_graph_custom(computed_.get(), most_nodes, true);
    ggml_build_forward_expand(graph, loss);
    // the gradient that the loss has to begin with
    std::vector<Tensor> gradients(static_cast<std::size_t>(ggml_graph_n_nodes(graph)), nullptr);
    gradients.back() = one;
    ggml_build_backward_expand(computed_.get(), graph, gradients.data());
    // an update knows no momentum, which nodes before it add
    std::vector<Tensor> velocities;
    for (const Tensor parameter : parameters) {
      velocities.push_back(keep(parameter->ne[0], parameter->ne[1]));
      const Tensor velocity = ggml_add_inplace(
          computed_.get(), ggml_scale_inplace(computed_.get(), velocities.back(), 0.9F),
          ggml_graph_get_grad(graph, parameter));
      ggml_build_forward_expand(graph,
                                ggml_opt_step_sgd(computed_.get(), parameter, velocity, settings));
    }
    memory_.reset(ggml_backend_alloc_ctx_tensors(kept_.get(), backend));
    allocator_.reset(ggml_gallocr_new(ggml_backend_get_default_buffer_type(backend)));
    if (!memory_ || !ggml_gallocr_alloc_graph(allocator_.get(), graph))
      throw std::runtime_error("ggml found no memory");
    fill(o, x, labels, parameters);
    set(settings, {static_cast<float>(o.lr), 0});
    set(one, {1});
    for (const Tensor velocity : velocities)
      set(velocity, std::vector<float>(static_cast<std::size_t>(ggml_nelements(velocity))));
    cut(graph);
  }

  void step() {
    for (const Piece& piece : pieces_) {
      if (piece.others) compute(piece.others);
      if (piece.product) multiply(*piece.product);
    }
  }

 private:
  // Nodes for the CPU backend, then a product for OpenBLAS; either may be missing.
  struct Piece {
    ggml_cgraph* others;
    Tensor product;
  };

  Tensor keep(std::int64_t columns) {
    return ggml_new_tensor_1d(kept_.get(), GGML_TYPE_F32, columns);
  }
  Tensor keep(std::int64_t columns, std::int64_t rows) {
    return ggml_new_tensor_2d(kept_.get(), GGML_TYPE_F32, columns, rows);
  }

  static void set(Tensor tensor, const std::vector<float>& values) {
    ggml_backend_tensor_set(tensor, values.data(), 0, values.size() * sizeof(float));
  }

  void fill(const Mlp& o, Tensor x, Tensor labels, const std::vector<Tensor>& parameters) {
    std::mt19937 generator(0);
    const auto draw = [&](Tensor tensor, auto distribution) {
      std::vector<float> values(static_cast<std::size_t>(ggml_nelements(tensor)));
      for (float& value : values) value = distribution(generator);
      set(tensor, values);
    };
    draw(x, std::normal_distribution<float>());
    std::uniform_int_distribution<std::int64_t> any(0, o.sizes.back() - 1);
    std::vector<float> one_hot(static_cast<std::size_t>(o.batch * o.sizes.back()));
    for (std::int64_t i = 0; i < o.batch; ++i)
      one_hot[static_cast<std::size_t>(i * o.sizes.back() + any(generator))] = 1;
    set(labels, one_hot);
    for (std::size_t i = 0; i < parameters.size(); ++i) {
      const float bound = 1 / std::sqrt(static_cast<float>(o.sizes[i / 2]));
      draw(parameters[i], std::uniform_real_distribution<float>(-bound, bound));
    }
  }

  void cut(ggml_cgraph* graph) {
    if (has_own_products()) {
      pieces_.push_back({graph, nullptr});
      return;
    }
    std::vector<Tensor> others;
    for (int i = 0; i < ggml_graph_n_nodes(graph); ++i) {
      const Tensor node = ggml_graph_node(graph, i);
      if (is_for_blas(*node)) pieces_.push_back({graph_of(std::exchange(others, {})), node});
      else others.push_back(node);
    }
    pieces_.push_back({graph_of(others), nullptr});
  }

  ggml_cgraph* graph_of(const std::vector<Tensor>& nodes) {
    if (nodes.empty()) return nullptr;
    ggml_cgraph* const graph = ggml_new_graph_custom(computed_.get(), nodes.size(), false);
    for (const Tensor node : nodes) ggml_graph_add_node(graph, node);
    return graph;
  }

  void compute(ggml_cgraph* graph) {
    if (ggml_backend_graph_compute(backend_, graph) != GGML_STATUS_SUCCESS)
      throw std::runtime_error("ggml could not compute a graph");
  }

  ggml_backend_t backend_;
  Context kept_, computed_;
  Buffer memory_;
  Allocator allocator_;
  std::vector<Piece> pieces_;
};

class Ggml final : public Library {
 public:
  void set_threads(int threads) override {
    ggml_log_set(
        [](ggml_log_level level, const char* text, void*) {
          if (level == GGML_LOG_LEVEL_ERROR) std::fputs(text, stderr);
        },
        nullptr);
    // an installation may have a CPU backend for each kind of processor: the best is found there
    ggml_backend_load_all_from_path(GGML_FOLDER);
    const ggml_backend_dev_t device = ggml_backend_dev_by_type(GGML_BACKEND_DEVICE_TYPE_CPU);
    if (!device) throw std::runtime_error("ggml has no CPU backend in " GGML_FOLDER);
    backend_.reset(ggml_backend_dev_init(device, nullptr));
    const auto set =
        reinterpret_cast<ggml_backend_set_n_threads_t>(ggml_backend_reg_get_proc_address(
            ggml_backend_dev_backend_reg(device), "ggml_backend_set_n_threads"));
    if (!set) throw std::runtime_error("ggml's CPU backend does not take a number of threads");
    // Its threads spin until all are there, and wait long for a core that those of OpenBLAS hold:
    // what is between the products is faster with one.
    set(backend_.get(), has_own_products() ? threads : 1);
    set_openblas_threads(threads);
  }

  Step mlp(const Mlp& o) override {
    if (o.activation != "relu")
      throw std::invalid_argument("ggml has no gradient of " + o.activation + ", only of relu");
    if (o.batchnorm || o.dropout > 0 || o.optimizer != "sgd" || o.sizes.back() == 1)
      throw std::invalid_argument("mlp is written for ggml with classes and sgd only");
    const auto training = std::make_shared<Training>(o, backend_.get());
    for (std::int64_t i = 0; i < o.trained; ++i) training->step();
    return [training] { training->step(); };
  }

 private:
  Backend backend_;
};

}  // namespace

int main(int argc, char** argv) {
  Ggml ggml;
  return bench::run(argc, argv, ggml);
}
