#include "cli/trust_files.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "common/file.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kMaxBundleBytes = 16 * 1024 * 1024;

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

MountStep step_of(StepKind kind, std::string target) {
  MountStep step;
  step.kind = kind;
  step.target = std::move(target);
  step.why = "built in";
  return step;
}

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

}  // namespace

std::string read_system_bundle() {
  for (const char* path : kBundles) {
    if (auto text = read_file(path, kMaxBundleBytes); text && !text->empty()) return *text;
  }
  return {};
}

SystemTrust::SystemTrust(std::string bundle)
    : bundle_(std::move(bundle)),
      certificates_(certificates_of(bundle_)),
      java_(certificates_.size() + 1) {
  if (!bundle_.empty() && bundle_.back() != '\n') bundle_ += '\n';
  for (const auto& certificate : certificates_) java_.add(certificate);
}

void SystemTrust::add_to(MountPlan& plan, const HostFiles& files,
                         std::string_view authority) const {
  // The proxy's authority is one certificate, which the store's head counts on.
  JavaTrustStore java = java_;
  for (const auto& certificate : certificates_of(authority)) java.add(certificate);
  const auto add_file = [&](const char* target, std::string text) {
    plan.steps.push_back(step_of(StepKind::kFile, target));
    plan.steps.back().text = std::move(text);
  };
  add_file(kCaFile, std::string(authority));
  add_file(kJavaStoreFile, java.finish());
  add_file(kCaBundleFile, bundle_ + std::string(authority));

  std::set<std::string> covered;
  const auto cover = [&](const char* path, const char* with) {
    const ResolvedPath end = resolve(files, path);
    if (end.error != 0 || end.facts.type != FileType::kRegular) return;
    if (!shown_as_it_is(plan, end.real) || !covered.insert(end.real).second) return;
    plan.steps.push_back(step_of(StepKind::kCover, end.real));
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
