// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "signet/base/clock.h"
#include "signet/base/endpoint.h"
#include "signet/base/limits.h"
#include "signet/base/result.h"
#include "signet/io/io.h"
#include "signet/io/timer.h"

namespace signet::net {

/// Asks the system's name servers. One per process, with a thread of its own; it keeps nothing: see ResolverCache.
///
/// The hosts file comes first (/etc/hosts, or the file that the environment variable CARES_HOSTS names), then the servers and search
/// domains of /etc/resolv.conf. Both address families are asked for; the addresses come in the order of RFC 6724.
class Resolver {
 public:
  struct Options {
    std::vector<Endpoint> servers;  ///< to ask instead of those of /etc/resolv.conf
    Duration timeout = limits::resolve_timeout;
    std::uint32_t outstanding_max = limits::resolve_outstanding_max;
  };

  enum class Outcome : std::uint8_t {
    found,      ///< at least one address
    not_found,  ///< a server says that there is no such name, or that it has no address
    failed,     ///< nobody could say
  };

  struct Lookup {
    Outcome outcome = Outcome::failed;
    std::vector<Endpoint> endpoints;  ///< without port
    Duration ttl{};                   ///< of the shortest-lived record; zero for the hosts file
    Error error;                      ///< dns_failure, or overload; unless found
  };

  /// Called once, on the resolver's thread, and may not block there.
  using Answer = std::function<void(Lookup lookup)>;

  /// Error: internal, when the system lacks memory, descriptors or threads.
  [[nodiscard]] static Result<std::unique_ptr<Resolver>> create(const Options& options);
  Resolver(const Resolver&) = delete;
  Resolver& operator=(const Resolver&) = delete;
  /// Whoever still waits for an answer gets a failure first. No cache may ask any more.
  ~Resolver();

  /// Thread-safe.
  void resolve(std::string host, Answer answer);

 private:
  struct State;
  explicit Resolver(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Where a name leads. Immutable; held by whoever tries one address after the other.
struct Resolution {
  std::vector<Endpoint> endpoints;  ///< at least one, with port
};

/// What one shard knows about names. Lives on its shard.
///
/// An answer is kept for its time to live, within bounds. After that it still serves while a new one is fetched, and longer when no server
/// answers: a dead name server must not take down back ends that are well. That a name does not exist is an answer too, and replaces an
/// older one. One query per name is under way at a time, however many wait for it.
class ResolverCache {
 public:
  /// Waits for one name at a time. Its destructor cancels.
  class Waiter : private io::Node {
   public:
    virtual void on_resolved(const std::shared_ptr<const Resolution>& resolution) = 0;
    /// `error`: dns_failure, or overload.
    virtual void on_resolve_failed(Error error) = 0;

   protected:
    virtual ~Waiter() = default;

   private:
    friend class ResolverCache;
    std::shared_ptr<const Error> failure_;  ///< known already, to be told from the loop
  };

  /// Without a resolver only IP addresses are answered. `resolver` must outlive the cache.
  ResolverCache(io::Io& io, Resolver* resolver, std::size_t entries_max = limits::resolve_entries_max);
  ResolverCache(const ResolverCache&) = delete;
  ResolverCache& operator=(const ResolverCache&) = delete;
  /// Queries may be under way: their answers are dropped. REQUIRES: nobody waits; not from inside a waiter's call.
  ~ResolverCache();

  /// `host` is a name or an IP address without brackets. Known: at once. Else null, and the
  /// waiter hears later, from the loop. REQUIRES: `waiter` does not wait already.
  [[nodiscard]] std::shared_ptr<const Resolution> find(std::string_view host, std::uint16_t port, Waiter& waiter);
  /// `waiter` hears nothing. One that does not wait is left alone.
  void cancel(Waiter& waiter);

  [[nodiscard]] std::size_t entries() const { return entries_.size(); }

 private:
  struct KeyView {
    std::string_view host;
    std::uint16_t port;
  };
  struct Key {
    std::string host;  ///< as it was asked for
    std::uint16_t port;
  };
  struct KeyHash {
    using is_transparent = void;
    std::size_t operator()(const KeyView& key) const noexcept;
    std::size_t operator()(const Key& key) const noexcept { return (*this)(KeyView{key.host, key.port}); }
  };
  struct KeyEqual {
    using is_transparent = void;
    static KeyView view(const KeyView& key) { return key; }
    static KeyView view(const Key& key) { return {key.host, key.port}; }
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return view(a).port == view(b).port && view(a).host == view(b).host;
    }
  };
  struct Entry {
    std::shared_ptr<const Resolution> resolution;  ///< null: none, or too old
    std::shared_ptr<const Error> failure;          ///< of the last query, if it failed
    TimePoint fresh_until{};                       ///< no query before
    TimePoint stale_until{};                       ///< of the resolution
    TimePoint used{};
    bool asking = false;
    io::NodeList waiting;
  };
  struct Link;
  using Entries = std::unordered_map<Key, Entry, KeyHash, KeyEqual>;

  bool make_room();
  void ask(const Key& key, Entry& entry);
  void on_answer(const Key& key, Resolver::Lookup lookup);
  void fail_later(Waiter& waiter, std::shared_ptr<const Error> failure);
  void fail_waiting();
  void tell(io::NodeList& waiting, std::shared_ptr<const Resolution> resolution, std::shared_ptr<const Error> failure);

  io::Io& io_;
  Resolver* resolver_;
  std::size_t entries_max_;
  std::shared_ptr<Link> link_;  ///< shared with queries that are under way
  Entries entries_;
  io::NodeList failing_;
  io::Deferred<ResolverCache, &ResolverCache::fail_waiting> failing_deferred_{this};
};

/// "c-ares 1.18.1"
[[nodiscard]] std::string resolver_library_version();

}  // namespace signet::net
