// SPDX-License-Identifier: GPL-3.0-or-later
#include "server.h"

#include <fmt/core.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "signet/base/log.h"
#include "signet/base/version.h"
#include "signet/config/snapshot.h"
#include "signet/control/reconciler.h"
#include "signet/gateway/gateway.h"
#include "signet/io/address.h"
#include "signet/io/shard.h"
#include "signet/net/connection_pool.h"
#include "signet/net/resolver.h"
#include "signet/net/session_depot.h"
#include "signet/wire/ticket_keys.h"
#include "file_watch.h"
#include "management.h"
#include "process.h"
#include "status.h"
#include "workers.h"

namespace signet::app {

namespace {

/// One shard and the data plane on it. The Gateway is touched only by calls on the shard.
struct Worker {
  std::unique_ptr<io::Shard> shard;
  std::unique_ptr<gateway::Gateway> gateway;
};

class Server {
 public:
  int run(const RunOptions& options);

 private:
  bool start(std::uint32_t shards);
  bool listen();
  bool start_management();
  std::vector<gateway::Status> status();
  void reconnect(const std::string& backend);
  void report_status();
  void serve();
  void reload(std::string_view cause);
  control::Reconciler::Retired apply(const std::shared_ptr<const config::Snapshot>& snapshot);
  void take_access_log(const config::Snapshot& snapshot, std::string_view cause);
  void warn_of_restart(const config::Snapshot& snapshot) const;
  void watch_files();
  int drain();
  void stop_workers();

