// SPDX-License-Identifier: GPL-3.0-or-later
#include "policy_elements.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <utility>

#include "signet/wire/http_path.h"
#include "names.h"

namespace signet::config {

namespace {

using std::chrono::milliseconds;

constexpr std::size_t name_bytes_max = 256;
constexpr std::size_t values_max = 100;
constexpr std::size_t method_bytes_max = 20;
constexpr std::size_t reason_bytes_max = 256;
constexpr std::size_t certificate_id_bytes_max = 80;
constexpr std::size_t backend_id_bytes_max = 80;
constexpr std::size_t url_bytes_max = 2000;
constexpr std::uint32_t timeout_s_max = 24 * 3600;
constexpr std::uint32_t timeout_ms_max = timeout_s_max * 1000;
constexpr std::uint32_t calls_max = 1'000'000'000;
/// As API Management has it.
constexpr std::uint32_t renewal_period_s_max = 300;
constexpr std::size_t addresses_max = 1000;

constexpr std::array<std::pair<std::string_view, ExistsAction>, 4> exists_actions{{{"override", ExistsAction::override_all},
                                                                                   {"skip", ExistsAction::skip},
                                                                                   {"append", ExistsAction::append},
                                                                                   {"delete", ExistsAction::remove}}};

template <typename Action>
Step step_of(Action action) {
  return Step{.action = std::move(action), .element = {}, .text = {}};
}

/// RFC 9110 §5.5, without what it only tolerates.
bool is_field_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c == '\t' || (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f); });
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t begin = text.find_first_not_of(blanks);
  return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(blanks) - begin + 1);
}

/// What set-header and set-query-parameter have in common.
NameStep read_name_step(ElementReader& reader) {
  reader.attributes({"name", "exists-action"});
  reader.children({"value"});
  NameStep step{.name = std::string(trimmed(reader.required("name"))), .values = {}};
  if (step.name.size() > name_bytes_max) {
    reader.error(fmt::format("expected a name of at most {} bytes", name_bytes_max));
  }
  if (const std::string* action = reader.attribute("exists-action")) {
    const auto known = std::ranges::find(exists_actions, *action, [](const auto& entry) { return entry.first; });
    if (known == exists_actions.end()) {
      reader.error(fmt::format("the attribute exists-action is '{}'; expected override, skip, append or delete", *action));
    } else {
      step.action = known->second;
    }
  }
  if (step.action == ExistsAction::remove) {
    return step;
  }
  for (const XmlElement& child : reader.element().children) {
    ElementReader value(child, reader.report());
    value.attributes({});
    value.children({"#text"});
    step.values.emplace_back(trimmed(child.text));
  }
  if (step.values.empty() || step.values.size() > values_max) {
    reader.error(fmt::format("expected 1 to {} elements <value>", values_max));
  }
  return step;
}

/// A field with a name and values that may be sent.
NameStep read_field(ElementReader& reader) {
  NameStep step = read_name_step(reader);
  if (!step.name.empty() && !is_token(step.name)) {
    reader.error(fmt::format("the attribute name is '{}'; expected the name of a header field", step.name));
  }
  if (is_framing_field(lower_case(step.name))) {
    reader.error(fmt::format("{} belongs to the connection or to the framing of messages, which the gateway alone decides", step.name));
  }
  if (!std::ranges::all_of(step.values, is_field_value)) {
    reader.error("expected a <value> without line breaks and control characters");
  }
  return step;
}

std::optional<Step> read_set_header(ElementReader& reader, Section section) {
  NameStep step = read_field(reader);
  if (lower_case(step.name) != "host") {
    return step_of(HeaderStep{std::move(step)});
  }
  if (section != Section::inbound && section != Section::backend) {
    reader.error("Host is a field of requests: expected it in the section inbound");
  } else if (step.action != ExistsAction::override_all || step.values.size() != 1) {
    reader.error("every request has exactly one Host: expected exists-action override and one <value>");
  } else if (step.values.front().empty() || step.values.front().find_first_of(" \t/?#@,\\") != std::string::npos) {
    reader.error("expected a host, with or without a port");
  } else {
    return step_of(HostStep{.host = std::move(step.values.front())});
  }
  return std::nullopt;
}

std::optional<Step> read_set_query_parameter(ElementReader& reader, Section) {
  NameStep step = read_name_step(reader);
  step.name = wire::percent_encode(step.name);
  std::ranges::transform(step.values, step.values.begin(), wire::percent_encode);
  return step_of(QueryStep{std::move(step)});
}

std::optional<Step> read_base(ElementReader& reader, Section) {
  reader.attributes({});
  reader.children({});
  return step_of(BaseStep{});
}

