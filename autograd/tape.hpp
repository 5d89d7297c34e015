// The tape: what every operation leaves behind, and the walk back along it.
//
//   forward    y = op(x0, x1, ...)      leaves a Node with edges to the nodes of its inputs
//   backward   dL/dx_i += vjp_i(dL/dy)  from the newest node to the oldest
//
// Nodes are numbered as they are made, so an operation always has a higher number than what it was
// computed from: taking the highest pending number next visits every node after all its users.
// Nothing here recurses, so the length of a chain is limited by memory alone.
#pragma once

#include <concepts>
#include <functional>
#include <initializer_list>
#include <memory>
#include <new>
#include <span>
#include <xtape/autograd/pool.hpp>
#include <xtape/autograd/tensor.hpp>

namespace xtape {

class Backward;

/// Sees a gradient that is complete, and may give another to take its place.
using Hook = std::function<Tensor(const Tensor& grad)>;

/// What the user wants of the gradients that arrive at a node; most nodes have none.
struct Watch {
  struct Hooked {
    std::uint32_t output;
    std::uint64_t id;
    Hook hook;
  };
  std::vector<Hooked> hooks;
  std::unique_ptr<Tensor[]> kept;  // by output, after every walk, if retain_grad() asked for it
  Tensor arriving;                 // at a leaf with hooks: the sum of one walk
};

/// One recorded operation, or a leaf that collects its gradient. Subclasses hold what their vjp
/// needs besides the inputs. A node lives in one pooled block with its inputs and slots behind it.
class Node {
 public:
  struct Input {
    Node* node = nullptr;       // holds a reference; null if no gradient flows there
    Value* value = nullptr;     // holds a reference; null if the vjp does not need the value
    std::uint32_t output = 0;   // which output of `node` the input is
    std::uint32_t version = 0;  // of the value when it was saved

    void drop_value() {
      if (value) Ref<Value>::adopt(std::exchange(value, nullptr));
    }
  };

  Count<std::uint32_t> refs{1};
  bool queued = false;  // waits in the walk of a backward()
  bool freed = false;   // what it saved is gone
  const char* op;
  Location where;
  std::uint64_t sequence;
  std::span<Input> inputs;
  std::span<Tensor> grads;  // one for each output: what has arrived so far
  std::unique_ptr<Watch> watch;

  virtual ~Node() = default;
  /// Hands every input its share of the gradient of the outputs.
  virtual void vjp(Backward& backward) = 0;
  /// The tangent of the only output from those of the inputs (not defined() where there is none),
  /// or not defined() if the node knows no shorter way to it than by its vjp.
  virtual Tensor jvp(std::span<const Tensor> /*tangents*/, const Tensor& /*output*/) { return {}; }
  virtual bool is_leaf() const { return false; }
  /// The gradient of an output that outlives the walk, or null if none does.
  Tensor* kept_grad(std::uint32_t output);
  bool has_hooks() const { return watch && !watch->hooks.empty(); }
  Shape shape(std::uint32_t output) const;
  DType dtype(std::uint32_t output) const;
  /// Whether a tensor has the shape and the element type of an output.
  bool is_like(std::uint32_t output, const Tensor& tensor) const;
  static void destroy(Node* node) noexcept;

  /// Makes a node of type N from `arguments`, with its trailing arrays, in one block.
  template <class N, class... A>
  static Ref<Node> make(const char* op, const Location& where, std::size_t inputs,
                        std::span<const Tensor> outputs, A&&... arguments) {
    const std::size_t head = (sizeof(N) + 15) / 16 * 16;
    const std::size_t bytes = head + inputs * sizeof(Input) + tail_bytes(outputs);
    char* block = static_cast<char*>(pool::allocate(bytes));
    Node* node = new (block) N{std::forward<A>(arguments)...};
    node->lay_out(op, where, block + head, inputs, outputs, bytes);
    return Ref<Node>::adopt(node);
  }

