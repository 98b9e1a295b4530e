// Http2Bridge, what passes: requests to the origin, answers to the client.

#include <algorithm>

#include "proxy/http2_bridge.hpp"
#include "proxy/limits.hpp"

namespace redoubtful::proxy {
namespace {

std::string filtered(BodyFilter* filter, std::string_view bytes) {
  if (filter == nullptr) return std::string(bytes);
  std::string out;
  filter->feed(bytes, out);
  return out;
}

std::string rest_of(BodyFilter* filter) {
  std::string out;
  if (filter != nullptr) filter->finish(out);
  return out;
}

AnswerKind answer_kind(const RequestHead& head) {
  if (is_grpc(head.fields)) return AnswerKind::kGrpc;
  return head.method == "HEAD" ? AnswerKind::kHead : AnswerKind::kPlain;
}

}  // namespace

void Http2Bridge::request_came(std::int32_t stream, HeaderBlock block, EndStream end) {
  last_use_ = std::chrono::steady_clock::now();
  if (draining_) {
    front_.reset(stream, NGHTTP2_REFUSED_STREAM);
    return;
  }
  auto& link = *(links_[stream] = std::make_unique<Link>());
  link.front = stream;
  link.request_end = end;
  if (is_grpc(block.fields())) link.answer = AnswerKind::kGrpc;
  link.never_indexed = block.never_indexed();
  auto parsed = request_head(std::move(block), end);
  if (const auto* fault = std::get_if<BlockFault>(&parsed)) {
    refuse(link, gate_.malformed(fault->status, fault->reason));
    return;
  }
  auto& head = std::get<RequestHead>(parsed);
  link.answer = answer_kind(head);
  auto judged = gate_.judge(std::move(head));
  if (auto* refusal = std::get_if<Refusal>(&judged)) {
    refuse(link, std::move(*refusal));
    return;
  }
  link.exchange = std::move(std::get<std::unique_ptr<Exchange>>(judged));
  ++exchanges_;
  if (!back_ || back_->over()) {
    fail(link, "there is no connection to the origin");
    return;
  }
  if (link.exchange->holds_body()) {
    link.holding = true;
    // The origin could say so only once the head was sent.
    if (find_field(link.exchange->request().fields, "expect") != nullptr) {
      ResponseHead go_on;
      go_on.status = 100;
      front_.informational(stream, values_of(go_on, {}));
    }
    return;
  }
  waiting_.push_back(stream);
  start_waiting();
}

// The window opens as it comes; how much that may be is the Exchange's to say.
void Http2Bridge::hold(Link& link, std::string_view bytes) {
  if (auto refusal = link.exchange->hold(bytes)) {
    link.holding = false;
    refuse(link, std::move(*refusal));
    discard(link, bytes.size());
    return;
  }
  link.early += bytes;
  link.up += bytes.size();
  front_.consume(link.front, bytes.size());
}

void Http2Bridge::held(Link& link) {
  link.holding = false;
  if (auto refusal = link.exchange->held()) {
    refuse(link, std::move(*refusal));
  } else if (!back_ || back_->over()) {
    fail(link, "there is no connection to the origin");
  } else {
    waiting_.push_back(link.front);
    start_waiting();
  }
}

void Http2Bridge::start_waiting() {
  while (back_ && !back_->over() && !waiting_.empty() &&
         back_->open_requests() < std::min(limits::kStreams, back_->peer_max_streams())) {
    Link* link = link_of(front_, waiting_.front());
    waiting_.pop_front();
    if (link != nullptr && link->exchange) start(*link);
  }
}

void Http2Bridge::start(Link& link) {
  RequestHead head = link.exchange->request();
  BodyFilter* filter = link.exchange->request_body();
  if (filter != nullptr && !filter->keeps_length()) remove_fields(head.fields, "content-length");
  const bool whole = link.request_end == EndStream::kYes && !head.has_body;
  link.back = back_->request(values_of(head, link.never_indexed),
                             whole ? EndStream::kYes : EndStream::kNo, link.front);
  if (link.back <= 0) {
    link.back = 0;
    stop_requests(NGHTTP2_NO_ERROR);  // its streams' numbers are used up
    abandon(link, NGHTTP2_REFUSED_STREAM, "the origin's connection takes no new streams");
    return;
  }
  by_back_[link.back] = &link;
  if (whole) return;
  back_->push(link.back, std::exchange(link.early, {}), std::exchange(link.early_credit, 0));
  if (link.request_end == EndStream::kYes) {
    back_->finish(link.back, std::move(link.trailers), link.never_indexed);
  }
}

void Http2Bridge::request_data_came(Link& link, std::string_view bytes) {
  const bool waits = link.back == 0 && !link.answer_ended;
  if (!link.exchange || (!waits && !at_origin(link))) {  // refused, or the origin has had enough
    discard(link, bytes.size());
    return;
  }
  if (link.holding) {
    hold(link, bytes);
    return;
  }
  std::string out = filtered(link.exchange->request_body(), bytes);
  if (stopped_at_fault(link)) {
    discard(link, bytes.size());
    return;
  }
  link.up += out.size();
  if (!waits) {
    back_->push(link.back, std::move(out), bytes.size());
  } else {
    link.early += out;
    link.early_credit += bytes.size();
  }
}

bool Http2Bridge::stopped_at_fault(Link& link) {
  const BodyFilter* filter = link.exchange->request_body();
  if (filter == nullptr || filter->fault().empty()) return false;
  Refusal refusal = gate_.malformed(filter->fault_status(), filter->fault());
  if (link.answered) {
    abandon(link, NGHTTP2_PROTOCOL_ERROR, filter->fault());
  } else {
    link.failure = filter->fault();
    refuse(link, std::move(refusal));
  }
  return true;
}

void Http2Bridge::request_trailers_came(Link& link, HeaderBlock block) {
  if (auto fault = check_trailers(block)) {
    gate_.malformed(fault->status, fault->reason);
    abandon(link, NGHTTP2_PROTOCOL_ERROR, "the request's trailers: " + fault->reason);
    return;
  }
  link.never_indexed = block.never_indexed();
  link.trailers = block.take_fields();
  link.exchange->request_trailers(link.trailers);
  request_ended(link);
}

void Http2Bridge::request_ended(Link& link) {
  link.request_end = EndStream::kYes;
  if (link.exchange && link.holding) {
    held(link);
    return;
  }
  const bool waits = link.back == 0 && !link.answer_ended;
  if (!link.exchange || (!waits && !at_origin(link))) return;
  std::string rest = rest_of(link.exchange->request_body());
  if (stopped_at_fault(link)) return;
  link.up += rest.size();
  if (waits) {
    link.early += rest;
    return;
  }
  back_->push(link.back, std::move(rest), 0);
  back_->finish(link.back, std::move(link.trailers), link.never_indexed);
}

void Http2Bridge::answer_came(Link& link, HeaderBlock block, EndStream end) {
  auto never_indexed = block.never_indexed();
  auto parsed = response_head(std::move(block));
  if (const auto* fault = std::get_if<BlockFault>(&parsed)) {
    fail(link, "the origin's answer: " + fault->reason);
    return;
  }
  auto& head = std::get<ResponseHead>(parsed);
  if (head.status < 200) {
    link.exchange->interim(head.fields);
    front_.informational(link.front, values_of(head, never_indexed));
    return;
  }
  link.status = head.status;
  auto judged = link.exchange->respond(head);
  if (auto* refusal = std::get_if<Refusal>(&judged)) {
    refuse(link, std::move(*refusal));
    return;
  }
  BodyFilter* filter = link.exchange->response_body();
  const bool none = end == EndStream::kYes;  // an answer to HEAD keeps its length
  if (filter != nullptr && !filter->keeps_length() && !none) {
    remove_fields(head.fields, "content-length");
  }
  link.answered = true;
  front_.respond(link.front, values_of(head, never_indexed), end, link.back);
  if (none) link.answer_ended = true;
}

void Http2Bridge::answer_data_came(Link& link, std::string_view bytes) {
  BodyFilter* filter = link.exchange->response_body();
  if (filter == nullptr) {
    link.down += bytes.size();
    front_.push(link.front, std::string(bytes), bytes.size());
    return;
  }
  link.packed_credit += bytes.size();
  if (stalled_.contains(link.front)) {
    link.packed += bytes;  // the origin's window bounds it
  } else {
    pass_answer(link, *filter, bytes);
  }
}

void Http2Bridge::pass_answer(Link& link, BodyFilter& filter, std::string_view bytes) {
  std::string taken;
  for (;;) {
    if (bytes.empty() && !filter.pending()) {
      taken = std::exchange(link.packed, {});
      bytes = taken;
    }
    std::string out;
    filter.feed(std::exchange(bytes, {}), out);
    if (!filter.fault().empty()) {
      fail(link, filter.fault());
      return;
    }
    link.down += out.size();
    const bool more = filter.pending() || !link.packed.empty();
    front_.push(link.front, std::move(out), more ? 0 : std::exchange(link.packed_credit, 0));
    if (!more) break;
    if (front_.waiting_bytes(link.front) >= limits::kRelayBytes) {
      stalled_.insert(link.front);
      return;
    }
  }
  if (stalled_.erase(link.front) > 0 && link.origin_ended) {
    answer_ended(link, std::move(link.answer_trailers), std::move(link.answer_never_indexed));
  }
}

void Http2Bridge::answer_trailers_came(Link& link, HeaderBlock block) {
  if (link.answer_ended) return;
  if (auto fault = check_trailers(block)) {
    fail(link, "the origin's trailers: " + fault->reason);
    return;
  }
  auto never_indexed = block.never_indexed();
  Fields trailers = block.take_fields();
  link.exchange->response_trailers(trailers);
  answer_ended(link, std::move(trailers), std::move(never_indexed));
}

void Http2Bridge::answer_ended(Link& link, Fields trailers,
                               std::vector<std::string> never_indexed) {
  if (!link.exchange || link.answer_ended) return;
  BodyFilter* filter = link.exchange->response_body();
  if (stalled_.contains(link.front)) {
    link.origin_ended = true;
    link.answer_trailers = std::move(trailers);
    link.answer_never_indexed = std::move(never_indexed);
    return;
  }
  std::string rest = rest_of(filter);
  if (filter != nullptr && !filter->fault().empty()) {
    fail(link, filter->fault());
    return;
  }
  link.down += rest.size();
  front_.push(link.front, std::move(rest), 0);
  front_.finish(link.front, std::move(trailers), std::move(never_indexed));
  link.answer_ended = true;
}

}  // namespace redoubtful::proxy
