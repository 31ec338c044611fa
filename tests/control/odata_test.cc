// SPDX-License-Identifier: GPL-3.0-or-later
#include "control/odata.h"

#include <array>
#include <catch2/catch_test_macros.hpp>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "control/odata_date.h"

using namespace signet::control;
using nlohmann::json;

namespace {

constexpr std::array<std::string_view, 8> fields{"name",        "subject", "thumbprint",  "expirationDate",
                                                 "displayName", "missing", "chainLength", "hasPrivateKey"};

const json object = {
    {"name", "Orders-Client"}, {"subject", "CN=O'Hara, O=Müller"},
    {"thumbprint", "A1B2"},    {"expirationDate", "2030-06-15T12:00:00Z"},
    {"displayName", ""},       {"chainLength", 3},
    {"hasPrivateKey", true},
};

bool matches(const std::string& text, const json& value = object) {
  const std::expected<Filter, std::string> filter = parse_filter(text, fields);
  if (!filter) {
    FAIL_CHECK(text << ": " << filter.error());
    return false;
  }
  return filter->matches(value);
}

std::string error_of(const std::string& text) {
  const std::expected<Filter, std::string> filter = parse_filter(text, fields);
  return filter ? std::string("no error") : filter.error();
}

struct Case {
  const char* text;
  bool holds;
};

void check_all(const std::vector<Case>& cases) {
  for (const Case& c : cases) {
    CAPTURE(c.text);
    CHECK(matches(c.text) == c.holds);
    CHECK(matches("not (" + std::string(c.text) + ")") != c.holds);
  }
}

}  // namespace

TEST_CASE("a filter compares texts byte by byte", "[odata]") {
  check_all({
      {"name eq 'Orders-Client'", true},
      {"name eq 'orders-client'", false},
      {"name ne 'Orders-Client'", false},
      {"name ne 'x'", true},
      {"name gt 'Orders'", true},
      {"name gt 'Orders-Client'", false},
      {"name ge 'Orders-Client'", true},
      {"name lt 'orders'", true},
      {"name le 'Orders-Client'", true},
      {"name lt 'Orders-Client'", false},
      {"subject eq 'CN=O''Hara, O=Müller'", true},
      {"displayName eq ''", true},
      {"displayName ne ''''", true},
  });
}

TEST_CASE("a filter's functions look into texts and pass over the case of letters", "[odata]") {
  check_all({
      {"contains(name,'ers-cli')", true},
      {"contains(name, 'xyz')", false},
      {"contains( name , '' )", true},
      {"substringof('CLIENT', name)", true},
      {"substringof('orders-client-1', name)", false},
      {"startswith(name,'orders')", true},
      {"startswith(name,'client')", false},
      {"endswith(name,'Client')", true},
      {"endswith(name,'orders')", false},
      {"contains(subject,'o''hara')", true},
      {"contains(missing,'')", false},
      {"contains(chainLength,'3')", false},
      {"contains(name,'ers') eq true", true},
      {"contains(name,'ers') eq false", false},
      {"contains(name,'ers') ne false", true},
      {"substringof('xyz',name) ne true", true},
  });
}

TEST_CASE("a filter compares dates as instants, in every way that they are written", "[odata]") {
  check_all({
      {"expirationDate gt datetime'2030-01-01'", true},
      {"expirationDate gt datetime'2031-01-01'", false},
      {"expirationDate gt 2030-01-01", true},
      {"expirationDate lt 2030-06-15", false},
      {"expirationDate eq 2030-06-15T12:00:00Z", true},
      {"expirationDate eq datetime'2030-06-15T12:00'", true},
      {"expirationDate eq datetimeoffset'2030-06-15T14:00:00+02:00'", true},
      {"expirationDate eq 2030-06-15T10:30:00-01:30", true},
      {"expirationDate eq '2030-06-15T12:00:00.000Z'", true},
      {"expirationDate lt '2030-06-15T12:00:00.0000001Z'", true},
      {"expirationDate ge datetime'2030-06-15T12:00:01Z'", false},
      {"expirationDate le '2030-07-01'", true},
      {"datetime'2030-01-01' lt expirationDate", true},
      {"name gt datetime'2030-01-01'", false},
      {"name ne datetime'2030-01-01'", true},
      {"missing lt datetime'2030-01-01'", false},
  });
}

