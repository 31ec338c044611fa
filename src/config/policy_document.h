// SPDX-License-Identifier: GPL-3.0-or-later
// A policy document as steps: each element checked by itself and taken apart, references still by name.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "signet/config/config.h"
#include "signet/config/plan.h"
#include "signet/config/policy.h"
#include "signet/config/report.h"

namespace signet::config {

enum class Section : std::uint8_t { inbound, backend, outbound, on_error };
inline constexpr std::size_t section_count = 4;
inline constexpr std::array<std::string_view, section_count> section_names{"inbound", "backend", "outbound", "on-error"};

enum class ExistsAction : std::uint8_t { override_all, skip, append, remove };

/// The scope around goes here.
struct BaseStep {};
struct CertificateStep {
  std::string id;
  std::string thumbprint;  ///< upper case; in place of an id
};
struct BackendStep {
  std::string id;
  Url url;  ///< in place of an id
};
/// set-header, set-query-parameter (name and values percent-encoded), authentication-basic.
struct NameStep {
  std::string name;
  ExistsAction action = ExistsAction::override_all;
  std::vector<std::string> values;
};
struct HeaderStep : NameStep {};
struct QueryStep : NameStep {};
struct HostStep {
  std::string host;
};
/// `path` and `query` with parameters still by name: `{name}`.
struct RewriteStep {
  std::string path;
  std::string query;
  bool copy_query = true;
};
struct MethodStep {
  std::string method;
};
struct ForwardStep {
  Duration timeout{};  ///< zero: the back end's
  bool fail_on_error_status = false;
};
struct RateStep {
  std::uint32_t calls = 0;
  std::uint32_t renewal_period_s = 0;
};

struct Step {
  std::variant<BaseStep, CertificateStep, BackendStep, HeaderStep, QueryStep, HostStep, RewriteStep, MethodStep, ForwardStep,
               CannedResponse, IpFilter, RateStep>
      action;
  std::string element;  ///< its name
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  std::string text;  ///< of the element, what is secret in it masked
};

struct PolicySteps {
  struct Part {
    bool present = false;
    std::vector<Step> steps;
  };
  std::array<Part, section_count> sections;

  [[nodiscard]] const Part& section(Section section) const { return sections[static_cast<std::size_t>(section)]; }
};

/// Faults go to `report`, as check_policy has them; the steps are then those that are good.
[[nodiscard]] PolicySteps parse_policy(std::string_view xml, PolicyScope scope, Report& report);

/// "Error in element 'x' on line N, column M: message"
[[nodiscard]] std::string policy_error(std::string_view element, std::uint32_t line, std::uint32_t column, std::string_view message);

/// Why a policy may not set this field, or nothing: those of framing and connection are the gateway's.
[[nodiscard]] bool is_framing_field(std::string_view lower_case_name);

[[nodiscard]] std::string basic_credentials(std::string_view user, std::string_view password);

/// Are this field's or parameter's values likely credentials?
[[nodiscard]] bool is_sensitive_name(std::string_view name);

}  // namespace signet::config
