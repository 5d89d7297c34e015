#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>
#include <map>
#include <optional>
#include <string_view>
#include <xtape/nn/csv.hpp>
#include <xtape/nn/source.hpp>

namespace xtape::nn {

namespace {

constexpr const char* op = "read_csv";

// A field and where it begins, counted from 1.
struct Field {
  std::string text;
  std::int64_t line = 0, column = 0;
  bool quoted = false;
};

// Reads a table row by row.
class Reader {
 public:
  Reader(const std::string& path, const CsvOptions& options, const Location& where)
      : path_(path), where_(where), delimiter_(options.delimiter), source_(op, path, where) {
    if (peek() == 0xEF) {  // the byte order mark of UTF-8
      for (const int byte : {0xEF, 0xBB, 0xBF})
        if (take() != byte) fail(1, 1, "not UTF-8 text");
      column_ = 1;
    }
    for (std::int64_t i = 0; i < options.skip_rows; ++i)
      for (int c = take(); c != '\n' && c != end; c = take()) continue;
  }

  [[noreturn]] void fail(std::int64_t line, std::int64_t column, const std::string& what) const {
    raise<FileError>(where_, op, fmt::format("{}:{}:{}: {}", path_, line, column, what));
  }
  [[noreturn]] void fail(const Field& field, const std::string& what) const {
    fail(field.line, field.column, what);
  }

  // The fields of the next row that is not an empty line; false at the end.
  bool next(std::vector<Field>& row) {
    while (peek() == '\n' || peek() == '\r') take();
    if (peek() == end) return false;
    std::size_t count = 0;
    do {
      if (row.size() == count) row.emplace_back();
      read(row[count++]);
    } while (take_if(delimiter_));
    row.resize(count);
    take_if('\r');
    take_if('\n');
    return true;
  }

 private:
  static constexpr int end = -1;

  int peek() {
    if (at_ == filled_) {
      filled_ = source_.read(buffer_.data(), std::ssize(buffer_));
      at_ = 0;
      if (filled_ == 0) return end;
    }
    return static_cast<unsigned char>(buffer_[static_cast<std::size_t>(at_)]);
  }
  int take() {
    const int c = peek();
    if (c == end) return c;
    ++at_;
    ++column_;
    if (c == '\n') ++line_, column_ = 1;
    return c;
  }
  bool take_if(char c) {
    if (peek() != static_cast<unsigned char>(c)) return false;
    take();
    return true;
  }
  bool at_end_of_field() {
    const int c = peek();
    return c == end || c == '\n' || c == '\r' || c == static_cast<unsigned char>(delimiter_);
  }

  void read(Field& field) {
    field.text.clear();
    field.line = line_;
    field.column = column_;
    field.quoted = take_if('"');
    while (field.quoted) {
      const int c = take();
      if (c == end) fail(field, fmt::format("the quote is not closed: \"{:.40}", field.text));
      if (c == '"' && !take_if('"')) break;
      field.text += static_cast<char>(c);
    }
    if (field.quoted && !at_end_of_field())
      fail(line_, column_,
           fmt::format("'{}' behind the quoted \"{:.40}\"", static_cast<char>(peek()), field.text));
    while (!at_end_of_field()) field.text += static_cast<char>(take());
  }

