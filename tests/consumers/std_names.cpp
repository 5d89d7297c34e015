// Names of the standard library beside those of xtape, both namespaces opened: no ambiguities.
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <complex>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <iostream>
#include <map>
#include <memory>
#include <numeric>
#include <random>
#include <string>
#include <valarray>
#include <vector>
#include <xtape/xtape.hpp>

using namespace std;
using namespace xtape;

const auto leaky = elementwise("leaky", [](auto x, auto a) {
  return where(x > 0, x, a * tanh(exp(x) - 1)) + abs(x) * sqrt(pow(x, 2) + 1) - log1p(abs(x));
});

int main() {
  const vector<double> numbers = {-1.5, 0, 2};
  Tensor x = Tensor::from(numbers.data(), {3});
  x.requires_grad(true);
  const Tensor y = exp(x) + expm1(x) + log(abs(x) + 1) + log1p(abs(x)) + sqrt(abs(x)) + sin(x) +
                   cos(x) + tanh(x) + erf(x) + erfc(x) + pow(x, 2) + pow(2.0, x) + pow(x, x * 0);
  const Tensor z = relu(y) + threshold(y) + maximum(x, 1) + minimum(1, x) + square(x) + sign(x) -
                   leaky(x, 0.5) + sigmoid(x) + softplus(-x);
  const Tensor chosen = max(x, 0).values + min(x) + max(x) - min(x, 0, true).values +
                        sum(sort(x).values) + sort(x, 0, true).values + norm(x) + norm(x, 2, 0) +
                        prod(x) + var(x) + median(x) + count_nonzero(x) + any(x) + all(x, 0);
  const Tensor loss = sum(z) + mean(z) + amax(z) + logsumexp(z) + sum(chosen);
  loss.backward();
  cout << x.grad().shape().str() << " " << (isfinite(loss.item<double>()) ? "finite" : "not")
       << "\n";

  Tensor part = index(flip(y, 0), {range(_, 2), newaxis}) + index(z, {ellipsis, 0});
  part = cat({pad(part, {{1, 1}, {0, 0}}), roll(part, 1)}) * uniform(1, 2, {}) +
         sum(take(x, nonzero(x)));
  cout << equal(tile(x, 2), repeat_interleave(x, 2)) << allclose(x, x) << " "
       << split(part, 1).size() << unbind(diag(part), 0).size() << "\n";

  const double d = exp(1.0) + tanh(0.5) + abs(-2.5) + pow(2.0, 3) + pow(2, 0.5) + sqrt(2.f) +
                   log(3.0) + erf(0.1) + sin(1) + fmax(1.0, 2.0) + max(1, 2) + round(2.5);
  const int whole = abs(-3) + accumulate(numbers.begin(), numbers.end(), 0);
  const complex<double> c = exp(complex<double>(0, 1)) * abs(complex<double>(3, 4));
  const valarray<double> v = exp(valarray<double>{1, 2});
  const auto at = find(numbers.begin(), numbers.end(), 2) - numbers.begin();
  cout << (d > 20) << " " << whole << " " << abs(c) << " " << v.size() << " " << at << "\n\n";
  cout << find("relu").record.name << " " << activation("tanh")(x).shape().str() << "\n";
}

// Output:
//   [3] finite
//   01 61
//   1 4 5 2 2
//
//   relu [3]
