// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_compiler.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "signet/wire/http_path.h"
#include "names.h"

namespace signet::config {

namespace {

enum class NameCase { sensitive, insensitive };

/// Folds one more step into the edits: each name has one.
void apply(const NameStep& step, NameCase name_case, NameEdits& edits) {
  const std::string name = lower_case(step.name);
  const auto same = std::ranges::find_if(edits, [&](const NameEdit& edit) {
    return name_case == NameCase::sensitive ? edit.name == step.name : lower_case(edit.name) == name;
  });
  NameEdit& edit = same == edits.end() ? edits.emplace_back(NameEdit{.name = step.name, .if_absent = {}, .added = {}}) : *same;
  switch (step.action) {
    case ExistsAction::override_all:
    case ExistsAction::remove:
      edit.drop = true;
      edit.if_absent.clear();
      edit.added = step.values;
      break;
    case ExistsAction::append: edit.added.insert(edit.added.end(), step.values.begin(), step.values.end()); break;
    case ExistsAction::skip:
      if (!edit.added.empty() || !edit.if_absent.empty()) {
        break;  // it is there by now, whatever the call brings
      }
      (edit.drop ? edit.added : edit.if_absent) = step.values;
      break;
  }
}

NameStep override_by(std::string name, std::vector<std::string> values) {
  return NameStep{.name = std::move(name), .action = ExistsAction::override_all, .values = std::move(values)};
}

bool has_parameters(const RewriteStep& step) {
  return step.path.find('{') != std::string::npos || step.query.find('{') != std::string::npos;
}

}  // namespace

/// What the steps of a request come to.
struct PolicyCompiler::Folding {
  Plan& plan;
  std::vector<const HeaderStep*> fields;
  std::vector<const QueryStep*> query;
  std::string host;
  const PlacedStep* backend = nullptr;
  const PlacedStep* certificate = nullptr;
  const PlacedStep* rewrite = nullptr;
  const PlacedStep* forward = nullptr;
  bool ended = false;  ///< a policy answers in place of a back end
};

void PolicyCompiler::error(const PlacedStep& step, std::string message) {
  if (!said_.emplace(step.step.get(), message).second) {
    return;
  }
  Source source = step.source;
  if (!step.document) {
    report_.error(std::move(source), std::move(message));
    return;
  }
  if (!source.file.empty() && source.pointer.empty()) {
    source.line = step.step->line;
    source.column = step.step->column;
  }
  report_.error(std::move(source), policy_error(step.step->element, step.step->line, step.step->column, message));
}

void PolicyCompiler::check_references(const ScopeDocument& document) {
  const auto owner = std::make_shared<ScopeDocument>(ScopeDocument{.steps = {}, .origin = document.origin, .scope = {}, .source = {}});
  for (const PolicySteps::Part& part : document.steps.sections) {
    for (const Step& step : part.steps) {
      const PlacedStep placed{.step = std::shared_ptr<const Step>(std::shared_ptr<void>(), &step),
                              .origin = document.origin,
                              .document = owner,
                              .source = document.source};
      if (const CertificateStep* certificate = placed.as<CertificateStep>()) {
        const std::expected<Credential, std::string> found = certificate->id.empty()
                                                                 ? upstreams_.certificate_by_thumbprint(certificate->thumbprint)
                                                                 : upstreams_.certificate(certificate->id);
        if (!found) {
          error(placed, found.error());
        }
      } else if (const BackendStep* backend = placed.as<BackendStep>()) {
        if (!backend->id.empty() && upstreams_.backend(backend->id) == nullptr) {
          error(placed, upstreams_.no_such_backend(backend->id));
        }
      }
    }
  }
}

void PolicyCompiler::check_references(const Api& api) {
  if (!api.backend_id.value.empty() && upstreams_.backend(api.backend_id.value) == nullptr) {
    report_.error(api.backend_id.source, upstreams_.no_such_backend(api.backend_id.value));
  }
  if (!api.certificate_id.value.empty()) {
    if (const std::expected<Credential, std::string> found = upstreams_.certificate(api.certificate_id.value); !found) {
      report_.error(api.certificate_id.source, found.error());
    }
  }
}

void PolicyCompiler::fold(const PlacedStep& step, Folding& folding) {
  if (const auto* certificate = step.as<CertificateStep>(); certificate != nullptr) {
    folding.certificate = &step;
  } else if (step.as<BackendStep>() != nullptr) {
    folding.backend = &step;
  } else if (const auto* header = step.as<HeaderStep>()) {
    folding.fields.push_back(header);
  } else if (const auto* parameter = step.as<QueryStep>()) {
    folding.query.push_back(parameter);
  } else if (const auto* host = step.as<HostStep>()) {
    folding.host = host->host;
  } else if (step.as<RewriteStep>() != nullptr) {
    folding.rewrite = &step;
  } else if (const auto* method = step.as<MethodStep>()) {
    folding.plan.method = method->method;
  } else if (const auto* filter = step.as<IpFilter>()) {
    folding.plan.gates.emplace_back(*filter);
  } else if (const auto* rate = step.as<RateStep>()) {
    const std::string scope = step.document ? step.document->scope : std::string();
    folding.plan.gates.emplace_back(RateLimit{
        .calls = rate->calls,
        .renewal_period_s = rate->renewal_period_s,
        .window = material_.rate_window(fmt::format("{} {} {}", scope, rate->calls, rate->renewal_period_s)),
    });
  } else if (const auto* response = step.as<CannedResponse>()) {
    folding.plan.gates.emplace_back(*response);
    folding.ended = true;
  } else if (const auto* forward = step.as<ForwardStep>()) {
    folding.forward = &step;
    folding.plan.response_timeout = forward->timeout;
    folding.plan.fail_on_error_status = forward->fail_on_error_status;
  }
}

void PolicyCompiler::fold_request(const EffectiveSteps& steps, Folding& folding) {
  for (const Section section : {Section::inbound, Section::backend}) {
    for (const PlacedStep& step : section_of(steps, section)) {
      if (folding.ended) {
        return;
      }
      if (folding.forward == nullptr) {
        fold(step, folding);
      } else if (step.as<ForwardStep>() != nullptr) {
        error(step, "a call is forwarded once: expected no <base/> beside it, which brings the <forward-request> of the scope around");
      } else if (const auto* response = step.as<CannedResponse>()) {
        folding.plan.response = *response;
        return;
      } else {
        error(step, "has no effect behind <forward-request>: expected it in front of that, or of the <base/> that brings it");
      }
    }
  }
}

/// Of sections that run when there is an answer already.
void PolicyCompiler::fold_answers(const SectionSteps& steps, NameEdits& fields, std::optional<CannedResponse>& response) {
  for (const PlacedStep& step : steps) {
    if (const auto* header = step.as<HeaderStep>()) {
      apply(*header, NameCase::insensitive, fields);
    } else if (const auto* canned = step.as<CannedResponse>()) {
      response = *canned;
      fields.clear();
      return;
    }
  }
}

std::unique_ptr<const Plan> PolicyCompiler::compile(const EffectiveSteps& steps, const Api& api, const std::string* url_template) {
  auto plan = std::make_unique<Plan>();
  Folding folding{.plan = *plan, .fields = {}, .query = {}, .host = {}};
  fold_request(steps, folding);
  plan->forwards = folding.ended || folding.forward != nullptr;
  if (folding.rewrite != nullptr && !folding.ended) {
    plan->rewrite = rewrite(*folding.rewrite, url_template, api);
  }
  if (!folding.ended && plan->forwards) {
    add_destinations(folding, api, *plan);
  }
  if (!folding.ended && !plan->response) {
    fold_answers(section_of(steps, Section::outbound), plan->response_fields, plan->response);
  }
  fold_answers(section_of(steps, Section::on_error), plan->error_fields, plan->error_response);
  return plan;
}

/// Nothing for an API's own plan if there are parameters: calls of its operations have plans of theirs.
std::optional<Rewrite> PolicyCompiler::rewrite(const PlacedStep& step, const std::string* url_template, const Api& api) {
  const RewriteStep& settings = std::get<RewriteStep>(step.step->action);
  if (url_template == nullptr && !api.operations.empty() && has_parameters(settings)) {
    return std::nullopt;
  }
  const std::vector<std::string> names = url_template == nullptr ? std::vector<std::string>() : template_parameters(*url_template);
  return Rewrite{
      .path = pieces(settings.path, step, names), .query = pieces(settings.query, step, names), .copy_query = settings.copy_query};
}

std::vector<TemplatePiece> PolicyCompiler::pieces(std::string_view text, const PlacedStep& step, const std::vector<std::string>& names) {
  std::vector<TemplatePiece> pieces;
  while (!text.empty()) {
    const std::size_t open = std::min(text.find('{'), text.size());
    if (open != 0) {
      pieces.push_back(TemplatePiece{.text = std::string(text.substr(0, open)), .parameter = std::nullopt});
    }
    text.remove_prefix(open);
    if (text.empty()) {
      break;
    }
    const std::size_t close = text.find('}');
    std::string_view name = text.substr(1, close - 1);
    name.remove_prefix(name.starts_with('*') ? 1 : 0);
    const auto known = std::ranges::find(names, name);
    if (known == names.end()) {
      error(step, fmt::format("the template names the parameter {{{}}}, which the urlTemplate of the operation does not have", name));
    }
    pieces.push_back(TemplatePiece{.text = {}, .parameter = static_cast<std::size_t>(known - names.begin())});
    text.remove_prefix(close + 1);
  }
  return pieces;
}

/// The certificate of the policy; nothing for none, and after an error.
Credential PolicyCompiler::chosen(const Folding& folding) const {
  if (folding.certificate == nullptr) {
    return {};
  }
  const CertificateStep& step = std::get<CertificateStep>(folding.certificate->step->action);
  std::expected<Credential, std::string> found =
      step.id.empty() ? upstreams_.certificate_by_thumbprint(step.thumbprint) : upstreams_.certificate(step.id);
  return found ? std::move(*found) : Credential{};
}

void PolicyCompiler::add_destinations(const Folding& folding, const Api& api, Plan& plan) {
  if (folding.backend == nullptr) {
    if (const std::string& url = api.service_url.value; !url.empty()) {
      Result<Url> parsed = parse_url(url);
      if (!parsed) {
        report_.error(api.service_url.source, std::move(parsed.error().detail));
        return;
      }
      add_url(*parsed, api.service_url.source, folding, plan);
    }
    return;
  }
  const BackendStep& step = std::get<BackendStep>(folding.backend->step->action);
  if (step.id.empty()) {
    add_url(step.url, folding.backend->source, folding, plan);
    return;
  }
  const Backend* const backend = upstreams_.backend(step.id);
  if (backend == nullptr) {
    return;  // that was said
  }
  if (backend->type == BackendType::single) {
    add_destination(*backend, folding, nullptr, plan);
    return;
  }
  plan.pool_id = backend->id;
  for (const PoolMember& member : backend->pool) {
    const Backend* const known = upstreams_.backend(member.backend_id.value);
    if (known != nullptr && known->type == BackendType::single) {
      add_destination(*known, folding, &member, plan);
    }
  }
}

void PolicyCompiler::add_destination(const Backend& backend, const Folding& folding, const PoolMember* member, Plan& plan) {
  Destination destination{.fields = {}, .query = {}, .host = {}};
  if (folding.certificate == nullptr) {
    destination.upstream = upstreams_.of_backend(backend);
  } else if (backend.url.scheme == Scheme::http) {
    error(*folding.certificate, member == nullptr ? std::string(certificate_without_tls)
                                                  : fmt::format("{}; it is backend \"{}\" of the pool \"{}\"", certificate_without_tls,
                                                                backend.id, plan.pool_id));
  } else if (const Credential credential = chosen(folding); !credential.id.empty()) {
    destination.upstream = upstreams_.of_backend(backend, credential);
  }
  if (destination.upstream == nullptr) {
    return;  // why was said
  }
  const BackendCredentials& credentials = backend.credentials;
  for (const NamedValues& header : credentials.header) {
    const std::string name = lower_case(header.name);
    if (is_framing_field(name) || (name == "host" && header.values.size() != 1)) {
      report_.error(backend.source,
                    fmt::format("backend \"{}\": credentials.header: {} is not a field that can be set", backend.id, header.name));
    } else if (name == "host") {
      destination.host = header.values.front();
    } else {
      apply(override_by(header.name, header.values), NameCase::insensitive, destination.fields);
    }
  }
  if (credentials.authorization) {
    const Authorization& authorization = *credentials.authorization;
    const std::string separator = authorization.parameter.empty() ? "" : " ";
    apply(override_by("Authorization", {authorization.scheme + separator + authorization.parameter}), NameCase::insensitive,
          destination.fields);
  }
  for (const NamedValues& parameter : credentials.query) {
    NameStep step = override_by(wire::percent_encode(parameter.name), parameter.values);
    std::ranges::transform(step.values, step.values.begin(), wire::percent_encode);
    apply(step, NameCase::sensitive, destination.query);
  }
  if (member != nullptr) {
    destination.weight = member->weight;
    destination.priority = member->priority;
  }
  plan.destinations.push_back(std::move(destination));
  edit(folding, plan.destinations.back());
}

void PolicyCompiler::add_url(const Url& url, const Source& source, const Folding& folding, Plan& plan) {
  const Credential credential = chosen(folding);
  if (folding.certificate != nullptr && url.scheme == Scheme::http) {
    error(*folding.certificate, std::string(certificate_without_tls));
    return;
  }
  if (folding.certificate != nullptr && credential.id.empty()) {
    return;  // why was said
  }
  const Upstream* const upstream = upstreams_.of_url(url, credential, source);
  plan.destinations.push_back(Destination{.upstream = upstream, .fields = {}, .query = {}, .host = {}});
  edit(folding, plan.destinations.back());
}

/// What the policy adds for every back end.
void PolicyCompiler::edit(const Folding& folding, Destination& destination) {
  for (const HeaderStep* step : folding.fields) {
    apply(*step, NameCase::insensitive, destination.fields);
  }
  for (const QueryStep* step : folding.query) {
    apply(*step, NameCase::sensitive, destination.query);
  }
  if (!folding.host.empty()) {
    destination.host = folding.host;
  }
}

}  // namespace signet::config
