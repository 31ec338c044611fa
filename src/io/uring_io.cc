// SPDX-License-Identifier: GPL-3.0-or-later
//
// One turn of the loop:
//
//     submit what was queued and wait ──► completions ──► parked receives ──► calls from other threads ──► deferred calls ──► timers ──► …
//
#include "signet/io/uring_io.h"

#include <fmt/core.h>
#include <liburing.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <deque>
#include <mutex>
#include <utility>
#include <vector>

#include "signet/base/check.h"
#include "signet/base/limits.h"
#include "signet/base/log.h"
#include "signet/io/wall_clock.h"
#include "receive_buffers.h"
#include "socket_address.h"

namespace signet::io {

namespace {

enum Kind : std::uint8_t { kind_accept, kind_connect, kind_recv, kind_send };

// user_data of completions that belong to no operation; operations are aligned to more than this.
constexpr std::uint64_t tag_ignored = 1;
constexpr std::uint64_t tag_mailbox = 2;

constexpr Duration accept_pause = std::chrono::milliseconds(100);

TimePoint clock_now() {
  return std::chrono::time_point_cast<Duration>(std::chrono::steady_clock::now());
}

bool is_shortage(int code) {
  return code == EMFILE || code == ENFILE || code == ENOBUFS || code == ENOMEM;
}

bool is_passing(int code) {
  return code == ECONNABORTED || code == EINTR || code == EAGAIN || code == EPROTO || code == EPERM;
}

Error setup_error(int code) {
  std::string reason;
  switch (code) {
    case ENOSYS:
      reason =
          "this kernel has no io_uring (Linux 6.1 or later is needed), or a seccomp profile hides it: allow io_uring_setup, io_uring_enter "
          "and "
          "io_uring_register";
      break;
    case EPERM:
      reason =
          "io_uring is forbidden: see the setting kernel.io_uring_disabled (sysctl; 0 allows it), and the seccomp profile of the container "
          "(io_uring_setup, io_uring_enter, io_uring_register)";
      break;
    case ENOMEM: reason = "no memory may be locked for io_uring: raise RLIMIT_MEMLOCK (ulimit -l)"; break;
    case EINVAL: reason = "this kernel's io_uring is too old (Linux 6.1 or later is needed)"; break;
    default: reason = std::strerror(code);
  }
  return Error{.kind = ErrorKind::internal, .origin = Origin::internal, .detail = "io_uring cannot be used: " + reason};
}

/// Another thread's way to wake a loop: a tiny ring that sends a message to the loop's ring.
class Bell {
 public:
  ~Bell() {
    if (open_) {
      io_uring_queue_exit(&ring_);
    }
  }

  int open() {
    const int result = io_uring_queue_init(8, &ring_, 0);
    open_ = result == 0;
    return result;
  }

  void ring(int target) {
    io_uring_sqe* sqe = io_uring_get_sqe(&ring_);
    SIGNET_CHECK(sqe != nullptr);  // each message is waited for
    io_uring_prep_msg_ring(sqe, target, 0, tag_mailbox, 0);
    io_uring_submit_and_wait(&ring_, 1);
    io_uring_cqe* cqe = nullptr;
    if (io_uring_peek_cqe(&ring_, &cqe) == 0) {
      io_uring_cqe_seen(&ring_, cqe);
    }
  }

 private:
  io_uring ring_{};
  bool open_ = false;
};

}  // namespace

struct UringIo::State {
  io_uring ring{};
  ReceiveBuffers buffers;
  TimePoint now = clock_now();
  TimerWheel timers{now};
  NodeList deferred;
  std::deque<sockaddr_storage> addresses;  ///< of connects that the kernel has not yet seen
  Operation* parked = nullptr;             ///< receives that found no buffer
  std::vector<Operation*> cancelled;       ///< parked operations that were cancelled
  bool ring_open = false;
  bool stopping = false;
  std::size_t unsubmitted_send_bytes = 0;  ///< queued in this turn, since the last submission

