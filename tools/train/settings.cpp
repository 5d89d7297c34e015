#include <algorithm>
#include <xtape/tools/train/settings.hpp>

namespace training {

std::vector<std::int64_t> sizes(std::string_view text) {
  std::vector<std::int64_t> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const std::size_t end = std::min(text.find(',', begin), text.size());
    const std::string_view size = text.substr(begin, end - begin);
    if (size.empty() || size.size() > 6 || size.find_first_not_of("0123456789") != size.npos)
      return {};
    out.push_back(std::stoll(std::string(size)));
    begin = end + 1;
  }
  return out;
}

}  // namespace training
