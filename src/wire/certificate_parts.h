// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "signet/wire/certificate.h"
#include "secret_bytes.h"

namespace signet::wire {

struct Certificate::Parts {
  std::vector<CertificateInfo> chain;  ///< never empty
  std::vector<ByteVector> chain_der;
  std::vector<CertificateInfo> unrelated;
  SecretBytes private_key;
  std::string friendly_name;
};

}  // namespace signet::wire
