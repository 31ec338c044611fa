// SPDX-License-Identifier: GPL-3.0-or-later
#include "app/cli/completion.h"

#include <catch2/catch_test_macros.hpp>

#include "app/cli/failure.h"

namespace signet::app::cli {

TEST_CASE("Completion: every command, option and fixed value stands in each script", "[cli]") {
  CLI::App app("Program", "signet");
  auto* const outer = app.add_subcommand("outer", "It's outer");
  auto* const inner = outer->add_subcommand("inner", "Inner");
  std::string value;
  inner->add_option("--shape", value, "Form")->check(CLI::IsMember({"round", "square"}));
  inner->add_option("FILE", value, "A file");
  for (const char* const shell : {"bash", "zsh", "fish"}) {
    const std::string script = completion_script(app, shell);
    INFO(script);
    for (const char* const word : {"outer", "inner", "shape", "round square"}) {
      CHECK(script.find(word) != std::string::npos);
    }
  }
  CHECK(completion_script(app, "fish").find("'It'\\''s outer'") != std::string::npos);
  CHECK_THROWS_AS(completion_script(app, "csh"), Failure);
}

}  // namespace signet::app::cli
