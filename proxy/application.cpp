#include "proxy/application.hpp"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <openssl/crypto.h>

#include <algorithm>
#include <span>

#include "common/credential_hosts.hpp"
#include "common/outer_proxy.hpp"
#include "proxy/configuration.hpp"
#include "proxy/credential_source.hpp"
#include "proxy/gateway.hpp"
#include "proxy/login_helper.hpp"
#include "proxy/probe.hpp"
#include "proxy/resolver.hpp"

namespace redoubtful::proxy {
namespace {

namespace asio = boost::asio;

// Addresses of the host's interfaces: no name of the agent's may lead to them.
std::vector<asio::ip::address> interface_addresses() {
  ifaddrs* first = nullptr;
  if (::getifaddrs(&first) != 0) return {};
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner(first, ::freeifaddrs);
  std::vector<asio::ip::address> out;
  for (const ifaddrs* entry = first; entry != nullptr; entry = entry->ifa_next) {
    if (entry->ifa_addr == nullptr) continue;
    if (entry->ifa_addr->sa_family == AF_INET) {
      const auto* v4 = reinterpret_cast<const sockaddr_in*>(entry->ifa_addr);
      out.emplace_back(asio::ip::address_v4(ntohl(v4->sin_addr.s_addr)));
    } else if (entry->ifa_addr->sa_family == AF_INET6) {
      const auto* v6 = reinterpret_cast<const sockaddr_in6*>(entry->ifa_addr);
      asio::ip::address_v6::bytes_type bytes;
      std::copy(std::begin(v6->sin6_addr.s6_addr), std::end(v6->sin6_addr.s6_addr), bytes.begin());
      out.emplace_back(asio::ip::address_v6(bytes));
    }
  }
  return out;
}

// The first of `names` that is set and not empty, or null.
const control::NamedValue* first_of(const std::vector<control::NamedValue>& environment,
                                    std::span<const std::string_view> names) {
  for (const auto name : names) {
    for (const auto& value : environment) {
      if (value.name == name && !value.value.empty()) return &value;
    }
  }
  return nullptr;
}

std::string value_of(const std::vector<control::NamedValue>& environment, std::string_view name) {
  const auto* found = first_of(environment, {&name, 1});
  return found != nullptr ? found->value : std::string();
}

// `network.proxy`, else the host's own settings.
Result<std::optional<UpstreamProxy>> upstream_of(
    const NetworkProfile& network, const std::vector<control::NamedValue>& environment) {
  using Found = std::optional<UpstreamProxy>;
  std::string url;
  std::string where;
  if (network.proxy) {
    url = network.proxy->value;
    where = network.proxy->origin.text() + ": network.proxy";
  } else if (const auto* named = first_of(environment, kOuterProxyVariables)) {
    url = named->value;
    where = named->name;
  }
  if (url.empty()) return Found();
  const auto* direct = first_of(environment, kNoProxyVariables);
  auto parsed = UpstreamProxy::parse(url, direct != nullptr ? direct->value : std::string());
  if (!parsed) return std::move(parsed).error().during(where);
  return Found(std::move(*parsed));
}

Result<std::optional<SystemLog>> system_log_of(
    const AuditProfile& audit, const std::vector<control::NamedValue>& environment) {
  using Found = std::optional<SystemLog>;
  if (!audit.syslog.value) return Found();
  const std::string path = value_of(environment, "REDOUBTFUL_SYSLOG");
  auto log = SystemLog::open(path.empty() ? SystemLog::kPath : path);
  if (!log) return std::move(log).error().during(audit.syslog.origin.text() + ": audit.syslog");
  return Found(std::move(*log));
}

// Libraries that would be opened at their first use, when that is no longer possible.
void load_libraries() {
  (void)Host::parse(
      "b\xc3\xbc"
      "cher.example");
  OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_ADD_ALL_CIPHERS |
                          OPENSSL_INIT_ADD_ALL_DIGESTS,
                      nullptr);
}

}  // namespace

// In the order in which they are made; each refers to those above it only.
struct Application::Parts {
  Parts(asio::io_context& io, Policy rules, ReadCredentials& credentials, UniqueFd log,
        std::string session, std::optional<SystemLog> host_log)
      : context(io),
        policy(std::move(rules)),
        injector(std::move(credentials.live)),
        signer(std::move(credentials.aws)),
        audit(std::move(log), std::move(session), std::move(host_log)),
        names([] { return std::chrono::steady_clock::now(); }) {}

  asio::io_context& context;
  Policy policy;
  Injector injector;
  AwsSigner signer;
  AuditLog audit;
  SyntheticNames names;
  std::unique_ptr<CertificateAuthority> authority;
  std::unique_ptr<OriginTls> origin_tls;
  std::unique_ptr<Resolver> resolver;
  std::unique_ptr<Dialer> dialer;
  std::optional<AccessToken> token;
  std::unique_ptr<Services> services;
  RenewalHelper renewal_helper;
  std::unique_ptr<HelperLink> renewal_link;
  std::unique_ptr<Renewal> renewal;
  std::vector<Renewable> values;  // that renewal_helper reads again
  std::vector<KeptLogin> kept_logins;
  NetworkProfile network;    // what reaching their endpoints takes
  std::string name_servers;  // the same
  std::unique_ptr<HelperLink> login_link;
  std::unique_ptr<LoginRenewal> logins;
  std::unique_ptr<Listeners> listeners;
  control::Ready ready;
};

