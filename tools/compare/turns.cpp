#include <fmt/format.h>

#include <algorithm>
#include <xtape/tools/compare/process.hpp>
#include <xtape/tools/compare/turns.hpp>

namespace compare {

nlohmann::json run_once(const Setting& setting, const std::string& program,
                        const std::string& arguments, int threads, double seconds) {
  // no workload of ours calls OpenBLAS, whose idle threads would be all that is left of it
  const int of_blas = program == "bench" ? 1 : threads;
  return json_of(fmt::format("{}/{} {} --seconds {}", setting.folder, program, arguments, seconds),
                 threads, of_blas);
}

Turns take_turns(const Setting& setting, const std::string& arguments) {
  Turns turns;
  for (int i = 0; i < setting.repeat; ++i)
    for (const int threads : setting.threads) {
      std::vector<Samples>& all = turns[threads];
      all.resize(setting.programs.size());
      for (std::size_t k = 0; k < all.size(); ++k) {
        Samples& samples = all[k];
        samples.last = run_once(setting, setting.programs[k], arguments, threads, setting.seconds);
        samples.us.push_back(samples.last["median_us"]);
        samples.megabytes =
            std::max(samples.megabytes, samples.last["peak_rss_kb"].get<double>() / 1024);
      }
    }
  return turns;
}

double ratio(const Samples& a, const Samples& b) {
  std::vector<double> ratios;
  for (std::size_t i = 0; i < a.us.size(); ++i) ratios.push_back(a.us[i] / b.us[i]);
  return median(ratios);
}

std::string time_text(double us) {
  return us < 999.5 ? fmt::format("{:.3g} us", us) : fmt::format("{:.4g} ms", us / 1000);
}

}  // namespace compare
