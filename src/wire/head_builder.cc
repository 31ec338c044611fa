// SPDX-License-Identifier: GPL-3.0-or-later
#include "head_builder.h"

#include <fmt/core.h>

#include <algorithm>
#include <optional>

#include "character_set.h"

namespace signet::wire {

namespace {

std::unexpected<Error> bad_request(std::string detail) {
  return fail(ErrorKind::bad_request, Origin::caller, std::move(detail));
}

std::unexpected<Error> bad_response(std::string detail) {
  return fail(ErrorKind::bad_response, Origin::backend, std::move(detail));
}

constexpr CharacterSet digits(digit_characters);
constexpr CharacterSet host_characters(digit_characters, letter_characters, "-._~:%!$&'()*+;=");
constexpr CharacterSet literal_characters(digit_characters, letter_characters, "-._~:%!$&'()*+;=[]");

/// uri-host [":" port] (RFC 9110 §7.2): no user information, nothing that could end a host early.
bool is_host(std::string_view text) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t bracket = text.find(']');
    if (bracket == std::string_view::npos || !literal_characters.contains_all(text)) {
      return false;
    }
    port = text.substr(bracket + 1);
    if (!port.empty() && !port.starts_with(':')) {
      return false;
    }
    port = port.substr(port.empty() ? 0 : 1);
  } else {
    if (!host_characters.contains_all(text)) {
      return false;
    }
    const std::size_t colon = text.find(':');
    port = colon == std::string_view::npos ? std::string_view() : text.substr(colon + 1);
  }
  return port.size() <= 5 && digits.contains_all(port);
}

/// The authority of a target in absolute-form (RFC 9112 §3.2.2); nothing for other forms.
std::optional<std::string_view> authority_of(std::string_view target) {
  const std::size_t colon = target.find("://");
  if (target.starts_with('/') || colon == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view rest = target.substr(colon + 3);
  return rest.substr(0, rest.find_first_of("/?#"));
}

Result<void> check_expectation(const HttpHead& head, bool& expects_continue) {
  for (const HttpField& field : head.fields().all()) {
    if (field.id != FieldId::expect) {
      continue;
    }
    if (!equals_ignoring_case(field.value, "100-continue")) {
      return fail(ErrorKind::expectation_failed, Origin::caller,
                  fmt::format("Expect: {} (RFC 9110 §10.1.1 knows 100-continue only)", field.value));
    }
    expects_continue = true;
  }
  return {};
}

/// RFC 6455 §4.1 and §4.2.2: both fields, this one protocol.
bool names_websocket(const HttpHead& head) {
  const HttpField* const upgrade = head.fields().find(FieldId::upgrade);
  return upgrade != nullptr && head.fields().count(FieldId::upgrade) == 1 && equals_ignoring_case(upgrade->value, "websocket") &&
         head.connection_names("upgrade");
}

}  // namespace

void HeadBuilder::clear(HttpHead& head) {
  head.fields_.fields_.clear();
  head.method_ = head.target_ = head.host_ = head.reason_ = {};
  head.content_length_ = 0;
  head.status_ = 0;
  head.framing_ = BodyFraming::none;
  head.has_content_length_ = head.keep_alive_ = head.expects_continue_ = head.websocket_upgrade_ = false;
}

void HeadBuilder::add(HttpFields& fields, std::string_view name, std::string_view value) {
  while (!value.empty() && (value.back() == ' ' || value.back() == '\t')) {
    value.remove_suffix(1);
  }
  fields.fields_.push_back(HttpField{.name = name, .value = value, .id = field_id(name)});
}

/// RFC 9112 §3.2 and §3.2.2
Result<void> HeadBuilder::find_host(HttpHead& head) {
  const std::size_t hosts = head.fields_.count(FieldId::host);
  if (hosts > 1) {
    return bad_request("several Host fields (RFC 9112 §3.2)");
  }
  if (hosts == 0 && head.version_minor_ > 0) {
    return bad_request("no Host field (RFC 9112 §3.2)");
  }
  if (hosts == 1) {
    head.host_ = head.fields_.find(FieldId::host)->value;
  }
  if (const std::optional<std::string_view> authority = authority_of(head.target_)) {
    if (authority->empty()) {
      return bad_request("the target has an empty host (RFC 9110 §4.2.1)");
    }
    head.host_ = *authority;
  }
  if (!is_host(head.host_)) {
    return bad_request("Host is not a host and port (RFC 9110 §7.2)");
  }
  return {};
}

/// RFC 9112 §9.3
void HeadBuilder::find_persistence(HttpHead& head) {
  head.keep_alive_ = head.connection_names("close") ? false : head.version_minor_ > 0 || head.connection_names("keep-alive");
}

