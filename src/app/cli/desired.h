// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <string>

#include "pfx_upload.h"
#include "plan.h"

namespace signet::app::cli {

/// What a gateway should have.
struct Desired {
  Objects objects;
  std::map<Parts, PfxUpload> uploads;  ///< of certificates that come from PFX files
};

/// Largest file that apply and import read, in bytes.
inline constexpr std::size_t desired_file_bytes_max = std::size_t{16} * 1024 * 1024;

/// Reads a file for `signet apply`: certificates, backends, apis (with operations, policy or policyFile) and the global policy, as they
/// stand in a gateway's configuration file; names of files are relative to it. A certificate has pfxFile (with passwordFile or
/// passwordEnv), keyVault, or only a thumbprint: that one is there already. Throws Failure, with the place in the file.
[[nodiscard]] Desired read_desired(const std::string& file);

/// JSON of a file. Throws Failure with line and column.
[[nodiscard]] json read_json(const std::string& file, std::size_t bytes_max);

}  // namespace signet::app::cli
