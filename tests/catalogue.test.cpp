// Tests generated from the records alone: values. Slopes are in catalogue_slopes.test.cpp.
#include <doctest/doctest.h>

#include <xtape/tests/subject.hpp>

namespace {

using namespace xtape;
using subject::Numbers;
using subject::Subject;

constexpr DType floating[] = {float32, float64};

/// What is wrong with a value, or nothing. Within `steps` times what rounding each step of the text
/// can do; where the text itself is not a number at infinity there is nothing to compare with.
std::string wrong(const Subject& of, const Numbers& numbers, double got, DType dtype) {
  constexpr double steps = 16;
  const oracle::Rounded want = of.text.rounded(Subject::reals(numbers), subject::unit(dtype));
  bool finite = true, nan = false;
  for (double number : numbers) {
    finite = finite && std::isfinite(number);
    nan = nan || std::isnan(number);
  }
  // what underflows on the way may be lost
  const oracle::Real slack = steps * want.error + 1000 * subject::smallest(dtype);
  bool good = true;
  if ((nan && of.activation()) || ((finite || nan) && std::isnan(want.value)))
    good = std::isnan(got);
  else if (std::isnan(want.value)) return "";
  else if (std::isinf(got))
    good = std::signbit(got) == std::signbit(want.value) &&
           (std::isinf(want.value) || std::fabs(want.value) + slack >= subject::largest(dtype));
  else good = std::fabs(got - want.value) <= slack;
  if (good) return "";
  std::ostringstream out;
  out.precision(17);
  out << of.describe(numbers) << " in " << name_of(dtype) << " is " << got << ", should be "
      << static_cast<double>(want.value) << " +- " << static_cast<double>(want.error);
  return out.str();
}

/// The first of the points at which the value is wrong, and how many there are.
std::string wrong_among(const Subject& of, const std::vector<Numbers>& points, DType dtype) {
  const Numbers got = subject::elements(of.apply(subject::columns(points, of.arity(), dtype)));
  std::string first;
  int count = 0;
  for (std::size_t i = 0; i < points.size(); ++i) {
    const std::string problem = wrong(of, points[i], got[i], dtype);
    if (problem.empty()) continue;
    if (count++ == 0) first = problem;
  }
  return count ? first + ", and " + std::to_string(count - 1) + " others" : "";
}

/// Zeros, powers of ten and two from tiny to huge, bounds of exponentials, infinities, NaN.
Numbers awkward(DType dtype) {
  const bool single = dtype == float32;
  const double denormal = single ? 0x1p-149 : 0x1p-1074;
  Numbers magnitudes = {
      0, denormal, 1000 * denormal, subject::smallest(dtype), subject::largest(dtype), HUGE_VAL};
  for (double x : {1e-30, 1e-20, 1e-10, 1e-5, 1e-3, 0.5,  1.0,  6.0,   16.0,  20.0,  40.0,  1e2,
                   1e3,   1e4,   1e6,   1e10, 1e30, 87.3, 88.8, 103.9, 104.1, 708.3, 709.8, 745.2})
    magnitudes.push_back(subject::held(x, dtype));
  Numbers out = {std::nan("")};
  for (double x : magnitudes) out.insert(out.end(), {x, -x});
  return out;
}

/// Every choice of awkward numbers for the tensors; also at and beside the kinks.
std::vector<Numbers> awkward_points(const Subject& of, const Numbers& setting, DType dtype) {
  std::vector<Numbers> points(1);
  for (std::size_t i = 0; i < of.tensors(); ++i) {
    std::vector<Numbers> longer;
    for (const Numbers& point : points)
      for (double x : awkward(dtype)) {
        longer.push_back(point);
        longer.back().push_back(x);
      }
    points = std::move(longer);
  }
  const auto extreme = [](double x) { return !(std::fabs(x) <= 50) || std::fabs(x) < 1e-4; };
  if (!of.entry.record.extremes)
    std::erase_if(points, [&](const Numbers& point) {
      return std::any_of(point.begin(), point.end(), [&](double x) { return x && extreme(x); });
    });
  for (Numbers& point : points)
    for (double parameter : setting) point.push_back(subject::held(parameter, dtype));
  const std::vector<Numbers> grid = points;
  for (double kink : of.kinks_at(grid[0])) {
    const float k = static_cast<float>(kink);
    for (double x : {k, std::nextafter(k, -HUGE_VALF), std::nextafter(k, HUGE_VALF)}) {
      points.push_back(grid[0]);
      points.back()[0] = x;
    }
  }
  return points;
}

std::vector<Numbers> random_points(const Subject& of, std::size_t count, DType dtype) {
  std::mt19937 engine(17);
  std::vector<Numbers> points;
  while (points.size() < count) points.push_back(of.random(engine, dtype));
  return points;
}

}  // namespace