Result<void> HeadBuilder::finish_request(HttpHead& head, const HeadFacts& facts) {
  head.method_ = facts.method;
  head.target_ = facts.target;
  head.version_minor_ = facts.version_minor;
  if (facts.protocol != "HTTP" || facts.version_major != 1 || facts.version_minor > 1) {
    return fail(ErrorKind::version_refused, Origin::caller,
                fmt::format("{}/{}.{}", facts.protocol, facts.version_major, facts.version_minor));
  }
  if (head.method_ == "CONNECT" || head.method_ == "TRACE") {
    return fail(ErrorKind::method_refused, Origin::caller, fmt::format("{} is not relayed", head.method_));
  }
  if (Result<void> host = find_host(head); !host) {
    return host;
  }
  const std::size_t lengths = head.fields_.count(FieldId::content_length);
  const std::size_t codings = head.fields_.count(FieldId::transfer_encoding);
  if (lengths > 1 || (lengths != 0 && codings != 0)) {
    return bad_request(lengths > 1 ? "several Content-Length fields (RFC 9112 §6.3)"
                                   : "Content-Length beside Transfer-Encoding (RFC 9112 §6.1)");
  }
  if (codings != 0) {
    if (head.version_minor_ == 0) {
      return bad_request("Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1)");
    }
    if (codings > 1 || !equals_ignoring_case(head.fields_.find(FieldId::transfer_encoding)->value, "chunked")) {
      return fail(ErrorKind::transfer_coding_refused, Origin::caller, "Transfer-Encoding other than one chunked (RFC 9112 §6.1)");
    }
    head.framing_ = BodyFraming::chunked;
  } else if (lengths != 0) {
    head.has_content_length_ = true;
    head.content_length_ = facts.content_length;
    head.framing_ = facts.content_length != 0 ? BodyFraming::length : BodyFraming::none;
  }
  find_persistence(head);
  head.websocket_upgrade_ =
      names_websocket(head) && head.method_ == "GET" && head.version_minor_ == 1 && head.framing_ == BodyFraming::none;
  return check_expectation(head, head.expects_continue_);
}

Result<void> HeadBuilder::finish_response(HttpHead& head, const HeadFacts& facts, std::string_view request_method, bool upgrade_requested) {
  head.status_ = facts.status;
  const auto is_text = [](char c) { return c == '\t' || static_cast<unsigned char>(c) >= 0x20; };
  head.reason_ = std::ranges::all_of(facts.reason, is_text) ? facts.reason : std::string_view();
  head.version_minor_ = facts.version_minor;
  if (facts.protocol != "HTTP") {
    return bad_response("not HTTP");
  }
  if (facts.version_major != 1 || facts.version_minor > 1) {
    return bad_response(fmt::format("HTTP/{}.{}", facts.version_major, facts.version_minor));
  }
  if (facts.status < 100 || facts.status > 599) {
    return bad_response(fmt::format("status {}", facts.status));
  }
  const std::size_t lengths = head.fields_.count(FieldId::content_length);
  const std::size_t codings = head.fields_.count(FieldId::transfer_encoding);
  if (lengths > 1 || (lengths != 0 && codings != 0)) {
    return bad_response(lengths > 1 ? "several Content-Length fields (RFC 9112 §6.3)"
                                    : "Content-Length beside Transfer-Encoding (RFC 9112 §6.1)");
  }
  if (codings > 1 || (codings == 1 && !equals_ignoring_case(head.fields_.find(FieldId::transfer_encoding)->value, "chunked"))) {
    return bad_response("Transfer-Encoding other than one chunked (RFC 9112 §6.1)");
  }
  head.has_content_length_ = lengths != 0;
  head.content_length_ = lengths != 0 ? facts.content_length : 0;
  find_persistence(head);
  if (facts.status == 101) {
    head.websocket_upgrade_ = names_websocket(head);
    if (!upgrade_requested || !head.websocket_upgrade_) {
      return bad_response("101 without a WebSocket handshake (RFC 9110 §15.2.2)");
    }
  }
  if (codings != 0 && head.version_minor_ == 0) {
    return bad_response("Transfer-Encoding in HTTP/1.0 (RFC 9112 §6.1)");
  }
  if ((facts.status < 200 || facts.status == 204) && (codings != 0 || head.content_length_ != 0)) {
    head.keep_alive_ = false;  // RFC 9110 §8.6 and RFC 9112 §6.1 forbid it: who knows what its sender lets follow
  }
  // RFC 9112 §6.3
  if (facts.status < 200 || facts.status == 204 || facts.status == 304 || request_method == "HEAD") {
    head.framing_ = BodyFraming::none;
  } else if (codings != 0) {
    head.framing_ = BodyFraming::chunked;
  } else if (lengths != 0) {
    head.framing_ = facts.content_length != 0 ? BodyFraming::length : BodyFraming::none;
  } else {
    head.framing_ = BodyFraming::until_close;
    head.keep_alive_ = false;
  }
  return {};
}

}  // namespace signet::wire
