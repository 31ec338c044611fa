// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "signet/config/config.h"
#include "signet/wire/certificate.h"
#include "api_resource.h"

namespace signet::control {

/// An object that names another one.
struct Referrer {
  std::vector<std::string> parts;  ///< of its resource; empty: a place in the configuration file, see `place`
  std::string place;
  std::string message;  ///< "API 'orders' uses it in its policy"
};

/// Who names which certificate and which backend in a configuration: an index of every object; see View::referrers.
class Referrers {
 public:
  /// `config`: of a snapshot.
  explicit Referrers(const config::Config& config);

  [[nodiscard]] const std::vector<Referrer>& of_certificate_id(std::string_view id) const { return at(certificate_ids_, id); }
  /// SHA-1 or SHA-256.
  [[nodiscard]] const std::vector<Referrer>& of_thumbprint(std::string_view thumbprint) const { return at(thumbprints_, thumbprint); }
  [[nodiscard]] const std::vector<Referrer>& of_backend(std::string_view id) const { return at(backends_, id); }
  /// By its id, and by either thumbprint.
  [[nodiscard]] std::vector<Referrer> of_certificate(std::string_view id, const wire::Certificate& certificate) const;

 private:
  using Names = std::map<std::string, std::vector<Referrer>, std::less<>>;

  static const std::vector<Referrer>& at(const Names& names, std::string_view name);
  void add_backend(const config::Backend& backend);
  void add_api(const config::Api& api);
  void add_policy(const config::PolicyDocument& policy, const Referrer& referrer);
  void add_listeners(const config::Config& config);

  Names certificate_ids_;
  Names thumbprints_;
  Names backends_;
};

/// 409 for an object that others name, one detail for each of them.
[[nodiscard]] std::unexpected<ApiError> in_use(const Target& target, std::string_view kind, std::string_view id,
                                               const std::vector<Referrer>& referrers);

}  // namespace signet::control
