#include "proxy/hosts_file.hpp"

#include <algorithm>

#include "common/file.hpp"
#include "proxy/limits.hpp"
#include "proxy/message.hpp"

namespace redoubtful::proxy {
namespace {

// The next word of a line, which is taken off its front; empty at its end.
std::string_view take_word(std::string_view& line) {
  constexpr std::string_view kBlank = " \t\r\f\v";
  line.remove_prefix(std::min(line.find_first_not_of(kBlank), line.size()));
  const std::string_view word = line.substr(0, line.find_first_of(kBlank));
  line.remove_prefix(word.size());
  return word;
}

bool names(std::string_view line, const std::string& name) {
  for (auto word = take_word(line); !word.empty(); word = take_word(line)) {
    if (word.ends_with('.')) word.remove_suffix(1);
    if (equals_ignoring_case(word, name)) return true;
  }
  return false;
}

}  // namespace

HostsFile HostsFile::read(const std::string& path) {
  auto text = read_file(path, limits::kHostsFileBytes);
  return HostsFile(text ? *std::move(text) : std::string());
}

std::vector<boost::asio::ip::address> HostsFile::addresses(const Host& name) const {
  std::vector<boost::asio::ip::address> found;
  for (std::string_view rest = text_; !rest.empty();) {
    std::string_view line = rest.substr(0, rest.find('\n'));
    rest.remove_prefix(std::min(line.size() + 1, rest.size()));
    line = line.substr(0, line.find('#'));
    const std::string_view first = take_word(line);
    if (!names(line, name.text()) || first.find('%') != std::string_view::npos) continue;
    boost::system::error_code error;
    const auto address = boost::asio::ip::make_address(std::string(first), error);
    if (error || std::find(found.begin(), found.end(), address) != found.end()) continue;
    found.push_back(address);
    if (found.size() == limits::kAddresses) break;
  }
  return found;
}

}  // namespace redoubtful::proxy
