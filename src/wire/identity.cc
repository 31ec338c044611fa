// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/identity.h"

#include <fmt/core.h>
#include <wolfssl/wolfcrypt/settings.h>
#include <wolfssl/wolfcrypt/sha256.h>

#include <algorithm>
#include <bit>
#include <cstring>
#include <string_view>
#include <utility>

#include "signet/base/check.h"

// Format that is hashed. Numbers are 64 bits, big-endian. A string is its length and its bytes; a list is its number of elements and the
// elements; a missing certificate is an empty list. A set (what matters is only what is in it) is the list of its elements' SHA-256 in
// ascending order, each once. The fields follow in the order of `identity_key`, the format's name and version in front. Whoever adds a
// field, or changes the meaning of one, raises the version: keys of different versions must not be equal by accident.

namespace signet::wire {

namespace {

constexpr std::string_view format_name = "signet identity";
constexpr std::uint64_t format_version = 2;

using Digest = std::array<std::byte, 32>;

class Hash {
 public:
  Hash() { SIGNET_CHECK(wc_InitSha256(&state_) == 0); }
  Hash(const Hash&) = delete;
  Hash& operator=(const Hash&) = delete;
  ~Hash() { wc_Sha256Free(&state_); }

  void number(std::uint64_t value) {
    std::array<std::byte, 8> bytes{};
    for (std::size_t at = bytes.size(); at-- > 0; value >>= 8) {
      bytes[at] = static_cast<std::byte>(value & 0xff);
    }
    raw(bytes);
  }

  template <typename Enum>
    requires std::is_enum_v<Enum>
  void number(Enum value) {
    number(static_cast<std::uint64_t>(std::to_underlying(value)));
  }

  void string(ByteView bytes) {
    number(bytes.size());
    raw(bytes);
  }
  void string(std::string_view text) { string(as_bytes(text)); }

  void set(std::vector<Digest> elements) {
    std::sort(elements.begin(), elements.end());
    elements.erase(std::unique(elements.begin(), elements.end()), elements.end());
    number(elements.size());
    for (const Digest& element : elements) {
      string(element);
    }
  }

  [[nodiscard]] Digest finish() {
    Digest digest;
    SIGNET_CHECK(wc_Sha256Final(&state_, reinterpret_cast<std::uint8_t*>(digest.data())) == 0);
    return digest;
  }

 private:
  void raw(ByteView bytes) {
    SIGNET_CHECK(bytes.size() <= UINT32_MAX);
    SIGNET_CHECK(wc_Sha256Update(&state_, reinterpret_cast<const std::uint8_t*>(bytes.data()), static_cast<std::uint32_t>(bytes.size())) ==
                 0);
  }

