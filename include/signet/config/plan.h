// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "signet/base/clock.h"
#include "signet/base/endpoint.h"

/// What is done with a call, made of the policies of all scopes (policy.h). Policies of this version decide nothing by the call itself, so
/// nearly everything is settled when the snapshot is built: which back end, under which certificate, which fields are added. What is left
/// is a few lists, empty for an API without policy.
namespace signet::config {

struct Upstream;

/// What happens to all header fields, or query parameters, of one name. Several steps on one name are folded into one edit.
struct NameEdit {
  std::string name;
  bool drop = false;                   ///< those that are there go
  std::vector<std::string> if_absent;  ///< added if none is there. Empty if `drop`
  std::vector<std::string> added;      ///< behind all others
};
using NameEdits = std::vector<NameEdit>;

/// Where a call may go, with what this back end is told beside the caller's request: its credentials and the policy's fields.
struct Destination {
  const Upstream* upstream = nullptr;  ///< never null; lives as long as the snapshot
  NameEdits fields;                    ///< of the request's head; never a field of framing or connection
  NameEdits query;                     ///< names and values percent-encoded
  std::string host;                    ///< Host that a policy sets; empty: as the upstream's settings say
  std::uint32_t weight = 1;            ///< in a pool
  std::uint32_t priority = 0;          ///< in a pool
};

/// An answer that a policy gives in place of a back end.
struct CannedResponse {
  std::uint16_t status = 200;
  std::string reason;
  std::vector<std::pair<std::string, std::string>> fields;  ///< none of framing
  std::string body;
};

/// Lets callers in by their address, that of the connection.
struct IpFilter {
  struct Range {
    Endpoint from;  ///< ports do not matter
    Endpoint to;    ///< included; of the same family
  };
  bool allow = true;  ///< the ranges may; false: all others may
  std::vector<Range> ranges;

  [[nodiscard]] bool admits(const Endpoint& caller) const;
};

/// Counts calls in windows of fixed length. The one object of a snapshot that changes: all shards count in it together, by one atomic
/// operation per call.
class RateWindow {
 public:
  /// Nothing if the call is within the limit, else the seconds until the next window. Thread-safe. `now_s`: any clock in whole seconds.
  [[nodiscard]] std::optional<std::uint32_t> take(std::uint32_t calls_max, std::uint32_t period_s, std::uint64_t now_s);

 private:
  std::atomic<std::uint64_t> state_{0};  ///< number of the window, calls in it
};

struct RateLimit {
  std::uint32_t calls = 0;
  std::uint32_t renewal_period_s = 0;
  std::shared_ptr<RateWindow> window;  ///< goes on through reloads while the limit stays the same
};

/// What may end a call before a back end is chosen, in the policy's order.
using Gate = std::variant<IpFilter, RateLimit, CannedResponse>;

/// A piece of a rewritten path: text, or the value that a parameter of the operation's template has in the call.
struct TemplatePiece {
  std::string text;
  std::optional<std::size_t> parameter;  ///< index in TemplateValues
};

struct Rewrite {
  std::vector<TemplatePiece> path;   ///< begins with a slash; in place of the path below the API's own
  std::vector<TemplatePiece> query;  ///< empty: none of its own
  bool copy_query = true;            ///< the call's own query parameters go along
};

/// What every call reads stands first.
struct Plan {
  std::vector<Gate> gates;
  std::vector<Destination> destinations;  ///< several: the members of a pool. None: the API names no back end
  Duration response_timeout{};            ///< that a policy sets; zero: the upstream's
  bool forwards = true;                   ///< false: the policy has no forward-request, and the answer is an empty 200
  bool fail_on_error_status = false;      ///< an answer of 400 or above is an error of ours
  NameEdits response_fields;
  std::string method;  ///< for the back end; empty: the caller's
  std::optional<Rewrite> rewrite;
  std::optional<CannedResponse> response;  ///< in place of the back end's
  std::string pool_id;                     ///< of the backend whose members these are; empty for a single one
  NameEdits error_fields;                  ///< of our own error answers
  std::optional<CannedResponse> error_response;
};

inline constexpr std::size_t template_parameters_max = 16;

/// What the parameters of a url template stand for in a call: views into its path, percent-encoded as they came.
struct TemplateValues {
  std::array<std::string_view, template_parameters_max> values;
  std::size_t count = 0;
};

/// The operations of one API. Immutable; `find` allocates nothing and may be called from any thread.
class OperationTable {
 public:
  struct Entry {
    std::string id;
    std::string method;
    std::string url_template;
    const Plan* plan = nullptr;
  };
  struct Match {
    const Plan* plan = nullptr;
    std::string_view operation_id;
  };

  /// REQUIRES: templates are good (`check_url_template`), no two entries have the same method and the same template but for the names of
  /// parameters.
  explicit OperationTable(std::vector<Entry> entries);
  OperationTable(const OperationTable&) = delete;
  OperationTable& operator=(const OperationTable&) = delete;
  ~OperationTable();

  /// `path`: what is left behind the API's own, empty or from a slash, normalised. Text wins over a parameter, a parameter over the rest of
  /// a path, segment by segment from the left. Methods are compared byte by byte.
  [[nodiscard]] std::optional<Match> find(std::string_view method, std::string_view path, TemplateValues& values) const;

 private:
  struct Node;
  std::unique_ptr<const Node> root_;
};

/// Empty for a good one, else one sentence that says what was expected.
[[nodiscard]] std::string check_url_template(std::string_view url_template);

/// Names of the template's parameters, in order.
[[nodiscard]] std::vector<std::string> template_parameters(std::string_view url_template);

}  // namespace signet::config
