#pragma once

// What the fuzz targets of DNS and of the ClientHello demand of every input: not only that nothing
// crashes. Shared by the libFuzzer programs and by the test that replays their corpus.

#include <cstdlib>
#include <string>
#include <string_view>
#include <variant>

#include "proxy/client_hello.hpp"
#include "proxy/dns_responder.hpp"
#include "proxy/limits.hpp"

namespace redoubtful::fuzz {

inline void require(bool holds) {
  if (!holds) std::abort();
}

inline void dns(std::string_view input) {
  using namespace proxy;
  SyntheticNames names([] { return std::chrono::steady_clock::time_point(); });
  const auto first = answer_dns(input, names);
  const bool asks = input.size() >= 12 && input.size() <= limits::kDnsMessageBytes &&
                    (static_cast<unsigned char>(input[2]) & 0x80) == 0;
  require(first.has_value() == asks);
  if (!first) return;
  const std::string& bytes = first->bytes;
  require(bytes.size() >= 12 && bytes.size() <= 512);
  require(bytes.substr(0, 2) == input.substr(0, 2));
  require((static_cast<unsigned char>(bytes[2]) & 0x86) == 0x80);  // an answer, AA and TC clear
  const bool echoed = bytes[5] == 1;
  if (echoed) {
    std::size_t end = 12;
    while (bytes.at(end) != 0) end += 1 + static_cast<unsigned char>(bytes[end]);
    require(bytes.substr(12, end + 5 - 12) == input.substr(12, end + 5 - 12));
  }
  // Asked again, everything is as before but that the name is known now.
  const auto second = answer_dns(input, names);
  require(second && second->bytes == bytes && second->name == first->name && !second->fresh);
  require(!first->limited && first->fresh == (first->name && first->name->text() != kOwnName));
  if (first->name) {
    const auto addresses = names.addresses(*first->name);
    require(addresses && names.name(addresses->v4) == first->name);
    require(names.name(addresses->v6) == first->name);
  }
}

inline void client_hello(std::string_view input) {
  using namespace proxy;
  const auto whole = parse_client_hello(input);
  // What was decided about a beginning holds, whatever comes behind.
  for (const std::size_t cut : {input.size() / 2, input.size() - input.size() / 4}) {
    const auto part = parse_client_hello(input.substr(0, cut));
    if (std::holds_alternative<Error>(part)) require(std::holds_alternative<Error>(whole));
    if (const auto* hello = std::get_if<ClientHello>(&part)) {
      const auto* same = std::get_if<ClientHello>(&whole);
      require(same != nullptr && same->server_name == hello->server_name &&
              same->protocols == hello->protocols && same->encrypted == hello->encrypted);
    }
  }
  if (const auto* hello = std::get_if<ClientHello>(&whole)) {
    require(looks_like_tls(input) && hello->server_name.size() <= 255);
    for (const auto& protocol : hello->protocols) require(!protocol.empty());
  }
  if (std::holds_alternative<NeedMoreBytes>(whole)) {
    require(input.size() <= limits::kClientHelloBytes);
  }
}

}  // namespace redoubtful::fuzz
