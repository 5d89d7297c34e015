#include <unistd.h>

#include <cstdio>
#include <xtape/tools/train/progress.hpp>

namespace training {

Progress::Progress(const Settings& settings, std::int64_t epoch)
    : epoch_(epoch), epochs_(settings.epochs), shown_(isatty(STDERR_FILENO) && !settings.json) {}

Progress::~Progress() {
  if (shown_ && !ended_) std::fputs("\r\033[K", stderr);
}

void Progress::show(double share, double loss, double accuracy, double rate) {
  ended_ = share >= 1;
  if (!shown_ || (!ended_ && now() - before_ < 0.1)) return;
  before_ = now();
  constexpr int width = 24;
  const int filled = static_cast<int>(share * width);
  fmt::print(stderr,
             "\r\033[Kepoch {:>3}/{} [{:=<{}}{:{}}] loss {:.4f}  accuracy {:.4f}  {:.0f}/s{}",
             epoch_ + 1, epochs_, "", filled, "", width - filled, loss, accuracy, rate,
             ended_ ? "\n" : "");
  std::fflush(stderr);
}

}  // namespace training
