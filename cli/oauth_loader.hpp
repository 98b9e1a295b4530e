#pragma once

// What a credential of `type: oauth` has that others have not: how its login is renewed.
//
//     claude-login:
//       type: oauth
//       source: json:~/.claude/.credentials.json#/claudeAiOauth   # file and place of the login
//       hosts: [api.anthropic.com]
//       expose: {file: ~/.claude/.credentials.json}
//     other-login:
//       type: oauth
//       source: "json:~/.config/other/login.json#"                # the whole document
//       hosts: [api.other.example]
//       expose: {file: ~/.config/other/login.json}
//       refresh:                       # claude, codex, gemini; left out where the source tells
//         endpoint: https://login.other.example/oauth/token
//         client_id: other-cli         # or client_id_at: /client_id, where the login says it
//         client_secret_at: /client_secret                        # where there is one
//         body: form                   # form (RFC 6749) or json
//         access_token: /access_token  # places below the source's; these two are the defaults
//         refresh_token: /refresh_token
//         id_token: /id_token          # hidden inside, and renewed
//         account: /account_id         # another account's login is never taken for this one
//         expires: /expires_at
//         expires_as: seconds          # seconds, milliseconds or rfc3339
//         refreshed: /last_refresh     # set to the time, RFC 3339
//         scope: /scopes               # asked for again; a text or a list
//         lock: none                   # what the program itself holds: none, claude, codex
//         shows_refresh_token: false   # a surrogate of it inside, for programs that insist

#include "cli/yaml_reader.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// The value of `refresh`. Errors: kInvalidProfile with the place.
Result<void> read_refresh(const Document& document, const YamlNode& node, CredentialProfile& out);

// After all keys were read: what must be there is there, and what makes no sense for this type, or
// for another, is not. Errors: kInvalidProfile, without the place.
Result<void> settle_oauth(CredentialProfile& credential);

// Is this the URL of a token endpoint? Errors: kInvalidProfile.
Result<std::string> parse_token_endpoint(std::string_view text);

}  // namespace redoubtful::cli
