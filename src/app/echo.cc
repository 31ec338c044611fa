// SPDX-License-Identifier: GPL-3.0-or-later
#include "echo.h"

#include <fmt/core.h>

#include <chrono>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "signet/base/log.h"
#include "signet/config/files.h"
#include "signet/io/address.h"
#include "signet/io/shard.h"
#include "echo_connection.h"
#include "process.h"
#include "workers.h"

namespace signet::app {

namespace {

struct EchoWorker {
  std::unique_ptr<io::Shard> shard;
  std::unique_ptr<EchoServer> server;
};

Result<wire::TlsServerSettings> tls_settings(const EchoOptions& options) {
  config::SystemFiles files;
  const Result<std::string> content = files.read(options.certificate_file, wire::certificate_file_bytes_max);
  if (!content) {
    return std::unexpected(content.error());
  }
  wire::TlsServerSettings settings;
  if (options.key_file.empty()) {
    Result<std::shared_ptr<const wire::Certificate>> read =
        wire::Certificate::from_file(as_bytes(*content), wire::PfxOptions{.password = options.password});
    if (!read) {
      return std::unexpected(std::move(read.error()));
    }
    settings.certificate = std::move(*read);
  } else {
    const Result<std::string> key = files.read(options.key_file, wire::certificate_file_bytes_max);
    if (!key) {
      return std::unexpected(key.error());
    }
    Result<std::shared_ptr<const wire::Certificate>> read = wire::Certificate::from_pem(*content, *key, options.password);
    if (!read) {
      return std::unexpected(std::move(read.error()));
    }
    settings.certificate = std::move(*read);
  }
  settings.client_certificate = wire::ClientCertificate::require;
  settings.validate_client_chain = wire::Check::off;
  if (!options.client_ca_file.empty()) {
    const Result<std::string> text = files.read(options.client_ca_file, wire::certificate_file_bytes_max);
    if (!text) {
      return std::unexpected(text.error());
    }
    Result<std::shared_ptr<const wire::CertificateAuthority>> authority = wire::CertificateAuthority::from_file(as_bytes(*text));
    if (!authority) {
      return std::unexpected(std::move(authority.error()));
    }
    settings.client_authorities.push_back(std::move(*authority));
    settings.validate_client_chain = wire::Check::on;
  }
  return settings;
}

bool start(std::vector<EchoWorker>& workers, std::uint32_t shards, const std::optional<wire::TlsServerSettings>& tls, Endpoint address) {
  for (std::uint32_t index = 0; index < shards; ++index) {
    Result<std::unique_ptr<io::Shard>> shard = io::Shard::start({.name = std::to_string(index)});
    if (!shard) {
      log::error(shard.error().detail);
      return false;
    }
    workers.push_back(EchoWorker{.shard = std::move(*shard)});
  }
  Answers opened;
  for (EchoWorker& worker : workers) {
    worker.shard->post([&worker, &opened, &tls, address] {
      worker.server = std::make_unique<EchoServer>(worker.shard->io(), tls);
      opened.add(worker.server->open(address));
    });
  }
  opened.wait_for(workers.size());
  if (opened.failure()) {
    log::error(opened.failure()->detail);
    return false;
  }
  return true;
}

void stop(std::vector<EchoWorker>& workers) {
  Answers stopped;
  for (EchoWorker& worker : workers) {
    worker.shard->post([&worker, &stopped] {
      if (!worker.server) {
        stopped.add();
        return;
      }
      worker.server->stop([&worker, &stopped] {
        worker.server.reset();
        stopped.add();
      });
    });
  }
  if (!stopped.wait_for(workers.size(), std::chrono::steady_clock::now() + std::chrono::seconds(5))) {
    std::_Exit(2);
  }
  workers.clear();
}

}  // namespace

int echo(const EchoOptions& options) {
  const std::optional<Endpoint> address = parse_endpoint(options.address);
  if (!address) {
    log::error(fmt::format("{} is not an address and port, such as 127.0.0.1:8443", options.address));
    return 1;
  }
  std::optional<wire::TlsServerSettings> tls;
  if (!options.certificate_file.empty()) {
    Result<wire::TlsServerSettings> settings = tls_settings(options);
    if (!settings) {
      log::error(settings.error().detail);
      return 1;
    }
    tls = std::move(*settings);
  }
  if (const Result<void> free = io::check_address_free(*address); !free) {
    log::error(free.error().detail);
    return 1;
  }
  StopSignals signals;
  raise_descriptor_limit();
  std::vector<EchoWorker> workers;
  const std::uint32_t shards = options.shards != 0 ? options.shards : available_cores();
  if (!start(workers, shards, tls, *address)) {
    stop(workers);
    return 1;
  }
  log::info(fmt::format("echo back end on {} ({})", options.address,
                        !tls                             ? "plain HTTP"
                        : options.client_ca_file.empty() ? "TLS, any client certificate"
                                                         : "TLS, client certificates of the given authority"));
  signals.wait();
  stop(workers);
  return 0;
}

}  // namespace signet::app
