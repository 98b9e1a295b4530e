#include "proxy/injector.hpp"

#include <string.h>

#include <algorithm>
#include <iterator>
#include <utility>

#include "common/network_rules.hpp"
#include "proxy/body_swap.hpp"
#include "proxy/placing.hpp"
#include "proxy/request_fields.hpp"
#include "proxy/target.hpp"

namespace redoubtful::proxy {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

bool field_contains(const Field& field, std::string_view surrogate) {
  if (contains(field.value, surrogate) || contains(field.name, surrogate)) return true;
  if (!equals_ignoring_case(field.name, "authorization")) return false;
  const auto decoded = basic_value(field.value);
  return decoded && contains(*decoded, surrogate);
}

// The surfaces of one credential that hold for one request.
class Surfaces {
 public:
  Surfaces(const LiveCredential& credential, const RequestHead& head) : credential_(&credential) {
    if (credential.surfaces.empty()) return;
    // A path that servers read in different ways is no path that a surface is bound to.
    const auto target = canonical_target(head.target);
    const bool certain = target && !target->ambiguous && target->path != "*";
    const std::string path = certain ? comparable_path(target->path) : std::string();
    for (const auto& surface : credential.surfaces) {
      if (!surface.method.empty() && surface.method != head.method) continue;
      if (!surface.path.empty() && (!certain || !path_matches(surface.path, path))) continue;
      active_.push_back(&surface);
    }
  }

  const LiveCredential& credential() const { return *credential_; }
  std::string_view surrogate() const { return credential_->surrogate; }

  bool has(SurfaceKind kind, std::string_view name) const {
    return std::any_of(active_.begin(), active_.end(), [&](const Surface* surface) {
      return surface->kind == kind && surface->name == name;
    });
  }
  bool has(SurfaceKind kind) const {
    return std::any_of(active_.begin(), active_.end(),
                       [&](const Surface* surface) { return surface->kind == kind; });
  }
  bool has_field(std::string_view name) const {
    if (credential_->attach && equals_ignoring_case(credential_->attach->header, name)) return true;
    const bool unnamed = credential_->surfaces.empty() && !credential_->aws;
    const bool known_fields = unnamed || has(SurfaceKind::kHeader);
    return (known_fields && is_credential_field(name)) || has_named_field(name);
  }
  std::vector<std::string> body_fields() const {
    std::vector<std::string> out;
    for (const Surface* surface : active_) {
      if (surface->kind == SurfaceKind::kBody) out.push_back(surface->name);
    }
    return out;
  }

 private:
  bool has_named_field(std::string_view name) const {
    return std::any_of(active_.begin(), active_.end(), [&](const Surface* surface) {
      return surface->kind == SurfaceKind::kNamedHeader &&
             equals_ignoring_case(surface->name, name);
    });
  }

