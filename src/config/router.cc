// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/router.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <utility>

#include "signet/base/check.h"
#include "signet/config/snapshot.h"

namespace signet::config {

namespace {

char lower(char c) {
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

std::uint32_t hash_of(std::string_view path) {
  return static_cast<std::uint32_t>(std::hash<std::string_view>()(path));
}

/// Three-way comparison of a lower-case host with one in any case.
int compare_host(std::string_view lower_case, std::string_view any_case) {
  const std::size_t size = std::min(lower_case.size(), any_case.size());
  for (std::size_t i = 0; i < size; ++i) {
    if (const int difference = static_cast<unsigned char>(lower_case[i]) - static_cast<unsigned char>(lower(any_case[i]));
        difference != 0) {
      return difference;
    }
  }
  return lower_case.size() == any_case.size() ? 0 : (lower_case.size() < any_case.size() ? -1 : 1);
}

}  // namespace

Router::Router(std::vector<Entry> entries) {
  std::unordered_map<std::string, std::size_t> tables;  // by host
  routes_.reserve(entries.size());
  for (Entry& entry : entries) {
    entry.route.matched_length = entry.route.path.size();
    const auto route = static_cast<std::uint32_t>(routes_.size());
    if (entry.hosts.empty()) {
      add({}, route, tables);
    }
    for (const std::string& host : entry.hosts) {
      add(host, route, tables);
    }
    routes_.push_back(std::move(entry.route));
  }
  std::ranges::sort(tables_, {}, &Table::host);
  for (Table& table : tables_) {
    fill(table);
  }
}

void Router::add(const std::string& host, std::uint32_t route, std::unordered_map<std::string, std::size_t>& tables) {
  const auto [known, is_new] = tables.try_emplace(host, tables_.size());
  if (is_new) {
    tables_.push_back(Table{.host = host, .routes = {}, .slots = {}});
  }
  tables_[known->second].routes.push_back(route);
}

void Router::fill(Table& table) const {
  table.slots.resize(std::bit_ceil(2 * table.routes.size()));
  const std::size_t mask = table.slots.size() - 1;
  for (const std::uint32_t route : table.routes) {
    const std::string& path = routes_[route].path;
    SIGNET_CHECK(find_exactly(table, path) == nullptr);
    const std::uint32_t hash = hash_of(path);
    std::size_t at = hash & mask;
    while (table.slots[at].route != 0) {
      at = (at + 1) & mask;
    }
    table.slots[at] = Slot{.hash = hash, .route = route + 1};
    table.segments_max = std::max(table.segments_max, static_cast<std::size_t>(std::ranges::count(path, '/')));
    table.bytes_max = std::max(table.bytes_max, path.size());
  }
}

const Route* Router::route(std::string_view host, std::string_view path) const {
  host = host_without_port(host);
  if (!host.empty()) {
    const auto table =
        std::ranges::partition_point(tables_, [host](const Table& candidate) { return compare_host(candidate.host, host) < 0; });
    if (table != tables_.end() && compare_host(table->host, host) == 0) {
      if (const Route* route = find(*table, path)) {
        return route;
      }
    }
  }
  return !tables_.empty() && tables_.front().host.empty() ? find(tables_.front(), path) : nullptr;
}

/// Tries the path's beginnings that end with a segment, from the empty one on; no more of them than any API has segments, and none longer
/// than an API's path, so that a path of many slashes costs nothing.
const Route* Router::find(const Table& table, std::string_view path) const {
  const Route* best = nullptr;
  std::size_t end = 0;
  for (std::size_t segments = 0; segments <= table.segments_max && end <= table.bytes_max; ++segments) {
    if (const Route* const route = find_exactly(table, path.substr(0, end))) {
      best = route;
    }
    if (end == path.size()) {
      break;
    }
    end = std::min(path.find('/', end + 1), path.size());
  }
  return best;
}

const Route* Router::find_exactly(const Table& table, std::string_view path) const {
  const std::size_t mask = table.slots.size() - 1;
  const std::uint32_t hash = hash_of(path);
  for (std::size_t at = hash & mask; table.slots[at].route != 0; at = (at + 1) & mask) {
    if (table.slots[at].hash == hash && routes_[table.slots[at].route - 1].path == path) {
      return &routes_[table.slots[at].route - 1];
    }
  }
  return nullptr;
}

std::string_view host_without_port(std::string_view authority) {
  const std::size_t colon = authority.rfind(':');
  if (colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos) {
    authority = authority.substr(0, colon);
  }
  if (authority.ends_with('.')) {
    authority.remove_suffix(1);
  }
  return authority;
}

void append_target(const Route& route, const Upstream& upstream, std::string_view path, std::optional<std::string_view> query,
                   std::string& out) {
  std::string_view base = upstream.base_path;
  std::string_view rest = path.substr(route.matched_length);
  // "//host/x" as a target is a network-path reference to some (RFC 3986 §4.2).
  while (base.empty() && rest.starts_with("//")) {
    rest.remove_prefix(1);
  }
  if (!rest.empty() && base.ends_with('/')) {
    base.remove_suffix(1);
  }
  out.append(base).append(rest);
  if (base.empty() && rest.empty()) {
    out.push_back('/');
  }
  if (query) {
    out.append("?").append(*query);
  }
}

}  // namespace signet::config
