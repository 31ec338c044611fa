// SPDX-License-Identifier: GPL-3.0-or-later
// Callers for measurements: N kept connections of one thread, plain HTTP/1.1 to a port of this machine.
//
//     connect, one call each, warm up ──► prints "ready" ──► reads a line ──► measures, prints a JSON object ──► holds until stdin ends
//
// Whoever started this reads the gateway's CPU clock at "ready" and at the object: all calls between belong to the window, none else does.
// With --rate the loop is open: calls are due at fixed times, and latency counts from the time a call was due, also where it had to wait
// for a free connection (no coordinated omission). Without, each caller calls again as soon as it has its answer.
#include <fmt/core.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <bit>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <deque>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Time = Clock::time_point;
using Nanoseconds = std::chrono::nanoseconds;

// 64512 - 32768 ports are free on a usual machine; beyond this many, callers come from the next address of 127.0.0.0/8.
constexpr std::size_t callers_per_address = 20'000;
constexpr std::size_t read_bytes = 256 * 1024;
constexpr std::size_t head_bytes_max = 64 * 1024;
// After the last call was made: how long its answer may take.
constexpr Nanoseconds finish_max = std::chrono::seconds(30);

struct Options {
  std::uint16_t port = 0;
  std::size_t connections = 1;
  std::size_t parallel = 64;
  double warm_seconds = 0;
  double seconds = 1;
  double rate = 0;
  std::string method = "GET";
  std::size_t body_bytes = 0;
  std::string first;
  std::vector<std::string> targets;
  std::vector<std::string> expected;
};

/// Counts of times in buckets whose width is below 1 % of the value.
class Histogram {
 public:
  void add(Nanoseconds time) {
    const auto value = static_cast<std::uint64_t>(std::max<std::int64_t>(time.count(), 1));
    ++buckets_[bucket(value)];
    ++count_;
    max_ = std::max(max_, value);
    sum_ += static_cast<double>(value);
  }

  /// Upper end of the bucket that holds the quantile, in µs.
  double quantile_us(double quantile) const {
    const auto wanted = static_cast<std::uint64_t>(quantile * static_cast<double>(count_));
    std::uint64_t seen = 0;
    for (std::size_t index = 0; index < buckets_.size(); ++index) {
      seen += buckets_[index];
      if (seen > wanted) return static_cast<double>(std::min(upper_end(index), max_)) / 1000;
    }
    return max_us();
  }
  double max_us() const { return static_cast<double>(max_) / 1000; }
  double mean_us() const { return count_ ? sum_ / static_cast<double>(count_) / 1000 : 0; }

 private:
  static constexpr unsigned bits = 7;

  static std::size_t bucket(std::uint64_t value) {
    const auto width = static_cast<unsigned>(std::bit_width(value));
    if (width <= bits) return value;
    const unsigned shift = width - bits;
    return (std::size_t{shift} << (bits - 1)) + static_cast<std::size_t>(value >> shift);
  }
  static std::uint64_t upper_end(std::size_t index) {
    if (index < (std::size_t{1} << bits)) return index;
    const std::size_t shift = (index >> (bits - 1)) - 1;
    return ((index - (shift << (bits - 1)) + 1) << shift) - 1;
  }

  std::array<std::uint64_t, 64 << bits> buckets_{};
  std::uint64_t count_ = 0, max_ = 0;
  double sum_ = 0;
};

struct Counts {
  std::uint64_t calls = 0, failed = 0, unexpected = 0, connects = 0, bytes = 0;
  std::string first_failure;
  Histogram latency;
};

/// One connection and the call on it.
struct Caller {
  enum class State : std::uint8_t { closed, connecting, idle, calling };

  int descriptor = -1;
  State state = State::closed;
  bool watches_output = false;
  bool head_read = false, expected_seen = true, ends = false;
  std::size_t target = 0, sent = 0, index = 0;
  std::uint64_t body_left = 0;
  Time due;
  std::string head;
};

