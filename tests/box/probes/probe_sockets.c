// B4: every socket family, the protocols that load modules, netlink by protocol, socket pairs; then
// what the arguments name: "abstract:NAME", "path:FILE" (connected as stream, datagram and
// seqpacket), "fifo:FILE" (opened for writing). Last, what must work: private sockets.

#include <fcntl.h>
#include <netinet/in.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "probe.h"

static long family, type, protocol;

static int act_socket(void) { return errno_of(syscall(SYS_socket, family, type, protocol)); }
static int act_pair(void) {
  int pair[2];
  return errno_of(syscall(SYS_socketpair, family, type, protocol, pair));
}

// A family exists when any of its usual kinds does.
static void try_family(long number) {
  const int kinds[] = {SOCK_STREAM, SOCK_DGRAM, SOCK_SEQPACKET, SOCK_RAW};
  int error = 0;
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; ++i) {
    const int fd = socket((int)number, kinds[i], 0);
    error = errno_of(fd);
    if (fd >= 0) {
      close(fd);
      break;
    }
  }
  char name[32];
  snprintf(name, sizeof name, "family_%ld", number);
  report(name, error);
}

static void try_socket(const char* name, act_function act, long a, long b, long c) {
  family = a;
  type = b;
  protocol = c;
  attempt(name, act);
}

static struct sockaddr_un address;
static socklen_t address_size;

static int act_connect_as(int kind) {
  const int fd = socket(AF_UNIX, kind | SOCK_CLOEXEC, 0);
  if (fd < 0) return errno;
  const int error = errno_of(connect(fd, (const struct sockaddr*)&address, address_size));
  close(fd);
  return error;
}
static int act_connect(void) {
  int error = act_connect_as(SOCK_STREAM);
  if (error == EPROTOTYPE) error = act_connect_as(SOCK_DGRAM);
  if (error == EPROTOTYPE) error = act_connect_as(SOCK_SEQPACKET);
  return error;
}
static int act_send(void) {
  const int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  return errno_of(sendto(fd, "x", 1, 0, (const struct sockaddr*)&address, address_size));
}
static int act_fifo(void) {
  const int fd = open(address.sun_path, O_WRONLY | O_NONBLOCK | O_CLOEXEC);
  return fd < 0 ? errno : errno_of(write(fd, "x", 1));
}

static void try_argument(const char* argument) {
  const char* target = strchr(argument, ':');
  if (target == NULL || strlen(++target) >= sizeof address.sun_path - 1) {
    printf("%s: NOT TRIED\n", argument);
    return;
  }
  memset(&address, 0, sizeof address);
  address.sun_family = AF_UNIX;
  const int abstract = strncmp(argument, "abstract:", 9) == 0;
  memcpy(address.sun_path + abstract, target, strlen(target));
  address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(target) + 1);
  char name[256];
  snprintf(name, sizeof name, "connect_%s", argument);
  if (strncmp(argument, "fifo:", 5) == 0) {
    attempt(argument, act_fifo);
    return;
  }
  attempt(name, act_connect);
  snprintf(name, sizeof name, "send_%s", argument);
  attempt(name, act_send);
}

static int private_unix(struct sockaddr_un* own, socklen_t size) {
  const int server = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (bind(server, (struct sockaddr*)own, size) != 0) return errno;
  if (listen(server, 1) != 0) return errno;
  const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return errno_of(connect(client, (struct sockaddr*)own, size));
}
static int private_path(void) {
  struct sockaddr_un own = {.sun_family = AF_UNIX};
  snprintf(own.sun_path, sizeof own.sun_path, "/tmp/probe-%d", (int)getpid());
  const int error = private_unix(&own, sizeof own);
  unlink(own.sun_path);
  return error;
}
static int private_abstract(void) {
  struct sockaddr_un own = {.sun_family = AF_UNIX};
  const int length = snprintf(own.sun_path + 1, sizeof own.sun_path - 1, "probe-%d", (int)getpid());
  return private_unix(&own,
                      (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1) + (socklen_t)length);
}
static int loopback(int domain) {
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  struct sockaddr_in four = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  struct sockaddr* own = domain == AF_INET ? (struct sockaddr*)&four : (struct sockaddr*)&six;
  socklen_t size = domain == AF_INET ? sizeof four : sizeof six;
  const int server = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (server < 0 || bind(server, own, size) != 0 || listen(server, 1) != 0) return errno;
  if (getsockname(server, own, &size) != 0) return errno;
  const int client = socket(domain, SOCK_STREAM | SOCK_CLOEXEC, 0);
  return errno_of(connect(client, own, size));
}
static int loopback4(void) { return loopback(AF_INET); }
static int loopback6(void) { return loopback(AF_INET6); }

int main(int argc, char** argv) {
  for (long number = 0; number < 48; ++number) try_family(number);
  char name[64];
  for (long number = 0; number < 24; ++number) {
    snprintf(name, sizeof name, "netlink_%ld", number);
    try_socket(name, act_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, number);
  }
  const struct {
    const char* name;
    int type, protocol;
  } inet[] = {{"inet_tcp", SOCK_STREAM, IPPROTO_TCP}, {"inet_udp", SOCK_DGRAM, IPPROTO_UDP},
              {"inet_dccp", SOCK_DCCP, IPPROTO_DCCP}, {"inet_sctp", SOCK_SEQPACKET, IPPROTO_SCTP},
              {"inet_sctp_stream", SOCK_STREAM, 132}, {"inet_udplite", SOCK_DGRAM, IPPROTO_UDPLITE},
              {"inet_l2tp", SOCK_DGRAM, 115},         {"inet_smc", SOCK_STREAM, 256},
              {"inet_mptcp", SOCK_STREAM, 262},       {"inet_packet", SOCK_PACKET, 0}};
  for (size_t i = 0; i < sizeof inet / sizeof inet[0]; ++i) {
    try_socket(inet[i].name, act_socket, AF_INET, inet[i].type, inet[i].protocol);
  }
  try_socket("garbage_alg", act_socket, 0x100000000L | 38, SOCK_SEQPACKET, 0);
  try_socket("garbage_netlink_netfilter", act_socket, AF_NETLINK, SOCK_RAW, 0x100000000L | 12);
  try_socket("pair_unix", act_pair, AF_UNIX, SOCK_STREAM, 0);
  try_socket("pair_unix_datagram", act_pair, AF_UNIX, SOCK_DGRAM, 0);
  try_socket("pair_inet", act_pair, AF_INET, SOCK_STREAM, 0);
  try_socket("pair_tipc", act_pair, 30, SOCK_STREAM, 0);
  attempt("private_path", private_path);
  attempt("private_abstract", private_abstract);
  attempt("loopback4", loopback4);
  attempt("loopback6", loopback6);
  for (int i = 1; i < argc; ++i) try_argument(argv[i]);
  return end();
}
