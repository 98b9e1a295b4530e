#pragma once

// What the gates need of a session, with an audit log that can be read back. Nothing is connected:
// a gate that looked something up or dialled would fail here.

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/json.hpp>
#include <memory>
#include <string>
#include <vector>

#include "common/file.hpp"
#include "proxy/checkpoint.hpp"
#include "tests/proxy/policy_support.hpp"

namespace redoubtful::proxy::test {

inline constexpr const char* kReal = "ghp_RealRealRealRealRealRealRealReal0000";
inline constexpr const char* kFake = "ghp_FakeFakeFakeFakeFakeFakeFakeFake1111";

class GateWorld {
 public:
  // One credential, "github", for api.example.
  explicit GateWorld(const RuleList& rules) : GateWorld(rules, credentials(), {}) {}
  GateWorld(const RuleList& rules, std::vector<LiveCredential> live,
            std::vector<LiveAwsCredential> aws)
      : policy_(rules.policy()),
        injector_(std::move(live)),
        signer_(std::move(aws)),
        file_(::memfd_create("audit", MFD_CLOEXEC)),
        audit_(UniqueFd(::dup(file_.get())), "s"),
        names_([] { return std::chrono::steady_clock::time_point(); }),
        authority_(CertificateAuthority::create().value()),
        origin_tls_(OriginTls::create({}, {}).value()),
        resolver_(Resolver::create(context_.get_executor(), "127.0.0.1:1", HostsFile("")).value()),
        dialer_(policy_, *resolver_, std::nullopt),
        services_{policy_, injector_, signer_, audit_, names_, *authority_, *origin_tls_, dialer_} {
  }

  Services& services() { return services_; }
  const Policy& policy() const { return policy_; }
  SyntheticNames& names() { return names_; }

  std::unique_ptr<Gate> on(std::string_view name, int number = 443,
                           Carried carried = Carried::kTls) {
    return connection_gate(services_, admitted(policy_, name, number, carried), Way::kTransparent);
  }

  // Lines of the log but the first, "start".
  std::vector<boost::json::object> log() const {
    ::lseek(file_.get(), 0, SEEK_SET);
    const std::string text = read_file(file_.get(), 1U << 24U).value();
    std::vector<boost::json::object> out;
    std::size_t from = 0;
    for (std::size_t end; (end = text.find('\n', from)) != std::string::npos; from = end + 1) {
      out.push_back(boost::json::parse(text.substr(from, end - from)).as_object());
    }
    if (!out.empty()) out.erase(out.begin());
    return out;
  }
  // "event host" of each line.
  std::vector<std::string> events() const {
    std::vector<std::string> out;
    for (const auto& line : log()) {
      const auto* host = line.if_contains("host");
      out.push_back(std::string(line.at("event").as_string()) +
                    (host != nullptr ? " " + std::string(host->as_string()) : ""));
    }
    return out;
  }
  std::size_t alarms() {
    std::size_t count = 0;
    for (const auto& line : log()) count += line.at("event") == "alarm" ? 1 : 0;
    return count;
  }

 private:
  static std::vector<LiveCredential> credentials() {
    std::vector<LiveCredential> out;
    out.push_back({"github", {host("api.example")}, *Secret::take(kReal), kFake});
    return out;
  }

  boost::asio::io_context context_;
  Policy policy_;
  Injector injector_;
  AwsSigner signer_;
  UniqueFd file_;
  AuditLog audit_;
  SyntheticNames names_;
  std::unique_ptr<CertificateAuthority> authority_;
  std::unique_ptr<OriginTls> origin_tls_;
  std::unique_ptr<Resolver> resolver_;
  Dialer dialer_;
  Services services_;
};

inline RequestHead request(std::string authority, std::string target = "/", Fields fields = {},
                           std::string method = "GET") {
  RequestHead head;
  head.method = std::move(method);
  head.authority = std::move(authority);
  head.target = std::move(target);
  head.fields = std::move(fields);
  return head;
}

using Judged = std::variant<std::unique_ptr<Exchange>, Refusal>;

// 0: it is sent.
inline unsigned status_of(const Judged& judged) {
  const auto* refusal = std::get_if<Refusal>(&judged);
  return refusal == nullptr ? 0 : refusal->status;
}
inline Exchange& exchange_of(const Judged& judged) {
  return *std::get<std::unique_ptr<Exchange>>(judged);
}

}  // namespace redoubtful::proxy::test
