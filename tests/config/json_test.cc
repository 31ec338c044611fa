// SPDX-License-Identifier: GPL-3.0-or-later
#include "config/json.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

namespace json = signet::config::json;

namespace {

/// "line:column: message" of the fault in `text`, or "" if there is none.
std::string fault(std::string_view text) {
  const auto node = json::parse(text, 8);
  if (node) {
    return {};
  }
  const json::Position position = json::Lines(text).at(node.error().offset);
  return std::to_string(position.line) + ":" + std::to_string(position.column) + ": " + node.error().message;
}

}  // namespace

TEST_CASE("an object with more members than anyone writes is refused, and where it begins is said", "[config]") {
  const auto object = [](std::size_t count) {
    std::string members;
    for (std::size_t i = 0; i < count; ++i) {
      members += (i == 0 ? "\"" : ",\"") + std::to_string(i) + "\":0";
    }
    return "{\"a\":\n {" + members + "}}";
  };
  CHECK(fault(object(json::members_max)).empty());
  CHECK(fault(object(json::members_max + 1)) == "2:2: expected no more than 1000 members in an object");
}

TEST_CASE("every key and value of a JSON text knows its place", "[config]") {
  const std::string text = "{ \"a\\n\": [1, -2.5e3,\n  \"\\u00e9\\\"\", true],\n \"b\": {\"c\": null} }";
  const auto root = json::parse(text, 8);
  REQUIRE(root.has_value());
  REQUIRE(root->type == json::Type::object);
  REQUIRE(root->children.size() == 2);
  const json::Node& list = root->children[0];
  CHECK(list.key == "a\n");
  CHECK(list.key_offset == 2);
  REQUIRE(list.children.size() == 4);
  CHECK(list.children[0].text == "1");
  CHECK(list.children[1].text == "-2.5e3");
  CHECK(list.children[1].offset == text.find("-2.5"));
  CHECK(list.children[2].text == "\xc3\xa9\"");
  CHECK(list.children[2].offset == text.find("\"\\u00e9"));
  CHECK(list.children[3].boolean);
  const json::Node& object = root->children[1];
  CHECK(object.offset == text.find("{\"c"));
  REQUIRE(object.children.size() == 1);
  CHECK(object.children[0].type == json::Type::null);
  CHECK(object.children[0].key_offset == text.find("\"c\""));
  CHECK(object.children[0].offset == text.find("null"));
}

TEST_CASE("repeated keys of a JSON object all stay, in order", "[config]") {
  const auto root = json::parse(R"({"a":1,"b":2,"a":3})", 8);
  REQUIRE(root.has_value());
  REQUIRE(root->children.size() == 3);
  CHECK(root->children[2].key == "a");
  CHECK(root->children[2].text == "3");
}

TEST_CASE("a broken JSON text is reported where it breaks, with what was expected there", "[config]") {
  CHECK(fault("") == "1:1: expected a value, found the end of the text");
  CHECK(fault("{\n  \"a\": 1\n  \"b\": 2\n}") == "3:3: expected ',' or '}', found '\"'");
  CHECK(fault("{\"a\": 1,}") == "1:8: expected no comma behind the last member, found ','");
  CHECK(fault("[1, 2,\n]") == "1:6: expected no comma behind the last element, found ','");
  CHECK(fault("{a: 1}") == "1:2: expected a member's name in double quotes, found 'a'");
  CHECK(fault("{\"a\" 1}") == "1:6: expected ':', found '1'");
  CHECK(fault("{\"a\": tru}") == "1:7: expected true, found 't'");
  CHECK(fault("[01]") == "1:3: expected no digit behind a leading zero, found '1'");
  CHECK(fault("[1.]") == "1:4: expected a digit, found ']'");
  CHECK(fault("[\"a\nb\"]") == "1:4: expected '\"' at the end of the string, found byte 0x0a");
  CHECK(fault("[\"\\x\"]") == "1:4: expected one of \" \\ / b f n r t u behind a backslash, found 'x'");
  CHECK(fault("[\"\\u12g4\"]") == "1:7: expected four hexadecimal digits behind \\u, found 'g'");
  CHECK(fault("{} x") == "1:4: expected the end of the text, found 'x'");
  CHECK(fault("// no\n{}") == "1:1: expected a value, found '/'");
  CHECK(fault("[[[[[[[[[1]]]]]]]]]") == "1:9: expected no more than 8 nested arrays and objects, found '['");
  CHECK(fault("[1,\n \"\xff\"]") == "2:1: expected UTF-8, found other bytes on this line");
  CHECK(fault("[[[[[[[[1]]]]]]]]").empty());
}

TEST_CASE("every offset of a text of long lines has its line and column", "[config]") {
  std::string text;
  for (int i = 0; i < 3000; ++i) {
    text += i % 1100 == 7 ? "\n" : (i % 3 == 0 ? "\u00e9" : "x");
  }
  const json::Lines lines(text);
  std::uint32_t line = 1;
  std::uint32_t column = 1;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const bool first_byte = (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80;
    if (first_byte && (lines.at(at).line != line || lines.at(at).column != column)) {
      FAIL("offset " << at);
    }
    column += first_byte ? 1 : 0;
    if (text[at] == '\n') {
      ++line;
      column = 1;
    }
  }
  CHECK(line == 4);
}

TEST_CASE("columns count characters, not bytes, and a byte order mark is passed over", "[config]") {
  CHECK(fault("[\"\xc3\xa4\xc3\xb6\", x]") == "1:8: expected a value, found 'x'");
  CHECK(json::parse("\xef\xbb\xbf{\"a\": 1}", 8).has_value());
}

TEST_CASE("a number that no double can hold is refused", "[config]") {
  CHECK_FALSE(fault("[1e999]").empty());
}