TEST_CASE("catalogue: records are complete enough to be tested") {
  CHECK(subject::all().size() > 40);
  for (const Entry* entry : catalogue()) {
    if (entry->kind == Entry::Kind::custom) continue;  // of other tests
    INFO(std::string(entry->record.name));
    CHECK(entry->record.low < entry->record.high);
    CHECK((entry->kind == Entry::Kind::array) == (entry->formula == nullptr));
    if (entry->kind == Entry::Kind::array) CHECK(!entry->samples.empty());
    if (entry->formula && *entry->record.formula) CHECK_NOTHROW(Subject{*entry});
    for (const Parameter& parameter : entry->parameters) {
      CHECK(parameter.name != nullptr);
      CHECK(parameter.value != parameter.other);
    }
  }
}

TEST_CASE("catalogue: values at random points of the domain") {
  for (const Subject& of : subject::all())
    for (DType dtype : floating)
      CHECK_EQ(wrong_among(of, random_points(of, 1000, dtype), dtype), "");
}

TEST_CASE("catalogue: values at awkward points, parameters at their defaults and elsewhere") {
  for (const Subject& of : subject::all())
    for (DType dtype : floating)
      for (const Numbers& setting : of.settings())
        CHECK_EQ(wrong_among(of, awkward_points(of, setting, dtype), dtype), "");
}

TEST_CASE("catalogue: values on integers") {
  for (const Subject& of : subject::all()) {
    if (of.entry.kind != Entry::Kind::arithmetic) continue;
    std::vector<Numbers> points;
    for (int x = -4; x <= 4; ++x)
      for (int y = -4; y <= 4; ++y) {
        points.push_back({double(x), double(y), double(x + 2 * y)});
        points.back().resize(of.arity());
      }
    const Tensor result = of.apply(subject::columns(points, of.arity(), int64));
    CHECK(result.dtype() == int64);
    CHECK_EQ(wrong_among(of, points, int64), "");
  }
}

TEST_CASE("catalogue: an element's value does not depend on where it lies") {
  for (const Subject& of : subject::all())
    for (DType dtype : floating) {
      INFO(of.name());
      const std::vector<Numbers> pool = random_points(of, 1000, dtype);
      const Numbers known = subject::elements(of.apply(subject::columns(pool, of.arity(), dtype)));
      for (std::size_t size : {0, 1, 7, 17, 1000, 70000}) {
        std::vector<Numbers> points;
        Numbers want;
        for (std::size_t i = 0; i < size; ++i) {
          points.push_back(pool[(7 * i + size) % 1000]);
          want.push_back(known[(7 * i + size) % 1000]);
        }
        const Tensor result = of.apply(subject::columns(points, of.arity(), dtype));
        CHECK(subject::same_bits(result, subject::tensor(want, dtype)));
      }
      std::vector<Tensor> scalars;
      for (double number : pool[3]) scalars.push_back(subject::tensor({number}, {}, dtype));
      CHECK(of.apply(scalars).rank() == 0);
      CHECK(of.apply(scalars).item<double>() == known[3]);
    }
}

