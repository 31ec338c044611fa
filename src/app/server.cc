// SPDX-License-Identifier: GPL-3.0-or-later
#include "server.h"

#include <fcntl.h>
#include <fmt/core.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "process.h"
#include "signet/base/log.h"
#include "signet/base/version.h"
#include "signet/config/load.h"
#include "signet/config/snapshot.h"
#include "signet/gateway/gateway.h"
#include "signet/io/shard.h"
#include "signet/net/resolver.h"

namespace signet::app {

namespace {

/// One shard and the data plane on it. The Gateway is touched only by calls on the shard.
struct Worker {
  std::unique_ptr<io::Shard> shard;
  std::unique_ptr<gateway::Gateway> gateway;
};

/// Waits for as many answers as there are shards.
class Answers {
 public:
  void add(Result<void> answer = {}) {
    const std::scoped_lock lock(mutex_);
    ++count_;
    if (!answer && !failure_) {
      failure_ = std::move(answer.error());
    }
    changed_.notify_all();
  }

  /// False when `deadline` passed first.
  bool wait_for(std::size_t count, std::chrono::steady_clock::time_point deadline, const StopSignals* signals = nullptr) {
    std::unique_lock lock(mutex_);
    while (count_ < count) {
      if (signals != nullptr && signals->count() > 1) {
        return false;
      }
      if (changed_.wait_until(lock, std::min(deadline, std::chrono::steady_clock::now() + std::chrono::milliseconds(50))) == std::cv_status::timeout &&
          std::chrono::steady_clock::now() >= deadline) {
        return count_ >= count;
      }
    }
    return true;
  }

  const std::optional<Error>& failure() const { return failure_; }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::size_t count_ = 0;
  std::optional<Error> failure_;
};

std::shared_ptr<const config::Snapshot> load(const std::string& file) {
  config::SystemFiles files;
  config::Loaded loaded = config::load_config(file, files);
  config::Report report = std::move(loaded.report);
  std::shared_ptr<const config::Snapshot> snapshot;
  if (loaded.config) {
    config::Built built = config::build_snapshot(*loaded.config, files, {.now = wall_now()});
    report.append(std::move(built.report));
    snapshot = std::move(built.snapshot);
  }
  for (const config::Problem& problem : report.errors) {
    log::error(problem.text());
  }
  for (const config::Problem& problem : report.warnings) {
    log::warning(problem.text());
  }
  if (!report.ok()) {
    log::error(fmt::format("{}: not started, the configuration has {} error{}", file, report.errors.size() + report.errors_left_out,
                           report.errors.size() + report.errors_left_out == 1 ? "" : "s"));
    return nullptr;
  }
  return snapshot;
}

class Server {
 public:
  int run(const RunOptions& options);

 private:
  bool start(std::uint32_t shards);
  bool listen();
  int drain();
  void stop_workers();

  StopSignals signals_;
  std::shared_ptr<const config::Snapshot> snapshot_;
  std::unique_ptr<net::Resolver> resolver_;
  std::unique_ptr<AccessLogFile> access_log_;
  std::vector<Worker> workers_;
};

int Server::run(const RunOptions& options) {
  snapshot_ = load(options.config_file);
  if (!snapshot_) {
    return 1;
  }
  const config::Config& config = snapshot_->config();
  raise_descriptor_limit();
  Result<std::unique_ptr<AccessLogFile>> access_log = AccessLogFile::open(config.access_log);
  if (!access_log) {
    log::error(access_log.error().detail);
    return 1;
  }
  access_log_ = std::move(*access_log);
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
  log::info(fmt::format("signet {} serves {} with {} shard{}, generation {}", version(), options.config_file, shards, shards == 1 ? "" : "s",
                        snapshot_->generation()));
  signals_.wait();
  return drain();
}

bool Server::start(std::uint32_t shards) {
  std::random_device random;
  for (std::uint32_t index = 0; index < shards; ++index) {
    Result<std::unique_ptr<io::Shard>> shard = io::Shard::start({.index = index});
    if (!shard) {
      log::error(shard.error().detail);
      return false;
    }
    workers_.push_back(Worker{.shard = std::move(*shard)});
  }
  Answers made;
  for (Worker& worker : workers_) {
    const std::uint64_t seed = (std::uint64_t{random()} << 32) | random();
    worker.shard->post([this, &worker, &made, seed] {
      worker.gateway = std::make_unique<gateway::Gateway>(
          worker.shard->io(), snapshot_, gateway::Gateway::Options{.resolver = resolver_.get(), .seed = seed, .access_log = access_log_->sink()});
      made.add();
    });
  }
  return made.wait_for(workers_.size(), std::chrono::steady_clock::time_point::max());
}

bool Server::listen() {
  Answers answers;
  for (Worker& worker : workers_) {
    worker.shard->post([&worker, &answers] { answers.add(worker.gateway->listen()); });
  }
  answers.wait_for(workers_.size(), std::chrono::steady_clock::time_point::max());
  if (answers.failure()) {
    log::error(answers.failure()->detail);
    return false;
  }
  for (const config::Listener& listener : snapshot_->config().listeners) {
    log::info(fmt::format("listening on {}", listener.address.text()));
  }
  return true;
}

/// Ends every Gateway: those that are not yet idle are cut off.
void Server::stop_workers() {
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
  const Duration allowed = snapshot_->config().drain_timeout;
  log::info(fmt::format("stopping: no new connections, calls in flight may take {} s; a second signal stops at once",
                        std::chrono::duration_cast<std::chrono::seconds>(allowed).count()));
  Answers drained;
  for (Worker& worker : workers_) {
    worker.shard->post([&worker, &drained] { worker.gateway->drain([&drained] { drained.add(); }); });
  }
  const bool complete = drained.wait_for(workers_.size(), std::chrono::steady_clock::now() + allowed, &signals_);
  if (!complete) {
    log::warning("calls in flight are cut off");
  }
  stop_workers();
  log::info("stopped");
  return complete ? 0 : 2;
}

}  // namespace

int run(const RunOptions& options) {
  log::set_level(log::level_from(options.log_level));
  return Server().run(options);
}

}  // namespace signet::app