  const LiveCredential* credential_;
  std::vector<const Surface*> active_;
};

std::optional<std::string> swapped_field(const Field& field, const LiveCredential& credential) {
  if (equals_ignoring_case(field.name, "authorization")) {
    if (const auto decoded = basic_value(field.value)) {
      auto inside = placed(*decoded, credential.surrogate, credential.secret, Notation::kPlain);
      if (!inside) return std::nullopt;
      std::string out = basic_field(*inside);
      ::explicit_bzero(inside->data(), inside->size());
      return out;
    }
  }
  return placed(field.value, credential.surrogate, credential.secret, Notation::kPlain);
}

// The lists of a head that have surfaces by name.
struct NamedList {
  SurfaceKind kind;
  Notation notation;
  bool (*rewrite)(std::string& text, const PartRule& rule);
  const char* word;
};
constexpr NamedList kQuery{SurfaceKind::kQuery, Notation::kPercent, rewrite_query,
                           "the parameter "};
constexpr NamedList kCookie{SurfaceKind::kCookie, Notation::kCookie, rewrite_cookies,
                            "the cookie "};

std::string name_of(const NamedList& list, const Part& part) {
  return list.kind == SurfaceKind::kQuery ? percent_decoded(part.name) : std::string(part.name);
}

// The text without what stands where it may.
std::string without_own(std::string text, const NamedList& list, const Surfaces& surfaces) {
  list.rewrite(text, [&](const Part& part) -> Verdict {
    const bool own = part.has_value && surfaces.has(list.kind, name_of(list, part));
    return {.what = own ? Verdict::Do::kReplace : Verdict::Do::kKeep, .value = {}};
  });
  return text;
}

std::string_view query_of(std::string_view target) {
  const std::size_t mark = target.find('?');
  return mark == std::string_view::npos ? std::string_view() : target.substr(mark + 1);
}

// Where a surrogate stands that must not; nothing where all is well.
std::optional<std::string> misplaced(const RequestHead& head, std::string_view surrogate,
                                     const Surfaces* own) {
  std::string query(query_of(head.target));
  const std::string_view path = std::string_view(head.target).substr(0, head.target.find('?'));
  if (own != nullptr) query = without_own(std::move(query), kQuery, *own);
  if (contains(path, surrogate) || contains(query, surrogate) ||
      contains(percent_decoded(query), surrogate)) {
    return "the request target";
  }
  for (const auto& field : head.fields) {
    if (own != nullptr && own->has_field(field.name)) {
      if (contains(field.name, surrogate)) return "the name of a header field";
      continue;
    }
    Field rest = field;
    if (own != nullptr && equals_ignoring_case(field.name, "cookie")) {
      rest.value = without_own(std::move(rest.value), kCookie, *own);
    }
    if (field_contains(rest, surrogate)) return "a header field that is not one for it";
  }
  return std::nullopt;
}

Denial denial(DenyReason reason, const RequestPermit& permit, const LiveCredential& credential,
              std::string detail) {
  return {.reason = reason,
          .target = permit.host().text(),
          .rule = credential.name,
          .place = {},
          .detail = std::move(detail),
          .remedy = {}};
}

const LiveCredential* exclusive_of(const std::vector<Surfaces>& own) {
  for (const auto& one : own) {
    if (one.credential().exclusive) return &one.credential();
  }
  return nullptr;
}

// A request on its way to a host that has credentials.
class AtHome {
 public:
  AtHome(std::vector<Surfaces> own, RequestHead head)
      : own_(std::move(own)), head_(std::move(head)) {}

  void drop_foreign() {
    std::erase_if(head_.fields, [&](const Field& field) {
      if (!is_guarded(field.name)) return false;
      if (holds_surrogate(field) && !is_beside_another(field)) return false;
      removed_.push_back("the field " + field.name);
      return true;
    });
    std::string query(query_of(head_.target));
    if (drop_foreign_parts(query, kQuery)) set_query(query);
    for (auto& field : head_.fields) {
      if (equals_ignoring_case(field.name, "cookie")) drop_foreign_parts(field.value, kCookie);
    }
  }

  void swap() {
    for (const auto& one : own_) {
      const LiveCredential& credential = one.credential();
      bool in = attach(credential);
      for (auto& field : head_.fields) {
        if (equals_ignoring_case(field.name, "cookie")) {
          in = swap_parts(field.value, kCookie, one) || in;
        }
        if (!one.has_field(field.name)) continue;
        auto swapped = swapped_field(field, credential);
        if (!swapped) continue;
        field.value = *std::move(swapped);
        in = true;
      }
      std::string query(query_of(head_.target));
      if (swap_parts(query, kQuery, one)) {
        set_query(query);
        in = true;
      }
      if (in) names_.push_back(credential.name);
      for (auto& name : one.body_fields()) {
        swaps_.push_back({std::move(name), &credential.surrogate, &credential.secret,
                          credential.name, credential.exclusive});
      }
      const bool in_frames = head_.upgrade_websocket && one.has(SurfaceKind::kWebSocket);
      if (in_frames) in_frames_.push_back(&credential);
    }
    if (!head_.has_body || swaps_.empty()) return;
    const bool demanded =
        !in_head() && std::any_of(swaps_.begin(), swaps_.end(),
                                  [](const BodySwap& swap) { return swap.exclusive; });
    body_ = body_swap(head_.fields, std::move(swaps_), demanded);
    demanded_ = body_ && demanded;
  }

