#include "cli/jj_workspace.hpp"

#include <sys/stat.h>

#include "cli/owned_path.hpp"
#include "common/text.hpp"

namespace redoubtful::cli {
namespace {

constexpr std::size_t kOperationIdBytes = 64;
constexpr std::uint64_t kCheckoutOperation = 2;
constexpr std::uint64_t kCheckoutWorkspace = 3;
constexpr std::uint64_t kOperationView = 1;
constexpr std::uint64_t kViewWorkspaces = 8;
constexpr std::uint64_t kMapKey = 1;

Error refused(std::string why) { return Error(Errc::kInvalidMount, std::move(why)); }

std::string hex(std::string_view bytes) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    text += kDigits[static_cast<unsigned char>(c) >> 4];
    text += kDigits[static_cast<unsigned char>(c) & 15];
  }
  return text;
}

// The last field of that number, as protobuf readers take it; "" when absent.
std::string_view last(const std::vector<ProtoField>& fields, std::uint64_t number) {
  std::string_view found;
  for (const auto& field : fields) {
    if (field.number == number) found = field.bytes;
  }
  return found;
}

Result<void> verify_operation(int workspace, int repository, uid_t owner) {
  auto checkout = read_owned_file(workspace, ".jj/working_copy/checkout", owner);
  if (!checkout) return std::move(checkout).error();
  auto fields = parse_proto(*checkout);
  if (!fields) return std::move(fields).error().during("\".jj/working_copy/checkout\"");
  const std::string_view operation_id = last(*fields, kCheckoutOperation);
  const std::string_view name = last(*fields, kCheckoutWorkspace);
  if (operation_id.size() != kOperationIdBytes) {
    return refused("this workspace's checkout names no operation");
  }
  auto operation = read_owned_file(repository, "op_store/operations/" + hex(operation_id), owner);
  if (!operation) {
    return refused("that repository does not know the operation this workspace was last at");
  }
  auto operation_fields = parse_proto(*operation);
  if (!operation_fields) return std::move(operation_fields).error().during("the operation");
  const std::string_view view_id = last(*operation_fields, kOperationView);
  if (view_id.size() != kOperationIdBytes) return refused("the operation names no view");
  auto view = read_owned_file(repository, "op_store/views/" + hex(view_id), owner, 64u << 20);
  if (!view) return std::move(view).error();
  auto view_fields = parse_proto(*view);
  if (!view_fields) return std::move(view_fields).error().during("the operation's view");
  for (const auto& field : *view_fields) {
    if (field.number != kViewWorkspaces) continue;
    auto pair = parse_proto(field.bytes);
    if (pair && last(*pair, kMapKey) == name) return {};
  }
  return refused("that repository has no workspace " + quoted(name));
}

}  // namespace

Result<std::vector<ProtoField>> parse_proto(std::string_view message) {
  std::vector<ProtoField> fields;
  std::size_t at = 0;
  const auto bad = [&](const char* what) {
    return Error(Errc::kInvalidProfile, "at byte " + std::to_string(at) + ": " + what);
  };
  const auto varint = [&](std::uint64_t& value) {
    value = 0;
    for (unsigned shift = 0; shift < 64 && at < message.size(); shift += 7) {
      const auto byte = static_cast<unsigned char>(message[at++]);
      value |= std::uint64_t{byte & 0x7Fu} << shift;
      if ((byte & 0x80) == 0) return true;
    }
    return false;
  };
  while (at < message.size()) {
    std::uint64_t tag = 0;
    if (!varint(tag) || tag >> 3 == 0) return bad("a bad field number");
    std::uint64_t length = 0;
    switch (tag & 7) {
      case 0:
        if (!varint(length)) return bad("a bad number");
        continue;
      case 1:
        length = 8;
        break;
      case 2:
        if (!varint(length)) return bad("a bad length");
        break;
      case 5:
        length = 4;
        break;
      default:
        return bad("an unknown wire type");
    }
    if (length > message.size() - at) return bad("a field runs over the end");
    if ((tag & 7) == 2) {
      fields.push_back({tag >> 3, message.substr(at, static_cast<std::size_t>(length))});
    }
    at += static_cast<std::size_t>(length);
  }
  return fields;
}

Result<JjWorkspace> verify_jj_workspace(const std::string& top, std::string_view content,
                                        uid_t owner) {
  const auto line = single_line(content);
  if (!line) return refused("it is not one line");
  const auto target = normalised(top + "/.jj", *line);
  if (!target) return refused("its path climbs above the root");
  const std::string dot_jj = parent_of(*target);
  if (name_of(*target) != "repo" || name_of(dot_jj) != ".jj") {
    return refused("it names " + quoted(*target) + ", which is not the .jj/repo of a workspace");
  }
  auto workspace = open_owned_directory(top, owner);
  if (!workspace) return std::move(workspace).error();
  auto repository = open_owned_directory(*target, owner);
  if (!repository) return std::move(repository).error();
  if (auto known = verify_operation(workspace->get(), repository->get(), owner); !known) {
    return std::move(known).error();
  }
  JjWorkspace found;
  found.directories.push_back(*target);
  // Where the git repository is. The agent may have rewritten this in an earlier run, so there are
  // two answers that are believed and no others.
  auto git_target = read_owned_file(repository->get(), "store/git_target", owner);
  if (!git_target) return found;  // not kept in git
  const auto git_line = single_line(*git_target);
  const auto git = git_line ? normalised(*target + "/store", *git_line) : std::nullopt;
  const std::string colocated = parent_of(dot_jj) + "/.git";
  if (git == colocated) {
    auto directory = open_owned_directory(colocated, owner);
    if (!directory) return std::move(directory).error();
    if (!looks_like_repository(directory->get())) {
      return refused(quoted(colocated) + " is not a git repository");
    }
    found.directories.push_back(colocated);
    found.git_directory = colocated;
  } else if (!git || !is_within(*git, *target)) {
    return refused("the jj repository keeps its commits in " + quoted(git_line.value_or("")) +
                   ", neither inside itself nor beside it");
  }
  return found;
}

}  // namespace redoubtful::cli
