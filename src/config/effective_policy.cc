// SPDX-License-Identifier: GPL-3.0-or-later
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "signet/config/policy.h"
#include "policy_document.h"
#include "policy_scopes.h"
#include "policy_xml.h"

namespace signet::config {

namespace {

constexpr std::string_view certificate_element = "authentication-certificate";

std::unexpected<Error> refuse(std::string detail) {
  return fail(ErrorKind::config, Origin::internal, std::move(detail));
}

/// Null for none, and after an error, which is in `report`.
std::shared_ptr<const ScopeDocument> document(const std::optional<PolicyDocument>& policy, PolicyScope scope, Report& report) {
  return policy ? read_scope(*policy, scope, {}, report) : nullptr;
}

void add_step(EffectivePolicy& policy, std::string_view section, const PlacedStep& placed) {
  policy.steps.push_back(EffectiveStep{.section = std::string(section),
                                       .element = placed.step->text,
                                       .origin = placed.origin,
                                       .line = placed.step->line,
                                       .column = placed.step->column});
}

void add_credential(EffectivePolicy& policy, std::string element) {
  policy.steps.push_back(EffectiveStep{
      .section = std::string(section_names.front()), .element = std::move(element), .origin = PolicyOrigin::backend_credentials});
}

/// What a backend is told by itself, in front of all that policies say. Values are masked, whatever the name.
void add_credentials(EffectivePolicy& policy, const BackendCredentials& credentials) {
  if (!credentials.certificate_ids.empty()) {
    const std::string& id = credentials.certificate_ids.front().value;
    add_credential(policy, fmt::format("<{} certificate-id=\"{}\" />", certificate_element, xml_escaped(id)));
  } else if (!credentials.certificate.empty()) {
    add_credential(policy, fmt::format("<{} thumbprint=\"{}\" />", certificate_element, credentials.certificate.front().value));
  }
  for (const NamedValues& header : credentials.header) {
    add_credential(policy, fmt::format("<set-header name=\"{}\"><value>***</value></set-header>", xml_escaped(header.name)));
  }
  if (credentials.authorization) {
    add_credential(policy, "<set-header name=\"Authorization\"><value>***</value></set-header>");
  }
  for (const NamedValues& parameter : credentials.query) {
    add_credential(policy,
                   fmt::format("<set-query-parameter name=\"{}\"><value>***</value></set-query-parameter>", xml_escaped(parameter.name)));
  }
}

/// The last to say which back end, and which certificate, of those that run.
struct Chosen {
  const BackendStep* backend = nullptr;
  const CertificateStep* certificate = nullptr;
};

Chosen chosen(const EffectiveSteps& steps) {
  Chosen last;
  for (const Section section : {Section::inbound, Section::backend}) {
    for (const PlacedStep& step : section_of(steps, section)) {
      if (step.as<CannedResponse>() != nullptr || step.as<ForwardStep>() != nullptr) {
        return last;
      }
      if (const auto* backend = step.as<BackendStep>()) {
        last.backend = backend;
      } else if (const auto* certificate = step.as<CertificateStep>()) {
        last.certificate = certificate;
      }
    }
  }
  return last;
}

std::string url_text(const Url& url) {
  return fmt::format("{}://{}{}", url.scheme == Scheme::https ? "https" : "http", url.authority, url.path);
}

/// SHA-1 or SHA-256 of a certificate that was opened already; else nothing is known of it here.
std::string id_of_thumbprint(const Config& config, const std::string& thumbprint) {
  for (const Certificate& certificate : config.certificates) {
    if (certificate.loaded &&
        (certificate.loaded->thumbprint_sha1() == thumbprint || certificate.loaded->thumbprint_sha256() == thumbprint)) {
      return certificate.id;
    }
  }
  return {};
}

void add_outcome(const Config& config, const Api& api, const EffectiveSteps& steps, EffectivePolicy& policy) {
  const Chosen last = chosen(steps);
  const BackendCredentials* credentials = nullptr;
  if (last.backend != nullptr && !last.backend->id.empty()) {
    policy.backend_id = last.backend->id;
    const auto backend = std::ranges::find(config.backends, last.backend->id, &Backend::id);
    if (backend != config.backends.end() && backend->type == BackendType::single) {
      policy.backend_url = url_text(backend->url);
      credentials = &backend->credentials;
    }
  } else if (last.backend != nullptr) {
    policy.backend_url = url_text(last.backend->url);
  } else {
    policy.backend_url = api.service_url.value;
  }
  if (credentials != nullptr) {
    add_credentials(policy, *credentials);
  }
  if (last.certificate != nullptr) {
    policy.certificate_id = last.certificate->id;
    policy.certificate_thumbprint = last.certificate->thumbprint;
  } else if (credentials != nullptr && !credentials->certificate_ids.empty()) {
    policy.certificate_id = credentials->certificate_ids.front().value;
  } else if (credentials != nullptr && !credentials->certificate.empty()) {
    policy.certificate_thumbprint = credentials->certificate.front().value;
  }
  if (!policy.certificate_thumbprint.empty()) {
    policy.certificate_id = id_of_thumbprint(config, policy.certificate_thumbprint);
  }
}

template <typename Value>
void add_once(std::vector<Value>& values, const Value& value) {
  if (!value.empty() && std::ranges::find(values, value) == values.end()) {
    values.push_back(value);
  }
}

/// Text to put in place of what is between two offsets.
struct Replacement {
  std::size_t begin = 0;
  std::size_t end = 0;
  std::string text;
};

/// White space in front of `offset` from the line's beginning on, with the line break; empty if there is more than that.
std::string indentation_before(std::string_view text, std::size_t offset) {
  const std::size_t line = text.substr(0, offset).find_last_not_of(" \t");
  if (line == std::string_view::npos || text[line] != '\n') {
    return {};
  }
  const std::size_t begin = line > 0 && text[line - 1] == '\r' ? line - 1 : line;
  return std::string(text.substr(begin, offset - begin));
}

const XmlElement* child_named(const XmlElement& parent, std::string_view name) {
  const auto found = std::ranges::find(parent.children, name, &XmlElement::name);
  return found == parent.children.end() ? nullptr : &*found;
}

/// Where a certificate goes if the section has none.
Replacement new_certificate(std::string_view xml, const XmlElement& root, const std::string& element) {
  const XmlElement* const inbound = child_named(root, "inbound");
  if (inbound == nullptr) {
    const std::string section = fmt::format("<inbound><base />{}</inbound>", element);
    if (root.content == root.end) {  // <policies/>
      return {.begin = root.begin, .end = root.end, .text = fmt::format("<policies>{}</policies>", section)};
    }
    return {.begin = root.content, .end = root.content, .text = section};
  }
  if (inbound->content == inbound->end) {  // <inbound/>
    return {.begin = inbound->begin, .end = inbound->end, .text = fmt::format("<inbound>{}</inbound>", element)};
  }
  if (const XmlElement* const base = child_named(*inbound, "base")) {
    return {.begin = base->end, .end = base->end, .text = indentation_before(xml, base->begin) + element};
  }
  return {.begin = inbound->content, .end = inbound->content, .text = element};
}

std::string replaced(std::string_view xml, const std::vector<Replacement>& replacements) {
  std::string text;
  std::size_t done = 0;
  for (const Replacement& replacement : replacements) {
    text += xml.substr(done, replacement.begin - done);
    text += replacement.text;
    done = replacement.end;
  }
  return text += xml.substr(done);
}

}  // namespace

std::string_view policy_origin_name(PolicyOrigin origin) {
  constexpr std::array<std::string_view, 7> names{"built-in",           "global", "api", "operation", "backendId", "certificateId",
                                                  "backend credentials"};
  return names[static_cast<std::size_t>(origin)];
}

Report check_policy(std::string_view xml, PolicyScope scope) {
  Report report;
  static_cast<void>(parse_policy(xml, scope, report));
  return report;
}

PolicyReferences policy_references(std::string_view xml) {
  Report report;
  const PolicySteps steps = parse_policy(xml, PolicyScope::api, report);
  return report.ok() ? references_of(steps) : PolicyReferences();
}

PolicyReferences references_of(const PolicySteps& steps) {
  PolicyReferences references;
  for (const PolicySteps::Part& part : steps.sections) {
    for (const Step& step : part.steps) {
      if (const auto* certificate = std::get_if<CertificateStep>(&step.action)) {
        add_once(references.certificate_ids, certificate->id);
        add_once(references.thumbprints, certificate->thumbprint);
      } else if (const auto* backend = std::get_if<BackendStep>(&step.action)) {
        add_once(references.backend_ids, backend->id);
      }
    }
  }
  return references;
}

Result<std::optional<EffectivePolicy>> effective_policy(const Config& config, std::string_view api_id,
                                                        std::optional<std::string_view> operation_id) {
  const auto api = std::ranges::find(config.apis, api_id, &Api::id);
  if (api == config.apis.end()) {
    return std::optional<EffectivePolicy>();
  }
  Report report;
  EffectiveSteps steps =
      api_steps(global_steps(document(config.policy, PolicyScope::global, report)), *api, document(api->policy, PolicyScope::api, report));
  if (operation_id) {
    const auto operation = std::ranges::find(api->operations, *operation_id, &Operation::id);
    if (operation == api->operations.end()) {
      return std::optional<EffectivePolicy>();
    }
    steps = operation_steps(steps, document(operation->policy, PolicyScope::operation, report));
  }
  if (!report.ok()) {
    return refuse(report.errors.front().message);
  }
  EffectivePolicy policy;
  add_outcome(config, *api, steps, policy);
  for (std::size_t i = 0; i < section_count; ++i) {
    for (const PlacedStep& step : steps[i]) {
      add_step(policy, section_names[i], step);
    }
  }
  return policy;
}

Result<std::string> with_gateway_certificate(std::string_view xml, std::string_view certificate_id) {
  constexpr std::string_view empty_document =
      "<policies>\n  <inbound>\n    <base />\n  </inbound>\n  <backend>\n    <base />\n  </backend>\n  <outbound>\n    <base />\n  "
      "</outbound>\n  <on-error>\n    <base />\n  </on-error>\n</policies>\n";
  xml = xml.empty() ? empty_document : xml;
  if (const Report report = check_policy(xml, PolicyScope::api); !report.ok()) {
    return refuse(report.errors.front().message);
  }
  const std::expected<XmlElement, XmlError> root = parse_xml(xml);
  const std::string element = certificate_id.empty()
                                  ? std::string()
                                  : fmt::format("<{} certificate-id=\"{}\" />", certificate_element, xml_escaped(certificate_id));
  std::vector<Replacement> replacements;
  if (const XmlElement* const inbound = child_named(*root, "inbound")) {
    for (const XmlElement& child : inbound->children) {
      if (child.name == certificate_element) {
        const std::size_t blank = indentation_before(xml, child.begin).size();
        replacements.push_back({.begin = child.begin - blank, .end = child.end, .text = {}});
      }
    }
  }
  if (!element.empty() && replacements.empty()) {
    replacements.push_back(new_certificate(xml, *root, element));
  } else if (!element.empty()) {
    Replacement& last = replacements.back();
    const std::size_t begin = xml.find('<', last.begin);
    last.text = std::string(xml.substr(last.begin, begin - last.begin)) + element;
  }
  return replaced(xml, replacements);
}

}  // namespace signet::config
