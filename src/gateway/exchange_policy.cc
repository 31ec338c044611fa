// SPDX-License-Identifier: GPL-3.0-or-later
// What the plan of an API or operation makes of an exchange: which call it is, whether it may pass, where it goes, what is answered in
// place of the back end.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <utility>
#include <variant>

#include "signet/gateway/gateway.h"
#include "signet/wire/http_path.h"
#include "call_target.h"
#include "canned_response.h"
#include "exchange.h"

namespace signet::gateway {

namespace {

std::uint32_t whole_seconds(Duration wait) {
  return static_cast<std::uint32_t>(std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(wait).count()));
}

}  // namespace

// ---- which call it is
// --------------------------------------------------------------------------------------------------------------------------

Result<void> Exchange::route() {
  route_ = nullptr;  // of an older snapshot, where the call starts again
  plan_ = nullptr;
  destination_ = nullptr;
  operation_ = {};
  const wire::HttpHead& head = request_.head();
  const Result<wire::NormalTarget> target = wire::normalise_target(head.target(), path_);
  if (!target) {
    return std::unexpected(target.error());
  }
  query_ = target->query;
  values_.count = 0;
  route_ = snapshot_->route(head.host(), path_);
  if (route_ == nullptr) {
    return fail(ErrorKind::no_route, Origin::caller, fmt::format("no API takes path {}", path_));
  }
  if (!(session_->over_tls() ? route_->takes_https : route_->takes_http)) {
    return fail(ErrorKind::no_route, Origin::caller,
                fmt::format("API {} takes no calls over {}", route_->api_id, session_->over_tls() ? "TLS" : "plain connections"));
  }
  plan_ = route_->plan;
  if (route_->operations != nullptr) {
    const auto match = route_->operations->find(head.method(), std::string_view(path_).substr(route_->matched_length), values_);
    if (!match) {
      plan_ = nullptr;
      return fail(ErrorKind::no_route, Origin::caller,
                  fmt::format("API {} has no operation for {} {}", route_->api_id, head.method(), path_));
    }
    plan_ = match->plan;
    operation_ = match->operation_id;
  }
  const std::uint64_t body_bytes_max = snapshot_->config().limits.request_body_bytes;
  // Part of the body is there already where the call starts again in a newer snapshot.
  const std::uint64_t body_bytes =
      std::max(request_bytes_, head.framing() == wire::BodyFraming::length ? head.content_length() : std::uint64_t{0});
  if (body_bytes_max != 0 && body_bytes > body_bytes_max) {
    return fail(ErrorKind::body_too_large, Origin::caller, fmt::format("a body of {} bytes, {} are allowed", body_bytes, body_bytes_max));
  }
  return {};
}

/// False if the call was answered here. One that starts again in a newer snapshot is judged by that one's gates, but counted once.
bool Exchange::pass_gates() {
  const bool counted = std::exchange(gates_passed_, true);
  for (const config::Gate& gate : plan_->gates) {
    if (const auto* filter = std::get_if<config::IpFilter>(&gate); filter != nullptr) {
      if (!filter->admits(session_->peer())) {
        answer_error(Error{.kind = ErrorKind::forbidden, .origin = Origin::caller, .detail = "the policy does not let this address in"});
        return false;
      }
    } else if (const auto* limit = std::get_if<config::RateLimit>(&gate); limit != nullptr) {
      const auto now_s = std::chrono::floor<std::chrono::seconds>(gateway_.io_.now().time_since_epoch()).count();
      const auto wait_s =
          counted ? std::nullopt : limit->window->take(limit->calls, limit->renewal_period_s, static_cast<std::uint64_t>(now_s));
      if (wait_s) {
        answer_error(Error{.kind = ErrorKind::rate_limited,
                           .origin = Origin::caller,
                           .retry_after_s = *wait_s,
                           .detail = fmt::format("more than {} calls in {} s", limit->calls, limit->renewal_period_s)});
        return false;
      }
    } else if (const auto* canned = std::get_if<config::CannedResponse>(&gate); canned != nullptr) {
      answer_canned(*canned, nullptr);
      return false;
    }
  }
  return true;
}

// ---- where it goes
// ----------------------------------------------------------------------------------------------------------------------------

/// False if the call was answered here.
bool Exchange::choose_destination() {
  if (plan_->destinations.empty()) {
    answer_error(Error{.kind = ErrorKind::no_backend,
                       .origin = Origin::internal,
                       .detail = fmt::format("API {} names no back end, and its policy neither", route_->api_id)});
    return false;
  }
  const TimePoint now = gateway_.io_.now();
  health_noted_ = false;
  members_excluded_ = 0;
  members_tried_ = 1;
  Duration wait{};
  if (plan_->destinations.size() == 1) {
    destination_ = &plan_->destinations.front();
    breaker_ = gateway_.backend_health_.breaker(upstream());
    wait = breaker_ != nullptr ? breaker_->wait(now) : Duration::zero();
  } else {
    const BackendHealth::Choice choice = gateway_.backend_health_.choose(*plan_, 0, now);
    wait = choice.wait;
    take_member(choice);
  }
  if (destination_ == nullptr || wait > Duration::zero()) {
    const std::uint32_t wait_s = whole_seconds(wait);
    answer_error(Error{.kind = ErrorKind::circuit_open,
                       .origin = Origin::backend,
                       .retry_after_s = wait_s,
                       .detail = fmt::format("{} failed too often; the next call is made in {} s",
                                             destination_ == nullptr ? "every member of the pool" : "the back end", wait_s)});
    return false;
  }
  return true;
}

