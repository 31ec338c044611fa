// SPDX-License-Identifier: GPL-3.0-or-later
// What listeners, the management listener among them, show to those who call.
#pragma once

#include <memory>
#include <string_view>
#include <vector>

#include "signet/config/config.h"
#include "signet/config/report.h"
#include "signet/wire/certificate.h"
#include "upstreams.h"

namespace signet::config {

[[nodiscard]] bool shown_by_listener(const Config& config, std::string_view certificate_id);

/// By the listener's place in the configuration; empty for one without TLS, and after an error, which was said.
[[nodiscard]] std::vector<std::vector<std::shared_ptr<const wire::Certificate>>> listener_certificates(const Config& config,
                                                                                                       const Upstreams& known,
                                                                                                       Report& report);

/// Null if it names none, and after an error, which was said.
[[nodiscard]] std::shared_ptr<const wire::Certificate> admin_certificate(const Config& config, const Upstreams& known, Report& report);

}  // namespace signet::config
