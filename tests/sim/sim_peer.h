// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <algorithm>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "sim_io.h"

namespace signet::sim {

/// The far end of a connection, as a script plays it: it shares no code with Transport. Reads all the time unless it is told to pause, and
/// sends in pieces that the seed decides.
class SimPeer {
 public:
  /// What a test does about it. All are optional; called from the loop. `closed` is the last, and may destroy the peer.
  struct Script {
    std::function<void(SimPeer&)> connected;
    std::function<void(SimPeer&, std::string_view)> received;
    std::function<void(SimPeer&)> sent;               ///< the queue is empty
    std::function<void(SimPeer&, int result)> ended;  ///< 0: FIN; else -errno, of a connect, a receive or a send; once
    std::function<void(SimPeer&)> closed;
  };

  SimPeer(SimIo& io, Script script) : io_(io), script_(std::move(script)) {}
  SimPeer(const SimPeer&) = delete;
  SimPeer& operator=(const SimPeer&) = delete;

  void connect(const Endpoint& endpoint) { io_.connect(connect_, endpoint); }
  void adopt(io::Descriptor descriptor) {
    descriptor_ = descriptor;
    read();
  }
  void write(std::string_view bytes) {
    output_ += bytes;
    send();
  }
  /// FIN, once all is sent.
  void finish() {
    finishing_ = true;
    send();
  }
  void pause() { paused_ = true; }
  void resume() {
    paused_ = false;
    read();
  }
  /// What is queued is dropped.
  void close() {
    if (std::exchange(closing_, true)) {
      return;
    }
    for (io::Operation* operation :
         {static_cast<io::Operation*>(&connect_), static_cast<io::Operation*>(&recv_), static_cast<io::Operation*>(&send_)}) {
      if (operation->active()) {
        io_.cancel(*operation);
      }
    }
    io_.defer(close_);
  }

  /// As `close`, but the other side sees a reset, whatever was read.
  void abort() {
    aborting_ = true;
    close();
  }

  [[nodiscard]] bool closing() const { return closing_; }
  [[nodiscard]] std::size_t unsent() const { return output_.size(); }

 private:
  void read() {
    if (descriptor_ >= 0 && !recv_.active() && !paused_ && !ended_ && !closing_) {
      io_.recv(recv_, descriptor_);
    }
  }

  void send() {
    if (descriptor_ < 0 || send_.active() || closing_ || broken_) {
      return;
    }
    if (!output_.empty()) {
      const std::size_t size = io_.random().between(1, output_.size());
      in_flight_ = output_.substr(0, size);
      io_.send(send_, descriptor_, as_bytes(in_flight_));
    } else if (finishing_ && !std::exchange(finished_, true)) {
      io_.shutdown_send(descriptor_);
    }
  }

  void on_connected(io::Completion& completion) {
    if (completion.result < 0) {
      end(completion.result);
      closing_ = true;
      io_.defer(close_);
      return;
    }
    descriptor_ = completion.result;
    if (closing_) {
      io_.defer(close_);
      return;
    }
    read();
    send();
    if (script_.connected) {
      script_.connected(*this);
    }
  }

  void on_received(io::Completion& completion) {
    if (closing_) {
      io_.defer(close_);
      return;
    }
    if (completion.result <= 0) {
      ended_ = true;
      end(completion.result);
      return;
    }
    if (script_.received) {
      script_.received(*this, as_text(completion.buffer.bytes()));
    }
    read();
  }

  void on_sent(io::Completion& completion) {
    if (closing_) {
      io_.defer(close_);
      return;
    }
    if (completion.result <= 0) {
      broken_ = true;
      end(completion.result);
      return;
    }
    output_.erase(0, static_cast<std::size_t>(completion.result));
    if (output_.empty() && script_.sent) {
      script_.sent(*this);
    }
    send();
  }

  void end(int result) {
    if (!std::exchange(end_told_, true) && script_.ended) {
      script_.ended(*this, result);
    }
  }

  void on_close() {
    if (connect_.active() || recv_.active() || send_.active()) {
      return;  // its completion comes back here
    }
    if (descriptor_ >= 0) {
      const io::Descriptor descriptor = std::exchange(descriptor_, -1);
      aborting_ ? io_.reset(descriptor) : io_.close(descriptor);
    }
    if (const auto closed = std::move(script_.closed); closed) {
      closed(*this);  // may destroy this
    }
  }

  SimIo& io_;
  Script script_;
  std::string output_;
  std::string in_flight_;
  io::Op<SimPeer, &SimPeer::on_connected> connect_{this};
  io::Op<SimPeer, &SimPeer::on_received> recv_{this};
  io::Op<SimPeer, &SimPeer::on_sent> send_{this};
  io::Deferred<SimPeer, &SimPeer::on_close> close_{this};
  io::Descriptor descriptor_ = -1;
  bool paused_ = false;
  bool ended_ = false;
  bool end_told_ = false;
  bool broken_ = false;
  bool closing_ = false;
  bool aborting_ = false;
  bool finishing_ = false;
  bool finished_ = false;
};

/// Peers that are connected to: one for each connection, under a script that the test makes for it. They live until they are closed.
class SimPeerListener {
 public:
  using MakeScript = std::function<SimPeer::Script()>;

  SimPeerListener(SimIo& io, const Endpoint& address, MakeScript make_script) : io_(io), make_script_(std::move(make_script)) {
    descriptor_ = *io_.listen(address, {});
    address_ = io_.local_endpoint(descriptor_);
    io_.accept(accept_, descriptor_);
  }
  SimPeerListener(const SimPeerListener&) = delete;
  SimPeerListener& operator=(const SimPeerListener&) = delete;

  [[nodiscard]] const Endpoint& address() const { return address_; }
  [[nodiscard]] std::size_t peers() const { return peers_.size(); }
  [[nodiscard]] std::size_t peers_most() const { return peers_most_; }
  [[nodiscard]] std::size_t accepted() const { return accepted_; }

  /// No more connections; those that there are stay.
  void close() {
    closing_ = true;
    if (accept_.active()) {
      io_.cancel(accept_);
    }
  }
  void close_peers() {
    for (const std::unique_ptr<SimPeer>& peer : peers_) {
      peer->close();
    }
  }

 private:
  void on_accepted(io::Completion& completion) {
    if (completion.result >= 0) {
      add(completion.result);
    }
    if (accept_.active()) {
      return;
    }
    if (closing_) {
      io_.close(std::exchange(descriptor_, -1));
    } else {
      io_.accept(accept_, descriptor_);
    }
  }

  void add(io::Descriptor descriptor) {
    SimPeer::Script script = make_script_();
    const auto at = peers_.emplace(peers_.end());
    script.closed = [this, at, then = std::move(script.closed)](SimPeer& peer) {
      if (then) {
        then(peer);
      }
      const std::unique_ptr<SimPeer> gone = std::move(*at);
      peers_.erase(at);
    };
    *at = std::make_unique<SimPeer>(io_, std::move(script));
    ++accepted_;
    peers_most_ = std::max(peers_most_, peers_.size());
    (*at)->adopt(descriptor);
  }

  SimIo& io_;
  MakeScript make_script_;
  io::Op<SimPeerListener, &SimPeerListener::on_accepted> accept_{this};
  Endpoint address_;
  std::list<std::unique_ptr<SimPeer>> peers_;
  std::size_t peers_most_ = 0;
  std::size_t accepted_ = 0;
  io::Descriptor descriptor_ = -1;
  bool closing_ = false;
};

}  // namespace signet::sim
