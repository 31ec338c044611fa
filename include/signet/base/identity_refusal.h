// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "signet/base/clock.h"

namespace signet {

/// When a back end refused us.
enum class RefusalPhase : std::uint8_t {
  handshake,        ///< the handshake did not complete
  after_handshake,  ///< TLS 1.3: after our Finished, before the first byte of an answer (RFC 8446 §4.4.2.4: the server judges last)
  late,             ///< in answer to a certificate that it had asked for later: post-handshake authentication, renegotiation
};

/// Is the issuer of our certificate (or of one of its intermediates) among the authorities that the back end named?
enum class IssuerListed : std::uint8_t {
  not_told,  ///< it named none, or did not ask
  yes,
  no,
};

/// All there is to know about one refusal of our certificate, for whoever has to find out why. A value; never secrets.
struct IdentityRefusal {
  std::uint8_t alert = 0;  ///< as Error::tls_alert; 0: no alert, the connection was ended
  RefusalPhase phase = RefusalPhase::handshake;
  bool requested = false;                ///< the back end had asked for a certificate
  bool resumed = false;                  ///< the connection went on from an earlier session
  std::string tls_version;               ///< "TLSv1.3"; empty if it was not agreed
  std::string subject;                   ///< of our certificate, RFC 4514; empty: we have none for this back end
  std::string issuer;                    ///< likewise
  std::string serial;                    ///< hexadecimal
  std::string thumbprint_sha1;           ///< hexadecimal
  WallTime not_before{};                 ///< of our certificate
  WallTime not_after{};                  ///< of our certificate
  std::uint32_t chain_sent = 0;          ///< certificates that we sent, the leaf among them
  std::vector<std::string> authorities;  ///< that the back end named in its CertificateRequest (RFC 8446 §4.2.4), at most a few
  std::uint32_t authorities_total = 0;   ///< how many it named
  IssuerListed issuer_listed = IssuerListed::not_told;
};

/// "handshake", "after handshake", "late". Static storage.
[[nodiscard]] const char* to_string(RefusalPhase phase);

}  // namespace signet