  std::string path_;
  Location where_;
  char delimiter_;
  io::FileSource source_;
  std::vector<char> buffer_ = std::vector<char>(1 << 16);
  std::int64_t at_ = 0, filled_ = 0, line_ = 1, column_ = 1;
};

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view spaces = " \t";
  const std::size_t first = text.find_first_not_of(spaces);
  if (first == text.npos) return {};
  return text.substr(first, text.find_last_not_of(spaces) - first + 1);
}

std::optional<double> number_of(std::string_view text) {
  text = trimmed(text);
  if (text.starts_with('+') && !text.starts_with("+-")) text.remove_prefix(1);
  double number = 0;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  // what is too large or too small for a double is infinite or 0
  if (error == std::errc::result_out_of_range && stop == text.data() + text.size())
    return std::strtod(std::string(text).c_str(), nullptr);
  if (error != std::errc{} || stop != text.data() + text.size()) return {};
  return number;
}

// Texts numbered as they come, and then in order.
class Numbering {
 public:
  std::int64_t number(const std::string& text) {
    return numbers_.emplace(text, std::ssize(numbers_)).first->second;
  }
  // The texts in their order: that of their numbers if all are numbers.
  std::vector<std::string> sorted() const {
    std::vector<std::string> texts;
    bool numeric = true;
    for (const auto& entry : numbers_) {
      texts.push_back(entry.first);
      const std::optional<double> number = number_of(entry.first);
      numeric = numeric && number && *number == *number;
    }
    if (numeric)
      std::ranges::stable_sort(texts, {}, [](const auto& text) { return *number_of(text); });
    return texts;
  }
  // Where the text of each number goes in that order.
  std::vector<std::int64_t> places() const {
    std::vector<std::int64_t> place(numbers_.size());
    const std::vector<std::string> texts = sorted();
    for (std::size_t i = 0; i < texts.size(); ++i)
      place[static_cast<std::size_t>(numbers_.at(texts[i]))] = static_cast<std::int64_t>(i);
    return place;
  }

 private:
  std::map<std::string, std::int64_t> numbers_;
};

// What becomes of a column.
struct Column {
  enum class Use : std::uint8_t { number, category, target, ignored };
  std::string name;
  Use use = Use::number;
  Numbering texts{};
};

class Table {
 public:
  Table(const std::string& path, const CsvOptions& options, const Location& where)
      : path_(path), options_(options), where_(where) {}

  Csv read() {
    const std::int64_t rows = count_rows();
    Csv csv;
    for (const Column& column : columns_)
      if (is_feature(column)) csv.features.push_back(column.name);
    const std::int64_t width = std::ssize(csv.features);
    csv.data.x = Tensor::empty({rows, width}, options_.dtype);
    if (!options_.label.empty())
      csv.data.y = Tensor::empty({rows}, options_.regression ? options_.dtype : int64);
    if (options_.dtype == float32) fill<float>(csv.data);
    else fill<double>(csv.data);
    finish(csv);
    return csv;
  }

 private:
  static bool is_feature(const Column& column) {
    return column.use == Column::Use::number || column.use == Column::Use::category;
  }

  std::int64_t count_rows() {
    Reader reader(path_, options_, where_);
    std::vector<Field> row;
    std::int64_t rows = 0;
    while (reader.next(row)) {
      if (columns_.empty()) {
        for (std::size_t i = 0; i < row.size(); ++i)
          columns_.push_back(
              {options_.header ? std::string(trimmed(row[i].text)) : std::to_string(i)});
        assign_uses();
        if (options_.header) continue;
      }
      if (row.size() != columns_.size())
        reader.fail(
            row[std::min(row.size(), columns_.size() + 1) - 1],
            fmt::format("a row of {} fields, {} wanted, at \"{:.40}\"", row.size(), columns_.size(),
                        row[std::min(row.size(), columns_.size() + 1) - 1].text));
      ++rows;
    }
    if (rows == 0) raise<FileError>(where_, op, fmt::format("{}: there is no row of data", path_));
    return rows;
  }

  void assign_uses() {
    for (const std::string& name : options_.ignore) find(name).use = Column::Use::ignored;
    for (const std::string& name : options_.categorical) find(name).use = Column::Use::category;
    if (!options_.label.empty()) find(options_.label).use = Column::Use::target;
  }

  Column& find(const std::string& name) {
    const auto found = std::ranges::find(columns_, name, &Column::name);
    if (found != columns_.end()) return *found;
    std::int64_t number = 0;
    const char* last = name.data() + name.size();
    const auto [stop, error] = std::from_chars(name.data(), last, number);
    if (number < 0) number += std::ssize(columns_);
    if (error != std::errc{} || stop != last || number < 0 || number >= std::ssize(columns_)) {
      std::vector<std::string> names;
      for (const Column& column : columns_) names.push_back(column.name);
      raise<ValueError>(where_, op,
                        fmt::format("{}: there is no column '{}'; there are: {}", path_, name,
                                    fmt::join(names, ", ")));
    }
    return columns_[static_cast<std::size_t>(number)];
  }

