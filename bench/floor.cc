// SPDX-License-Identifier: GPL-3.0-or-later
// The floor: what moving a call's bytes costs when nothing is done with them. One thread and one ring carry bytes between each caller's
// connection and a connection of its own to a plain HTTP origin; no HTTP, no TLS. What a gateway uses beyond this is its own work.
//
// A call in the pooled case is two receives and two sends, as in a gateway. When one side ends, what it sent is delivered and both are
// closed.
//
// With --spread N, callers own no connection to the origin: N of them are opened in advance, and a caller's next bytes after an answer go
// over the next of these that is free, as the calls of a gateway do that has one connection for each of N identities.
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
  Side* other = nullptr;  // of a spread connection: the caller whose call it carries, or null
  int descriptor = -1;
  bool receiving = false, sending = false, ended = false;
  bool owes = false;        // of a spread connection: its answer has not begun yet
  std::deque<Piece> queue;  // to be sent on this side; the first is on its way while `sending`
};

/// Lives until no operation of it is outstanding. One that is spread has one side only; the other's descriptor is -1.
struct Pair {
  Side caller, origin;
  unsigned operations = 0;
  bool over = false;
};

enum class Kind : std::uint64_t { accept, connect, receive, send };
constexpr std::uint64_t kind_mask = 7;

class Floor {
 public:
  Floor(std::uint16_t listen_port, std::uint16_t origin_port, unsigned spread);
  [[noreturn]] void run();

 private:
  io_uring_sqe* entry(Kind kind, Side* side);
  void start_accept();
  void start_receive(Side& side);
  void start_send(Side& side);
  void accepted(int descriptor);
  void connect(Pair& pair);
  void open_spread(unsigned count);
  bool choose(Side& caller);
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
  std::vector<Side*> spread_;   // connections to the origin that are no caller's own
  std::size_t spread_next_ = 0;
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

Floor::Floor(std::uint16_t listen_port, std::uint16_t origin_port, unsigned spread) : origin_(loopback(origin_port)) {
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
  open_spread(spread);
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
  pair->caller = {.pair = pair, .descriptor = descriptor, .queue = {}};
  if (!spread_.empty()) {
    start_receive(pair->caller);
    return;
  }
  pair->caller.other = &pair->origin;
  pair->origin.other = &pair->caller;
  connect(*pair);
}

void Floor::connect(Pair& pair) {
  pair.origin.pair = &pair;
  pair.origin.descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  set_no_delay(pair.origin.descriptor);
  io_uring_sqe* made = entry(Kind::connect, &pair.origin);
  io_uring_prep_connect(made, pair.origin.descriptor, reinterpret_cast<const sockaddr*>(&origin_), sizeof origin_);
}

void Floor::open_spread(unsigned count) {
  while (spread_.size() < count) {
    Pair* pair = new Pair;
    connect(*pair);
    spread_.push_back(&pair->origin);
  }
}

/// Gives a caller's next call the next free connection. False when there is none.
bool Floor::choose(Side& caller) {
  if (caller.other && caller.other->owes) return true;
  if (caller.other) caller.other->other = nullptr;
  caller.other = nullptr;
  for (std::size_t tried = 0; tried < spread_.size() && !caller.other; ++tried) {
    Side* candidate = spread_[spread_next_];
    spread_next_ = (spread_next_ + 1) % spread_.size();
    if (candidate->other || candidate->owes || !candidate->receiving) continue;
    candidate->owes = true;
    candidate->other = &caller;
    caller.other = candidate;
  }
  return caller.other != nullptr;
}

void Floor::connected(Side& side, int result) {
  if (result < 0) {
    if (!spread_.empty()) fail("connecting to the origin", -result);
    side.pair->over = true;
    return;
  }
  start_receive(side);
  if (side.other) start_receive(*side.other);
}

void Floor::received(Side& side, const io_uring_cqe& completion) {
  const bool more = completion.flags & IORING_CQE_F_MORE;
  if (!more) side.receiving = false;
  const bool from_caller = &side == &side.pair->caller;
  if (completion.res > 0) {
    if (!spread_.empty() && from_caller && !choose(side)) fail("spread: no connection is free", EBUSY);
    const auto buffer = static_cast<std::uint16_t>(completion.flags >> IORING_CQE_BUFFER_SHIFT);
    side.owes = false;
    if (!side.other) {  // the caller of this answer has left
      give_back(buffer);
      if (!more) start_receive(side);
      return;
    }
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
  if (!side.queue.empty() || !side.other || !side.other->ended) return;
  Pair& ended = *side.other->pair;
  ended.over = true;
  if (&ended != side.pair) settle(ended);  // the caller of a spread connection; complete settles this side's own pair
}

/// This side sends no more.
void Floor::end(Side& side) {
  side.ended = true;
  if (!spread_.empty() && &side == &side.pair->origin) fail("spread: the origin has closed a connection", ECONNRESET);
  if (!side.other || side.other->queue.empty()) side.pair->over = true;
}

/// Ends what is over: shut down, so that outstanding operations complete; then closed.
void Floor::settle(Pair& pair) {
  if (!pair.over) return;
  for (Side* side : {&pair.caller, &pair.origin}) {
    if ((side->receiving || side->sending) && !std::exchange(side->ended, true)) ::shutdown(side->descriptor, SHUT_RDWR);
  }
  if (pair.operations > 0) return;
  if (!spread_.empty() && pair.caller.other) pair.caller.other->other = nullptr;
  for (Side* side : {&pair.caller, &pair.origin}) {
    if (side->descriptor >= 0) ::close(side->descriptor);
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
  unsigned spread = 0;
  CLI::App app("Carries bytes between callers and a plain HTTP origin, both on 127.0.0.1, until it is ended.");
  app.add_option("--listen", listen_port, "port for callers")->required();
  app.add_option("--origin", origin_port, "port of the origin")->required();
  app.add_option("--spread", spread,
                 "so many connections to the origin, one after the other for callers' calls; 0: each caller has its own")
      ->check(CLI::Range(0U, 20'000U));
  CLI11_PARSE(app, count, arguments);
  Floor floor(listen_port, origin_port, spread);
  floor.run();
}
