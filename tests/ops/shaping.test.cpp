#include <xtape/ops/shaping.hpp>

#include "../blames.hpp"
#include "places.hpp"

using namespace check;

TEST_CASE("shaping: reshape and its relatives share memory") {
  const Tensor x = counted({2, 3, 4});
  for (const Tensor& view : {reshape(x, {6, -1}), reshape(x, {-1}), reshape(x, Shape{24, 1}),
                             reshape(x, std::vector<std::int64_t>{-1, 8}), flatten(x),
                             flatten(x, 1), flatten(x, 0, -2), unsqueeze(x, 0), unsqueeze(x, -1),
                             squeeze(reshape(x, {1, 24}), 0), squeeze(reshape(x, {1, 4, 1, 6}))}) {
    CHECK(view.data<double>() == x.data<double>());
    CHECK(numbers(view) == numbers(x));
  }
  CHECK(reshape(x, {6, -1}).shape() == Shape{6, 4});
  CHECK(flatten(x, 1).shape() == Shape{2, 12});
  CHECK(flatten(x, 0, -2).shape() == Shape{6, 4});
  CHECK(flatten(Tensor(3)).shape() == Shape{1});
  CHECK(unsqueeze(x, -1).shape() == Shape{2, 3, 4, 1});
  CHECK(unsqueeze(x, -4).shape() == Shape{1, 2, 3, 4});
  CHECK(unsqueeze(Tensor(3), 0).shape() == Shape{1});
  CHECK(squeeze(x, 1).shape() == Shape{2, 3, 4});
  CHECK(squeeze(reshape(x, {1, 4, 1, 6})).shape() == Shape{4, 6});
  CHECK(squeeze(ones({1, 1})).rank() == 0);
  CHECK(squeeze(zeros({1, 0})).shape() == Shape{0});
  CHECK(squeeze(Tensor(3), -1).rank() == 0);
  CHECK(reshape(Tensor({3}), {}).rank() == 0);
  CHECK(reshape(zeros({0, 3}), {3, -1}).shape() == Shape{3, 0});
  CHECK(reshape(zeros({0, 3}), {0, 7}).shape() == Shape{0, 7});
  CHECK(reshape(Tensor(3), {-1, 1}).shape() == Shape{1, 1});
  CHECK_BLAMES(IndexError, "flatten: axis 1 of a tensor with 1 axes", flatten(Tensor(3), 0, 1));
}

TEST_CASE("shaping: permute and transpose against loops, for every type") {
  const std::vector<std::pair<Shape, std::vector<std::int64_t>>> cases = {
      {{5}, {0}},
      {{3, 70}, {1, 0}},
      {{2, 3, 4}, {2, 0, 1}},
      {{2, 3, 4}, {0, 2, 1}},
      {{2, 3, 4}, {-1, 1, 0}},
      {{33, 2, 35}, {2, 1, 0}},
      {{2, 3, 4, 5}, {3, 1, 0, 2}},
      {{2, 17, 19, 3}, {0, 2, 1, 3}},
      {{2, 18, 3, 7}, {0, 2, 3, 1}},
      {{2, 3, 7, 18}, {0, 3, 1, 2}},
      {{1, 5, 1}, {2, 1, 0}},
      {{0, 3}, {1, 0}},
      {{}, {}}};
  for (const auto& each : cases)
    for (DType dtype : {float32, float64, int64, boolean}) {
      const Shape& shape = each.first;
      const std::vector<std::int64_t>& dims = each.second;
      const Tensor x = dtype == boolean ? counted(shape) > 3 : counted(shape, dtype);
      const Numbers in = numbers(x);
      const std::int64_t rank = shape.rank();
      Shape permuted;
      for (const std::int64_t dim : dims)
        permuted.push_back(shape[static_cast<int>((dim + rank) % rank)]);
      const Tensor out = permute(x, dims);
      CHECK(matches(out, permuted, [&](const Place& place) {
        std::int64_t flat = 0;
        for (std::int64_t axis = 0; axis < rank; ++axis)
          for (std::size_t j = 0; j < dims.size(); ++j)
            if ((dims[j] + rank) % rank == axis)
              flat = flat * shape[static_cast<int>(axis)] + place[j];
        return in[static_cast<std::size_t>(flat)];
      }));
      CHECK(out.dtype() == dtype);
    }
  CHECK(numbers(transpose(counted({2, 3}))) == Numbers{0, 3, 1, 4, 2, 5});
  CHECK(transpose(counted({2, 3, 4}), 0, 2).shape() == Shape{4, 3, 2});
  CHECK(transpose(counted({2, 3, 4}), 1, 1).shape() == Shape{2, 3, 4});
}

TEST_CASE("shaping: movedim") {
  const Tensor x = counted({2, 3, 4, 5});
  CHECK(equal(movedim(x, 0, -1), permute(x, {1, 2, 3, 0})));
  CHECK(equal(movedim(x, {3, 0}, {0, 1}), permute(x, {3, 0, 1, 2})));
  CHECK(equal(movedim(x, {0, 1}, {2, 0}), permute(x, {1, 2, 0, 3})));
  CHECK(equal(movedim(x, {}, {}), x));
  CHECK_BLAMES(ValueError, "movedim: 2 axes to 1 places", movedim(x, {0, 1}, 0));
  CHECK_BLAMES(IndexError, "movedim: an axis is named twice: [0, 0] to [1, 2]",
               movedim(x, {0, 0}, {1, 2}));
  CHECK_BLAMES(IndexError, "movedim: an axis is named twice: [0, 1] to [2, -2]",
               movedim(x, {0, 1}, {2, -2}));
  CHECK_BLAMES(IndexError, "movedim: axis 4 of a tensor with 4 axes", movedim(x, 4, 0));
}

TEST_CASE("shaping: slopes of first and second order") {
  check_slopes({
                   [](auto& x) {
                     return reshape(x[0], {4, 2});
                   },
                   [](auto& x) { return flatten(x[0]); },
                   [](auto& x) { return squeeze(unsqueeze(x[0], 1)); },
                   [](auto& x) {
                     return permute(x[0], {1, 0});
                   },
                   [](auto& x) {
                     return transpose(reshape(x[0], {2, 2, 2}), 0, 2);
                   },
                   [](auto& x) {
                     return movedim(reshape(x[0], {2, 2, 2}), 0, 2);
                   },
               },
               {sin(counted({2, 4}) + 0.4)});
}
