#pragma once

// One credential for one host, and what becomes of a request that is sent with it.

#include <gtest/gtest.h>

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "proxy/injector.hpp"
#include "proxy/policy.hpp"

namespace redoubtful::proxy::test {

inline constexpr const char* kReal = "ghp_RealRealRealRealRealRealRealReal0000";
inline constexpr const char* kFake = "ghp_FakeFakeFakeFakeFakeFakeFakeFake1111";

// base64 of "x-access-token:" and then each.
inline constexpr const char* kBasicReal =
    "Basic eC1hY2Nlc3MtdG9rZW46Z2hwX1JlYWxSZWFsUmVhbFJlYWxSZWFsUmVhbFJlYWxSZWFsMDAwMA==";
inline constexpr const char* kBasicFake =
    "Basic eC1hY2Nlc3MtdG9rZW46Z2hwX0Zha2VGYWtlRmFrZUZha2VGYWtlRmFrZUZha2VGYWtlMTExMQ==";
// The same as the user: before ":x-oauth-basic", and in both halves.
inline constexpr const char* kUserReal =
    "Basic Z2hwX1JlYWxSZWFsUmVhbFJlYWxSZWFsUmVhbFJlYWxSZWFsMDAwMDp4LW9hdXRoLWJhc2lj";
inline constexpr const char* kUserFake =
    "Basic Z2hwX0Zha2VGYWtlRmFrZUZha2VGYWtlRmFrZUZha2VGYWtlMTExMTp4LW9hdXRoLWJhc2lj";
inline constexpr const char* kBothReal =
    "Basic Z2hwX1JlYWxSZWFsUmVhbFJlYWxSZWFsUmVhbFJlYWxSZWFsMDAwMDpnaHBfUmVhbFJlYWxSZWFsUmVhbFJlYWxS"
    "ZWFsUmVhbFJlYWwwMDAw";
inline constexpr const char* kBothFake =
    "Basic Z2hwX0Zha2VGYWtlRmFrZUZha2VGYWtlRmFrZUZha2VGYWtlMTExMTpnaHBfRmFrZUZha2VGYWtlRmFrZUZha2VG"
    "YWtlRmFrZUZha2UxMTEx";

class InjectorTest : public ::testing::Test {
 protected:
  InjectorTest() : policy_(network(), {}), injector_(credentials()) {}

  static NetworkProfile network() {
    NetworkProfile out;
    for (const char* rule : {"api.github.com", "evil.example", "http://plain.example"}) {
      out.allow.push_back({*HostRule::parse(rule), {}});
    }
    return out;
  }
  static std::vector<LiveCredential> credentials() {
    std::vector<LiveCredential> out;
    out.push_back({"github",
                   {*Host::parse("api.github.com"), *Host::parse("plain.example")},
                   *Secret::take(kReal),
                   kFake});
    return out;
  }

  struct Outcome {
    std::vector<std::string> injected;
    std::vector<std::string> removed;
    std::unique_ptr<FieldSwap> body;
    std::optional<Denial> denial;
    RequestHead head;
  };
  // With the one credential set up as a test wants it.
  Outcome send_with(const std::function<void(LiveCredential&)>& change, Fields fields,
                    std::string target = "/", std::string method = "GET") {
    auto all = credentials();
    change(all[0]);
    const Injector injector(std::move(all));
    return send_to(injector, "api.github.com", std::move(fields), std::move(target),
                   std::move(method));
  }
  Outcome send(const char* host, Fields fields, std::string target = "/") {
    return send_to(injector_, host, std::move(fields), std::move(target), "GET");
  }
  Outcome send_to(const Injector& injector, const char* host, Fields fields, std::string target,
                  std::string method) {
    const bool plain = std::string(host) == "plain.example";
    const auto admitted = policy_.admit(*Host::parse(host), *Port::parse(plain ? "80" : "443"),
                                        plain ? Carried::kHttp : Carried::kTls);
    const auto& admission = std::get<Admission>(admitted);
    auto permitted = policy_.permit(admission, method, target);
    Outcome out;
    out.head.method = method;
    out.head.has_body = method == "POST";
    out.head.target = target;
    out.head.fields = std::move(fields);
    auto result =
        injector.inject(std::get<RequestPermit>(permitted), admission.handling(), out.head);
    if (auto* denial = std::get_if<Denial>(&result)) out.denial = std::move(*denial);
    if (auto* done = std::get_if<Injection>(&result)) {
      out.injected = std::move(done->names);
      out.removed = std::move(done->removed);
      out.body = std::move(done->body);
    }
    return out;
  }

  Policy policy_;
  Injector injector_;
};

}  // namespace redoubtful::proxy::test
