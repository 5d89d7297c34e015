// Tables of text, one row per line, fields between commas (RFC 4180): a field in "quotes" may hold
// the delimiter, line breaks and, doubled, quotes.
#pragma once

#include <string>
#include <vector>
#include <xtape/nn/loader.hpp>

namespace xtape::nn {

struct CsvOptions {
  char delimiter = ',';
  bool header = true;          ///< the first row names the columns; else they are "0", "1", ...
  std::int64_t skip_rows = 0;  ///< lines at the beginning that are passed over
  /// The name of the column with the targets, or its number, negative from the right; none without.
  std::string label{};
  /// Whether targets are numbers, y in the element type of x, and not classes.
  bool regression = false;
  /// The names or numbers of columns that are left out.
  std::vector<std::string> ignore{};
  /// The names or numbers of columns whose texts are numbered like classes.
  std::vector<std::string> categorical{};
  /// Fields that stand for a number that is not known, beside empty ones: NaN.
  std::vector<std::string> missing{"NA", "NaN", "nan", "?"};
  DType dtype = float32;  ///< of x
};

/// What a table holds.
struct Csv {
  Dataset data;                         ///< x [n, features]; y [n], not defined() without a label
  std::vector<std::string> features{};  ///< the names of the columns of x
  std::vector<std::string> classes{};   ///< the texts of the classes 0, 1, ... of y
  /// For each column of x the texts that 0, 1, ... stand for; none for numbers.
  std::vector<std::vector<std::string>> categories{};
};

/// A table, plain or gzipped. It is read twice, to count the rows and to read them into the
/// tensors; spaces around numbers and empty lines do not count. Classes are int64, numbered in the
/// order of their texts, or of their numbers if all are numbers. Throws FileError with
/// "file:line:column" and the text: for what is not a number, a row with another number of fields,
/// a quote that is not closed or followed by more text, an empty label; and if the file cannot be
/// read or has no row. Throws ValueError for a column that is not there and a delimiter that is a
/// quote or a line break, DTypeError unless dtype is floating.
Csv read_csv(const std::string& path, const CsvOptions& options = {}, Location where = {});

}  // namespace xtape::nn
