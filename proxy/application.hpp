#pragma once

// The proxy as a whole: made from a Configure, serving Listeners, until it is told to finish.

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "common/control_channel.hpp"
#include "common/error.hpp"
#include "proxy/listener.hpp"
#include "proxy/services.hpp"

namespace redoubtful::proxy {

class Application {
 public:
  // Reads sources, opens roots and the resolver's settings. Everything that needs a file is done
  // here; confine() follows. Errors: what the user must change
  // (kInvalidProfile …), or the machine (kSystemCall, kTls).
  static Result<std::unique_ptr<Application>> create(
      boost::asio::io_context& context, control::Configure configure,
      std::unique_ptr<CertificateAuthority> authority);
  ~Application();

  // Opens and makes what would be at first use. Apart, for the box need not wait for it. Errors:
  // kTls.
  Result<void> prepare_for_confinement();

  // Where a login or a value can be renewed: begins to, and starts the process that renews logins.
  // Before confinement, and off the way to the box's start. Errors: kSystemCall.
  Result<void> start_renewal();

  // For the CLI; once.
  control::Ready take_ready();

  Result<void> serve(control::Listeners listeners);

  // What a connection would meet, for `redoubtful why`.
  Awaitable<control::ProbeResult> probe(control::Probe probe);

  AuditLog& audit();

  // Standing alone: what clients of the explicit port must show. Before listen().
  void require(AccessToken token);
  // Standing alone: accepts on a listening socket of the machine's own network.
  Result<void> listen(UniqueFd fd, Listeners::Entry entry);
  // Standing alone: see Listeners::end_loops(). Before listen().
  void end_loops(std::function<void(const std::string&)> looped);

 private:
  Result<void> start_login_helper();

  struct Parts;
  explicit Application(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

}  // namespace redoubtful::proxy
