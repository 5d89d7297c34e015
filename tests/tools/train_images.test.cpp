#include <cmath>
#include <random>

#include "../nn/folder.hpp"
#include "program.hpp"

using check::Folder;
using check::slurp;
using program::accuracy;
using program::check_refused;
using program::json_line;
using program::run;

namespace {

// Noise that is brighter in the left half (class 0) or the right one, plane by plane.
std::string image(std::mt19937& random, int planes, int side, int label) {
  std::string pixels;
  for (int pixel = 0; pixel < planes * side * side; ++pixel)
    pixels += static_cast<char>(random() % 100 + (pixel % side * 2 / side == label ? 80 : 0));
  return pixels;
}

// The files of MNIST.
void write_idx(const Folder& folder, int side) {
  constexpr int count = 200;
  std::mt19937 random(1);
  for (const std::string part : {"train", "t10k"}) {
    const auto word = [](int number) {
      return std::string{0, 0, static_cast<char>(number >> 8), static_cast<char>(number)};
    };
    std::string images = std::string("\0\0\x08\x03", 4) + word(count) + word(side) + word(side);
    std::string labels = std::string("\0\0\x08\x01", 4) + word(count);
    for (int i = 0; i < count; ++i) {
      labels += static_cast<char>(i % 2);
      images += image(random, 1, side, i % 2);
    }
    folder.write(part + "-images-idx3-ubyte", images);
    folder.write(part + "-labels-idx1-ubyte", labels);
  }
}

// The files of CIFAR-10.
void write_cifar10(const Folder& folder) {
  std::mt19937 random(1);
  for (const std::string name : {"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4",
                                 "data_batch_5", "test_batch"}) {
    std::string records;
    for (int i = 0; i < 16; ++i) {
      records += static_cast<char>(i % 2);
      records += image(random, 3, 32, i % 2);
    }
    folder.write(name + ".bin", records);
  }
}

}  // namespace

TEST_CASE("train: networks of convolutions") {
  const Folder folder;
  write_idx(folder, 8);
  const std::string data = " --batch 20 --epochs 4 --data 'idx:" + folder.path.string() + "'";
  for (const std::string model : {"cnn", "lenet", "mlp:32", "maxout:32,16", "maxout:16:3"}) {
    CAPTURE(model);
    CHECK(accuracy("--model " + model + data) > 0.9);
    CHECK(accuracy("--batchnorm --dropout 0.1 --augment --model " + model + data) > 0.8);
  }
  CHECK(run("train --epochs 1 --model cnn --data 'idx:" + folder.path.string() + "'")
            .out.find("200 training and 200 test samples, 22602 parameters") != std::string::npos);
  check_refused("train --data moons --model cnn",
                "train: cnn wants images; a sample of moons is 2 numbers");
  check_refused("train --data moons --model lenet", "train: lenet wants images");
  const Folder tiny;
  write_idx(tiny, 2);
  check_refused("train --model cnn --data 'idx:" + tiny.path.string() + "'",
                "train: cnn wants images of at least 4 x 4; those of ");
}

TEST_CASE("train: CIFAR-10") {
  const Folder folder;
  write_cifar10(folder);
  const std::string data = "--batch 16 --epochs 3 --data 'cifar10:" + folder.path.string() + "'";
  CHECK(accuracy("--model linear " + data) > 0.9);
  CHECK(accuracy("--model cnn --batchnorm --optimizer adam " + data) > 0.8);
  CHECK(accuracy("--model mlp:16 --augment " + data) > 0.1);
  check_refused("train --data cifar10:/no/such", "read_cifar10");
}

TEST_CASE("train: images give the same bits with any number of threads, and resumed") {
  const Folder folder;
  write_idx(folder, 12);
  const std::string command =
      "train --json --model cnn --batchnorm --dropout 0.3 --augment "
      "--epochs 3 --batch 33 --data 'idx:" +
      folder.path.string() + "'";
  const auto trained = [&](const std::string& arguments, const char* name) {
    const std::string file = (folder.path / name).string();
    json_line(command + arguments + " --save '" + file + "'");
    return slurp(file);
  };
  const std::string one = trained(" --threads 1", "one.npz");
  CHECK(trained(" --threads 2", "two.npz") == one);
  CHECK(trained(" --threads 3", "three.npz") == one);
  trained(" --stop-at 1", "stopped.npz");
  CHECK(trained(" --resume '" + (folder.path / "stopped.npz").string() + "'", "resumed.npz") ==
        one);
}

TEST_CASE("train: dropout, normalisation and maxout change what a network is") {
  const std::string moons = "--data moons --epochs 8 --model ";
  CHECK(accuracy(moons + "mlp:32,32 --batchnorm") > 0.95);
  CHECK(accuracy(moons + "mlp:64 --dropout 0.2") > 0.9);
  CHECK(accuracy(moons + "maxout:16,16:3") > 0.95);
  CHECK(accuracy(moons + "maxout:16:1") < 0.95);  // one piece is linear
  for (const char* model :
       {"maxout", "maxout:", "maxout:8:", "maxout:8:2,2", "maxout::2", "maxout:8:2:2", "cnn:3"})
    check_refused("train --model " + std::string(model), "train: no such model: '");
  check_refused("train --model maxout:8:0", "at least 1");
}
