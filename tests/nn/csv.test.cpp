#include <xtape/nn/csv.hpp>

#include "../check.hpp"
#include "folder.hpp"

using namespace xtape;
using check::Folder, check::refused;
using Strings = std::vector<std::string>;

TEST_CASE("csv: numbers, a label by name, and texts as classes") {
  const Folder folder;
  const std::string text =
      "a, b ,\"kind\"\r\n"
      "1,2.5,cat\r\n"
      "\n"
      " -3e2 ,+4,\"dog\"\n"
      ",NA, cat \n"
      "?,inf,\"b\"\"ee\"";
  for (const bool gzip : {false, true}) {
    const std::string path =
        gzip ? folder.write_gzip("a.csv.gz", "\xEF\xBB\xBF" + text) : folder.write("a.csv", text);
    const nn::Csv csv = nn::read_csv(path, {.label = "kind"});
    CHECK(csv.features == Strings{"a", "b"});
    CHECK(csv.classes == Strings{"b\"ee", "cat", "dog"});
    CHECK(check::equal(csv.data.x, Tensor({{1, 2.5}, {-300, 4}, {NAN, NAN}, {NAN, INFINITY}})));
    CHECK(check::equal(csv.data.y, Tensor({1, 2, 1, 0}, int64)));
  }
}

TEST_CASE("csv: without a header, by numbers, other delimiters") {
  const Folder folder;
  const std::string path =
      folder.write("a.txt", "about this file\n10;x;0.5;1e999\n9;y;.25;2\n2;x;1;-1e999\n");
  const nn::Csv csv = nn::read_csv(path, {.delimiter = ';',
                                          .header = false,
                                          .skip_rows = 1,
                                          .label = "0",
                                          .categorical = {"1"},
                                          .dtype = float64});
  CHECK(csv.features == Strings{"1", "2", "3"});
  CHECK(csv.classes == Strings{"2", "9", "10"});  // in the order of the numbers
  CHECK(csv.categories == std::vector<Strings>{{"x", "y"}, {}, {}});
  CHECK(check::equal(csv.data.x,
                     Tensor({{0, .5, INFINITY}, {1, .25, 2}, {0, 1, -INFINITY}}, float64)));
  CHECK(check::equal(csv.data.y, Tensor({2, 1, 0}, int64)));
  const nn::Csv numbers = nn::read_csv(path, {.delimiter = ';',
                                              .header = false,
                                              .skip_rows = 1,
                                              .label = "-1",
                                              .regression = true,
                                              .ignore = {"1", "0"}});
  CHECK(check::equal(numbers.data.x, Tensor({{.5}, {.25}, {1}})));
  CHECK(check::equal(numbers.data.y, Tensor({INFINITY, 2, -INFINITY})));
  CHECK(numbers.classes.empty());
  const nn::Csv all = nn::read_csv(folder.write("n.csv", "u,v\n1,2\n"));
  CHECK_FALSE(all.data.y.defined());
  CHECK(check::equal(all.data.x, Tensor({{1, 2}})));
}

TEST_CASE("csv: more rows than any buffer, quotes over line breaks") {
  const Folder folder;
  std::string text = "id,note,value\n";
  for (int i = 0; i < 30000; ++i)
    text += std::to_string(i) + ",\"line one, \nline \"\"two\"\"\"," + std::to_string(i % 7) + "\n";
  const nn::Csv csv =
      nn::read_csv(folder.write("a.csv", text), {.label = "value", .ignore = {"note"}});
  CHECK(check::equal(csv.data.x, reshape(arange(30000), {30000, 1})));
  CHECK(check::equal(csv.data.y, remainder(arange(30000, int64), 7)));
  refused([&] { nn::read_csv(folder.write("a.csv", text), {.label = "value"}); },
          {"a.csv:2:3: \"line one, \nline \"two\"\" is not a number (column 'note')"});
}

