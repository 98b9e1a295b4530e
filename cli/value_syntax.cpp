#include "cli/value_syntax.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <span>

#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxPathBytes = 4095;  // PATH_MAX without its NUL
constexpr std::size_t kMaxProfileNameBytes = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_word(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

bool all_digits(std::string_view text) {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
}

std::optional<std::uint64_t> number(std::string_view digits) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

// Calls `use` for each component between slashes; false from `use` ends it.
template <class Use>
bool each_component(std::string_view path, Use use) {
  while (true) {
    const std::size_t slash = path.find('/');
    if (!use(path.substr(0, slash))) return false;
    if (slash == std::string_view::npos) return true;
    path.remove_prefix(slash + 1);
  }
}

Result<std::uint16_t> parse_port(std::string_view text, std::string_view whole) {
  if (!all_digits(text)) {
    return Error(Errc::kUsage, quoted(whole) + " is not PORT[:INSIDE]")
        .hint("for example 8080, 8080:80 or udp:5353; the host's side stands left");
  }
  auto port = Port::parse(text);
  if (!port) return std::move(port).error();
  return port->number();
}

template <class Mode>
struct Word {
  std::string_view text;
  Mode mode;
};

// `later`: words of the design that this version does not have.
template <class Mode, std::size_t N>
Result<Mode> parse_word(std::string_view text, std::string_view what,
                        const std::array<Word<Mode>, N>& words,
                        std::span<const std::string_view> later = {}) {
  std::vector<std::string_view> names;
  std::string list;
  for (const auto& word : words) {
    if (word.text == text) return word.mode;
    names.push_back(word.text);
    list += list.empty() ? "" : ", ";
    list += word.text;
  }
  if (std::find(later.begin(), later.end(), text) != later.end()) {
    return Error(Errc::kNotYet,
                 std::string(what) + " " + std::string(text) + ": not yet in this version")
        .hint("use one of: " + list);
  }
  return Error(Errc::kInvalidProfile,
               quoted(text) + " is not a " + std::string(what) + did_you_mean(text, names))
      .hint("use one of: " + list);
}

constexpr std::array<Word<HomeMode>, 2> kHomeModes{
    {{"tmpfs", HomeMode::kTmpfs}, {"persistent", HomeMode::kPersistent}}};
constexpr std::array<Word<MountMode>, 2> kMountModes{
    {{"ro", MountMode::kReadOnly}, {"rw", MountMode::kReadWrite}}};
constexpr std::array<Word<NetworkMode>, 4> kNetworkModes{
    {{"filtered", NetworkMode::kFiltered},
     {"none", NetworkMode::kNone},
     {"discover", NetworkMode::kDiscover},
     {"dangerously-open", NetworkMode::kDangerouslyOpen}}};
constexpr std::array<std::string_view, 1> kLaterMountModes{"cow"};

template <class Mode, std::size_t N>
std::string_view name_of(Mode mode, const std::array<Word<Mode>, N>& words) noexcept {
  for (const auto& word : words) {
    if (word.mode == mode) return word.text;
  }
  return "?";
}

}  // namespace

Result<std::string> parse_path(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return Error(Errc::kInvalidProfile, "the path " + quoted(text, 80) + " " + std::string(why));
  };
  if (!text.starts_with('/') && !text.starts_with("~/")) {
    return refuse("is neither absolute nor begins with ~/");
  }
  if (text.size() > kMaxPathBytes) return refuse("is longer than 4095 bytes");
  if (text.find('\0') != std::string_view::npos) return refuse("contains a NUL byte");
  std::string out;
  const bool fits = each_component(text, [&](std::string_view component) {
    if (component == "..") return false;
    if (component.empty() || component == ".") return true;
    if (component != "~" || !out.empty() || text.front() == '/') out += '/';
    out += component;
    return true;
  });
  if (!fits) return refuse("contains \"..\"; write where it leads");
  if (out.empty()) return std::string("/");
  if (out == "~") return refuse("is the whole home directory; name what is needed in it");
  return out;
}

Result<std::string> parse_glob(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return Error(Errc::kInvalidProfile, "the pattern " + quoted(text, 80) + " " + std::string(why));
  };
  if (text.empty() || text == "!") return refuse("is empty");
  const std::string_view body = text.starts_with('!') ? text.substr(1) : text;
  if (body.starts_with('/') || body.starts_with("~"))
    return refuse("must be relative to the mount");
  if (text.size() > kMaxPathBytes) return refuse("is longer than 4095 bytes");
  if (text.find('\0') != std::string_view::npos) return refuse("contains a NUL byte");
  const bool fits =
      each_component(body, [](std::string_view component) { return component != ".."; });
  if (!fits) return refuse("contains \"..\"");
  return std::string(text);
}

Result<std::string> parse_variable_name(std::string_view text) {
  if (text.empty() || is_digit(text.front()) || !std::all_of(text.begin(), text.end(), is_word)) {
    return Error(Errc::kInvalidProfile, quoted(text, 80) + " is not the name of a variable");
  }
  return std::string(text);
}

Result<std::string> parse_variable_pattern(std::string_view text) {
  const std::string_view prefix = text.ends_with('*') ? text.substr(0, text.size() - 1) : text;
  if (text == "*") {
    return Error(Errc::kInvalidProfile, "\"*\" would pass the whole environment")
        .hint("name what is needed; a '*' may end a name, as in LC_*");
  }
  if (auto name = parse_variable_name(prefix); !name) return std::move(name).error();
  return std::string(text);
}

