// SPDX-License-Identifier: GPL-3.0-or-later
#include "management.h"

#include <fmt/core.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <utility>
#include <vector>

#include "signet/base/limits.h"
#include "signet/base/log.h"
#include "signet/control/admin_state.h"
#include "signet/control/state_directory.h"
#include "signet/io/address.h"
#include "signet/io/timer.h"
#include "signet/io/wall_clock.h"
#include "workers.h"

namespace signet::app {

/// A reconnection that was put off. On the control shard.
struct Management::Reconnect {
  Reconnect(Management& owner, std::string backend) : management(owner), id(std::move(backend)) {}
  void on_due() { management.reconnect_now(id); }  // destroys this

  Management& management;
  std::string id;
  io::Timer<Reconnect, &Reconnect::on_due> timer{this};
};

Management::Management() = default;

Management::~Management() {
  stop(std::chrono::steady_clock::now(), nullptr);
}

Result<void> Management::open_state(const config::Config& config, control::Reconciler& reconciler) {
  directory_ = config.state_directory.value;
  if (directory_.empty()) {
    return {};
  }
  control::StoreResult<std::unique_ptr<control::SqliteStore>> store = control::open_state_directory(directory_);
  if (!store) {
    return fail(ErrorKind::config, Origin::internal, std::move(store.error().detail));
  }
  store_ = std::move(*store);
  if (std::expected<void, std::string> used = reconciler.use_store(*store_); !used) {
    return fail(ErrorKind::config, Origin::internal, fmt::format("{}: {}", directory_, used.error()));
  }
  return {};
}

Result<void> Management::start(const config::Snapshot& snapshot, control::Reconciler& reconciler, Hooks hooks) {
  const config::Config& config = snapshot.config();
  if (!config.admin) {
    return {};
  }
  const config::Admin& admin = *config.admin;
  hooks_ = std::move(hooks);
  if (Result<void> free = io::check_address_free(admin.address); !free) {
    return free;
  }
  const Result<wire::Sha256Digest> token = control::bootstrap_token(directory_);
  if (!token) {
    return std::unexpected(token.error());
  }
  bootstrap_token_ = *token;
  take_tokens(config);
  std::shared_ptr<const wire::Certificate> certificate;
  if (admin.tls) {
    certificate = snapshot.admin_certificate();
    if (!certificate) {
      Result<std::shared_ptr<const wire::Certificate>> own = control::own_certificate(directory_, admin.address, io::wall_now());
      if (!own) {
        return std::unexpected(std::move(own.error()));
      }
      certificate = std::move(*own);
    }
  }
  return listen(admin, std::move(certificate), reconciler);
}

Result<void> Management::listen(const config::Admin& admin, std::shared_ptr<const wire::Certificate> certificate,
                                control::Reconciler& reconciler) {
  Result<std::unique_ptr<io::Shard>> shard = io::Shard::start({.name = "control"});
  if (!shard) {
    return std::unexpected(std::move(shard.error()));
  }
  shard_ = std::move(*shard);
  workers_ = std::make_unique<control::WorkerPool>(limits::admin_workers, limits::admin_queue_max);
  Answers opened;
  Endpoint address;
  shard_->post([&] {
    server_ = std::make_unique<control::AdminServer>(
        shard_->io(), control::AdminServer::Options{
                          .handler = [this](const control::AdminRequest& request) { return api_->handle(request); },
                          .submit = [this](std::function<void()> work) { return workers_->submit(std::move(work)); },
                          .tokens = &tokens_,
                          .ready = [] { return true; },  // the gateways listen before this does, and end after it
                      });
    Result<void> ready = certificate ? server_->use_certificate(certificate) : Result<void>();
    if (ready) {
      ready = server_->listen(admin.address);
    }
    if (ready) {
      address = server_->address();
      api_ = std::make_unique<control::AdminApi>(
          reconciler, control::AdminApi::Options{
                          .status = hooks_.status,
                          .refusals = hooks_.refusals,
                          .reconnect = [this](const std::string& id, std::chrono::seconds after) { reconnect_after(id, after); },
                          .own_addresses = io::reached_at(address),
                      });
    }
    opened.add(std::move(ready));
  });
  opened.wait_for(1);
  if (opened.failure()) {
    return std::unexpected(*opened.failure());
  }
  log::info(fmt::format("management on {}://{}, tokens: {}/admin.token and {} of the configuration", certificate ? "https" : "http",
                        address.text(), directory_, admin.tokens.size()));
  return {};
}

void Management::take_tokens(const config::Config& config) {
  std::vector<control::Token> tokens;
  tokens.push_back({.name = std::string(config::bootstrap_token_name), .role = control::Role::write, .sha256 = bootstrap_token_});
  if (config.admin) {
    for (const config::AdminToken& token : config.admin->tokens) {
      tokens.push_back({.name = token.name,
                        .role = token.role == config::AdminRole::write ? control::Role::write : control::Role::read,
                        .sha256 = token.sha256});
    }
  }
  tokens_.replace(std::move(tokens));
}

void Management::apply(const config::Snapshot& snapshot) {
  if (!shard_) {
    return;
  }
  take_tokens(snapshot.config());
  if (std::shared_ptr<const wire::Certificate> certificate = snapshot.admin_certificate()) {
    shard_->post([this, certificate] {
      if (Result<void> used = server_->use_certificate(certificate); !used) {
        log::error(fmt::format("management: the certificate stays as it was: {}", used.error().detail));
      }
    });
  }
}

// ---- reconnections
// -----------------------------------------------------------------------------------------------------------------------------

void Management::reconnect_after(const std::string& id, std::chrono::seconds after) {
  shard_->post([this, id, after] {
    if (after <= std::chrono::seconds::zero() || (reconnects_.size() >= limits::reconnects_pending_max && !reconnects_.contains(id))) {
      reconnect_now(id);
      return;
    }
    std::unique_ptr<Reconnect>& pending = reconnects_[id];
    if (!pending) {
      pending = std::make_unique<Reconnect>(*this, id);
    }
    pending->timer.start(shard_->io().timers(), std::min(after, limits::reconnect_after_max));
  });
}

void Management::reconnect_now(const std::string& id) {
  const std::string backend = id;  // `id` may go with the entry
  reconnects_.erase(backend);
  hooks_.reconnect(backend);
}

// ---- the end
// -------------------------------------------------------------------------------------------------------------------------------

void Management::stop(std::chrono::steady_clock::time_point deadline, const StopSignals* signals) {
  if (!shard_) {
    return;
  }
  const auto end = [this](auto method, std::chrono::steady_clock::time_point until, const StopSignals* watched) {
    auto ended = std::make_shared<Answers>();
    shard_->post([this, method, ended] {
      reconnects_.clear();
      if (server_) {
        ((*server_).*method)([ended] { ended->add(); });
      } else {
        ended->add();
      }
    });
    return ended->wait_for(1, until, watched);
  };
  if (!end(&control::AdminServer::drain, deadline, signals)) {
    log::warning("management requests are cut off");
    if (!end(&control::AdminServer::stop, std::chrono::steady_clock::now() + std::chrono::seconds(5), nullptr)) {
      log::error("some management connections could not be ended");
      std::_Exit(2);
    }
  }
  workers_->stop();
  Answers gone;
  shard_->post([this, &gone] {
    server_.reset();
    gone.add();
  });
  gone.wait_for(1);
  shard_.reset();
  api_.reset();
}

}  // namespace signet::app
