// SPDX-License-Identifier: GPL-3.0-or-later
//
// The network of SimIo: each end of a connection holds what is on its way to it and what has arrived there.
//
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <utility>

#include "signet/base/check.h"
#include "signet/base/limits.h"
#include "sim_io.h"
#include "sim_kinds.h"

namespace signet::sim {

using io::Descriptor;
using io::Operation;

namespace {

constexpr Duration connect_given_up = std::chrono::seconds(127);  // Linux with tcp_syn_retries = 6
constexpr std::uint64_t reset_us_max = 3'000'000;

}  // namespace

// ---- sockets
// -----------------------------------------------------------------------------------------------------------------------------------

SimIo::Socket* SimIo::find(Descriptor descriptor) {
  const auto found = sockets_.find(descriptor);
  return found == sockets_.end() ? nullptr : found->second.get();
}

SimIo::Socket& SimIo::socket(Descriptor descriptor) {
  Socket* found = find(descriptor);
  SIGNET_CHECK(found != nullptr && found->open);
  return *found;
}

SimIo::Socket& SimIo::make_socket() {
  auto made = std::make_unique<Socket>();
  made->id = ++last_id_;  // never used again: a late use is found out
  made->queue_bytes = random_.between(1, faults_.queue_bytes_max);
  return *sockets_.emplace(made->id, std::move(made)).first->second;
}

/// A closed end is kept as long as the other may still send to it.
void SimIo::forget_if_gone(Descriptor descriptor) {
  Socket* end = find(descriptor);
  if (end == nullptr || end->open) {
    return;
  }
  const Socket* other = find(end->other);
  if (other == nullptr || !other->open) {
    sockets_.erase(std::exchange(end->other, -1));
    sockets_.erase(descriptor);
  }
}

Result<Descriptor> SimIo::listen(const Endpoint& address, const io::ListenOptions& /*options*/) {
  Socket& listener = make_socket();
  listener.listening = true;
  listener.local = address;
  if (address.port == 0) {
    listener.local.port = ++last_port_;
  }
  ++open_descriptors_;
  return listener.id;
}

Endpoint SimIo::local_endpoint(Descriptor descriptor) {
  return socket(descriptor).local;
}

Endpoint SimIo::peer_endpoint(Descriptor descriptor) {
  return socket(descriptor).peer;
}

SimIo::Socket* SimIo::listener_at(const Endpoint& endpoint) {
  std::vector<Socket*> candidates;
  for (const auto& [id, candidate] : sockets_) {
    if (candidate->listening && candidate->open && candidate->local == endpoint) {
      candidates.push_back(candidate.get());
    }
  }
  return candidates.empty() ? nullptr : candidates[random_.below(candidates.size())];
}

SimIo::Socket& SimIo::release(Descriptor descriptor) {
  Socket& closed = socket(descriptor);
  SIGNET_CHECK(closed.accept.operation == nullptr && closed.recv.operation == nullptr && closed.send.operation == nullptr);
  closed.open = false;
  --open_descriptors_;
  note(static_cast<std::uint64_t>(descriptor));
  return closed;
}

void SimIo::reset(Descriptor descriptor) {
  const Socket& closed = release(descriptor);
  SIGNET_CHECK(!closed.listening);
  reset_later(closed.other);
  forget_if_gone(descriptor);
}

void SimIo::close(Descriptor descriptor) {
  Socket& closed = release(descriptor);
  if (closed.listening) {
    for (const Descriptor id : closed.backlog) {
      Socket& refused = socket(id);
      refused.open = false;
      reset_later(refused.other);
      forget_if_gone(id);
    }
    sockets_.erase(descriptor);
    return;
  }
  if (!closed.arrived.empty()) {
    reset_later(closed.other);
  } else {
    send_fin(closed);
  }
  forget_if_gone(descriptor);
}

// ---- connections
// -------------------------------------------------------------------------------------------------------------------------------

void SimIo::connect(Operation& operation, const Endpoint& endpoint) {
  Socket& end = make_socket();
  begin(end.connect, operation, kind_connect, end.id);
  const std::uint64_t token = end.connect.token;
  end.peer = endpoint;
  if (random_.chance(faults_.connect_silent)) {
    at(connect_given_up, operation, token, &SimIo::give_up);
  } else if (random_.chance(faults_.connect_unreachable)) {
    complete(end.connect, -EHOSTUNREACH);
  } else if (random_.chance(faults_.connect_refused)) {
    complete(end.connect, -ECONNREFUSED);
  } else {
    at(delay(), operation, token, &SimIo::establish);
  }
}

void SimIo::give_up(Socket& end) {
  complete(end.connect, -ETIMEDOUT);
}

void SimIo::establish(Socket& end) {
  if (end.connect.completing) {
    return;  // cancelled
  }
  Socket* listener = listener_at(end.peer);
  if (listener == nullptr) {
    complete(end.connect, -ECONNREFUSED);
    return;
  }
  Socket& far = make_socket();
  end.local = *parse_address("127.0.0.1", ++last_port_);
  far.local = end.peer;
  far.peer = end.local;
  far.other = end.id;
  end.other = far.id;
  listener->backlog.push_back(far.id);
  progress_accept(*listener);
  complete(end.connect, end.id);
  if (random_.chance(faults_.reset)) {
    const std::uint64_t after_us = random_.below(random_.chance(500) ? reset_us_max : faults_.delay_us_max * 20);
    at(std::chrono::microseconds(after_us), [this, ids = std::array{end.id, far.id}] {
      for (const Descriptor id : ids) {
        reset_later(id);
      }
    });
  }
}

void SimIo::deliver_connect(Socket& end) {
  const bool cancelled = end.connect.cancelled;
  if (cancelled || end.connect.result < 0) {
    const std::int32_t result = cancelled ? -ECANCELED : end.connect.result;
    Slot slot = std::exchange(end.connect, Slot{});
    end.open = false;
    reset_later(end.other);
    forget_if_gone(end.id);
    finish(slot, result);
    return;
  }
  ++open_descriptors_;
  finish(end.connect, end.id);
}

void SimIo::accept(Operation& operation, Descriptor descriptor) {
  Socket& listener = socket(descriptor);
  SIGNET_CHECK(listener.listening);
  begin(listener.accept, operation, kind_accept, descriptor);
  progress_accept(listener);
}

void SimIo::progress_accept(Socket& listener) {
  if (!listener.backlog.empty()) {
    complete(listener.accept, 0);
  }
}

void SimIo::deliver_accept(Socket& listener) {
  if (listener.accept.cancelled) {
    finish(listener.accept, -ECANCELED);
    return;
  }
  listener.accept.completing = false;
  io::Completion completion{.result = listener.backlog.front(), .buffer = {}};
  listener.backlog.pop_front();
  ++open_descriptors_;
  const More more = random_.chance(faults_.accept_ends) ? More::no : More::yes;
  if (more == More::yes) {
    progress_accept(listener);
  }
  finish(listener.accept, completion, more);
}

void SimIo::reset_later(Descriptor id) {
  if (find(id) != nullptr) {
    at(delay(), [this, id] {
      if (Socket* end = find(id); end != nullptr && end->open) {
        reset_now(*end);
      }
    });
  }
}

void SimIo::reset_now(Socket& end) {
  if (end.reset) {
    return;
  }
  end.reset = true;
  end.wire.clear();
  if (!end.fin_arrived && random_.chance(500)) {  // after the FIN nobody is told of the reset: nothing may be missing
    end.arrived.clear();
  }
  end.queued = end.arrived.size();
  complete(end.recv, 0);
  complete(end.send, 0);
}

/// The first to ask is told of the reset. Nobody is if it came after the FIN.
std::int32_t SimIo::reset_result(Socket& end, std::int32_t afterwards) {
  if (end.fin_arrived) {
    return afterwards;
  }
  return std::exchange(end.reset_told, true) ? afterwards : -ECONNRESET;
}

// ---- bytes
// -------------------------------------------------------------------------------------------------------------------------------------

void SimIo::recv(Operation& operation, Descriptor descriptor) {
  Socket& end = socket(descriptor);
  begin(end.recv, operation, kind_recv, descriptor);
  progress_recv(end);
}

void SimIo::progress_recv(Socket& end) {
  if (!end.arrived.empty() || end.fin_arrived || end.reset) {
    complete(end.recv, 0);
  }
}

void SimIo::deliver_recv(Socket& end) {
  if (end.recv.cancelled) {
    finish(end.recv, -ECANCELED);
    return;
  }
  if (end.arrived.empty()) {
    finish(end.recv, end.reset ? reset_result(end, 0) : 0);
    return;
  }
  if (buffers_.size() >= faults_.buffers_max) {
    end.recv.completing = false;
    starving_.push_back(end.id);
    return;
  }
  std::size_t size = std::min<std::size_t>(end.arrived.size(), limits::receive_buffer_bytes);
  if (random_.chance(faults_.short_receive)) {
    size = random_.between(1, size);
  }
  io::Completion completion{.result = static_cast<std::int32_t>(size), .buffer = take_buffer(end, size)};
  Socket* writer = find(end.other);
  if (writer != nullptr && writer->send.operation != nullptr) {
    at(delay(), *writer->send.operation, writer->send.token, &SimIo::progress_send);
  }
  finish(end.recv, completion, More::no);
}

void SimIo::send(Operation& operation, Descriptor descriptor, ByteView bytes) {
  Socket& end = socket(descriptor);
  SIGNET_CHECK(!bytes.empty());
  begin(end.send, operation, kind_send, descriptor);
  end.sending = bytes;
  end.sent = 0;
  end.send_ends_short = random_.chance(faults_.short_send);
  at(delay(), operation, end.send.token, &SimIo::progress_send);
}

/// Takes what fits into the queue; the rest waits until the far end has read.
void SimIo::progress_send(Socket& end) {
  if (end.send.completing) {
    return;
  }
  if (end.reset || end.fin_sent) {
    complete(end.send, 0);
    return;
  }
  Socket* far = find(end.other);
  if (far == nullptr || !far->open) {
    end.handed_bytes += end.sending.size() - end.sent;
    end.sent = end.sending.size();  // to the kernel it looks sent, until the answer comes
    reset_later(end.id);
    complete(end.send, 0);
    return;
  }
  const std::size_t room = far->queue_bytes - std::min(far->queue_bytes, far->queued);
  const std::size_t rest = end.sending.size() - end.sent;
  if (room != 0) {
    const bool all = random_.chance(700);
    const std::size_t most = std::min(room, rest);
    const std::size_t size = all ? most : random_.between(1, most);
    const ByteView piece = end.sending.subspan(end.sent, size);
    end.sent += size;
    end.handed_bytes += size;
    put_on_wire(*far, ByteVector(piece.begin(), piece.end()));
  }
  if (end.sent == end.sending.size() || (end.send_ends_short && end.sent != 0)) {
    complete(end.send, 0);
  } else if (room > rest - (end.sending.size() - end.sent)) {
    at(delay(), *end.send.operation, end.send.token, &SimIo::progress_send);
  }
}

void SimIo::deliver_send(Socket& end) {
  std::int32_t result = static_cast<std::int32_t>(end.sent);
  if (end.sent == 0) {
    result = end.send.cancelled ? -ECANCELED : end.reset ? reset_result(end, -EPIPE) : -EPIPE;
  }
  end.sending = {};
  finish(end.send, result);
}

void SimIo::put_on_wire(Socket& to, ByteVector bytes) {
  to.last_arrival = std::max(to.last_arrival, now_ + delay());
  to.queued += bytes.size();
  const Socket* from = find(to.other);
  to.wire.push_back(
      Segment{.arrival = to.last_arrival, .bytes = std::move(bytes), .confirmed_bytes = from == nullptr ? 0 : from->received_bytes});
  at(to.last_arrival - now_, [this, id = to.id] { arrive(id); });
}

void SimIo::arrive(Descriptor id) {
  Socket* end = find(id);
  if (end == nullptr) {
    return;
  }
  while (!end->wire.empty() && end->wire.front().arrival <= now_) {
    const Segment segment = std::move(end->wire.front());
    end->wire.pop_front();
    end->confirmed_bytes = std::max(end->confirmed_bytes, segment.confirmed_bytes);
    if (!end->open) {
      if (!segment.bytes.empty()) {
        reset_later(end->other);  // nobody is there to read it
      }
    } else if (segment.bytes.empty()) {
      end->fin_arrived = end->fin_arrived || !end->reset;
    } else if (!end->reset) {
      end->arrived.insert(end->arrived.end(), segment.bytes.begin(), segment.bytes.end());
      end->received_bytes += segment.bytes.size();
      confirm_later(*end);
    }
  }
  if (end->open) {
    progress_recv(*end);
  }
}

void SimIo::confirm_later(const Socket& end) {
  at(delay(), [this, id = end.other, confirmed_bytes = end.received_bytes] {
    if (Socket* sender = find(id); sender != nullptr && !sender->reset) {
      sender->confirmed_bytes = std::max(sender->confirmed_bytes, confirmed_bytes);
    }
  });
}

io::SendProgress SimIo::send_progress(Descriptor descriptor) {
  const Socket& end = socket(descriptor);
  return {.acknowledged_bytes = end.confirmed_bytes, .outstanding = !end.reset && end.confirmed_bytes < end.handed_bytes};
}

void SimIo::shutdown_send(Descriptor descriptor) {
  send_fin(socket(descriptor));
}

void SimIo::send_fin(Socket& from) {
  if (std::exchange(from.fin_sent, true) || from.reset) {
    return;
  }
  if (Socket* to = find(from.other); to != nullptr) {
    put_on_wire(*to, {});
  }
}

}  // namespace signet::sim