  std::optional<StatusSignal> status_signal_;
  std::optional<StopSignals> signals_;  ///< once the configuration is read: until then a signal ends the process as usual
  std::unique_ptr<FileWatch> watch_;
  Management management_;  ///< its store outlives the reconciler
  std::unique_ptr<control::Reconciler> reconciler_;
  std::shared_ptr<const config::Snapshot> first_;  ///< what the listeners and shards were made from
  std::string access_log_path_;
  std::unique_ptr<net::Resolver> resolver_;
  net::SessionDepot session_depot_;
  std::shared_ptr<wire::TicketKeys> ticket_keys_ = std::make_shared<wire::TicketKeys>();
  std::unique_ptr<AccessLogFile> access_log_;
  std::vector<Worker> workers_;
};

int Server::run(const RunOptions& options) {
  reconciler_ = std::make_unique<control::Reconciler>(options.config_file);
  if (const std::shared_ptr<const config::Config> settings = reconciler_->read_file()) {
    if (const Result<void> opened = management_.open_state(*settings, *reconciler_); !opened) {
      log::error(opened.error().detail);
      return 1;
    }
  }
  control::Reconciler::Loaded loaded = reconciler_->load();
  if (!loaded.snapshot) {
    log::error(loaded.refusal);
    return 1;
  }
  first_ = std::move(loaded.snapshot);
  const config::Config& config = first_->config();
  for (const config::Listener& listener : config.listeners) {
    if (const Result<void> free = io::check_address_free(listener.address); !free) {
      log::error(free.error().detail);
      return 1;
    }
  }
  status_signal_.emplace();  // first: no later thread is to die of it
  signals_.emplace();
  raise_descriptor_limit();
  Result<std::unique_ptr<AccessLogFile>> access_log = AccessLogFile::open(config.access_log);
  if (!access_log) {
    log::error(access_log.error().detail);
    return 1;
  }
  access_log_ = std::move(*access_log);
  access_log_path_ = config.access_log;
  Result<std::unique_ptr<net::Resolver>> resolver = net::Resolver::create({});
  if (!resolver) {
    log::error(resolver.error().detail);
    return 1;
  }
  resolver_ = std::move(*resolver);
  const std::uint32_t shards = config.shards != 0 ? config.shards : available_cores();
  if (!start(shards) || !listen()) {
    stop_workers();
    return 1;
  }
  log::info(fmt::format("signet {} serves {} with {} shard{}, generation {}", version(), options.config_file, shards,
                        shards == 1 ? "" : "s", first_->generation()));
  reconciler_->on_apply([this](const std::shared_ptr<const config::Snapshot>& snapshot) { return apply(snapshot); });
  if (!start_management()) {
    management_.stop(std::chrono::steady_clock::now(), nullptr);
    stop_workers();
    return 1;
  }
  status_signal_->start([this] { report_status(); });
  watch_files();
  serve();
  return drain();
}

bool Server::start(std::uint32_t shards) {
  session_depot_.retain(first_->identity_keys());
  std::random_device random;
  const std::optional<config::Admin>& admin = first_->config().admin;
  const std::vector<Endpoint> own_addresses = admin ? io::reached_at(admin->address) : std::vector<Endpoint>();
  for (std::uint32_t index = 0; index < shards; ++index) {
    Result<std::unique_ptr<io::Shard>> shard = io::Shard::start({.name = std::to_string(index)});
    if (!shard) {
      log::error(shard.error().detail);
      return false;
    }
    workers_.push_back(Worker{.shard = std::move(*shard)});
  }
  Answers made;
  for (Worker& worker : workers_) {
    const std::uint64_t seed = (std::uint64_t{random()} << 32) | random();
    worker.shard->post([this, &worker, &made, &own_addresses, seed] {
      worker.gateway = std::make_unique<gateway::Gateway>(worker.shard->io(), first_,
                                                          gateway::Gateway::Options{.resolver = resolver_.get(),
                                                                                    .session_depot = &session_depot_,
                                                                                    .seed = seed,
                                                                                    .ticket_keys = ticket_keys_,
                                                                                    .access_log = access_log_->sink(),
                                                                                    .own_addresses = own_addresses});
      made.add();
    });
  }
  made.wait_for(workers_.size());
  return true;
}

bool Server::listen() {
  Answers answers;
  for (Worker& worker : workers_) {
    worker.shard->post([&worker, &answers] { answers.add(worker.gateway->listen()); });
  }
  answers.wait_for(workers_.size());
  if (answers.failure()) {
    log::error(answers.failure()->detail);
    return false;
  }
  for (const config::Listener& listener : first_->config().listeners) {
    log::info(fmt::format("listening on {}{}", listener.address.text(), listener.tls ? " with TLS" : ""));
  }
  return true;
}

bool Server::start_management() {
  const Result<void> started =
      management_.start(*first_, *reconciler_,
                        Management::Hooks{.status = [this] { return status_json(status(), session_depot_.size()); },
                                          .refusals = [this] { return refusals_json(status()); },
                                          .reconnect = [this](const std::string& backend) { reconnect(backend); }});
  if (!started) {
    log::error(started.error().detail);
  }
  return started.has_value();
}

/// Of every shard, now. Waits for them: not on one.
std::vector<gateway::Status> Server::status() {
  std::vector<gateway::Status> shards(workers_.size());
  Answers answers;
  for (std::size_t i = 0; i < workers_.size(); ++i) {
    workers_[i].shard->post([&worker = workers_[i], &status = shards[i], &answers] {
      status = worker.gateway->status();
      answers.add();
    });
  }
  answers.wait_for(workers_.size());
  return shards;
}

/// On every shard, soon.
void Server::reconnect(const std::string& backend) {
  for (Worker& worker : workers_) {
    worker.shard->post([&worker, backend] { worker.gateway->reconnect(backend); });
  }
}

/// On the status signal's thread.
void Server::report_status() {
  for (const std::string& line : status_lines(status(), session_depot_.size())) {
    log::info(line);
  }
}

/// Until a signal to stop.
void Server::serve() {
  while (true) {
    switch (signals_->next()) {
      case StopSignals::Event::stop: return;
      case StopSignals::Event::reload: reload("SIGHUP"); break;
      case StopSignals::Event::files_changed:
        if (reconciler_->files_changed()) {
          reload("files");
        } else {
          log::write(log::Level::debug, "the files are unchanged");
        }
        break;
    }
  }
}

/// Every reload ends with one line, "reload applied …" or "reload refused: …", and after the first no call starts under the old snapshot.
void Server::reload(std::string_view cause) {
  const control::Reconciler::Loaded loaded = reconciler_->load();
  watch_files();
  if (!loaded.snapshot) {
    log::error(fmt::format("reload refused: {}; generation {} stays in force cause={}", loaded.refusal,
                           reconciler_->view()->snapshot->generation(), cause));
    return;
  }
  warn_of_restart(*loaded.snapshot);
  take_access_log(*loaded.snapshot, cause);
  log::info(fmt::format("reload applied generation={} cause={} certificates_changed={} idle_connections_closed={} connections_finishing={}",
                        loaded.snapshot->generation(), cause, loaded.certificates_changed, loaded.retired.idle, loaded.retired.leased));
}

/// Puts the snapshot in force on every shard, and waits for that. Returns what retired identities left behind on all of them.
control::Reconciler::Retired Server::apply(const std::shared_ptr<const config::Snapshot>& snapshot) {
  session_depot_.retain(snapshot->identity_keys());  // before any shard: none puts back what is retired
  std::atomic<std::size_t> idle = 0;
  std::atomic<std::size_t> leased = 0;
  Answers applied;
  for (Worker& worker : workers_) {
    worker.shard->post([&snapshot, &worker, &applied, &idle, &leased] {
      const net::ConnectionPool::Retired retired = worker.gateway->apply(snapshot);
      idle += retired.idle;
      leased += retired.leased;
      applied.add();
    });
  }
  applied.wait_for(workers_.size());
  management_.apply(*snapshot);
  return {.idle = idle, .leased = leased};
}

/// A file is opened anew at each SIGHUP, so that it may have been renamed before.
void Server::take_access_log(const config::Snapshot& snapshot, std::string_view cause) {
  const std::string& path = snapshot.config().access_log;
  if (first_->config().access_log.empty() || (path == access_log_path_ && (path == "-" || cause != "SIGHUP"))) {
    return;
  }
  if (const Result<void> opened = access_log_->reopen(path); !opened) {
    log::warning(fmt::format("{}; it goes on as before", opened.error().detail));
    return;
  }
  access_log_path_ = path;
}

void Server::warn_of_restart(const config::Snapshot& snapshot) const {
  const config::Config& started = first_->config();
  const config::Config& wanted = snapshot.config();
  const auto warn = [&wanted](std::string_view setting) {
    log::warning(config::Problem{.source = {.file = wanted.file, .pointer = fmt::format("/{}", setting)},
                                 .message = "the change takes a restart; what was read at start stays in force"}
                     .text());
  };
  if (wanted.shards != started.shards) {
    warn("shards");
  }
  if (!std::ranges::equal(wanted.listeners, started.listeners, {}, &config::Listener::address, &config::Listener::address)) {
    warn("listeners");
  }
  if (wanted.admin.has_value() != started.admin.has_value() ||
      (wanted.admin && (wanted.admin->address != started.admin->address || wanted.admin->tls != started.admin->tls ||
                        wanted.admin->certificate_id.value.empty() != started.admin->certificate_id.value.empty()))) {
    warn("admin");
  }
  if (wanted.state_directory.value != started.state_directory.value) {
    warn("stateDirectory");
  }
  if (started.access_log.empty() && !wanted.access_log.empty()) {
    warn("accessLog");
  }
}

/// From now on all files count that the last attempt to load has read.
void Server::watch_files() {
  if (!reconciler_->view()->snapshot->config().watch_files) {
    watch_.reset();
    return;
  }
  if (!watch_) {
    Result<std::unique_ptr<FileWatch>> watch = FileWatch::start([this] { signals_->files_changed(); }, {});
    if (!watch) {
      log::warning(fmt::format("{}; SIGHUP reads them", watch.error().detail));
      return;
    }
    watch_ = std::move(*watch);
  }
  watch_->watch(reconciler_->files());
}

/// Ends every Gateway: those that are not yet idle are cut off.
void Server::stop_workers() {
  status_signal_.reset();  // its reports need the gateways
  Answers stopped;
  for (Worker& worker : workers_) {
    worker.shard->post([&worker, &stopped] {
      if (!worker.gateway) {
        stopped.add();
        return;
      }
      worker.gateway->stop([&worker, &stopped] {
        worker.gateway.reset();
        stopped.add();
      });
    });
  }
  if (!stopped.wait_for(workers_.size(), std::chrono::steady_clock::now() + std::chrono::seconds(5))) {
    log::error("some connections could not be ended");
    std::_Exit(2);
  }
  workers_.clear();
}

int Server::drain() {
  const Duration allowed = reconciler_->view()->snapshot->config().drain_timeout;
  log::info(fmt::format("stopping: no new connections, calls in flight may take {} s; a second signal stops at once",
                        std::chrono::duration_cast<std::chrono::seconds>(allowed).count()));
  const std::chrono::steady_clock::time_point deadline = std::chrono::steady_clock::now() + allowed;
  management_.stop(deadline, &*signals_);
  Answers drained;
  for (Worker& worker : workers_) {
    worker.shard->post([&worker, &drained] { worker.gateway->drain([&drained] { drained.add(); }); });
  }
  const bool complete = drained.wait_for(workers_.size(), deadline, &*signals_);
  if (!complete) {
    log::warning("calls in flight are cut off");
  }
  stop_workers();
  log::info("stopped");
  return complete ? 0 : 2;
}

}  // namespace

int run(const RunOptions& options) {
  return Server().run(options);
}

}  // namespace signet::app
