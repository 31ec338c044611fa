// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "signet/base/result.h"
#include "signet/config/config.h"
#include "signet/config/report.h"

/// Policies in the dialect of API Management: `<policies><inbound/><backend/><outbound/><on-error/></policies>`.
///
/// Scopes: an operation inside its API inside the global one. `<base/>` puts the steps of the scope around it in its place; a section
/// without it leaves them out; a section that a document does not have counts as one with only `<base/>`, and so does a scope without a
/// document. The outermost scope is built in: its backend section is `<forward-request/>`, the others are empty. The global document stands
/// in place of it, so `<base/>` adds nothing there. Steps run in order, and the last to set something wins.
///
/// An API's backendId and certificateId are short for `<set-backend-service backend-id>` and `<authentication-certificate certificate-id>`
/// of its inbound section, right behind the steps of the global scope (where the document has `<base/>`, else before its first step).
///
/// Every error message reads "Error in element 'x' on line N, column M: …"; lines and columns count from 1, a column is one character, and
/// an element is where its name begins.
namespace signet::config {

/// Largest policy document, in bytes.
inline constexpr std::size_t policy_bytes_max = std::size_t{256} * 1024;
/// Deepest nesting of elements in it.
inline constexpr std::size_t policy_depth_max = 16;
/// Most elements in it.
inline constexpr std::size_t policy_elements_max = 5000;
/// Longest attribute or text of an element, but for set-body, in bytes.
inline constexpr std::size_t policy_value_bytes_max = 8192;

enum class PolicyScope : std::uint8_t { global, api, operation };

/// All that is wrong with a document by itself: references to other objects, and how scopes go together, are looked at when a snapshot is
/// built. Sources have line and column, no file and no pointer. No text of the document's values is in the messages where it may be secret.
[[nodiscard]] Report check_policy(std::string_view xml, PolicyScope scope);

/// Empty for a document with errors.
[[nodiscard]] PolicyReferences policy_references(std::string_view xml);

/// Where a step of an effective policy comes from.
enum class PolicyOrigin : std::uint8_t { built_in, global, api, operation, backend_id, certificate_id, backend_credentials };

/// "built-in", "global", "api", "operation", "backendId", "certificateId", "backend credentials".
[[nodiscard]] std::string_view policy_origin_name(PolicyOrigin origin);

struct EffectiveStep {
  std::string section;  ///< "inbound", "backend", "outbound", "on-error"
  std::string element;  ///< its XML; passwords and values of fields and parameters that carry credentials are "***"
  PolicyOrigin origin = PolicyOrigin::built_in;
  std::uint32_t line = 0;  ///< in the document of its scope; 0 for what comes from no document
  std::uint32_t column = 0;
};

struct EffectivePolicy {
  std::vector<EffectiveStep> steps;    ///< of all scopes, in the order of the sections, then in the order in which they run
  std::string backend_id;              ///< at the end of it all; empty for a URL
  std::string backend_url;             ///< empty for a pool, and where nothing says it
  std::string certificate_id;          ///< that is shown to the back end; empty: none, or only known by its thumbprint
  std::string certificate_thumbprint;  ///< as policy or backend name it, if they do so by thumbprint
};

/// The policy of an API, or of one of its operations, as calls meet it; nothing if there is no such API or operation. Errors: config, the
/// first that a document has. Of documents in files what the snapshot was built from is shown, for which `config` must be a snapshot's.
[[nodiscard]] Result<std::optional<EffectivePolicy>> effective_policy(const Config& config, std::string_view api_id,
                                                                      std::optional<std::string_view> operation_id);

/// The document of an API in which the inbound section shows the certificate `certificate_id`, or, if that is empty, none: the last
/// `<authentication-certificate>` there is replaced, others are taken out, a new one comes behind `<base/>`. All else stays byte by byte.
/// An empty `xml` stands for four sections with `<base/>`. Errors: config, the first of the document's own.
[[nodiscard]] Result<std::string> with_gateway_certificate(std::string_view xml, std::string_view certificate_id);

}  // namespace signet::config