std::optional<Step> read_authentication_certificate(ElementReader& reader, Section) {
  reader.children({});
  if (reader.attribute("body") != nullptr || reader.attribute("password") != nullptr) {
    reader.error(
        "the attributes body and password would keep a private key in the text of the policy, where everyone may read it who may "
        "read policies: expected certificate-id, of a certificate that is uploaded by itself");
    return std::nullopt;
  }
  reader.attributes({"certificate-id", "thumbprint"});
  const bool by_id = reader.attribute("certificate-id") != nullptr;
  if (by_id == (reader.attribute("thumbprint") != nullptr)) {
    reader.error("expected either the attribute certificate-id or the attribute thumbprint");
    return std::nullopt;
  }
  if (by_id) {
    std::string id = reader.required("certificate-id");
    if (reader.ok() && !is_id(id, certificate_id_bytes_max)) {
      reader.error("the attribute certificate-id is no id of a certificate");
    }
    return step_of(CertificateStep{.id = std::move(id), .thumbprint = {}});
  }
  std::string thumbprint = normal_thumbprint(reader.required("thumbprint"));
  if (reader.ok() && thumbprint.size() != 40 && thumbprint.size() != 64) {
    reader.error("the attribute thumbprint: expected 40 (SHA-1) or 64 (SHA-256) hexadecimal digits");
  }
  return step_of(CertificateStep{.id = {}, .thumbprint = std::move(thumbprint)});
}

std::optional<Step> read_authentication_basic(ElementReader& reader, Section) {
  reader.attributes({"username", "password"});
  reader.children({});
  const std::string user = reader.required("username");
  const std::string* password = reader.attribute("password");
  if (password == nullptr) {
    reader.error("expected the attribute password");
    return std::nullopt;
  }
  if (user.find(':') != std::string::npos || !is_field_value(user) || !is_field_value(*password)) {
    reader.error("expected username without colon, and neither attribute with control characters");
  }
  return step_of(HeaderStep{NameStep{.name = "Authorization", .values = {basic_credentials(user, *password)}}});
}

std::optional<Step> read_set_backend_service(ElementReader& reader, Section) {
  reader.attributes({"backend-id", "base-url"});
  reader.children({});
  const bool by_id = reader.attribute("backend-id") != nullptr;
  if (by_id == (reader.attribute("base-url") != nullptr)) {
    reader.error("expected either the attribute backend-id or the attribute base-url");
    return std::nullopt;
  }
  if (by_id) {
    std::string id = reader.required("backend-id");
    if (reader.ok() && !is_id(id, backend_id_bytes_max)) {
      reader.error("the attribute backend-id is no id of a backend");
    }
    return step_of(BackendStep{.id = std::move(id), .url = {}});
  }
  const std::string text = reader.required("base-url");
  if (!reader.ok()) {
    return std::nullopt;
  }
  Result<Url> url = parse_url(text);
  if (!url || text.size() > url_bytes_max) {
    reader.error("the attribute base-url: " +
                 (url ? fmt::format("expected at most {} bytes", url_bytes_max) : std::move(url.error().detail)));
    return std::nullopt;
  }
  return step_of(BackendStep{.id = {}, .url = std::move(*url)});
}

/// Characters of a query (RFC 3986 §3.4), or a path, with names in braces.
bool is_template_text(std::string_view text, std::string_view others) {
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    if (!letter && others.find(c) == std::string_view::npos) {
      return false;
    }
  }
  return true;
}

/// The text with "x" for each parameter, or nothing if the braces do not go together.
std::optional<std::string> without_parameters(std::string_view text) {
  std::string plain;
  while (!text.empty()) {
    const std::size_t open = std::min(text.find_first_of("{}"), text.size());
    plain += text.substr(0, open);
    text.remove_prefix(open);
    if (text.empty()) {
      break;
    }
    const std::size_t close = text.find('}');
    if (text.front() == '}' || close == std::string_view::npos || close == 1 ||
        text.substr(1, close - 1).find('{') != std::string_view::npos) {
      return std::nullopt;
    }
    plain += 'x';
    text.remove_prefix(close + 1);
  }
  return plain;
}

