// SPDX-License-Identifier: GPL-3.0-or-later
#include "bucket.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "signet/base/check.h"

namespace signet::net {

LeaseUser::~LeaseUser() {
  SIGNET_CHECK(waiting_in_ == nullptr);
}

Bucket::Bucket(ConnectionPool& pool, const PoolKey& key, std::shared_ptr<const wire::Identity> identity)
    : pool_(pool), key_(key), identity_(std::move(identity)) {}

Bucket::~Bucket() {
  SIGNET_CHECK(connections_.empty() && waiting_ == 0);
}

Result<Connection*> Bucket::lease(LeaseUser& user, const PoolLimits& limits) {
  limits_ = limits;
  // Whoever waits already comes first.
  if (waiting_ == 0 && !idle_.empty()) {
    Connection* connection = idle_.back();
    remove_idle(*connection);
    connection->lend(user);
    return connection;
  }
  if (waiting_ >= limits_.waiting_max) {
    return fail(ErrorKind::overload, Origin::internal, fmt::format("{} calls wait for a connection to {}", waiting_, key_.endpoint.text()));
  }
  SIGNET_CHECK(user.waiting_in_ == nullptr);
  user.waiting_in_ = this;
  user.waiting_next_ = nullptr;
  (waiting_last_ == nullptr ? waiting_first_ : waiting_last_->waiting_next_) = &user;
  waiting_last_ = &user;
  ++waiting_;
  open_more();
  return nullptr;
}

void Bucket::cancel(LeaseUser& user) {
  LeaseUser* before = nullptr;
  for (LeaseUser* at = waiting_first_; at != nullptr; before = std::exchange(at, at->waiting_next_)) {
    if (at == &user) {
      (before == nullptr ? waiting_first_ : before->waiting_next_) = user.waiting_next_;
      if (waiting_last_ == &user) {
        waiting_last_ = before;
      }
      user.waiting_in_ = nullptr;
      --waiting_;
      if (pool_.draining_) {
        abandon_attempts();
      }
      return;
    }
  }
}

LeaseUser* Bucket::first_waiting() {
  LeaseUser* user = waiting_first_;
  if (user != nullptr) {
    waiting_first_ = user->waiting_next_;
    if (waiting_first_ == nullptr) {
      waiting_last_ = nullptr;
    }
    user->waiting_in_ = nullptr;
    --waiting_;
  }
  return user;
}

void Bucket::open_more() {
  while (connecting_ < waiting_ && connections_.size() < limits_.connections_max) {
    ++connecting_;
    ++pool_.connections_;
    auto& connection = connections_.emplace_back(new Connection(*this, ++pool_.connection_number_));
    connection->index_ = static_cast<std::uint32_t>(connections_.size() - 1);
    connection->connect();
  }
  if (kept_ != 0 && connecting_ < waiting_) {
    make_room();
  }
}

/// A call that waits comes before a caller who may never call again.
void Bucket::make_room() {
  const auto kept = std::ranges::find_if(connections_, [](const auto& connection) { return connection->is_kept(); });
  SIGNET_CHECK(kept != connections_.end());
  (*kept)->end_if_resting();
}

void Bucket::put_idle(Connection& connection) {
  connection.idle_index_ = static_cast<std::uint32_t>(idle_.size());
  idle_.push_back(&connection);
  if (waiting_ != 0) {
    pool_.io_.defer(deferred_);
  }
}

void Bucket::remove_idle(Connection& connection) {
  const std::uint32_t index = connection.idle_index_;
  SIGNET_CHECK(index < idle_.size() && idle_[index] == &connection);
  idle_[index] = idle_.back();
  idle_[index]->idle_index_ = index;
  idle_.pop_back();
}

void Bucket::serve() {
  while (waiting_ != 0 && !idle_.empty()) {
    Connection* connection = idle_.back();
    remove_idle(*connection);
    LeaseUser* user = first_waiting();
    connection->lend(*user);
    user->on_lease_ready(*connection);
  }
}

void Bucket::attempt_ended(Error error) {
  --connecting_;
  ++pool_.counters_.failed;
  if (LeaseUser* user = first_waiting(); user != nullptr) {
    user->on_lease_failed(std::move(error));
  }
  open_more();
}

void Bucket::forget(Connection& connection) {
  const std::uint32_t index = connection.index_;
  std::swap(connections_[index], connections_.back());
  connections_[index]->index_ = index;
  connections_.pop_back();  // destroys `connection`
  --pool_.connections_;
  open_more();  // a call may have waited for the place
  pool_.check_drained();
  if (connections_.empty() && waiting_ == 0) {
    pool_.buckets_.erase(PoolKey(key_));  // destroys this
  }
}

void Bucket::abandon_attempts() {
  if (waiting_ == 0) {
    for (const std::unique_ptr<Connection>& connection : connections_) {
      connection->abandon();
    }
  }
}

void Bucket::abort() {
  abandon_attempts();
  for (const std::unique_ptr<Connection>& connection : connections_) {
    connection->abort();
  }
}

std::size_t Bucket::close_idle() {
  std::size_t count = 0;
  for (const std::unique_ptr<Connection>& connection : connections_) {
    count += connection->end_if_resting() ? 1U : 0U;
  }
  return count;
}

}  // namespace signet::net
