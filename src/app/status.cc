// SPDX-License-Identifier: GPL-3.0-or-later
#include "status.h"

#include <fmt/core.h>
#include <pthread.h>

#include <algorithm>
#include <cstddef>
#include <limits>
#include <nlohmann/json.hpp>
#include <unordered_map>
#include <utility>

#include "signet/base/identity_refusal.h"
#include "signet/base/limits.h"
#include "signet/base/log.h"
#include "signet/base/version.h"
#include "signet/wire/certificate.h"
#include "signet/wire/tls_types.h"

namespace signet::app {

StatusSignal::StatusSignal() {
  sigemptyset(&set_);
  sigaddset(&set_, SIGUSR1);
  pthread_sigmask(SIG_BLOCK, &set_, nullptr);
}

StatusSignal::~StatusSignal() {
  if (!thread_.joinable()) {
    return;
  }
  {
    const std::scoped_lock lock(mutex_);
    ending_ = true;
  }
  pthread_kill(thread_.native_handle(), SIGUSR1);
  thread_.join();
}

void StatusSignal::start(std::function<void()> report) {
  report_ = std::move(report);
  thread_ = std::thread([this] { run(); });
}

void StatusSignal::run() {
  while (true) {
    int signal = 0;
    sigwait(&set_, &signal);
    {
      const std::scoped_lock lock(mutex_);
      if (ending_) {
        return;
      }
    }
    report_();
  }
}

namespace {

std::vector<gateway::BackendStatus> sum_of_backends(const std::vector<gateway::Status>& shards) {
  std::vector<gateway::BackendStatus> sums;
  std::unordered_map<std::string, std::size_t> index;
  for (const gateway::Status& shard : shards) {
    for (const gateway::BackendStatus& backend : shard.backends) {
      const auto [found, added] = index.try_emplace(backend.name, sums.size());
      if (added) {
        sums.push_back({.name = backend.name, .counters = {}});
      }
      gateway::BackendStatus& sum = sums[found->second];
      sum.counters += backend.counters;
      sum.connections += backend.connections;
      sum.idle += backend.idle;
    }
  }
  return sums;
}

/// The last of all shards, oldest first; those of one second in any order.
std::vector<gateway::Refusal> last_refusals(const std::vector<gateway::Status>& shards) {
  std::vector<gateway::Refusal> refusals;
  for (const gateway::Status& shard : shards) {
    refusals.insert(refusals.end(), shard.refusals.begin(), shard.refusals.end());
  }
  std::ranges::sort(refusals, {}, &gateway::Refusal::time);
  if (refusals.size() > limits::refusals_kept) {
    refusals.erase(refusals.begin(), refusals.end() - static_cast<std::ptrdiff_t>(limits::refusals_kept));
  }
  return refusals;
}

const char* to_word(IssuerListed listed) {
  switch (listed) {
    case IssuerListed::not_told: return "not-told";
    case IssuerListed::yes: return "yes";
    case IssuerListed::no: return "no";
  }
  return "";
}

std::string refusal_line(const gateway::Refusal& refused) {
  const IdentityRefusal& told = *refused.refusal;
  std::string line = fmt::format(
      "refusal time={} api={} backend={} endpoint={} certificate={} alert={} phase=\"{}\" requested={} resumed={} tls={} subject=\"{}\" "
      "issuer=\"{}\" serial={} thumbprint={} expires={} chain_sent={} authorities={} issuer_listed={} activity={}",
      wire::wall_time_text(refused.time), refused.api, refused.backend, refused.endpoint.text(), refused.certificate_id, told.alert,
      to_string(told.phase), told.requested, told.resumed, told.tls_version, log::printable(told.subject), log::printable(told.issuer),
      told.serial, told.thumbprint_sha1, told.subject.empty() ? "" : wire::wall_time_text(told.not_after), told.chain_sent,
      told.authorities_total, to_word(told.issuer_listed), refused.activity_id);
  for (const std::string& name : told.authorities) {
    line += fmt::format(" authority=\"{}\"", log::printable(name));
  }
  return line;
}

gateway::Status sum_of(const std::vector<gateway::Status>& shards) {
  gateway::Status sum{.generation = std::numeric_limits<std::uint64_t>::max()};
  for (const gateway::Status& shard : shards) {
    sum.generation = std::min(sum.generation, shard.generation);  // in force everywhere
    sum.callers += shard.callers;
    sum.tls_sessions += shard.tls_sessions;
    sum.counters.calls += shard.counters.calls;
    sum.counters.calls_failed += shard.counters.calls_failed;
    sum.counters.retries += shard.counters.retries;
    sum.counters.handshakes_full += shard.counters.handshakes_full;
    sum.counters.handshakes_resumed += shard.counters.handshakes_resumed;
    sum.counters.handshakes_failed += shard.counters.handshakes_failed;
  }
  return sum;
}

/// What peers sent need not be UTF-8.
std::string text_of(const nlohmann::ordered_json& value) {
  return value.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
}

nlohmann::ordered_json json_of(const gateway::Refusal& refused) {
  const IdentityRefusal& told = *refused.refusal;
  nlohmann::ordered_json json = {
      {"time", wire::wall_time_text(refused.time)},
      {"apiId", refused.api},
      {"backendId", refused.backend},
      {"endpoint", refused.endpoint.text()},
      {"certificateId", refused.certificate_id},
      {"alert", told.alert},
      {"alertName", told.alert == 0 ? "" : wire::alert_name(told.alert)},
      {"phase", to_string(told.phase)},
      {"requested", told.requested},
      {"resumed", told.resumed},
      {"tlsVersion", told.tls_version},
      {"subject", told.subject},
      {"issuer", told.issuer},
      {"serialNumber", told.serial},
      {"thumbprint", told.thumbprint_sha1},
      {"chainSent", told.chain_sent},
      {"authorities", told.authorities},
      {"authoritiesTotal", told.authorities_total},
      {"issuerListed", to_word(told.issuer_listed)},
      {"activityId", refused.activity_id},
  };
  if (!told.subject.empty()) {
    json["notBefore"] = wire::wall_time_text(told.not_before);
    json["expirationDate"] = wire::wall_time_text(told.not_after);
  }
  return json;
}

}  // namespace

std::vector<std::string> status_lines(const std::vector<gateway::Status>& shards, std::size_t depot_sessions) {
  const gateway::Status sum = sum_of(shards);
  std::vector<std::string> lines;
  lines.push_back(fmt::format(
      "status generation={} shards={} callers={} calls={} calls_failed={} retries={} tls_sessions={} "
      "tls_sessions_shared={} handshakes_full={} handshakes_resumed={} handshakes_failed={}",
      sum.generation, shards.size(), sum.callers, sum.counters.calls, sum.counters.calls_failed, sum.counters.retries, sum.tls_sessions,
      depot_sessions, sum.counters.handshakes_full, sum.counters.handshakes_resumed, sum.counters.handshakes_failed));
  for (const gateway::BackendStatus& backend : sum_of_backends(shards)) {
    const net::ConnectionCounters& counters = backend.counters;
    lines.push_back(fmt::format(
        "status backend={} connections={} idle={} opened={} reused={} failed={} handshakes_full={} "
        "handshakes_resumed={} handshakes_failed={} refused={} certificate_not_requested={}",
        backend.name, backend.connections, backend.idle, counters.opened, counters.reused, counters.failed, counters.handshakes_full,
        counters.handshakes_resumed, counters.handshakes_failed, counters.refused, counters.certificate_not_requested));
  }
  for (const gateway::Refusal& refused : last_refusals(shards)) {
    lines.push_back(refusal_line(refused));
  }
  return lines;
}

std::string status_json(const std::vector<gateway::Status>& shards, std::size_t depot_sessions) {
  const gateway::Status sum = sum_of(shards);
  nlohmann::ordered_json json = {
      {"version", version()},
      {"generation", sum.generation},
      {"shards", shards.size()},
      {"callers", sum.callers},
      {"calls", sum.counters.calls},
      {"callsFailed", sum.counters.calls_failed},
      {"retries", sum.counters.retries},
      {"tlsSessions", sum.tls_sessions},
      {"tlsSessionsShared", depot_sessions},
      {"backends", nlohmann::ordered_json::array()},
  };
  for (const gateway::BackendStatus& backend : sum_of_backends(shards)) {
    const net::ConnectionCounters& counters = backend.counters;
    json["backends"].push_back({
        {"name", backend.name},
        {"connections", backend.connections},
        {"idle", backend.idle},
        {"opened", counters.opened},
        {"reused", counters.reused},
        {"failed", counters.failed},
        {"handshakesFull", counters.handshakes_full},
        {"handshakesResumed", counters.handshakes_resumed},
        {"handshakesFailed", counters.handshakes_failed},
        {"refused", counters.refused},
        {"certificateNotRequested", counters.certificate_not_requested},
    });
  }
  return text_of(json);
}

std::string refusals_json(const std::vector<gateway::Status>& shards) {
  nlohmann::ordered_json json = nlohmann::ordered_json::array();
  std::vector<gateway::Refusal> refusals = last_refusals(shards);
  for (auto refused = refusals.rbegin(); refused != refusals.rend(); ++refused) {
    json.push_back(json_of(*refused));
  }
  return text_of(json);
}

}  // namespace signet::app
