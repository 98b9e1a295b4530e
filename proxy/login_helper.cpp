#include "proxy/login_helper.hpp"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <csignal>
#include <ctime>

#include "common/child_process.hpp"
#include "proxy/helper_link.hpp"
#include "proxy/json_reader.hpp"
#include "proxy/wall_clock.hpp"

namespace redoubtful::proxy {
namespace {

namespace json = boost::json;

constexpr std::string_view kName = "the helper that renews it";
// At the end, for what could not be written.
constexpr int kLastTries = 20;
constexpr timespec kLastPause{.tv_sec = 0, .tv_nsec = 500'000'000};

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// A login that is only here would be lost with us.
void write_what_is_left(std::vector<LoginKeeper>& keepers) {
  for (int tries = 0; tries < kLastTries; ++tries) {
    bool all = true;
    for (auto& keeper : keepers) all = keeper.write_rest() && all;
    if (all) return;
    ::nanosleep(&kLastPause, nullptr);
  }
}

// Whoever reads what the run prints waits for the run's end, not for ours.
bool leave_the_terminal() {
  const UniqueFd nothing(::open("/dev/null", O_RDWR | O_CLOEXEC));
  for (int fd = 0; fd < kHelperSocket; ++fd) {
    if (::dup2(nothing.get(), fd) < 0) return false;
  }
  return true;
}

int serve(const std::vector<KeptLogin>& logins, const EndpointAccess& access, int socket) {
  ::prctl(PR_SET_PDEATHSIG, 0);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ}) {
    std::signal(number, SIG_IGN);
  }
  if (!keep_alone(socket) || !leave_the_terminal()) return 1;
  std::vector<std::string> urls;
  for (const auto& login : logins) urls.push_back(login.grant.endpoint);
  auto endpoints = TokenEndpoints::open(access, urls);
  if (!endpoints) return 1;
  if (auto confined = confine(folders_of(logins)); !confined) return 1;
  const auto ask = [&](const OauthGrant& grant, const std::string& body,
                       const std::function<void()>& beat) {
    return (*endpoints)->post(grant.endpoint, grant_content_type(grant.body), body, beat);
  };
  std::vector<LoginKeeper> keepers;
  keepers.reserve(logins.size());
  for (const auto& login : logins) keepers.emplace_back(login, ask, wall_seconds);
  answer_questions(static_cast<std::uint32_t>(keepers.size()), [&](std::uint32_t number) {
    return fresh_login_packet(keepers[number].renew());
  });
  write_what_is_left(keepers);
  return 0;
}

}  // namespace

std::vector<WritableFolder> folders_of(const std::vector<KeptLogin>& logins) {
  std::vector<WritableFolder> out;
  for (const auto& login : logins) {
    const std::string directory = directory_of(login.path);
    out.push_back({directory, WritableFolder::What::kEverything});
    if (login.grant.lock == LoginLock::kClaude) {
      out.push_back({directory_of(directory), WritableFolder::What::kFoldersAlone});
    }
  }
  return out;
}

Result<UniqueFd> LoginHelper::start(const std::vector<KeptLogin>& logins,
                                    const EndpointAccess& access,
                                    const std::function<void()>& forget) {
  auto sockets = helper_sockets(kName);
  if (!sockets) return std::move(sockets).error();
  auto child = ChildProcess::fork([&]() -> int {
    forget();
    sockets->ours.reset();
    return serve(logins, access, sockets->theirs.get());
  });
  if (!child) return std::move(child).error().during("starting the login helper");
  child->leave();
  return std::move(sockets->ours);
}

std::string fresh_login_packet(Result<FreshLogin> login) {
  if (!login) return error_packet(login.error());
  json::object out(erasing_storage());
  out["access_token"] = login->access_token;
  ::explicit_bzero(login->access_token.data(), login->access_token.size());
  if (login->expires) out["expires"] = login->expires->time_since_epoch().count();
  out["ours"] = login->ours;
  out["unwritten"] = login->unwritten.substr(0, kMaxErrorBytes);
  std::string text = json::serialize(out);
  std::string packet = answer_packet(text);
  ::explicit_bzero(text.data(), text.size());
  return packet;
}

Result<FreshLogin> LoginHelper::answer(std::string& packet) {
  const auto content = content_of(packet, kName);
  if (!content) return content.error();
  const Error gone(Errc::kPeerProtocol, std::string(kName) + " is gone");
  auto document = parse_json(*content, erasing_storage());
  ::explicit_bzero(packet.data(), packet.size());
  if (!document) return gone;
  JsonFaults faults;
  const JsonNode node(faults, &*document, "the helper's answer");
  node.only({"access_token", "expires", "ours", "unwritten"});
  FreshLogin out;
  out.access_token = node.at("access_token").text();
  out.ours = node.at("ours").flag();
  out.unwritten = node.at("unwritten").text();
  if (const auto expires = node.at("expires"); !expires.absent()) {
    out.expires =
        std::chrono::sys_seconds(std::chrono::seconds(static_cast<std::int64_t>(expires.number())));
  }
  if (faults.first()) return gone;
  return out;
}

}  // namespace redoubtful::proxy
