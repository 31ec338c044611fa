// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/net/transport.h"

#include <fmt/core.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "signet/base/check.h"
#include "signet/base/limits.h"

namespace signet::net {

namespace {

/// Most that the protocol itself answers (RFC 8446 §4.6.3) behind a peer that does not read: backpressure does not hold it. A handshake has
/// a few thousand bytes, an answer to KeyUpdate has 27.
constexpr std::size_t unsent_answers_bytes_max = std::size_t{64} * 1024;

}  // namespace

Transport::Transport(io::Io& io, TransportOwner& owner) : io_(io), owner_(owner) {}

Transport::~Transport() {
  SIGNET_CHECK(stage_ == Stage::unstarted);
}

void Transport::start(io::Descriptor descriptor, std::optional<wire::TlsEngine> tls) {
  SIGNET_CHECK(stage_ == Stage::unstarted);
  descriptor_ = descriptor;
  tls_ = std::move(tls);
  stage_ = tls_ ? Stage::handshake : Stage::open;
  paused_ = ended_ = end_told_ = send_broken_ = tls_broken_ = congested_ = cut_short_ = cancelled_ = reset_ = false;
  doubt_begun_ = {};
  discarded_bytes_ = 0;
  submitted_bytes_ = 0;
  watched_from_ = unwatched;
  unsent_answers_bytes_ = 0;
  if (tls_) {
    io_.defer(deferred_);  // a client speaks first; the owner may not be called from here
  } else {
    arm_receive();
  }
}

// ---- receiving
// ---------------------------------------------------------------------------------------------------------------------------------

/// The first `size` bytes of what was received are done with; the Io's buffer goes back in any case.
void Transport::take_received(std::size_t size) {
  if (!held_.empty()) {
    held_.consume(size);
    held_.release_if_empty();
    return;
  }
  input_.consume(size);
  held_.append(input_.bytes());
  input_ = io::Buffer();
}

void Transport::arm_receive() {
  if (!receive_.active()) {
    io_.recv(receive_, descriptor_);
  }
}

void Transport::on_received(io::Completion& completion) {
  if (!active()) {
    discard_received(completion);
    return;
  }
  if (completion.result > 0) {
    input_ = std::move(completion.buffer);
    deliver();
  } else if (completion.result == 0) {
    end_of_stream();
  } else if (tls_ && tls_->late_request_declined() && tls_->end_of_stream() == wire::TlsEngine::Event::failed) {
    fail(tls_->error());  // IIS resets when it may not renegotiate
  } else {
    fail(Error{.kind = ErrorKind::connection_lost,
               .origin = Origin::backend,
               .detail = fmt::format("receive: {}", std::strerror(-completion.result))});
  }
}

void Transport::resume() {
  if (active() && paused_) {
    io_.defer(deferred_);
  }
}

void Transport::on_deferred() {
  if (stage_ == Stage::joining) {
    if (!receive_.active() && !send_.active()) {
      finish();
    }
    return;
  }
  if (!active()) {
    return;
  }
  if (tls_broken_) {
    fail(tls_->error());
    return;
  }
  deliver();
}

/// Hands over what is there until the owner leaves some, then stops reading; else reads on.
void Transport::deliver() {
  paused_ = false;
  const bool all_taken = tls_ ? deliver_tls() : deliver_plain();
  if (!all_taken || !active()) {
    return;
  }
  if (ended_) {
    end_of_stream();
  } else {
    arm_receive();
  }
}

bool Transport::deliver_plain() {
  if (received().empty()) {
    return true;
  }
  ByteView rest = received();
  const std::size_t size = rest.size();
  watched_from_ = unwatched;
  owner_.on_transport_data(rest);
  take_received(size - rest.size());
  paused_ = !rest.empty();
  return !paused_;
}

bool Transport::deliver_tls() {
  if (!deliver_decrypted()) {
    return false;
  }
  MutableByteView rest = received();
  const std::size_t size = rest.size();
  const bool all_taken = (stage_ == Stage::open || handshake(rest)) && read_records(rest);
  take_received(size - rest.size());
  if (received().empty()) {
    decrypted_.release_if_empty();
  }
  if (active() && tls_->has_session()) {
    owner_.on_transport_session();
  }
  return all_taken;
}

/// True when the connection is open and records may be read.
bool Transport::handshake(MutableByteView& rest) {
  ByteView input = rest;
  const wire::TlsEngine::Event event = tls_->handshake(input, encrypted_);
  rest = rest.last(input.size());
  if (event == wire::TlsEngine::Event::failed) {
    fail(tls_->error());
    return false;
  }
  if (event != wire::TlsEngine::Event::handshake_complete) {
    start_send();
    arm_receive();
    return false;
  }
  stage_ = Stage::open;
  owner_.on_transport_open();  // what it writes now leaves together with the end of the handshake
  if (active()) {
    flush();
  }
  return active();
}

bool Transport::read_records(MutableByteView& rest) {
  if (rest.size() > limits::transport_read_bytes_max) {
    static_cast<void>(decrypted_.prepare(rest.size()));  // room for all of it, so that it is not moved as it grows
  }
  while (active()) {
    const std::size_t before = encrypted_.size();
    const wire::TlsEngine::Read read = tls_->read(rest, decrypted_, limits::transport_read_bytes_max, encrypted_);
    unsent_answers_bytes_ += encrypted_.size() - before;
    if (unsent_answers_bytes_ > unsent_answers_bytes_max) {
      encrypted_.clear();
      fail(Error{.kind = ErrorKind::tls_protocol,
                 .origin = Origin::backend,
                 .detail = "the peer goes on asking for new keys, and does not read the answers"});
      return false;
    }
    if (!encrypted_.empty() || !output_.empty()) {
      flush();  // answers of the protocol itself, and data that had to wait for them
    }
    if (read.event == wire::TlsEngine::Event::data && decrypted_.size() < limits::transport_piece_bytes_max) {
      continue;
    }
    // Whatever ended the piece is said again by the next read, if the owner leaves some of it.
    if (!deliver_decrypted()) {
      return false;
    }
    switch (read.event) {
      case wire::TlsEngine::Event::data: break;
      case wire::TlsEngine::Event::want_input:
      case wire::TlsEngine::Event::handshake_complete: return true;
      case wire::TlsEngine::Event::close_notify: ended_ = true; return true;
      case wire::TlsEngine::Event::failed: fail(tls_->error()); return false;
    }
  }
  return false;
}

bool Transport::deliver_decrypted() {
  if (decrypted_.empty()) {
    return true;
  }
  ByteView rest = decrypted_.view();
  watched_from_ = unwatched;
  owner_.on_transport_data(rest);
  decrypted_.consume(decrypted_.size() - rest.size());
  paused_ = !decrypted_.empty();
  return !paused_ && active();
}

void Transport::hand_over(ByteView bytes, ByteBuffer& to) {
  const ByteView ours = decrypted_.view();
  const bool at_our_end = bytes.size() <= ours.size() && bytes.data() == ours.data() + (ours.size() - bytes.size());
  if (at_our_end && to.empty() && bytes.size() >= limits::transport_hand_over_bytes_min) {
    decrypted_.consume(ours.size() - bytes.size());
    decrypted_.swap(to);
  } else {
    to.append(bytes);
  }
}

void Transport::end_of_stream() {
  ended_ = true;
  if (in_doubt()) {
    close_timer_.start(io_.timers(), std::max(limits::transport_doubt_step, io_.now() - doubt_begun_));
    return;
  }
  if (tls_) {
    // Without close_notify, whoever cut the connection may have cut a message too (RFC 8446 §6.1, RFC 9112 §9.8).
    if (tls_->end_of_stream() == wire::TlsEngine::Event::failed) {
      fail(tls_->error());
      return;
    }
  }
  deliver_end();
}

/// A peer that has closed answers what we sent by a reset, one that has only ended its own side confirms it: one of the two is on its way.
bool Transport::in_doubt() {
  if (watched_from_ == unwatched || end_told_) {
    return false;
  }
  const io::SendProgress progress = io_.send_progress(descriptor_);
  const bool open = progress.outstanding || send_.active();
  if (!open || progress.acknowledged_bytes > watched_from_) {
    return false;
  }
  if (doubt_begun_ == TimePoint{}) {
    doubt_begun_ = io_.now();
  }
  return io_.now() < doubt_begun_ + limits::transport_doubt_max;
}

bool Transport::nothing_taken() const {
  if (watched_from_ == unwatched || send_.active()) {
    return false;
  }
  const io::SendProgress progress = io_.send_progress(descriptor_);
  return !progress.outstanding && progress.acknowledged_bytes <= watched_from_;
}

void Transport::deliver_end() {
  if (end_told_) {
    return;
  }
  end_told_ = true;
  owner_.on_transport_end();
}

// ---- sending
// -----------------------------------------------------------------------------------------------------------------------------------

void Transport::flush() {
  if (stage_ == Stage::unstarted || stage_ == Stage::joining) {
    output_.clear();
    return;
  }
  if (send_broken_) {
    drop_output();
    return;
  }
  if (tls_ && stage_ != Stage::handshake && !seal()) {
    // The owner may not be called from here.
    tls_broken_ = true;
    drop_output();
    io_.defer(deferred_);
    return;
  }
  start_send();
}

/// Turns queued plaintext into records. False when the engine failed. What the engine cannot take now (renegotiation) stays queued.
bool Transport::seal() {
  while (!output_.empty()) {
    const Result<std::size_t> written = tls_->write(output_.view(), encrypted_);
    if (!written) {
      return false;
    }
    if (*written == 0) {
      return true;
    }
    output_.consume(*written);
  }
  output_.release_if_empty();
  return true;
}

void Transport::start_send() {
  ByteBuffer& next = tls_ ? encrypted_ : output_;
  if (send_.active() || next.empty() || send_broken_) {
    return;
  }
  sending_.swap(next);
  submitted_bytes_ += sending_.size();
  unsent_answers_bytes_ = 0;
  io_.send(send_, descriptor_, sending_.view());
}

void Transport::on_sent(io::Completion& completion) {
  if (stage_ == Stage::joining) {
    sending_.clear();
    join();
    return;
  }
  if (completion.result <= 0) {
    send_broken_ = true;
    reset_ = reset_ || completion.result != -EPIPE;  // that says no more than that an end or a reset was there before
    drop_output();
    sending_.clear();
    if (active()) {
      owner_.on_transport_send_failed();
      if (!active()) {
        return;
      }
    }
  } else if (sending_.consume(static_cast<std::size_t>(completion.result)); !sending_.empty()) {
    reset_ = true;  // perhaps: the kernel tells how far a send came, and not what ended it
    io_.send(send_, descriptor_, sending_.view());
    return;
  }
  start_send();
  if (!send_.active()) {
    sending_.release_if_empty();
    output_.release_if_empty();
    encrypted_.release_if_empty();
    if (stage_ == Stage::closing) {
      all_sent();
      return;
    }
  }
  if (congested_ && active() && queued_bytes() <= limits::transport_low_water_bytes) {
    congested_ = false;
    owner_.on_transport_drained();
  }
}

bool Transport::congested() {
  congested_ = congested_ || queued_bytes() > limits::transport_high_water_bytes;
  return congested_;
}

std::size_t Transport::queued_bytes() const {
  return output_.size() + encrypted_.size() + sending_.size();
}

void Transport::drop_output() {
  output_.clear();
  encrypted_.clear();
}

bool Transport::quiet() const {
  return stage_ == Stage::open && output_.empty() && encrypted_.empty() && !ended_ && !send_broken_ && !tls_broken_;
}

// ---- ending
// ------------------------------------------------------------------------------------------------------------------------------------

void Transport::fail(Error error) {
  if (tls_ && !encrypted_.empty()) {
    close_ = Close::flush;  // our alert tells the peer why
    stage_ = Stage::closing;
    output_.clear();
    close_timer_.start(io_.timers(), limits::transport_close_flush_max);
    start_send();
    owner_.on_transport_failed(std::move(error));
    if (!send_.active()) {
      join();
    }
    return;
  }
  stage_ = Stage::joining;
  owner_.on_transport_failed(std::move(error));
  join();
}

void Transport::close(Close how) {
  SIGNET_CHECK(stage_ != Stage::unstarted);
  if (stage_ == Stage::joining) {
    return;
  }
  if (how == Close::abort || stage_ == Stage::handshake) {
    cut_short_ = how == Close::abort;
    join();
    return;
  }
  if (!active()) {
    return;
  }
  close_ = how;
  if (tls_ && !send_broken_) {
    if (!seal()) {
      drop_output();
    } else if (output_.empty()) {
      tls_->close_notify(encrypted_);
    } else {
      // A renegotiation holds the rest back: no end in good order may follow what is not whole.
      cut_short_ = true;
      join();
      return;
    }
  }
  stage_ = Stage::closing;
  close_timer_.start(io_.timers(), limits::transport_close_flush_max);
  start_send();
  if (!send_.active()) {
    all_sent();
  }
}

/// In closing, everything is with the kernel.
void Transport::all_sent() {
  if (close_ != Close::linger || ended_ || send_broken_) {
    join();
    return;
  }
  stage_ = Stage::lingering;
  io_.shutdown_send(descriptor_);
  close_timer_.start(io_.timers(), limits::transport_linger_max);
  arm_receive();
}

void Transport::discard_received(const io::Completion& completion) {
  if (stage_ == Stage::joining) {
    join();
    return;
  }
  if (completion.result <= 0) {
    ended_ = true;
    if (stage_ == Stage::lingering) {
      join();
    }
    return;
  }
  discarded_bytes_ += static_cast<std::uint32_t>(completion.result);
  if (discarded_bytes_ > limits::transport_linger_bytes_max) {
    ended_ = true;  // it does not listen: no point in waiting for it
    if (stage_ == Stage::lingering) {
      join();
    }
    return;
  }
  arm_receive();
}

void Transport::on_close_timeout() {
  if (active()) {
    end_of_stream();
    return;
  }
  cut_short_ = stage_ == Stage::closing;
  join();
}

/// Ends what is in flight; `finish` follows from the loop when all of it has ended.
void Transport::join() {
  if (stage_ != Stage::joining) {
    stage_ = Stage::joining;
    cancelled_ = false;
  }
  close_timer_.stop();
  if (!receive_.active() && !send_.active()) {
    io_.defer(deferred_);
    return;
  }
  if (!cancelled_) {
    cancelled_ = true;
    if (receive_.active()) {
      io_.cancel(receive_);
    }
    if (send_.active()) {
      io_.cancel(send_);
    }
  }
}

void Transport::finish() {
  if (cut_short_) {
    io_.reset(std::exchange(descriptor_, -1));
  } else {
    io_.close(std::exchange(descriptor_, -1));
  }
  tls_.reset();
  input_ = io::Buffer();
  drop_output();
  sending_.clear();
  decrypted_.clear();
  held_.clear();
  for (ByteBuffer* buffer : {&output_, &encrypted_, &sending_, &decrypted_, &held_}) {
    buffer->release_if_empty();
  }
  stage_ = Stage::unstarted;
  owner_.on_transport_closed();  // may destroy this
}

}  // namespace signet::net
