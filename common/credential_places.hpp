#pragma once

// The hosts that a credential is for, each on its ports: 443, unless one is written.
//
// A list of hosts to everything that asks which hosts they are (scrubbing, login files, messages),
// for what a host knows it may answer on any port. takes() alone says where the real value goes.

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/error.hpp"
#include "common/host.hpp"

namespace redoubtful {

class CredentialPlaces {
 public:
  CredentialPlaces() = default;
  CredentialPlaces(std::initializer_list<Host> hosts) : hosts_(hosts) {}

  // "host", "host:port", "[v6]:port". Errors: kInvalidHost; kInvalidProfile for one that is there.
  Result<void> add(std::string_view text);
  // Where no port is written for the host: this one, in the place of 443.
  void add_port(const Host& host, Port port) { ports_.emplace_back(host, port); }

  bool names(const Host& host) const;
  bool names_port(const Host& host) const;  // one is written
  bool takes(const Host& host, Port port) const;
  // As they are written: "host", or "host:port" for each of its ports; an IPv6 address stands in
  // brackets.
  std::vector<std::string> texts() const;
  std::vector<std::string> texts_of(const Host& host) const;
  std::string joined() const;  // with ", " between them

  bool empty() const noexcept { return hosts_.empty(); }
  std::size_t size() const noexcept { return hosts_.size(); }
  const Host& front() const { return hosts_.front(); }
  auto begin() const noexcept { return hosts_.begin(); }
  auto end() const noexcept { return hosts_.end(); }

 private:
  std::vector<Host> hosts_;
  std::vector<std::pair<Host, Port>> ports_;
};

}  // namespace redoubtful
