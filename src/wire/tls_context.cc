// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/tls_context.h"

#include <fmt/core.h>
#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/hash.h>
#include <wolfssl/wolfcrypt/settings.h>

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <utility>
#include <vector>

#include "signet/base/check.h"
#include "signet/wire/server_name.h"
#include "tls_context_parts.h"
#include "tls_memory_install.h"
#include "wolfssl_bytes.h"
#include "wolfssl_error.h"

namespace signet::wire {

namespace {

struct Versions {
  TlsVersion min;
  TlsVersion max;
};

std::unexpected<Error> refuse(std::string detail) {
  return fail(ErrorKind::config, Origin::internal, std::move(detail));
}

void start_library() {
  static const bool started = [] {
    install_tls_memory();
    return wolfSSL_Init() == WOLFSSL_SUCCESS;
  }();
  SIGNET_CHECK(started);
}

WOLFSSL_METHOD* method_of(Side side, Versions versions) {
  const bool client = side == Side::client;
  if (versions.max == TlsVersion::tls12) {
    return client ? wolfTLSv1_2_client_method() : wolfTLSv1_2_server_method();
  }
  if (versions.min == TlsVersion::tls13) {
    return client ? wolfTLSv1_3_client_method() : wolfTLSv1_3_server_method();
  }
  return client ? wolfSSLv23_client_method() : wolfSSLv23_server_method();
}

Result<void> make_context(TlsContext::Parts& parts, Versions versions) {
  start_library();
  if (versions.min > versions.max) {
    return refuse("the lowest TLS version is above the highest");
  }
  parts.context = wolfSSL_CTX_new(method_of(parts.side, versions));
  SIGNET_CHECK(parts.context != nullptr);
  SIGNET_CHECK(wolfSSL_CTX_new_rng(parts.context) == WOLFSSL_SUCCESS);  // for all of its connections: they are on one thread
  if (versions.min == TlsVersion::tls12 && versions.max == TlsVersion::tls13) {
    SIGNET_CHECK(wolfSSL_CTX_SetMinVersion(parts.context, WOLFSSL_TLSV1_2) == WOLFSSL_SUCCESS);
  }
  // The only cache is SessionCache. wolfSSL's own is per process, and knows nothing of identities.
  wolfSSL_CTX_set_session_cache_mode(parts.context, WOLFSSL_SESS_CACHE_NO_INTERNAL | WOLFSSL_SESS_CACHE_NO_AUTO_CLEAR);
  return {};
}

ByteVector chain_bytes(const Certificate& certificate) {
  ByteVector chain;
  for (const ByteVector& der : certificate.chain_der()) {
    chain.insert(chain.end(), der.begin(), der.end());
  }
  return chain;
}

Result<void> use_certificate(WOLFSSL_CTX* context, const Certificate& certificate) {
  const ByteVector chain = chain_bytes(certificate);
  const std::string& subject = certificate.subject();
  if (const int code = wolfSSL_CTX_use_certificate_chain_buffer_format(context, wolfssl_bytes(chain), static_cast<long>(chain.size()),
                                                                       WOLFSSL_FILETYPE_ASN1);
      code != WOLFSSL_SUCCESS) {
    return refuse(fmt::format("certificate \"{}\" cannot be used for TLS: {}", subject, wolfssl_reason(code)));
  }
  const ByteView key = certificate.private_key_der();
  if (const int code = wolfSSL_CTX_use_PrivateKey_buffer(context, wolfssl_bytes(key), static_cast<long>(key.size()), WOLFSSL_FILETYPE_ASN1);
      code != WOLFSSL_SUCCESS) {
    return refuse(fmt::format("the private key of certificate \"{}\" cannot be used for TLS: {}", subject, wolfssl_reason(code)));
  }
  if (wolfSSL_CTX_check_private_key(context) != WOLFSSL_SUCCESS) {
    return refuse(fmt::format("the private key does not belong to certificate \"{}\"", subject));
  }
  return {};
}

Result<void> use_authorities(TlsContext::Parts& parts, const std::vector<std::shared_ptr<const CertificateAuthority>>& authorities) {
  for (const auto& authority : authorities) {
    SIGNET_CHECK(authority != nullptr);
    for (std::size_t at = 0; at < authority->anchors_der().size(); ++at) {
      const ByteView der = authority->anchors_der()[at];
      // An anchor's dates are no part of path validation (RFC 5280 §6.1.1 d); whoever lists it gets a warning from CertificateAuthority.
      const int code = wolfSSL_CTX_load_verify_buffer_ex(parts.context, wolfssl_bytes(der), static_cast<long>(der.size()),
                                                         WOLFSSL_FILETYPE_ASN1, 0, WOLFSSL_LOAD_FLAG_DATE_ERR_OKAY);
      if (code != WOLFSSL_SUCCESS) {
        return refuse(fmt::format("trust anchor \"{}\" cannot be used: {}", authority->anchors()[at].subject, wolfssl_reason(code)));
      }
    }
  }
  return {};
}

Result<void> use_groups(TlsContext::Parts& parts, const std::vector<TlsGroup>& groups, Versions versions) {
  std::vector<int> numbers;
  for (const TlsGroup group : groups) {
    if (group != TlsGroup::x25519_mlkem768 || versions.max == TlsVersion::tls13) {
      numbers.push_back(std::to_underlying(group));
    }
  }
  if (numbers.empty() || wolfSSL_CTX_set_groups(parts.context, numbers.data(), static_cast<int>(numbers.size())) != WOLFSSL_SUCCESS) {
    return refuse("groups: none of them can be used with these TLS versions");
  }
  return {};
}

void use_alpn(TlsContext::Parts& parts, const std::vector<std::string>& protocols) {
  for (const std::string& protocol : protocols) {
    parts.alpn.append(parts.alpn.empty() ? "" : ",").append(protocol);
  }
}

Result<void> use_identity(TlsContext::Parts& parts) {
  const IdentitySettings& settings = parts.identity->settings();
  const Versions versions{settings.min_version, settings.max_version};
  Result<void> done = make_context(parts, versions);
  done = done && parts.certificate ? use_certificate(parts.context, *parts.certificate) : done;
  done = done ? use_authorities(parts, settings.authorities) : done;
  done = done ? use_groups(parts, settings.groups, versions) : done;
  if (!done) {
    return done;
  }
  for (const ByteVector& list : settings.revocation_lists) {
    if (!is_revocation_list(list)) {
      return refuse("a certificate revocation list cannot be read");
    }
  }
  use_alpn(parts, settings.alpn);
  if (const ServerName* name = parts.identity->server_name(); name != nullptr && !name->is_address()) {
    SIGNET_CHECK(wolfSSL_CTX_UseSNI(parts.context, WOLFSSL_SNI_HOST_NAME, name->text().data(),
                                    static_cast<std::uint16_t>(name->text().size())) == WOLFSSL_SUCCESS);
  }
  SIGNET_CHECK(wolfSSL_CTX_UseSessionTicket(parts.context) == WOLFSSL_SUCCESS);
  parts.late_authentication = settings.late_authentication;
  if (parts.late_authentication == LateAuthentication::allow && versions.max == TlsVersion::tls13) {
    SIGNET_CHECK(wolfSSL_CTX_allow_post_handshake_auth(parts.context) == 0);
  }
  if (versions.min == TlsVersion::tls12) {
    // RFC 5746 §3.4: a client says so even if it never renegotiates. Whether it does is a matter of each connection.
    SIGNET_CHECK(wolfSSL_CTX_UseSecureRenegotiation(parts.context) == WOLFSSL_SUCCESS);
  }
  return {};
}

ServerCertificate server_certificate(std::shared_ptr<const Certificate> certificate) {
  constexpr std::string_view prefix = "DNS:";
  ServerCertificate shown{.certificate = std::move(certificate), .chain = {}, .dns_names = {}};
  shown.chain = chain_bytes(*shown.certificate);
  for (const std::string& name : shown.certificate->subject_alternative_names()) {
    if (name.starts_with(prefix)) {
      shown.dns_names.push_back(name.substr(prefix.size()));
    }
  }
  return shown;
}

/// One stays in the context; the others are tried out here, and given to each connection that asks for them. In the context is one with an
/// RSA key if there is any: a connection that had an EC key first goes on to offer that key's cipher suites in TLS 1.2.
Result<void> use_server_certificates(TlsContext::Parts& parts) {
  const TlsServerSettings& settings = parts.server;
  parts.certificates.push_back(server_certificate(settings.certificate));
  for (const std::shared_ptr<const Certificate>& certificate : settings.further_certificates) {
    SIGNET_CHECK(certificate != nullptr && settings.client_certificate == ClientCertificate::none);
    const std::unique_ptr<WOLFSSL_CTX, decltype(&wolfSSL_CTX_free)> trial(wolfSSL_CTX_new(wolfSSLv23_server_method()), wolfSSL_CTX_free);
    SIGNET_CHECK(trial != nullptr);
    if (Result<void> used = use_certificate(trial.get(), *certificate); !used) {
      return used;
    }
    parts.certificates.push_back(server_certificate(certificate));
  }
  ByteVector all;
  for (const ServerCertificate& shown : parts.certificates) {
    const std::string& thumbprint = shown.certificate->thumbprint_sha256();
    all.insert(all.end(), as_bytes(thumbprint).begin(), as_bytes(thumbprint).end());
  }
  SIGNET_CHECK(wc_Sha256Hash(wolfssl_bytes(all), wolfssl_size(all), reinterpret_cast<std::uint8_t*>(parts.ticket_scope.data())) == 0);
  const auto rsa = std::ranges::find_if(parts.certificates,
                                        [](const ServerCertificate& shown) { return shown.certificate->key_type().starts_with("RSA"); });
  parts.context_certificate = rsa == parts.certificates.end() ? 0 : static_cast<std::size_t>(rsa - parts.certificates.begin());
  return use_certificate(parts.context, *parts.certificates[parts.context_certificate].certificate);
}

Result<void> use_server_settings(TlsContext::Parts& parts) {
  const TlsServerSettings& settings = parts.server;
  const Versions versions{settings.min_version, settings.max_version};
  if (!settings.certificate) {
    return refuse("a TLS listener needs a certificate");
  }
  Result<void> done = make_context(parts, versions);
  done = done ? use_server_certificates(parts) : done;
  done = done ? use_authorities(parts, settings.client_authorities) : done;
  done = done ? use_groups(parts, settings.groups, versions) : done;
  if (!done) {
    return done;
  }
  use_alpn(parts, settings.alpn);
  if (settings.tickets == TlsServerSettings::Tickets::off) {
    if (versions.max == TlsVersion::tls13) {
      SIGNET_CHECK(wolfSSL_CTX_no_ticket_TLSv13(parts.context) == 0);
    }
    if (versions.min == TlsVersion::tls12) {
      SIGNET_CHECK(wolfSSL_CTX_NoTicketTLSv12(parts.context) == WOLFSSL_SUCCESS);
    }
  } else if (settings.ticket_keys) {
    SIGNET_CHECK(settings.client_certificate == ClientCertificate::none);  // a ticket does not say what was proved
    SIGNET_CHECK(wolfSSL_CTX_set_TicketHint(parts.context, static_cast<int>(ticket_lifetime.count())) == WOLFSSL_SUCCESS);
    wolfSSL_CTX_set_timeout(parts.context, static_cast<unsigned int>(ticket_lifetime.count()));
  }
  parts.late_authentication = settings.late_authentication;
  if (parts.late_authentication == LateAuthentication::allow && versions.min == TlsVersion::tls12) {
    SIGNET_CHECK(wolfSSL_CTX_UseSecureRenegotiation(parts.context) == WOLFSSL_SUCCESS);
  }
  return {};
}

}  // namespace

std::size_t certificate_for(const std::vector<ServerCertificate>& certificates, std::string_view name) {
  const Result<ServerName> asked = ServerName::parse(name);
  if (!asked) {
    return 0;
  }
  for (const bool wildcard : {false, true}) {
    for (std::size_t at = 0; at < certificates.size(); ++at) {
      if (std::ranges::any_of(certificates[at].dns_names, [&](const std::string& presented) {
            return presented.starts_with('*') == wildcard && asked->matches_dns_name(presented);
          })) {
        return at;
      }
    }
  }
  return 0;
}

Result<std::shared_ptr<TlsContext>> TlsContext::client(std::shared_ptr<const Identity> identity) {
  SIGNET_CHECK(identity != nullptr);
  auto parts = std::make_unique<Parts>();
  parts->side = Side::client;
  parts->certificate = identity->settings().certificate;
  parts->identity = std::move(identity);
  if (Result<void> used = use_identity(*parts); !used) {
    return std::unexpected(std::move(used.error()));
  }
  install_callbacks(*parts);
  return std::make_shared<TlsContext>(std::move(parts));
}

Result<std::shared_ptr<TlsContext>> TlsContext::server(TlsServerSettings settings) {
  auto parts = std::make_unique<Parts>();
  parts->side = Side::server;
  parts->certificate = settings.certificate;
  parts->server = std::move(settings);
  if (Result<void> used = use_server_settings(*parts); !used) {
    return std::unexpected(std::move(used.error()));
  }
  install_callbacks(*parts);
  return std::make_shared<TlsContext>(std::move(parts));
}

TlsContext::TlsContext(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

TlsContext::~TlsContext() = default;

const std::shared_ptr<const Identity>& TlsContext::identity() const {
  return parts_->identity;
}

const std::shared_ptr<const Certificate>& TlsContext::certificate() const {
  return parts_->certificate;
}

}  // namespace signet::wire
