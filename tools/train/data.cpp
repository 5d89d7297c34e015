#include <cmath>
#include <xtape/tools/train/data.hpp>

namespace training {

namespace {

using Load = Samples (*)(const std::string& argument, std::uint64_t seed);

// The two parts, each value shifted and scaled by the mean and deviation of all training values.
Samples images(nn::TrainTest sets, const Shape& image) {
  if (sets.train.size() == 0 || sets.test.size() == 0) return {std::move(sets), image};
  const double mean = xtape::mean(sets.train.x).item<double>();
  const double variance = xtape::mean(square(sets.train.x - mean)).item<double>();
  const double scale = variance > 0 ? 1 / std::sqrt(variance) : 1;
  for (nn::Dataset* set : {&sets.train, &sets.test})
    set->x = reshape((set->x - mean) * scale, {set->size(), -1});
  return {std::move(sets), image};
}

// One of the sets in the plane: points for training and as many from another seed for the test.
template <nn::Dataset (*Make)(std::int64_t, std::uint64_t, Location), int Classes>
Samples planar(const std::string&, std::uint64_t seed) {
  constexpr std::int64_t points = 2000;
  return images({Make(points, 2 * seed, {}), Make(points, 2 * seed + 1, {}), Classes}, {});
}

Samples drawn_digits(const std::string&, std::uint64_t seed) {
  return images(nn::digits(12000, 2000, seed), {1, 28, 28});
}

Samples idx(const std::string& folder, std::uint64_t) {
  nn::TrainTest sets = nn::read_mnist(folder);
  const auto side = static_cast<std::int64_t>(std::lround(std::sqrt(sets.train.x.size(1))));
  const bool square = side * side == sets.train.x.size(1);
  return images(std::move(sets), square ? Shape{1, side, side} : Shape{});
}

Samples cifar10(const std::string& folder, std::uint64_t) {
  return images(nn::read_cifar10(folder), {3, 32, 32});
}

// A quarter of the rows is the test; each column is scaled by itself.
Samples csv(const std::string& argument, std::uint64_t seed) {
  const std::size_t colon = argument.rfind(':');
  if (colon == argument.npos || colon == 0 || colon + 1 == argument.size())
    fail(
        fmt::format("csv:FILE:LABEL wanted, with the name or number of the column of classes, not "
                    "'csv:{}'",
                    argument));
  const nn::Csv table =
      nn::read_csv(argument.substr(0, colon), {.label = argument.substr(colon + 1)});
  const auto split = nn::train_test_split(table.data.size(), {.seed = seed});
  nn::TrainTest sets{nn::rows_of(table.data, split.train), nn::rows_of(table.data, split.test),
                     std::ssize(table.classes)};
  const nn::Scaler scaler = nn::standard_scaler(sets.train.x);
  for (nn::Dataset* set : {&sets.train, &sets.test}) set->x = scaler.apply(set->x);
  return {std::move(sets), {}};
}

constexpr Choice<Load> table[] = {
    {"digits", drawn_digits},          {"spiral", planar<nn::spiral, 3>},
    {"circle", planar<nn::circle, 2>}, {"xor", planar<nn::exclusive_or, 2>},
    {"moons", planar<nn::moons, 2>},   {"idx:", idx, "DIR"},
    {"cifar10:", cifar10, "DIR"},      {"csv:", csv, "FILE:LABEL"},
};

}  // namespace

std::string data_names() { return names(table); }

Samples load_samples(const Settings& settings) {
  const Choice<Load>& choice = choose(table, "data", settings.data);
  Samples samples = choice.value(settings.data.substr(choice.name.size()), settings.seed);
  if (samples.sets.train.size() == 0 || samples.sets.test.size() == 0)
    fail(fmt::format("no samples in {}", settings.data));
  return samples;
}

Tensor augment(const Tensor& images, Generator& generator) {
  // what lies outside an image looks like its border, whatever the scale of the values is
  if (images.size(1) == 1)
    return nn::random_affine(images,
                             {.degrees = 10,
                              .translate_x = 0.06,
                              .translate_y = 0.06,
                              .scale_low = 0.9,
                              .scale_high = 1.1,
                              .shear = 5,
                              .padding_mode = "border"},
                             generator);
  return nn::random_crop(nn::random_flip(images, {}, generator), {}, generator);
}

}  // namespace training