std::optional<Step> read_rewrite_uri(ElementReader& reader, Section) {
  reader.attributes({"template", "copy-unmatched-params"});
  reader.children({});
  const std::string text(trimmed(reader.required("template")));
  RewriteStep step{.path = {}, .query = {}, .copy_query = reader.boolean("copy-unmatched-params", true)};
  if (!reader.ok()) {
    return std::nullopt;
  }
  const std::size_t mark = std::min(text.find('?'), text.size());
  step.path = text.substr(0, mark);
  step.query = mark == text.size() ? std::string() : text.substr(mark + 1);
  if (!step.path.starts_with('/')) {
    step.path.insert(0, "/");
  }
  const std::optional<std::string> path = without_parameters(step.path);
  const std::optional<std::string> query = without_parameters(step.query);
  if (!path || !query) {
    reader.error("the attribute template: expected names of parameters in braces, such as {id}");
  } else if (!is_path(*path)) {
    reader.error(
        "the attribute template: expected a path of characters of RFC 3986 (others percent-encoded), without \".\", \"..\" and "
        "empty segments");
  } else if (!is_template_text(*query, "-._~!$&'()*+,;=:@/?%")) {
    reader.error("the attribute template: expected a query of characters of RFC 3986 (others percent-encoded)");
  }
  return step_of(std::move(step));
}

std::optional<Step> read_set_method(ElementReader& reader, Section) {
  reader.attributes({});
  reader.children({"#text"});
  MethodStep step{.method = std::string(reader.text())};
  if (!is_token(step.method) || step.method.size() > method_bytes_max) {
    reader.error("expected a method such as POST between the tags");
  } else if (step.method == "CONNECT" || step.method == "TRACE") {
    reader.error(fmt::format("{} is never sent to a back end", step.method));
  }
  return step_of(std::move(step));
}

/// An attribute whose only good value is what is done anyway.
void only(ElementReader& reader, std::string_view name, std::initializer_list<std::string_view> values, std::string_view reason) {
  const std::string* value = reader.attribute(name);
  if (value != nullptr && std::ranges::find(values, *value) == values.end()) {
    reader.error(fmt::format("the attribute {} is '{}'; expected '{}': {}", name, *value, *values.begin(), reason));
  }
}

std::optional<Step> read_forward_request(ElementReader& reader, Section) {
  reader.attributes(
      {"timeout", "timeout-ms", "fail-on-error-status-code", "follow-redirects", "buffer-request-body", "buffer-response", "http-version"});
  reader.children({});
  ForwardStep step;
  if (reader.attribute("timeout") != nullptr && reader.attribute("timeout-ms") != nullptr) {
    reader.error("expected the attribute timeout or the attribute timeout-ms, not both");
  } else if (reader.attribute("timeout") != nullptr) {
    step.timeout = seconds(reader.number("timeout", 1, timeout_s_max));
  } else if (reader.attribute("timeout-ms") != nullptr) {
    step.timeout = milliseconds(reader.number("timeout-ms", 1, timeout_ms_max));
  }
  step.fail_on_error_status = reader.boolean("fail-on-error-status-code", false);
  only(reader, "follow-redirects", {"false"}, "redirects go to the caller");
  only(reader, "buffer-request-body", {"false"},
       "bodies are passed on as they come; a backend's replayBufferBytes is for sending them again");
  only(reader, "buffer-response", {"false"}, "bodies are passed on as they come");
  only(reader, "http-version", {"1", "2or1"}, "back ends are spoken to in HTTP/1.1");
  return step_of(step);
}

/// One field of an answer that there is nothing of yet.
void set_field(std::vector<std::pair<std::string, std::string>>& fields, NameStep step) {
  const std::string name = lower_case(step.name);
  const auto same = [&name](const auto& field) { return lower_case(field.first) == name; };
  if (step.action == ExistsAction::skip && std::ranges::any_of(fields, same)) {
    return;
  }
  if (step.action == ExistsAction::override_all || step.action == ExistsAction::remove) {
    std::erase_if(fields, same);
  }
  for (std::string& value : step.values) {
    fields.emplace_back(step.name, std::move(value));
  }
}

void read_set_status(ElementReader& reader, CannedResponse& response) {
  reader.attributes({"code", "reason"});
  reader.children({});
  response.status = static_cast<std::uint16_t>(reader.number("code", 200, 599));
  if (const std::string* reason = reader.attribute("reason")) {
    response.reason = trimmed(*reason);
  }
  if (!is_field_value(response.reason) || response.reason.size() > reason_bytes_max) {
    reader.error(fmt::format("the attribute reason: expected at most {} bytes without control characters", reason_bytes_max));
  }
}

