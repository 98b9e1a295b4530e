#pragma once

// A YAML document, by the keys of the design, to one Layer.
//
// Every key of the design is known. Those that come with a later version are refused as such
// (kNotYet), so that a profile never silently does less than it says; everything else that is not a
// key is an error that names the nearest one. The loader opens nothing: whoever calls it has read
// the file, and decided that it may be read.

#include <string>
#include <string_view>

#include "cli/layer.hpp"
#include "common/error.hpp"

namespace redoubtful::cli {

enum class DocumentKind {
  kProfile,  // a file somebody chose by name, or a built-in one
  kConfig,   // config.yaml: always on, so it cannot claim commands
};

// `file` is how messages and origins call it. Errors: kInvalidProfile, kInvalidHost, kNotYet; the
// text begins with "FILE:LINE:COLUMN: ".
Result<Layer> load_layer(std::string_view yaml, const std::string& name, const std::string& file,
                         DocumentKind kind = DocumentKind::kProfile);

}  // namespace redoubtful::cli
