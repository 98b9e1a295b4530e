#include "proxy/http2.hpp"

#include "proxy/http2_bridge.hpp"
#include "proxy/limits.hpp"

namespace redoubtful::proxy {

Awaitable<void> serve_http2(Stream& client, Stream* origin, Gate& gate) {
  Http2Bridge bridge(client, origin, gate, limits::kIdle);
  co_await bridge.run();
}

}  // namespace redoubtful::proxy
