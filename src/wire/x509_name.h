// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <string>
#include <vector>

#include "der.h"

namespace signet::wire {

/// A distinguished name by RFC 4514: last RDN first, "CN=orders,O=Contoso". Attribute types without a name here are dotted, their values
/// '#' and hexadecimal BER. `name` is a reader inside the Name's SEQUENCE.
[[nodiscard]] std::string name_text(der::Reader name);

/// The general names of a subjectAltName extension (RFC 5280 §4.2.1.6), each as "DNS:a.example", "IP:10.0.0.1", … `names` is a reader
/// inside the SEQUENCE.
[[nodiscard]] std::vector<std::string> general_names_text(der::Reader names);

}  // namespace signet::wire