  std::mutex mutex;
  std::vector<std::function<void()>> mailbox;  ///< guarded by mutex
  Bell bell;                                   ///< guarded by mutex
  bool rung = false;                           ///< guarded by mutex
  bool closed = false;                         ///< guarded by mutex

  std::vector<Operation*> paused_accepts;  ///< wait until descriptors are free

  io_uring_sqe* sqe();
  void accept(Operation& operation);
  void park(Operation& operation);
  void unpark();
  void unlink_parked(Operation& operation);
  void resume_accepts();
  bool retry_accept(Operation& operation, std::int32_t result);
  void dispatch(const io_uring_cqe& cqe);
  void complete_recv(Operation& operation, const io_uring_cqe& cqe);
  void receive(Operation& operation);
  void deliver_cancelled();
  void take_mail();
  void run_deferred();
  void submit_and_wait();
  void take_completions();

  Timer<State, &State::resume_accepts> accept_timer{this};
};

Result<std::unique_ptr<UringIo>> UringIo::create(const Options& options) {
  auto state = std::make_unique<State>();
  io_uring_params params{};
  params.flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_CQSIZE | IORING_SETUP_CLAMP;
  params.cq_entries = options.queue_entries * 4;
  if (const int result = io_uring_queue_init_params(options.queue_entries, &state->ring, &params); result < 0) {
    return std::unexpected(setup_error(-result));
  }
  state->ring_open = true;
  io_uring_register_ring_fd(&state->ring);  // saves a look-up with each system call, where the kernel can
  io_uring_ring_dontfork(&state->ring);
  if (const Result<void> opened = state->buffers.open(state->ring, options.buffers_max); !opened) {
    io_uring_queue_exit(&state->ring);
    return std::unexpected(opened.error());
  }
  if (const int result = state->bell.open(); result < 0) {
    state->buffers.close(state->ring);
    io_uring_queue_exit(&state->ring);
    return std::unexpected(setup_error(-result));
  }
  return std::unique_ptr<UringIo>(new UringIo(std::move(state)));
}

UringIo::UringIo(std::unique_ptr<State> state) : state_(std::move(state)) {}

UringIo::~UringIo() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->closed = true;
    state_->mailbox.clear();
  }
  io_uring_submit(&state_->ring);  // closes that are still queued
  state_->buffers.close(state_->ring);
  io_uring_queue_exit(&state_->ring);
}

// ---- the loop
// ----------------------------------------------------------------------------------------------------------------------------------

void UringIo::run() {
  State& state = *state_;
  while (!state.stopping) {
    state.submit_and_wait();
    state.now = clock_now();
    state.timers.set_now(state.now);
    state.take_completions();
    state.deliver_cancelled();
    state.unpark();
    state.run_deferred();
    state.timers.advance(state.now);
  }
  state.stopping = false;
}

void UringIo::stop() {
  state_->stopping = true;
}

void UringIo::State::submit_and_wait() {
  // Where completions wait already, of sends that left at once, the library would not enter the kernel for more: the others would starve.
  const bool completed = io_uring_cq_ready(&ring) != 0;
  if (completed || !deferred.empty() || !cancelled.empty() || stopping || (parked != nullptr && buffers.available())) {
    io_uring_submit_and_get_events(&ring);
  } else if (const TimePoint next = timers.next(); next == TimePoint::max()) {
    io_uring_submit_and_wait(&ring, 1);
  } else if (next <= now) {
    io_uring_submit_and_get_events(&ring);
  } else {
    const std::int64_t wait_ns = (next - clock_now()).count();
    __kernel_timespec timeout{.tv_sec = wait_ns / 1'000'000'000, .tv_nsec = wait_ns % 1'000'000'000};
    io_uring_cqe* cqe = nullptr;
    if (wait_ns <= 0) {
      io_uring_submit_and_get_events(&ring);
    } else {
      io_uring_submit_and_wait_timeout(&ring, &cqe, 1, &timeout, nullptr);
    }
  }
  unsubmitted_send_bytes = 0;
  addresses.clear();
}