TEST_CASE("catalogue: arguments broadcast, and numbers do as well as tensors") {
  const Shape shapes[] = {{5, 7, 33}, {33}, {7, 1}, {}, {5, 1, 33}, {1, 1}};
  for (const Subject& of : subject::all())
    for (DType dtype : floating)
      for (std::size_t turn = 0; turn < std::size(shapes); ++turn) {
        INFO(of.name() << " turn " << turn);
        std::mt19937 engine(static_cast<unsigned>(turn));
        std::vector<Tensor> arguments, full;
        std::vector<Arg> mixed;
        for (std::size_t i = 0; i < of.arity(); ++i) {
          const Shape& shape = shapes[(turn + i) % std::size(shapes)];
          Numbers numbers;
          for (std::int64_t e = 0; e < shape.numel(); ++e)
            numbers.push_back(of.random(engine, dtype)[i]);
          arguments.push_back(subject::tensor(numbers, shape, dtype));
        }
        const Tensor result = of.apply(arguments);
        for (const Tensor& argument : arguments) {
          full.push_back(broadcast_to(argument, result.shape()));
          if (argument.rank() == 0) mixed.emplace_back(argument.item<double>());
          else mixed.emplace_back(argument);
        }
        CHECK(subject::same_bits(result, of.apply(full)));
        if (of.arity() == 1 && mixed[0].is_tensor() == false) continue;
        CHECK(subject::same_bits(result, of.apply(mixed)));
      }
}

TEST_CASE("catalogue: the fused sum and mean are those of the result") {
  const Dims over[] = {{}, 0, 1, -1, {0, 2}, Dims{0, 1}.keep(), {0, 1, 2}};
  const Shape shape{6, 19, 37};
  for (const Subject& of : subject::all())
    for (const Dims& dims : over) {
      INFO(of.name());
      const std::vector<Numbers> points = random_points(of, shape.numel(), float64);
      std::vector<Tensor> columns = subject::columns(points, of.arity(), float64);
      for (Tensor& column : columns) column = reshape(column, shape);
      const std::vector<Arg> arguments(columns.begin(), columns.end());
      const Tensor y = of.apply(columns);
      for (bool mean : {false, true}) {
        const Tensor fused = of.entry.formula->reduce(arguments, dims, mean);
        const Tensor plain = mean ? xtape::mean(y, dims, dims.keepdim) : sum(y, dims, dims.keepdim);
        const Tensor bound = sum(abs(y), dims, dims.keepdim) * 1e-14 + 1e-300;
        REQUIRE(fused.shape() == plain.shape());
        CHECK(amax(cast(abs(fused - plain) > bound, int64)).item<int>() == 0);
      }
    }
}

TEST_CASE("catalogue: any number of threads gives the same bits") {
  const int before = num_threads();
  const Shape shape{700, 257};
  for (const Subject& of : subject::all())
    for (DType dtype : floating) {
      INFO(of.name());
      std::mt19937 engine(5);
      std::vector<Tensor> arguments;
      for (std::size_t i = 0; i < of.arity(); ++i) {
        const Shape mine = i == 0 ? shape : i == 1 ? Shape{257} : Shape{700, 1};
        Numbers numbers;
        for (std::int64_t e = 0; e < mine.numel(); ++e)
          numbers.push_back(of.random(engine, dtype)[i]);
        arguments.push_back(subject::tensor(numbers, mine, dtype));
      }
      const std::vector<Arg> all(arguments.begin(), arguments.end());
      std::vector<Tensor> results[2];
      for (int threads : {1, 2}) {
        set_num_threads(threads);
        std::vector<Tensor>& out = results[threads - 1];
        out = subject::gradients(of, arguments);
        out.push_back(of.apply(arguments));
        out.push_back(of.entry.formula->reduce(all, {}, false));
        out.push_back(of.entry.formula->reduce(all, 0, true));
      }
      for (std::size_t i = 0; i < results[0].size(); ++i)
        CHECK(subject::same_bits(results[0][i], results[1][i]));
    }
  set_num_threads(before);
}

TEST_CASE("catalogue: by name") {
  for (const Subject& of : subject::all()) {
    const std::string name = of.name();
    INFO(name);
    CHECK(&find(name) == &of.entry);
    if (!of.activation()) continue;
    const Tensor x = randn({40});
    std::vector<Arg> arguments = {x};
    const Numbers defaults = of.settings()[0];
    for (double parameter : defaults) arguments.emplace_back(parameter);
    CHECK(subject::same_bits(activation(name)(x), of.entry.formula->apply(arguments)));
    for (const std::string& misspelt : {name + "q", "Q" + name}) {
      try {
        activation(misspelt);
        FAIL("found " << misspelt);
      } catch (const ValueError& error) {
        INFO(std::string(error.what()));
        CHECK(std::string(error.what()).find(name) != std::string::npos);
      }
    }
  }
  CHECK_THROWS_WITH_AS(find("no_such_operation_at_all"), doctest::Contains("did you mean"),
                       ValueError);
}
