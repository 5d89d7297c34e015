#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <xtape/autograd/profile.hpp>

namespace xtape {

namespace {

using Clock = std::chrono::steady_clock;

thread_local Profile* innermost = nullptr;
thread_local Clock::time_point began;
thread_local bool in_vjp = false;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

}  // namespace

struct Profiler {
  static void count(const char* op, const Location& where, bool backward, double seconds,
                    std::int64_t bytes) {
    for (Profile* each = innermost; each; each = each->outer_) {
      const auto mine = [&](const Profile::Row& row) {
        return row.backward == backward && row.where.line == where.line &&
               row.where.file == std::string_view(where.file) && row.op == op;
      };
      auto row = std::find_if(each->rows_.begin(), each->rows_.end(), mine);
      if (row == each->rows_.end()) row = each->rows_.insert(row, {op, where, backward, 0, 0, 0});
      ++row->calls;
      row->seconds += seconds;
      row->bytes += bytes;
    }
  }
};

namespace detail {

void operation_begins() {
  if (innermost && !in_vjp) began = Clock::now();
}

void operation_ends(const char* op, const Location& where, std::span<const Operand> inputs,
                    std::span<const Tensor> outputs) {
  if (!innermost || in_vjp) return;
  const double seconds = seconds_since(began);
  std::int64_t bytes = 0;
  for (const Operand& input : inputs) bytes += input.tensor.value()->bytes();
  for (const Tensor& output : outputs) bytes += output.value()->bytes();
  Profiler::count(op, where, false, seconds, bytes);
  began = Clock::now();
}

void profile_vjp(Node& node, Backward& backward) {
  if (!innermost || in_vjp) return node.vjp(backward);
  struct Inside {
    Inside() { in_vjp = true; }
    ~Inside() { in_vjp = false; }
  };
  std::int64_t bytes = 0;
  for (const Tensor& grad : node.grads)
    if (grad.defined()) bytes += grad.value()->bytes();
  const Clock::time_point start = Clock::now();
  {
    const Inside inside;
    node.vjp(backward);
  }
  Profiler::count(node.op, node.where, true, seconds_since(start), bytes);
}

}  // namespace detail

Profile::Profile() : outer_(innermost) {
  innermost = this;
  began = Clock::now();
  detail::profiles.fetch_add(1);
}

Profile::~Profile() {
  detail::profiles.fetch_sub(1);
  for (Profile** each = &innermost; *each; each = &(*each)->outer_)
    if (*each == this) {
      *each = outer_;
      break;
    }
}

std::vector<Profile::Row> Profile::rows() const {
  std::vector<Row> sorted = rows_;
  std::stable_sort(sorted.begin(), sorted.end(),
                   [](const Row& a, const Row& b) { return a.seconds > b.seconds; });
  return sorted;
}

std::string Profile::table() const {
  Row total{"total", Location("", 0), false, 0, 0, 0};
  for (const Row& row : rows_) {
    total.calls += row.calls;
    total.seconds += row.seconds;
    total.bytes += row.bytes;
  }
  std::string out = fmt::format("{:>8} {:>6} {:>9} {:>10}  {:<28} {}\n", "ms", "share", "calls",
                                "MB", "operation", "line");
  const auto add = [&](const Row& row) {
    out += fmt::format("{:>8.2f} {:>5.1f}% {:>9} {:>10.1f}  {:<28} {}\n", 1e3 * row.seconds,
                       total.seconds > 0 ? 100 * row.seconds / total.seconds : 0.0, row.calls,
                       1e-6 * static_cast<double>(row.bytes),
                       row.op + (row.backward ? ", backward" : ""),
                       row.where.line > 0 ? row.where.str() : "");
  };
  for (const Row& row : rows()) add(row);
  add(total);
  return out;
}

}  // namespace xtape
