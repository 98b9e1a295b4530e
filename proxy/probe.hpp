#pragma once

// What a request to a target would meet, step by step, for `redoubtful why`: the verdict, where the
// connection would go, the connection and its TLS handshake.
//
// Nothing is resolved before the verdict allows it. No request is sent, and no credential.

#include "common/control_channel.hpp"
#include "proxy/message.hpp"
#include "proxy/services.hpp"

namespace redoubtful::proxy {

Awaitable<control::ProbeResult> probe_target(Services& services, control::Probe probe);

}  // namespace redoubtful::proxy
