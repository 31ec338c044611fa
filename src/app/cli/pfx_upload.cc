// SPDX-License-Identifier: GPL-3.0-or-later
#include "pfx_upload.h"

#include <fmt/core.h>

#include "signet/config/files.h"
#include "signet/wire/digest.h"

namespace signet::app::cli {

namespace {

Result<std::shared_ptr<const wire::Certificate>> open(const PfxUpload& upload) {
  wire::PfxOptions options{.password = upload.password};
  auto certificate = wire::Certificate::from_pfx(as_bytes(upload.content), options);
  wire::wipe(*options.password);
  return certificate;
}

}  // namespace

json PfxUpload::body() const {
  json properties{{"data", wire::base64_encode(as_bytes(content))}};
  if (!password.empty()) {
    properties["password"] = password;
  }
  json whole = json::object();
  whole["properties"] = std::move(properties);
  return whole;
}

PfxUpload open_pfx(const std::string& path, const PasswordSource& password, bool may_ask) {
  config::SystemFiles files;
  PfxUpload upload;
  Result<std::string> content = files.read(path, wire::certificate_file_bytes_max);
  if (!content) {
    throw Failure(content.error().detail);
  }
  upload.content = std::move(*content);
  if (upload.content.find("-----BEGIN ") != std::string::npos) {
    throw Failure(fmt::format(
        "{}: expected a PFX file, this one is PEM. Make one: openssl pkcs12 -export -in {} -inkey KEY.pem -out FILE.pfx", path, path));
  }
  if (is_named(password)) {
    upload.password = read_password(password, files);
  }
  auto certificate = open(upload);
  if (!certificate && may_ask && !is_named(password) && terminal_there()) {
    upload.password = ask_password(fmt::format("Password of {}: ", path));
    certificate = open(upload);
  }
  if (!certificate) {
    throw Failure(fmt::format("{}: {}", path, certificate.error().detail));
  }
  upload.certificate = std::move(*certificate);
  return upload;
}

}  // namespace signet::app::cli
