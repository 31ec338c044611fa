// SPDX-License-Identifier: GPL-3.0-or-later
#include "call_target.h"

#include <algorithm>

#include "signet/config/snapshot.h"
#include "signet/wire/http_path.h"

namespace signet::gateway {

namespace {

using config::NameEdit;
using config::NameEdits;
using wire::hex_value;

/// The next character that `text` stands for, in lower case; takes it off.
char take_decoded(std::string_view& text) {
  char c = text.front();
  std::size_t taken = 1;
  if (c == '+') {
    c = ' ';
  } else if (c == '%' && text.size() >= 3 && hex_value(text[1]) >= 0 && hex_value(text[2]) >= 0) {
    c = static_cast<char>(hex_value(text[1]) * 16 + hex_value(text[2]));
    taken = 3;
  }
  text.remove_prefix(taken);
  return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c;
}

bool same_parameter(std::string_view a, std::string_view b) {
  while (!a.empty() && !b.empty()) {
    if (take_decoded(a) != take_decoded(b)) {
      return false;
    }
  }
  return a.empty() && b.empty();
}

std::string_view name_of(std::string_view parameter) {
  return parameter.substr(0, parameter.find('='));
}

/// Calls `visit(parameter)` with each part between ampersands.
template <typename Visit>
void for_each_parameter(std::string_view query, Visit visit) {
  for (;;) {
    const std::size_t end = std::min(query.find('&'), query.size());
    visit(query.substr(0, end));
    if (end == query.size()) {
      return;
    }
    query.remove_prefix(end + 1);
  }
}

bool has_parameter(std::string_view query, std::string_view name) {
  bool has = false;
  for_each_parameter(query, [&](std::string_view parameter) { has = has || same_parameter(name_of(parameter), name); });
  return has;
}

/// Takes what the policy drops out of the query that begins at `begin`. Some servers take semicolons for ampersands: a name behind one is
/// one too.
void drop_parameters(const NameEdits& edits, std::size_t begin, std::string& out) {
  const auto dropped = [&edits](std::string_view name) {
    return std::ranges::any_of(edits, [name](const NameEdit& edit) { return edit.drop && same_parameter(edit.name, name); });
  };
  std::size_t end = begin;  // of what stays; never behind what is being looked at
  char separator = ';';     // between what stays: an ampersand if there was one
  for (std::size_t at = begin;;) {
    const std::size_t stop = std::min(out.find_first_of("&;", at), out.size());
    const std::string_view parameter = std::string_view(out).substr(at, stop - at);
    const char next = stop == out.size() ? '&' : out[stop];
    if (!dropped(name_of(parameter))) {
      if (end != begin) {
        out[end++] = separator;
      }
      std::copy(out.begin() + static_cast<std::ptrdiff_t>(at), out.begin() + static_cast<std::ptrdiff_t>(stop),
                out.begin() + static_cast<std::ptrdiff_t>(end));
      end += stop - at;
      separator = next;
    } else if (next == '&') {
      separator = next;
    }
    if (stop == out.size()) {
      break;
    }
    at = stop + 1;
  }
  out.resize(end);
}

void add_parameter(std::string_view name, std::string_view value, std::size_t begin, std::string& out) {
  if (out.size() != begin) {
    out.push_back('&');
  }
  out.append(name).append("=").append(value);
}

void edit_query(const NameEdits& edits, std::size_t begin, std::string& out) {
  if (out.size() != begin && std::ranges::any_of(edits, &NameEdit::drop)) {
    drop_parameters(edits, begin, out);
  }
  for (const NameEdit& edit : edits) {
    if (!edit.if_absent.empty() && !has_parameter(std::string_view(out).substr(begin), edit.name)) {
      for (const std::string& value : edit.if_absent) {
        add_parameter(edit.name, value, begin, out);
      }
    }
    for (const std::string& value : edit.added) {
      add_parameter(edit.name, value, begin, out);
    }
  }
}

std::string_view value_of(const config::TemplatePiece& piece, const config::TemplateValues& values) {
  return *piece.parameter < values.count ? values.values[*piece.parameter] : std::string_view();
}

void append_path_pieces(const CallTarget& call, std::string& out) {
  std::string_view base = call.destination.upstream->base_path;
  if (base.ends_with('/')) {
    base.remove_suffix(1);
  }
  out.append(base);
  const std::size_t begin = out.size();
  for (const config::TemplatePiece& piece : call.plan.rewrite->path) {
    out.append(piece.parameter ? value_of(piece, call.values) : std::string_view(piece.text));
  }
  // "//host/x" as a target is a network-path reference to some (RFC 3986 §4.2).
  while (base.empty() && std::string_view(out).substr(begin).starts_with("//")) {
    out.erase(begin, 1);
  }
}

/// A path may hold, unencoded, what separates parameters in a query.
void append_query_value(std::string_view value, std::string& out) {
  for (const char c : value) {
    if (std::string_view("&=+;").contains(c)) {
      wire::append_percent_encoded(c, out);
    } else {
      out.push_back(c);
    }
  }
}

}  // namespace

void append_call_target(const CallTarget& call, std::string& out) {
  const bool rewrites = call.plan.rewrite.has_value();
  const NameEdits& edits = call.destination.query;
  if (!rewrites && edits.empty()) {
    config::append_target(call.route, *call.destination.upstream, call.path, call.query, out);
    return;
  }
  if (rewrites) {
    append_path_pieces(call, out);
  } else {
    config::append_target(call.route, *call.destination.upstream, call.path, std::nullopt, out);
  }
  out.push_back('?');
  const std::size_t begin = out.size();
  if (rewrites) {
    for (const config::TemplatePiece& piece : call.plan.rewrite->query) {
      if (piece.parameter) {
        append_query_value(value_of(piece, call.values), out);
      } else {
        out.append(piece.text);
      }
    }
  }
  if (call.query && !call.query->empty() && (!rewrites || call.plan.rewrite->copy_query)) {
    if (out.size() != begin) {
      out.push_back('&');
    }
    out.append(*call.query);
  }
  edit_query(edits, begin, out);
  if (out.size() == begin) {
    out.pop_back();  // no parameter is left: no question mark
  }
}

}  // namespace signet::gateway
