// SPDX-License-Identifier: GPL-3.0-or-later
// Steps of policies to Plans. No step decides anything by the call itself, so they are folded here, once: the last to set something wins,
// and what stands behind an answer is dead.
#pragma once

#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "signet/config/config.h"
#include "signet/config/plan.h"
#include "material.h"
#include "policy_scopes.h"
#include "upstreams.h"

namespace signet::config {

class PolicyCompiler {
 public:
  /// All must stay.
  PolicyCompiler(Upstreams& upstreams, MaterialReader& material, Report& report)
      : upstreams_(upstreams), material_(material), report_(report) {}

  /// Says so for each object that `steps` name and that is not there. Once for each document is enough.
  void check_references(const ScopeDocument& document);
  /// The same for the API's own backendId and certificateId.
  void check_references(const Api& api);

  /// `url_template`: of the operation; null for an API's plan, which rewrites nothing if that needs an operation's parameters. Faults are
  /// said once, however many plans meet them.
  [[nodiscard]] std::unique_ptr<const Plan> compile(const EffectiveSteps& steps, const Api& api, const std::string* url_template);

 private:
  struct Folding;

  void error(const PlacedStep& step, std::string message);
  void fold_request(const EffectiveSteps& steps, Folding& folding);
  void fold(const PlacedStep& step, Folding& folding);
  void fold_answers(const SectionSteps& steps, NameEdits& fields, std::optional<CannedResponse>& response);
  [[nodiscard]] std::optional<Rewrite> rewrite(const PlacedStep& step, const std::string* url_template, const Api& api);
  [[nodiscard]] std::vector<TemplatePiece> pieces(std::string_view text, const PlacedStep& step, const std::vector<std::string>& names);
  void add_destinations(const Folding& folding, const Api& api, Plan& plan);
  void add_destination(const Backend& backend, const Folding& folding, const PoolMember* member, Plan& plan);
  void add_url(const Url& url, const Source& source, const Folding& folding, Plan& plan);
  [[nodiscard]] Credential chosen(const Folding& folding) const;
  static void edit(const Folding& folding, Destination& destination);

  Upstreams& upstreams_;
  MaterialReader& material_;
  Report& report_;
  std::set<std::pair<const Step*, std::string>> said_;
};

}  // namespace signet::config