void UringIo::State::take_completions() {
  io_uring_cqe* cqe = nullptr;
  unsigned head = 0;
  unsigned count = 0;
  io_uring_for_each_cqe(&ring, head, cqe) {
    const io_uring_cqe copy = *cqe;  // the slot is free for the kernel once advanced
    ++count;
    dispatch(copy);
  }
  io_uring_cq_advance(&ring, count);
}

void UringIo::State::dispatch(const io_uring_cqe& cqe) {
  if (cqe.user_data == tag_mailbox) {
    take_mail();
    return;
  }
  if (cqe.user_data == tag_ignored) {
    return;
  }
  auto& operation = *reinterpret_cast<Operation*>(cqe.user_data);  // NOLINT(performance-no-int-to-ptr): as it was given to the kernel
  const bool more = (cqe.flags & IORING_CQE_F_MORE) != 0;
  Completion completion{.result = cqe.res};
  switch (OperationAccess::kind(operation)) {
    case kind_recv: complete_recv(operation, cqe); return;
    case kind_accept:
      if (cqe.res < 0 && !more && retry_accept(operation, cqe.res)) {
        return;
      }
      break;
    case kind_connect:
      if (cqe.res == 0) {
        completion.result = OperationAccess::descriptor(operation);
      } else {
        ::close(OperationAccess::descriptor(operation));
      }
      break;
    default: break;
  }
  OperationAccess::deliver(operation, completion, more);
}

void UringIo::State::complete_recv(Operation& operation, const io_uring_cqe& cqe) {
  Completion completion{.result = cqe.res};
  OperationAccess::emptied(operation) = cqe.res > 0 && (cqe.flags & IORING_CQE_F_SOCK_NONEMPTY) == 0;
  if ((cqe.flags & IORING_CQE_F_BUFFER) != 0) {
    completion.buffer = buffers.take(cqe.flags >> IORING_CQE_BUFFER_SHIFT, cqe.res > 0 ? static_cast<std::uint32_t>(cqe.res) : 0);
  }
  if (cqe.res == -ENOBUFS) {
    OperationAccess::waiting(operation) = true;
    OperationAccess::next(operation) = std::exchange(parked, &operation);
    return;
  }
  if (cqe.res == -EINTR || cqe.res == -EAGAIN) {
    receive(operation);
    return;
  }
  OperationAccess::deliver(operation, completion, false);
}

/// Receives that found the ring empty go again as soon as buffers are there.
void UringIo::State::unpark() {
  if (parked == nullptr || !buffers.replenish()) {
    return;
  }
  for (Operation* operation = std::exchange(parked, nullptr); operation != nullptr;) {
    Operation* following = std::exchange(OperationAccess::next(*operation), nullptr);
    OperationAccess::waiting(*operation) = false;
    receive(*operation);
    operation = following;
  }
}

void UringIo::State::unlink_parked(Operation& operation) {
  Operation** at = &parked;
  while (*at != nullptr && *at != &operation) {
    at = &OperationAccess::next(**at);
  }
  if (*at != nullptr) {
    *at = std::exchange(OperationAccess::next(operation), nullptr);
  }
}

void UringIo::State::deliver_cancelled() {
  for (std::size_t i = 0; i < cancelled.size(); ++i) {
    Completion completion{.result = -ECANCELED};
    OperationAccess::deliver(*cancelled[i], completion, false);
  }
  cancelled.clear();
}

void UringIo::State::run_deferred() {
  NodeList now_due;
  now_due.take_all(deferred);
  while (!now_due.empty()) {
    NodeList::call(now_due.pop_front());
  }
}

void UringIo::State::take_mail() {
  std::vector<std::function<void()>> calls;
  {
    const std::scoped_lock lock(mutex);
    calls.swap(mailbox);
    rung = false;
  }
  for (const std::function<void()>& call : calls) {
    call();
  }
}

void UringIo::post(std::function<void()> call) {
  State& state = *state_;
  const std::scoped_lock lock(state.mutex);
  if (state.closed) {
    return;
  }
  state.mailbox.push_back(std::move(call));
  if (!std::exchange(state.rung, true)) {
    state.bell.ring(state.ring.ring_fd);
  }
}

