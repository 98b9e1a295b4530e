#include "proxy/login_helper.hpp"

#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <boost/json/serialize.hpp>
#include <cerrno>
#include <csignal>
#include <ctime>

#include "common/child_process.hpp"
#include "proxy/json_reader.hpp"

namespace redoubtful::proxy {
namespace {

namespace json = boost::json;

constexpr int kSocket = 3;
constexpr char kFresh = 'k';
constexpr char kError = 'e';
constexpr std::size_t kMaxErrorBytes = 2000;
// At the end, for what could not be written.
constexpr int kLastTries = 20;
constexpr timespec kLastPause{.tv_sec = 0, .tv_nsec = 500'000'000};

std::chrono::sys_seconds wall() {
  return std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
}

std::string directory_of(const std::string& path) { return path.substr(0, path.rfind('/')); }

// Until the other end is gone, or asks for what there is not.
void answer_questions(std::vector<LoginKeeper>& keepers) {
  for (;;) {
    std::uint32_t number = 0;
    const ssize_t got = ::recv(kSocket, &number, sizeof number, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got != sizeof number || number >= keepers.size()) return;
    std::string packet = fresh_login_text(keepers[number].renew());
    const ssize_t sent = ::send(kSocket, packet.data(), packet.size(), MSG_NOSIGNAL);
    ::explicit_bzero(packet.data(), packet.size());
    if (sent < 0) return;
  }
}

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
  for (int fd = 0; fd < kSocket; ++fd) {
    if (::dup2(nothing.get(), fd) < 0) return false;
  }
  return true;
}

int serve(const std::vector<KeptLogin>& logins, const EndpointAccess& access, int socket) {
  ::prctl(PR_SET_PDEATHSIG, 0);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGXFSZ}) {
    std::signal(number, SIG_IGN);
  }
  if (socket != kSocket && ::dup2(socket, kSocket) < 0) return 1;
  if (!leave_the_terminal()) return 1;
  if (::close_range(kSocket + 1, ~0U, 0) != 0) return 1;
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
  for (const auto& login : logins) keepers.emplace_back(login, ask, wall);
  answer_questions(keepers);
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
  int ends[2];
  if (::socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
    return Error::system_call("cannot make the login helper's socket", errno);
  }
  UniqueFd ours(ends[0]);
  const UniqueFd theirs(ends[1]);
  auto child = ChildProcess::fork([&]() -> int {
    forget();
    ours.reset();
    return serve(logins, access, theirs.get());
  });
  if (!child) return std::move(child).error().during("starting the login helper");
  child->leave();
  return ours;
}

std::string fresh_login_text(Result<FreshLogin> login) {
  if (!login) {
    std::string text = login.error().what();
    if (!login.error().hint().empty()) text += "; " + login.error().hint();
    return kError + text.substr(0, kMaxErrorBytes);
  }
  json::object out(erasing_storage());
  out["access_token"] = login->access_token;
  ::explicit_bzero(login->access_token.data(), login->access_token.size());
  if (login->expires) out["expires"] = login->expires->time_since_epoch().count();
  out["ours"] = login->ours;
  out["unwritten"] = login->unwritten.substr(0, kMaxErrorBytes);
  return kFresh + json::serialize(out);
}

Result<FreshLogin> LoginHelper::answer(std::string& packet) {
  const std::string_view text = packet;
  if (text.starts_with(kError)) {
    return Error(Errc::kInvalidProfile, std::string(text.substr(1, kMaxErrorBytes)));
  }
  const Error gone(Errc::kPeerProtocol, "the login helper is gone");
  if (!text.starts_with(kFresh)) return gone;
  auto document = parse_json(text.substr(1), erasing_storage());
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