Application::Application(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Application::~Application() = default;

Result<std::unique_ptr<Application>> Application::create(
    asio::io_context& context, control::Configure configure,
    std::unique_ptr<CertificateAuthority> authority) {
  auto configuration = parse_configuration(configure.profile);
  if (!configuration) return std::move(configuration).error();
  NetworkProfile& network = configuration->network;
  auto upstream = upstream_of(network, configure.environment);
  if (!upstream) return std::move(upstream).error();
  const std::string servers = value_of(configure.environment, "REDOUBTFUL_RESOLVER");
  auto host_log = system_log_of(configuration->audit, configure.environment);
  if (!host_log) return std::move(host_log).error();
  auto credentials = read_credentials(configuration->credentials, configure.environment,
                                      configure.commands, [&authority] { authority.reset(); });
  if (!credentials) return std::move(credentials).error();
  std::vector<std::string> live;
  for (const auto& one : credentials->live) live.push_back(one.name);
  network.allow = allowed_with(network, configuration->credentials, live);
  auto parts = std::make_unique<Parts>(context, Policy(network, interface_addresses()),
                                       *credentials, std::move(configure.audit),
                                       std::move(configure.session), std::move(*host_log));
  parts->authority = std::move(authority);
  auto tls = OriginTls::create(network.ca, {});
  if (!tls) return std::move(tls).error();
  parts->origin_tls = std::move(*tls);
  for (const auto& origin : network.origins) {
    if (origin.ca.empty()) continue;
    // Who is verified is the gateway, where there is one.
    const auto gateway = Gateway::parse(origin.via);
    const Host& verified = gateway ? gateway->host() : origin.host;
    if (auto trusted = parts->origin_tls->trust_for(verified, origin.ca); !trusted) {
      return std::move(trusted).error().during(origin.origin.text());
    }
  }
  auto resolver = Resolver::create(context.get_executor(), servers);
  if (!resolver) return std::move(resolver).error();
  parts->resolver = std::move(*resolver);
  parts->dialer = std::make_unique<Dialer>(parts->policy, *parts->resolver, std::move(*upstream));
  parts->services = std::make_unique<Services>(
      Services{parts->policy, parts->injector, parts->signer, parts->audit, parts->names,
               *parts->authority, *parts->origin_tls, *parts->dialer});
  if (credentials->helper.running()) {
    parts->renewal_helper = std::move(credentials->helper);
    parts->renewal_link =
        std::make_unique<HelperLink>(context, parts->renewal_helper.take_socket(),
                                     RenewalHelper::kAnswerBytes, RenewalHelper::kPatience);
    parts->values = std::move(credentials->values);
  }
  if (parts->renewal_link && !credentials->renewed.empty()) {
    parts->renewal = std::make_unique<Renewal>(
        context, *parts->renewal_link, std::move(credentials->renewed), parts->signer,
        parts->injector, parts->services->secrets, parts->audit);
    parts->services->renewal = parts->renewal.get();
    parts->renewal->start();
  }
  parts->kept_logins = std::move(credentials->logins);
  if (!parts->kept_logins.empty()) parts->network = std::move(network);
  parts->name_servers = servers;
  parts->listeners = std::make_unique<Listeners>(context, *parts->services);
  parts->ready.ca_certificate = parts->authority->certificate_pem();
  parts->ready.surrogates = std::move(credentials->surrogates);
  parts->ready.files = std::move(credentials->files);
  parts->ready.notes = std::move(credentials->notes);
  return std::unique_ptr<Application>(new Application(std::move(parts)));
}

Result<void> Application::start_renewal() {
  Parts& parts = *parts_;
  if (parts.kept_logins.empty() && parts.values.empty()) return {};
  parts.logins = std::make_unique<LoginRenewal>(parts.context, parts.injector,
                                                parts.services->secrets, parts.audit);
  for (const Renewable& value : parts.values) parts.logins->add(*parts.renewal_link, value);
  if (auto started = start_login_helper(); !started) return started;
  parts.services->logins = parts.logins.get();
  parts.logins->start();
  return {};
}

Result<void> Application::start_login_helper() {
  Parts& parts = *parts_;
  if (parts.kept_logins.empty()) return {};
  const EndpointAccess access{parts.network, parts.dialer->upstream(), parts.name_servers,
                              *parts.origin_tls};
  auto socket = LoginHelper::start(parts.kept_logins, access, [&parts] {
    parts.authority.reset();
    parts.injector.forget();
    parts.signer.forget();
  });
  if (!socket) return std::move(socket).error();
  parts.login_link = std::make_unique<HelperLink>(
      parts.context, *std::move(socket), LoginHelper::kAnswerBytes, LoginHelper::kPatience);
  for (std::uint32_t number = 0; number < parts.kept_logins.size(); ++number) {
    const KeptLogin& login = parts.kept_logins[number];
    parts.logins->add(*parts.login_link, {login.name, login.expires, number});
  }
  return {};
}

control::Ready Application::take_ready() { return std::move(parts_->ready); }

Result<void> Application::serve(control::Listeners listeners) {
  return parts_->listeners->start(std::move(listeners));
}

void Application::require(AccessToken token) {
  parts_->token.emplace(std::move(token));
  parts_->services->token = &*parts_->token;
}

Result<void> Application::listen(UniqueFd fd, Listeners::Entry entry) {
  return parts_->listeners->listen(std::move(fd), entry);
}

void Application::end_loops(std::function<void(const std::string&)> looped) {
  parts_->listeners->end_loops(std::move(looped));
}

AuditLog& Application::audit() { return parts_->audit; }

Result<void> Application::prepare_for_confinement() {
  load_libraries();
  if (auto prepared = parts_->authority->prepare(); !prepared) return prepared;
  return parts_->origin_tls->prepare();
}

Awaitable<control::ProbeResult> Application::probe(control::Probe probe) {
  return probe_target(*parts_->services, std::move(probe));
}

}  // namespace redoubtful::proxy
