#include "proxy/aws_services.hpp"

#include <algorithm>
#include <array>
#include <optional>

#include "common/text.hpp"
#include "proxy/sigv4_canonical.hpp"

namespace redoubtful::proxy {
namespace {

constexpr std::array kSuffixes = {
    std::string_view(".amazonaws.com"), std::string_view(".amazonaws.com.cn"),
    std::string_view(".amazonaws.eu"),  std::string_view(".api.aws"),
    std::string_view(".on.aws"),        std::string_view(".api.amazonwebservices.com.cn"),
};

// Where an endpoint neither is the service's name nor begins with it and a hyphen.
struct Alias {
  std::string_view service;
  std::string_view endpoint;
};
constexpr auto kAliases = std::to_array<Alias>({
    {"IoTSecuredTunneling", "iot"},
    {"appconfig", "appconfigdata"},
    {"appstream", "appstream2"},
    {"aws-marketplace", "agreement-marketplace"},
    {"aws-marketplace", "deployment-marketplace"},
    {"aws-marketplace", "discovery-marketplace"},
    {"aws-marketplace", "marketplace"},
    {"aws-marketplace", "metering-marketplace"},
    {"aws-marketplace", "reporting-marketplace"},
    {"awsssoportal", "sso"},
    {"chime", "identity-chime"},
    {"chime", "media-pipelines-chime"},
    {"chime", "meetings-chime"},
    {"chime", "messaging-chime"},
    {"chime", "voice-chime"},
    {"cloudhsm", "cloudhsmv2"},
    {"cloudsearch", "cloudsearchdomain"},
    {"connect", "contact-lens"},
    {"dynamodb", "ddb"},
    {"execute-api", "connect"},
    {"forecast", "forecastquery"},
    {"iot-jobs-data", "iot"},
    {"iotdata", "iot"},
    {"iotdevicegateway", "iot"},
    {"ioteventsdata", "iotevents"},
    {"ivs", "ivsrealtime"},
    {"lex", "models-v2-lex"},
    {"lex", "runtime-v2-lex"},
    {"memorydb", "memory-db"},
    {"mgh", "migrationhub-config"},
    {"mobiletargeting", "pinpoint"},
    {"neptune-db", "neptune"},
    {"ses", "email"},
    {"ses", "mail-manager"},
    {"signer", "data-signer"},
    {"sms-voice", "pinpoint"},
    {"sqs", "queue"},
    {"sso-oauth", "oidc"},
    {"transcribe", "transcribestreaming"},
});

// Calls are named in the body, and some of them make keys, tokens or passwords.
constexpr std::array kMintingServices = {
    std::string_view("awsssoportal"), std::string_view("iam"), std::string_view("redshift"),
    std::string_view("sso-oauth"),    std::string_view("sts"),
};

// Calls that make credentials, told by X-Amz-Target (`method` is empty) or by method and path, in
// which '*' is one segment.
struct MintingCall {
  std::string_view service;
  std::string_view call;
  std::string_view method;
  std::string_view path;
};
constexpr auto kMintingCalls = std::to_array<MintingCall>({
    {"airflow", "CreateCliToken", "POST", "/clitoken/*"},
    {"airflow", "CreateWebLoginToken", "POST", "/webtoken/*"},
    {"apigateway", "CreateApiKey", "POST", "/apikeys"},
    {"appsync", "CreateApiKey", "POST", "/v1/apis/*/apikeys"},
    {"athena", "CreatePresignedNotebookUrl", "", ""},
    {"bedrock-agentcore", "GetResourceApiKey", "POST", "/identities/api-key"},
    {"bedrock-agentcore", "GetResourceOauth2Token", "POST", "/identities/oauth2/token"},
    {"bedrock-agentcore", "GetWorkloadAccessToken", "POST", "/identities/GetWorkloadAccessToken"},
    {"bedrock-agentcore", "GetWorkloadAccessTokenForJWT", "POST",
     "/identities/GetWorkloadAccessTokenForJWT"},
    {"bedrock-agentcore", "GetWorkloadAccessTokenForUserId", "POST",
     "/identities/GetWorkloadAccessTokenForUserId"},
    {"codeartifact", "GetAuthorizationToken", "POST", "/v1/authorization-token"},
    {"cognito-identity", "GetCredentialsForIdentity", "", ""},
    {"cognito-identity", "GetOpenIdToken", "", ""},
    {"cognito-identity", "GetOpenIdTokenForDeveloperIdentity", "", ""},
    {"connect", "GetFederationToken", "GET", "/user/federate/*"},
    {"datazone", "GetEnvironmentCredentials", "GET", "/v2/domains/*/environments/*/credentials"},
    {"ecr", "GetAuthorizationToken", "", ""},
    {"ecr-public", "GetAuthorizationToken", "", ""},
    {"eks-auth", "AssumeRoleForPodIdentity", "POST", "/clusters/*/assume-role-for-pod-identity"},
    {"elasticmapreduce", "GetClusterSessionCredentials", "", ""},
    {"emr-containers", "GetManagedEndpointSessionCredentials", "POST",
     "/virtualclusters/*/endpoints/*/credentials"},
    {"gamelift", "GetComputeAccess", "", ""},
    {"gamelift", "GetComputeAuthToken", "", ""},
    {"gamelift", "GetInstanceAccess", "", ""},
    {"gamelift", "RequestUploadCredentials", "", ""},
    {"grafana", "CreateWorkspaceApiKey", "POST", "/workspaces/*/apikeys"},
    {"grafana", "CreateWorkspaceServiceAccountToken", "POST",
     "/workspaces/*/serviceaccounts/*/tokens"},
    {"iot", "CreateKeysAndCertificate", "POST", "/keys-and-certificate"},
    {"lakeformation", "AssumeDecoratedRoleWithSAML", "POST", "/AssumeDecoratedRoleWithSAML"},
    {"lakeformation", "GetTemporaryDataLocationCredentials", "POST",
     "/GetTemporaryDataLocationCredentials"},
    {"lakeformation", "GetTemporaryGluePartitionCredentials", "POST",
     "/GetTemporaryGluePartitionCredentials"},
    {"lakeformation", "GetTemporaryGlueTableCredentials", "POST",
     "/GetTemporaryGlueTableCredentials"},
    {"license-manager", "GetAccessToken", "", ""},
    {"lightsail", "CreateBucketAccessKey", "", ""},
    {"lightsail", "CreateContainerServiceRegistryLogin", "", ""},
    {"lightsail", "CreateKeyPair", "", ""},
    {"lightsail", "DownloadDefaultKeyPair", "", ""},
    {"lightsail", "GetInstanceAccessDetails", "", ""},
    {"lightsail", "GetRelationalDatabaseMasterUserPassword", "", ""},
    {"redshift-serverless", "GetCredentials", "", ""},
    {"redshift-serverless", "GetIdentityCenterAuthToken", "", ""},
    {"s3", "GetDataAccess", "GET", "/v20180820/accessgrantsinstance/dataaccess"},
    {"sagemaker", "CreatePresignedDomainUrl", "", ""},
    {"sagemaker", "CreatePartnerAppPresignedUrl", "", ""},
    {"sagemaker", "CreatePresignedMlflowAppUrl", "", ""},
    {"sagemaker", "CreatePresignedMlflowTrackingServerUrl", "", ""},
    {"sagemaker", "CreatePresignedNotebookInstanceUrl", "", ""},
    {"ssm", "GetAccessToken", "", ""},
});

Error refused(std::string_view why) {
  return Error(Errc::kPeerProtocol, "this AWS request is not signed anew: " + std::string(why));
}

// "us-east-1", "us-gov-west-1", "eusc-de-east-1"
bool is_region(std::string_view label) {
  const std::size_t last = label.rfind('-');
  if (last == std::string_view::npos || last + 1 == label.size()) return false;
  const std::string_view digits = label.substr(last + 1);
  const std::string_view words = label.substr(0, last);
  const std::size_t first = words.find('-');
  return digits.find_first_not_of("0123456789") == std::string_view::npos &&
         words.find_first_not_of("abcdefghijklmnopqrstuvwxyz-") == std::string_view::npos &&
         first != std::string_view::npos && first >= 2 && first <= 4;
}

bool belongs(std::string_view endpoint, std::string_view service) {
  if (endpoint == service) return true;
  if (endpoint.starts_with(service) && endpoint.substr(service.size()).starts_with('-')) {
    return true;
  }
  return std::any_of(kAliases.begin(), kAliases.end(), [&](const Alias& alias) {
    return alias.service == service && alias.endpoint == endpoint;
  });
}

bool listed(const std::vector<std::string>& services, std::string_view entry) {
  return std::find(services.begin(), services.end(), entry) != services.end();
}

bool matches_path(std::string_view pattern, std::string_view path) {
  while (true) {
    const std::size_t end = pattern.find('/');
    const std::size_t path_end = path.find('/');
    const std::string_view wanted = pattern.substr(0, end);
    if (wanted != "*" && !equals_ignoring_case(wanted, uri_decoded(path.substr(0, path_end)))) {
      return false;
    }
    if (end == std::string_view::npos || path_end == std::string_view::npos) {
      return end == path_end;
    }
    pattern.remove_prefix(end + 1);
    path.remove_prefix(path_end + 1);
  }
}

bool has_parameter(const RequestHead& head, std::string_view name) {
  const auto parts = query_parts(target_parts(head.target).query);
  return std::any_of(parts.begin(), parts.end(), [&](const QueryPart& part) {
    return equals_ignoring_case(uri_decoded(part.name), name);
  });
}

// "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken", or the path of RPC v2
// ("/service/X/operation/GetAuthorizationToken"). Nothing when it cannot be told, or is told in
// more than one way.
std::optional<std::string> named_call(const RequestHead& head, std::string_view path) {
  constexpr std::string_view kOperation = "/operation/";
  const std::size_t at = path.rfind(kOperation);
  std::vector<std::string> calls;
  if (path.starts_with("/service/") && at != std::string_view::npos) {
    calls.push_back(uri_decoded(path.substr(at + kOperation.size())));
  }
  for (const Field& field : head.fields) {
    if (equals_ignoring_case(field.name, "x-amz-target")) {
      calls.push_back(field.value.substr(field.value.rfind('.') + 1));
    } else if (equals_ignoring_case(field.name, "content-type") &&
               field.value.find("urlencoded") != std::string::npos) {
      return std::nullopt;  // the body names one
    }
  }
  if (calls.size() != 1 || has_parameter(head, "Action")) return std::nullopt;
  return std::move(calls.front());
}

struct Found {
  const MintingCall* call = nullptr;
  bool unknown = false;  // some calls of the service make credentials, and this one has no name
};

Found minting_call(const SigV4Request& signature, const RequestHead& head) {
  const TargetParts target = target_parts(head.target);
  std::string path = normalised_path(target.path);
  if (path.size() > 1 && path.ends_with('/')) path.pop_back();
  const auto name = named_call(head, path);
  Found found;
  for (const MintingCall& call : kMintingCalls) {
    if (call.service != signature.scope.service) continue;
    if (call.method.empty()) {
      if (!name) found.unknown = true;
      if (name && equals_ignoring_case(*name, call.call)) found.call = &call;
    } else if (call.method == head.method && matches_path(call.path, path)) {
      found.call = &call;
    }
  }
  return found;
}

// Session keys for S3 Express: GET of a bucket with "?session".
bool creates_session(const SigV4Request& signature, const RequestHead& head) {
  if (signature.scope.service != "s3" && signature.scope.service != "s3express") return false;
  return has_parameter(head, "session");
}

Result<void> check_call(const SigV4Request& signature, std::string_view call,
                        const std::vector<std::string>& services) {
  const std::string entry = signature.scope.service + ':' + std::string(call);
  if (listed(services, entry)) return {};
  return refused("the answer to " + entry + " is a new credential, which nobody could scrub")
      .hint("list " + entry + " in the credential's services if the box may have it");
}

}  // namespace

std::string aws_endpoint(const Host& host) {
  std::string_view name = host.text();
  const auto suffix = std::find_if(kSuffixes.begin(), kSuffixes.end(),
                                   [&](std::string_view one) { return name.ends_with(one); });
  if (suffix == kSuffixes.end() || host.is_address()) return {};
  name.remove_suffix(suffix->size());
  while (!name.empty()) {
    const std::size_t dot = name.rfind('.');
    std::string_view label = dot == std::string_view::npos ? name : name.substr(dot + 1);
    name = dot == std::string_view::npos ? std::string_view() : name.substr(0, dot);
    if (is_region(label) || label == "dualstack" || label == "fips" || label == "vpce") continue;
    if (label.ends_with("-fips")) label.remove_suffix(5);
    if (label.starts_with("fips-")) label.remove_prefix(5);
    return std::string(label);
  }
  return "?";
}

bool mints_credentials(std::string_view service) noexcept {
  return std::find(kMintingServices.begin(), kMintingServices.end(), service) !=
         kMintingServices.end();
}

Result<void> aws_call_allowed(const SigV4Request& signature, const RequestHead& head,
                              const Host& host, const std::vector<std::string>& services) {
  const std::string& service = signature.scope.service;
  const bool by_name = listed(services, service);
  const bool by_call = std::any_of(services.begin(), services.end(), [&](const std::string& entry) {
    return entry.starts_with(service + ':');
  });
  if (!by_name && !by_call) {
    return refused("it is for the service " + quoted(service) +
                   ", which the credential's services do not list")
        .hint(mints_credentials(service)
                  ? "its answers can be new credentials, which nobody could scrub: list it only if "
                    "the box may have them"
                  : "add " + service + " to services");
  }
  const std::string endpoint = aws_endpoint(host);
  if (!endpoint.empty() && !belongs(endpoint, service)) {
    return refused("it is signed for the service " + quoted(service) + ", and " + host.text() +
                   " is not one of its hosts");
  }
  if (creates_session(signature, head)) return check_call(signature, "CreateSession", services);
  const Found found = minting_call(signature, head);
  if (found.call != nullptr) return check_call(signature, found.call->call, services);
  if (found.unknown) return refused("it does not say which call of " + service + " it is");
  if (by_name) return {};
  // Only single calls are listed, and this one is none of those that could be told.
  const auto name = named_call(head, normalised_path(target_parts(head.target).path));
  if (name && listed(services, service + ':' + *name)) return {};
  return refused("of the service " + quoted(service) + " only single calls are listed")
      .hint("add " + service + " to services");
}

}  // namespace redoubtful::proxy
