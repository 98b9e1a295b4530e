#include "cli/init/page_request.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>

#include "cli/init/protocol.hpp"

namespace redoubtful::cli::init {
namespace {

constexpr int kFailed = 4;

sockaddr_in page_address() {
  sockaddr_in out{};
  out.sin_family = AF_INET;
  out.sin_port = htons(protocol::kPagePort);
  out.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return out;
}

void say(const char* text) {
  if (::write(2, text, std::strlen(text)) < 0) return;
}

// The address may hold anything; the terminal it may go to is the box's own.
void print_instead(const char* address) {
  say("redoubtful: open this page yourself: ");
  say(address);
  say("\n");
}

// Where nobody listens the empty datagram comes back as an error of the next call.
bool send(int socket, const char* address) {
  const std::size_t length = std::strlen(address);
  if (length == 0 || length > protocol::kMaxPageBytes) return false;
  ::send(socket, "", 0, MSG_NOSIGNAL);
  return ::send(socket, address, length, MSG_NOSIGNAL) == static_cast<ssize_t>(length);
}

}  // namespace

int open_page_socket() {
  const int out = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (out < 0) return -1;
  const sockaddr_in address = page_address();
  if (::bind(out, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) return -1;
  return out;
}

bool is_opener(const char* name) {
  const char* const slash = std::strrchr(name, '/');
  const char* const last = slash == nullptr ? name : slash + 1;
  return std::strcmp(last, "init") != 0 && std::strcmp(last, "redoubtful-init") != 0;
}

int ask_for_pages(int count, char** addresses) {
  const int out = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  const sockaddr_in address = page_address();
  const bool there =
      out >= 0 && ::connect(out, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0;
  int status = 1;
  for (int i = 0; i < count; ++i) {
    if (addresses[i][0] == '-') continue;  // an option of the program whose name this is
    const bool sent = there && send(out, addresses[i]);
    if (!sent) print_instead(addresses[i]);
    if (status != kFailed) status = sent ? 0 : kFailed;
  }
  if (status == 1) say("redoubtful: usage: xdg-open ADDRESS; it is shown to the user\n");
  return status;
}

}  // namespace redoubtful::cli::init
