// SPDX-License-Identifier: GPL-3.0-or-later
//
// One turn of the thread:
//
//     names that were asked for go to c-ares ──► wait for its sockets, a deadline, or the bell ──► c-ares calls back ──► …
//
// c-ares has no way to cancel one query, so a query whose time is over is answered by us and then stays until c-ares lets go of it.
//
#include "signet/net/resolver.h"

#include <ares.h>
#include <fmt/core.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <iterator>
#include <limits>
#include <list>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "signet/base/check.h"

namespace signet::net {

namespace {

using Clock = std::chrono::steady_clock;

constexpr int try_timeout_ms = 2000;
constexpr int tries = 2;

Error unavailable(std::string detail) {
  return Error{.kind = ErrorKind::internal, .origin = Origin::internal, .detail = "resolver: " + std::move(detail)};
}

Resolver::Lookup failed(Resolver::Outcome outcome, std::string_view host, std::string_view reason) {
  return {.outcome = outcome,
          .endpoints = {},
          .error = Error{.kind = ErrorKind::dns_failure, .origin = Origin::backend, .detail = fmt::format("resolve {}: {}", host, reason)}};
}

bool is_answer(int status) {
  return status == ARES_ENOTFOUND || status == ARES_ENODATA || status == ARES_EBADNAME;
}

/// As for a socket, but without port.
void append_endpoint(const sockaddr& address, std::vector<Endpoint>& endpoints) {
  Endpoint endpoint;
  if (address.sa_family == AF_INET) {
    sockaddr_in ipv4{};
    std::memcpy(&ipv4, &address, sizeof(ipv4));
    std::memcpy(endpoint.address.data(), &ipv4.sin_addr, sizeof(ipv4.sin_addr));
  } else if (address.sa_family == AF_INET6) {
    sockaddr_in6 ipv6{};
    std::memcpy(&ipv6, &address, sizeof(ipv6));
    endpoint.family = Endpoint::Family::ipv6;
    endpoint.scope = ipv6.sin6_scope_id;
    std::memcpy(endpoint.address.data(), &ipv6.sin6_addr, sizeof(ipv6.sin6_addr));
  } else {
    return;
  }
  if (std::find(endpoints.begin(), endpoints.end(), endpoint) == endpoints.end()) {
    endpoints.push_back(endpoint);
  }
}

Resolver::Lookup found(const ares_addrinfo& answer, std::string_view host) {
  int ttl = std::numeric_limits<int>::max();
  for (const ares_addrinfo_cname* cname = answer.cnames; cname != nullptr; cname = cname->next) {
    ttl = std::min(ttl, cname->ttl);
  }
  std::vector<Endpoint> endpoints;
  for (const ares_addrinfo_node* node = answer.nodes; node != nullptr; node = node->ai_next) {
    ttl = std::min(ttl, node->ai_ttl);
    append_endpoint(*node->ai_addr, endpoints);
  }
  if (endpoints.empty()) {
    return failed(Resolver::Outcome::not_found, host, "no address");
  }
  return {
      .outcome = Resolver::Outcome::found, .endpoints = std::move(endpoints), .ttl = std::chrono::seconds(std::max(ttl, 0)), .error = {}};
}

}  // namespace

struct Resolver::State {
  struct Query {
    State* state;
    std::string host;
    Answer answer;  ///< empty once it was called
    Clock::time_point deadline;
    std::list<Query>::iterator self;
  };

  explicit State(const Options& given) : options(given) {}
  State(const State&) = delete;
  State& operator=(const State&) = delete;
  ~State();

  Result<void> open();
  Result<void> set_servers();
  void run();
  bool take_asked();
  void begin(std::string host, Answer answer);
  void wait();
  [[nodiscard]] int wait_ms();
  void expire();
  void watch(ares_socket_t socket, bool readable, bool writable);
  void ring() const;
  static void on_answer(void* argument, int status, int timeouts, ares_addrinfo* answer);

  const Options options;
  ares_channel channel = nullptr;
  int bell = -1;
  std::list<Query> queries;     ///< with c-ares
  std::vector<pollfd> sockets;  ///< of c-ares
  std::vector<pollfd> polled;
  std::thread thread;

