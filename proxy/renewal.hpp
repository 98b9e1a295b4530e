#pragma once

// Renews AWS keys ahead of their end, for as long as the session lasts.
//
// What a source gave for a time is asked for again when three quarters of it are over, at most ten
// minutes before its end. The clock is the wall's, and looked at again after kLook at the latest,
// for a machine may sleep. Until new keys are there the old ones are used; when those have ended,
// requests are refused with the reason (aws_signer.hpp).
//
// Lifetime: what it refers to must outlive it; it ends with the io_context. Threads: one.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <string>
#include <vector>

#include "proxy/audit_log.hpp"
#include "proxy/aws_signer.hpp"
#include "proxy/helper_link.hpp"
#include "proxy/injector.hpp"
#include "proxy/message.hpp"
#include "proxy/renewal_helper.hpp"
#include "proxy/response_scrubber.hpp"

namespace redoubtful::proxy {

// When keys that end at `expires` are asked for again. Never before now + 1 s.
std::chrono::sys_seconds renewal_time(std::chrono::sys_seconds now,
                                      std::chrono::sys_seconds expires) noexcept;

class Renewal {
 public:
  // `link`: to the RenewalHelper. `sources`: names of the credentials, by its numbers.
  Renewal(boost::asio::io_context& context, HelperLink& link, std::vector<std::string> sources,
          AwsSigner& signer, Injector& injector, SecretsOfHosts& secrets, AuditLog& audit);

  // Once.
  void start();
  // Somebody was refused because keys have ended: look now.
  void hurry();

  static constexpr std::chrono::seconds kLook{30};
  static constexpr std::chrono::seconds kRetry{10};

 private:
  struct Source {
    std::string name;
    std::optional<std::chrono::sys_seconds> due;
  };

  Awaitable<void> run();
  Awaitable<void> renew(std::uint32_t number);
  Result<std::chrono::sys_seconds> take(const std::string& name, FreshAwsKeys keys);

  std::vector<Source> sources_;
  AwsSigner& signer_;
  Injector& injector_;
  SecretsOfHosts& secrets_;
  AuditLog& audit_;
  HelperLink& link_;
  boost::asio::steady_timer timer_;
};

}  // namespace redoubtful::proxy
