// SPDX-License-Identifier: GPL-3.0-or-later
#include "bucket.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "signet/base/check.h"
#include "bucket_table.h"

namespace signet::net {

LeaseUser::~LeaseUser() {
  SIGNET_CHECK(waiting_in_ == nullptr);
}

Bucket::Bucket(ConnectionPool& pool, const PoolKey& key, std::shared_ptr<const wire::Identity> identity)
    : pool_(pool), key_(key), identity_(std::move(identity)) {}

Bucket::~Bucket() {
  SIGNET_CHECK(connections_.empty() && waiting_ == 0);
}

Result<Connection*> Bucket::lease(LeaseUser& user, const PoolLimits& limits, Lease from) {
  limits_ = limits;
  // Whoever waits already comes first.
  if (from == Lease::any && waiting_ == waiting_for_fresh_ && !idle_.empty()) {
    Connection* connection = idle_.back();
    remove_idle(*connection);
    connection->lend(user);
    return connection;
  }
  if (waiting_ >= limits_.waiting_max) {
    return fail(ErrorKind::overload, Origin::internal, fmt::format("{} calls wait for a connection to {}", waiting_, key_.endpoint.text()));
  }
  // The one attempt after a pause is not for a call that has no place to make it.
  if (pool_.is_suspended(key_) && (connections_.size() >= limits_.connections_max || !pool_.may_connect(key_))) {
    return std::unexpected(pool_.suspended_error(key_));
  }
  add_waiting(user, from);
  open_more();
  return nullptr;
}

void Bucket::add_waiting(LeaseUser& user, Lease from) {
  SIGNET_CHECK(user.waiting_in_ == nullptr);
  user.waiting_in_ = this;
  user.waiting_for_fresh_ = from == Lease::fresh;
  if (user.waiting_for_fresh_) {  // it has waited once already
    user.waiting_next_ = std::exchange(waiting_first_, &user);
    waiting_last_ = waiting_last_ == nullptr ? &user : waiting_last_;
    ++waiting_for_fresh_;
  } else {
    user.waiting_next_ = nullptr;
    (waiting_last_ == nullptr ? waiting_first_ : waiting_last_->waiting_next_) = &user;
    waiting_last_ = &user;
  }
  ++waiting_;
}

void Bucket::cancel(LeaseUser& user) {
  LeaseUser* before = nullptr;
  for (LeaseUser* at = waiting_first_; at != nullptr; before = std::exchange(at, at->waiting_next_)) {
    if (at == &user) {
      take_waiting(before);
      if (pool_.draining_) {
        abandon_attempts();
      }
      return;
    }
  }
}

/// The one behind `before`, or the first; nullptr if there is none.
LeaseUser* Bucket::take_waiting(LeaseUser* before) {
  LeaseUser*& link = before == nullptr ? waiting_first_ : before->waiting_next_;
  LeaseUser* user = link;
  if (user != nullptr) {
    link = user->waiting_next_;
    if (waiting_last_ == user) {
      waiting_last_ = before;
    }
    user->waiting_in_ = nullptr;
    --waiting_;
    waiting_for_fresh_ -= user->waiting_for_fresh_ ? 1 : 0;
  }
  return user;
}

LeaseUser* Bucket::take_waiting_for(const Connection& connection) {
  LeaseUser* before = nullptr;
  if (!connection.fresh_) {
    for (LeaseUser* at = waiting_first_; at != nullptr && at->waiting_for_fresh_; at = at->waiting_next_) {
      before = at;
    }
  }
  return take_waiting(before);
}

void Bucket::open_more() {
  if (retired_ || suspended_) {
    return;  // who waits is about to be told
  }
  while (connecting_ < waiting_ && connections_.size() < limits_.connections_max) {
    ++connecting_;
    ++pool_.connections_;
    auto& connection = connections_.emplace_back(new Connection(*this, ++pool_.connection_number_));
    connection->index_ = static_cast<std::uint32_t>(connections_.size() - 1);
    connection->connect();
  }
  make_room();
}

void Bucket::note_user(const ConnectionCounters* user) {
  constexpr std::size_t users_max = 64;  // nearly always there is one
  if (has_user(user)) {
    return;
  }
  if (users_.size() == users_max) {
    users_.erase(users_.begin());
  }
  users_.push_back(user);
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

void Bucket::set_retired(bool retired) {
  retired_ = retired;
  if (retired) {
    pool_.io_.defer(deferred_);
  }
}

void Bucket::identity_refused() {
  if (pool_.note_refused(key_)) {
    suspended_ = true;
    pool_.io_.defer(deferred_);
  }
}

void Bucket::on_deferred() {
  serve();
  if (empty()) {
    pool_.buckets_->erase(*this);  // destroys this
  }
}

void Bucket::serve() {
  if (retired_ || suspended_) {
    fail_waiting();
    return;
  }
  while (!idle_.empty()) {
    Connection* connection = idle_.back();
    LeaseUser* user = take_waiting_for(*connection);
    if (user == nullptr) {
      break;
    }
    remove_idle(*connection);
    connection->lend(*user);
    user->on_lease_ready(*connection);
  }
  make_room();
}

/// Connections at rest do not keep a call from its place: one that is kept for a caller goes, who may never call again; for a call that
/// needs a fresh one, the idle one that has rested longest.
void Bucket::make_room() {
  if (connecting_ >= waiting_ || connections_.size() < limits_.connections_max) {
    return;
  }
  if (kept_ != 0) {
    (*std::ranges::find_if(connections_, [](const auto& connection) { return connection->is_kept(); }))->end_if_resting();
  } else if (connecting_ < waiting_for_fresh_ && !idle_.empty()) {
    Connection* connection = idle_.front();
    remove_idle(*connection);
    connection->close(Close::abort);
  }
}

/// Whoever still waits here is told why; attempts to connect end too.
void Bucket::fail_waiting() {
  const bool suspended = std::exchange(suspended_, false) && !retired_;
  if (suspended && !pool_.is_suspended(key_)) {
    open_more();  // an older connection was accepted meanwhile
    serve();
    return;
  }
  while (LeaseUser* user = take_waiting(nullptr)) {
    user->on_lease_failed(suspended ? pool_.suspended_error(key_) : ConnectionPool::retired_error());
  }
  abandon_attempts();
}

void Bucket::attempt_ended(Error error) {
  --connecting_;
  if (error.kind == ErrorKind::identity_refused) {
    identity_refused();
  }
  if (LeaseUser* user = take_waiting(nullptr); user != nullptr) {
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
  if (empty()) {
    pool_.buckets_->erase(*this);  // destroys this
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

std::size_t Bucket::leased() const {
  return static_cast<std::size_t>(std::ranges::count_if(connections_, [](const auto& connection) { return connection->leased(); }));
}

std::size_t Bucket::close_after_call() {
  std::size_t count = 0;
  for (const std::unique_ptr<Connection>& connection : connections_) {
    if (connection->leased() || connection->stage_ == Connection::Stage::returned) {
      connection->last_call_ = true;
      ++count;
    }
  }
  return count;
}

std::size_t Bucket::close_idle() {
  std::size_t count = 0;
  for (const std::unique_ptr<Connection>& connection : connections_) {
    count += connection->end_if_resting() ? 1U : 0U;
  }
  return count;
}

}  // namespace signet::net