  std::mutex mutex;
  std::vector<std::pair<std::string, Answer>> asked;  ///< guarded by mutex
  bool stopping = false;                              ///< guarded by mutex
};

Result<std::unique_ptr<Resolver>> Resolver::create(const Options& options) {
  auto state = std::make_unique<State>(options);
  if (Result<void> opened = state->open(); !opened) {
    return std::unexpected(std::move(opened.error()));
  }
  try {
    state->thread = std::thread([self = state.get()] {
      pthread_setname_np(pthread_self(), "signet-resolver");
      self->run();
    });
  } catch (const std::system_error& error) {
    return std::unexpected(unavailable(error.what()));
  }
  return std::unique_ptr<Resolver>(new Resolver(std::move(state)));
}

std::string resolver_library_version() {
  return fmt::format("c-ares {}", ares_version(nullptr));
}

Resolver::Resolver(std::unique_ptr<State> state) : state_(std::move(state)) {}

Resolver::~Resolver() {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->stopping = true;
  }
  state_->ring();
  state_->thread.join();
}

void Resolver::resolve(std::string host, Answer answer) {
  {
    const std::scoped_lock lock(state_->mutex);
    state_->asked.emplace_back(std::move(host), std::move(answer));
  }
  state_->ring();
}

// ---- set-up
// ------------------------------------------------------------------------------------------------------------------------------------

Result<void> Resolver::State::open() {
  static const int library = ares_library_init(ARES_LIB_INIT_ALL);  // kept until the process ends
  if (library != ARES_SUCCESS) {
    return std::unexpected(unavailable(ares_strerror(library)));
  }
  ares_options settings{};
  std::string lookups = "fb";  // the hosts file, then the servers
  settings.lookups = lookups.data();
  settings.timeout = try_timeout_ms;
  settings.tries = tries;
  settings.sock_state_cb = [](void* self, ares_socket_t socket, int readable, int writable) {
    static_cast<State*>(self)->watch(socket, readable != 0, writable != 0);
  };
  settings.sock_state_cb_data = this;
  const int mask = ARES_OPT_LOOKUPS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB;
  if (const int status = ares_init_options(&channel, &settings, mask); status != ARES_SUCCESS) {
    channel = nullptr;
    return std::unexpected(unavailable(ares_strerror(status)));
  }
  bell = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (bell < 0) {
    return std::unexpected(unavailable(std::strerror(errno)));
  }
  return options.servers.empty() ? Result<void>{} : set_servers();
}

Result<void> Resolver::State::set_servers() {
  std::vector<ares_addr_port_node> nodes(options.servers.size());
  for (std::size_t i = 0; i < nodes.size(); ++i) {
    const Endpoint& server = options.servers[i];
    const bool ipv4 = server.family == Endpoint::Family::ipv4;
    nodes[i].next = i + 1 < nodes.size() ? &nodes[i + 1] : nullptr;
    nodes[i].family = ipv4 ? AF_INET : AF_INET6;
    std::memcpy(&nodes[i].addr, server.address.data(), ipv4 ? 4 : 16);
    nodes[i].udp_port = nodes[i].tcp_port = server.port;
  }
  if (const int status = ares_set_servers_ports(channel, nodes.data()); status != ARES_SUCCESS) {
    return std::unexpected(unavailable(ares_strerror(status)));
  }
  return {};
}

Resolver::State::~State() {
  if (channel != nullptr) {
    ares_destroy(channel);
  }
  if (bell >= 0) {
    ::close(bell);
  }
}

// ---- the thread
// --------------------------------------------------------------------------------------------------------------------------------

void Resolver::State::run() {
  while (take_asked()) {
    wait();
    expire();
  }
  ares_cancel(channel);  // answers what is left
  SIGNET_CHECK(queries.empty());
}

/// False when it is time to stop; whoever asked last is answered all the same.
bool Resolver::State::take_asked() {
  std::vector<std::pair<std::string, Answer>> taken;
  bool go_on = true;
  {
    const std::scoped_lock lock(mutex);
    taken.swap(asked);
    go_on = !stopping;
  }
  for (auto& [host, answer] : taken) {
    if (!go_on) {
      answer(failed(Outcome::failed, host, "the resolver stops"));
    } else if (queries.size() >= options.outstanding_max) {
      Lookup lookup = failed(Outcome::failed, host, fmt::format("{} names are being resolved already", queries.size()));
      lookup.error.kind = ErrorKind::overload;
      lookup.error.origin = Origin::internal;
      answer(std::move(lookup));
    } else {
      begin(std::move(host), std::move(answer));
    }
  }
  return go_on;
}

