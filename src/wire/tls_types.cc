// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/tls_types.h"

namespace signet::wire {

std::string_view to_string(TlsVersion version) {
  switch (version) {
    case TlsVersion::tls12: return "TLSv1.2";
    case TlsVersion::tls13: return "TLSv1.3";
  }
  return "unknown";
}

std::string_view to_string(TlsGroup group) {
  switch (group) {
    case TlsGroup::secp256r1: return "P-256";
    case TlsGroup::secp384r1: return "P-384";
    case TlsGroup::x25519: return "X25519";
    case TlsGroup::x25519_mlkem768: return "X25519MLKEM768";
  }
  return "unknown";
}

std::string_view alert_name(std::uint8_t alert) {
  switch (alert) {
    case 0: return "close_notify";
    case 10: return "unexpected_message";
    case 20: return "bad_record_mac";
    case 21: return "decryption_failed";
    case 22: return "record_overflow";
    case 30: return "decompression_failure";
    case 40: return "handshake_failure";
    case 41: return "no_certificate";
    case 42: return "bad_certificate";
    case 43: return "unsupported_certificate";
    case 44: return "certificate_revoked";
    case 45: return "certificate_expired";
    case 46: return "certificate_unknown";
    case 47: return "illegal_parameter";
    case 48: return "unknown_ca";
    case 49: return "access_denied";
    case 50: return "decode_error";
    case 51: return "decrypt_error";
    case 60: return "export_restriction";
    case 70: return "protocol_version";
    case 71: return "insufficient_security";
    case 80: return "internal_error";
    case 86: return "inappropriate_fallback";
    case 90: return "user_canceled";
    case 100: return "no_renegotiation";
    case 109: return "missing_extension";
    case 110: return "unsupported_extension";
    case 111: return "certificate_unobtainable";
    case 112: return "unrecognized_name";
    case 113: return "bad_certificate_status_response";
    case 114: return "bad_certificate_hash_value";
    case 115: return "unknown_psk_identity";
    case 116: return "certificate_required";
    case 120: return "no_application_protocol";
    default: return "unknown";
  }
}

}  // namespace signet::wire