 private:
  static std::size_t tail_bytes(std::span<const Tensor> outputs);
  void lay_out(const char* name, const Location& at, char* tail, std::size_t input_count,
               std::span<const Tensor> outputs, std::size_t bytes);
  const std::int64_t* sizes(std::uint32_t output) const;
  const std::int64_t* sizes_ = nullptr;  // of each output: the element type, the rank, the sizes
  std::size_t bytes_ = 0;
  Node* next_doomed_ = nullptr;
  friend struct Doomed;
};

/// An input of an operation that is being recorded: saved() if its vjp reads the value.
struct Operand {
  const Tensor& tensor;
  bool save;
};
inline Operand saved(const Tensor& tensor) { return {tensor, true}; }
inline Operand unsaved(const Tensor& tensor) { return {tensor, false}; }

/// What a vjp sees: the gradients that arrived, the saved inputs, and where the shares go.
class Backward {
 public:
  Backward(Node& node, bool create_graph) : node_(node), create_graph_(create_graph) {}
  /// Of a node outside of a walk: the recorded shares of the inputs that are `wanted` (defined())
  /// are left in `shares`.
  Backward(Node& node, std::span<const Tensor> wanted, std::span<Tensor> shares)
      : node_(node), create_graph_(true), wanted_(wanted.data()), shares_(shares.data()) {}

  /// The gradient of an output; not defined() if none arrived there.
  const Tensor& grad(int output = 0) const { return node_.grads[output]; }
  /// Whether an input wants its share.
  bool needs(int input) const {
    return wanted_ ? wanted_[input].defined() : node_.inputs[input].node != nullptr;
  }
  int input_count() const { return static_cast<int>(node_.inputs.size()); }
  /// A saved input with its place on the tape. Throws StaleValueError if it was changed since.
  Tensor input(int index) const;
  /// The first output with its place on the tape, if it was saved as the last operand.
  Tensor result() const;
  /// A saved input with its place on the tape even if the shares are not recorded, for computing
  /// something again.
  Tensor attached(int index) const;
  /// Adds to the gradient of an input; an undefined tensor adds nothing. Move the share in, or give
  /// a temporary, if nobody else needs it: then it can become the gradient without a copy.
  /// Throws ShapeError if the share is not like the input.
  void give(int input, Tensor share);
  /// Adds to the gradient of a tensor that the vjp itself has recorded; the walk goes on from
  /// there.
  void resume(const Tensor& tensor, const Tensor& share);
  /// A gradient that has arrived at the input already and may be added to in place, or null.
  Tensor* accumulator(int input) const;
  /// True if the shares must be computed by operations, which are recorded or carry tangents.
  bool create_graph() const { return create_graph_; }
  Node& node() const { return node_; }

