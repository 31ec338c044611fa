// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <memory>
#include <string>

#include "signet/wire/certificate.h"
#include "client.h"
#include "password.h"

namespace signet::app::cli {

/// A PFX file that is about to be uploaded. Its password and content are wiped with it.
struct PfxUpload {
  std::string content;
  std::string password;
  std::shared_ptr<const wire::Certificate> certificate;

  PfxUpload() = default;
  PfxUpload(const PfxUpload&) = delete;
  PfxUpload(PfxUpload&&) = default;
  PfxUpload& operator=(const PfxUpload&) = delete;
  PfxUpload& operator=(PfxUpload&&) = delete;
  ~PfxUpload() {
    wire::wipe(content);
    wire::wipe(password);
  }

  /// Of PUT /certificates/{id}.
  [[nodiscard]] json body() const;
};

/// Opens the file here first: what is wrong with it is told without a byte on the network. With no source a password that is needed is
/// asked for if `may_ask`. PEM files are refused, with the command that makes a PFX of one. Throws Failure.
[[nodiscard]] PfxUpload open_pfx(const std::string& path, const PasswordSource& password, bool may_ask);

}  // namespace signet::app::cli
