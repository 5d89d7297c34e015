#include <fmt/format.h>

#include <filesystem>
#include <xtape/tools/compare/peers.hpp>
#include <xtape/tools/compare/process.hpp>
#include <xtape/tools/compare/rows.hpp>

namespace compare {

std::string peers_table(Setting setting) {
  setting.programs = {"bench"};
  std::vector<std::string> libraries;
  for (const auto& [program, library] : {std::pair{"bench_ggml", "ggml"}, {"bench_mlx", "MLX"}}) {
    if (!std::filesystem::exists(setting.folder + "/" + program)) continue;
    setting.programs.push_back(program);
    libraries.push_back(library);
  }
  if (libraries.empty()) return {};
  std::string text = fmt::format(
      "Medians of {} turns.\n\n"
      "| workload | threads | xtape | library | its time | ratio | target | MB | its MB |\n"
      "|---|---|---|---|---|---|---|---|---|\n",
      setting.repeat);
  for (const Row& row : peer_rows()) {
    const Turns turns = take_turns(setting, row.arguments);
    for (const int threads : setting.threads)
      for (std::size_t i = 0; i < libraries.size(); ++i) {
        const Samples &ours = turns.at(threads)[0], &theirs = turns.at(threads)[i + 1];
        text += fmt::format("| `{}` | {} | {} | {} | {} | {:.2f} | {} | {:.0f} | {:.0f} |\n",
                            row.arguments, threads, time_text(median(ours.us)), libraries[i],
                            time_text(median(theirs.us)), ratio(theirs, ours),
                            threads == 1 ? fmt::format("{}", row.target) : "", ours.megabytes,
                            theirs.megabytes);
      }
  }
  return text;
}

}  // namespace compare