char small(char letter) {
  return letter >= 'A' && letter <= 'Z' ? static_cast<char>(letter | 0x20) : letter;
}

bool equals_ignoring_case(std::string_view left, std::string_view right) {
  return std::ranges::equal(left, right, {}, small, small);
}

/// Whether the head holds a text; HAProxy writes names of fields in small letters.
bool holds(std::string_view head, std::string_view text) {
  return std::ranges::search(head, text, {}, small, small).begin() != head.end();
}

/// The value of the first field of that name, or nothing.
std::string_view field(std::string_view head, std::string_view name) {
  for (std::size_t at = head.find("\r\n"); at != head.npos && at + 2 < head.size(); at = head.find("\r\n", at + 2)) {
    const std::string_view line = head.substr(at + 2, head.find("\r\n", at + 2) - at - 2);
    if (line.size() <= name.size() || line[name.size()] != ':' || !equals_ignoring_case(line.substr(0, name.size()), name)) continue;
    const std::size_t begin = line.find_first_not_of(' ', name.size() + 1);
    return begin == line.npos ? std::string_view() : line.substr(begin);
  }
  return {};
}

class Load {
 public:
  explicit Load(const Options& options);

  /// Each caller connects and makes one call, some at a time; then all of them call for a while.
  void prepare();
  void measure();

 private:
  enum class Mode : std::uint8_t { finish, first, closed, open };

  std::string request(const std::string& target) const;
  void start_call(Caller& caller, std::size_t target, Time due);
  bool connect(Caller& caller);
  void close(Caller& caller);
  void watch_output(Caller& caller, bool wanted);
  void send(Caller& caller);
  void receive(Caller& caller);
  /// Takes what has been read; false when the answer cannot be understood.
  bool take(Caller& caller, std::string_view data);
  bool take_head(Caller& caller);
  void finish_call(Caller& caller, std::string_view failure);
  void next_call(Caller& caller);
  void call_those_due();
  void turn(Time until);
  void run(Mode mode, Time end);
  std::size_t next_target() { return 1 + next_target_++ % (requests_.size() - 1); }

  const Options& options_;
  std::vector<std::string> requests_;  // of the first target, then of the others
  std::vector<std::string> expected_;
  std::vector<Caller> callers_;
  std::deque<Caller*> idle_;
  std::deque<Time> waiting_;
  std::string buffer_;
  int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
  Mode mode_ = Mode::finish;
  Time end_, next_due_;
  Nanoseconds gap_{};
  std::size_t in_flight_ = 0, not_called_ = 0, next_target_ = 0;
  Counts counts_;
};

Load::Load(const Options& options) : options_(options), callers_(options.connections), buffer_(read_bytes, '\0') {
  requests_.push_back(request(options.first.empty() ? options.targets.front() : options.first));
  for (const std::string& target : options.targets)
    requests_.push_back(request(target));
  expected_ = options.expected;
  expected_.resize(options.targets.size());
  expected_.insert(expected_.begin(), options.first.empty() ? expected_.front() : std::string());
  for (std::size_t index = 0; index < callers_.size(); ++index)
    callers_[index].index = index;
}

std::string Load::request(const std::string& target) const {
  std::string made = fmt::format("{} {} HTTP/1.1\r\nHost: localhost:{}\r\n", options_.method, target, options_.port);
  if (options_.body_bytes) made += fmt::format("Content-Length: {}\r\n", options_.body_bytes);
  made += "\r\n";
  made.append(options_.body_bytes, 'b');
  return made;
}

