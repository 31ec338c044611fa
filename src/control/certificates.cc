// SPDX-License-Identifier: GPL-3.0-or-later
// certificates/{id}. Stored value: {"chain": PEM, "keyVault"?: {"secretIdentifier", "identityClientId"?, "lastStatus"}}; the secret is the
// private key, PKCS #8 in PEM.
#include <fmt/core.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <set>

#include "signet/io/wall_clock.h"
#include "signet/wire/digest.h"
#include "signet/wire/http_head.h"
#include "api_list.h"
#include "api_object.h"
#include "compose.h"
#include "handlers.h"
#include "pem_text.h"
#include "referrers.h"
#include "secret_source.h"

namespace signet::control {

namespace {

constexpr std::size_t secret_identifier_size_max = 2000;
constexpr std::size_t identity_client_id_size_max = 100;
constexpr std::string_view status_success = "Success";
constexpr std::string_view status_failed = "Failed";

using CertificatePointer = std::shared_ptr<const wire::Certificate>;

json status_object(std::string_view code, std::string message) {
  return {{"code", code}, {"message", std::move(message)}, {"timeStampUtc", wire::wall_time_text(io::wall_now())}};
}

/// Ids of the resources, or places in the configuration file.
json used_by(const Target& target, const std::vector<Referrer>& referrers) {
  std::set<std::string> ids;
  for (const Referrer& referrer : referrers) {
    ids.insert(referrer.parts.empty() ? referrer.place : resource_id(target, referrer.parts));
  }
  return json(ids);
}

json certificate_properties(const Call& call, const View& view, const std::string& id, const CertificatePointer& certificate,
                            const Object* object) {
  json properties = json::object();
  if (certificate) {
    const std::vector<std::string> warnings = certificate->warnings(io::wall_now());
    properties = {{"subject", certificate->subject()},
                  {"thumbprint", certificate->thumbprint_sha1()},
                  {"expirationDate", wire::wall_time_text(certificate->not_after())},
                  {"hasPrivateKey", true},
                  {"thumbprintSha256", certificate->thumbprint_sha256()},
                  {"notBefore", wire::wall_time_text(certificate->not_before())},
                  {"issuer", certificate->issuer()},
                  {"serialNumber", certificate->serial()},
                  {"keyType", certificate->key_type()},
                  {"chainLength", certificate->chain().size()},
                  {"usedBy", used_by(call.target, view.referrers().of_certificate(id, *certificate))}};
    if (!warnings.empty()) {
      std::string all;
      for (const std::string& warning : warnings) {
        all += (all.empty() ? "" : "; ") + warning;
      }
      properties["lastStatus"] = status_object("Warning", std::move(all));
    }
  }
  if (object != nullptr) {
    const json value = json::parse(object->value, nullptr, false);
    if (value.is_object() && value.contains("keyVault")) {
      properties["keyVault"] = value["keyVault"];
    }
  }
  return properties;
}

/// Of a certificate that is there.
Resource shown(const Call& call, const View& view, const std::string& id) {
  Resource resource{.parts = {"certificates", id}, .properties = {}, .etag = {}};
  if (const std::shared_ptr<const Object> object = stored(view, make_key(resource.parts))) {
    resource.properties = certificate_properties(call, view, id, object->certificate, object.get());
    resource.etag = etag_of(*object);
    return resource;
  }
  const auto known = view.snapshot->certificates().find(id);
  const CertificatePointer certificate = known == view.snapshot->certificates().end() ? nullptr : known->second;
  resource.properties = certificate_properties(call, view, id, certificate, nullptr);
  resource.etag = etag_of(json(certificate ? certificate->thumbprint_sha256() : id));
  return resource;
}

bool in_file(const View& view, const std::string& id) {
  return std::ranges::find(view.file->certificates, id, &config::Certificate::id) != view.file->certificates.end();
}

/// What a PUT brings.
struct Upload {
  CertificatePointer certificate;
  json key_vault;  ///< null: it was in the request
};

Change::Put put_of(const Upload& upload) {
  std::string chain;
  for (const ByteVector& der : upload.certificate->chain_der()) {
    chain += pem_block("CERTIFICATE", der);
  }
  json value{{"chain", std::move(chain)}};
  if (!upload.key_vault.is_null()) {
    value["keyVault"] = upload.key_vault;
  }
  return Change::Put{
      .key = {},
      .value = dump(value),
      .secret = pem_block("PRIVATE KEY", upload.certificate->private_key_der()),
      .certificate = upload.certificate,
  };
}

/// Overwrites what a request said about a key before its memory goes back.
struct Wiped {
  json& properties;

