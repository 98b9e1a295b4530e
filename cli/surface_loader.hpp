#pragma once

// `replace_in` and `attach` of a credential: where in a request its real value may stand.
//
//     replace_in: [header, "header:X-Deploy-Key", "query:key", "cookie:session", websocket,
//                  {body: token, method: POST, path: /login}, {query: key, path: "/v1/**"}]
//     attach: {header: Authorization, value: "Bearer {}"}

#include <vector>

#include "cli/yaml_reader.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// Errors: kInvalidProfile with the place: an unknown surface, a name that cannot stand in a
// request, a body without method and path (a real value in any body could be stored and shown
// again).
Result<std::vector<Surface>> read_surfaces(const Document& document, const YamlNode& node);

// Errors: kInvalidProfile with the place: no header field's name, or a value that does not hold
// "{}" just once.
Result<Attachment> read_attachment(const Document& document, const YamlNode& node);

}  // namespace redoubtful::cli
