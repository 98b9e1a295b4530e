#pragma once

// The variables by which a host names its own way out, an HTTP proxy. One list for all: the command
// line hands them to our proxy and shows which of them counts, our proxy goes by them.
//
// HTTP_PROXY is not among them: everything leaves through the outer proxy by CONNECT, plain HTTP,
// too.

#include <array>
#include <string_view>

namespace redoubtful {

// The first that is set and not empty counts. Source: curl(1), ENVIRONMENT.
inline constexpr std::array<std::string_view, 4> kOuterProxyVariables{"https_proxy", "HTTPS_PROXY",
                                                                      "all_proxy", "ALL_PROXY"};
// The same for the hosts that are reached directly.
inline constexpr std::array<std::string_view, 2> kNoProxyVariables{"no_proxy", "NO_PROXY"};

}  // namespace redoubtful
