// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_scopes.h"

#include <fmt/core.h>

#include <algorithm>
#include <utility>

#include "policy_xml.h"

namespace signet::config {

namespace {

PlacedStep without_document(Step step, PolicyOrigin origin, Source source) {
  return PlacedStep{
      .step = std::make_shared<const Step>(std::move(step)), .origin = origin, .document = nullptr, .source = std::move(source)};
}

/// What stands in an API's own settings.
SectionSteps shorthand(const Api& api) {
  SectionSteps steps;
  if (const std::string& id = api.backend_id.value; !id.empty()) {
    steps.push_back(without_document(Step{.action = BackendStep{.id = id, .url = {}},
                                          .element = "set-backend-service",
                                          .text = fmt::format("<set-backend-service backend-id=\"{}\" />", xml_escaped(id))},
                                     PolicyOrigin::backend_id, api.backend_id.source));
  }
  if (const std::string& id = api.certificate_id.value; !id.empty()) {
    steps.push_back(without_document(Step{.action = CertificateStep{.id = id, .thumbprint = {}},
                                          .element = "authentication-certificate",
                                          .text = fmt::format("<authentication-certificate certificate-id=\"{}\" />", xml_escaped(id))},
                                     PolicyOrigin::certificate_id, api.certificate_id.source));
  }
  return steps;
}

void append(SectionSteps& steps, const SectionSteps& more) {
  steps.insert(steps.end(), more.begin(), more.end());
}

/// The steps of `document` with those of `base` for `<base/>`.
EffectiveSteps spliced(const EffectiveSteps& base, const std::shared_ptr<const ScopeDocument>& document) {
  EffectiveSteps effective;
  for (std::size_t i = 0; i < section_count; ++i) {
    const PolicySteps::Part& part = document->steps.sections[i];
    if (!part.present) {
      effective[i] = base[i];
      continue;
    }
    for (const Step& step : part.steps) {
      if (std::holds_alternative<BaseStep>(step.action)) {
        append(effective[i], base[i]);
      } else {
        effective[i].push_back(PlacedStep{.step = std::shared_ptr<const Step>(document, &step),
                                          .origin = document->origin,
                                          .document = document,
                                          .source = document->source});
      }
    }
  }
  return effective;
}

}  // namespace

EffectiveSteps global_steps(const std::shared_ptr<const ScopeDocument>& document) {
  EffectiveSteps built_in;
  built_in[static_cast<std::size_t>(Section::backend)].push_back(without_document(
      Step{.action = ForwardStep{}, .element = "forward-request", .text = "<forward-request />"}, PolicyOrigin::built_in, {}));
  if (!document) {
    return built_in;
  }
  EffectiveSteps effective = spliced({}, document);
  for (std::size_t i = 0; i < section_count; ++i) {
    if (!document->steps.sections[i].present) {
      effective[i] = built_in[i];
    }
  }
  return effective;
}

EffectiveSteps api_steps(const EffectiveSteps& global, const Api& api, const std::shared_ptr<const ScopeDocument>& document) {
  const auto inbound = static_cast<std::size_t>(Section::inbound);
  const SectionSteps own = shorthand(api);
  EffectiveSteps base = global;
  append(base[inbound], own);
  if (!document) {
    return base;
  }
  EffectiveSteps effective = spliced(base, document);
  const PolicySteps::Part& part = document->steps.section(Section::inbound);
  const bool has_base = std::ranges::any_of(part.steps, [](const Step& step) { return std::holds_alternative<BaseStep>(step.action); });
  if (part.present && !has_base) {
    effective[inbound].insert(effective[inbound].begin(), own.begin(), own.end());
  }
  return effective;
}

EffectiveSteps operation_steps(const EffectiveSteps& api, const std::shared_ptr<const ScopeDocument>& document) {
  return document ? spliced(api, document) : api;
}

Source source_of(const PolicyDocument& document) {
  return document.file.value.empty() ? document.source : Source{.file = document.file.value};
}

std::shared_ptr<const ScopeDocument> read_scope(const PolicyDocument& document, PolicyScope scope, std::string key, Report& report) {
  auto read = std::make_shared<ScopeDocument>();
  read->scope = std::move(key);
  read->source = source_of(document);
  switch (scope) {
    case PolicyScope::global: read->origin = PolicyOrigin::global; break;
    case PolicyScope::api: read->origin = PolicyOrigin::api; break;
    case PolicyScope::operation: read->origin = PolicyOrigin::operation; break;
  }
  Report faults;
  read->steps = parse_policy(document.xml, scope, faults);
  for (Problem& fault : faults.errors) {
    Source source = read->source;
    if (!document.file.value.empty()) {
      source.line = fault.source.line;
      source.column = fault.source.column;
    }
    fault.source = std::move(source);
  }
  report.append(std::move(faults));
  return read;
}

}  // namespace signet::config
