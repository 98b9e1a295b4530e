#pragma once

// The vocabulary in which the loaders read a YAML tree: known keys, lists, single values; every
// error begins with the place it is about.

#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "cli/yaml_document.hpp"
#include "common/error.hpp"
#include "common/profile.hpp"

namespace redoubtful::cli {

// Knows what the file is called; hands out places in it.
struct Document {
  std::string file;

  Origin origin(const YamlNode& node) const { return {file, node.line, node.column, {}}; }
  Origin origin(const YamlEntry& entry) const { return {file, entry.line, entry.column, {}}; }

  Error error(const YamlNode& node, std::string_view what) const {
    return error_at(Errc::kInvalidProfile, origin(node), what);
  }
  // Keeps code and hint of `cause`, and puts the place in front. What is kUsage on the command line
  // is kInvalidProfile in a file.
  Error error(const YamlNode& node, const Error& cause) const {
    return locate(origin(node), cause);
  }
  Error error(const YamlEntry& entry, const Error& cause) const {
    return locate(origin(entry), cause);
  }

 private:
  static Error locate(const Origin& where, const Error& cause);
};

// A key that a mapping may hold, and what reads its value into an Out.
template <class Out>
struct Key {
  std::string_view name;
  Result<void> (*read)(const Document&, const YamlNode&, Out&);
};

Result<void> read_mapping(const Document& document, const YamlNode& node,
                          const std::function<Result<void>(const YamlEntry&)>& use);

// Errors for an item that is null, before `use` sees it.
Result<void> read_list(const Document& document, const YamlNode& node,
                       const std::function<Result<void>(const YamlNode&)>& use);

// The text of a single value. NUL is refused: no path, variable or argument can hold it.
Result<std::string> read_text(const Document& document, const YamlNode& node);

Error unknown_key(const Document& document, const YamlEntry& entry,
                  std::span<const std::string_view> known);

// "true" or "false", the words of YAML 1.2; "yes" and "on" are refused.
Result<bool> parse_flag(std::string_view text);

template <class Out, std::size_t N>
Result<void> read_keys(const Document& document, const YamlNode& node,
                       const std::array<Key<Out>, N>& keys, Out& out) {
  return read_mapping(document, node, [&](const YamlEntry& entry) -> Result<void> {
    std::array<std::string_view, N> names;
    for (std::size_t i = 0; i < N; ++i) {
      if (keys[i].name == entry.key) return keys[i].read(document, entry.value, out);
      names[i] = keys[i].name;
    }
    return unknown_key(document, entry, names);
  });
}

// `parse` turns the text into the value; its error gets the place.
template <class Parse>
auto read_value(const Document& document, const YamlNode& node, Parse parse)
    -> decltype(parse(std::string_view())) {
  auto text = read_text(document, node);
  if (!text) return std::move(text).error();
  auto value = parse(std::string_view(*text));
  if (!value) return document.error(node, std::move(value).error());
  return value;
}

template <class Parse, class T>
Result<void> read_into(const Document& document, const YamlNode& node, Parse parse, T& out) {
  auto value = read_value(document, node, parse);
  if (!value) return std::move(value).error();
  out = *std::move(value);
  return {};
}

}  // namespace redoubtful::cli
