// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/gateway/gateway.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>
#include <string_view>
#include <utility>

#include "signet/base/check.h"
#include "signet/base/limits.h"
#include "exchange.h"
#include "session.h"

namespace signet::gateway {

namespace {

/// The same snapshot under a reference count of this shard's own: calls count it up and down without touching what other shards touch.
std::shared_ptr<const config::Snapshot> own_count(std::shared_ptr<const config::Snapshot> snapshot) {
  const config::Snapshot* const object = snapshot.get();
  auto holder = std::make_shared<std::shared_ptr<const config::Snapshot>>(std::move(snapshot));
  return {std::move(holder), object};
}

/// SplitMix64: ids have to differ, not to be secret.
std::uint64_t next_random(std::uint64_t& state) {
  state += 0x9e3779b97f4a7c15U;
  std::uint64_t value = state;
  value = (value ^ (value >> 30)) * 0xbf58476d1ce4e5b9U;
  value = (value ^ (value >> 27)) * 0x94d049bb133111ebU;
  return value ^ (value >> 31);
}

/// To a caller who speaks plain HTTP where TLS is expected.
std::string plain_text_answer() {
  static constexpr std::string_view body = "This port takes HTTPS only.\n";
  return fmt::format("HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{}",
                     body.size(), body);
}

}  // namespace

Gateway::Gateway(io::Io& io, std::shared_ptr<const config::Snapshot> snapshot, Options options)
    : io_(io),
      snapshot_(own_count(std::move(snapshot))),
      options_(std::move(options)),
      pool_(io, options_.session_depot),
      resolver_(io, options_.resolver),
      access_log_(std::move(options_.access_log)),
      activity_state_(options_.seed) {
  if (!options_.ticket_keys) {
    options_.ticket_keys = std::make_shared<wire::TicketKeys>();
  }
  pool_.retain(snapshot_->identity_keys());
  backend_counters_.retain(*snapshot_);
  backend_health_.retain(*snapshot_);
}

Gateway::~Gateway() {
  SIGNET_CHECK(session_count_ == 0 && listeners_open_ == 0);
}

Result<void> Gateway::listen() {
  for (const config::Listener& configured : snapshot_->config().listeners) {
    auto socket = std::make_unique<net::Listener>(io_, *this);
    if (Result<void> opened = socket->open(configured.address); !opened) {
      return opened;
    }
    listeners_.push_back({.socket = std::move(socket), .configured = configured.address});
    ++listeners_open_;
  }
  use_tls();
  return {};
}

/// Each open listener speaks as the snapshot says of its address; one that the snapshot does not have any more goes on as before.
void Gateway::use_tls() {
  const std::vector<config::Listener>& wanted = snapshot_->config().listeners;
  const bool same_places =
      std::ranges::equal(listeners_, wanted, {}, &OpenListener::configured, &config::Listener::address);  // several may have port 0
  for (std::size_t place = 0; place < listeners_.size(); ++place) {
    const auto found = same_places ? wanted.begin() + static_cast<std::ptrdiff_t>(place)
                                   : std::ranges::find(wanted, listeners_[place].configured, &config::Listener::address);
    if (found != wanted.end()) {
      use_tls(listeners_[place], static_cast<std::size_t>(found - wanted.begin()));
    }
  }
}

void Gateway::use_tls(OpenListener& listener, std::size_t place) {
  const std::optional<config::ListenerTls>& settings = snapshot_->config().listeners[place].tls;
  if (!settings) {
    listener.tls = nullptr;
    listener.certificates.clear();
    return;
  }
  const std::vector<std::shared_ptr<const wire::Certificate>>& certificates = snapshot_->listener_certificates(place);
  if (listener.tls && listener.certificates == certificates && listener.min_version == settings->min_version &&
      listener.max_version == settings->max_version) {
    return;
  }
  Result<std::shared_ptr<wire::TlsContext>> made =
      wire::TlsContext::server({.certificate = certificates.front(),
                                .further_certificates = {std::next(certificates.begin()), certificates.end()},
                                .min_version = settings->min_version,
                                .max_version = settings->max_version,
                                .alpn = {"http/1.1"},
                                .ticket_keys = options_.ticket_keys,
                                .answer_to_plain_text = plain_text_answer()});
  SIGNET_CHECK(made.has_value());  // build_snapshot has tried it
  listener.tls = std::move(*made);
  listener.certificates = certificates;
  listener.min_version = settings->min_version;
  listener.max_version = settings->max_version;
}

std::vector<Endpoint> Gateway::listening() const {
  std::vector<Endpoint> addresses;
  for (const OpenListener& listener : listeners_) {
    addresses.push_back(listener.socket->address());
  }
  return addresses;
}

net::ConnectionPool::Retired Gateway::apply(std::shared_ptr<const config::Snapshot> snapshot) {
  snapshot_ = own_count(std::move(snapshot));
  backend_counters_.retain(*snapshot_);
  backend_health_.retain(*snapshot_);
  use_tls();
  return pool_.retain(snapshot_->identity_keys());
}

net::ConnectionPool::Retired Gateway::reconnect(std::string_view backend_id) {
  struct Place {
    wire::IdentityKey identity;
    std::optional<Endpoint> endpoint;  ///< if the backend's URL has an address
    const net::ConnectionCounters* counters;
  };
  std::vector<Place> places;
  for (const std::unique_ptr<const config::Upstream>& upstream : snapshot_->upstreams()) {
    if (upstream->id == backend_id) {
      places.push_back(
          {.identity = upstream->identity_key(), .endpoint = upstream->address, .counters = backend_counters_.of(*upstream).get()});
    }
  }
  return pool_.recycle([&places](const net::Connection& connection) {
    return std::ranges::any_of(places, [&connection](const Place& place) {
      return connection.identity_key() == place.identity &&
             (place.endpoint ? connection.endpoint() == *place.endpoint : connection.may_serve(place.counters));
    });
  });
}

Status Gateway::status() const {
  return {.generation = snapshot_->generation(),
          .callers = session_count_,
          .tls_sessions = pool_.sessions(),
          .counters = counters_,
          .backends = backend_counters_.status(pool_),
          .refusals = refusals_.all()};
}

// ---- sessions
// ------------------------------------------------------------------------------------------------------------------------------

void Gateway::on_connection(io::Descriptor descriptor, const Endpoint& local) {
  if (session_count_ >= snapshot_->config().limits.connections_max) {
    ++counters_.connections_refused;
    io_.close(descriptor);
    return;
  }
  ++counters_.connections_accepted;
  auto* const session = new Session(*this, io_.peer_endpoint(descriptor), local);  // deleted by `forget`
  session->next_ = sessions_;
  if (sessions_ != nullptr) {
    sessions_->previous_ = session;
  }
  sessions_ = session;
  ++session_count_;
  const auto listener = std::ranges::find(listeners_, local, [](const OpenListener& open) { return open.socket->address(); });
  SIGNET_CHECK(listener != listeners_.end());
  session->start(descriptor, listener->tls);
}

void Gateway::forget(Session& session) {
  (session.previous_ == nullptr ? sessions_ : session.previous_->next_) = session.next_;
  if (session.next_ != nullptr) {
    session.next_->previous_ = session.previous_;
  }
  --session_count_;
  delete &session;
  check_done();
}

// ---- exchanges
// -----------------------------------------------------------------------------------------------------------------------------

Exchange& Gateway::take_exchange() {
  if (free_exchanges_.empty()) {
    return *new Exchange(*this);  // back under a unique_ptr in `give_back`
  }
  Exchange* const exchange = free_exchanges_.back().release();
  free_exchanges_.pop_back();
  return *exchange;
}

/// The caller may still be inside one of its functions: nothing is destroyed here.
void Gateway::give_back(Exchange& exchange) {
  free_exchanges_.emplace_back(&exchange);
  if (free_exchanges_.size() > limits::free_exchanges_max || exchange.memory() > limits::free_exchange_bytes_max) {
    io_.defer(trim_deferred_);
  }
}

void Gateway::trim_exchanges() {
  free_exchanges_.resize(std::min(free_exchanges_.size(), limits::free_exchanges_max));
  for (const std::unique_ptr<Exchange>& exchange : free_exchanges_) {
    if (exchange->memory() > limits::free_exchange_bytes_max) {
      exchange->release_memory();
    }
  }
}

/// 32 hexadecimal digits.
void Gateway::append_activity_id(std::string& out) {
  static constexpr std::string_view digits = "0123456789abcdef";
  for (int word = 0; word < 2; ++word) {
    std::uint64_t random = next_random(activity_state_);
    for (int i = 0; i < 16; ++i, random >>= 4) {
      out += digits[random & 15];
    }
  }
}

void Gateway::write_log(const AccessRecord& record) {
  access_log_.write(record);
  io_.defer(log_deferred_);
}

// ---- the end
// -------------------------------------------------------------------------------------------------------------------------------

void Gateway::drain(std::function<void()> done) {
  done_ = std::move(done);
  if (!std::exchange(draining_, true)) {
    for (const OpenListener& listener : listeners_) {
      listener.socket->close();
    }
    for (Session *session = sessions_, *next = nullptr; session != nullptr; session = next) {
      next = session->next_;
      session->drain();
    }
    pool_.drain([this] { check_done(); });
  }
  check_done();
}

void Gateway::stop(std::function<void()> done) {
  drain(std::move(done));
  for (Session *session = sessions_, *next = nullptr; session != nullptr; session = next) {
    next = session->next_;
    session->abort();
  }
  pool_.abort();
}

void Gateway::on_listener_closed() {
  --listeners_open_;
  check_done();
}

void Gateway::check_done() {
  if (!done_ || listeners_open_ != 0 || session_count_ != 0) {
    return;
  }
  if (pool_.connections() != 0) {
    pool_.drain([this] { check_done(); });  // a call in flight may have opened one after the pool was empty
    return;
  }
  io_.defer(done_deferred_);
}

void Gateway::on_done() {
  if (done_) {
    access_log_.flush();
    std::exchange(done_, nullptr)();  // may destroy this
  }
}

}  // namespace signet::gateway
