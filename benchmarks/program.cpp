// The program of the README written against libtorch, whose C++ frontend has no gradcheck.
#include <torch/torch.h>

#include <cstdio>

torch::Tensor rectifier(const torch::Tensor& x, const torch::Tensor& t, const torch::Tensor& a) {
  return torch::where(x > t, x, t + a * (x - t));
}

int main() {
  const auto learnt = torch::requires_grad();
  const torch::Tensor x = torch::tensor({-2., -1., 0., 1., 2.}, learnt);
  const torch::Tensor t = torch::tensor({0.5}, learnt), a = torch::tensor({0.25}, learnt);
  const torch::Tensor loss = torch::sum(torch::square(rectifier(x, t, a)));
  loss.backward();
  std::printf("loss %g, slopes in t %g and a %g\n", loss.item<double>(), t.grad().item<double>(),
              a.grad().item<double>());
}