  wc_Sha256 state_{};
};

template <typename... Strings>
Digest digest_of(const Strings&... strings) {
  Hash hash;
  (hash.string(strings), ...);
  return hash.finish();
}

std::unexpected<Error> refuse(std::string detail) {
  return fail(ErrorKind::config, Origin::internal, std::move(detail));
}

/// Upper-case hexadecimal without separators; nothing for what is no SHA-1, SHA-256 or SHA-512.
std::optional<std::string> normal_thumbprint(std::string_view text) {
  std::string digits;
  for (const char character : text) {
    if (character == ':' || character == ' ') {
      continue;
    }
    const bool lower = character >= 'a' && character <= 'f';
    if (!lower && !(character >= 'A' && character <= 'F') && !(character >= '0' && character <= '9')) {
      return std::nullopt;
    }
    digits.push_back(lower ? static_cast<char>(character - ('a' - 'A')) : character);
  }
  if (digits.size() != 40 && digits.size() != 64 && digits.size() != 128) {
    return std::nullopt;
  }
  return digits;
}

Result<void> normalise_pins(IdentitySettings& settings) {
  for (std::string& thumbprint : settings.server_certificate_thumbprints) {
    std::optional<std::string> normal = normal_thumbprint(thumbprint);
    if (!normal) {
      return refuse(fmt::format("server certificate thumbprint \"{}\" is no SHA-1 (40 hexadecimal digits), SHA-256 (64) or SHA-512 (128)",
                                thumbprint));
    }
    thumbprint = std::move(*normal);
  }
  for (ServerX509Name& name : settings.server_x509_names) {
    if (name.common_name.empty()) {
      return refuse("a server X.509 name has an empty common name");
    }
    if (name.issuer_thumbprint.empty()) {
      continue;
    }
    std::optional<std::string> normal = normal_thumbprint(name.issuer_thumbprint);
    if (!normal) {
      return refuse(fmt::format(
          "issuer thumbprint \"{}\" of server X.509 name \"{}\" is no SHA-1 (40 hexadecimal digits), SHA-256 (64) or SHA-512 (128)",
          name.issuer_thumbprint, name.common_name));
    }
    name.issuer_thumbprint = std::move(*normal);
  }
  return {};
}

Result<void> check_groups(const IdentitySettings& settings) {
  if (settings.groups.empty()) {
    return refuse("groups: at least one is needed");
  }
  for (auto group = settings.groups.begin(); group != settings.groups.end(); ++group) {
    if (std::find(settings.groups.begin(), group, *group) != group) {
      return refuse(fmt::format("groups: {} stands twice", to_string(*group)));
    }
  }
  const auto needs_tls13 = [](TlsGroup group) { return group == TlsGroup::x25519_mlkem768; };
  if (settings.min_version == TlsVersion::tls12 && settings.max_version == TlsVersion::tls12 &&
      std::all_of(settings.groups.begin(), settings.groups.end(), needs_tls13)) {
    return refuse("groups: X25519MLKEM768 needs TLS 1.3, and the highest version is TLS 1.2");
  }
  return {};
}

Result<void> check_alpn(const IdentitySettings& settings) {
  for (const std::string& protocol : settings.alpn) {
    // RFC 7301 §3.1; a comma is wolfSSL's separator, and no registered name has one.
    if (protocol.empty() || protocol.size() > 255 || protocol.find_first_of(std::string_view(",\0", 2)) != std::string::npos) {
      return refuse(fmt::format("alpn: \"{}\" is no protocol name of 1 to 255 bytes without comma", protocol));
    }
  }
  return {};
}

}  // namespace

std::string IdentityKey::text() const {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  text.reserve(bytes.size() * 2);
  for (const std::byte byte : bytes) {
    text.push_back(digits[std::to_integer<std::size_t>(byte >> 4)]);
    text.push_back(digits[std::to_integer<std::size_t>(byte & std::byte{0x0f})]);
  }
  return text;
}

std::size_t IdentityKeyHash::operator()(const IdentityKey& key) const noexcept {
  std::size_t hash = 0;
  std::memcpy(&hash, key.bytes.data(), sizeof(hash));  // it is a hash already
  return hash;
}

IdentityKey identity_key(const IdentitySettings& settings) {
  // One name per field: an added field does not compile until it is dealt with here.
  const auto& [certificate, authorities, revocation_lists, validate_chain, validate_name, server_certificate_thumbprints, server_x509_names,
               server_name, min_version, max_version, groups, alpn, late_authentication, require_certificate_request, session_lifetime] =
      settings;
  Hash hash;
  hash.string(format_name);
  hash.number(format_version);

  const std::span<const ByteVector> chain = certificate ? certificate->chain_der() : std::span<const ByteVector>();
  hash.number(chain.size());
  for (const ByteVector& der : chain) {
    hash.string(der);
  }
  std::vector<Digest> set;
  for (const auto& authority : authorities) {
    for (const ByteVector& der : authority->anchors_der()) {
      set.push_back(digest_of(ByteView(der)));
    }
  }
  hash.set(std::exchange(set, {}));
  for (const ByteVector& list : revocation_lists) {
    set.push_back(digest_of(ByteView(list)));
  }
  hash.set(std::exchange(set, {}));
  hash.number(validate_chain);
  hash.number(validate_name);
  for (const std::string& thumbprint : server_certificate_thumbprints) {
    set.push_back(digest_of(std::string_view(thumbprint)));
  }
  hash.set(std::exchange(set, {}));
  for (const auto& [common_name, issuer_thumbprint] : server_x509_names) {
    set.push_back(digest_of(std::string_view(common_name), std::string_view(issuer_thumbprint)));
  }
  hash.set(std::exchange(set, {}));
  hash.string(server_name);
  hash.number(min_version);
  hash.number(max_version);
  hash.number(groups.size());
  for (const TlsGroup group : groups) {
    hash.number(group);
  }
  hash.number(alpn.size());
  for (const std::string& protocol : alpn) {
    hash.string(protocol);
  }
  hash.number(late_authentication);
  hash.number(require_certificate_request);
  hash.number(static_cast<std::uint64_t>(session_lifetime.count()));
  return IdentityKey{hash.finish()};
}

Result<std::shared_ptr<const Identity>> Identity::make(IdentitySettings settings) {
  std::optional<ServerName> server_name;
  if (!settings.server_name.empty()) {
    Result<ServerName> parsed = ServerName::parse(settings.server_name);
    if (!parsed) {
      return std::unexpected(std::move(parsed.error()));
    }
    settings.server_name = parsed->text();
    server_name = std::move(*parsed);
  } else if (settings.validate_name == Check::on) {
    return refuse("the server name is empty, and the name of the server's certificate is to be checked");
  }
  if (settings.min_version > settings.max_version) {
    return refuse("the lowest TLS version is above the highest");
  }
  if (settings.session_lifetime < std::chrono::seconds::zero() || settings.session_lifetime > session_lifetime_max) {
    return refuse(fmt::format("the session lifetime is not within 0 and {} seconds", session_lifetime_max.count()));
  }
  for (const auto& check : {normalise_pins(settings), check_groups(settings), check_alpn(settings)}) {
    if (!check) {
      return std::unexpected(check.error());
    }
  }
  return std::shared_ptr<const Identity>(new Identity(std::move(settings), std::move(server_name)));
}

Identity::Identity(IdentitySettings settings, std::optional<ServerName> server_name)
    : settings_(std::move(settings)), server_name_(std::move(server_name)), key_(identity_key(settings_)) {}

}  // namespace signet::wire
