// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/control/admin_state.h"

#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>
#include <tuple>
#include <utility>

#include "signet/base/limits.h"
#include "signet/base/log.h"
#include "signet/wire/digest.h"
#include "signet/wire/secret_bytes.h"
#include "signet/wire/self_signed.h"
#include "private_file.h"

namespace signet::control {

namespace {

constexpr mode_t for_everybody = 0644;
constexpr mode_t for_us = 0600;
constexpr std::size_t token_octets = 32;
constexpr std::size_t pem_bytes_max = 16 * 1024;
/// Clocks of clients may be behind ours.
constexpr std::chrono::hours clock_difference{1};

std::unexpected<Error> config_error(StoreError error) {
  return fail(ErrorKind::config, Origin::internal, std::move(error.detail));
}

/// b64token of RFC 6750 §2.1.
bool is_token(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || std::string_view("-._~+/=").contains(c);
  });
}

/// One line, of base64url without padding (RFC 4648 §5).
std::string new_token() {
  std::array<std::byte, token_octets> octets{};
  wire::fill_random(octets);
  std::string text = wire::base64_encode(octets);
  wire::wipe(octets);
  text.resize(text.find_last_not_of('=') + 1);
  std::ranges::replace(text, '+', '-');
  std::ranges::replace(text, '/', '_');
  return text + "\n";
}

Result<void> make_token(const std::string& path) {
  std::string text = new_token();
  StoreResult<bool> written = write_whole_file(path, as_bytes(text), for_us, Existing::keep);
  wire::wipe(text);
  if (!written) {
    return config_error(std::move(written.error()));
  }
  if (*written) {
    log::info(fmt::format("a token for the management API was made: {}", path));
  }
  return {};
}

bool covers(const wire::Certificate& certificate, const Endpoint& address) {
  const std::string name = "IP:" + address.address_text();
  return std::ranges::find(certificate.subject_alternative_names(), name) != certificate.subject_alternative_names().end();
}

/// The zero address is every address of the machine: none that a client could ask for.
bool is_unspecified(const Endpoint& address) {
  return std::ranges::all_of(address.address, [](std::uint8_t octet) { return octet == 0; });
}

/// Nothing, and why, if a new one has to be made.
std::shared_ptr<const wire::Certificate> kept_certificate(std::string_view certificate, std::string_view key, const Endpoint& address,
                                                          WallTime now, std::string& reason) {
  Result<std::shared_ptr<const wire::Certificate>> kept = wire::Certificate::from_pem(certificate, key);
  if (!kept) {
    reason = kept.error().detail;
    return nullptr;
  }
  if ((*kept)->not_after() < now + limits::own_certificate_left_min) {
    reason = fmt::format("it is valid until {}", wire::wall_time_text((*kept)->not_after()));
    return nullptr;
  }
  if (!is_unspecified(address) && !covers(**kept, address)) {
    reason = fmt::format("it does not name {}", address.address_text());
    return nullptr;
  }
  return std::move(*kept);
}

wire::SelfSignedOptions wanted_certificate(const Endpoint& address, WallTime now) {
  wire::SelfSignedOptions options{.common_name = "Signet management",
                                  .dns_names = {"localhost"},
                                  .addresses = {*parse_address("127.0.0.1", 0), *parse_address("::1", 0)},
                                  .not_before = now - clock_difference,
                                  .not_after = now + limits::own_certificate_lifetime};
  Endpoint own = address;
  own.port = 0;
  own.scope = 0;
  if (!is_unspecified(own) && std::ranges::find(options.addresses, own) == options.addresses.end()) {
    options.addresses.push_back(own);
  }
  return options;
}

}  // namespace

Result<wire::Sha256Digest> bootstrap_token(const std::string& directory) {
  const std::string path = directory + "/admin.token";
  StoreResult<std::optional<OwnFile>> file = read_own_file(path, limits::token_file_bytes_max);
  if (file && !*file) {
    if (Result<void> made = make_token(path); !made) {
      return std::unexpected(std::move(made.error()));
    }
    file = read_own_file(path, limits::token_file_bytes_max);
  }
  if (!file) {
    return config_error(std::move(file.error()));
  }
  if (!*file) {
    return fail(ErrorKind::config, Origin::internal, fmt::format("{}: it has just gone", path));
  }
  const OwnFile& own = **file;
  if (own.open_to_others) {
    log::warning(fmt::format("{}: others than its owner may read or write this token: expected mode 0600", path));
  }
  std::string_view token = as_text(own.content);
  while (!token.empty() && (token.back() == '\n' || token.back() == '\r')) {
    token.remove_suffix(1);
  }
  const bool good = token.size() >= limits::token_bytes_min && is_token(token);
  const wire::Sha256Digest digest = wire::sha256(as_bytes(token));
  if (!good) {
    return fail(
        ErrorKind::config, Origin::internal,
        fmt::format("{}: expected one line with a token of at least {} letters, digits and any of - . _ ~ + / =; without the file a "
                    "new one is made",
                    path, limits::token_bytes_min));
  }
  return digest;
}

Result<std::shared_ptr<const wire::Certificate>> own_certificate(const std::string& directory, const Endpoint& address, WallTime now) {
  const std::string certificate_path = directory + "/admin.crt";
  const std::string key_path = directory + "/admin.key";
  StoreResult<std::optional<OwnFile>> certificate = read_own_file(certificate_path, pem_bytes_max);
  if (!certificate) {
    return config_error(std::move(certificate.error()));
  }
  StoreResult<std::optional<OwnFile>> key = read_own_file(key_path, pem_bytes_max);
  if (!key) {
    return config_error(std::move(key.error()));
  }
  if (*certificate && *key) {
    std::string reason;
    std::shared_ptr<const wire::Certificate> kept =
        kept_certificate(as_text((*certificate)->content), as_text((*key)->content), address, now, reason);
    if (kept) {
      if ((*key)->open_to_others) {
        log::warning(fmt::format("{}: others than its owner may read or write this key: expected mode 0600", key_path));
      }
      return kept;
    }
    log::warning(fmt::format("{} is replaced: {}", certificate_path, reason));
  }
  Result<wire::SelfSigned> made = wire::make_self_signed(wanted_certificate(address, now));
  if (!made) {
    return std::unexpected(std::move(made.error()));
  }
  // The key first: a start that is cut short between the two finds a pair that does not match, and makes another.
  for (const auto& [path, content, mode] : {std::tuple{key_path, std::string_view(made->key), for_us},
                                            std::tuple{certificate_path, std::string_view(made->certificate), for_everybody}}) {
    if (StoreResult<bool> written = write_whole_file(path, as_bytes(content), mode, Existing::replace); !written) {
      return config_error(std::move(written.error()));
    }
  }
  log::info(fmt::format("a certificate for the management listener was made: {}", certificate_path));
  return wire::Certificate::from_pem(made->certificate, made->key);
}

}  // namespace signet::control
