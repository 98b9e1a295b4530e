#pragma once

// A line of an audit log as a row for people. Pure.
//
// What is in it came from the agent and from the network: nothing of it may steer a terminal. A
// line that is no JSON object (cut by a full disk or a kill) is shown as that.

#include <string>
#include <string_view>

#include "cli/terminal_style.hpp"

namespace redoubtful::cli {

// "14:20:12.345  request  POST api.example.com/v1/messages  200, 10 B up …", in the local time
// zone, without a newline.
std::string audit_row(std::string_view line, Colour colour);

// The heading of the columns.
std::string audit_heading();

}  // namespace redoubtful::cli