void UringIo::defer(Node& node) {
  if (!node.linked()) {
    state_->deferred.push_back(node);
  }
}

TimePoint UringIo::now() const {
  return state_->now;
}

WallTime UringIo::wall_now() const {
  return io::wall_now();
}

TimerWheel& UringIo::timers() {
  return state_->timers;
}

// ---- operations
// --------------------------------------------------------------------------------------------------------------------------------

io_uring_sqe* UringIo::State::sqe() {
  io_uring_sqe* entry = io_uring_get_sqe(&ring);
  while (entry == nullptr) {
    io_uring_submit(&ring);
    entry = io_uring_get_sqe(&ring);
  }
  return entry;
}

void UringIo::accept(Operation& operation, Descriptor listener) {
  OperationAccess::begin(operation, kind_accept, listener);
  state_->accept(operation);
}

void UringIo::State::accept(Operation& operation) {
  io_uring_sqe* entry = sqe();
  io_uring_prep_multishot_accept(entry, OperationAccess::descriptor(operation), nullptr, nullptr, SOCK_CLOEXEC);
  io_uring_sqe_set_data(entry, &operation);
}

/// Nothing that the listener's owner could do better: waits, or goes on at once.
bool UringIo::State::retry_accept(Operation& operation, std::int32_t result) {
  if (is_passing(-result)) {
    accept(operation);
    return true;
  }
  if (!is_shortage(-result)) {
    return false;
  }
  log::warning(fmt::format("accept: {}; new connections wait", std::strerror(-result)));
  OperationAccess::waiting(operation) = true;
  paused_accepts.push_back(&operation);
  accept_timer.start(timers, accept_pause);
  return true;
}

void UringIo::State::resume_accepts() {
  for (Operation* operation : std::exchange(paused_accepts, {})) {
    OperationAccess::waiting(*operation) = false;
    accept(*operation);
  }
}

namespace {

/// A peer that has vanished without a word is noticed after a few minutes, also where no timeout of ours waits for it (tunnels).
void keep_alive(int descriptor) {
  const int on = 1;
  const int idle_s = 60;
  const int interval_s = 20;
  ::setsockopt(descriptor, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPIDLE, &idle_s, sizeof(idle_s));
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_KEEPINTVL, &interval_s, sizeof(interval_s));
}

}  // namespace

void UringIo::connect(Operation& operation, const Endpoint& endpoint) {
  const SocketAddress address(endpoint);
  const int descriptor = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  OperationAccess::begin(operation, kind_connect, descriptor < 0 ? -errno : descriptor);
  if (descriptor < 0) {
    io_uring_sqe* entry = state_->sqe();  // an operation that does nothing brings the news from the loop
    io_uring_prep_nop(entry);
    io_uring_sqe_set_data(entry, &operation);
    return;
  }
  const int on = 1;
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  keep_alive(descriptor);
  state_->addresses.push_back(address.storage());
  io_uring_sqe* entry = state_->sqe();
  io_uring_prep_connect(entry, descriptor, reinterpret_cast<const sockaddr*>(&state_->addresses.back()), address.size());
  io_uring_sqe_set_data(entry, &operation);
}

void UringIo::recv(Operation& operation, Descriptor descriptor) {
  OperationAccess::begin(operation, kind_recv, descriptor);
  state_->receive(operation);
}

void UringIo::State::receive(Operation& operation) {
  io_uring_sqe* entry = sqe();
  io_uring_prep_recv(entry, OperationAccess::descriptor(operation), nullptr, 0, 0);
  if (OperationAccess::emptied(operation)) {
    entry->ioprio |= IORING_RECVSEND_POLL_FIRST;  // an attempt now would be in vain
  }
  entry->flags |= IOSQE_BUFFER_SELECT;
  entry->buf_group = ReceiveBuffers::group;
  io_uring_sqe_set_data(entry, &operation);
}

