#include <fmt/core.h>

#include <xtape/autograd/errors.hpp>

namespace xtape {

namespace {
thread_local const Location* outermost_caller = nullptr;
thread_local Location caller_location{"", 0};
}  // namespace

std::string Location::str() const {
  std::string_view path = file;
  const auto slash = path.find_last_of('/');
  if (slash != std::string_view::npos) path.remove_prefix(slash + 1);
  return fmt::format("{}:{}", path, line);
}

Caller::Caller(const Location& where) : outermost_(outermost_caller == nullptr) {
  if (!outermost_) return;
  caller_location = where;
  outermost_caller = &caller_location;
}

Caller::~Caller() {
  if (outermost_) outermost_caller = nullptr;
}

Location Caller::or_else(const Location& fallback) {
  return outermost_caller ? *outermost_caller : fallback;
}

Error::Error(std::string_view op, std::string_view what, const Location& where)
    : std::runtime_error(fmt::format("{}: {} ({})", op, what, where.str())),
      op_(op),
      where_(where) {}

}  // namespace xtape