Result<PortForward> parse_forward(std::string_view text) {
  PortForward forward;
  std::string_view rest = text;
  if (rest.starts_with("udp:")) {
    forward.transport = Transport::kUdp;
    rest.remove_prefix(4);
  } else if (rest.starts_with("tcp:")) {
    rest.remove_prefix(4);
  }
  const std::size_t colon = rest.find(':');
  auto host = parse_port(rest.substr(0, colon), text);
  if (!host) return std::move(host).error();
  forward.host = *host;
  forward.inside = *host;
  if (colon != std::string_view::npos) {
    auto inside = parse_port(rest.substr(colon + 1), text);
    if (!inside) return std::move(inside).error();
    forward.inside = *inside;
  }
  return forward;
}

Result<std::uint64_t> parse_memory(std::string_view text) {
  constexpr std::string_view kUnits = "KMGT";
  const auto refuse = [&](std::string_view why) {
    return Error(Errc::kInvalidProfile,
                 quoted(text, 40) + " is not an amount of memory" + std::string(why))
        .hint("write digits and K, M, G or T, as in 512M or 8G");
  };
  const std::size_t unit = text.empty() ? kUnits.npos : kUnits.find(text.back());
  if (unit == kUnits.npos) return refuse("");
  const std::string_view digits = text.substr(0, text.size() - 1);
  const auto amount = all_digits(digits) ? number(digits) : std::nullopt;
  if (!amount) return refuse("");
  const std::size_t shift = 10 * (unit + 1);
  if (*amount > (std::uint64_t{1} << 62U) >> shift) return refuse(": it is too large");
  if (*amount << shift < (std::uint64_t{1} << 20U)) return refuse(": less than 1M starts nothing");
  return *amount << shift;
}

Result<std::chrono::seconds> parse_duration(std::string_view text) {
  const auto refuse = [&] {
    return Error(Errc::kInvalidProfile, quoted(text, 40) + " is not a time from 1s to 365d")
        .hint("write digits and s, m, h or d, as in 90s, 4h or 1h30m");
  };
  constexpr std::uint64_t kDay = 86'400;
  std::uint64_t total = 0;
  std::string_view rest = text;
  while (!rest.empty()) {
    const std::size_t length = rest.find_first_not_of("0123456789");
    if (length == std::string_view::npos || length == 0 || length > 9) return refuse();
    const std::uint64_t amount = *number(rest.substr(0, length));
    switch (rest[length]) {
      case 's':
        total += amount;
        break;
      case 'm':
        total += amount * 60;
        break;
      case 'h':
        total += amount * 3600;
        break;
      case 'd':
        total += amount * kDay;
        break;
      default:
        return refuse();
    }
    if (total > 365 * kDay) return refuse();
    rest.remove_prefix(length + 1);
  }
  if (total == 0) return refuse();
  return std::chrono::seconds(total);
}

Result<std::uint64_t> parse_processes(std::string_view text) {
  const auto value = all_digits(text) ? number(text) : std::nullopt;
  if (!value || *value == 0 || *value > 4'194'304) {
    return Error(Errc::kInvalidProfile,
                 quoted(text, 40) + " is not a number of processes from 1 to 4194304");
  }
  return *value;
}

Result<HomeMode> parse_home_mode(std::string_view text) {
  return parse_word(text, "home mode", kHomeModes);
}

Result<MountMode> parse_mount_mode(std::string_view text) {
  return parse_word(text, "mount mode", kMountModes, kLaterMountModes);
}

Result<NetworkMode> parse_network_mode(std::string_view text) {
  return parse_word(text, "network mode", kNetworkModes);
}

std::string_view mode_name(HomeMode mode) noexcept { return name_of(mode, kHomeModes); }
std::string_view mode_name(MountMode mode) noexcept { return name_of(mode, kMountModes); }
std::string_view mode_name(NetworkMode mode) noexcept { return name_of(mode, kNetworkModes); }

Result<std::string> parse_address_range(std::string_view text) {
  const auto refuse = [&](std::string_view why) {
    return Error(Errc::kInvalidProfile,
                 quoted(text, 60) + " is not an address range: " + std::string(why))
        .hint("for example 10.0.0.0/8 or fd00::/8");
  };
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return refuse("the prefix length is missing");
  auto host = Host::parse(text.substr(0, slash));
  if (!host || !host->is_address()) return refuse("what stands before the '/' is no address");
  const bool six = host->text().find(':') != std::string::npos;
  const std::string_view digits = text.substr(slash + 1);
  const auto length = all_digits(digits) && digits.size() <= 3 ? number(digits) : std::nullopt;
  if (!length || (digits.size() > 1 && digits.front() == '0') || *length > (six ? 128U : 32U)) {
    return refuse("the prefix length is wrong");
  }
  if (*length < (six ? 7U : 8U)) return refuse("it is wider than any private range");
  std::array<unsigned char, 16> bytes{};
  ::inet_pton(six ? AF_INET6 : AF_INET, host->text().c_str(), bytes.data());
  for (std::size_t bit = *length; bit < (six ? 128U : 32U); ++bit) {
    if ((bytes[bit / 8] & (0x80U >> (bit % 8))) != 0)
      return refuse("bits behind the prefix are set");
  }
  return std::string(text);
}

Result<std::string> parse_profile_name(std::string_view text) {
  const auto plain = [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z'); };
  const bool fits = !text.empty() && text.size() <= kMaxProfileNameBytes && plain(text.front()) &&
                    std::all_of(text.begin(), text.end(), [&](char c) {
                      return plain(c) || c == '.' || c == '_' || c == '-';
                    });
  if (!fits) {
    return Error(Errc::kInvalidProfile, quoted(text, 80) + " is not the name of a profile")
        .hint(
            "names are lower-case letters, digits, '.', '_' and '-'; a file is named with a slash, "
            "as in ./mine.yaml");
  }
  return std::string(text);
}

}  // namespace redoubtful::cli
