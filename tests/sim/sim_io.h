// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "signet/io/io.h"
#include "random.h"

namespace signet::sim {

/// How bad the network is. Chances are in permille.
struct Faults {
  std::uint32_t connect_refused = 0;      ///< of connects
  std::uint32_t connect_unreachable = 0;  ///< of connects
  std::uint32_t connect_silent = 0;       ///< of connects: no answer, ever
  std::uint32_t reset = 0;                ///< of connections: both sides see a reset at some time
  std::uint32_t short_send = 0;           ///< of sends: they end before all is sent
  std::uint32_t short_receive = 0;        ///< of receives: less than there is
  std::uint32_t stall = 0;                ///< of completions: very late
  std::uint32_t accept_ends = 0;          ///< of accepts: the multishot operation ends
  std::uint32_t cancel_lost = 500;        ///< of cancellations that meet an operation which is about to complete: they come too late
  std::uint64_t delay_us_max = 300;       ///< of completions and of bytes on their way
  std::uint64_t stall_ms_max = 400;
  std::uint64_t queue_bytes_max = 256 * 1024;  ///< bytes on their way and unread, per direction, differs from connection to connection
  std::uint32_t buffers_max = 100'000;         ///< received buffers in use at once, by both ends of all connections; not drawn

  /// Every fault is on in some runs and off in others, so that rare ones are not hidden behind frequent ones.
  static Faults draw(Random& random);
};

/// A network, a clock and a loop that a seed decides.
///
/// Both ends of every connection are descriptors of the same SimIo: what plays the peer uses the same calls as the code under test. Sockets
/// behave as TCP does on Linux: a full queue blocks the sender, FIN comes after the bytes before it, closing with unread bytes resets,
/// bytes for a closed socket are answered by a reset, and a reset may destroy what had arrived but was not read. What arrives is confirmed
/// with the next bytes or the FIN that go back, or a while later. Time passes only in `turn`.
///
/// A promise of the caller that is broken (an unknown descriptor, a second receive, a close under an active operation) is a failed check.
class SimIo : public io::Io, private io::BufferSource {
 public:
  explicit SimIo(std::uint64_t seed, const Faults& faults = {});
  /// REQUIRES: no operation is active.
  ~SimIo() override;

  /// One turn of the loop, in the order of UringIo. False if nothing was to do, and nothing will be by the passage of time.
  bool turn();
  /// Turns until nothing is to do, or `turns_max` is reached: false.
  bool run(std::uint64_t turns_max = 1'000'000);
  /// Turns until `done()`; false if that cannot happen any more, or not within `turns_max`.
  template <typename Done>
  bool run_until(Done done, std::uint64_t turns_max = 1'000'000) {
    for (; !done(); --turns_max) {
      if (turns_max == 0 || !turn()) {
        return done();
      }
    }
    return true;
  }
  /// Lets `time` pass, and what happens in it happen.
  void run_for(Duration time);
  /// For tests with real threads: waits until somebody has posted.
  void wait_for_post();

  [[nodiscard]] std::size_t open_descriptors() const { return open_descriptors_; }
  [[nodiscard]] std::size_t active_operations() const { return active_operations_; }
  [[nodiscard]] std::size_t buffers_in_use() const { return buffers_.size(); }
  [[nodiscard]] Random& random() { return random_; }
  /// Of everything that happened so far: equal for two runs of one seed.
  [[nodiscard]] std::uint64_t trace() const { return trace_; }

  Result<io::Descriptor> listen(const Endpoint& address, const io::ListenOptions& options) override;
  Endpoint local_endpoint(io::Descriptor descriptor) override;
  Endpoint peer_endpoint(io::Descriptor descriptor) override;
  void accept(io::Operation& operation, io::Descriptor listener) override;
  void connect(io::Operation& operation, const Endpoint& endpoint) override;
  void recv(io::Operation& operation, io::Descriptor descriptor) override;
  void send(io::Operation& operation, io::Descriptor descriptor, ByteView bytes) override;
  void shutdown_send(io::Descriptor descriptor) override;
  void close(io::Descriptor descriptor) override;
  void reset(io::Descriptor descriptor) override;
  io::SendProgress send_progress(io::Descriptor descriptor) override;
  void cancel(io::Operation& operation) override;
  [[nodiscard]] TimePoint now() const override { return now_; }
  [[nodiscard]] WallTime wall_now() const override;
  [[nodiscard]] io::TimerWheel& timers() override { return timers_; }
  void defer(io::Node& node) override;
  void post(std::function<void()> call) override;

