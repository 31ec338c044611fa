// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

#include "signet/config/plan.h"

using namespace signet;
using namespace signet::config;

namespace {

OperationTable table(const std::vector<std::pair<std::string, std::string>>& operations) {
  std::vector<OperationTable::Entry> entries;
  for (const auto& [method, url_template] : operations) {
    entries.push_back({.id = method + " " + url_template, .method = method, .url_template = url_template});
  }
  return OperationTable(std::move(entries));
}

/// The operation, then the values of its parameters.
std::string found(const OperationTable& operations, std::string_view method, std::string_view path) {
  TemplateValues values;
  const auto match = operations.find(method, path, values);
  if (!match) {
    return "none";
  }
  std::string text(match->operation_id);
  for (std::size_t i = 0; i < values.count; ++i) {
    text += " [" + std::string(values.values[i]) + "]";
  }
  return text;
}

}  // namespace

TEST_CASE("text wins over a parameter, a parameter over the rest of a path", "[config][operations]") {
  const OperationTable operations = table({{"GET", "/orders/{id}"}, {"GET", "/orders/mine"}, {"GET", "/orders/{*rest}"}, {"GET", "/*"}});
  CHECK(found(operations, "GET", "/orders/mine") == "GET /orders/mine");
  CHECK(found(operations, "GET", "/orders/7") == "GET /orders/{id} [7]");
  CHECK(found(operations, "GET", "/orders/7/lines") == "GET /orders/{*rest} [7/lines]");
  CHECK(found(operations, "GET", "/other/x") == "GET /*");
  CHECK(found(operations, "GET", "") == "GET /*");
}

TEST_CASE("a look-up goes back where a better start leads nowhere, and forgets what it met there", "[config][operations]") {
  const OperationTable operations =
      table({{"GET", "/a/{b}/c"}, {"GET", "/{x}/{y}/{z}"}, {"POST", "/orders/{id}"}, {"GET", "/orders/mine"}});
  CHECK(found(operations, "GET", "/a/1/c") == "GET /a/{b}/c [1]");
  CHECK(found(operations, "GET", "/a/1/d") == "GET /{x}/{y}/{z} [a] [1] [d]");
  CHECK(found(operations, "POST", "/orders/mine") == "POST /orders/{id} [mine]");
}

TEST_CASE("an operation takes its own method and whole segments only", "[config][operations]") {
  const OperationTable operations = table({{"GET", "/orders/{id}"}, {"GET", "/"}});
  CHECK(found(operations, "get", "/orders/1") == "none");
  CHECK(found(operations, "POST", "/orders/1") == "none");
  CHECK(found(operations, "GET", "/orders") == "none");
  CHECK(found(operations, "GET", "/orders/") == "none");
  CHECK(found(operations, "GET", "/orders/1/") == "none");
  CHECK(found(operations, "GET", "/orders/1/2") == "none");
  CHECK(found(operations, "GET", "") == "GET /");
  CHECK(found(operations, "GET", "/") == "GET /");
}

TEST_CASE("templates are compared in the normal form of percent-encoding", "[config][operations]") {
  const OperationTable operations = table({{"GET", "/%7eme/%c3%a9"}});
  CHECK(found(operations, "GET", "/~me/%C3%A9") == "GET /%7eme/%c3%a9");
}

TEST_CASE("a template that means nothing is refused with what was expected", "[config][operations]") {
  for (const char* good : {"", "/", "/a", "/a/", "/{id}", "/a/{b}/c", "/*", "/a/{*rest}", "/%20"}) {
    CAPTURE(good);
    CHECK(check_url_template(good).empty());
  }
  for (const char* bad : {"a", "//", "/a//b", "/../b", "/a b", "/a?x={y}", "/{}", "/{a}{b}", "/x{a}", "/{a", "/{a}/{a}", "/*/b", "/{*a}/b",
                          "/{a b}", "/%2", "/a#b", "/{/}"}) {
    CAPTURE(bad);
    CHECK_FALSE(check_url_template(bad).empty());
  }
  std::string many;
  for (std::size_t i = 0; i < template_parameters_max; ++i) {
    many += "/{p" + std::to_string(i) + "}";
  }
  CHECK(check_url_template(many).empty());
  CHECK_FALSE(check_url_template(many + "/{one-more}").empty());
  CHECK(template_parameters("/a/{b}/{*c}") == std::vector<std::string>{"b", "c"});
  CHECK(template_parameters("/a/*").empty());
}