TEST_CASE("csv: tables that cannot be read") {
  const Folder folder;
  const auto fails = [&](const std::string& text, std::vector<std::string> parts,
                         const nn::CsvOptions& options = {}) {
    const std::string path = folder.write("bad.csv", text);
    parts[0] = path + ":" + parts[0];
    refused([&] { nn::read_csv(path, options); }, parts);
  };
  refused([&] { nn::read_csv((folder.path / "no").string()); }, {"cannot be opened: No such file"});
  fails("a,b\n1,2\n3,x y\n", {"3:3: \"x y\" is not a number (column 'b')"});
  fails("a,b\n1,2\n\n\"7\",1.2.3", {"4:5: \"1.2.3\" is not a number"});
  fails("a,b\n1,2\n+-3,0\n", {"3:1: \"+-3\" is not a number"});
  fails("a,b\n1,2\n1\n", {"3:1: a row of 1 fields, 2 wanted, at \"1\""});
  fails("a,b\n1,2\n1,2,3,4\n", {"3:5: a row of 4 fields, 2 wanted, at \"3\""});
  fails("a,b\n1,\"2\n3,4\n", {"2:3: the quote is not closed: \"2"});
  fails("a,b\n1,\"2\"x\n", {"2:6: 'x' behind the quoted \"2\""});
  fails("a,b\n1, \n", {"2:3: the label is empty (column 'b')"}, {.label = "b"});
  fails("a,b\n1,?\n2,z\n", {"3:3: \"z\" is not a number"}, {.label = "b", .regression = true});
  fails("\xEFx\n1\n", {"1:1: not UTF-8 text"});
  fails("a,b\n", {" there is no row of data"});
  fails("", {" there is no row of data"});
  const std::string path = folder.write("a.csv", "a,b\n1,2\n");
  refused<ValueError>([&] { nn::read_csv(path, {.label = "c"}); },
                      {"there is no column 'c'; there are: a, b"});
  refused<ValueError>([&] { nn::read_csv(path, {.ignore = {"2"}}); }, {"no column '2'"});
  refused<ValueError>([&] { nn::read_csv(path, {.categorical = {"-3"}}); }, {"no column '-3'"});
  refused<ValueError>([&] { nn::read_csv(path, {.delimiter = '"'}); },
                      {"the delimiter is a quote"});
  refused<DTypeError>([&] { nn::read_csv(path, {.dtype = int64}); }, {"dtype is int64"});
}

TEST_CASE("csv: real tables, where they are") {
  const std::string folder = check::shared_data("uci");
  if (folder.empty()) return;
  const nn::CsvOptions plain{.header = false, .skip_rows = 1, .label = "-1"};
  const nn::Csv iris = nn::read_csv(folder + "/iris.csv", plain);
  CHECK(iris.data.x.shape() == Shape{150, 4});
  CHECK(check::distance(mean(iris.data.x, 0), Tensor({5.843333, 3.057333, 3.758, 1.199333})) <
        1e-5);
  CHECK(iris.classes == Strings{"0", "1", "2"});
  CHECK(nn::read_csv(folder + "/wine_data.csv", plain).data.x.shape() == Shape{178, 13});
  const nn::Csv cancer = nn::read_csv(folder + "/breast_cancer.csv", plain);
  CHECK(cancer.data.x.shape() == Shape{569, 30});
  CHECK(sum(cancer.data.y).item<std::int64_t>() == 357);
  const nn::Csv houses = nn::read_csv(
      folder + "/california_housing.csv",
      {.label = "median_house_value", .regression = true, .categorical = {"ocean_proximity"}});
  CHECK(houses.data.x.shape() == Shape{20640, 9});
  CHECK(sum(isnan(houses.data.x)).item<std::int64_t>() == 207);
  CHECK(houses.categories[8].size() == 5);
  CHECK(mean(cast(houses.data.y, float64)).item<double>() == doctest::Approx(206855.8169));
  const nn::Csv digits = nn::read_csv(folder + "/digits.csv.gz", {.header = false, .label = "-1"});
  CHECK(digits.data.x.shape() == Shape{1797, 64});
  CHECK(digits.classes.size() == 10);
  const nn::Csv cars =
      nn::read_csv(folder + "/autompg.csv.gz",
                   {.header = false, .label = "8", .regression = true, .ignore = {"7"}});
  CHECK(cars.data.x.size(1) == 7);
  CHECK(cars.data.x.size(0) == 392);
}