std::optional<Step> read_return_response(ElementReader& reader, Section) {
  reader.attributes({});
  reader.children({"set-status", "set-header", "set-body"});
  CannedResponse response;
  bool status = false;
  bool body = false;
  for (const XmlElement& child : reader.element().children) {
    ElementReader part(child, reader.report());
    if (child.name == "set-status" || child.name == "set-body") {
      if (std::exchange(child.name == "set-status" ? status : body, true)) {
        part.error("expected at most once");
      }
    }
    if (child.name == "set-status") {
      read_set_status(part, response);
    } else if (child.name == "set-header") {
      NameStep field = read_field(part);
      if (lower_case(field.name) == "host") {
        part.error("Host is a field of requests");
      }
      set_field(response.fields, std::move(field));
    } else if (child.name == "set-body") {
      part.attributes({});
      part.children({"#text"});
      response.body = child.text;
    }
  }
  if (!response.body.empty() && (response.status == 204 || response.status == 205 || response.status == 304)) {
    reader.error(fmt::format("an answer with status {} has no body: expected no <set-body>", response.status));
  }
  return step_of(std::move(response));
}

void read_address(ElementReader& reader, IpFilter& filter) {
  reader.attributes({});
  reader.children({"#text"});
  const std::optional<Cidr> block = parse_cidr(reader.text());
  if (!block) {
    reader.error("expected an IP address, or a block without bits behind its prefix, such as 10.0.0.0/8");
    return;
  }
  IpFilter::Range range{.from = block->network, .to = block->network};
  const std::size_t bits = block->network.family == Endpoint::Family::ipv4 ? 32 : 128;
  for (std::size_t bit = block->prefix_bits; bit < bits; ++bit) {
    range.to.address[bit / 8] |= static_cast<std::uint8_t>(0x80U >> (bit % 8));
  }
  filter.ranges.push_back(range);
}

void read_address_range(ElementReader& reader, IpFilter& filter) {
  reader.attributes({"from", "to"});
  reader.children({});
  const std::optional<Cidr> from = parse_cidr(trimmed(reader.required("from")));
  const std::optional<Cidr> to = parse_cidr(trimmed(reader.required("to")));
  if (!reader.ok()) {
    return;
  }
  const auto single = [](const Cidr& block) { return block.prefix_bits == (block.network.family == Endpoint::Family::ipv4 ? 32 : 128); };
  if (!from || !to || !single(*from) || !single(*to) || from->network.family != to->network.family) {
    reader.error("the attributes from and to: expected two IP addresses, both of version 4 or both of version 6");
  } else if (from->network.address > to->network.address) {
    reader.error("the attributes from and to: from lies behind to");
  } else {
    filter.ranges.push_back(IpFilter::Range{.from = from->network, .to = to->network});
  }
}

std::optional<Step> read_ip_filter(ElementReader& reader, Section) {
  reader.attributes({"action"});
  reader.children({"address", "address-range"});
  const std::string action = reader.required("action");
  if (reader.ok() && action != "allow" && action != "forbid") {
    reader.error(fmt::format("the attribute action is '{}'; expected allow or forbid", action));
  }
  const std::vector<XmlElement>& children = reader.element().children;
  if (children.empty() || children.size() > addresses_max) {
    reader.error(fmt::format("expected 1 to {} elements <address> and <address-range>", addresses_max));
    return std::nullopt;
  }
  IpFilter filter{.allow = action == "allow", .ranges = {}};
  for (const XmlElement& child : children) {
    ElementReader part(child, reader.report());
    if (child.name == "address") {
      read_address(part, filter);
    } else if (child.name == "address-range") {
      read_address_range(part, filter);
    }
  }
  return step_of(std::move(filter));
}

std::optional<Step> read_rate_limit(ElementReader& reader, Section) {
  reader.attributes({"calls", "renewal-period"});
  reader.children({});
  const std::uint32_t calls = reader.number("calls", 1, calls_max);
  return step_of(RateStep{.calls = calls, .renewal_period_s = reader.number("renewal-period", 1, renewal_period_s_max)});
}

}  // namespace

const std::vector<ElementKind>& element_kinds() {
  using enum Section;
  static const std::vector<ElementKind> kinds{
      {"base", {inbound, backend, outbound, on_error}, read_base, true},
      {"authentication-basic", {inbound}, read_authentication_basic},
      {"authentication-certificate", {inbound}, read_authentication_certificate},
      {"forward-request", {backend}, read_forward_request, true},
      {"ip-filter", {inbound}, read_ip_filter},
      {"rate-limit", {inbound}, read_rate_limit, true},
      {"return-response", {inbound, backend, outbound, on_error}, read_return_response},
      {"rewrite-uri", {inbound}, read_rewrite_uri},
      {"set-backend-service", {inbound, backend}, read_set_backend_service},
      {"set-header", {inbound, backend, outbound, on_error}, read_set_header},
      {"set-method", {inbound}, read_set_method},
      {"set-query-parameter", {inbound, backend}, read_set_query_parameter},
  };
  return kinds;
}

}  // namespace signet::config