  ~Wiped() {
    for (const char* name : {"data", "password"}) {
      if (const auto found = properties.find(name); found != properties.end() && found->is_string()) {
        wire::wipe(found->get_ref<std::string&>());
      }
    }
  }
};

ApiResult<Upload> open_data(const json& properties) {
  const json& data = properties.at("data");
  const auto password = properties.find("password");
  if (!data.is_string()) {
    return invalid("data", "expected a PFX file in Base64");
  }
  if (password != properties.end() && !password->is_string()) {
    return invalid("password", "expected a text");
  }
  const std::optional<wire::SecretBytes> file = wire::base64_decode(data.get_ref<const std::string&>());
  if (!file) {
    return invalid("data", "expected a PFX file in Base64");
  }
  wire::PfxOptions options;
  if (password != properties.end()) {
    options.password = password->get_ref<const std::string&>();
  }
  Result<CertificatePointer> certificate = wire::Certificate::from_pfx(*file, options);
  if (options.password) {
    wire::wipe(*options.password);
  }
  if (!certificate) {
    const std::string& detail = certificate.error().detail;
    const bool password_at_fault = detail.starts_with("the password is wrong") || detail.find("none is given") != std::string::npos ||
                                   detail.find("no password is given") != std::string::npos;
    return invalid(password_at_fault ? "password" : "data", fmt::format("The PFX file cannot be used: {}.", detail));
  }
  return Upload{.certificate = std::move(*certificate), .key_vault = nullptr};
}

ApiResult<Upload> open_key_vault(const Call& call, const json& named) {
  if (!named.is_object() || !named.contains("secretIdentifier") || !named["secretIdentifier"].is_string() ||
      named["secretIdentifier"].get_ref<const std::string&>().size() > secret_identifier_size_max) {
    return invalid("keyVault", fmt::format("expected an object with a secretIdentifier of at most {} bytes", secret_identifier_size_max));
  }
  json key_vault{{"secretIdentifier", named["secretIdentifier"]}};
  if (const auto client = named.find("identityClientId"); client != named.end()) {
    if (!client->is_string() || client->get_ref<const std::string&>().size() > identity_client_id_size_max) {
      return invalid("identityClientId", fmt::format("expected a text of at most {} bytes", identity_client_id_size_max));
    }
    key_vault["identityClientId"] = *client;
  }
  std::expected<CertificatePointer, std::string> certificate =
      open_secret(call.reconciler.view()->file->secrets_root.value, named["secretIdentifier"].get_ref<const std::string&>());
  if (!certificate) {
    return invalid("keyVault", std::move(certificate.error()));
  }
  key_vault["lastStatus"] = status_object(status_success, "");
  return Upload{.certificate = std::move(*certificate), .key_vault = std::move(key_vault)};
}

/// Takes the key derivation's time: outside every lock.
ApiResult<Upload> read_upload(const Call& call) {
  ApiResult<json> properties = read_properties(call);
  if (!properties) {
    return std::unexpected(std::move(properties.error()));
  }
  const Wiped wiped{*properties};
  if (properties->contains("data") == properties->contains("keyVault")) {
    return invalid("data", "expected either data, a PFX file in Base64, or keyVault");
  }
  return properties->contains("data") ? open_data(*properties) : open_key_vault(call, properties->at("keyVault"));
}

/// 400 if the one that is there is good and the new one is not any more.
ApiResult<void> check_replacement(const Object* before, const wire::Certificate& certificate) {
  const WallTime now = io::wall_now();
  if (before != nullptr && before->certificate && !before->certificate->expired(now) && certificate.expired(now)) {
    return invalid("data", fmt::format("The certificate expired on {}; the one that is there is still valid.",
                                       wire::wall_time_text(certificate.not_after())));
  }
  return {};
}

constexpr Kind certificate_kind{
    .name = "Certificate",
    .in_file = [](const Call& call, const View& view) { return in_file(view, call.id()); },
    .shown = [](const Call& call, const View& view) { return shown(call, view, call.id()); },
};

/// Who would be left without it. A thumbprint that another certificate has too still leads somewhere.
std::vector<Referrer> left_behind(const View& view, const std::string& id, const wire::Certificate& certificate) {
  const Referrers& referrers = view.referrers();
  std::vector<Referrer> all = referrers.of_certificate_id(id);
  const bool twin = std::ranges::any_of(view.snapshot->certificates(), [&](const auto& other) {
    return other.first != id && other.second && other.second->thumbprint_sha256() == certificate.thumbprint_sha256();
  });
  return twin ? all : referrers.of_certificate(id, certificate);
}

}  // namespace

Answer list_certificates(const Call& call) {
  static constexpr std::array fields{std::string_view("name"), std::string_view("subject"), std::string_view("thumbprint"),
                                     std::string_view("expirationDate")};
  const std::shared_ptr<const View> view = call.reconciler.view();
  const std::optional<std::string> failed = call.target.parameter("isKeyVaultRefreshFailed");
  if (failed && !wire::equals_ignoring_case(*failed, "true") && !wire::equals_ignoring_case(*failed, "false")) {
    return invalid("isKeyVaultRefreshFailed", "expected true or false");
  }
  std::vector<std::string> ids;
  for (const config::Certificate& certificate : view->snapshot->config().certificates) {
    if (failed) {
      const std::shared_ptr<const Object> object = stored(*view, make_key(std::vector<std::string>{"certificates", certificate.id}));
      const json value = object ? json::parse(object->value, nullptr, false) : json::object();
      const bool is = value.value("/keyVault/lastStatus/code"_json_pointer, std::string()) == status_failed;
      if (is != wire::equals_ignoring_case(*failed, "true")) {
        continue;
      }
    }
    ids.push_back(certificate.id);
  }
  return list_answer(call, std::move(ids), [&](const std::string& id) { return shown(call, *view, id); }, fields);
}

Answer get_certificate(const Call& call) {
  return get_object(certificate_kind, call);
}

Answer put_certificate(const Call& call) {
  const ApiResult<Upload> upload = read_upload(call);
  if (!upload) {
    return std::unexpected(upload.error());
  }
  const Make make = [&](const View& /*view*/, const Object* before) -> ApiResult<Change::Put> {
    if (ApiResult<void> good = check_replacement(before, *upload->certificate); !good) {
      return std::unexpected(std::move(good.error()));
    }
    return put_of(*upload);
  };
  return put_object(certificate_kind, call, make, Faults::conflict);
}

Answer delete_certificate(const Call& call) {
  return delete_object(certificate_kind, call, [&](const View& view, const Object& before) -> ApiResult<std::vector<std::string>> {
    if (std::vector<Referrer> referrers = left_behind(view, call.id(), *before.certificate); !referrers.empty()) {
      return in_use(call.target, certificate_kind.name, call.id(), referrers);
    }
    return std::vector{make_key(call.parts)};
  });
}

Answer refresh_certificate(const Call& call) {
  const std::vector<std::string> parts{call.parts[0], call.id()};
  const std::string key = make_key(parts);
  const std::shared_ptr<const View> view = call.reconciler.view();
  const std::shared_ptr<const Object> object = stored(*view, key);
  if (!object && !in_file(*view, call.id())) {
    return not_found("Certificate not found.");
  }
  const json value = object ? json::parse(object->value, nullptr, false) : json::object();
  if (!value.is_object() || !value.contains("keyVault")) {
    return invalid("keyVault",
                   fmt::format("Certificate '{}' was not made from a secret source: there is nothing to read again.", call.id()));
  }
  const ApiResult<Upload> upload = open_key_vault(call, value["keyVault"]);
  std::optional<ApiError> failure;
  if (!upload) {
    failure = upload.error();
  }
  const auto written = write_referred(call, parts, [&](const View& now) -> ApiResult<Change> {
    const std::shared_ptr<const Object> before = stored(now, key);
    if (!before || before->revision != object->revision) {
      return conflict("The certificate was changed at the same moment: repeat the request.");
    }
    if (upload) {
      if (ApiResult<void> good = check_replacement(before.get(), *upload->certificate); !good) {
        failure = std::move(good.error());
      }
    }
    if (!failure) {
      Change::Put put = put_of(*upload);
      put.key = key;
      return Change{.puts = {std::move(put)}, .erased = {}};
    }
    json noted = value;
    noted["keyVault"]["lastStatus"] = status_object(status_failed, failure->details.front().message);
    return Change{.puts = {{.key = key, .value = dump(noted), .secret = before->secret, .certificate = before->certificate}}, .erased = {}};
  });
  if (!written) {
    return std::unexpected(written.error());
  }
  return failure ? Answer(std::unexpected(std::move(*failure))) : resource_answer(call, certificate_kind.shown(call, **written));
}

}  // namespace signet::control
