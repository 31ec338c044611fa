// SPDX-License-Identifier: GPL-3.0-or-later
#include "exchange.h"

#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "signet/base/check.h"
#include "signet/gateway/error_response.h"
#include "signet/gateway/gateway.h"
#include "signet/wire/tls_engine.h"

namespace signet::gateway {

Exchange::Exchange(Gateway& gateway) : gateway_(gateway) {}

void Exchange::start(Session& session) {
  SIGNET_CHECK(stage_ == Stage::idle);
  session_ = &session;
  snapshot_ = gateway_.snapshot_;
  route_ = nullptr;
  plan_ = nullptr;
  destination_ = nullptr;
  resolution_ = nullptr;
  connection_ = nullptr;
  error_kind_ = {};
  tls_ = {};
  connection_number_ = 0;
  connection_reused_ = false;
  endpoint_ = {};
  error_detail_.clear();
  activity_id_.clear();
  caller_text_.clear();
  started_ = last_progress_ = gateway_.io_.now();
  request_bytes_ = response_bytes_ = 0;
  attempts_ = endpoints_tried_ = 0;
  status_ = 0;
  head_seen_ = caller_keeps_alive_ = request_complete_ = replayed_ = response_begun_ = response_head_sent_ = response_chunked_ = false;
  expectation_ours_ = expectation_failed_ = body_held_ = response_discarded_ = gates_passed_ = health_noted_ = false;
  discarded_bytes_ = 0;
  operation_ = {};
  body_kept_ = true;
  waited_before_ = {};
  stage_ = Stage::head;
  request_.start_request(wire::HttpReader::Limits{.head_bytes_max = snapshot_->config().limits.request_head_bytes});
}

// ---- time
// --------------------------------------------------------------------------------------------------------------------------------------

void Exchange::progress() {
  last_progress_ = gateway_.io_.now();
}

/// The timer is not restarted at every step: when it fires it looks at the last progress.
void Exchange::start_timer() {
  const Duration total = upstream().total_timeout;
  total_deadline_ = total == Duration::zero() ? TimePoint::max() : started_ + total;
  timer_.start(gateway_.io_.timers(),
               std::min({response_timeout(), snapshot_->config().timeouts.body, lease_timeout(), total_deadline_ - started_}));
}

/// A call may wait for a place as long as for a connection, and a little more: an attempt that fails shall be heard first, because it says
/// why.
Duration Exchange::lease_timeout() const {
  return upstream().connect_timeout + std::chrono::seconds(1);
}

/// Whose turn it is, and how long it may take.
Exchange::Wait Exchange::wait() {
  const Duration caller_timeout = snapshot_->config().timeouts.body;
  const bool caller_congested = session_->transport().congested();
  switch (stage_) {
    case Stage::lease:
      return {
          lease_timeout(), {.kind = ErrorKind::overload, .origin = Origin::internal}, "no connection to the back end became free in time"};
    case Stage::relay:
      if (caller_congested) {
        return {caller_timeout, {.kind = ErrorKind::caller_timeout, .origin = Origin::caller}, "the caller does not take the answer"};
      }
      if (!request_complete_ && !body_held_ && !connection_->congested() && !response_head_sent_) {
        return {
            caller_timeout, {.kind = ErrorKind::caller_timeout, .origin = Origin::caller}, "no further byte of the request's body in time"};
      }
      // What was waited before the call was sent again counts until an answer begins, not between its pieces.
      return {std::max<Duration>(response_timeout() - (response_begun_ ? Duration::zero() : waited_before_), std::chrono::milliseconds(1)),
              {.kind = ErrorKind::backend_timeout, .origin = Origin::backend},
              "no further byte from the back end in time"};
    case Stage::tunnel:
      // Silence is no fault in a tunnel; a side that takes nothing is, and while it is waited for, the other side's end is not seen.
      if (caller_congested || connection_->congested()) {
        return {caller_timeout,
                {.kind = ErrorKind::connection_lost, .origin = Origin::internal},
                "one side of the tunnel takes nothing any more"};
      }
      return {};
    case Stage::resolve:  // the resolver has its own limit
    case Stage::idle:
    case Stage::head: return {};
  }
  return {};
}

void Exchange::on_timer() {
  const TimePoint now = gateway_.io_.now();
  const bool in_tunnel = stage_ == Stage::tunnel;
  if (!in_tunnel && now >= total_deadline_) {
    answer_error(
        Error{.kind = ErrorKind::backend_timeout, .origin = Origin::backend, .detail = "the call took longer than its total time"});
    return;
  }
  Wait waiting = wait();
  if (waiting.allowed == Duration::zero() || now < last_progress_ + waiting.allowed) {
    // Not later than the shortest of the waits allows that may begin meanwhile.
    const Duration due = waiting.allowed == Duration::zero() ? Duration::max() : last_progress_ + waiting.allowed - now;
    const Duration next = std::min({due, snapshot_->config().timeouts.body, response_timeout()});
    timer_.start(gateway_.io_.timers(), in_tunnel ? next : std::min(next, total_deadline_ - now));
    return;
  }
  waiting.error.detail = waiting.what;
  if (in_tunnel) {
    note_error(waiting.error);
    finish(Session::Next::abort);
    return;
  }
  caller_keeps_alive_ = caller_keeps_alive_ && waiting.error.origin != Origin::caller;
  answer_error(std::move(waiting.error));
}

void Exchange::on_head_timeout() {
  caller_keeps_alive_ = false;
  answer_error(Error{.kind = ErrorKind::caller_timeout, .origin = Origin::caller, .detail = "the request's head was not complete in time"});
}

void Exchange::on_drain() {
  if (stage_ == Stage::head) {
    caller_keeps_alive_ = false;
    answer_error(
        Error{.kind = ErrorKind::shutting_down, .origin = Origin::internal, .detail = "stopped before the request's head was complete"});
  }
}

// ---- the end
// -----------------------------------------------------------------------------------------------------------------------------------

void Exchange::note_error(const Error& error) {
  ++gateway_.counters_.calls_failed;
  error_kind_ = to_string(error.kind);
  error_detail_ = error.detail;
  note_failure(error);
  note_refusal(error);
}

void Exchange::note_refusal(const Error& error) {
  if (error.refusal && destination_ != nullptr) {
    const config::Upstream& upstream = this->upstream();
    gateway_.refusals_.add(Refusal{.time = gateway_.io_.wall_now(),
                                   .api = route_->api_id,
                                   .backend = upstream.id,
                                   .certificate_id = upstream.certificate_id,
                                   .endpoint = endpoint_,
                                   .activity_id = activity_id(),
                                   .refusal = error.refusal});
  }
}

/// After an answer that is written now. A caller that is still sending a body has to be cut off: its rest cannot be told from the next
/// request.
bool Exchange::keeps_caller() const {
  return caller_keeps_alive_ && request_complete_ && !gateway_.draining_;
}

void Exchange::answer_error(Error error) {
  note_error(error);
  if (response_head_sent_) {
    // The caller must see that the answer is cut short: no last chunk, no regular end.
    finish(Session::Next::abort);
    return;
  }
  const bool keep = keeps_caller();
  const ErrorResponseOptions options{
      .backend_tls_status = static_cast<std::uint16_t>(snapshot_->config().backend_tls_status),
      .after = keep ? AfterAnswer::keep_alive : AfterAnswer::close,
      .head_only = head_seen_ && request_.head().method() == "HEAD",
      .now = gateway_.io_.wall_now(),
      .activity_id = activity_id(),
      .old_caller = head_seen_ && request_.head().version_minor() == 0,
      .fields = plan_ != nullptr ? edits_or_null(plan_->error_fields) : nullptr,
      .policy_response = plan_ != nullptr && plan_->error_response ? &*plan_->error_response : nullptr,
  };
  status_ = error_status(error, options);
  write_error_response(error, options, session_->transport().output());
  session_->transport().flush();
  finish(keep ? Session::Next::keep_alive : Session::Next::close);
}

void Exchange::on_caller_gone(Error error) {
  error.kind = ErrorKind::caller_gone;
  error.origin = Origin::caller;
  note_error(error);
  finish(Session::Next::abort);
}

void Exchange::cancel(Error error) {
  note_error(error);
  finish(Session::Next::abort);
}

/// For the log, before the connection goes.
void Exchange::note_connection() {
  connection_number_ = connection_->number();
  connection_reused_ = connection_->reused();
  if (const wire::TlsEngine* tls = connection_->tls(); tls != nullptr) {
    const bool newer = tls->version() == wire::TlsVersion::tls13;
    tls_ = tls->resumed() ? (newer ? "TLSv1.3 resumed" : "TLSv1.2 resumed") : (newer ? "TLSv1.3 full" : "TLSv1.2 full");
  }
}

void Exchange::let_go_of_backend(net::Reuse reuse) {
  if (connection_ != nullptr) {
    note_connection();
    std::exchange(connection_, nullptr)->release(reuse);
  }
}

void Exchange::finish(Session::Next next) {
  timer_.stop();
  continue_timer_.stop();
  discard_timer_.stop();
  if (stage_ == Stage::resolve) {
    gateway_.resolver_.cancel(*this);
  }
  gateway_.pool_.cancel(*this);
  let_go_of_backend(stage_ == Stage::tunnel ? net::Reuse::no_flush_first : net::Reuse::no);
  log_call();
  stage_ = Stage::idle;
  drop_replay();
  breaker_ = nullptr;
  snapshot_ = nullptr;
  resolution_ = nullptr;
  std::exchange(session_, nullptr)->exchange_done(next);
}

const std::string& Exchange::activity_id() {
  if (activity_id_.empty()) {
    gateway_.append_activity_id(activity_id_);
  }
  return activity_id_;
}

void Exchange::log_call() {
  if (!gateway_.access_log_.enabled() || (!head_seen_ && error_kind_.empty())) {
    return;
  }
  const config::Upstream* const upstream = destination_ != nullptr ? destination_->upstream : nullptr;
  AccessRecord record{
      .time = gateway_.io_.wall_now(),
      .caller = session_->peer(),
      .status = status_,
      .request_bytes = request_bytes_,
      .response_bytes = response_bytes_,
      .duration = gateway_.io_.now() - started_,
      .tls = tls_,
      .attempts = attempts_,
      .connection = connection_number_,
      .reused = connection_reused_,
      .error = error_kind_,
      .detail = error_detail_,
      .activity_id = activity_id(),
  };
  if (head_seen_) {
    record.method = request_.head().method();
    record.target = request_.head().target();
  }
  if (route_ != nullptr) {
    record.api = route_->api_id;
    record.operation = operation_;
  }
  if (plan_ != nullptr) {
    record.backend = plan_->pool_id;
  }
  if (upstream != nullptr) {
    record.backend = upstream->id;
    record.certificate = upstream->certificate_id;
    record.endpoint = endpoint_;
  }
  gateway_.write_log(record);
}

}  // namespace signet::gateway
