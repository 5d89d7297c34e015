// What `train` is asked to do, and the tables of names from which help, errors and lookup come.
#pragma once

#include <fmt/format.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <xtape/xtape.hpp>

namespace training {

using namespace xtape;

struct Settings {
  std::string data = "digits", model = "mlp:256,128", activation = "relu", loss = "cross_entropy";
  std::string optimizer = "sgd", schedule = "linear", save, resume;
  std::int64_t epochs = 10, batch = 64, early_stopping = 0, stop_at = 0;
  std::optional<double> lr, momentum, weight_decay;
  double dropout = 0;
  std::uint64_t seed = 0;
  int threads = num_threads();
  bool batchnorm = false, augment = false, json = false;
};

/// What the user is to change, without a line of this program.
struct UsageError : std::runtime_error {
  using std::runtime_error::runtime_error;
};
[[noreturn]] inline void fail(const std::string& what) { throw UsageError("train: " + what); }

/// A name and what it stands for. One that ends in ':' takes a text behind it, such as `argument`.
template <class T>
struct Choice {
  std::string_view name;
  T value;
  const char* argument = "";

  bool takes_argument() const { return name.ends_with(':'); }
};

/// "a, b or c:ARGUMENT"
template <class T, std::size_t N>
std::string names(const Choice<T> (&table)[N]) {
  std::string text;
  for (std::size_t i = 0; i < N; ++i)
    text += fmt::format("{}{}{}",
                        i == 0      ? ""
                        : i + 1 < N ? ", "
                                    : " or ",
                        table[i].name, table[i].argument);
  return text;
}

template <class T, std::size_t N>
[[noreturn]] void fail_unknown(const Choice<T> (&table)[N], const char* what,
                               std::string_view given) {
  fail(fmt::format("no such {}: '{}'; {} wanted", what, given, names(table)));
}

/// The choice of that name. Throws UsageError with all names if there is none.
template <class T, std::size_t N>
const Choice<T>& choose(const Choice<T> (&table)[N], const char* what, std::string_view given) {
  for (const Choice<T>& choice : table)
    if (choice.takes_argument() ? given.starts_with(choice.name) : given == choice.name)
      return choice;
  fail_unknown(table, what, given);
}

/// Whole numbers between commas, such as 256,128; none if it is anything else.
std::vector<std::int64_t> sizes(std::string_view text);

}  // namespace training
