#include <map>
#include <xtape/tools/conformance/program.hpp>

namespace conformance {

Tensors run_program(const Json& program, const Tensors& inputs, DType dtype) {
  std::map<std::string, Tensor> named;
  for (std::size_t i = 0; i < inputs.size(); ++i) named["in" + std::to_string(i)] = inputs[i];
  for (const Json& step : program.at("steps")) {
    Tensors arguments;
    for (const Json& name : step.at("in"))
      arguments.push_back(name.is_null() ? Tensor() : named.at(name.get<std::string>()));
    const Outputs results = function_of(step.at("op"))({step.at("kwargs"), arguments, dtype});
    const Json& names = step.at("out");
    for (std::size_t i = 0; i < names.size(); ++i)
      named[names.at(i).get<std::string>()] = results.at(i);
  }
  Tensors out;
  for (const Json& name : program.at("outputs")) out.push_back(named.at(name.get<std::string>()));
  return out;
}

}  // namespace conformance
