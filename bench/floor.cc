// SPDX-License-Identifier: GPL-3.0-or-later
// The floor: what moving a call's bytes costs when nothing is done with them. One thread and one ring carry bytes between each caller's
// connection and a connection of its own to a plain HTTP origin; no HTTP, no TLS. What a gateway uses beyond this is its own work.
//
// A call in the pooled case is two receives and two sends, as in a gateway. When one side ends, what it sent is delivered and both are
// closed.
#include <fmt/core.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <utility>
#include <vector>

namespace {

constexpr unsigned queue_entries = 4096;
constexpr unsigned buffer_count = 1024;  // a power of two
constexpr std::uint32_t buffer_bytes = 64 * 1024;
constexpr int buffer_group = 1;
constexpr int backlog = 4096;

struct Piece {
  std::uint16_t buffer;
  std::uint32_t begin, end;
};

struct Pair;

/// One of the two connections of a pair.
struct Side {
  Pair* pair = nullptr;
  Side* other = nullptr;
  int descriptor = -1;
  bool receiving = false, sending = false, ended = false;
  std::deque<Piece> queue;  // to be sent on this side; the first is on its way while `sending`
};

/// Lives until no operation of it is outstanding.
struct Pair {
  Side caller, origin;
  unsigned operations = 0;
  bool over = false;
};

enum class Kind : std::uint64_t { accept, connect, receive, send };
constexpr std::uint64_t kind_mask = 7;

class Floor {
 public:
  Floor(std::uint16_t listen_port, std::uint16_t origin_port);
  [[noreturn]] void run();

 private:
  io_uring_sqe* entry(Kind kind, Side* side);
  void start_accept();
  void start_receive(Side& side);
  void start_send(Side& side);
  void accepted(int descriptor);
  void connected(Side& side, int result);
  void received(Side& side, const io_uring_cqe& completion);
  void sent(Side& side, int result);
  void give_back(std::uint16_t buffer);
  void end(Side& side);
  void settle(Pair& pair);
  void complete(const io_uring_cqe& completion);

  io_uring ring_{};
  io_uring_buf_ring* buffers_ = nullptr;
  std::vector<char> memory_ = std::vector<char>(std::size_t{buffer_count} * buffer_bytes);
  std::vector<Side*> starved_;  // wait for a buffer
  bool buffer_came_back_ = false;
  sockaddr_in origin_{};
  int listener_ = -1;
};

[[noreturn]] void fail(const char* what, int code) {
  fmt::print(stderr, "bench-floor: {}: {}\n", what, std::strerror(code));
  std::exit(1);
}

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(port);
  return address;
}

void set_no_delay(int descriptor) {
  const int yes = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

Floor::Floor(std::uint16_t listen_port, std::uint16_t origin_port) : origin_(loopback(origin_port)) {
  io_uring_params parameters{};
  parameters.flags =
      IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_COOP_TASKRUN | IORING_SETUP_CQSIZE | IORING_SETUP_SUBMIT_ALL;
  parameters.cq_entries = 4 * queue_entries;
  if (const int code = io_uring_queue_init_params(queue_entries, &ring_, &parameters); code < 0) fail("io_uring", -code);
  io_uring_register_ring_fd(&ring_);
  int code = 0;
  buffers_ = io_uring_setup_buf_ring(&ring_, buffer_count, buffer_group, 0, &code);
  if (!buffers_) fail("buffer ring", -code);
  for (unsigned buffer = 0; buffer < buffer_count; ++buffer)
    give_back(static_cast<std::uint16_t>(buffer));

  listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  const int yes = 1;
  ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  const sockaddr_in address = loopback(listen_port);
  if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, backlog) != 0) {
    fail("listen", errno);
  }
  start_accept();
}

io_uring_sqe* Floor::entry(Kind kind, Side* side) {
  io_uring_sqe* made = io_uring_get_sqe(&ring_);
  if (!made) {
    io_uring_submit(&ring_);
    made = io_uring_get_sqe(&ring_);
    if (!made) fail("submission queue", EBUSY);
  }
  made->user_data = reinterpret_cast<std::uint64_t>(side) | static_cast<std::uint64_t>(kind);
  if (side) ++side->pair->operations;
  return made;
}

void Floor::give_back(std::uint16_t buffer) {
  io_uring_buf_ring_add(buffers_, memory_.data() + std::size_t{buffer} * buffer_bytes, buffer_bytes, buffer,
                        io_uring_buf_ring_mask(buffer_count), 0);
  io_uring_buf_ring_advance(buffers_, 1);
  buffer_came_back_ = true;
}

void Floor::start_accept() {
  io_uring_sqe* made = entry(Kind::accept, nullptr);
  io_uring_prep_multishot_accept(made, listener_, nullptr, nullptr, SOCK_CLOEXEC);
}

void Floor::start_receive(Side& side) {
  io_uring_sqe* made = entry(Kind::receive, &side);
  io_uring_prep_recv_multishot(made, side.descriptor, nullptr, 0, 0);
  made->flags |= IOSQE_BUFFER_SELECT;
  made->buf_group = buffer_group;
  side.receiving = true;
}

