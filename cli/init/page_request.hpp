#pragma once

// redoubtful-init by its other names, xdg-open and the like (cli/browsers.hpp): asks the supervisor
// to print the address of a page to the user. Nothing in the box opens one, and nothing outside
// does because a program in the box says so.
//
// One datagram an address, to a port of the box's loopback: that reaches the supervisor from every
// process of the box, whether it still has a terminal or not, whatever Landlock confines it to. A
// sandbox inside with a network of its own does not reach it; then the address is printed here.

namespace redoubtful::cli::init {

// The supervisor's end, bound. -1 with errno: it could not be made.
int open_page_socket();

// Whether a program that was started as `name` is meant to do this.
bool is_opener(const char* name);

// Exit status: 0 asked; 1 nothing to ask for; 4 (xdg-open(1): the action failed) where nobody
// listens and the address was printed to standard error instead.
int ask_for_pages(int count, char** addresses);

}  // namespace redoubtful::cli::init
