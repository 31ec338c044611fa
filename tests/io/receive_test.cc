// SPDX-License-Identifier: GPL-3.0-or-later
// A receive behind a socket that was emptied waits for bytes before it tries; whatever comes when, none is missed.
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <catch2/catch_test_macros.hpp>
#include <catch2/generators/catch_generators.hpp>
#include <cerrno>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "signet/base/limits.h"
#include "signet/io/uring_io.h"
#include "loopback.h"

using namespace signet;
using test::Loopback;

namespace {

constexpr std::uint32_t buffers = 32;  // the fewest that there are

/// A loop that runs as far as the test says.
class Loop {
 public:
  [[nodiscard]] io::UringIo& io() { return *io_; }
  /// One turn: what was submitted has been tried, and what is there has been delivered.
  void turn() {
    io_->defer(stop_);
    io_->run();
  }
  template <typename Done>
  void run_until(Done done) {
    const auto given_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!done()) {
      turn();
      if (std::chrono::steady_clock::now() > given_up) {
        FAIL("stalled");
      }
    }
  }

 private:
  void stop() { io_->stop(); }

  std::unique_ptr<io::UringIo> io_ = std::move(*io::UringIo::create({.buffers_max = buffers}));
  io::Deferred<Loop, &Loop::stop> stop_{this};
};

/// One receive, for one connection after the other.
class Receiver {
 public:
  explicit Receiver(Loop& loop) : loop_(loop) {}
  Receiver(const Receiver&) = delete;
  Receiver& operator=(const Receiver&) = delete;
  ~Receiver() {
    if (receive_.active()) {
      loop_.io().cancel(receive_);
      loop_.run_until([this] { return !receive_.active(); });
    }
  }

  void arm(int descriptor) {
    result = 0;
    loop_.io().recv(receive_, descriptor);
  }
  [[nodiscard]] bool done() const { return !receive_.active(); }
  /// Arms and waits.
  std::int32_t receive(int descriptor) {
    arm(descriptor);
    wait();
    return result;
  }
  void wait() {
    loop_.run_until([this] { return done(); });
  }
  /// It has found no buffer. A receive that waits for bytes needs none.
  [[nodiscard]] bool waits_for_buffer() { return io::OperationAccess::waiting(receive_); }
  /// The last one took all there was.
  [[nodiscard]] bool emptied() { return io::OperationAccess::emptied(receive_); }
  void give_back() { kept_ = io::Buffer(); }

  std::int32_t result = 0;
  std::string text;

 private:
  void on_received(io::Completion& completion) {
    result = completion.result;
    text += as_text(completion.buffer.bytes());
    kept_ = std::move(completion.buffer);
  }

  Loop& loop_;
  io::Buffer kept_;
  io::Op<Receiver, &Receiver::on_received> receive_{this};
};

/// Keeps as many buffers of a loop, as long as it lives.
class Hoard {
 public:
  Hoard(Loop& loop, std::uint32_t count) {
    for (std::uint32_t i = 0; i < count; ++i) {
      kept_.push_back(std::make_unique<Receiver>(loop));
      REQUIRE(::send(source_.theirs, "x", 1, 0) == 1);
      REQUIRE(kept_.back()->receive(source_.ours) == 1);
    }
  }

 private:
  Loopback source_;
  std::vector<std::unique_ptr<Receiver>> kept_;
};

void send_all(int descriptor, std::string_view bytes) {
  REQUIRE(::send(descriptor, bytes.data(), bytes.size(), 0) == static_cast<ssize_t>(bytes.size()));
}

/// Bytes, an end or a reset are there.
void await_readable(int descriptor) {
  pollfd wanted{.fd = descriptor, .events = POLLIN, .revents = 0};
  REQUIRE(::poll(&wanted, 1, -1) == 1);
}

}  // namespace