void Floor::start_send(Side& side) {
  if (side.sending || side.queue.empty()) return;
  const Piece& piece = side.queue.front();
  io_uring_sqe* made = entry(Kind::send, &side);
  io_uring_prep_send(made, side.descriptor, memory_.data() + std::size_t{piece.buffer} * buffer_bytes + piece.begin,
                     piece.end - piece.begin, MSG_WAITALL | MSG_NOSIGNAL);
  side.sending = true;
}

void Floor::accepted(int descriptor) {
  if (descriptor < 0) return;
  set_no_delay(descriptor);
  Pair* pair = new Pair;
  pair->caller = {.pair = pair, .other = &pair->origin, .descriptor = descriptor, .queue = {}};
  pair->origin = {.pair = pair, .other = &pair->caller, .descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), .queue = {}};
  set_no_delay(pair->origin.descriptor);
  io_uring_sqe* made = entry(Kind::connect, &pair->origin);
  io_uring_prep_connect(made, pair->origin.descriptor, reinterpret_cast<const sockaddr*>(&origin_), sizeof origin_);
}

void Floor::connected(Side& side, int result) {
  if (result < 0) {
    side.pair->over = true;
    return;
  }
  start_receive(side);
  start_receive(*side.other);
}

void Floor::received(Side& side, const io_uring_cqe& completion) {
  const bool more = completion.flags & IORING_CQE_F_MORE;
  if (!more) side.receiving = false;
  if (completion.res > 0) {
    const auto buffer = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
    side.other->queue.push_back({.buffer = buffer, .begin = 0, .end = static_cast<std::uint32_t>(completion.res)});
    if (!side.pair->over) start_send(*side.other);
    if (!more && !side.pair->over) start_receive(side);
  } else if (completion.res == -ENOBUFS && !side.pair->over) {
    ++side.pair->operations;  // until it receives again
    starved_.push_back(&side);
  } else {
    end(side);
  }
}

void Floor::sent(Side& side, int result) {
  side.sending = false;
  Piece& piece = side.queue.front();
  if (result <= 0) {
    side.pair->over = true;
    return;
  }
  piece.begin += static_cast<std::uint32_t>(result);
  if (piece.begin == piece.end) {
    give_back(piece.buffer);
    side.queue.pop_front();
  }
  if (!side.pair->over) start_send(side);
  if (side.queue.empty() && side.other->ended) side.pair->over = true;
}

/// This side sends no more.
void Floor::end(Side& side) {
  side.ended = true;
  if (side.other->queue.empty()) side.pair->over = true;
}

/// Ends what is over: shut down, so that outstanding operations complete; then closed.
void Floor::settle(Pair& pair) {
  if (!pair.over) return;
  for (Side* side : {&pair.caller, &pair.origin}) {
    if ((side->receiving || side->sending) && !std::exchange(side->ended, true)) ::shutdown(side->descriptor, SHUT_RDWR);
  }
  if (pair.operations > 0) return;
  for (Side* side : {&pair.caller, &pair.origin}) {
    ::close(side->descriptor);
    for (const Piece& piece : side->queue)
      give_back(piece.buffer);
  }
  delete &pair;
}

void Floor::complete(const io_uring_cqe& completion) {
  const auto kind = static_cast<Kind>(completion.user_data & kind_mask);
  if (kind == Kind::accept) {
    accepted(completion.res);
    if (!(completion.flags & IORING_CQE_F_MORE)) start_accept();
    return;
  }
  Side& side = *reinterpret_cast<Side*>(completion.user_data & ~kind_mask);
  if (!(completion.flags & IORING_CQE_F_MORE)) --side.pair->operations;
  switch (kind) {
    case Kind::connect: connected(side, completion.res); break;
    case Kind::receive: received(side, completion); break;
    case Kind::send: sent(side, completion.res); break;
    case Kind::accept: break;
  }
  settle(*side.pair);
}

void Floor::run() {
  while (true) {
    const int code = io_uring_submit_and_wait(&ring_, 1);
    if (code < 0 && code != -EINTR) fail("io_uring_enter", -code);
    io_uring_cqe* completion = nullptr;
    unsigned head = 0, seen = 0;
    io_uring_for_each_cqe(&ring_, head, completion) {
      complete(*completion);
      ++seen;
    }
    io_uring_cq_advance(&ring_, seen);
    if (!std::exchange(buffer_came_back_, false)) continue;
    for (Side* side : std::exchange(starved_, {})) {
      --side->pair->operations;
      if (!side->pair->over) start_receive(*side);
      settle(*side->pair);
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  std::uint16_t listen_port = 0, origin_port = 0;
  CLI::App app("Carries bytes between callers and a plain HTTP origin, both on 127.0.0.1, until it is ended.");
  app.add_option("--listen", listen_port, "port for callers")->required();
  app.add_option("--origin", origin_port, "port of the origin")->required();
  CLI11_PARSE(app, count, arguments);
  Floor floor(listen_port, origin_port);
  floor.run();
}
