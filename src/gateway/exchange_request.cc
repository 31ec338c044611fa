// SPDX-License-Identifier: GPL-3.0-or-later
// The request side of an exchange: from the caller's bytes to the back end's connection.
#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "signet/config/internal_address.h"
#include "signet/gateway/gateway.h"
#include "signet/wire/http_writer.h"
#include "exchange.h"
#include "forwarding.h"
#include "retry.h"

namespace signet::gateway {

void Exchange::on_caller_data(ByteView& data) {
  reading_caller_ = true;
  read_caller(data);
  reading_caller_ = false;
  flush_to_backend();
}

void Exchange::read_caller(ByteView& data) {
  progress();
  if (stage_ == Stage::tunnel) {
    relay_to_backend(data);
    return;
  }
  // What needs no further byte is read even if the back end is congested: the end of the message may be due.
  while (takes_caller_data(!data.empty())) {
    const wire::HttpReader::Step step = request_.read(data);
    data = data.subspan(step.consumed);
    switch (step.event) {
      case wire::HttpReader::Event::need_more: return;
      case wire::HttpReader::Event::head_complete: on_request_head(); break;
      case wire::HttpReader::Event::body:
        if (!on_request_body(step.body)) {
          return;
        }
        break;
      case wire::HttpReader::Event::message_complete: on_request_complete(); return;
      case wire::HttpReader::Event::failed:
        caller_keeps_alive_ = false;
        answer_error(request_.error());
        return;
    }
  }
}

bool Exchange::takes_caller_data(bool input_left) {
  switch (stage_) {
    case Stage::head: return true;
    case Stage::relay: return !request_complete_ && !body_held_ && !(input_left && connection_->congested());
    case Stage::tunnel: return !(input_left && connection_->congested());
    case Stage::idle:
    case Stage::resolve:
    case Stage::lease: return false;
  }
  return false;
}

void Exchange::relay_to_backend(ByteView& data) {
  if (takes_caller_data(true)) {
    request_bytes_ += data.size();
    session_->transport().hand_over(data, connection_->output());
    data = {};
  }
}

void Exchange::flush_to_backend() {
  if (connection_ != nullptr) {
    connection_->flush();
  }
}

// ---- head
// --------------------------------------------------------------------------------------------------------------------------------------

void Exchange::on_request_head() {
  head_seen_ = true;
  session_->head_complete();
  const wire::HttpHead& head = request_.head();
  caller_keeps_alive_ = head.keep_alive();
  ++gateway_.counters_.calls;
  if (head.framing() == wire::BodyFraming::none) {
    // The reader reports the end of such a message without looking at further bytes.
    const wire::HttpReader::Step step = request_.read({});
    request_complete_ = step.event == wire::HttpReader::Event::message_complete;
  }
  find_back_end();
}

void Exchange::find_back_end() {
  if (Result<void> routed = route(); !routed) {
    answer_error(std::move(routed.error()));
    return;
  }
  if (!plan_->gates.empty() && !pass_gates()) {
    return;
  }
  if (!plan_->forwards) {
    answer_unforwarded();
    return;
  }
  if (!choose_destination()) {
    return;
  }
  make_target();
  Endpoint::TextBuffer caller;
  caller_text_ = session_->peer().address_text(caller);
  start_timer();
  find_endpoint();
}

/// The identity that the call was to use went out of use before the call was given a connection: nothing of it was sent, or it may be sent
/// again. It starts again with what is in force now.
void Exchange::restart(Error retired) {
  if (snapshot_ == gateway_.snapshot_) {
    answer_error(std::move(retired));  // cannot be: the pool keeps what this snapshot names
    return;
  }
  snapshot_ = gateway_.snapshot_;
  find_back_end();
}

// ---- connection
// --------------------------------------------------------------------------------------------------------------------------------

void Exchange::find_endpoint() {
  const config::Upstream& upstream = this->upstream();
  endpoints_tried_ = 0;
  if (upstream.address) {
    endpoint_ = *upstream.address;
    resolution_ = nullptr;
    lease();
    return;
  }
  if (gateway_.options_.resolver == nullptr) {
    answer_error(
        Error{.kind = ErrorKind::dns_failure, .origin = Origin::internal, .detail = fmt::format("no resolver for {}", upstream.host)});
    return;
  }
  stage_ = Stage::resolve;
  resolution_ = gateway_.resolver_.find(upstream.host, upstream.port, *this);
  if (resolution_ != nullptr) {
    choose_endpoint();
    lease();
  }
}

void Exchange::on_resolved(const std::shared_ptr<const net::Resolution>& resolution) {
  resolution_ = resolution;
  choose_endpoint();
  lease();
}

void Exchange::on_resolve_failed(Error error) {
  if (!go_to_next_member(error)) {
    answer_error(std::move(error));
  }
}

/// The connection that belongs to this caller before any other, a warm one before a cold one; else each call starts with the next address
/// in turn.
void Exchange::choose_endpoint() {
  const std::vector<Endpoint>& endpoints = resolution_->endpoints;
  endpoint_index_ = 0;
  if (endpoints.size() == 1) {
    endpoint_ = endpoints.front();
    return;
  }
  const config::Upstream& upstream = this->upstream();
  const wire::IdentityKey key = upstream.identity_key();
  endpoint_index_ = static_cast<std::uint32_t>(gateway_.counters_.calls % endpoints.size());
  const auto own = std::ranges::find_if(endpoints, [this](const Endpoint& endpoint) { return session_->keeps_connection_to(endpoint); });
  if (own != endpoints.end()) {
    endpoint_index_ = static_cast<std::uint32_t>(own - endpoints.begin());
  } else if (!gateway_.pool_.has_idle(endpoints[endpoint_index_], key)) {
    for (std::uint32_t i = 0; i < endpoints.size(); ++i) {
      if (gateway_.pool_.has_idle(endpoints[i], key)) {
        endpoint_index_ = i;
        break;
      }
    }
  }
  endpoint_ = endpoints[endpoint_index_];
}

/// Nothing if the endpoint may be called. Looked at here, where names have become addresses: whoever may write back ends over REST also
/// chooses names, and may choose them in a zone of his own. Without REST the configuration file alone counts, and that is the operator's.
std::optional<Error> Exchange::forbidden_endpoint() const {
  const config::Config& config = snapshot_->config();
  if (!config.admin && config.state_directory.value.empty()) {
    return std::nullopt;
  }
  const std::string_view fault = config::internal_address_fault(endpoint_, config.allow_internal_backends, gateway_.options_.own_addresses);
  if (fault.empty()) {
    return std::nullopt;
  }
  return Error{.kind = ErrorKind::config,
               .origin = Origin::internal,
               .detail = fmt::format("{} has the address {}, {}: not called, because allowInternalBackends does not cover it",
                                     upstream().host, endpoint_.address_text(), fault)};
}

void Exchange::lease() {
  const config::Upstream& upstream = this->upstream();
  stage_ = Stage::lease;
  progress();
  if (std::optional<Error> forbidden = forbidden_endpoint()) {
    lease_failed(std::move(*forbidden));
    return;
  }
  ++attempts_;
  const net::PoolLimits limits{.connections_max = upstream.connections_max,
                               .waiting_max = limits::pool_waiting_max,
                               .idle_max = upstream.idle_connections_max,
                               .idle_timeout = upstream.idle_timeout,
                               .connect_timeout = upstream.connect_timeout};
  if (const auto& counters = gateway_.backend_counters_.of(upstream); counters_ != counters) {
    counters_ = counters;
  }
  Result<net::Connection*> leased = session_->take_kept(endpoint_, upstream.identity_key(), *this);
  if (*leased == nullptr) {
    leased = gateway_.pool_.lease(endpoint_, upstream.identity, limits, *this, replayed_ ? net::Lease::fresh : net::Lease::any);
  }
  if (!leased) {
    lease_failed(leased.error());
    return;
  }
  if (*leased != nullptr) {
    connection_ = *leased;
    send_request_head();
    if (!reading_caller_) {
      connection_->flush();
      session_->transport().resume();
    }
  }
}

void Exchange::on_lease_ready(net::Connection& connection) {
  connection_ = &connection;
  send_request_head();
  connection_->flush();
  session_->transport().resume();
}

void Exchange::on_lease_failed(Error error) {
  lease_failed(std::move(error));
}

/// Nothing of the call was sent: another address may be tried, then another back end.
void Exchange::lease_failed(Error error) {
  if (error.kind == ErrorKind::identity_retired) {
    restart(std::move(error));
    return;
  }
  ++endpoints_tried_;
  const bool elsewhere = error.origin == Origin::backend || error.kind == ErrorKind::identity_suspended || error.kind == ErrorKind::config;
  if (resolution_ != nullptr && elsewhere && endpoints_tried_ < resolution_->endpoints.size()) {
    endpoint_index_ = static_cast<std::uint32_t>((endpoint_index_ + 1) % resolution_->endpoints.size());
    endpoint_ = resolution_->endpoints[endpoint_index_];
    lease();
    return;
  }
  if (!go_to_next_member(error)) {
    answer_error(std::move(error));
  }
}

/// A back end that asks late for our certificate (Apache per directory, IIS) has to keep, until it has seen it, what came of the body; long
/// bodies would be too much for it.
bool Exchange::asks_before_body() const {
  const wire::Identity* const identity = upstream().identity.get();
  const wire::HttpHead& head = request_.head();
  return !request_complete_ && request_bytes_ == 0 && !expectation_failed_ && identity != nullptr &&
         identity->settings().late_authentication == wire::LateAuthentication::allow &&
         (head.framing() == wire::BodyFraming::chunked || head.content_length() > limits::late_authentication_body_bytes_max);
}

/// The back end has answered, or is not going to (RFC 9110 §10.1.1).
void Exchange::release_body() {
  continue_timer_.stop();
  if (std::exchange(body_held_, false)) {
    progress();
    session_->transport().resume();
  }
}

void Exchange::send_request_head() {
  stage_ = Stage::relay;
  progress();
  body_held_ = asks_before_body();
  expectation_ours_ = body_held_ && !expects_continue(request_.head());
  if (body_held_) {
    continue_timer_.start(gateway_.io_.timers(), limits::continue_wait_max);
  }
  const wire::HttpHead& head = request_.head();
  const ForwardRequestOptions options{
      .method = plan_->method,
      .target = target_,
      .host = host_for_backend(),
      .caller_text = caller_text_,
      .caller_family = session_->peer().family,
      .caller_scheme = session_->over_tls() ? config::Scheme::https : config::Scheme::http,
      .peer_trust = snapshot_->is_trusted_proxy(session_->peer()) ? PeerTrust::trusted : PeerTrust::untrusted,
      .forwarded = snapshot_->config().forwarded_headers,
      .expect = body_held_ ? Expect::always : Expect::as_caller,
      .fields = edits_or_null(destination_->fields),
  };
  if (connection_->reused() && !is_idempotent(sent_method())) {
    connection_->watch_delivery();
  }
  write_forwarded_request(head, options, connection_->output());
  replay_body();
  response_.start_response(wire::HttpReader::Limits{.head_bytes_max = snapshot_->config().limits.response_head_bytes}, sent_method(),
                           upgrades(head, plan_->method));
  response_begun_ = false;
}

// ---- body
// --------------------------------------------------------------------------------------------------------------------------------------

/// False when the exchange has ended.
bool Exchange::on_request_body(ByteView body) {
  request_bytes_ += body.size();
  const std::uint64_t body_bytes_max = snapshot_->config().limits.request_body_bytes;
  if (body_bytes_max != 0 && request_bytes_ > body_bytes_max) {
    caller_keeps_alive_ = false;
    answer_error(Error{
        .kind = ErrorKind::body_too_large, .origin = Origin::caller, .detail = fmt::format("more than {} bytes of body", body_bytes_max)});
    return false;
  }
  keep_for_replay(body);
  write_body(body);
  return true;
}

void Exchange::write_body(ByteView body) {
  if (request_.head().framing() == wire::BodyFraming::chunked) {
    wire::write_chunk(body, connection_->output());
  } else {
    session_->transport().hand_over(body, connection_->output());
  }
}

/// A fresh connection that fails has not been closed for idleness: what it gets is sent once. Nor is anything sent again after an answer.
void Exchange::keep_for_replay(ByteView body) {
  if (!body_kept_ || !connection_->reused() || response_begun_) {
    return;
  }
  if (replay_.size() + body.size() > upstream().replay_buffer_bytes) {
    body_kept_ = false;
    drop_replay();
    return;
  }
  replay_.append(body);
}

/// What the first connection was given of the body; the rest follows as it comes.
void Exchange::replay_body() {
  if (!replayed_) {
    return;
  }
  write_body(replay_.view());
  drop_replay();
  if (request_complete_ && request_.head().framing() == wire::BodyFraming::chunked) {
    write_forwarded_trailers(request_.trailers(), edits_or_null(destination_->fields), connection_->output());
  }
}

void Exchange::on_request_complete() {
  request_complete_ = true;
  if (request_.head().framing() == wire::BodyFraming::chunked) {
    write_forwarded_trailers(request_.trailers(), edits_or_null(destination_->fields), connection_->output());
  }
}

void Exchange::on_backend_drained() {
  progress();
  session_->transport().resume();
}

void Exchange::on_caller_end() {
  if (stage_ == Stage::tunnel) {
    finish(Session::Next::close);
  } else if (!request_complete_) {
    on_caller_gone(Error{.kind = ErrorKind::caller_gone, .origin = Origin::caller, .detail = "end of stream inside the request"});
  }
  // Else the caller has only closed its sending side: it waits for the answer.
}

}  // namespace signet::gateway
