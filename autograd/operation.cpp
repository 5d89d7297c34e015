#include <algorithm>
#include <array>
#include <xtape/autograd/elementwise.hpp>

namespace xtape {

detail::Operation::Operation(Entry::Kind kind, const Record& record, const Readings& readings,
                             std::span<const Parameter> parameters)
    : formula_{&readings, record.name}, defaults_(static_cast<int>(parameters.size())) {
  std::copy(parameters.begin(), parameters.end(), parameters_);
  enter({kind, record, this->parameters(), readings.arity, &formula_, {}});
}

std::vector<Parameter> detail::Operation::parameters() const {
  return {parameters_, parameters_ + defaults_};
}

namespace {

// The arguments that are given, and numbers for the others.
struct Completed {
  std::array<Arg, max_arguments> all{0, 0, 0, 0, 0, 0, 0, 0};
  Completed(std::span<const Arg> given, const Parameter* last, int missing) {
    std::copy(given.begin(), given.end(), all.begin());
    for (int i = 0; i < missing; ++i)
      all[given.size() + i] = Arg(last[i - missing].value, given[0].where());
  }
};

}  // namespace

Tensor detail::Operation::on_tensors(std::span<const Arg> given) const {
  const int missing = formula_.arity() - static_cast<int>(given.size());
  if (missing == 0) return formula_.apply(given);
  const Completed completed(given, parameters_ + defaults_, missing);
  return formula_.apply({completed.all.data(), static_cast<std::size_t>(formula_.arity())});
}

Tensor detail::Operation::reduced(std::span<const Arg> given, const Dims& dims, bool mean) const {
  const int missing = formula_.arity() - static_cast<int>(given.size());
  const Completed completed(given, parameters_ + defaults_, missing);
  return formula_.reduce({completed.all.data(), static_cast<std::size_t>(formula_.arity())}, dims,
                         mean);
}

}  // namespace xtape
