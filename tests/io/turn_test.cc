// SPDX-License-Identifier: GPL-3.0-or-later
// What a turn of the loop finds, however busy it is.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "signet/base/limits.h"
#include "signet/io/timer.h"
#include "signet/io/uring_io.h"
#include "loopback.h"

using namespace signet;

namespace {

/// Sends again as soon as a send has ended, several at once: large datagrams, so that they leave before the turn ends, and have ended
/// before the next one begins. Beside them a receive waits for a byte, and a timer for long.
class BusyLoop {
 public:
  BusyLoop() {
    sockaddr_in address{.sin_family = AF_INET, .sin_port = 0, .sin_addr = {htonl(INADDR_LOOPBACK)}, .sin_zero = {}};
    socklen_t size = sizeof(address);
    REQUIRE(::bind(taker_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    REQUIRE(::getsockname(taker_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    REQUIRE(::connect(socket_, reinterpret_cast<const sockaddr*>(&address), size) == 0);
    timer_.start(io_->timers(), std::chrono::hours(1));
    io_->recv(receive_, connection_.ours);
  }
  BusyLoop(const BusyLoop&) = delete;
  BusyLoop& operator=(const BusyLoop&) = delete;
  ~BusyLoop() {
    timer_.stop();
    if (receive_.active()) {
      connection_.close_theirs();
      io_->run();
    }
    ::close(socket_);
    ::close(taker_);
  }

  /// The byte comes with the first send. Ends when it has been received, or after many sends.
  void run() {
    for (Sender& sender : senders_) {
      sender.send();
    }
    io_->run();
  }

  static constexpr std::size_t at_once = 8;
  static constexpr int sends = 1000;
  int sent = 0;
  bool received = false;

 private:
  struct Sender {
    explicit Sender(BusyLoop& made_by) : loop(made_by) {}

    void send() { loop.io_->send(operation, loop.socket_, as_bytes(loop.bytes_)); }
    void on_sent(io::Completion& completion) {
      CHECK(completion.result == static_cast<std::int32_t>(loop.bytes_.size()));
      if (++loop.sent == 1) {
        CHECK(::send(loop.connection_.theirs, "x", 1, 0) == 1);
      }
      if (loop.sent < sends && !loop.received) {
        send();
      } else if (++loop.ended_ == at_once) {
        loop.io_->stop();
      }
    }

    BusyLoop& loop;
    io::Op<Sender, &Sender::on_sent> operation{this};
  };

  void on_received(io::Completion& /*completion*/) { received = true; }
  void on_time() {}

  std::string bytes_ = std::string(limits::unsubmitted_send_bytes_max / at_once, 's');
  int taker_ = ::socket(AF_INET, SOCK_DGRAM, 0);
  int socket_ = ::socket(AF_INET, SOCK_DGRAM, 0);
  std::size_t ended_ = 0;
  test::Loopback connection_;
  std::unique_ptr<io::UringIo> io_ = std::move(*io::UringIo::create({}));
  io::Timer<BusyLoop, &BusyLoop::on_time> timer_{this};
  std::deque<Sender> senders_ = make_senders();
  io::Op<BusyLoop, &BusyLoop::on_received> receive_{this};

  std::deque<Sender> make_senders() {
    std::deque<Sender> made;
    for (std::size_t i = 0; i < at_once; ++i) {
      made.emplace_back(*this);
    }
    return made;
  }
};

}  // namespace

TEST_CASE("large sends that leave within the turn, again and again, do not keep the loop from hearing of other connections", "[io]") {
  BusyLoop loop;
  loop.run();
  CHECK(loop.received);
  CHECK(loop.sent < BusyLoop::sends);
}

TEST_CASE("sends leave within the turn once so much is queued, and not before", "[io]") {
  struct Sender {
    void on_sent(io::Completion& /*completion*/) {
      if (++ended == 2) {
        io->stop();
      }
    }
    std::unique_ptr<io::UringIo> io = std::move(*io::UringIo::create({}));
    int ended = 0;
    io::Op<Sender, &Sender::on_sent> first{this}, second{this};
  } sender;
  test::Loopback one, other;
  const std::string bytes(limits::unsubmitted_send_bytes_max - 1, 's');
  const auto has_arrived = [](const test::Loopback& connection) {
    char byte = 0;
    return ::recv(connection.theirs, &byte, 1, MSG_DONTWAIT | MSG_PEEK) == 1;
  };
  sender.io->send(sender.first, one.ours, as_bytes(bytes));
  CHECK_FALSE(has_arrived(one));
  sender.io->send(sender.second, other.ours, as_bytes(std::string_view(bytes).substr(0, 1)));
  CHECK(has_arrived(one));
  CHECK(has_arrived(other));
  one.close_theirs();  // whatever of it did not fit
  sender.io->run();
}
