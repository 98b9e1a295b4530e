#pragma once

// Reads one field of one secret of a HashiCorp Vault (or OpenBao) server: `vault:`.
//
// The key-value engine of version 2 only: GET /v1/MOUNT/data/PATH, field of data.data. The server
// is verified as every origin is, with the system's roots and VAULT_CACERT. Plain HTTP is taken
// from loopback alone, where `vault server -dev` listens. Redirects (a standby node's) are not
// followed, for the token would follow.
//
// Before confinement only: it blocks, for 10 s at most.
// Source: developer.hashicorp.com/vault/api-docs/secret/kv/kv-v2 and /docs/commands, "Environment
// variables".

#include <string>
#include <string_view>

#include "common/error.hpp"

namespace redoubtful::proxy {

struct VaultAccess {
  std::string address;      // VAULT_ADDR: "https://vault.corp:8200"
  std::string token;        // VAULT_TOKEN, or what ~/.vault-token holds
  std::string name_space;   // VAULT_NAMESPACE; may be empty
  std::string certificate;  // VAULT_CACERT: a PEM file; may be empty
};

// `place`: "MOUNT/PATH#FIELD". Errors: kInvalidProfile when it is not there, or cannot be reached
// or read; never with the token or a value.
Result<std::string> read_vault(const VaultAccess& access, std::string_view place);

}  // namespace redoubtful::proxy