 private:
  enum class More : std::uint8_t { no, yes };
  /// An operation and how far it is.
  struct Slot {
    io::Operation* operation = nullptr;
    std::uint64_t token = 0;  ///< differs for each use, so that late events find out that they are
    bool completing = false;  ///< its completion is on its way
    bool cancelled = false;   ///< and says -ECANCELED
    std::int32_t result = 0;  ///< or this, where it is known before
  };
  struct Segment {
    TimePoint arrival;
    ByteVector bytes;                   ///< empty: FIN
    std::uint64_t confirmed_bytes = 0;  ///< of the other direction
  };
  /// One end of a connection, or a listener, or an end to be (of a connect).
  struct Socket {
    io::Descriptor id = -1;
    io::Descriptor other = -1;  ///< the far end
    Endpoint local;
    Endpoint peer;
    bool listening = false;
    bool open = true;  ///< not yet closed
    // a listener
    Slot accept;
    std::deque<io::Descriptor> backlog;
    // an end
    Slot connect;
    Slot recv;
    Slot send;
    ByteView sending;
    std::size_t sent = 0;
    bool send_ends_short = false;
    bool fin_sent = false;
    std::deque<Segment> wire;       ///< towards this end
    std::deque<std::byte> arrived;  ///< unread
    std::size_t queue_bytes = 0;    ///< capacity of wire and arrived together
    std::size_t queued = 0;         ///< in both
    TimePoint last_arrival{};
    std::uint64_t received_bytes = 0;   ///< arrived, read or not
    std::uint64_t handed_bytes = 0;     ///< taken from sends
    std::uint64_t confirmed_bytes = 0;  ///< of those
    bool fin_arrived = false;
    bool reset = false;
    bool reset_told = false;
  };

  Socket& socket(io::Descriptor descriptor);
  Socket* find(io::Descriptor descriptor);
  Socket& make_socket();
  Socket& release(io::Descriptor descriptor);
  void forget_if_gone(io::Descriptor descriptor);
  static Slot& slot(Socket& at, std::uint8_t kind);
  void begin(Slot& slot, io::Operation& operation, std::uint8_t kind, io::Descriptor descriptor);
  void complete(Slot& slot, std::int32_t result);
  void deliver_accept(Socket& listener);
  void deliver_recv(Socket& end);
  void deliver_send(Socket& end);
  void deliver_connect(Socket& end);
  void finish(Slot& slot, io::Completion& completion, More more);
  void finish(Slot& slot, std::int32_t result);
  void run_events();
  void run_deferred();
  void run_posted();

  void establish(Socket& end);
  void give_up(Socket& end);
  Socket* listener_at(const Endpoint& endpoint);
  void progress_accept(Socket& listener);
  void progress_recv(Socket& end);
  void progress_send(Socket& end);
  void put_on_wire(Socket& to, ByteVector bytes);
  void arrive(io::Descriptor id);
  void confirm_later(const Socket& end);
  void send_fin(Socket& from);
  void reset_later(io::Descriptor id);
  void reset_now(Socket& end);
  std::int32_t reset_result(Socket& end, std::int32_t afterwards);
  io::Buffer take_buffer(Socket& end, std::size_t size);
  void give_back(std::uint32_t id) override;

  Duration delay();
  void at(Duration after, std::function<void()> event);
  void at(Duration after, const io::Operation& operation, std::uint64_t token, void (SimIo::*event)(Socket&));
  void note(std::uint64_t value) { trace_ = (trace_ ^ value) * 0x100000001b3; }

  Random random_;
  Faults faults_;
  TimePoint now_;
  io::TimerWheel timers_;
  io::NodeList deferred_;
  std::map<std::pair<TimePoint, std::pair<std::uint64_t, std::uint64_t>>, std::function<void()>> events_;  ///< by time, then by chance
  std::map<io::Descriptor, std::unique_ptr<Socket>> sockets_;
  std::map<std::uint32_t, std::unique_ptr<std::byte[]>> buffers_;
  std::deque<io::Descriptor> starving_;  ///< receives that found no buffer
  io::Descriptor last_id_ = 999;
  std::uint32_t last_buffer_ = 0;
  std::uint16_t last_port_ = 40'000;
  std::uint64_t last_token_ = 0;
  std::uint64_t event_count_ = 0;
  std::size_t open_descriptors_ = 0;
  std::size_t active_operations_ = 0;
  std::uint64_t trace_ = 0xcbf29ce484222325;

  std::mutex mutex_;
  std::condition_variable posted_condition_;
  std::vector<std::function<void()>> posted_;  ///< guarded by mutex_
};

}  // namespace signet::sim
