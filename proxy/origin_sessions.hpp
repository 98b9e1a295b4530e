#pragma once

// Sessions of origins, to be resumed: a third of what a new connection costs.
//
// One for each origin, the newest. In memory only, bounded; the least recently used goes first.

#include <list>
#include <string>
#include <unordered_map>

#include "proxy/openssl.hpp"

namespace redoubtful::proxy {

class OriginSessions {
 public:
  // `origin`: whatever two connections must share to share a session: name, port, trust.
  void keep(const std::string& origin, SslSessionPtr session);

  // Null: none. Never one whose certificate has expired meanwhile, for a resumption shows no
  // certificate. Valid until the next keep() or forget().
  SSL_SESSION* find(const std::string& origin);

  void forget(const std::string& origin);
  std::size_t size() const noexcept { return recent_.size(); }

 private:
  struct Entry {
    std::string origin;
    SslSessionPtr session;
  };
  std::list<Entry> recent_;  // most recent first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_origin_;
};

}  // namespace redoubtful::proxy
