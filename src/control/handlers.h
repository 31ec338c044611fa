// SPDX-License-Identifier: GPL-3.0-or-later
// What each path of the management API does; admin_api.cc has the table. GET serves HEAD too.
#pragma once

#include "api_resource.h"

namespace signet::control {

[[nodiscard]] Answer list_certificates(const Call& call);
[[nodiscard]] Answer get_certificate(const Call& call);
[[nodiscard]] Answer put_certificate(const Call& call);
[[nodiscard]] Answer delete_certificate(const Call& call);
[[nodiscard]] Answer refresh_certificate(const Call& call);

[[nodiscard]] Answer list_backends(const Call& call);
[[nodiscard]] Answer get_backend(const Call& call);
[[nodiscard]] Answer put_backend(const Call& call);
[[nodiscard]] Answer patch_backend(const Call& call);
[[nodiscard]] Answer delete_backend(const Call& call);
[[nodiscard]] Answer reconnect_backend(const Call& call);

[[nodiscard]] Answer list_apis(const Call& call);
[[nodiscard]] Answer get_api(const Call& call);
[[nodiscard]] Answer put_api(const Call& call);
[[nodiscard]] Answer patch_api(const Call& call);
[[nodiscard]] Answer delete_api(const Call& call);

[[nodiscard]] Answer list_operations(const Call& call);
[[nodiscard]] Answer get_operation(const Call& call);
[[nodiscard]] Answer put_operation(const Call& call);
[[nodiscard]] Answer patch_operation(const Call& call);
[[nodiscard]] Answer delete_operation(const Call& call);

/// Of all three scopes.
[[nodiscard]] Answer list_policies(const Call& call);
[[nodiscard]] Answer get_policy(const Call& call);
[[nodiscard]] Answer put_policy(const Call& call);
[[nodiscard]] Answer delete_policy(const Call& call);
[[nodiscard]] Answer get_effective_policy(const Call& call);

[[nodiscard]] Answer get_status(const Call& call);
[[nodiscard]] Answer get_refusals(const Call& call);

}  // namespace signet::control
