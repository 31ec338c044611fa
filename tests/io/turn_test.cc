// SPDX-License-Identifier: GPL-3.0-or-later
// What a turn of the loop finds, however busy it is.
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <catch2/catch_test_macros.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "signet/base/limits.h"
#include "signet/io/timer.h"
#include "signet/io/uring_io.h"
#include "loopback.h"

using namespace signet;

namespace {

/// Sends again as soon as a send has ended: large datagrams, so that each leaves at once, and has ended before the next turn begins. Beside
/// it a receive waits for a byte, and a timer for long.
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
    send();
    io_->run();
  }

  static constexpr int sends = 1000;
  int sent = 0;
  bool received = false;

 private:
  void send() { io_->send(send_, socket_, as_bytes(bytes_)); }
  void on_sent(io::Completion& completion) {
    CHECK(completion.result == static_cast<std::int32_t>(bytes_.size()));
    if (++sent == 1) {
      CHECK(::send(connection_.theirs, "x", 1, 0) == 1);
    }
    if (sent == sends || received) {
      io_->stop();
    } else {
      send();
    }
  }
  void on_received(io::Completion& /*completion*/) {
    received = true;
    if (!send_.active()) {
      io_->stop();
    }
  }
  void on_time() {}

  std::string bytes_ = std::string(limits::send_at_once_bytes_min, 's');
  int taker_ = ::socket(AF_INET, SOCK_DGRAM, 0);
  int socket_ = ::socket(AF_INET, SOCK_DGRAM, 0);
  test::Loopback connection_;
  std::unique_ptr<io::UringIo> io_ = std::move(*io::UringIo::create({}));
  io::Timer<BusyLoop, &BusyLoop::on_time> timer_{this};
  io::Op<BusyLoop, &BusyLoop::on_sent> send_{this};
  io::Op<BusyLoop, &BusyLoop::on_received> receive_{this};
};

}  // namespace

TEST_CASE("large sends that leave at once, one after the other, do not keep the loop from hearing of other connections", "[io]") {
  BusyLoop loop;
  loop.run();
  CHECK(loop.received);
  CHECK(loop.sent < BusyLoop::sends);
}
