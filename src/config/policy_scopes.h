// SPDX-License-Identifier: GPL-3.0-or-later
// How the policies of the scopes go together: the steps that a call meets, in order, each with where it comes from.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "signet/config/config.h"
#include "signet/config/policy.h"
#include "policy_document.h"

namespace signet::config {

/// The document of one scope, read.
struct ScopeDocument {
  PolicySteps steps;
  PolicyOrigin origin = PolicyOrigin::global;
  std::string scope;  ///< "policies", "apis/orders", "apis/orders/operations/get"
  Source source;      ///< of the document; with the file that it is in, if it is
};

struct PlacedStep {
  std::shared_ptr<const Step> step;
  PolicyOrigin origin = PolicyOrigin::built_in;
  std::shared_ptr<const ScopeDocument> document;  ///< null for what comes from none
  Source source;                                  ///< to blame, where there is no document

  template <typename Action>
  [[nodiscard]] const Action* as() const {
    return std::get_if<Action>(&step->action);
  }
};

using SectionSteps = std::vector<PlacedStep>;
using EffectiveSteps = std::array<SectionSteps, section_count>;

[[nodiscard]] inline const SectionSteps& section_of(const EffectiveSteps& steps, Section section) {
  return steps[static_cast<std::size_t>(section)];
}

/// Of the global scope. `document` may be null.
[[nodiscard]] EffectiveSteps global_steps(const std::shared_ptr<const ScopeDocument>& document);

/// Of an API inside the global scope. `document` may be null.
[[nodiscard]] EffectiveSteps api_steps(const EffectiveSteps& global, const Api& api, const std::shared_ptr<const ScopeDocument>& document);

/// Of an operation inside its API.
[[nodiscard]] EffectiveSteps operation_steps(const EffectiveSteps& api, const std::shared_ptr<const ScopeDocument>& document);

/// See policy_references.
[[nodiscard]] PolicyReferences references_of(const PolicySteps& steps);

/// Where a policy is: the file that it is in, if there is one.
[[nodiscard]] Source source_of(const PolicyDocument& document);

/// Reads `document`, whose text is in `xml`. Faults go to `report`, at their places in the file, or at the place of the document.
[[nodiscard]] std::shared_ptr<const ScopeDocument> read_scope(const PolicyDocument& document, PolicyScope scope, std::string key,
                                                              Report& report);

}  // namespace signet::config