void Exchange::take_member(const BackendHealth::Choice& choice) {
  if (choice.destination != nullptr) {
    destination_ = choice.destination;
    members_excluded_ |= choice.index < 64 ? std::uint64_t{1} << choice.index : 0;
    breaker_ = gateway_.backend_health_.breaker(upstream());
    health_noted_ = false;
  }
}

/// The call could not be sent to a member of its pool: nothing of it has left us. True if it goes to another one.
bool Exchange::go_to_next_member(const Error& error) {
  const bool elsewhere = error.origin == Origin::backend || error.origin == Origin::identity;
  if (plan_->destinations.size() < 2 || !elsewhere || replayed_ || expectation_failed_ ||
      members_tried_ >= limits::pool_members_tried_max) {
    return false;
  }
  note_failure(error);
  const BackendHealth::Choice choice = gateway_.backend_health_.choose(*plan_, members_excluded_, gateway_.io_.now());
  if (choice.destination == nullptr) {
    return false;
  }
  note_refusal(error);
  ++members_tried_;
  take_member(choice);
  make_target();
  start_timer();
  find_endpoint();
  return true;
}

void Exchange::make_target() {
  target_.clear();
  append_call_target({.route = *route_, .plan = *plan_, .destination = *destination_, .path = path_, .query = query_, .values = values_},
                     target_);
}

std::string_view Exchange::host_for_backend() const {
  if (!destination_->host.empty()) {
    return destination_->host;
  }
  return upstream().host_header == config::HostHeader::backend ? std::string_view(upstream().authority) : request_.head().host();
}

std::string_view Exchange::sent_method() const {
  return plan_->method.empty() ? request_.head().method() : std::string_view(plan_->method);
}

Duration Exchange::response_timeout() const {
  return plan_->response_timeout != Duration::zero() ? plan_->response_timeout : upstream().response_timeout;
}

// ---- how well the back end is
// ------------------------------------------------------------------------------------------------------------------

/// A refusal of our certificate says nothing about the back end, nor does what the caller or we ourselves have done.
void Exchange::note_failure(const Error& error) {
  if (breaker_ != nullptr && error.origin == Origin::backend && error.kind != ErrorKind::circuit_open &&
      !std::exchange(health_noted_, true)) {
    breaker_->failed(gateway_.io_.now());
  }
}

void Exchange::note_answer() {
  if (breaker_ == nullptr || std::exchange(health_noted_, true)) {
    return;
  }
  const wire::HttpHead& head = response_.head();
  std::optional<Duration> retry_after;
  if (breaker_->is_failure(head.status())) {
    if (const wire::HttpField* const field = head.fields().find("Retry-After"); field != nullptr) {
      retry_after = parse_retry_after(field->value, gateway_.io_.wall_now());
    }
  }
  breaker_->answered(head.status(), retry_after, gateway_.io_.now());
}

// ---- what is answered in place of the back end
// -------------------------------------------------------------------------------------------------

/// With the policy's answer, or an error, in place of this one?
bool Exchange::is_answer_replaced() const {
  return plan_->response.has_value() || (plan_->fail_on_error_status && response_.head().status() >= 400);
}

/// The back end's answer is not relayed. What it sends of a body is read to its end if that is near, so that the connection can go on.
bool Exchange::is_body_worth_reading() const {
  const wire::HttpHead& head = response_.head();
  switch (head.framing()) {
    case wire::BodyFraming::none: return head.status() != 101;
    case wire::BodyFraming::length: return head.content_length() <= limits::discarded_body_bytes_max;
    case wire::BodyFraming::chunked: return true;
    case wire::BodyFraming::until_close: return false;
  }
  return false;
}

/// REQUIRES: the connection to the back end has been given back.
void Exchange::answer_instead() {
  if (plan_->fail_on_error_status && response_.head().status() >= 400) {
    answer_error(Error{.kind = ErrorKind::backend_error_status,
                       .origin = Origin::backend,
                       .detail = fmt::format("the back end answered with status {}", response_.head().status())});
  } else {
    answer_canned(*plan_->response, nullptr);
  }
}

void Exchange::answer_canned(const config::CannedResponse& canned, const config::NameEdits* fields) {
  const bool keep = keeps_caller();
  const CannedResponseOptions options{
      .after = keep ? AfterAnswer::keep_alive : AfterAnswer::close,
      .head_only = request_.head().method() == "HEAD",
      .old_caller = request_.head().version_minor() == 0,
      .now = gateway_.io_.wall_now(),
      .fields = fields,
  };
  status_ = canned.status;
  response_bytes_ = write_canned_response(canned, options, session_->transport().output());
  session_->transport().flush();
  finish(keep ? Session::Next::keep_alive : Session::Next::close);
}

/// The policy has no forward-request: what comes after it sees an empty answer.
void Exchange::answer_unforwarded() {
  static const config::CannedResponse empty;
  if (plan_->response) {
    answer_canned(*plan_->response, nullptr);
  } else {
    answer_canned(empty, &plan_->response_fields);
  }
}

}  // namespace signet::gateway
