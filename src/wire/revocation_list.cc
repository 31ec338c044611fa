// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/revocation_list.h"

#include <fmt/core.h>

#include <utility>

#include "der.h"
#include "file_kind.h"
#include "pem.h"
#include "revocation_date.h"
#include "tls_verify.h"
#include "x509.h"
#include "x509_name.h"

namespace signet::wire {

namespace {

std::unexpected<Error> refuse(std::string detail) {
  return fail(ErrorKind::config, Origin::internal, std::move(detail));
}

/// The fields of TBSCertList (RFC 5280 §5.1) up to nextUpdate; nothing if these are not as they stand there. Entries, extensions and the
/// signature are for wolfSSL to read.
std::optional<RevocationList> read_list(ByteView der) {
  bool damaged = false;
  der::Reader file(der, der::Rules::der, damaged);
  der::Reader outer = file.enter(der::sequence);
  file.expect_end();
  der::Reader list = outer.enter(der::sequence);
  if (list.next_is(der::integer)) {
    list.read();  // the version
  }
  list.read(der::sequence);  // the signature's algorithm
  RevocationList read;
  read.issuer = name_text(list.enter(der::sequence));
  read.this_update = read_time(list);
  if (list.next_is(der::utc_time) || list.next_is(der::generalized_time)) {
    read.next_update = read_time(list);
  }
  if (damaged) {
    return std::nullopt;
  }
  read.der.assign(der.begin(), der.end());
  return read;
}

/// `what` names it in errors.
Result<void> add_list(ByteView der, const std::string& what, std::vector<RevocationList>& lists) {
  std::optional<RevocationList> list = read_list(der);
  if (!list) {
    return refuse(what + " is not a certificate revocation list, or damaged");
  }
  if (!is_revocation_list(der)) {
    return refuse(fmt::format("{} (issuer \"{}\") cannot be used: it is damaged, or has a form that is not supported", what, list->issuer));
  }
  lists.push_back(std::move(*list));
  return {};
}

}  // namespace

std::optional<WallTime> revocation_list_end(ByteView der) {
  const std::optional<RevocationList> list = read_list(der);
  return list ? std::optional(list->next_update.value_or(WallTime::max())) : std::nullopt;
}

Result<std::vector<RevocationList>> read_revocation_lists(ByteView file) {
  if (file.size() > revocation_file_bytes_max) {
    return refuse(fmt::format("it is too large: {} bytes, over the limit of {}", file.size(), revocation_file_bytes_max));
  }
  std::vector<RevocationList> lists;
  if (!looks_like_pem(as_text(file))) {
    if (!read_list(file)) {
      return refuse("this is not a certificate revocation list but " + file_kind(file));
    }
    if (Result<void> added = add_list(file, "the list", lists); !added) {
      return std::unexpected(std::move(added.error()));
    }
    return lists;
  }
  const Result<std::vector<PemBlock>> blocks = read_pem(as_text(file));
  if (!blocks) {
    return std::unexpected(blocks.error());
  }
  for (const PemBlock& block : *blocks) {
    if (block.label != "X509 CRL") {
      continue;
    }
    if (lists.size() == revocation_lists_in_file_max) {
      return refuse(fmt::format("it has more than {} lists", revocation_lists_in_file_max));
    }
    if (Result<void> added = add_list(block.content, fmt::format("list {} in it", lists.size() + 1), lists); !added) {
      return std::unexpected(std::move(added.error()));
    }
  }
  if (lists.empty()) {
    return refuse("there is no certificate revocation list in this " + file_kind(file));
  }
  return lists;
}

}  // namespace signet::wire
