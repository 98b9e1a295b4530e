#include "proxy/origin_sessions.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::size_t kSessions = 256;  // some 10 KiB each, with the origin's chain

bool expired(const SSL_SESSION* session) {
  // A const function in all but its signature (OpenSSL 3.0).
  X509* peer = SSL_SESSION_get0_peer(const_cast<SSL_SESSION*>(session));
  return peer == nullptr || X509_cmp_current_time(X509_get0_notAfter(peer)) <= 0;
}

}  // namespace

void OriginSessions::keep(const std::string& origin, SslSessionPtr session) {
  if (const auto found = by_origin_.find(origin); found != by_origin_.end()) {
    found->second->session = std::move(session);
    recent_.splice(recent_.begin(), recent_, found->second);
    return;
  }
  if (recent_.size() == kSessions) {
    by_origin_.erase(recent_.back().origin);
    recent_.pop_back();
  }
  recent_.push_front({origin, std::move(session)});
  by_origin_[origin] = recent_.begin();
}

SSL_SESSION* OriginSessions::find(const std::string& origin) {
  const auto found = by_origin_.find(origin);
  if (found == by_origin_.end()) return nullptr;
  SSL_SESSION* session = found->second->session.get();
  if (SSL_SESSION_is_resumable(session) == 0 || expired(session)) {
    forget(origin);
    return nullptr;
  }
  recent_.splice(recent_.begin(), recent_, found->second);
  return session;
}

void OriginSessions::forget(const std::string& origin) {
  const auto found = by_origin_.find(origin);
  if (found == by_origin_.end()) return;
  recent_.erase(found->second);
  by_origin_.erase(found);
}

}  // namespace redoubtful::proxy
