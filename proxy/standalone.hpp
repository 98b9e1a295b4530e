#pragma once

// redoubtful-proxy by itself, beside a container that is not ours.
//
// `--config FILE` is JSON as `redoubtful show --json` prints it; env: sources are read from this
// process's own environment. It listens where it is told to, on loopback unless it is told
// otherwise, and its explicit port wants a token, for others can reach it. Where a container's
// network redirects ports 443 and 80, they can be accepted as well: TLS by its SNI, requests by
// their Host; these want none, for whoever redirects has no place to put one.
//
// It confines itself as a box's proxy does, before it accepts anything. Its session is its process:
// CA, surrogates and a token that no file holds are made anew at each start.
//
// Not here: synthetic DNS and addresses, which need a network namespace of the container's own; so
// tcp:// and ssh:// go by CONNECT alone.

#include "common/error.hpp"
#include "proxy/standalone_options.hpp"

namespace redoubtful::proxy {

// Until SIGTERM or SIGINT. Errors: what kept it from starting.
Result<void> run_standalone(const StandaloneOptions& options);

}  // namespace redoubtful::proxy