  // One of the exclusive ones is in the head, or demanded of the body.
  bool satisfied() const { return demanded_ || in_head(); }

  const std::vector<std::string>& removed() const { return removed_; }
  Injection take(const std::deque<LiveCredential>& all, RequestHead& head) {
    head = std::move(head_);
    return {std::move(names_), std::move(removed_), std::move(body_),
            websocket_swap(all, in_frames_)};
  }

 private:
  bool in_head() const {
    return std::any_of(own_.begin(), own_.end(), [&](const Surfaces& one) {
      return one.credential().exclusive &&
             std::find(names_.begin(), names_.end(), one.credential().name) != names_.end();
    });
  }
  // A place of a credential of this host. Beside an exclusive one every known field is.
  bool is_guarded(std::string_view name) const {
    return std::any_of(own_.begin(), own_.end(), [&](const Surfaces& one) {
      return one.has_field(name) || (one.credential().exclusive && is_credential_field(name));
    });
  }
  // Of an exclusive one nothing else may stand beside the surrogate: a host might go by that.
  bool holds_other_than_own(const std::string& text) const {
    if (exclusive_of(own_) == nullptr) return false;
    std::vector<std::string_view> surrogates;
    for (const auto& one : own_) surrogates.push_back(one.surrogate());
    return holds_another(text, surrogates);
  }
  bool is_beside_another(const Field& field) const {
    const auto decoded = basic_value(field.value);
    return holds_other_than_own(decoded ? *decoded : field.value);
  }
  bool holds_surrogate(const Field& field) const {
    return std::any_of(own_.begin(), own_.end(),
                       [&](const Surfaces& one) { return field_contains(field, one.surrogate()); });
  }

  bool drop_foreign_parts(std::string& text, const NamedList& list) {
    return list.rewrite(text, [&](const Part& part) -> Verdict {
      const std::string name = name_of(list, part);
      const bool place = std::any_of(own_.begin(), own_.end(),
                                     [&](const Surfaces& one) { return one.has(list.kind, name); });
      const std::string value =
          list.kind == SurfaceKind::kQuery ? percent_decoded(part.value) : std::string(part.value);
      const bool ours = std::any_of(own_.begin(), own_.end(), [&](const Surfaces& one) {
        return contains(value, one.surrogate());
      });
      if (!place || (ours && !holds_other_than_own(value))) return {};
      removed_.push_back(list.word + name);
      return {.what = Verdict::Do::kDrop, .value = {}};
    });
  }

  bool swap_parts(std::string& text, const NamedList& list, const Surfaces& surfaces) {
    return list.rewrite(text, [&](const Part& part) -> Verdict {
      if (!surfaces.has(list.kind, name_of(list, part))) return {};
      auto value = placed_part(part.value, surfaces.credential().surrogate,
                               surfaces.credential().secret, list.notation);
      if (!value) return {};
      return {.what = Verdict::Do::kReplace, .value = *std::move(value)};
    });
  }

  bool attach(const LiveCredential& credential) {
    if (!credential.attach) return false;
    remove_fields(head_.fields, credential.attach->header);
    head_.fields.push_back(
        {credential.attach->header, attached(credential.attach->value, credential.secret)});
    return true;
  }

  void set_query(const std::string& query) {
    head_.target.resize(head_.target.find('?'));
    if (!query.empty()) head_.target += "?" + query;
  }

