#pragma once

// /etc/hosts, read once and looked through by name. Pure but for reading it.
//
// Kept as the text it is: most are a few lines, and in a block list of a hundred thousand names one
// lookup is still a walk of milliseconds.
//
// Source: hosts(5).

#include <boost/asio/ip/address.hpp>
#include <string>
#include <vector>

#include "common/host.hpp"

namespace redoubtful::proxy {

class HostsFile {
 public:
  explicit HostsFile(std::string text) : text_(std::move(text)) {}
  // A file that cannot be read is an empty one, as for getaddrinfo(3).
  static HostsFile read(const std::string& path);

  // In the order of the file, each once. Lines that are not "ADDRESS NAME…" mean nothing; names are
  // compared without case; an address with a scope ("fe80::1%eth0") is left out.
  std::vector<boost::asio::ip::address> addresses(const Host& name) const;

 private:
  std::string text_;
};

}  // namespace redoubtful::proxy
