#pragma once

// Renews logins ahead of their end, and when an origin refuses one with 401. [trusted core]
//
// The surrogate inside stays what it is; what it stands for is another token from then on, and the
// old one is scrubbed from answers as before. One question at a time is put to the helper
// (login_helper.hpp), whatever number of requests was refused: all of them wait for its answer, for
// kWait at most, and those that can be sent again are (forwarded.hpp).
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

class LoginRenewal {
 public:
  // `logins`: by the helper's numbers. `socket`: the helper's.
  LoginRenewal(boost::asio::io_context& context, UniqueFd socket,
               const std::vector<KeptLogin>& logins, Injector& injector, SecretsOfHosts& secrets,
               AuditLog& audit);

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
  static constexpr std::chrono::seconds kQuiet{2};        // after a failure no refusal asks again

 private:
  struct Login {
    std::string name;
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
  Awaitable<void> renew(std::uint32_t number);
  Result<void> take(Login& login, FreshLogin fresh);
  void failed(Login& login, const Error& error);
  void record(Login& login, std::string_view reason, std::string detail);

  std::vector<Login> logins_;
  Injector& injector_;
  SecretsOfHosts& secrets_;
  AuditLog& audit_;
  HelperLink link_;
  boost::asio::steady_timer timer_;
};

}  // namespace redoubtful::proxy
