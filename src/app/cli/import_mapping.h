// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "desired.h"

namespace signet::app::cli {

/// One thing that was not carried over, or not as it was.
struct ImportNote {
  std::string object;  ///< "API orders"
  std::string text;    ///< one sentence; no secrets
};

/// A certificate whose key is not in the document: it has to be on the gateway already.
struct NeededCertificate {
  std::string id;
  std::string thumbprint;  ///< upper case; empty: not told
  std::string where;       ///< where its key is, as far as it is told
};

struct Imported {
  Desired desired;
  std::vector<NeededCertificate> needed;
  std::vector<ImportNote> notes;
};

/// What a gateway can have of a document of Azure API Management: an ARM template (`resources`, nested ones too), a list or object as
/// `az apim … list` and `show` print it, `az rest`'s {"value": […]}, or an object with such lists under "apis", "backends" and so on.
/// `parameters`: an ARM parameters file, or null. Throws Failure for a document that is none of these.
[[nodiscard]] Imported import_document(const json& document, const json& parameters);

}  // namespace signet::app::cli