TEST_CASE("a filter compares numbers, switches and null", "[odata]") {
  check_all({
      {"chainLength eq 3", true},
      {"chainLength eq 3.0", true},
      {"chainLength gt 2", true},
      {"chainLength lt 3.5e0", true},
      {"chainLength ge -1", true},
      {"3 le chainLength", true},
      {"4 le chainLength", false},
      {"hasPrivateKey eq true", true},
      {"hasPrivateKey ne true", false},
      {"false eq hasPrivateKey", false},
      {"missing eq null", true},
      {"missing ne null", false},
      {"name eq null", false},
      {"null ne name", true},
      {"missing eq 'x'", false},
      {"missing ne 'x'", true},
      {"missing gt 'x'", false},
      {"missing le 'x'", false},
      {"name eq 3", false},
      {"name ne 3", true},
      {"chainLength eq '3'", false},
      {"chainLength gt 'a'", false},
  });
  CHECK(matches("missing eq null", json{{"missing", nullptr}}));
  CHECK_FALSE(matches("missing eq null", json{{"missing", json::array()}}));
  CHECK_FALSE(matches("missing eq 'x'", json{{"missing", json::array({"x"})}}));
}

TEST_CASE("in a filter and binds more tightly than or, and parentheses and not bind most", "[odata]") {
  check_all({
      {"name eq 'x' and name eq 'y' or chainLength eq 3", true},
      {"name eq 'x' and (name eq 'y' or chainLength eq 3)", false},
      {"chainLength eq 3 or name eq 'x' and name eq 'y'", true},
      {"(chainLength eq 3 or name eq 'x') and name eq 'y'", false},
      {"not contains(name,'x') and chainLength eq 3", true},
      {"not (contains(name,'x') or chainLength eq 3)", false},
      {"not not chainLength eq 3", true},
      {"((chainLength eq 3))", true},
      {"name eq 'a' or name eq 'b' or name eq 'Orders-Client'", true},
      {"chainLength eq 3 and hasPrivateKey eq true and name eq 'b'", false},
      {"\tchainLength   eq\t3 ", true},
      {"(chainLength eq 3)and(hasPrivateKey eq true)", true},
  });
}

TEST_CASE("a filter names fields as they are or behind properties/, in any case", "[odata]") {
  check_all({
      {"properties/name eq 'Orders-Client'", true},
      {"properties/displayname eq ''", true},
      {"Properties/ExpirationDate gt 2030-01-01", true},
      {"contains(properties/subject,'hara')", true},
  });
}

TEST_CASE("an error in a filter says where it is, what was expected and what was found", "[odata]") {
  const std::string all = "name, subject, thumbprint, expirationDate, displayName, missing, chainLength, hasPrivateKey";
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"", "1: expected a field, a function, \"not\" or \"(\" (fields: " + all + "), found the end"},
      {"colour eq 'x'", "1: expected a field, a function, \"not\" or \"(\" (fields: " + all + "), found colour"},
      {"name", "5: expected eq, ne, gt, ge, lt or le, found the end"},
      {"name = 'x'", "6: expected eq, ne, gt, ge, lt or le, found = 'x'"},
      {"name EQ 'x'", "6: expected eq, ne, gt, ge, lt or le, found EQ"},
      {"name eq x", "9: expected a text in apostrophes, a number, a date, true, false or null, found x"},
      {"name eq 'x", "9: expected a text in apostrophes, a number, a date, true, false or null, found 'x"},
      {"name eq", "8: expected a text in apostrophes, a number, a date, true, false or null, found the end"},
      {"name eq subject", "9: expected a text in apostrophes, a number, a date, true, false or null, found subject"},
      {"name eq 5L", "9: expected a text in apostrophes, a number, a date, true, false or null, found 5L"},
      {"name eq 1e999", "9: expected a text in apostrophes, a number, a date, true, false or null, found 1e999"},
      {"name eq nan", "9: expected a text in apostrophes, a number, a date, true, false or null, found nan"},
      {"name eq datetime'2030-02-30'", "9: expected a text in apostrophes, a number, a date, true, false or null, found datetime"},
      {"name eq 2030-13-01", "9: expected a text in apostrophes, a number, a date, true, false or null, found 2030-13-01"},
      {"name gt null", "9: expected a text, a number or a date, because only those have an order, found null"},
      {"hasPrivateKey lt true", "18: expected a text, a number or a date, because only those have an order, found true"},
      {"'x' eq 'y'", "8: expected a field (fields: " + all + "), found 'y'"},
      {"name eq 'x' name", "13: expected \"and\", \"or\" or the end, found name"},
      {"name eq 'x')", "12: expected \"and\", \"or\" or the end, found )"},
      {"(name eq 'x'", "13: expected \")\", \"and\" or \"or\", found the end"},
      {"name eq 'x' and", "16: expected a field, a function, \"not\" or \"(\" (fields: " + all + "), found the end"},
      {"contains", "9: expected \"(\" behind contains, found the end"},
      {"contains('x',name)", "10: expected a field (fields: " + all + "), found 'x',name)"},
      {"contains(name 'x')", "15: expected \",\", found 'x')"},
      {"contains(name,x)", "15: expected a text in apostrophes, found x"},
      {"contains(name,'x'", "18: expected \")\", found the end"},
      {"substringof(name,'x')", "13: expected a text in apostrophes, found name"},
      {"contains(name,'x') eq 1", "23: expected true or false, found 1"},
      {"name eq 'Müller' x", "18: expected \"and\", \"or\" or the end, found x"},
      {"name eq 'x'\n", "12: expected \"and\", \"or\" or the end, found \\x0a"},
  };
  for (const auto& [text, message] : cases) {
    CAPTURE(text);
    CHECK(error_of(text) == "$filter at position " + message);
  }
}

