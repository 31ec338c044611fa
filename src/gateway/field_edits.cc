// SPDX-License-Identifier: GPL-3.0-or-later
#include "field_edits.h"

#include <algorithm>

#include "signet/wire/http_head.h"
#include "signet/wire/http_writer.h"

namespace signet::gateway {

namespace {

char folded(char c) {
  return c == '_' ? '-' : (c >= 'A' && c <= 'Z' ? static_cast<char>(c | 0x20) : c);
}

/// Does the head have a field of this name? `head` is one that wire wrote: each line "name: value", its end CR LF.
bool has_field(std::string_view head, std::string_view name) {
  for (std::size_t line = head.find('\n'); line != std::string_view::npos; line = head.find('\n', line + 1)) {
    const std::string_view rest = head.substr(line + 1);
    if (rest.size() > name.size() && rest[name.size()] == ':' && wire::equals_ignoring_case(rest.substr(0, name.size()), name)) {
      return true;
    }
  }
  return false;
}

}  // namespace

bool same_field(std::string_view a, std::string_view b) {
  return a.size() == b.size() && std::ranges::equal(a, b, [](char x, char y) { return folded(x) == folded(y); });
}

bool drops_field(const config::NameEdits& edits, std::string_view name) {
  return std::ranges::any_of(edits, [name](const config::NameEdit& edit) { return edit.drop && same_field(edit.name, name); });
}

void write_added_fields(const config::NameEdits& edits, std::size_t head_begin, ByteBuffer& out) {
  for (const config::NameEdit& edit : edits) {
    if (!edit.if_absent.empty() && !has_field(out.text().substr(head_begin), edit.name)) {
      for (const std::string& value : edit.if_absent) {
        wire::write_field(edit.name, value, out);
      }
    }
    for (const std::string& value : edit.added) {
      wire::write_field(edit.name, value, out);
    }
  }
}

}  // namespace signet::gateway
