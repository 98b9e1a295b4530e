#pragma once

// Reads what the profile's credentials name (source_reader.hpp, aws_source.hpp), before
// confinement, and makes of each a live credential and its surrogate. Where keys have an end, or a
// value may have one, and the source can be read again, a helper process is left that does so
// (renewal.hpp, login_renewal.hpp). Of logins it
// is said which can be renewed; their helper is started later (login_helper.hpp).
//
// What is read is erased everywhere but in the Secret.

#include <functional>
#include <string>
#include <vector>

#include "common/control_channel.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"
#include "proxy/aws_signer.hpp"
#include "proxy/injector.hpp"
#include "proxy/login_keeper.hpp"
#include "proxy/login_renewal.hpp"
#include "proxy/renewal_helper.hpp"

namespace redoubtful::proxy {

struct ReadCredentials {
  std::vector<LiveCredential> live;  // the parts of AWS's keys among them
  std::vector<LiveAwsCredential> aws;
  RenewalHelper helper;              // running where some keys end and can be read again
  std::vector<std::string> renewed;  // the AWS credentials that it knows, by its numbers
  std::vector<Renewable> values;     // the others
  std::vector<KeptLogin> logins;     // those that login_helper.hpp is to renew
  std::vector<control::Surrogate> surrogates;
  std::vector<control::ExposedFile> files;
  std::vector<std::string> notes;  // a line each: what is live and where, what is off and why
};

// `forget` is for the renewal helper (renewal_helper.hpp).
// Erases the values of `environment` and `commands` (of which the latter is what programs get).
// Errors: kInvalidProfile for a source that is absent and not optional, kInvalidSecret; both name
// the credential and where it is written, never the value.
Result<ReadCredentials> read_credentials(
    const std::vector<CredentialProfile>& credentials,
    std::vector<control::NamedValue>& environment, std::vector<std::string>& commands,
    const std::function<void()>& forget = [] {});

}  // namespace redoubtful::proxy