TEST_CASE("a filter has limits: its length and its depth", "[odata]") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '(') + "name eq 'x'" + std::string(depth, ')'); };
  CHECK(error_of(nested(filter_depth_max - 1)) == "no error");
  CHECK(error_of(nested(filter_depth_max)).find("expected no more than 32 parentheses") != std::string::npos);
  CHECK(error_of(nested(filter_size_max / 3)).find("expected no more than 32 parentheses") != std::string::npos);
  std::string negations;
  for (std::size_t i = 0; i < filter_depth_max; ++i) {
    negations += "not ";
  }
  CHECK(error_of(negations + "name eq 'x'").find("expected no more than 32 parentheses") != std::string::npos);
  std::string wide = "name eq 'x'";
  while (wide.size() + 15 < filter_size_max) {
    wide += " or name eq 'x'";
  }
  CHECK(error_of(wide) == "no error");
  CHECK(error_of(std::string(filter_size_max + 1, ' ')) == "$filter: expected no more than 8192 bytes, found 8193");
}

TEST_CASE("instants are read from what RFC 3339 and .NET write, and from nothing else", "[odata]") {
  using namespace std::chrono;
  const auto seconds_of = [](std::string_view text) {
    return duration_cast<seconds>(parse_instant(text).value().time_since_epoch()).count();
  };
  CHECK(seconds_of("1970-01-01") == 0);
  CHECK(seconds_of("1970-01-01T00:01:00Z") == 60);
  CHECK(seconds_of("1970-01-01T00:01") == 60);
  CHECK(seconds_of("1970-01-01t01:00:00z") == 3600);
  CHECK(seconds_of("1970-01-01T01:00:00+01:00") == 0);
  CHECK(seconds_of("1969-12-31T23:00:00-01:00") == 0);
  CHECK(seconds_of("2000-02-29") == 951782400);
  CHECK(parse_instant("1970-01-01T00:00:00.1234567Z")->time_since_epoch().count() == 1234567);
  CHECK(parse_instant("9999-12-31T23:59:59.9999999Z") > parse_instant("9999-12-31"));
  CHECK(parse_instant("0001-01-01T00:00:00Z") < parse_instant("1970-01-01"));
  for (const char* text : {"",
                           "2030",
                           "2030-1-1",
                           "2030-02-30",
                           "2100-02-29",
                           "0000-01-01",
                           "2030-01-01T",
                           "2030-01-01T24:00",
                           "2030-01-01T00:60",
                           "2030-01-01T00:00:60",
                           "2030-01-01T00:00:00.",
                           "2030-01-01T00:00:00.12345678",
                           "2030-01-01T00:00+1:00",
                           "2030-01-01T00:00+24:00",
                           "2030-01-01Z",
                           "2030-01-01 ",
                           " 2030-01-01",
                           "+2030-01-01",
                           "20300101",
                           "2030-01-01T00:00ZZ"}) {
    CAPTURE(text);
    CHECK_FALSE(parse_instant(text).has_value());
  }
}
