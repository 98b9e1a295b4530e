#include "common/aws.hpp"

#include "common/text.hpp"

namespace redoubtful {

Result<void> check_aws_service(std::string_view entry) {
  const std::string_view service = entry.substr(0, entry.find(':'));
  const std::string_view rest = entry.substr(service.size());
  const auto plain = [](std::string_view text) {
    return !text.empty() && text.find_first_not_of(
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-_.") == std::string_view::npos;
  };
  if (plain(service) && (rest.empty() || plain(rest.substr(1)))) return {};
  return Error(Errc::kInvalidProfile, quoted(entry, 80) + " is no AWS service")
      .hint("write it as signatures do: s3, bedrock, or one call: ecr:GetAuthorizationToken");
}

}  // namespace redoubtful
