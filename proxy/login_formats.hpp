#pragma once

// The formats of the files in which programs keep logins, as lists of leaves: each is a key and a
// value, and a rule says what becomes of it.
//
// The text outside of the leaves (comments, order, sections) stays where that is safe, so that the
// program finds its own file. What cannot be read as the format says is left out, never passed: the
// result is shown to the agent, and what was not understood might be a secret.

#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common/error.hpp"

namespace redoubtful::proxy {

// `key`: the innermost name. The new value, or nothing: the leaf is left out.
using LeafRule =
    std::function<std::optional<std::string>(std::string_view key, std::string_view value)>;

// "key = value" by lines, with [sections] and comments: .npmrc, pip.conf, .aws/credentials,
// .pypirc.
std::string rewrite_lines(std::string_view text, const LeafRule& rule);

// machine, login, password. An entry whose password is left out goes as a whole. Source: curl's and
// GNU's netrc; quoted values as curl reads them.
std::string rewrite_netrc(std::string_view text, const LeafRule& rule);

// The block style that programs write: "key: value" and "- value" by lines. Block texts, anchors
// and flow collections are left out.
std::string rewrite_yaml(std::string_view text, const LeafRule& rule);

// `only`: a JSON pointer to a leaf; what is kept is that leaf and its siblings, in the objects that
// lead to it. Empty: everything. Errors: kInvalidSecret for what is not JSON.
Result<std::string> rewrite_json(std::string_view text, std::string_view only,
                                 const LeafRule& rule);

}  // namespace redoubtful::proxy
