// SPDX-License-Identifier: GPL-3.0-or-later
// The response side of an exchange: from the back end's bytes to the caller's connection.
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "signet/gateway/gateway.h"
#include "signet/wire/http_cycle.h"
#include "signet/wire/http_writer.h"
#include "exchange.h"
#include "forwarding.h"
#include "retry.h"

namespace signet::gateway {

namespace {

/// NTLM and Negotiate authenticate a connection, not a call (RFC 4559 §6): another caller on it would be taken for this one.
bool names_connection_scheme(const wire::HttpHead& head, std::string_view field_name) {
  const auto is_scheme = [](std::string_view value, std::string_view scheme) {
    return wire::equals_ignoring_case(value.substr(0, scheme.size()), scheme) &&
           (value.size() == scheme.size() || value[scheme.size()] == ' ');
  };
  return std::ranges::any_of(head.fields().all(), [&](const wire::HttpField& field) {
    return wire::equals_ignoring_case(field.name, field_name) && (is_scheme(field.value, "NTLM") || is_scheme(field.value, "Negotiate"));
  });
}

bool authenticates_connection(const wire::HttpHead& request, const wire::HttpHead& response) {
  return names_connection_scheme(request, "Authorization") ||
         (response.status() == 401 && names_connection_scheme(response, "WWW-Authenticate"));
}

}  // namespace

void Exchange::on_backend_data(ByteView& data) {
  progress();
  net::Transport& caller = session_->transport();
  if (stage_ == Stage::tunnel) {
    relay_to_caller(data);
    return;
  }
  if (!std::exchange(response_begun_, true)) {
    drop_replay();
  }
  while (data.empty() || !caller.congested()) {
    const wire::HttpReader::Step step = response_.read(data);
    data = data.subspan(step.consumed);
    switch (step.event) {
      case wire::HttpReader::Event::need_more: caller.flush(); return;
      case wire::HttpReader::Event::head_complete:
        if (body_held_ && is_about_our_expectation() && response_.head().status() == 417) {
          data = {};
          send_without_expectation();
          return;
        }
        if (on_response_head()) {
          data = {};
          return;
        }
        break;
      case wire::HttpReader::Event::body:
        if (on_response_body(step.body)) {
          data = {};
          return;
        }
        break;
      case wire::HttpReader::Event::message_complete:
        if (on_response_complete(data)) {
          return;
        }
        break;
      case wire::HttpReader::Event::failed: connection_failed(response_.error()); return;
    }
  }
  caller.flush();
}

void Exchange::relay_to_caller(ByteView& data) {
  net::Transport& caller = session_->transport();
  if (!caller.congested()) {
    response_bytes_ += data.size();
    connection_->hand_over(data, caller.output());
    data = {};
    caller.flush();
  }
}

/// 100 and 417 answer the Expect field, and the caller has sent none.
bool Exchange::is_about_our_expectation() const {
  const std::uint16_t status = response_.head().status();
  return expectation_ours_ && (status == 100 || status == 417);
}

/// A 417 says that the call was not looked at. Its body is announced on that connection and must not follow.
void Exchange::send_without_expectation() {
  expectation_failed_ = true;
  continue_timer_.stop();
  let_go_of_backend(net::Reuse::no);
  lease();
}

/// True when the exchange has ended.
bool Exchange::on_response_head() {
  const wire::HttpHead& head = response_.head();
  const bool interim = head.status() < 200 && head.status() != 101;
  if (head.status() == 100 || (head.status() >= 200 && head.status() < 300)) {
    release_body();
  } else if (!interim) {
    continue_timer_.stop();  // a body that is still held is not wanted
  }
  if (interim && (request_.head().version_minor() == 0 || is_about_our_expectation())) {
    return false;  // RFC 9110 §15.2: never to an HTTP/1.0 caller
  }
  AnswerBody body = AnswerBody::same;
  if (!interim) {
    note_answer();
    // A caller that is still sending a body has to be cut off after the answer: its rest cannot be told from the next request.
    caller_keeps_alive_ = caller_keeps_alive_ && request_complete_ && !gateway_.draining_ && !session_->caller_ended();
    if (is_answer_replaced()) {
      return discard_body();
    }
    status_ = head.status();
    response_head_sent_ = true;
    body = plan_->method.empty() ? AnswerBody::same : answer_body(request_.head().method(), plan_->method);
  }
  const ForwardResponseOptions options{
      .caller_version_minor = request_.head().version_minor(),
      .keep_alive = caller_keeps_alive_ ? KeepAlive::yes : KeepAlive::no,
      .body = body,
      .fields = edits_or_null(plan_->response_fields),
  };
  const ForwardedFraming framing = write_forwarded_response(head, options, session_->transport().output());
  if (!interim) {
    response_chunked_ = framing == ForwardedFraming::chunked;
    if (framing == ForwardedFraming::until_close) {
      caller_keeps_alive_ = false;
    }
  }
  return body == AnswerBody::caller_wants_none && discard_body();
}

/// The caller gets nothing of the body: it is read to its end for the sake of the connection if that end is near, in bytes and in time.
/// True when the exchange has ended.
bool Exchange::discard_body() {
  constexpr Duration wait_max = std::chrono::milliseconds(250);
  response_discarded_ = true;
  if (!is_body_worth_reading()) {
    return end_discarded();
  }
  discard_timer_.start(gateway_.io_.timers(), wait_max);
  return false;
}

/// The rest of the back end's answer is not waited for.
bool Exchange::end_discarded() {
  let_go_of_backend(net::Reuse::no);
  if (response_head_sent_) {
    session_->transport().flush();
    finish(caller_keeps_alive_ ? Session::Next::keep_alive : Session::Next::close);
  } else {
    answer_instead();
  }
  return true;
}

/// True when the exchange has ended.
bool Exchange::on_response_body(ByteView body) {
  if (response_discarded_) {
    discarded_bytes_ += body.size();
    return discarded_bytes_ > limits::discarded_body_bytes_max && end_discarded();
  }
  response_bytes_ += body.size();
  ByteBuffer& out = session_->transport().output();
  if (response_chunked_) {
    wire::write_chunk(body, out);
  } else {
    connection_->hand_over(body, out);
  }
  return false;
}

/// True when this was the final answer, or the connection has become a tunnel.
bool Exchange::on_response_complete(ByteView& data) {
  const wire::HttpHead& head = response_.head();
  if (head.status() == 101) {
    stage_ = Stage::tunnel;
    session_->transport().flush();
    relay_to_caller(data);
    session_->transport().resume();
    return true;
  }
  if (head.status() < 200) {
    response_.start_response(wire::HttpReader::Limits{.head_bytes_max = snapshot_->config().limits.response_head_bytes}, sent_method(),
                             upgrades(request_.head(), plan_->method));
    return false;
  }
  if (response_chunked_) {
    write_forwarded_trailers(response_.trailers(), edits_or_null(plan_->response_fields), session_->transport().output());
  }
  session_->transport().flush();
  // Bytes behind the answer belong to no call of ours.
  wire::HttpCycle cycle{.request = request_complete_ ? wire::HttpCycle::Half::complete : wire::HttpCycle::Half::head_done,
                        .response = wire::HttpCycle::Half::complete,
                        .request_keeps_alive = true,
                        .response_keeps_alive = head.keep_alive(),
                        .surplus = !data.empty()};
  data = {};
  if (const std::optional<std::chrono::seconds> timeout = head.keep_alive_timeout()) {
    cycle.response_keeps_alive = cycle.response_keeps_alive && *timeout != std::chrono::seconds(0);
    connection_->announce_idle_timeout(*timeout);
  }
  const bool backend_goes_on = wire::afterwards(cycle) == wire::Afterwards::reuse;
  cycle.request_keeps_alive = cycle.response_keeps_alive = caller_keeps_alive_;
  cycle.surplus = false;
  const bool caller_goes_on = wire::afterwards(cycle) == wire::Afterwards::reuse;
  if (!backend_goes_on) {
    let_go_of_backend(net::Reuse::no);
  } else if (!connection_->was_kept() && !authenticates_connection(request_.head(), head)) {
    let_go_of_backend(net::Reuse::yes);
  } else if (caller_goes_on) {
    note_connection();
    session_->keep(*std::exchange(connection_, nullptr));
  } else {
    let_go_of_backend(net::Reuse::no_flush_first);
  }
  if (!response_head_sent_) {
    answer_instead();
    return true;
  }
  finish(caller_goes_on ? Session::Next::keep_alive : Session::Next::close);
  return true;
}

void Exchange::on_caller_drained() {
  progress();
  if (connection_ != nullptr) {
    connection_->resume();
  }
}

void Exchange::on_backend_end() {
  if (stage_ == Stage::tunnel) {
    finish(Session::Next::close);
    return;
  }
  const wire::HttpReader::Step step = response_.finish();
  if (step.event == wire::HttpReader::Event::message_complete) {
    ByteView nothing;
    on_response_complete(nothing);
    return;
  }
  if (!response_begun_) {
    connection_failed(Error{.kind = ErrorKind::connection_lost,
                            .origin = Origin::backend,
                            .detail = "the back end closed the connection instead of answering"});
  } else {
    connection_failed(Error{
        .kind = ErrorKind::connection_lost, .origin = Origin::backend, .detail = "the back end closed the connection inside its answer"});
  }
}

void Exchange::on_backend_failed(Error error) {
  const RetrySituation situation = retry_situation();
  note_connection();
  connection_ = nullptr;  // gone: not to be released
  if (stage_ == Stage::tunnel) {
    note_error(error);
    finish(Session::Next::abort);
    return;
  }
  fail_or_retry(std::move(error), situation);
}

void Exchange::connection_failed(Error error) {
  const RetrySituation situation = retry_situation();
  let_go_of_backend(net::Reuse::no);
  fail_or_retry(std::move(error), situation);
}

/// While the connection is there.
RetrySituation Exchange::retry_situation() const {
  return {
      .method = sent_method(),
      .connection_reused = connection_->reused(),
      .replayed = replayed_,
      .response_begun = response_begun_,
      .body_kept = body_kept_,
      .peer_ended = connection_->peer_ended(),
      .nothing_taken = connection_->nothing_taken(),
  };
}

void Exchange::fail_or_retry(Error error, const RetrySituation& situation) {
  if (!may_retry(error, situation)) {
    answer_error(std::move(error));
    return;
  }
  ++gateway_.counters_.retries;
  replayed_ = true;
  const TimePoint now = gateway_.io_.now();
  waited_before_ = now - last_progress_;  // the time for an answer is one, however often we ask
  timer_.start(gateway_.io_.timers(), std::min(lease_timeout(), total_deadline_ - now));
  lease();
}

}  // namespace signet::gateway