void UringIo::send(Operation& operation, Descriptor descriptor, ByteView bytes) {
  OperationAccess::begin(operation, kind_send, descriptor);
  io_uring_sqe* entry = state_->sqe();
  io_uring_prep_send(entry, descriptor, bytes.data(), bytes.size(), MSG_NOSIGNAL | MSG_WAITALL);
  io_uring_sqe_set_data(entry, &operation);
  state_->unsubmitted_send_bytes += bytes.size();
  if (state_->unsubmitted_send_bytes >= limits::unsubmitted_send_bytes_max) {
    state_->unsubmitted_send_bytes = 0;
    io_uring_submit(&state_->ring);
  }
}

void UringIo::shutdown_send(Descriptor descriptor) {
  ::shutdown(descriptor, SHUT_WR);
}

void UringIo::close(Descriptor descriptor) {
  io_uring_sqe* entry = state_->sqe();
  io_uring_prep_close(entry, descriptor);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(entry, tag_ignored);
}

void UringIo::reset(Descriptor descriptor) {
  const linger at_once{.l_onoff = 1, .l_linger = 0};
  ::setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
  close(descriptor);
}

void UringIo::cancel(Operation& operation) {
  SIGNET_CHECK(operation.active());
  if (OperationAccess::waiting(operation)) {
    OperationAccess::waiting(operation) = false;
    state_->unlink_parked(operation);
    std::erase(state_->paused_accepts, &operation);
    state_->cancelled.push_back(&operation);
    return;
  }
  io_uring_sqe* entry = state_->sqe();
  io_uring_prep_cancel(entry, &operation, 0);
  entry->flags |= IOSQE_CQE_SKIP_SUCCESS;
  io_uring_sqe_set_data64(entry, tag_ignored);
}

// ---- sockets
// -----------------------------------------------------------------------------------------------------------------------------------

Result<Descriptor> UringIo::listen(const Endpoint& endpoint, const ListenOptions& options) {
  const SocketAddress address(endpoint);
  const int descriptor = ::socket(address.family(), SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP);
  const auto failed = [&](const char* step) {
    const int code = errno;
    if (descriptor >= 0) {
      ::close(descriptor);
    }
    return fail(ErrorKind::config, Origin::internal, fmt::format("listen on {}: {}: {}", endpoint.text(), step, std::strerror(code)));
  };
  if (descriptor < 0) {
    return failed("socket");
  }
  const int on = 1;
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  ::setsockopt(descriptor, SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on));
  ::setsockopt(descriptor, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));  // inherited by what it accepts
  keep_alive(descriptor);                                               // likewise
  if (address.family() == AF_INET6) {
    ::setsockopt(descriptor, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof(on));
  }
  if (::bind(descriptor, address.get(), address.size()) != 0) {
    return failed("bind");
  }
  if (::listen(descriptor, options.backlog) != 0) {
    return failed("listen");
  }
  return descriptor;
}

Endpoint UringIo::local_endpoint(Descriptor descriptor) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  ::getsockname(descriptor, reinterpret_cast<sockaddr*>(&storage), &size);
  return endpoint_of(storage);
}

Endpoint UringIo::peer_endpoint(Descriptor descriptor) {
  sockaddr_storage storage{};
  socklen_t size = sizeof(storage);
  ::getpeername(descriptor, reinterpret_cast<sockaddr*>(&storage), &size);
  return endpoint_of(storage);
}

std::string uring_features() {
  io_uring_probe* probe = io_uring_get_probe();
  if (probe == nullptr) {
    return "io_uring: not available";
  }
  const bool message = io_uring_opcode_supported(probe, IORING_OP_MSG_RING) != 0;
  const bool zero_copy = io_uring_opcode_supported(probe, IORING_OP_SEND_ZC) != 0;
  const bool bind = io_uring_opcode_supported(probe, IORING_OP_BIND) != 0;
  io_uring_free_probe(probe);
  return fmt::format("io_uring: {} operations known to the library; msg_ring {}, send_zc {} (not used), bind {} (not used)",
                     static_cast<int>(IORING_OP_LAST), message ? "yes" : "no", zero_copy ? "yes" : "no", bind ? "yes" : "no");
}

}  // namespace signet::io
