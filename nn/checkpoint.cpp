#include <fmt/format.h>

#include <string_view>
#include <xtape/nn/checkpoint.hpp>
#include <xtape/nn/npy.hpp>
#include <xtape/nn/safetensors.hpp>

namespace xtape::nn {

namespace {

struct Format {
  std::string_view ending;
  void (*save)(const std::string& path, const State& state, const Location& where);
  State (*load)(const std::string& path, Location where);
};

constexpr Format formats[] = {
    {".safetensors",
     [](const std::string& path, const State& state, const Location& where) {
       save_safetensors(path, state, {}, where);
     },
     load_safetensors},
    {".npz",
     [](const std::string& path, const State& state, const Location& where) {
       save_npz(path, state, where);
     },
     load_npz},
};

const Format& format_of(const char* op, const std::string& path, const Location& where) {
  std::string known;
  for (const Format& format : formats) {
    if (path.ends_with(format.ending)) return format;
    known += (known.empty() ? "" : " or ") + std::string(format.ending);
  }
  raise<ValueError>(where, op, fmt::format("{}: a name that ends in {} wanted", path, known));
}

}  // namespace

void save(const std::string& path, const State& state, Location where) {
  format_of("save", path, where).save(path, state, where);
}

State load(const std::string& path, Location where) {
  return format_of("load", path, where).load(path, where);
}

void check_checkpoint_name(const std::string& path, Location where) {
  format_of("checkpoint", path, where);
}

}  // namespace xtape::nn
