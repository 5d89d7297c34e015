#include <fmt/format.h>

#include <cstdint>
#include <initializer_list>
#include <xtape/tools/compare/rows.hpp>

namespace compare {

namespace {

Row elementwise(const char* function, std::int64_t n, double target) {
  const auto arguments = [&](std::int64_t count) {
    return fmt::format("elementwise --function {} --n {}", function, count);
  };
  return {arguments(n), arguments(2), target};
}

// `sizes` stands behind the rest of the arguments.
Row row(const std::string& what, const std::string& sizes, const std::string& least,
        double target) {
  return {what + " " + sizes, what + " " + least, target};
}

}  // namespace

std::vector<Section> sections() {
  Section own{
      "A rectifier with two learnable parameters",
      "One fused kernel each way, where libtorch has a node for each operation. Few elements "
      "cost what the nodes cost, many what their memory costs.",
      {}};
  for (const std::int64_t n : {1'000, 10'000, 100'000, 1'000'000, 10'000'000})
    own.rows.push_back(elementwise("shifted_rectifier", n, 20));
  Section curved{"Curved activations",
                 "100 000 elements fit into a cache, so that exponentials, logarithms and the like "
                 "limit; 10 million cost what their memory costs, unless the function is dear.",
                 {}};
  for (const char* function : {"sigmoid", "tanh", "elu", "selu", "celu", "softplus", "silu", "gelu",
                               "gelu_tanh", "mish", "log_sigmoid", "tanhshrink"})
    for (const std::int64_t n : {1'000, 100'000, 10'000'000})
      curved.rows.push_back(elementwise(function, n, 2));
  Section piecewise{"Piecewise activations",
                    "Hardly anything is computed: few elements cost what the nodes cost, many what "
                    "a cache or the memory costs.",
                    {}};
  for (const char* function : {"relu", "leaky_relu", "relu6", "hardtanh", "hardsigmoid",
                               "hardswish", "softshrink", "softsign"})
    for (const std::int64_t n : {1'000, 100'000, 10'000'000})
      piecewise.rows.push_back(elementwise(function, n, n == 100'000 ? 1 : 4));
  const std::string classes = "--rows 4096 --classes 1000", two = "--rows 2 --classes 2";
  const std::string deep = "784,500,500,500,500,500,500,500,500,500,500,10 --batch 256";
  const std::string small = "2,2,2,2,2,2,2,2,2,2,2,2 --batch 2";
  return {
      own,
      curved,
      piecewise,
      {"Networks",
       "Products of matrices limit the large ones, the nodes the smallest; the passes over memory "
       "between the products cost the rest.",
       {row("mlp --sizes", "784,512,512,10 --batch 128", "2,2,2,2 --batch 2", 1.2),
        row("mlp --optimizer adam --sizes", "784,512,512,10 --batch 128", "2,2,2,2 --batch 2", 1.2),
        row("mlp --sizes", "784,256,128,10 --batch 64", "2,2,2,2 --batch 2", 1.2),
        row("mlp --activation tanh --batchnorm 1 --dropout 0.5 --sizes", deep, small, 1.6),
        row("mlp --activation tanh --sizes", "2,16,16,1 --batch 32", "2,2,2,1 --batch 2", 20),
        row("cnn --channels", "3,32,64 --image 32 --batch 64", "2,2,2 --image 4 --batch 1", 1.5),
        row("lstm --steps 32 --input", "128 --hidden 256 --batch 32", "2 --hidden 2 --batch 2",
            1.2),
        row("attention --batch", "8 --heads 8 --length 128 --dim 64",
            "1 --heads 1 --length 2 --dim 2", 1.2)}},
      {"Losses and normalisation",
       "Each element is read and written a few times: memory limits, and exponentials where there "
       "are any.",
       {row("loss --name cross_entropy", classes, two, 2.5),
        row("loss --name hinge", classes, two, 8), row("loss --name logistic", classes, two, 1),
        row("loss --name l1", classes, two, 1), row("loss --name l2", classes, two, 1),
        row("norm --kind batch", "--rows 4096 --cols 512", "--rows 2 --cols 2", 1.2),
        row("norm --kind layer", "--rows 4096 --cols 512", "--rows 2 --cols 2", 1.2)}},
      {"A product of matrices",
       "Multiplications limit: xtape's own, and those of OpenBLAS, which libtorch calls.",
       {row("matmul --m", "512 --n 512 --k 512", "2 --n 2 --k 2", 1)}}};
}

std::vector<Row> peer_rows() {
  // ggml has no gradient of tanh
  return {row("mlp --sizes", "784,256,128,10 --batch 64", "2,2,2,2 --batch 2", 1),
          row("mlp --sizes", "784,512,512,10 --batch 128", "2,2,2,2 --batch 2", 1),
          row("mlp --sizes", "2,16,16,2 --batch 32", "2,2,2,2 --batch 2", 1)};
}

}  // namespace compare
