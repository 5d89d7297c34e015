#include <map>
#include <xtape/tools/conformance/program.hpp>

namespace conformance {

Tensors run_program(const Json& program, const Tensors& inputs, DType dtype) {
  std::map<std::string, Tensor> named;
  for (std::size_t i = 0; i < inputs.size(); ++i) named["in" + std::to_string(i)] = inputs[i];
  for (const Json& step : program.at("steps")) {
    Tensors in;
    for (const Json& name : step.at("in"))
      in.push_back(name.is_null() ? Tensor() : named.at(name.get<std::string>()));
    const Outputs out = function_of(step.at("op"))({step.at("kwargs"), in, dtype});
    for (std::size_t j = 0; j < out.size(); ++j) named[step.at("out").at(j)] = out[j];
  }
  Tensors results;
  for (const Json& name : program.at("outputs"))
    results.push_back(named.at(name.get<std::string>()));
  return results;
}

}  // namespace conformance