void Resolver::State::begin(std::string host, Answer answer) {
  Query& query = queries.emplace_back(
      Query{.state = this, .host = std::move(host), .answer = std::move(answer), .deadline = Clock::now() + options.timeout, .self = {}});
  query.self = std::prev(queries.end());
  ares_addrinfo_hints hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = ARES_AI_ENVHOSTS;
  ares_getaddrinfo(channel, query.host.c_str(), nullptr, &hints, &State::on_answer, &query);  // may answer at once
}

void Resolver::State::on_answer(void* argument, int status, int /*timeouts*/, ares_addrinfo* answer) {
  Query& query = *static_cast<Query*>(argument);
  Lookup lookup = status == ARES_SUCCESS
                      ? found(*answer, query.host)
                      : failed(is_answer(status) ? Outcome::not_found : Outcome::failed, query.host, ares_strerror(status));
  if (answer != nullptr) {
    ares_freeaddrinfo(answer);
  }
  const Answer call = std::move(query.answer);
  query.state->queries.erase(query.self);
  if (call) {
    call(std::move(lookup));
  }
}

void Resolver::State::watch(ares_socket_t socket, bool readable, bool writable) {
  const auto known = std::find_if(sockets.begin(), sockets.end(), [socket](const pollfd& entry) { return entry.fd == socket; });
  if (!readable && !writable) {
    if (known != sockets.end()) {
      sockets.erase(known);
    }
    return;
  }
  pollfd& entry = known != sockets.end() ? *known : sockets.emplace_back(pollfd{.fd = socket, .events = 0, .revents = 0});
  entry.events = static_cast<short>((readable ? POLLIN : 0) | (writable ? POLLOUT : 0));
}

void Resolver::State::wait() {
  polled = sockets;
  polled.push_back(pollfd{.fd = bell, .events = POLLIN, .revents = 0});
  if (poll(polled.data(), static_cast<nfds_t>(polled.size()), wait_ms()) < 0) {
    return;  // interrupted
  }
  if (polled.back().revents != 0) {
    std::uint64_t rings = 0;
    [[maybe_unused]] const ssize_t size = ::read(bell, &rings, sizeof(rings));
  }
  polled.pop_back();
  for (const pollfd& entry : polled) {
    if (entry.revents != 0) {
      const bool readable = (entry.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
      const bool writable = (entry.revents & (POLLOUT | POLLERR)) != 0;
      ares_process_fd(channel, readable ? entry.fd : ARES_SOCKET_BAD, writable ? entry.fd : ARES_SOCKET_BAD);
    }
  }
  ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);  // its timeouts
}

/// Until c-ares or one of our deadlines needs us; -1 without queries.
int Resolver::State::wait_ms() {
  if (queries.empty()) {
    return -1;
  }
  timeval limit{.tv_sec = 3600, .tv_usec = 0};
  timeval storage{};
  const timeval* until = ares_timeout(channel, &limit, &storage);
  auto wait = std::chrono::milliseconds(until->tv_sec * 1000 + until->tv_usec / 1000 + 1);
  const Clock::time_point now = Clock::now();
  for (const Query& query : queries) {
    if (query.answer) {
      wait = std::min(wait, std::chrono::ceil<std::chrono::milliseconds>(query.deadline - now));
    }
  }
  return static_cast<int>(std::max<std::int64_t>(wait.count(), 0));
}

void Resolver::State::expire() {
  const Clock::time_point now = Clock::now();
  for (Query& query : queries) {
    if (query.answer && query.deadline <= now) {
      std::exchange(query.answer, {})(failed(Outcome::failed, query.host, "no answer in time"));
    }
  }
}

void Resolver::State::ring() const {
  const std::uint64_t one = 1;
  [[maybe_unused]] const ssize_t size = ::write(bell, &one, sizeof(one));  // fails only when it rings already
}

}  // namespace signet::net
