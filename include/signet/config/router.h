// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

namespace signet::config {

class OperationTable;
struct Plan;
struct Upstream;

/// One API as a call meets it.
struct Route {
  std::string api_id;
  std::string path;                            ///< "/orders"; empty takes every path
  std::size_t matched_length = 0;              ///< bytes of a matching request path that belong to the API: the size of `path`
  const Plan* plan = nullptr;                  ///< of its calls if it has no operations; lives as long as the snapshot
  const OperationTable* operations = nullptr;  ///< null: it has none, and takes every method and path
  bool takes_http = true;                      ///< calls over plain connections
  bool takes_https = true;
};

/// Finds the route of a call. Immutable once built; `route` allocates nothing and may be called from any thread.
///
/// Routes that name the call's host come before those that name none; among them the longest path wins, on whole segments: "/orders" takes
/// "/orders" and "/orders/7", not "/orders2". Paths are compared byte by byte, hosts without regard to ASCII case.
class Router {
 public:
  struct Entry {
    std::vector<std::string> hosts;  ///< empty: any
    Route route;
  };

  Router() = default;
  /// REQUIRES: no two entries with the same path share a host, or both name none. Hosts are lower case and have no port.
  explicit Router(std::vector<Entry> entries);

  /// `host` as in the Host field: a port and one trailing dot are passed over. `path` is normalised and starts with a slash. nullptr if no
  /// API takes it. The answer lives as long as this object.
  [[nodiscard]] const Route* route(std::string_view host, std::string_view path) const;

 private:
  /// A place in a table of hashes. The hash stands beside the route, so that a path that is not there costs one look at memory.
  struct Slot {
    std::uint32_t hash = 0;
    std::uint32_t route = 0;  ///< index in `routes_`, plus one; 0: free
  };
  /// Routes of one host, or of none.
  struct Table {
    std::string host;
    std::vector<std::uint32_t> routes;  ///< indices in `routes_`
    std::vector<Slot> slots;            ///< by the hash of the path, each in the next free place; a power of two, at least half of it free
    std::size_t segments_max = 0;       ///< of any path: bounds the look-ups of one call
    std::size_t bytes_max = 0;          ///< of the longest path: bounds what one look-up reads of a call's
  };

  void add(const std::string& host, std::uint32_t route, std::unordered_map<std::string, std::size_t>& tables);
  void fill(Table& table) const;
  [[nodiscard]] const Route* find(const Table& table, std::string_view path) const;
  [[nodiscard]] const Route* find_exactly(const Table& table, std::string_view path) const;

  std::vector<Route> routes_;
  std::vector<Table> tables_;  ///< sorted by host; any host is the empty one, which comes first
};

/// The host of a Host field without its port and one trailing dot. A view into `authority`.
[[nodiscard]] std::string_view host_without_port(std::string_view authority);

/// Appends the request target for the back end: the API's path is taken off `path`, the rest appended to the base path of `upstream`, and
/// the query, where there is one, after a question mark. REQUIRES: `path` is what `route` was found with.
void append_target(const Route& route, const Upstream& upstream, std::string_view path, std::optional<std::string_view> query,
                   std::string& out);

}  // namespace signet::config
