// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace signet::wire {

/// Fields that a gateway has to know. Everything else is `other` and passes through.
enum class FieldId : std::uint8_t {
  other,
  // framing and routing: written anew on the other side
  connection,
  content_length,
  expect,
  host,
  te,
  trailer,
  transfer_encoding,
  upgrade,
  // of one connection only (RFC 9110 §7.6.1): end here
  hop_by_hop,
  // what proxies say about the way of a call
  via,
  forwarded,
  x_forwarded_for,
  x_forwarded_host,
  x_forwarded_proto,
  x_forwarded_other,
  /// Says who the caller is, in the place of a TLS layer: Client-Cert, X-Forwarded-Client-Cert, X-SSL-…; only a gateway may say that.
  client_identity,
  /// A known name spelt with "_" for "-": back ends that turn names into variables (CGI, WSGI) cannot tell the two apart.
  disguised,
};

/// Case-insensitive, as field names are (RFC 9110 §5.1).
[[nodiscard]] FieldId field_id(std::string_view name);

struct HttpField {
  std::string_view name;   ///< as it was sent
  std::string_view value;  ///< without surrounding whitespace
  FieldId id = FieldId::other;
};

/// Header or trailer fields in the order of their arrival. Keeps its memory over `clear`.
class HttpFields {
 public:
  [[nodiscard]] std::span<const HttpField> all() const { return fields_; }
  [[nodiscard]] std::size_t size() const { return fields_.size(); }
  /// The first one, or nullptr.
  [[nodiscard]] const HttpField* find(FieldId id) const;
  [[nodiscard]] const HttpField* find(std::string_view name) const;
  [[nodiscard]] std::size_t count(FieldId id) const;

 private:
  friend class HttpReader;
  friend class HeadBuilder;
  std::vector<HttpField> fields_;
};

/// How the end of a body is told (RFC 9112 §6.3).
enum class BodyFraming : std::uint8_t { none, length, chunked, until_close };

/// A parsed head. Views are valid until the reader starts the next message.
class HttpHead {
 public:
  // request
  [[nodiscard]] std::string_view method() const { return method_; }
  /// Request target as it was sent; see normalise_target.
  [[nodiscard]] std::string_view target() const { return target_; }
  /// Host and optional port of the target in absolute-form, else of the Host field; empty in HTTP/1.0 without either.
  [[nodiscard]] std::string_view host() const { return host_; }
  /// RFC 9110 §10.1.1
  [[nodiscard]] bool expects_continue() const { return expects_continue_; }
  /// A WebSocket opening handshake (RFC 6455 §4.1), or the answer that accepts it (§4.2.2).
  [[nodiscard]] bool is_websocket_upgrade() const { return websocket_upgrade_; }

  // response
  [[nodiscard]] std::uint16_t status() const { return status_; }
  [[nodiscard]] std::string_view reason() const { return reason_; }

  // both
  /// 0 or 1: the major version is always 1.
  [[nodiscard]] std::uint8_t version_minor() const { return version_minor_; }
  [[nodiscard]] const HttpFields& fields() const { return fields_; }
  [[nodiscard]] BodyFraming framing() const { return framing_; }
  /// Of BodyFraming::length, in bytes. In an answer to HEAD, and a 304: what the field said, or 0.
  [[nodiscard]] std::uint64_t content_length() const { return content_length_; }
  [[nodiscard]] bool has_content_length() const { return has_content_length_; }
  /// The sender keeps the connection (RFC 9112 §9.3).
  [[nodiscard]] bool keep_alive() const { return keep_alive_; }
  /// How long the sender keeps the connection at rest: Keep-Alive: timeout=N (RFC 2068 §19.7.1.1, widely sent; RFC 9112 §C.2.2).
  [[nodiscard]] std::optional<std::chrono::seconds> keep_alive_timeout() const;
  /// True if a Connection field names `name` (RFC 9110 §7.6.1): such a field ends here.
  [[nodiscard]] bool connection_names(std::string_view name) const;

 private:
  friend class HttpReader;
  friend class HeadBuilder;

  std::string_view method_;
  std::string_view target_;
  std::string_view host_;
  std::string_view reason_;
  HttpFields fields_;
  std::uint64_t content_length_ = 0;
  std::uint16_t status_ = 0;
  std::uint8_t version_minor_ = 1;
  BodyFraming framing_ = BodyFraming::none;
  bool has_content_length_ = false;
  bool keep_alive_ = false;
  bool expects_continue_ = false;
  bool websocket_upgrade_ = false;
};

/// ASCII only, as HTTP's names compare.
[[nodiscard]] bool equals_ignoring_case(std::string_view a, std::string_view b);

/// Calls `visit(element)` for each element of a comma-separated list (RFC 9110 §5.6.1), trimmed, empty ones left out.
template <typename Visit>
void for_each_element(std::string_view list, Visit visit) {
  while (!list.empty()) {
    const std::size_t comma = list.find(',');
    std::string_view element = list.substr(0, comma);
    list = comma == std::string_view::npos ? std::string_view() : list.substr(comma + 1);
    while (!element.empty() && (element.front() == ' ' || element.front() == '\t')) {
      element.remove_prefix(1);
    }
    while (!element.empty() && (element.back() == ' ' || element.back() == '\t')) {
      element.remove_suffix(1);
    }
    if (!element.empty()) {
      visit(element);
    }
  }
}

}  // namespace signet::wire
