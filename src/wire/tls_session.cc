// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/tls_session.h"

#include <wolfssl/ssl.h>
#include <wolfssl/wolfcrypt/settings.h>

#include "signet/base/check.h"

namespace signet::wire {

void TlsSession::Free::operator()(WOLFSSL_SESSION* session) const noexcept {
  wolfSSL_SESSION_free(session);
}

TlsSession TlsSession::copy() const {
  SIGNET_CHECK(!single_use());
  TlsSession other;
  // Not a second reference: a connection writes into the session that it resumes.
  other.session_.reset(wolfSSL_SESSION_dup(session_.get()));
  SIGNET_CHECK(other.session_ != nullptr);
  other.identity_key_ = identity_key_;
  other.expires_at_ = expires_at_;
  other.authenticated_at_ = authenticated_at_;
  other.version_ = version_;
  other.certificate_requested_ = certificate_requested_;
  other.certificate_sent_ = certificate_sent_;
  other.peer_ = peer_;
  return other;
}

}  // namespace signet::wire
