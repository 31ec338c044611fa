// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "signet/base/endpoint.h"
#include "signet/control/reconciler.h"

namespace signet::control {

/// What the holder of a token may do.
enum class Role : std::uint8_t { none, read, write };

/// One request to the management API, complete and authenticated.
struct AdminRequest {
  std::string method;
  std::string target;     ///< path and query as they were sent, still percent-encoded
  std::string authority;  ///< Host
  std::string scheme = "https";
  std::string if_match;  ///< empty: there was none
  std::string content_type;
  std::string body;
  Role role = Role::none;
  std::string principal;  ///< name of the token, for the log
  Endpoint peer;
};

struct AdminResponse {
  std::uint16_t status = 200;
  std::string content_type = "application/json; charset=utf-8";
  std::vector<std::pair<std::string, std::string>> fields;  ///< ETag, Allow, …; none of framing
  std::string body;                                         ///< of a HEAD too: it is not sent
};

/// The management REST API: the resources of the data plane in the form of Azure API Management (api-version 2024-05-01). Knows no socket:
/// a request comes in whole, its answer goes out whole. Thread-safe; blocks for as long as a key derivation, a build and a disk take.
class AdminApi {
 public:
  /// What the rest of the program can tell and do; all thread-safe.
  struct Options {
    std::function<std::string()> status;    ///< JSON object for GET /status
    std::function<std::string()> refusals;  ///< JSON array for GET /refusals, newest first
    /// Connections to this backend are opened anew after a while: idle ones closed, others once their call is over.
    std::function<void(const std::string& backend_id, std::chrono::seconds after)> reconnect;
    std::vector<Endpoint> own_addresses;  ///< of the management listener: back ends there are refused
    /// What ids begin with where a request uses the short form of a path.
    std::string resource_prefix =
        "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/signet/providers/Microsoft.ApiManagement/service/signet";
  };

  /// `reconciler` must outlive it.
  AdminApi(Reconciler& reconciler, Options options) : reconciler_(reconciler), options_(std::move(options)) {}

  /// Never throws. REQUIRES: the role is not none.
  [[nodiscard]] AdminResponse handle(const AdminRequest& request);

 private:
  Reconciler& reconciler_;
  Options options_;
};

}  // namespace signet::control
