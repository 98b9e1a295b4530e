#include "cli/init_spec.hpp"

#include <fcntl.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "cli/init/protocol.hpp"
#include "common/file.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

protocol::SpecTermios portable(const termios& settings) {
  protocol::SpecTermios out;
  out.input = settings.c_iflag;
  out.output = settings.c_oflag;
  out.control = settings.c_cflag;
  out.local = settings.c_lflag;
  static_assert(NCCS <= sizeof out.characters);
  std::copy_n(settings.c_cc, NCCS, out.characters);
  return out;
}

void describe_terminal(const TerminalSpec& terminal, protocol::SpecHeader& header) {
  constexpr std::array<std::uint32_t, std::tuple_size_v<decltype(terminal.replaces)>> kReplaces = {
      protocol::kTerminalOn0, protocol::kTerminalOn1, protocol::kTerminalOn2};
  header.flags |= protocol::kMakeTerminal;
  for (std::size_t n = 0; n < kReplaces.size(); ++n) {
    if (terminal.replaces[n]) header.flags |= kReplaces[n];
  }
  if (terminal.start == StartIn::kBackground) header.flags |= protocol::kInBackground;
  header.rows = terminal.size.ws_row;
  header.columns = terminal.size.ws_col;
  header.width_pixels = terminal.size.ws_xpixel;
  header.height_pixels = terminal.size.ws_ypixel;
  if (terminal.settings) {
    header.flags |= protocol::kCopyTermios;
    header.termios = portable(*terminal.settings);
  }
}

Error too_long(std::string_view what) {
  return Error(Errc::kUsage, std::string(what) + " are longer than any kernel takes")
      .hint("pass large input through a file or standard input");
}

// Errors: kUsage for a NUL byte.
Result<void> append(std::string& out, const std::string& text) {
  if (text.find('\0') != std::string::npos) {
    return Error(Errc::kUsage, "a NUL byte in " + quoted(text));
  }
  out.append(text.c_str(), text.size() + 1);
  return {};
}

}  // namespace

Result<std::string> encode(const InitSpec& spec) {
  if (spec.arguments.empty()) return Error(Errc::kUsage, "no command to run");
  if (spec.limits.size() > protocol::kMaxLimits) return Error(Errc::kUsage, "too many limits");
  if (spec.directory.empty() || spec.directory.front() != '/') {
    return Error(Errc::kUsage,
                 "the working directory " + quoted(spec.directory) + " is not an absolute path");
  }
  static const std::vector<std::string> kNothing;
  const auto& writable = spec.landlock ? spec.landlock->writable : kNothing;
  for (const auto* list : {&spec.arguments, &spec.environment, &writable}) {
    if (list->size() > protocol::kMaxSpecStrings) return too_long("command and environment");
  }
  protocol::SpecHeader header;
  header.argument_count = static_cast<std::uint32_t>(spec.arguments.size());
  header.variable_count = static_cast<std::uint32_t>(spec.environment.size());
  header.writable_count = static_cast<std::uint32_t>(writable.size());
  header.limit_count = static_cast<std::uint16_t>(spec.limits.size());
  for (std::size_t i = 0; i < spec.limits.size(); ++i) {
    header.limits[i].resource = static_cast<std::uint32_t>(spec.limits[i].resource);
    header.limits[i].soft = spec.limits[i].soft;
    header.limits[i].hard = spec.limits[i].hard;
  }
  if (spec.landlock) header.flags |= protocol::kConfineWrites;
  if (spec.terminal) describe_terminal(*spec.terminal, header);

  std::string out(sizeof header, '\0');
  if (auto done = append(out, spec.directory); !done) return std::move(done).error();
  for (const auto* list : {&spec.arguments, &spec.environment, &writable}) {
    for (const std::string& text : *list) {
      if (auto done = append(out, text); !done) return std::move(done).error();
    }
  }
  if (out.size() > protocol::kMaxSpecBytes) return too_long("command and environment");
  header.bytes = static_cast<std::uint32_t>(out.size());
  std::memcpy(out.data(), &header, sizeof header);
  return out;
}

Result<UniqueFd> seal(const InitSpec& spec) {
  auto bytes = encode(spec);
  if (!bytes) return std::move(bytes).error();
  UniqueFd fd(::memfd_create("redoubtful-init", MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return Error::system_call("cannot make a file in memory", errno);
  if (auto written = write_all(fd.get(), *bytes); !written) return std::move(written).error();
  constexpr int kSeals = F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (::fcntl(fd.get(), F_ADD_SEALS, kSeals) != 0) {
    return Error::system_call("cannot seal the specification", errno);
  }
  return fd;
}

}  // namespace redoubtful::cli
