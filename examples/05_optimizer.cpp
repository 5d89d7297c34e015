// An optimizer of one's own is its update rule: groups, states and schedules come with it.
#include <cstdio>
#include <xtape/xtape.hpp>

using namespace xtape;

// m <- beta m + (1 - beta) g, p <- p - lr sign(m)
struct SignumOptions {
  double lr = 1e-2, beta = 0.9;

  static constexpr const char* name = "Signum";
  static constexpr std::array buffers = {"exp_avg"};
  template <class Self, class F>
  static void each(Self& o, F f) {  // what is checked, saved and restored
    f("lr", o.lr, optim::Bounds::not_negative);
    f("beta", o.beta, optim::Bounds::fraction);
  }
  void update(optim::Update& u) const {
    u.apply<0>([lr = lr, keep = beta, take = 1 - beta](auto& p, auto g, auto& m) {
      m = keep * m + take * g;
      p = p - lr * sign(m);
    });
  }
};
using Signum = optim::OptimizerOf<SignumOptions>;

int main() {
  const Tensor x = arange(0, 1, 0.01, float64), y = 2 * x - 1;
  const Tensor w = zeros({}, float64).requires_grad(true),
               b = zeros({}, float64).requires_grad(true);

  Signum signum({w}, {.lr = 0.05});
  signum.add_group({b}).beta = 0.8;  // as the first group but for beta
  optim::CosineAnnealingLR schedule(signum, {.T_max = 400});
  for (int step = 0; step < 400; ++step) {
    signum.zero_grad();
    mean(square(w * x + b - y)).backward();
    signum.step();
    schedule.step();
  }
  std::printf("y = %.2f x %+.2f\n", w.item<double>(), b.item<double>());
  for (const auto& [name, tensor] : signum.state_dict())
    std::printf("%-19s %s %s\n", name.c_str(), name_of(tensor.dtype()),
                tensor.shape().str().c_str());
}

// Output:
//   y = 2.00 x -1.00
//   groups.0.beta       float64 []
//   groups.0.initial_lr float64 []
//   groups.0.lr         float64 []
//   groups.1.beta       float64 []
//   groups.1.initial_lr float64 []
//   groups.1.lr         float64 []
//   state.0.exp_avg     float64 []
//   state.0.step        int64 []
//   state.1.exp_avg     float64 []
//   state.1.step        int64 []