TEST_CASE(
    "a receive behind a socket that was emptied waits for bytes before it takes a buffer, one behind a socket with more tries at once",
    "[io]") {
  Loop loop;
  Loopback emptied_connection;
  Loopback full_connection(2 * limits::receive_buffer_bytes);
  Loopback new_connection;
  Receiver emptied(loop);
  Receiver full(loop);
  Receiver first(loop);
  send_all(emptied_connection.theirs, "all there is");
  REQUIRE(emptied.receive(emptied_connection.ours) == 12);
  const std::size_t rest = 10;
  const std::string much(limits::receive_buffer_bytes + rest, 'm');
  send_all(full_connection.theirs, much);
  std::string all(much.size(), '\0');
  REQUIRE(::recv(full_connection.ours, all.data(), all.size(), MSG_PEEK | MSG_WAITALL) == static_cast<ssize_t>(all.size()));  // has come
  REQUIRE(full.receive(full_connection.ours) == static_cast<std::int32_t>(limits::receive_buffer_bytes));
  CHECK(emptied.emptied());
  CHECK_FALSE(full.emptied());

  {
    const Hoard hoard(loop, buffers - 2);
    emptied.arm(emptied_connection.ours);
    full.arm(full_connection.ours);
    first.arm(new_connection.ours);
    loop.turn();
    CHECK_FALSE(emptied.waits_for_buffer());
    CHECK(full.waits_for_buffer());
    CHECK(first.waits_for_buffer());

    send_all(emptied_connection.theirs, "more");
    loop.run_until([&] { return emptied.waits_for_buffer(); });
    send_all(new_connection.theirs, "the first");
  }
  for (Receiver* each : {&emptied, &full, &first}) {
    each->wait();
    each->give_back();
  }
  CHECK(emptied.text == "all there ismore");
  CHECK(full.text == much);
  CHECK(first.text == "the first");
}

TEST_CASE("behind an emptied socket the next bytes, the end and a reset are seen, whether they come before the receive or after it",
          "[io]") {
  Loop loop;
  Loopback connection;
  Receiver receiver(loop);
  send_all(connection.theirs, "first");
  REQUIRE(receiver.receive(connection.ours) == 5);

  const bool before = GENERATE(true, false);
  const int what = GENERATE(0, 1, 2, 3);
  const auto happen = [&] {
    switch (what) {
      case 0: send_all(connection.theirs, "second"); break;
      case 1: ::shutdown(connection.theirs, SHUT_WR); break;
      case 2: connection.close_theirs(); break;
      default: connection.abort_theirs(); break;
    }
  };
  CAPTURE(before, what);
  if (before) {
    happen();
    await_readable(connection.ours);
  }
  receiver.arm(connection.ours);
  if (!before) {
    loop.turn();
    loop.turn();
    REQUIRE_FALSE(receiver.done());
    happen();
  }
  receiver.wait();
  CHECK(receiver.result == std::array{6, 0, 0, -ECONNRESET}.at(static_cast<std::size_t>(what)));
}

TEST_CASE("an operation that emptied one connection serves the next, whatever is there already", "[io]") {
  Loop loop;
  Receiver receiver(loop);
  {
    Loopback before;
    send_all(before.theirs, "emptied");
    REQUIRE(receiver.receive(before.ours) == 7);
  }
  receiver.text.clear();
  Loopback connection;
  const int what = GENERATE(0, 1, 2);
  CAPTURE(what);
  if (what == 0) {
    send_all(connection.theirs, "there before");
    await_readable(connection.ours);
  } else if (what == 1) {
    connection.close_theirs();
    await_readable(connection.ours);
  }
  receiver.arm(connection.ours);
  if (what == 2) {
    loop.turn();
    send_all(connection.theirs, "comes later!");
  }
  receiver.wait();
  CHECK(receiver.result == (what == 1 ? 0 : 12));
}

TEST_CASE("a stream arrives whole and in order, however its pieces, the receives and the turns of the loop fall", "[io]") {
  for (std::uint64_t seed = 1; seed <= 40; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    const auto below = [&random](std::size_t bound) { return static_cast<std::size_t>(random() % bound); };
    Loop loop;
    Receiver receiver(loop);
    for (int connections = 0; connections < 3; ++connections) {
      Loopback connection;
      std::string sent;
      receiver.text.clear();
      const std::size_t piece_max = std::size_t{1} << below(18);
      for (int step = 0; step < 200; ++step) {
        switch (below(3)) {
          case 0: {
            std::string piece(1 + below(piece_max), '\0');
            std::generate(piece.begin(), piece.end(), [at = sent.size()]() mutable { return static_cast<char>(at++ % 251); });
            const ssize_t taken = ::send(connection.theirs, piece.data(), piece.size(), MSG_DONTWAIT);
            sent += piece.substr(0, taken < 0 ? 0 : static_cast<std::size_t>(taken));
            break;
          }
          case 1:
            if (receiver.done()) {
              receiver.arm(connection.ours);
            }
            break;
          default: loop.turn();
        }
      }
      connection.close_theirs();
      do {
        if (receiver.done()) {
          receiver.arm(connection.ours);
        }
        receiver.wait();
      } while (receiver.result > 0);
      CHECK(receiver.result == 0);
      CHECK(receiver.text.size() == sent.size());
      CHECK((receiver.text == sent));
    }
  }
}
