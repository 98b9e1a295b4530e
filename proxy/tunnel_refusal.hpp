#pragma once

// How a refusal is said where there will be no request to answer.
//
// To a CONNECT: an HTTP answer. To SSH: a version line and SSH_MSG_DISCONNECT, before any key is
// exchanged. OpenSSH prints its text, and git what OpenSSH prints, where a connection that is
// refused or cut says nothing of why:
//
//     Received disconnect from 198.18.0.2 port 22:1: redoubtful: git.example:22: no rule allows it
//     …
//
// Source: RFC 4253, sections 4.2, 6 and 11.1.

#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

#include "common/host.hpp"
#include "proxy/policy.hpp"
#include "proxy/stream.hpp"

namespace redoubtful::proxy {

Awaitable<void> refuse_connect(Stream& client, Refusal refusal);

bool is_ssh_port(Port port) noexcept;
// The first bytes of an SSH client.
bool looks_like_ssh(std::string_view early);

// The words, for people; they name the host's https address where that is allowed. [pure]
std::string ssh_refusal_text(const Policy& policy, const Denial& denial, const Host& host);

// What goes over the wire. [pure]
std::string ssh_disconnect(std::string_view text);

// Says it, and reads on for a while, so that the client sees it.
Awaitable<void> tell_ssh(boost::asio::ip::tcp::socket socket, std::string text);

}  // namespace redoubtful::proxy
