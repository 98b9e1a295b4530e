#include "cli/trust_files.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "common/file.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxBundleBytes = 16 * 1024 * 1024;
constexpr std::size_t kAuthorityBytes = 1024;  // more than one on P-256 needs

// Debian, Fedora and its kin, openSUSE, Alpine, Arch: where programs look for all roots in one
// file.
constexpr std::array kBundles = {
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/ssl/cert.pem",
    "/etc/pki/tls/cert.pem",
};
constexpr std::array kJavaStores = {
    "/etc/ssl/certs/java/cacerts",
    "/etc/pki/ca-trust/extracted/java/cacerts",
};

// Sources: the programs' manuals; NODE_EXTRA_CA_CERTS stands apart (see the header).
constexpr std::array kBundleVariables = {
    "SSL_CERT_FILE",                     // OpenSSL, rustls-native-certs, Go, uv
    "REQUESTS_CA_BUNDLE",                // Python requests
    "CURL_CA_BUNDLE",                    // curl's program, and requests after the one above
    "GIT_SSL_CAINFO",                    // git
    "CARGO_HTTP_CAINFO",                 // cargo
    "PIP_CERT",                          // pip
    "DENO_CERT",                         // Deno
    "AWS_CA_BUNDLE",                     // AWS's programs and SDKs
    "CODEX_CA_CERTIFICATE",              // Codex
    "npm_config_cafile",                 // npm
    "BUNDLE_SSL_CA_CERT",                // Bundler
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",  // gRPC's own TLS
};

// Is the host's file at this real path seen under the same path inside?
bool shown_as_it_is(const MountPlan& plan, const std::string& path) {
  const MountStep* innermost = nullptr;
  for (const auto& step : plan.steps) {
    const bool covers = step.kind == StepKind::kBind || step.kind == StepKind::kTmpfs;
    if (covers && is_within(path, step.target)) innermost = &step;
  }
  return innermost != nullptr && innermost->kind == StepKind::kBind &&
         innermost->source == innermost->target && innermost->mode == MountMode::kReadOnly;
}

// With room for the proxy's authority, which the store's head counts on.
JavaTrustStore java_store_of(const std::vector<std::string>& certificates) {
  std::size_t bytes = 0;
  for (const auto& certificate : certificates) bytes += certificate.size();
  JavaTrustStore store(certificates.size() + 1, bytes + kAuthorityBytes);
  for (const auto& certificate : certificates) store.add(certificate);
  return store;
}

}  // namespace

std::string read_system_bundle() {
  for (const char* path : kBundles) {
    if (auto text = read_file(path, kMaxBundleBytes); text && !text->empty()) {
      return std::move(*text);
    }
  }
  return {};
}

SystemTrust::SystemTrust(std::string bundle)
    : bundle_(std::move(bundle)), java_(java_store_of(certificates_of(bundle_))) {
  if (!bundle_.empty() && bundle_.back() != '\n') bundle_ += '\n';
}

std::vector<FileText> SystemTrust::finish(const std::string& authority) {
  for (const auto& certificate : certificates_of(authority)) java_.add(certificate);
  std::vector<FileText> out;
  out.push_back({authority, {}});
  out.push_back({java_.finish(), {}});
  out.push_back({std::move(bundle_), authority});
  return out;
}

void SystemTrust::add_to(MountPlan& plan, const HostFiles& files) {
  for (const char* target : {kCaFile, kJavaStoreFile, kCaBundleFile}) {
    plan.steps.push_back(own_step(StepKind::kFile, target));
    plan.steps.back().later = true;
  }

  std::set<std::string> covered;
  const auto cover = [&](const char* path, const char* with) {
    const ResolvedPath end = resolve(files, path);
    if (end.error != 0 || end.facts.type != FileType::kRegular) return;
    if (!shown_as_it_is(plan, end.real) || !covered.insert(end.real).second) return;
    plan.steps.push_back(own_step(StepKind::kCover, end.real));
    plan.steps.back().source = with;
  };
  for (const char* path : kBundles) cover(path, kCaBundleFile);
  for (const char* path : kJavaStores) cover(path, kJavaStoreFile);
}

std::vector<std::string> trust_variables() {
  std::vector<std::string> out;
  for (const char* name : kBundleVariables) {
    out.push_back(std::string(name) + "=" + kCaBundleFile);
  }
  out.push_back(std::string("NODE_EXTRA_CA_CERTS=") + kCaFile);
  return out;
}

std::string java_trust_option() {
  std::string out = "-Djavax.net.ssl.trustStore=";
  out += kJavaStoreFile;
  out += " -Djavax.net.ssl.trustStorePassword=changeit";
  return out;
}

}  // namespace redoubtful::cli
