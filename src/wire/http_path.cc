// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/http_path.h"

#include <fmt/core.h>

#include "signet/wire/http_head.h"
#include "character_set.h"

namespace signet::wire {

namespace {

std::unexpected<Error> refuse(std::string detail) {
  return fail(ErrorKind::bad_request, Origin::caller, std::move(detail));
}

/// RFC 3986 §2.3
constexpr CharacterSet unreserved_characters(digit_characters, letter_characters, "-._~");

bool is_control(unsigned char c) {
  return c < 0x20 || c == 0x7f;
}

/// ASCII that stands for itself: no control characters, no percent sign, backslash or number sign.
constexpr CharacterSet plain_characters(digit_characters, letter_characters, " !\"$&'()*+,-./:;<=>?@[]^_`{|}~");

/// One segment, decoded as far as decoding changes nothing.
Result<void> append_segment(std::string_view segment, std::string& out) {
  for (std::size_t i = 0; i < segment.size(); ++i) {
    const std::size_t plain = plain_characters.span(segment.substr(i));
    out.append(segment.substr(i, plain));
    i += plain;
    if (i == segment.size()) {
      break;
    }
    unsigned char c = static_cast<unsigned char>(segment[i]);
    bool encoded = false;
    if (c == '%') {
      const int high = i + 1 < segment.size() ? hex_value(segment[i + 1]) : -1;
      const int low = i + 2 < segment.size() ? hex_value(segment[i + 2]) : -1;
      if (high < 0 || low < 0) {
        return refuse("the path has a % without two hexadecimal digits (RFC 3986 §2.1)");
      }
      c = static_cast<unsigned char>(high * 16 + low);
      encoded = true;
      i += 2;
    }
    if (is_control(c) || c == '\\') {
      return refuse("the path has a control character or a backslash");
    }
    if (c == '#' && !encoded) {
      return refuse("the target has a fragment (RFC 9112 §3.2)");
    }
    if (encoded ? unreserved_characters.contains(static_cast<char>(c)) : c < 0x80) {
      out += static_cast<char>(c);
    } else {
      append_percent_encoded(static_cast<char>(c), out);
    }
  }
  return {};
}

/// Drops the last segment of "/a/b/c" and the slash before it. False at the root.
bool climb(std::string& path) {
  if (path.empty()) {
    return false;
  }
  path.resize(path.rfind('/'));
  return true;
}

/// "..%2Fadmin" is one segment here and two for a server that decodes first.
bool hides_dot_segment(std::string_view segment) {
  if (segment.find("%2F") == std::string_view::npos) {
    return false;
  }
  while (true) {
    const std::size_t slash = segment.find("%2F");
    const std::string_view part = segment.substr(0, slash);
    const std::string_view name = part.substr(0, part.find(';'));
    if (name == "." || name == "..") {
      return true;
    }
    if (slash == std::string_view::npos) {
      return false;
    }
    segment = segment.substr(slash + 3);
  }
}

/// The path of the target without its query; nothing if the target has none of the two forms.
std::optional<std::string_view> path_of(std::string_view target) {
  if (target.starts_with('/')) {
    return target;
  }
  const std::size_t colon = target.find("://");
  if (colon == std::string_view::npos) {
    return std::nullopt;
  }
  const std::string_view scheme = target.substr(0, colon);
  if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) {
    return std::nullopt;
  }
  const std::string_view rest = target.substr(colon + 3);
  const std::size_t end = rest.find_first_of("/?#");
  return end == std::string_view::npos ? std::string_view() : rest.substr(end);
}

}  // namespace

Result<NormalTarget> normalise_target(std::string_view target, std::string& path) {
  path.clear();
  const std::optional<std::string_view> found = path_of(target);
  if (!found) {
    return refuse("the target is neither a path nor an http URL (RFC 9112 §3.2)");
  }
  NormalTarget result;
  const std::size_t question = found->find('?');
  std::string_view rest = found->substr(0, question);
  if (question != std::string_view::npos) {
    result.query = found->substr(question + 1);
    for (const char c : *result.query) {
      if (is_control(static_cast<unsigned char>(c)) || c == ' ' || c == '#') {
        return refuse("the query has a control character, a space or a fragment");
      }
    }
  }
  if (rest.empty()) {
    rest = "/";
  }
  // `path` holds whole segments, each with its slash in front: "" is the root.
  while (!rest.empty()) {
    rest.remove_prefix(1);  // the slash
    const std::size_t slash = rest.find('/');
    const std::string_view segment = rest.substr(0, slash);
    const bool last = slash == std::string_view::npos;
    rest = last ? std::string_view() : rest.substr(slash);
    const std::size_t before = path.size();
    path += '/';
    if (Result<void> appended = append_segment(segment, path); !appended) {
      return std::unexpected(appended.error());
    }
    const std::string_view normal = std::string_view(path).substr(before + 1);
    if (hides_dot_segment(normal)) {
      return refuse("the path has a dot segment beside an encoded slash, which servers understand differently");
    }
    const std::string_view name = normal.substr(0, normal.find(';'));
    if (name == "." || name == "..") {
      if (name.size() != normal.size()) {
        return refuse("the path has a dot segment with parameters, which servers understand differently");
      }
      const bool up = name == "..";
      path.resize(before);
      if (up && !climb(path)) {
        return refuse("the path climbs above the root");
      }
      if (last) {
        path += '/';
      }
    }
  }
  return result;
}

void append_percent_encoded(char c, std::string& out) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  const auto byte = static_cast<unsigned char>(c);
  out += '%';
  out += digits[byte >> 4];
  out += digits[byte & 15];
}

std::string percent_encode(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (unreserved_characters.contains(c)) {
      out += c;
    } else {
      append_percent_encoded(c, out);
    }
  }
  return out;
}

}  // namespace signet::wire
