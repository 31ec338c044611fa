// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "signet/base/endpoint.h"
#include "signet/base/result.h"
#include "signet/config/snapshot.h"
#include "signet/gateway/access_log.h"
#include "signet/gateway/backend_counters.h"
#include "signet/gateway/backend_health.h"
#include "signet/gateway/refusal_log.h"
#include "signet/io/io.h"
#include "signet/net/connection_pool.h"
#include "signet/net/listener.h"
#include "signet/net/resolver.h"
#include "signet/net/session_depot.h"
#include "signet/wire/tls_context.h"

namespace signet::gateway {

class Exchange;
class Session;

/// What one shard has done since it started. Read on the shard only.
struct Counters {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;  ///< over the limit
  std::uint64_t calls = 0;
  std::uint64_t calls_failed = 0;  ///< answered by an error of ours, or cut off
  std::uint64_t retries = 0;
  // Of callers' TLS connections.
  std::uint64_t handshakes_full = 0;
  std::uint64_t handshakes_resumed = 0;
  std::uint64_t handshakes_failed = 0;
};

/// A moment of one shard, for the operator.
struct Status {
  std::uint64_t generation = 0;  ///< of the snapshot in force
  std::size_t callers = 0;       ///< connections
  std::size_t tls_sessions = 0;  ///< that may be resumed, in the shard's own cache
  Counters counters;
  std::vector<BackendStatus> backends;
  std::vector<Refusal> refusals;  ///< the last ones, oldest first
};

/// The data plane of one shard: it listens, owns the callers' sessions and the pool towards the back ends, and keeps what calls reuse.
///
///     Listener → Session (one caller's connection) → Exchange (one call) → ConnectionPool → back end
///
/// Lives on its shard; every method is called there. After `drain` or `stop`, destroy it once `done` has been called.
class Gateway final : public net::ConnectionHandler {
 public:
  struct Options {
    net::Resolver* resolver = nullptr;              ///< nullptr: only addresses, no names
    net::SessionDepot* session_depot = nullptr;     ///< shared by all shards; nullptr: none
    std::uint64_t seed = 0;                         ///< of activity ids
    std::shared_ptr<wire::TicketKeys> ticket_keys;  ///< of TLS listeners, shared by all shards; nullptr: this one's own
    AccessLog::Sink access_log;                     ///< takes finished lines; empty: none are written
    std::vector<Endpoint> own_addresses;            ///< of the management listener: no call goes there (internal_address.h)
  };

  Gateway(io::Io& io, std::shared_ptr<const config::Snapshot> snapshot, Options options);
  Gateway(const Gateway&) = delete;
  Gateway& operator=(const Gateway&) = delete;
  ~Gateway();

  /// Opens the snapshot's listeners. Errors: config, with the address and the system's reason.
  [[nodiscard]] Result<void> listen();
  /// As opened; differs from the configuration where that says port 0.
  [[nodiscard]] std::vector<Endpoint> listening() const;

  /// Calls that start from now on use `snapshot`, and nothing more is sent under an identity that it does not contain: see
  /// ConnectionPool::retain. Calls under way go on with the snapshot that they started with, unless they have yet to be given a connection
  /// under such an identity: these start again in `snapshot`.
  ///
  /// Callers who connect from now on are shown the certificates of `snapshot`; open connections stay as they are.
  net::ConnectionPool::Retired apply(std::shared_ptr<const config::Snapshot> snapshot);

  /// Gives up the connections to the backend of this id, under whatever identity: those at rest at once, those that serve a call after it.
  /// TLS sessions stay. Connections that several backends share (same address, same identity) go too; those to the same address under
  /// another identity do not. A connection to a backend by name is known by the call that used it last.
  net::ConnectionPool::Retired reconnect(std::string_view backend_id);

  /// Stops accepting, closes idle callers, answers the calls in flight with Connection: close. `done` once nothing is left.
  void drain(std::function<void()> done);
  /// Cuts everything off. `done` once nothing is left.
  void stop(std::function<void()> done);

  [[nodiscard]] const Counters& counters() const { return counters_; }
  [[nodiscard]] Status status() const;
  [[nodiscard]] const net::ConnectionPool& pool() const { return pool_; }
  [[nodiscard]] std::size_t sessions() const { return session_count_; }

 private:
  friend class Exchange;
  friend class Session;

  /// A listener as it was opened. How it speaks TLS changes with the snapshots, where it is does not.
  struct OpenListener {
    std::unique_ptr<net::Listener> socket;
    Endpoint configured;                                                 ///< port 0 still is 0
    std::vector<std::shared_ptr<const wire::Certificate>> certificates;  ///< what `tls` shows
    std::shared_ptr<wire::TlsContext> tls;                               ///< of connections from now on; null: plain
    wire::TlsVersion min_version{};
    wire::TlsVersion max_version{};
  };

  void use_tls(OpenListener& listener, std::size_t place);
  void use_tls();
  void on_connection(io::Descriptor descriptor, const Endpoint& local) override;
  void on_listener_closed() override;
  Exchange& take_exchange();
  void append_activity_id(std::string& out);
  void write_log(const AccessRecord& record);
  void flush_log() { access_log_.flush(); }
  void trim_exchanges();
  void give_back(Exchange& exchange);
  void forget(Session& session);
  void check_done();
  void on_done();

  io::Io& io_;
  std::shared_ptr<const config::Snapshot> snapshot_;
  Options options_;
  net::ConnectionPool pool_;
  BackendCounters backend_counters_;
  BackendHealth backend_health_;
  net::ResolverCache resolver_;
  AccessLog access_log_;
  RefusalLog refusals_;
  std::vector<OpenListener> listeners_;
  Session* sessions_ = nullptr;  ///< intrusive list
  std::size_t session_count_ = 0;
  std::vector<std::unique_ptr<Exchange>> free_exchanges_;
  std::size_t listeners_open_ = 0;
  Counters counters_;
  std::uint64_t activity_state_;
  std::function<void()> done_;
  io::Deferred<Gateway, &Gateway::flush_log> log_deferred_{this};
  io::Deferred<Gateway, &Gateway::trim_exchanges> trim_deferred_{this};
  io::Deferred<Gateway, &Gateway::on_done> done_deferred_{this};
  bool draining_ = false;
};

}  // namespace signet::gateway
