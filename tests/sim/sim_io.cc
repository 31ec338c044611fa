// SPDX-License-Identifier: GPL-3.0-or-later
//
// The loop and the operations; the network is in sim_network.cc.
//
#include "sim_io.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "signet/base/check.h"
#include "sim_kinds.h"

namespace signet::sim {

using io::Descriptor;
using io::Operation;
using io::OperationAccess;

namespace {

constexpr TimePoint start_time{std::chrono::hours(24)};
constexpr std::chrono::sys_days start_day{std::chrono::year(2026) / 6 / 1};
constexpr std::uint64_t turn_us_max = 50;    // what a turn with work to do takes
constexpr std::uint64_t late_us_max = 1000;  // how late a turn may see what has become due

}  // namespace

Faults Faults::draw(Random& random) {
  Faults faults;
  if (random.chance(150)) {
    return faults;  // a calm day
  }
  const auto maybe = [&random](std::uint64_t permille_max) {
    const bool on = random.chance(500);
    return static_cast<std::uint32_t>(on ? random.between(1, permille_max) : 0);
  };
  faults.connect_refused = maybe(300);
  faults.connect_unreachable = maybe(200);
  faults.connect_silent = maybe(200);
  faults.reset = maybe(500);
  faults.short_send = maybe(700);
  faults.short_receive = maybe(1000);
  faults.stall = maybe(100);
  faults.accept_ends = maybe(500);
  faults.cancel_lost = static_cast<std::uint32_t>(random.below(1001));
  faults.delay_us_max = std::uint64_t{1} << random.below(16);
  faults.queue_bytes_max = std::uint64_t{1} << random.between(4, 18);
  return faults;
}

SimIo::SimIo(std::uint64_t seed, const Faults& faults) : random_(seed), faults_(faults), now_(start_time), timers_(start_time) {}

SimIo::~SimIo() {
  SIGNET_CHECK(active_operations_ == 0);
}

// ---- the loop
// ----------------------------------------------------------------------------------------------------------------------------------

bool SimIo::turn() {
  bool posted = false;
  {
    const std::scoped_lock lock(mutex_);
    posted = !posted_.empty();
  }
  TimePoint next = timers_.next();
  if (!events_.empty()) {
    next = std::min(next, events_.begin()->first.first);
  }
  const bool at_once = posted || !deferred_.empty();
  if (!at_once && next == TimePoint::max()) {
    return false;
  }
  if (at_once || next <= now_) {
    now_ += std::chrono::microseconds(random_.below(turn_us_max));
  } else {
    const bool late = random_.chance(500);
    now_ = next + std::chrono::microseconds(late ? random_.below(late_us_max) : 0);
  }
  timers_.set_now(now_);
  run_events();
  run_posted();
  run_deferred();
  timers_.advance(now_);
  return true;
}

bool SimIo::run(std::uint64_t turns_max) {
  while (turns_max-- != 0) {
    if (!turn()) {
      return true;
    }
  }
  return false;
}

void SimIo::run_for(Duration time) {
  bool over = false;
  at(time, [&over] { over = true; });
  while (!over) {
    turn();
  }
}

void SimIo::wait_for_post() {
  std::unique_lock lock(mutex_);
  posted_condition_.wait(lock, [this] { return !posted_.empty(); });
}

/// What is due now, and not what this makes due: a turn of the loop sees the completions that were there when it began.
void SimIo::run_events() {
  std::vector<std::function<void()>> due;
  while (!events_.empty() && events_.begin()->first.first <= now_) {
    due.push_back(std::move(events_.begin()->second));
    events_.erase(events_.begin());
  }
  for (const std::function<void()>& event : due) {
    event();
  }
}

void SimIo::run_posted() {
  std::vector<std::function<void()>> calls;
  {
    const std::scoped_lock lock(mutex_);
    calls.swap(posted_);
  }
  for (const std::function<void()>& call : calls) {
    call();
  }
}

void SimIo::run_deferred() {
  io::NodeList due;
  due.take_all(deferred_);
  while (!due.empty()) {
    io::NodeList::call(due.pop_front());
  }
}

void SimIo::at(Duration after, std::function<void()> event) {
  const std::uint64_t tie = random_.next();
  events_.emplace(std::pair{now_ + after, std::pair{tie, ++event_count_}}, std::move(event));
}

Duration SimIo::delay() {
  if (random_.chance(faults_.stall)) {
    return std::chrono::milliseconds(random_.below(faults_.stall_ms_max));
  }
  return std::chrono::microseconds(random_.below(faults_.delay_us_max));
}

void SimIo::defer(io::Node& node) {
  if (!node.linked()) {
    deferred_.push_back(node);
  }
}

void SimIo::post(std::function<void()> call) {
  const std::scoped_lock lock(mutex_);
  posted_.push_back(std::move(call));
  posted_condition_.notify_all();
}

WallTime SimIo::wall_now() const {
  return std::chrono::floor<std::chrono::seconds>(start_day + (now_ - start_time));
}

// ---- operations
// --------------------------------------------------------------------------------------------------------------------------------

SimIo::Slot& SimIo::slot(Socket& at, std::uint8_t kind) {
  switch (kind) {
    case kind_accept: return at.accept;
    case kind_connect: return at.connect;
    case kind_recv: return at.recv;
    default: return at.send;
  }
}

void SimIo::begin(Slot& slot, Operation& operation, std::uint8_t kind, Descriptor descriptor) {
  SIGNET_CHECK(slot.operation == nullptr);  // one of each kind per descriptor
  OperationAccess::begin(operation, kind, descriptor);
  slot = Slot{.operation = &operation, .token = ++last_token_};
  ++active_operations_;
}

/// The event finds its socket and slot again, or finds that it comes too late.
void SimIo::at(Duration after, const Operation& operation, std::uint64_t token, void (SimIo::*event)(Socket&)) {
  const Descriptor id = OperationAccess::descriptor(operation);
  const std::uint8_t kind = OperationAccess::kind(operation);
  at(after, [this, id, kind, token, event] {
    Socket* found = find(id);
    if (found != nullptr && slot(*found, kind).token == token) {
      (this->*event)(*found);
    }
  });
}

void SimIo::complete(Slot& slot, std::int32_t result) {
  if (slot.operation == nullptr || slot.completing) {
    return;
  }
  slot.completing = true;
  slot.result = result;
  void (SimIo::*deliver)(Socket&) = nullptr;
  switch (OperationAccess::kind(*slot.operation)) {
    case kind_accept: deliver = &SimIo::deliver_accept; break;
    case kind_connect: deliver = &SimIo::deliver_connect; break;
    case kind_recv: deliver = &SimIo::deliver_recv; break;
    default: deliver = &SimIo::deliver_send; break;
  }
  at(delay(), *slot.operation, slot.token, deliver);
}

/// Calls the handler: the last thing that a caller does, since the handler may do anything.
void SimIo::finish(Slot& slot, io::Completion& completion, More more) {
  Operation& operation = *slot.operation;
  note(OperationAccess::kind(operation));
  note(static_cast<std::uint64_t>(completion.result));
  note(static_cast<std::uint64_t>(now_.time_since_epoch().count()));
  if (more == More::no) {
    slot = Slot{};
    --active_operations_;
  }
  OperationAccess::deliver(operation, completion, more == More::yes);
}

void SimIo::finish(Slot& slot, std::int32_t result) {
  io::Completion completion{.result = result, .buffer = {}};
  finish(slot, completion, More::no);
}

void SimIo::cancel(Operation& operation) {
  SIGNET_CHECK(operation.active());
  const std::uint8_t kind = OperationAccess::kind(operation);
  Slot& found = slot(socket(OperationAccess::descriptor(operation)), kind);
  SIGNET_CHECK(found.operation == &operation);
  const bool lost = random_.chance(faults_.cancel_lost);
  if (found.completing && !lost) {
    found.cancelled = true;
    return;
  }
  const std::uint64_t token = found.token;
  at(delay(), [this, id = OperationAccess::descriptor(operation), kind, token] {
    Socket* end = find(id);
    if (end == nullptr || slot(*end, kind).token != token) {
      return;
    }
    Slot& late = slot(*end, kind);
    late.cancelled = late.cancelled || !late.completing || kind == kind_accept;
    complete(late, -ECANCELED);
  });
}

// ---- buffers
// -----------------------------------------------------------------------------------------------------------------------------------

io::Buffer SimIo::take_buffer(Socket& end, std::size_t size) {
  const std::uint32_t id = ++last_buffer_;
  auto memory = std::make_unique<std::byte[]>(size);  // exactly as long as what arrived: a sanitizer sees any overrun
  std::copy_n(end.arrived.begin(), size, memory.get());
  end.arrived.erase(end.arrived.begin(), end.arrived.begin() + static_cast<std::ptrdiff_t>(size));
  end.queued -= size;
  std::byte* data = memory.get();
  buffers_.emplace(id, std::move(memory));
  return {*this, id, data, static_cast<std::uint32_t>(size)};
}

void SimIo::give_back(std::uint32_t id) {
  SIGNET_CHECK(buffers_.erase(id) == 1);
  for (const Descriptor hungry : std::exchange(starving_, {})) {
    at(delay(), [this, hungry] {
      if (Socket* end = find(hungry); end != nullptr) {
        progress_recv(*end);
      }
    });
  }
}

}  // namespace signet::sim
