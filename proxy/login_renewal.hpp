#pragma once

// Renews logins ahead of their end, and when an origin refuses one with 401; and values whose
// source may give another by then. [trusted core]
//
// The surrogate inside stays what it is; what it stands for is another token from then on, and the
// old one is scrubbed from answers as before. One question at a time is put to a helper
// (login_helper.hpp for logins, renewal_helper.hpp for values), whatever number of requests was
// refused: all of them wait for its answer, for kWait at most, and those that can be sent again are
// (forwarded.hpp).
//
// The clock is the wall's, and looked at again after kLook at the latest, for a machine may sleep.
//
// Lifetime: what it refers to must outlive it; it ends with the io_context. Threads: one.

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "proxy/audit_log.hpp"
#include "proxy/helper_link.hpp"
#include "proxy/injector.hpp"
#include "proxy/login_keeper.hpp"
#include "proxy/response_scrubber.hpp"

namespace redoubtful::proxy {

// What can be renewed.
struct Renewable {
  std::string name;  // of the credential
  std::optional<std::chrono::sys_seconds> expires{};
  std::uint32_t number = 0;  // the helper's
};

class LoginRenewal {
 public:
  LoginRenewal(boost::asio::io_context& context, Injector& injector, SecretsOfHosts& secrets,
               AuditLog& audit);

  // `link`: to the helper that knows it. Before start().
  void add(HelperLink& link, const Renewable& what);
  // Once.
  void start();

  // How often the credential of that name has got another token; nothing: it is none of these.
  std::optional<std::uint64_t> generation(std::string_view name) const;

  // Its token of that generation was refused: a newer one is asked for.
  void refused(std::string_view name, std::uint64_t generation);
  // The same, and waits. False: there is no newer one.
  Awaitable<bool> newer(std::string name, std::uint64_t generation);

  static constexpr std::chrono::seconds kLook{30};
  static constexpr std::chrono::seconds kWait{30};
  static constexpr std::chrono::seconds kRetry{10};       // doubled by each failure
  static constexpr std::chrono::seconds kMostRetry{300};  // up to this
  static constexpr std::chrono::seconds kQuiet{2};        // after a failure no refusal asks again;
                                                          // after the same value not for `retry`

 private:
  struct Login {
    std::string name;
    HelperLink* link = nullptr;
    std::uint32_t number = 0;  // the helper's
    std::optional<std::chrono::sys_seconds> due{};
    std::uint64_t generation = 0;
    std::uint64_t attempts = 0;  // that have ended
    bool wanted = false;
    std::chrono::seconds retry = kRetry;
    std::chrono::steady_clock::time_point quiet_until{};
    std::string trouble{};  // of the last attempt; so that the audit log has it once
    std::list<boost::asio::steady_timer*> waiting{};
  };

  Login* find(std::string_view name);
  void want(Login& login);
  Awaitable<void> run();
  Awaitable<void> renew(Login& login);
  Result<void> take(Login& login, FreshLogin fresh);
  void unchanged(Login& login);
  void failed(Login& login, const Error& error);
  void record(Login& login, std::string_view reason, std::string detail);

  std::vector<Login> logins_;
  Injector& injector_;
  SecretsOfHosts& secrets_;
  AuditLog& audit_;
  boost::asio::steady_timer timer_;
};

}  // namespace redoubtful::proxy
