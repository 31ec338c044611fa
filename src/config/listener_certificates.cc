// SPDX-License-Identifier: GPL-3.0-or-later
#include "listener_certificates.h"

#include <fmt/core.h>

#include <algorithm>
#include <expected>
#include <iterator>
#include <string>
#include <utility>

#include "signet/wire/tls_context.h"

namespace signet::config {

namespace {

using Certificates = std::vector<std::shared_ptr<const wire::Certificate>>;

bool meant_for(const wire::CertificateInfo& certificate, std::string_view usage) {
  const std::vector<std::string>& usages = certificate.extended_key_usages;
  return usages.empty() ||
         std::ranges::any_of(usages, [&](const std::string& one) { return one == usage || one == "anyExtendedKeyUsage"; });
}

/// Dates are Material's to warn of.
void check_certificate(const Reference& id, const wire::Certificate& certificate, Report& report) {
  const wire::CertificateInfo& leaf = certificate.leaf();
  if (!meant_for(leaf, "serverAuth")) {
    report.warning(id.source, fmt::format("certificate \"{}\" is not meant for servers: its extended key usages have no serverAuth, "
                                          "and callers will refuse it",
                                          id.value));
  }
  if (leaf.subject_alternative_names.empty()) {
    report.warning(id.source, fmt::format("certificate \"{}\" has no subject alternative name: callers will refuse it, whatever name "
                                          "they expect",
                                          id.value));
  }
}

/// Null after an error.
std::shared_ptr<const wire::Certificate> resolve(const Reference& id, const Upstreams& known, Report& report) {
  std::expected<Credential, std::string> found = known.certificate(id.value);
  if (!found) {
    report.error(id.source, std::move(found.error()));
    return nullptr;
  }
  return std::move(found->certificate);
}

/// A context is made here only to see that it can be: on a shard it would be too late.
Certificates certificates_of(const Listener& listener, const Upstreams& known, Report& report) {
  Certificates certificates;
  if (!listener.tls) {
    return certificates;
  }
  for (const Reference& id : listener.tls->certificate_ids) {
    if (std::shared_ptr<const wire::Certificate> certificate = resolve(id, known, report)) {
      check_certificate(id, *certificate, report);
      certificates.push_back(std::move(certificate));
    }
  }
  if (certificates.size() != listener.tls->certificate_ids.size() || certificates.empty()) {
    return certificates;  // what is wrong was said
  }
  const Result<std::shared_ptr<wire::TlsContext>> made =
      wire::TlsContext::server({.certificate = certificates.front(),
                                .further_certificates = {std::next(certificates.begin()), certificates.end()},
                                .min_version = listener.tls->min_version,
                                .max_version = listener.tls->max_version});
  if (!made) {
    report.error(listener.source, made.error().detail);
  }
  return certificates;
}

}  // namespace

bool shown_by_listener(const Config& config, std::string_view certificate_id) {
  return (config.admin && config.admin->certificate_id.value == certificate_id) ||
         std::ranges::any_of(config.listeners, [certificate_id](const Listener& listener) {
           return listener.tls && std::ranges::find(listener.tls->certificate_ids, certificate_id, &Reference::value) !=
                                      listener.tls->certificate_ids.end();
         });
}

std::vector<Certificates> listener_certificates(const Config& config, const Upstreams& known, Report& report) {
  std::vector<Certificates> all;
  for (const Listener& listener : config.listeners) {
    all.push_back(certificates_of(listener, known, report));
  }
  return all;
}

std::shared_ptr<const wire::Certificate> admin_certificate(const Config& config, const Upstreams& known, Report& report) {
  if (!config.admin || config.admin->certificate_id.value.empty()) {
    return nullptr;
  }
  return resolve(config.admin->certificate_id, known, report);
}

}  // namespace signet::config
