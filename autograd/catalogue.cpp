#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <mutex>
#include <string>
#include <xtape/autograd/catalogue.hpp>
#include <xtape/autograd/elementwise.hpp>

namespace xtape {

namespace {

struct Book {
  std::mutex mutex;
  std::vector<std::unique_ptr<Entry>> entries;
};

// Never destroyed: operations of other files leave it when the program ends.
Book& book() {
  static Book* const instance = new Book;
  return *instance;
}

// The number of letters to insert, drop or change to turn one word into the other.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::size_t diagonal = std::exchange(row[0], i);
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t change = diagonal + (a[i - 1] != b[j - 1]);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, change}));
    }
  }
  return row[b.size()];
}

const Entry& find_among(std::vector<const Entry*> entries, std::string_view name, const char* what,
                        const Location& where) {
  for (const Entry* entry : entries)
    if (name == entry->record.name) return *entry;
  const auto near = std::min<std::size_t>(3, entries.size());
  std::partial_sort(entries.begin(), entries.begin() + near, entries.end(),
                    [&](const Entry* a, const Entry* b) {
                      return distance(name, a->record.name) < distance(name, b->record.name);
                    });
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < near; ++i) names.push_back(entries[i]->record.name);
  raise<ValueError>(
      where, what,
      fmt::format("no such name: '{}'; did you mean {}?", name, fmt::join(names, ", ")));
}

}  // namespace

void detail::enter(Entry entry) {
  std::lock_guard lock(book().mutex);
  book().entries.push_back(std::make_unique<Entry>(std::move(entry)));
}

void detail::leave(const Formula* formula) noexcept {
  std::lock_guard lock(book().mutex);
  std::erase_if(book().entries, [&](const auto& entry) { return entry->formula == formula; });
}

ArrayOperation::ArrayOperation(const Record& record, std::vector<Sample> samples) {
  detail::enter({Entry::Kind::array, record, {}, 0, nullptr, std::move(samples)});
}

std::vector<const Entry*> catalogue() {
  std::lock_guard lock(book().mutex);
  std::vector<const Entry*> sorted;
  for (const auto& entry : book().entries) sorted.push_back(entry.get());
  std::sort(sorted.begin(), sorted.end(), [](const Entry* a, const Entry* b) {
    return std::string_view(a->record.name) < b->record.name;
  });
  return sorted;
}

const Entry& find(std::string_view name, Location where) {
  return find_among(catalogue(), name, "catalogue", where);
}

const Entry& activation(std::string_view name, Location where) {
  std::vector<const Entry*> activations = catalogue();
  std::erase_if(activations, [](const Entry* entry) {
    return entry->kind != Entry::Kind::activation && entry->kind != Entry::Kind::custom;
  });
  return find_among(std::move(activations), name, "activation", where);
}

Tensor Entry::operator()(const Arg& x) const {
  const auto given = static_cast<std::size_t>(arity) - parameters.size();
  if (!formula || given > 1)
    raise<ValueError>(x.where(), record.name, "needs more than one tensor");
  Arg arguments[max_arguments] = {x, 0, 0, 0, 0, 0, 0, 0};
  for (int i = 1; i < arity; ++i) arguments[i] = Arg(parameters[i - given].value, x.where());
  return formula->apply(std::span<const Arg>(arguments, arity));
}

}  // namespace xtape
