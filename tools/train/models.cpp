#include <algorithm>
#include <xtape/nn/convolutions.hpp>
#include <xtape/nn/dropout_layers.hpp>
#include <xtape/nn/more_layers.hpp>
#include <xtape/nn/norm_layers.hpp>
#include <xtape/nn/poolings.hpp>
#include <xtape/nn/shape_layers.hpp>
#include <xtape/tools/train/data.hpp>
#include <xtape/tools/train/models.hpp>

namespace training {

namespace {

// The sizes of hidden layers, and into how many pieces maxout cuts each.
struct Layers {
  std::vector<std::int64_t> sizes{};
  std::int64_t pieces = 2;
};

struct Kind {
  // What stands behind the name; none if it cannot be read.
  std::optional<Layers> (*read)(std::string_view argument);
  Model (*make)(const Settings& settings, const Samples& samples, const Layers& layers);
};

std::optional<Layers> read_none(std::string_view) { return Layers{}; }

std::optional<Layers> read_sizes(std::string_view argument) {
  Layers layers{sizes(argument)};
  return layers.sizes.empty() ? std::nullopt : std::optional(layers);
}

std::optional<Layers> read_pieces(std::string_view argument) {
  const std::size_t colon = std::min(argument.find(':'), argument.size());
  std::optional<Layers> layers = read_sizes(argument.substr(0, colon));
  if (!layers || colon == argument.size()) return layers;
  const std::vector<std::int64_t> pieces = sizes(argument.substr(colon + 1));
  if (pieces.size() != 1) return std::nullopt;
  layers->pieces = pieces[0];
  return layers;
}

// The options that stand behind each hidden layer.
void append_dropout(nn::Sequential& net, const Settings& settings) {
  if (settings.dropout > 0) net.append(nn::Dropout(settings.dropout));
}

Model perceptron(const Settings& settings, const Samples& samples, const Layers& layers) {
  nn::Sequential net;
  std::int64_t size = samples.sets.train.x.size(1);
  for (const std::int64_t next : layers.sizes) {
    net.append(nn::Linear(size, next));
    if (settings.batchnorm) net.append(nn::BatchNorm1d(next));
    net.append(nn::Activation(settings.activation));
    append_dropout(net, settings);
    size = next;
  }
  net.append(nn::Linear(size, samples.sets.classes));
  return {net, {samples.sets.train.x.size(1)}};
}

Model maxout(const Settings& settings, const Samples& samples, const Layers& layers) {
  nn::Sequential net;
  std::int64_t size = samples.sets.train.x.size(1);
  for (const std::int64_t next : layers.sizes) {
    net.append(nn::Maxout(size, next, layers.pieces));
    if (settings.batchnorm) net.append(nn::BatchNorm1d(next));
    append_dropout(net, settings);
    size = next;
  }
  net.append(nn::Linear(size, samples.sets.classes));
  return {net, {samples.sets.train.x.size(1)}};
}

// Throws unless the samples are images of a least size.
void check_image(const Settings& settings, const Samples& samples, std::int64_t least) {
  const Shape& image = samples.image;
  if (image.rank() == 0)
    fail(fmt::format("{} wants images; a sample of {} is {} numbers", settings.model, settings.data,
                     samples.sets.train.x.size(1)));
  if (image[1] < least || image[2] < least)
    fail(fmt::format("{} wants images of at least {} x {}; those of {} are {} x {}", settings.model,
                     least, least, settings.data, image[1], image[2]));
}

void append_convolution(nn::Sequential& net, const Settings& settings, std::int64_t in,
                        std::int64_t out, std::int64_t kernel) {
  net.append(nn::Conv2d(in, out, kernel, {.padding = kernel / 2}));
  if (settings.batchnorm) net.append(nn::BatchNorm2d(out));
  net.append(nn::Activation(settings.activation)).append(nn::MaxPool2d(2));
}

// Convolutions of so many channels, each followed by pooling, and a perceptron behind them.
Model convolutional(const Settings& settings, const Samples& samples,
                    const std::vector<std::int64_t>& channels, std::int64_t kernel,
                    const std::vector<std::int64_t>& hidden) {
  check_image(settings, samples, std::int64_t{1} << channels.size());
  std::int64_t in = samples.image[0], height = samples.image[1], width = samples.image[2];
  nn::Sequential net;
  for (const std::int64_t out : channels) {
    append_convolution(net, settings, in, out, kernel);
    in = out;
    height /= 2;
    width /= 2;
  }
  net.append(nn::Flatten());
  std::int64_t size = in * height * width;
  for (const std::int64_t next : hidden) {
    net.append(nn::Linear(size, next)).append(nn::Activation(settings.activation));
    append_dropout(net, settings);
    size = next;
  }
  net.append(nn::Linear(size, samples.sets.classes));
  return {net, samples.image};
}

Model cnn(const Settings& settings, const Samples& samples, const Layers&) {
  return convolutional(settings, samples, {16, 32}, 3, {128});
}

// The sizes of LeCun, Bottou, Bengio and Haffner 1998.
Model lenet(const Settings& settings, const Samples& samples, const Layers&) {
  return convolutional(settings, samples, {6, 16}, 5, {120, 84});
}

constexpr Choice<Kind> table[] = {
    {"linear", {read_none, perceptron}},
    {"mlp:", {read_sizes, perceptron}, "256,128"},
    {"maxout:", {read_pieces, maxout}, "256,128[:PIECES]"},
    {"cnn", {read_none, cnn}},
    {"lenet", {read_none, lenet}},
};

std::pair<const Kind*, Layers> find_model(const Settings& settings) {
  const Choice<Kind>& choice = choose(table, "model", settings.model);
  const auto layers =
      choice.value.read(std::string_view(settings.model).substr(choice.name.size()));
  if (!layers) fail_unknown(table, "model", settings.model);
  return {&choice.value, *layers};
}

}  // namespace

std::string model_names() { return names(table); }

void check_model(const Settings& settings) { find_model(settings); }

Model make_model(const Settings& settings, const Samples& samples) {
  const auto found = find_model(settings);
  return found.first->make(settings, samples, found.second);
}

}  // namespace training
