// SPDX-License-Identifier: GPL-3.0-or-later
// Any bytes as a configuration file: read, and, where that goes well, compiled. Whatever they are, the reader ends, says something about
// what it refuses, and says it in lines of plain text at a place inside the file.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "signet/base/check.h"
#include "signet/config/load.h"
#include "signet/config/snapshot.h"

namespace {

using namespace signet;
using namespace signet::config;

/// Every file holds the same few bytes, so that references lead somewhere.
class FuzzFiles final : public Files {
 public:
  Result<std::string> read(const std::string& path, std::size_t) override {
    if (path.ends_with('x')) {
      return fail(ErrorKind::config, Origin::internal, "cannot be read");
    }
    return std::string("secret\n");
  }
  Result<std::vector<std::string>> list(const std::string&, std::size_t) override { return std::vector<std::string>{"a", "b"}; }
  std::optional<std::string> environment(const std::string&) override { return std::nullopt; }
};

void check_report(const Report& report, std::string_view text) {
  const auto lines = static_cast<std::size_t>(std::ranges::count(text, '\n')) + 1;
  for (const std::vector<Problem>* problems : {&report.errors, &report.warnings}) {
    for (const Problem& problem : *problems) {
      SIGNET_CHECK(!problem.message.empty());
      SIGNET_CHECK(problem.source.line >= 1 && problem.source.line <= lines && problem.source.column >= 1);
      SIGNET_CHECK(std::ranges::none_of(problem.text(), [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }));
    }
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const Loaded loaded = parse_config("fuzz.json", text);
  SIGNET_CHECK(loaded.config.has_value() == loaded.report.ok());
  check_report(loaded.report, text);
  if (!loaded.config) {
    return 0;
  }
  FuzzFiles files;
  const Built built = build_snapshot(*loaded.config, files, {});
  SIGNET_CHECK((built.snapshot != nullptr) == built.report.ok());
  check_report(built.report, text);
  if (built.snapshot) {
    for (const std::string_view path : {"/", "/orders/1", "//", "/a/b/c/d/e/f"}) {
      const Route* const route = built.snapshot->route("a.example:80", path);
      if (route != nullptr && !route->plan->destinations.empty()) {
        std::string target;
        append_target(*route, *route->plan->destinations.front().upstream, path, std::nullopt, target);
        SIGNET_CHECK(target.starts_with('/') && path.starts_with(route->path));
      }
    }
  }
  return 0;
}