 private:
  Node& node_;
  bool create_graph_;
  const Tensor* wanted_ = nullptr;
  Tensor* shares_ = nullptr;
};

/// Whether operations are recorded on this thread.
bool grad_enabled();

/// While one lives, operations on this thread are recorded, or not. May be nested.
class GradMode {
 public:
  explicit GradMode(bool on);
  ~GradMode();
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool before_;
};
struct NoGrad : GradMode {
  NoGrad() : GradMode(false) {}
};
struct EnableGrad : GradMode {
  EnableGrad() : GradMode(true) {}
};

/// Anomaly mode: every operation, forward and backward, checks its result, and the first NaN or
/// infinity throws AnomalyError with the operation and the line that made it. Also switched on by
/// the environment variable XTAPE_ANOMALY=1.
void set_anomaly(bool on);
bool anomaly_enabled();

/// The number that the next node will get: nodes made from now on have no lower one.
std::uint64_t next_node();

/// True if an operation on these inputs must be recorded.
bool must_record(std::span<const Operand> inputs);

namespace detail {

/// Fills in the saved values of a new node, gives `outputs` their tangents, and puts the node on
/// the tape with its edges and outputs if it belongs there.
void connect(const Ref<Node>& node, std::span<const Operand> inputs,
             std::span<const Tensor> outputs, bool on_tape);
/// True if an input carries a tangent: forward.cpp.
bool carries_tangent(std::span<const Operand> inputs);

/// Whether anomaly mode is on or a Profile is alive.
bool observed();
/// Throws AnomalyError if an output is not finite although all inputs are.
void check_finite(const char* op, const Location& where, std::span<const Operand> inputs,
                  std::span<const Tensor> outputs);
/// The same, except for operations whose results may not be chosen.
void check_forward(const char* op, const Location& where, std::span<const Operand> inputs,
                   std::span<const Tensor> outputs);
/// Tells the profiles, and in anomaly mode checks the outputs.
void observe(const char* op, const Location& where, std::span<const Operand> inputs,
             std::span<const Tensor> outputs);

template <class F>
struct VjpNode final : Node {
  F function;
  explicit VjpNode(F f) : function(std::move(f)) {}
  void vjp(Backward& backward) override { function(backward); }
  Tensor jvp(std::span<const Tensor> tangents, const Tensor& output) override {
    if constexpr (requires { function.jvp(Backward(*this, false), tangents, output); })
      return function.jvp(Backward(*this, false), tangents, output);
    else return Tensor();
  }
};

}  // namespace detail

/// Finishes an operation: records it with `vjp`, a callable on Backward&, if a gradient flows to
/// one of its inputs, and in anomaly mode checks the outputs.
template <class F>
void record(const char* op, const Location& where, std::span<const Operand> inputs,
            std::span<const Tensor> outputs, F vjp) {
  if (detail::observed()) detail::observe(op, where, inputs, outputs);
  const bool on_tape = must_record(inputs);
  if (!on_tape && !detail::carries_tangent(inputs)) return;
  detail::connect(Node::make<detail::VjpNode<F>>(op, Caller::or_else(where), inputs.size(), outputs,
                                                 std::move(vjp)),
                  inputs, outputs, on_tape);
}

/// The usual case: one output, which is also returned.
template <class F>
Tensor record(const char* op, const Location& where, std::initializer_list<Operand> inputs,
              Tensor output, F vjp) {
  record(op, where, std::span<const Operand>(inputs.begin(), inputs.size()),
         std::span<const Tensor>(&output, 1), std::move(vjp));
  return output;
}

/// Walks back from several tensors at once, each with a seed of its shape, and adds to the
/// gradients of the leaves. A seed that is not defined() is 1, for a tensor with one element.
/// Throws as Tensor::backward().
void backward(std::span<const Tensor> roots, std::span<const Tensor> seeds,
              const BackwardOptions& options = {}, Location where = {});

struct GradOptions {
  bool retain_graph = false;  ///< keep what the tape saved, to differentiate once more
  bool create_graph = false;  ///< record the gradients' own computation; implies retain_graph
  bool allow_unused = false;  ///< where an input has no influence the result is not defined()
};

/// The gradients of sum(seed * root) with respect to `inputs`, leaves or not, without touching the
/// gradients that tensors keep; seeds as for backward(). More ways to call it: functional.hpp.
/// Threads may call it for graphs that share leaves and nothing else; backward() wants leaves of
/// its own. Throws GradError if an input does not require gradients, or has no influence and that
/// is not allowed; otherwise as Tensor::backward().
std::vector<Tensor> grad(std::span<const Tensor> roots, std::span<const Tensor> inputs,
                         std::span<const Tensor> seeds, const GradOptions& options = {},
                         Location where = {});
/// The same for one root with one element: grad(loss, {x, w}, {.create_graph = true}).
std::vector<Tensor> grad(const Tensor& root, const std::vector<Tensor>& inputs,
                         const GradOptions& options = {}, Location where = {});

}  // namespace xtape