bool Load::connect(Caller& caller) {
  caller.descriptor = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (caller.descriptor < 0) return false;
  const int yes = 1;
  ::setsockopt(caller.descriptor, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  const std::size_t source = caller.index / callers_per_address;
  if (source > 0) {
    ::setsockopt(caller.descriptor, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(source));
    if (::bind(caller.descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) return false;
  }
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  address.sin_port = htons(options_.port);
  if (::connect(caller.descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 && errno != EINPROGRESS) return false;
  epoll_event event{.events = EPOLLIN | EPOLLOUT, .data = {.ptr = &caller}};
  caller.watches_output = true;
  caller.state = Caller::State::connecting;
  ++counts_.connects;
  return ::epoll_ctl(epoll_, EPOLL_CTL_ADD, caller.descriptor, &event) == 0;
}

void Load::close(Caller& caller) {
  if (caller.descriptor >= 0) ::close(caller.descriptor);
  caller.descriptor = -1;
  caller.state = Caller::State::closed;
}

void Load::watch_output(Caller& caller, bool wanted) {
  if (caller.watches_output == wanted) return;
  epoll_event event{.events = wanted ? EPOLLIN | EPOLLOUT : std::uint32_t{EPOLLIN}, .data = {.ptr = &caller}};
  ::epoll_ctl(epoll_, EPOLL_CTL_MOD, caller.descriptor, &event);
  caller.watches_output = wanted;
}

void Load::start_call(Caller& caller, std::size_t target, Time due) {
  ++in_flight_;
  caller.target = target;
  caller.due = due;
  caller.sent = 0;
  caller.head.clear();
  caller.head_read = caller.ends = false;
  if (caller.state == Caller::State::closed) {
    if (!connect(caller)) finish_call(caller, std::strerror(errno));
    return;
  }
  caller.state = Caller::State::calling;
  send(caller);
}

void Load::send(Caller& caller) {
  const std::string& request = requests_[caller.target];
  while (caller.sent < request.size()) {
    const ssize_t sent = ::send(caller.descriptor, request.data() + caller.sent, request.size() - caller.sent, MSG_NOSIGNAL);
    if (sent >= 0) {
      caller.sent += static_cast<std::size_t>(sent);
    } else if (errno == EAGAIN) {
      return watch_output(caller, true);
    } else {
      return finish_call(caller, std::strerror(errno));
    }
  }
  watch_output(caller, false);
}

bool Load::take_head(Caller& caller) {
  const std::string_view head = caller.head;
  if (!head.starts_with("HTTP/1.1 2")) return false;
  caller.head_read = true;
  caller.ends = equals_ignoring_case(field(head, "connection"), "close");
  caller.expected_seen = expected_[caller.target].empty() || holds(head, expected_[caller.target]);
  caller.body_left = 0;
  const std::string_view length = field(head, "content-length");
  if (length.empty()) return head.starts_with("HTTP/1.1 204");
  return std::from_chars(length.data(), length.data() + length.size(), caller.body_left).ec == std::errc();
}

bool Load::take(Caller& caller, std::string_view data) {
  counts_.bytes += data.size();
  if (!caller.head_read) {
    const std::size_t had = caller.head.size();
    caller.head.append(data.substr(0, head_bytes_max));
    const std::size_t end = caller.head.find("\r\n\r\n");
    if (end == caller.head.npos) return caller.head.size() < head_bytes_max;
    caller.head.resize(end + 4);
    data.remove_prefix(end + 4 - had);
    if (!take_head(caller)) return false;
  }
  if (data.size() > caller.body_left) return false;
  caller.body_left -= data.size();
  return true;
}

void Load::receive(Caller& caller) {
  const ssize_t got = ::recv(caller.descriptor, buffer_.data(), buffer_.size(), 0);
  if (got < 0 && errno == EAGAIN) return;
  if (caller.state != Caller::State::calling) {  // the gateway ends a connection that rests
    std::erase(idle_, &caller);
    close(caller);
    if (mode_ == Mode::open) idle_.push_back(&caller);
    return;
  }
  if (got <= 0) return finish_call(caller, got == 0 ? "connection closed before the end of the answer" : std::strerror(errno));
  if (!take(caller, std::string_view(buffer_.data(), static_cast<std::size_t>(got)))) {
    const std::string told = "not understood: " + caller.head.substr(0, 300);
    return finish_call(caller, told);
  }
  if (caller.head_read && caller.body_left == 0 && caller.sent == requests_[caller.target].size()) finish_call(caller, {});
}

void Load::finish_call(Caller& caller, std::string_view failure) {
  --in_flight_;
  if (failure.empty()) {
    ++counts_.calls;
    counts_.unexpected += caller.expected_seen ? 0 : 1;
    counts_.latency.add(Clock::now() - caller.due);
    caller.state = Caller::State::idle;
    if (caller.ends) close(caller);
  } else {
    ++counts_.failed;
    if (counts_.first_failure.empty()) counts_.first_failure = failure;
    close(caller);
  }
  // A gateway that refuses every call must not make this a recursion without end: failed callers rest.
  if (failure.empty()) next_call(caller);
}

void Load::next_call(Caller& caller) {
  switch (mode_) {
    case Mode::finish: return;
    case Mode::first:
      if (not_called_ > 0) start_call(callers_[callers_.size() - not_called_--], 0, Clock::now());
      return;
    case Mode::closed: {
      const Time now = Clock::now();
      if (now < end_) start_call(caller, next_target(), now);
      return;
    }
    case Mode::open:
      if (waiting_.empty()) {
        idle_.push_back(&caller);
      } else {
        const Time due = waiting_.front();
        waiting_.pop_front();
        start_call(caller, next_target(), due);
      }
  }
}

void Load::call_those_due() {
  for (const Time now = Clock::now(); next_due_ <= now && next_due_ < end_; next_due_ += gap_) {
    if (idle_.empty()) {
      waiting_.push_back(next_due_);
      continue;
    }
    Caller& caller = *idle_.front();
    idle_.pop_front();
    start_call(caller, next_target(), next_due_);
  }
}

void Load::turn(Time until) {
  std::array<epoll_event, 256> events;
  const Nanoseconds left = std::max(Nanoseconds(until - Clock::now()), Nanoseconds(0));
  const timespec timeout{.tv_sec = left.count() / 1'000'000'000, .tv_nsec = left.count() % 1'000'000'000};
  const int count = ::epoll_pwait2(epoll_, events.data(), static_cast<int>(events.size()), &timeout, nullptr);
  for (int index = 0; index < count; ++index) {
    const epoll_event& event = events[static_cast<std::size_t>(index)];
    Caller& caller = *static_cast<Caller*>(event.data.ptr);
    if (caller.state == Caller::State::connecting && (event.events & (EPOLLOUT | EPOLLERR | EPOLLHUP))) {
      caller.state = Caller::State::calling;
      send(caller);
    } else if (caller.state == Caller::State::calling && (event.events & EPOLLOUT)) {
      send(caller);
    }
    if (caller.descriptor >= 0 && caller.state != Caller::State::connecting && (event.events & ~std::uint32_t{EPOLLOUT})) receive(caller);
  }
}

/// Until the mode's calls are made and answered.
void Load::run(Mode mode, Time end) {
  mode_ = mode;
  end_ = end;
  const Time last = std::max(end, Clock::now()) + finish_max;
  while (Clock::now() < last) {
    const Time now = Clock::now();
    if (mode == Mode::open && now < end) {
      call_those_due();
      turn(std::min(next_due_, end));
      continue;
    }
    if (in_flight_ == 0 && waiting_.empty() && (mode != Mode::closed || now >= end)) break;
    if (in_flight_ == 0) break;  // every call failed: nobody is left to call
    turn(last);
  }
  counts_.failed += in_flight_ + waiting_.size();
  if (in_flight_ + waiting_.size() > 0 && counts_.first_failure.empty()) counts_.first_failure = "no answer in time";
  mode_ = Mode::finish;
}

void Load::prepare() {
  mode_ = Mode::first;
  not_called_ = callers_.size();
  for (std::size_t count = std::min(options_.parallel, callers_.size()); count > 0 && not_called_ > 0; --count)
    next_call(callers_.front());
  run(Mode::first, Clock::now());
  if (options_.warm_seconds > 0) {
    const Time now = Clock::now();
    mode_ = Mode::closed;
    end_ = now + std::chrono::duration_cast<Nanoseconds>(std::chrono::duration<double>(options_.warm_seconds));
    for (Caller& caller : callers_)
      start_call(caller, next_target(), now);
    run(Mode::closed, end_);
  }
  fmt::print("ready {{\"calls\": {}, \"failed\": {}, \"unexpected\": {}, \"connects\": {}, \"first_failure\": {}}}\n", counts_.calls,
             counts_.failed, counts_.unexpected, counts_.connects, nlohmann::json(counts_.first_failure).dump());
  std::fflush(stdout);
}

void Load::measure() {
  counts_ = {};
  idle_.clear();
  const Time begin = Clock::now();
  const Time end = begin + std::chrono::duration_cast<Nanoseconds>(std::chrono::duration<double>(options_.seconds));
  end_ = end;
  if (options_.rate > 0) {
    gap_ = Nanoseconds(static_cast<std::int64_t>(1e9 / options_.rate));
    next_due_ = begin + gap_;
    for (Caller& caller : callers_)
      idle_.push_back(&caller);
    run(Mode::open, end);
  } else {
    mode_ = Mode::closed;
    for (Caller& caller : callers_)
      start_call(caller, next_target(), Clock::now());
    run(Mode::closed, end);
  }
  const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const nlohmann::json result = {{"calls", counts_.calls},
                                 {"failed", counts_.failed},
                                 {"unexpected", counts_.unexpected},
                                 {"connects", counts_.connects},
                                 {"bytes", counts_.bytes},
                                 {"seconds", seconds},
                                 {"first_failure", counts_.first_failure},
                                 {"latency_us",
                                  {{"mean", counts_.latency.mean_us()},
                                   {"p50", counts_.latency.quantile_us(0.5)},
                                   {"p90", counts_.latency.quantile_us(0.9)},
                                   {"p99", counts_.latency.quantile_us(0.99)},
                                   {"p999", counts_.latency.quantile_us(0.999)},
                                   {"max", counts_.latency.max_us()}}}};
  fmt::print("{}\n", result.dump());
  std::fflush(stdout);
}

/// Waits for a line; false at the end of the input.
bool read_line() {
  for (int byte = std::getchar(); byte != EOF; byte = std::getchar()) {
    if (byte == '\n') return true;
  }
  return false;
}

}  // namespace

int main(int count, char** arguments) {
  Options options;
  CLI::App app("Callers for measurements: connects, prints \"ready\", waits for a line, measures, prints JSON, holds until stdin ends.");
  app.add_option("--port", options.port, "of the gateway, on 127.0.0.1")->required();
  app.add_option("--connections", options.connections, "callers, each with one kept connection")->check(CLI::Range(1, 1'000'000));
  app.add_option("--parallel", options.parallel, "callers that connect and make their first call at the same time");
  app.add_option("--warm", options.warm_seconds, "seconds of calls before \"ready\"");
  app.add_option("--seconds", options.seconds, "to measure")->check(CLI::Range(0.0, 3600.0));
  app.add_option("--rate", options.rate, "calls per second, due at fixed times; without it, as many as can be made");
  app.add_option("--method", options.method, "of every call");
  app.add_option("--body", options.body_bytes, "bytes of every call's body");
  app.add_option("--first", options.first, "target of each caller's first call; else the first target");
  app.add_option("--target", options.targets, "paths that are called in turn")->required();
  app.add_option("--expect", options.expected, "text that the head of the answer has to hold, one for each target");
  CLI11_PARSE(app, count, arguments);
  Load load(options);
  load.prepare();
  if (read_line()) {
    load.measure();
    while (read_line())
      continue;
  }
  return 0;
}