  std::vector<Surfaces> own_;
  RequestHead head_;
  std::vector<std::string> names_;
  std::vector<std::string> removed_;
  std::vector<BodySwap> swaps_;
  std::vector<const LiveCredential*> in_frames_;
  std::unique_ptr<FieldSwap> body_;
  bool demanded_ = false;
};

}  // namespace

Injector::Injector(std::vector<LiveCredential> credentials)
    : credentials_(std::make_move_iterator(credentials.begin()),
                   std::make_move_iterator(credentials.end())) {
  for (auto& credential : credentials_) {
    for (auto& surface : credential.surfaces) {
      if (!surface.path.empty()) surface.path = comparable_glob(surface.path);
    }
  }
}

std::variant<Injection, Denial> Injector::inject(const RequestPermit& permit, Handling handling,
                                                 RequestHead& head) const {
  if (credentials_.empty()) return Injection();
  // First everything is looked at, so that nothing is put in where the request is then refused.
  std::vector<Surfaces> own;
  for (const auto& credential : credentials_) {
    const bool here =
        handling == Handling::kIntercept && credential.hosts.takes(permit.host(), permit.port());
    if (here) own.emplace_back(credential, head);
    const auto where = misplaced(head, credential.surrogate, here ? &own.back() : nullptr);
    if (here && credential.aws) own.pop_back();
    if (!where) continue;
    std::string detail = "its surrogate stands in " + *where;
    if (!here) {
      detail = handling != Handling::kIntercept ? "its surrogate was on its way over plain HTTP"
               : credential.hosts.names(permit.host())
                   ? "its surrogate was on its way to a port that it is not for"
                   : "its surrogate was on its way to a host that it is not for";
    }
    return denial(DenyReason::kCredential, permit, credential, std::move(detail));
  }
  if (own.empty()) return Injection();
  // Only an exclusive one can still refuse it, and then it stays as it is.
  const LiveCredential* exclusive = exclusive_of(own);
  AtHome request(std::move(own), exclusive != nullptr ? head : std::move(head));
  request.drop_foreign();
  if (exclusive != nullptr && !request.removed().empty()) {
    return denial(
        DenyReason::kCredential, permit, *exclusive,
        request.removed().front() + " holds another credential, and this one is exclusive");
  }
  request.swap();
  if (exclusive != nullptr && !request.satisfied()) {
    return denial(DenyReason::kCredentialMissing, permit, *exclusive,
                  "the request does not carry the credential that this host is only reached with");
  }
  return request.take(credentials_, head);
}

const LiveCredential* Injector::surrogate_in(std::string_view text) const {
  for (const auto& credential : credentials_) {
    if (contains(text, credential.surrogate)) return &credential;
  }
  return nullptr;
}

const LiveCredential* Injector::surrogate_in(const RequestHead& head) const {
  for (const auto& credential : credentials_) {
    if (misplaced(head, credential.surrogate, nullptr)) return &credential;
  }
  return nullptr;
}

void Injector::renew(LiveCredential credential) {
  const bool known = std::any_of(credentials_.begin(), credentials_.end(), [&](const auto& one) {
    return one.surrogate == credential.surrogate;
  });
  if (known) {
    renew(credential.surrogate, std::move(credential.secret));
  } else {
    credentials_.push_back(std::move(credential));
  }
}

void Injector::renew(std::string_view surrogate, Secret secret) {
  const auto old = std::find_if(credentials_.begin(), credentials_.end(),
                                [&](const auto& one) { return one.surrogate == surrogate; });
  if (old == credentials_.end()) return;
  auto& retired = old->retired;
  if (retired.size() >= LiveCredential::kRetired) retired.erase(retired.begin());
  retired.push_back(std::exchange(old->secret, std::move(secret)));
}

bool Injector::has_credentials(const Host& host) const {
  return std::any_of(credentials_.begin(), credentials_.end(),
                     [&](const auto& credential) { return credential.hosts.names(host); });
}

}  // namespace redoubtful::proxy
