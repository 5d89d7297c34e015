// The rules of the house that a text search can check: `rules layers PROJECT` and so on. Prints
// what breaks the rule, each with its file and line, and fails if there is any.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

namespace {

namespace fs = std::filesystem;
using Names = std::set<std::string>;

struct File {
  std::string path;  // from the project's root
  std::vector<std::string> lines;
  std::string folder() const { return path.substr(0, path.find('/')); }
  bool is(const char* extension) const { return path.ends_with(extension); }
};

int problems = 0;

void complain(const File& file, std::size_t line, const std::string& what) {
  ++problems;
  std::cout << file.path << ":" << line << ": " << what << "\n";
}

/// The C++ and CMake files of some folders, sorted.
std::vector<File> files(const fs::path& root, const Names& folders) {
  std::vector<File> out;
  for (const std::string& folder : folders) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const std::string extension = entry.path().extension();
      if (!Names{".hpp", ".cpp", ".cmake"}.contains(extension)) continue;
      File file{fs::relative(entry.path(), root), {}};
      std::ifstream in(entry.path());
      for (std::string line; std::getline(in, line);) file.lines.push_back(line);
      out.push_back(std::move(file));
    }
  }
  std::sort(out.begin(), out.end(), [](auto& a, auto& b) { return a.path < b.path; });
  return out;
}

const Names library = {"autograd", "ops", "nn", "optim"};

/// What a folder may include of this project.
const std::map<std::string, Names> arrows = {{"autograd", {"autograd"}},
                                             {"ops", {"ops", "autograd"}},
                                             {"nn", {"nn", "ops", "autograd"}},
                                             {"optim", {"optim", "autograd"}},
                                             {"examples", {"xtape.hpp"}}};

void check_own_include(const File& file, std::size_t line, const std::string& target) {
  const std::string folder = target.substr(0, target.find('/'));
  const auto allowed = arrows.find(file.folder());
  if (allowed != arrows.end() && !allowed->second.contains(folder))
    complain(file, line, file.folder() + " must not include <xtape/" + target + ">");
  if (file.path.starts_with("tests/oracle/") && !target.starts_with("tests/oracle/"))
    complain(file, line, "the oracle shares no code with the library: <xtape/" + target + ">");
}

void check_foreign_include(const File& file, std::size_t line, const std::string& target) {
  static const std::regex heavy("xtensor-blas/.*|xtensor/x(strided_|index_|masked_)?view\\.hpp");
  static const std::regex standard("[a-z_0-9]+(\\.h)?");
  const bool public_header = library.contains(file.folder()) && file.is(".hpp");
  if (public_header && std::regex_match(target, heavy))
    complain(file, line, "<" + target + "> is for .cpp files: it is slow to compile");
  if (public_header && target.starts_with("fmt/"))
    complain(file, line, "<" + target + "> is for .cpp files");
  if (file.path.starts_with("tests/oracle/") && !file.is(".test.cpp") &&
      !std::regex_match(target, standard))
    complain(file, line, "the oracle includes the standard library only");
}

/// Follows includes from `path`; a header that is met again on its own way is a cycle.
void find_cycles(const std::map<std::string, Names>& includes, const std::string& path,
                 std::vector<std::string>& way, Names& done) {
  const auto met = std::find(way.begin(), way.end(), path);
  if (met != way.end()) {
    ++problems;
    std::cout << "a cycle of includes:";
    for (auto step = met; step != way.end(); ++step) std::cout << " " << *step;
    std::cout << " " << path << "\n";
  }
  if (!includes.contains(path) || !done.insert(path).second) return;
  way.push_back(path);
  for (const std::string& next : includes.at(path)) find_cycles(includes, next, way, done);
  way.pop_back();
}

