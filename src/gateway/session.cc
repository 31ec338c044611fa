// SPDX-License-Identifier: GPL-3.0-or-later
#include "session.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "signet/base/log.h"
#include "signet/gateway/gateway.h"
#include "exchange.h"

namespace signet::gateway {

Session::Session(Gateway& gateway, const Endpoint& peer, const Endpoint& local)
    : gateway_(gateway), transport_(gateway.io_, *this), peer_(peer), local_(local) {}

void Session::start(io::Descriptor descriptor, std::shared_ptr<wire::TlsContext> tls) {
  // The first head, and the handshake before it, is due within the head timeout: who connects and says nothing does not hold a place for
  // long.
  deadline_ = gateway_.io_.now() + gateway_.snapshot_->config().timeouts.head;
  start_timer();
  over_tls_ = tls != nullptr;
  handshaking_ = over_tls_;
  if (over_tls_) {
    transport_.start(descriptor, wire::TlsEngine::server(std::move(tls)));
  } else {
    transport_.start(descriptor);
  }
}

void Session::on_transport_open() {
  handshaking_ = false;
  ++(transport_.tls()->resumed() ? gateway_.counters_.handshakes_resumed : gateway_.counters_.handshakes_full);
}

void Session::handshake_failed(std::string_view why) {
  handshaking_ = false;
  ++gateway_.counters_.handshakes_failed;
  log::write(log::Level::debug, fmt::format("TLS handshake of {} at {} failed: {}", peer_.text(), local_.text(), log::printable(why)));
}

void Session::on_transport_data(ByteView& data) {
  while (transport_.open()) {
    if (exchange_ == nullptr) {
      // Empty lines before a request mean nothing (RFC 9112 §2.2).
      while (!data.empty() && (data.front() == std::byte{'\r'} || data.front() == std::byte{'\n'})) {
        data = data.subspan(1);
      }
      // Who pipelines without reading the answers waits until it has.
      if (data.empty() || transport_.congested()) {
        return;
      }
      exchange_ = &gateway_.take_exchange();
      exchange_->start(*this);
      deadline_ = gateway_.io_.now() + gateway_.snapshot_->config().timeouts.head;
      start_timer();
    }
    Exchange* const exchange = exchange_;
    exchange->on_caller_data(data);
    if (exchange_ == exchange || data.empty()) {
      return;  // it wants no more now, or there is no more
    }
  }
  data = {};
}

void Session::keep(net::Connection& connection) {
  if (kept_ != nullptr) {
    std::exchange(kept_, nullptr)->let_go();
  }
  kept_ = &connection;
  connection.keep_for(*this);
}

net::Connection* Session::take_kept(const Endpoint& endpoint, const wire::IdentityKey& identity, net::LeaseUser& user) {
  if (!keeps_connection_to(endpoint)) {
    return nullptr;
  }
  net::Connection* const connection = std::exchange(kept_, nullptr);
  if (connection->identity_key() != identity) {
    connection->let_go();
    return nullptr;
  }
  connection->take(user);
  return connection;
}

void Session::exchange_done(Next next) {
  gateway_.give_back(*std::exchange(exchange_, nullptr));
  if (next == Next::abort) {
    transport_.close(net::Close::abort);
    return;
  }
  if (next == Next::close || caller_ended_ || gateway_.draining_) {
    transport_.close(net::Close::linger);
    return;
  }
  deadline_ = gateway_.io_.now() + gateway_.snapshot_->config().timeouts.idle;
  start_timer();
  transport_.resume();
}

void Session::on_transport_end() {
  caller_ended_ = true;
  if (exchange_ != nullptr) {
    exchange_->on_caller_end();
  } else {
    transport_.close(net::Close::flush);
  }
}

void Session::on_transport_drained() {
  if (exchange_ != nullptr) {
    exchange_->on_caller_drained();
  } else {
    transport_.resume();
  }
}

/// The answer cannot arrive any more: nothing further is fetched for it.
void Session::on_transport_send_failed() {
  if (exchange_ != nullptr) {
    exchange_->on_caller_gone(Error{.detail = "the connection broke while the answer was on its way"});
  } else {
    transport_.close(net::Close::abort);
  }
}

void Session::on_transport_failed(Error error) {
  if (handshaking_) {
    handshake_failed(error.detail);
  } else if (exchange_ != nullptr) {
    exchange_->on_caller_gone(std::move(error));
  }
}

void Session::on_transport_closed() {
  timer_.stop();
  if (kept_ != nullptr) {
    std::exchange(kept_, nullptr)->let_go();
  }
  gateway_.forget(*this);  // destroys this
}

void Session::drain() {
  if (exchange_ != nullptr) {
    exchange_->on_drain();
  } else if (transport_.started()) {
    transport_.close(net::Close::flush);
  }
}

void Session::abort() {
  if (exchange_ != nullptr) {
    exchange_->cancel(Error{.kind = ErrorKind::shutting_down, .origin = Origin::internal, .detail = "stopped before the call was over"});
  }
  if (transport_.started()) {
    transport_.close(net::Close::abort);
  }
}

void Session::start_timer() {
  if (!timer_.active() || deadline_ < timer_due_) {
    timer_due_ = deadline_;
    timer_.start(gateway_.io_.timers(), std::max(deadline_ - gateway_.io_.now(), Duration::zero()));
  }
}

void Session::on_timer() {
  if (deadline_ == TimePoint::max()) {
    return;  // a call is going on; the timer starts again with the next deadline
  }
  if (gateway_.io_.now() < deadline_) {
    start_timer();
    return;
  }
  if (exchange_ != nullptr) {
    exchange_->on_head_timeout();
    return;
  }
  if (handshaking_) {
    handshake_failed("it took too long");
  }
  transport_.close(net::Close::flush);
}

}  // namespace signet::gateway
