#pragma once

// Real values put into bodies: the result does not depend on how the body was cut, nothing but a
// surrogate ever changes, and what never held a surrogate passes byte for byte.

#include <cstdlib>
#include <string>
#include <string_view>

#include "proxy/body_swap.hpp"

namespace redoubtful::fuzz {

inline const std::string& swap_surrogate() {
  static const std::string surrogate = "SURR0GATE";
  return surrogate;
}

inline std::unique_ptr<proxy::BodyFilter> swap_filter(char kind) {
  // As long as its surrogate, and in no need of an escape: then lengths hold too.
  static const Secret secret = std::move(*Secret::take("REAL-REAL"));
  std::vector<proxy::BodySwap> swaps = {{"token", &swap_surrogate(), &secret},
                                        {"/a/0/b", &swap_surrogate(), &secret}};
  if (kind == 'j') return proxy::json_swap(std::move(swaps));
  if (kind == 'f') return proxy::form_swap(std::move(swaps));
  return proxy::multipart_swap("XX", std::move(swaps));
}

inline std::string swapped_in_pieces(char kind, std::string_view body, std::size_t size) {
  const auto filter = swap_filter(kind);
  std::string out;
  for (std::size_t at = 0; at < body.size(); at += size) filter->feed(body.substr(at, size), out);
  filter->finish(out);
  return out;
}

// The first byte says which kind.
inline void body_swap(std::string_view input) {
  if (input.empty()) return;
  const char kind = input[0] % 3 == 0 ? 'j' : input[0] % 3 == 1 ? 'f' : 'm';
  const std::string_view body = input.substr(1);
  const std::string whole = swapped_in_pieces(kind, body, body.size() + 1);
  for (const std::size_t size : {1U, 2U, 7U}) {
    if (swapped_in_pieces(kind, body, size) != whole) std::abort();
  }
  if (whole.size() != body.size()) std::abort();
  std::string back = whole;
  for (std::size_t at = 0; at < body.size(); ++at) {
    if (back[at] != body[at]) back.replace(at, swap_surrogate().size(), swap_surrogate());
  }
  if (back != body) std::abort();
}

}  // namespace redoubtful::fuzz