void layers(const fs::path& root) {
  static const std::regex include("\\s*#\\s*include\\s*([<\"])([^>\"]+)[>\"].*");
  Names folders = library;
  folders.insert({"tests", "tools", "examples"});
  std::map<std::string, Names> includes;
  for (const File& file : files(root, folders)) {
    if (file.path.starts_with("tests/refuses/")) continue;
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      std::smatch match;
      if (!std::regex_match(file.lines[i], match, include)) continue;
      const std::string target = match[2];
      if (match[1] == "\"") {
        const bool helper = fs::exists((root / file.path).parent_path() / target);
        if (file.folder() == "tests" && helper) continue;
        complain(file, i + 1, "\"" + target + "\" should be spelt <xtape/...>");
      } else if (target.starts_with("xtape/")) {
        const std::string own = target.substr(6);
        if (!fs::exists(root / own)) complain(file, i + 1, "there is no " + own);
        check_own_include(file, i + 1, own);
        includes[file.path].insert(own);
      } else {
        check_foreign_include(file, i + 1, target);
      }
    }
  }
  Names done;
  for (const auto& [path, targets] : includes) {
    std::vector<std::string> way;
    find_cycles(includes, path, way, done);
  }
}

void budgets(const fs::path& root) {
  // spelt in two parts, so that this line does not break the rule
  static const std::regex unfinished(
      "\\b(TO"
      "DO|FIX"
      "ME|XX"
      "X)\\b");
  Names folders = library;
  folders.insert({"tests", "tools", "examples"});
  for (const File& file : files(root, folders)) {
    if (file.lines.size() > 400)
      complain(file, 401, std::to_string(file.lines.size()) + " lines, 400 are allowed");
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      const std::string& line = file.lines[i];
      const auto columns =
          std::count_if(line.begin(), line.end(), [](char c) { return (c & 0xC0) != 0x80; });
      if (columns > 100)
        complain(file, i + 1, std::to_string(columns) + " columns, 100 are allowed");
      if (line.find('\t') != line.npos) complain(file, i + 1, "a tab");
      if (line.ends_with(' ')) complain(file, i + 1, "a space at the end");
      if (std::regex_search(line, unfinished)) complain(file, i + 1, "something unfinished");
    }
  }
}

/// Layers, losses and activations are forward code only.
void forward_only(const fs::path& root) {
  static const std::regex derivative("vjp|\\brecord\\s*\\(|\\bBackward\\b");
  static const Names kernels = {"nn/activations.hpp", "nn/kernels_graph.cpp"};
  for (const File& file : files(root, {"nn"})) {
    const bool declares = kernels.contains(file.path);
    for (std::size_t i = 0; i < file.lines.size(); ++i) {
      if (!std::regex_search(file.lines[i], derivative)) continue;
      if (declares && file.lines[i].find("graph_vjp") != std::string::npos) continue;
      complain(file, i + 1, "nn/ holds no derivatives: " + file.lines[i]);
    }
  }
}

/// Names headers with logic that have no test of their own; a goal, so nothing fails.
void mirrors(const fs::path& root) {
  for (const File& file : files(root, library)) {
    const std::string name = file.path.substr(0, file.path.size() - 4);
    if (!file.is(".hpp") || name == file.folder() + "/" + file.folder()) continue;
    if (!fs::exists(root / "tests" / (name + ".test.cpp")))
      std::cout << "no tests/" << name << ".test.cpp\n";
  }
}

}  // namespace

int main(int argc, char** argv) {
  const std::map<std::string, void (*)(const fs::path&)> rules = {{"layers", layers},
                                                                  {"budgets", budgets},
                                                                  {"forward_only", forward_only},
                                                                  {"mirrors", mirrors}};
  CLI::App app("Checks a rule of the house");
  std::string rule, root = ".";
  app.add_option("rule", rule)->required()->check(CLI::IsMember(rules));
  app.add_option("project", root, "its root folder")->check(CLI::ExistingDirectory);
  CLI11_PARSE(app, argc, argv);
  rules.at(rule)(root);
  return problems > 0;
}