  template <class T>
  void fill(const Dataset& data) {
    Reader reader(path_, options_, where_);
    std::vector<Field> row;
    if (options_.header) reader.next(row);
    T* x = data.x.mutable_data<T>();
    const std::int64_t rows = data.x.size(0);
    for (std::int64_t i = 0; i < rows; ++i) {
      // the file was read once before
      if (!reader.next(row) || row.size() != columns_.size())
        raise<FileError>(where_, op, fmt::format("{}: the file changed while it was read", path_));
      for (std::size_t c = 0; c < columns_.size(); ++c) {
        Column& column = columns_[c];
        if (column.use == Column::Use::number)
          *x++ = static_cast<T>(number(reader, row[c], column));
        if (column.use == Column::Use::category)
          *x++ = static_cast<T>(column.texts.number(std::string(trimmed(row[c].text))));
        if (column.use != Column::Use::target) continue;
        if (options_.regression)
          data.y.mutable_data<T>()[i] = static_cast<T>(number(reader, row[c], column));
        else data.y.mutable_data<std::int64_t>()[i] = label(reader, row[c], column);
      }
    }
  }

  double number(const Reader& reader, const Field& field, const Column& column) const {
    const std::string_view text = trimmed(field.text);
    if (text.empty() || std::ranges::find(options_.missing, text) != options_.missing.end())
      return std::numeric_limits<double>::quiet_NaN();
    const std::optional<double> number = number_of(text);
    if (!number)
      reader.fail(field,
                  fmt::format("\"{:.40}\" is not a number (column '{}')", field.text, column.name));
    return *number;
  }

  std::int64_t label(const Reader& reader, const Field& field, Column& column) const {
    const std::string text(trimmed(field.text));
    if (text.empty())
      reader.fail(field, fmt::format("the label is empty (column '{}')", column.name));
    return column.texts.number(text);
  }

  // Numbers the texts anew, in their order.
  void finish(Csv& csv) {
    std::int64_t feature = 0;
    for (const Column& column : columns_) {
      if (is_feature(column)) csv.categories.emplace_back();
      if (column.use == Column::Use::category) {
        csv.categories.back() = column.texts.sorted();
        if (options_.dtype == float32) renumber<float>(csv.data.x, feature, column.texts.places());
        else renumber<double>(csv.data.x, feature, column.texts.places());
      }
      if (column.use == Column::Use::target && !options_.regression) {
        csv.classes = column.texts.sorted();
        const std::vector<std::int64_t> place = column.texts.places();
        std::int64_t* y = csv.data.y.mutable_data<std::int64_t>();
        for (std::int64_t i = 0, end = csv.data.y.numel(); i < end; ++i)
          y[i] = place[static_cast<std::size_t>(y[i])];
      }
      feature += is_feature(column);
    }
  }

  template <class T>
  static void renumber(const Tensor& x, std::int64_t feature,
                       const std::vector<std::int64_t>& place) {
    T* element = x.mutable_data<T>() + feature;
    for (std::int64_t i = 0; i < x.size(0); ++i, element += x.size(1))
      *element = static_cast<T>(place[static_cast<std::size_t>(*element)]);
  }

  std::string path_;
  const CsvOptions& options_;
  Location where_;
  std::vector<Column> columns_;
};

}  // namespace

Csv read_csv(const std::string& path, const CsvOptions& options, Location where) {
  if (!is_floating(options.dtype))
    raise<DTypeError>(where, op, fmt::format("dtype is {}", name_of(options.dtype)));
  if (std::string_view("\"\r\n").find(options.delimiter) != std::string_view::npos)
    raise<ValueError>(where, op, "the delimiter is a quote or a line break");
  return Table(path, options, where).read();
}

}  // namespace xtape::nn
