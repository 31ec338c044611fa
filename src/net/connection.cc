// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/net/connection.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "signet/base/check.h"
#include "signet/base/identity_refusal.h"
#include "signet/net/session_depot.h"
#include "signet/wire/tls_context.h"
#include "signet/wire/tls_engine.h"
#include "bucket.h"

namespace signet::net {

Connection::Connection(Bucket& bucket, std::uint64_t number)
    : bucket_(bucket), counters_(bucket.waiting_counters()), transport_(bucket.io(), *this), number_(number) {
  bucket.note_user(counters_.get());
}

Connection::~Connection() = default;

const Endpoint& Connection::endpoint() const {
  return bucket_.key().endpoint;
}

const wire::IdentityKey& Connection::identity_key() const {
  return bucket_.key().identity;
}

// ---- opening
// -----------------------------------------------------------------------------------------------------------------------------------

void Connection::connect() {
  stage_ = Stage::connecting;
  if (!timeout_.active()) {
    timeout_.start(bucket_.io().timers(), bucket_.limits().connect_timeout);
  }
  bucket_.io().connect(connect_, bucket_.key().endpoint);
}

void Connection::on_connected(io::Completion& completion) {
  if (completion.result >= 0) {
    connected(completion.result);
    return;
  }
  timeout_.stop();
  const int code = -completion.result;
  const ErrorKind kind = timed_out_             ? ErrorKind::connect_timeout
                         : code == ECONNREFUSED ? ErrorKind::connect_refused
                         : code == ETIMEDOUT    ? ErrorKind::connect_timeout
                                                : ErrorKind::connect_failed;
  stage_ = Stage::closing;  // the call that is told may drain the pool
  count(&ConnectionCounters::failed);
  Bucket& bucket = bucket_;
  bucket.attempt_ended(
      Error{.kind = kind,
            .origin = Origin::backend,
            .retry = Retry::yes,
            .detail = fmt::format("connect to {}: {}", endpoint().text(), timed_out_ ? "no answer in time" : std::strerror(code))});
  bucket.forget(*this);  // destroys this
}

void Connection::connected(io::Descriptor descriptor) {
  if (timed_out_) {
    attempt_failed(Error{.kind = ErrorKind::connect_timeout,
                         .origin = Origin::backend,
                         .detail = fmt::format("connect to {}: no answer in time", endpoint().text())});
    stage_ = Stage::closing;
    transport_.start(descriptor);
    transport_.close(Close::abort);
    return;
  }
  if (bucket_.identity() == nullptr) {
    transport_.start(descriptor);
    usable();
    return;
  }
  stage_ = Stage::handshake;
  Result<wire::TlsEngine> engine = make_engine();
  if (!engine) {
    attempt_failed(std::move(engine.error()));
    transport_.start(descriptor);
    transport_.close(Close::abort);
    return;
  }
  transport_.start(descriptor, std::move(*engine));
}

Result<wire::TlsEngine> Connection::make_engine() {
  const Result<std::shared_ptr<wire::TlsContext>> context = bucket_.context();
  if (!context) {
    return std::unexpected(context.error());
  }
  std::optional<wire::TlsSession> session;
  if (!sessions_refused_) {
    session = take_session();
  }
  session_offered_ = session.has_value();
  return wire::TlsEngine::client(*context, std::move(session));
}

void Connection::on_transport_open() {
  const bool resumed = transport_.tls()->resumed();
  count(resumed ? &ConnectionCounters::handshakes_resumed : &ConnectionCounters::handshakes_full);
  if (session_offered_ && !resumed) {
    forget_sessions();  // a back end that does not know this one (it was restarted) hardly knows older ones
  }
  keep_sessions();
  usable();
}

void Connection::usable() {
  count(&ConnectionCounters::opened);
  bucket_.attempt_succeeded();
  if (bucket_.retired() || (!bucket_.is_waited_for() && !bucket_.keeps_idle())) {
    close(Close::flush);
    return;
  }
  stage_ = Stage::idle;
  timeout_.start(bucket_.io().timers(), bucket_.limits().idle_timeout);
  fresh_ = true;
  bucket_.put_idle(*this);
  bucket_.serve();  // at once: whatever the back end sends next, be it the end, is for a call to hear
  fresh_ = false;
}

/// Nobody waits for this attempt any more.
void Connection::abandon() {
  if (stage_ == Stage::connecting || stage_ == Stage::handshake) {
    on_timeout();
  } else if (std::exchange(attempt_again_, false)) {
    attempt_failed(Error{.kind = ErrorKind::connect_failed, .origin = Origin::internal, .detail = "nobody waits for the connection"});
  }
}

/// Waits no longer for what is queued.
void Connection::abort() {
  if (stage_ == Stage::closing && transport_.started()) {
    transport_.close(Close::abort);
  }
}

/// Tells the call that waits. The connection itself ends on its own.
void Connection::attempt_failed(Error error) {
  count(&ConnectionCounters::failed);
  if (stage_ == Stage::handshake) {
    count(&ConnectionCounters::handshakes_failed);
  }
  count_failure(error);
  stage_ = Stage::closing;
  timeout_.stop();
  bucket_.attempt_ended(std::move(error));
}

void Connection::on_timeout() {
  switch (stage_) {
    case Stage::connecting:
      timed_out_ = true;
      bucket_.io().cancel(connect_);
      break;
    case Stage::handshake:
      attempt_failed(Error{.kind = ErrorKind::connect_timeout,
                           .origin = Origin::backend,
                           .detail = fmt::format("TLS handshake with {}: not finished in time", endpoint().text())});
      transport_.close(Close::abort);
      break;
    case Stage::idle:
    case Stage::kept: end_rest(Close::flush); break;
    case Stage::leased:
    case Stage::returned:
    case Stage::closing: break;
  }
}

// ---- serving
// -----------------------------------------------------------------------------------------------------------------------------------

void Connection::lend(LeaseUser& user) {
  SIGNET_CHECK(stage_ == Stage::idle || stage_ == Stage::kept);
  timeout_.stop();
  stage_ = Stage::leased;
  user_ = &user;
  if (counters_ != user.counters_) {
    counters_ = user.counters_;
    bucket_.note_user(counters_.get());
  }
  if (++leases_ > 1) {
    count(&ConnectionCounters::reused);
  }
}

bool Connection::may_serve(const ConnectionCounters* counters) const {
  return counters_.get() == counters || bucket_.has_user(counters);
}

void Connection::release(Reuse reuse) {
  SIGNET_CHECK(stage_ == Stage::leased);
  user_ = nullptr;
  if (reuse != Reuse::yes) {
    keep_sessions();
    close(reuse == Reuse::no ? Close::abort : Close::flush);
    return;
  }
  stage_ = Stage::returned;
  if (!delivering_) {
    settle(false);
  }
}

void Connection::keep_for(Keeper& keeper) {
  was_kept_ = true;
  keeper_ = &keeper;
  release(Reuse::yes);
}

void Connection::take(LeaseUser& user) {
  SIGNET_CHECK(stage_ == Stage::kept);
  keeper_ = nullptr;
  bucket_.uncount_kept();
  lend(user);
}

void Connection::let_go() {
  SIGNET_CHECK(stage_ == Stage::kept || stage_ == Stage::returned);
  keeper_ = nullptr;
  if (stage_ == Stage::kept) {
    end_rest(Close::flush);
  }
}

/// True if it was idle or kept.
bool Connection::end_if_resting() {
  const bool resting = stage_ == Stage::idle || stage_ == Stage::kept;
  if (resting) {
    end_rest(Close::flush);
  }
  return resting;
}

void Connection::stop_resting() {
  if (stage_ == Stage::idle) {
    bucket_.remove_idle(*this);
  } else if (stage_ == Stage::kept) {
    bucket_.uncount_kept();
  }
}

/// Of an idle or a kept connection.
void Connection::end_rest(Close how) {
  stop_resting();
  close(how);
}

/// A returned connection goes to rest, or ends.
void Connection::settle(bool data_left) {
  keep_sessions();
  const bool spent = transport_.tls() != nullptr && !transport_.tls()->answers_late_requests();
  const bool wanted = was_kept_ ? keeper_ != nullptr && bucket_.is_in_use() : bucket_.keeps_idle();
  if (data_left || spent || last_call_ || !transport_.quiet() || !wanted) {
    close(data_left ? Close::abort : Close::flush);
    return;
  }
  timeout_.start(bucket_.io().timers(), std::min(bucket_.limits().idle_timeout, idle_announced_));
  if (was_kept_) {
    stage_ = Stage::kept;
    bucket_.count_kept();
    return;
  }
  stage_ = Stage::idle;
  bucket_.put_idle(*this);
}

/// A call that we send when the time is nearly over would meet a closed connection.
void Connection::announce_idle_timeout(Duration timeout) {
  idle_announced_ = timeout - std::min(limits::pool_keep_alive_margin, timeout / 2);
}

void Connection::keep_sessions() {
  wire::TlsEngine* tls = transport_.tls();
  if (tls == nullptr || bucket_.retired()) {
    return;
  }
  while (std::optional<wire::TlsSession> session = tls->take_session()) {
    keep_session(std::move(*session));
  }
}

/// One ticket for this shard's next connection, the others to whoever needs them first; a session of TLS 1.2 serves all.
void Connection::keep_session(wire::TlsSession session) {
  if (SessionDepot* depot = bucket_.pool().depot_; depot != nullptr) {
    if (!session.single_use()) {
      depot->put(endpoint(), session.copy());
    } else if (bucket_.sessions().size(endpoint(), bucket_.key().identity) >= limits::sessions_own_max) {
      depot->put(endpoint(), std::move(session));
      return;
    }
  }
  bucket_.sessions().put(endpoint(), std::move(session));
}

std::optional<wire::TlsSession> Connection::take_session() {
  const WallTime now = bucket_.io().wall_now();
  std::optional<wire::TlsSession> session = bucket_.sessions().take(endpoint(), bucket_.key().identity, now);
  if (SessionDepot* depot = bucket_.pool().depot_; !session && depot != nullptr) {
    session = depot->take(endpoint(), bucket_.key().identity, now);
  }
  return session;
}

/// An offered session did not work.
void Connection::forget_sessions() {
  bucket_.sessions().forget(endpoint(), bucket_.key().identity);
  if (SessionDepot* depot = bucket_.pool().depot_; depot != nullptr) {
    depot->forget(endpoint(), bucket_.key().identity);
  }
}

/// Could a full handshake end better than this one did?
///
/// A back end that was restarted may choke on a session that it does not know. One that refuses our certificate instead of resuming goes by
/// what the session says of it, maybe by an old verdict: it has not seen the certificate itself on this connection. If it has, it has made
/// a full handshake already, and a refusal stands.
bool Connection::session_may_be_to_blame(const Error& error) const {
  return session_offered_ && (error.origin != Origin::identity || (error.refusal != nullptr && error.refusal->resumed));
}

// ---- counting
// ----------------------------------------------------------------------------------------------------------------------------------

void Connection::count(std::uint64_t ConnectionCounters::* what) {
  ++(bucket_.counters().*what);
  if (counters_ != nullptr) {
    ++(counters_.get()->*what);
  }
}

void Connection::count_failure(const Error& error) {
  if (error.kind == ErrorKind::identity_refused) {
    count(&ConnectionCounters::refused);
  } else if (error.kind == ErrorKind::certificate_not_requested) {
    count(&ConnectionCounters::certificate_not_requested);
  }
}

// ---- from the transport
// ------------------------------------------------------------------------------------------------------------------------

void Connection::on_transport_data(ByteView& data) {
  if (stage_ == Stage::leased) {
    if (!std::exchange(accepted_, true)) {
      bucket_.identity_accepted();
    }
    delivering_ = true;
    user_->on_backend_data(data);
    delivering_ = false;
    if (stage_ == Stage::returned) {
      settle(!data.empty());
      data = {};
    }
    return;
  }
  // Nobody asked: whatever it is, it is not the answer to the next call.
  data = {};
  if (stage_ == Stage::idle || stage_ == Stage::kept) {
    end_rest(Close::abort);
  }
}

void Connection::on_transport_end() {
  if (stage_ == Stage::leased) {
    user_->on_backend_end();
  } else if (stage_ == Stage::idle || stage_ == Stage::kept) {
    end_rest(Close::flush);
  }
}

void Connection::on_transport_drained() {
  if (stage_ == Stage::leased) {
    user_->on_backend_drained();
  }
}

void Connection::on_transport_failed(Error error) {
  if (error.origin == Origin::identity) {
    forget_sessions();  // the one that was offered, and what came on this very connection
  }
  if (error.kind == ErrorKind::identity_refused && stage_ != Stage::handshake) {
    count_failure(error);
    bucket_.identity_refused();  // TLS 1.3 servers judge after our side of the handshake is done
  }
  switch (stage_) {
    case Stage::handshake:
      if (session_may_be_to_blame(error)) {
        forget_sessions();
        sessions_refused_ = attempt_again_ = true;  // once more in full
        stage_ = Stage::closing;
        return;
      }
      attempt_failed(std::move(error));
      return;
    case Stage::leased: {
      LeaseUser* user = std::exchange(user_, nullptr);
      stage_ = Stage::closing;
      user->on_backend_failed(std::move(error));
      return;
    }
    case Stage::idle:
    case Stage::kept:
      stop_resting();
      timeout_.stop();
      stage_ = Stage::closing;
      forget_keeper();
      return;
    case Stage::connecting:
    case Stage::returned:
    case Stage::closing: return;
  }
}

void Connection::close(Close how) {
  timeout_.stop();
  stage_ = Stage::closing;
  forget_keeper();
  transport_.close(how);
}

void Connection::forget_keeper() {
  if (Keeper* const keeper = std::exchange(keeper_, nullptr); keeper != nullptr) {
    keeper->on_kept_gone();
  }
}

void Connection::on_transport_closed() {
  if (std::exchange(attempt_again_, false)) {
    connect();
    return;
  }
  bucket_.forget(*this);  // destroys this
}

}  // namespace signet::net
