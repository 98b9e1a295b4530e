#include "proxy/login_keeper.hpp"

#include <string.h>

#include <cerrno>
#include <utility>

#include "common/text.hpp"
#include "proxy/login_lock.hpp"
#include "proxy/secret_file.hpp"
#include "proxy/sigv4_key.hpp"

namespace redoubtful::proxy {
namespace {

// What the new text may be longer by: tokens of another form.
constexpr std::size_t kGrowth = 32 * 1024;

// Erased however the reading ends.
class Text {
 public:
  explicit Text(std::string text) : text_(std::move(text)) {}
  Text(const Text&) = delete;
  Text& operator=(const Text&) = delete;
  ~Text() { ::explicit_bzero(text_.data(), text_.size()); }
  const std::string& get() const noexcept { return text_; }

 private:
  std::string text_;
};

Error nothing_gained(std::string what) { return {Errc::kInvalidProfile, std::move(what)}; }

}  // namespace

Result<std::string> LoginKeeper::file_text() const {
  return read_secret_file(login_.path, FilePrivacy::kOwnerOnly);
}

Result<OauthLogin> LoginKeeper::read() const {
  auto content = file_text();
  if (!content) return std::move(content).error();
  const Text text(std::move(*content));
  auto login = parse_login(text.get(), login_.pointer, login_.grant);
  if (!login) return std::move(login).error().during(shown(login_.path));
  if (!login_.account.empty() && !login->account.empty() && login->account != login_.account) {
    return nothing_gained(shown(login_.path) + " now has the login of another account")
        .hint("start a new session to work with that one");
  }
  return login;
}

FreshLogin LoginKeeper::taken(std::string token, std::optional<std::chrono::sys_seconds> expires) {
  login_.in_use = sha256_hex(token);
  login_.expires = expires;
  FreshLogin out;
  out.access_token = std::move(token);
  out.expires = expires;
  return out;
}

std::optional<FreshLogin> LoginKeeper::newer(OauthLogin& login) {
  if (sha256_hex(login.access_token) == login_.in_use) return std::nullopt;
  if (login.expires && *login.expires <= now_()) return std::nullopt;
  if (login_.account.empty()) login_.account = login.account;
  return taken(std::exchange(login.access_token, {}), login.expires);
}

Result<void> LoginKeeper::may_ask(const OauthLogin& login) const {
  if (login.refresh_token.empty()) {
    return nothing_gained(shown(login_.path) + " has no refresh token")
        .hint("log in again with the program itself, outside of the box");
  }
  if (sha256_hex(login.refresh_token) == refused_) {
    return nothing_gained("the login in " + shown(login_.path) +
                          " is no longer good, as its endpoint has said")
        .hint("log in again with the program itself, outside of the box");
  }
  const bool ends = login_.expires && *login_.expires - now_() <= kAhead;
  if (!ends && got_ && now_() - *got_ < kBetween) {
    return nothing_gained("it was renewed " + std::to_string((now_() - *got_).count()) +
                          " s ago, and is not renewed again so soon");
  }
  return {};
}

Result<void> LoginKeeper::write(std::string_view replaced, const GrantedTokens& tokens,
                                LoginWriter* room) {
  auto content = file_text();
  if (!content) return std::move(content).error();
  const Text text(std::move(*content));
  auto there = parse_login(text.get(), login_.pointer, login_.grant);
  if (!there) return std::move(there).error();
  if (sha256_hex(there->refresh_token) != replaced) {
    return Error(Errc::kInvalidProfile, "somebody has logged in anew meanwhile");
  }
  auto made = login_with(text.get(), login_.pointer, login_.grant, tokens, now_());
  if (!made) return std::move(made).error();
  const Text fresh(std::move(*made));
  if (room != nullptr) return room->write(fresh.get());
  auto writer = LoginWriter::prepare(login_.path, fresh.get().size());
  if (!writer) return std::move(writer).error();
  return writer->write(fresh.get());
}

Result<void> LoginKeeper::write_left(std::chrono::milliseconds patience) {
  auto theirs = ProgramLock::take(login_.grant.lock, login_.path, patience);
  if (!theirs) return std::move(theirs).error();
  return write(unwritten_->replaces, unwritten_->tokens, nullptr);
}

bool LoginKeeper::write_rest() {
  if (!unwritten_) return true;
  const auto ours = lock_directory(directory(), kLeftLock);
  auto written = ours ? write_left(kLeftLock) : Result<void>(ours.error());
  if (!written && written.error().code() != Errc::kInvalidProfile) {
    unwritten_->why = written.error().what();
    return false;
  }
  unwritten_.reset();  // written, or another login stands there, which is not ours to replace
  return true;
}

Result<FreshLogin> LoginKeeper::ask() {
  auto theirs = ProgramLock::take(login_.grant.lock, login_.path, kTheirLock);
  if (!theirs) return std::move(theirs).error();
  auto login = read();
  if (!login) return std::move(login).error();
  if (auto found = newer(*login)) return std::move(*found);
  if (auto may = may_ask(*login); !may) return std::move(may).error();
  auto size = file_text();
  if (!size) return std::move(size).error();
  const Text old(std::move(*size));
  auto room = LoginWriter::prepare(login_.path, old.get().size() + kGrowth);
  if (!room) {
    return std::move(room).error().during("it is not renewed, for the new login could not be kept");
  }
  const std::string replaced = sha256_hex(login->refresh_token);
  std::string body = grant_request(login_.grant, *login);
  auto answer = ask_(login_.grant, body, [&theirs] { theirs->beat(); });
  ::explicit_bzero(body.data(), body.size());
  if (!answer) return std::move(answer).error();
  const Text came(std::move(answer->body));
  auto granted = parse_grant_answer(answer->status, came.get(), now_());
  if (!granted) {
    if (granted.error().code() == Errc::kInvalidSecret) refused_ = replaced;
    return std::move(granted).error().during(login_.grant.endpoint);
  }
  if (!same_account(*login, *granted)) {
    return nothing_gained(login_.grant.endpoint + " answers with the login of another account");
  }
  // Where it did not rotate, a lost answer is no loss.
  auto current = read();
  if (current && sha256_hex(current->refresh_token) != replaced) {
    if (auto found = newer(*current)) return std::move(*found);
    return nothing_gained("somebody has logged in anew meanwhile");
  }
  got_ = now_();
  std::string why = current ? std::string() : current.error().what();
  if (current) {
    if (auto written = write(replaced, *granted, &*room); !written) why = written.error().what();
  }
  FreshLogin out = taken(granted->access_token, granted->expires);
  out.ours = true;
  if (!why.empty()) {
    out.unwritten = why;
    unwritten_.emplace(Unwritten{replaced, std::move(*granted), std::move(why)});
  }
  return out;
}

Result<FreshLogin> LoginKeeper::renew() {
  const auto ours = lock_directory(directory(), kOurLock);
  if (!ours) return ours.error();
  if (unwritten_) {
    auto written = write_left(kTheirLock);
    if (!written && written.error().code() != Errc::kInvalidProfile) {
      return std::move(written).error().during("the renewed login is still not in its file");
    }
    FreshLogin out = taken(unwritten_->tokens.access_token, unwritten_->tokens.expires);
    out.ours = true;
    unwritten_.reset();
    if (written) return out;
  }
  auto login = read();
  if (!login) return std::move(login).error();
  if (auto found = newer(*login)) return std::move(*found);
  if (auto may = may_ask(*login); !may) return std::move(may).error();
  return ask();
}

}  // namespace redoubtful::proxy
