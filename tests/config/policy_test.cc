// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/config/policy.h"

#include <catch2/catch_test_macros.hpp>
#include <string>
#include <vector>

using namespace signet;
using namespace signet::config;

namespace {

/// The only error of a document.
std::string error_of(std::string_view xml, PolicyScope scope = PolicyScope::api) {
  const Report report = check_policy(xml, scope);
  if (report.errors.size() != 1) {
    return std::to_string(report.errors.size()) + " errors" + (report.ok() ? "" : ", first: " + report.errors.front().message);
  }
  CHECK(report.errors.front().source.line >= 1);
  return report.errors.front().message;
}

std::string inbound(std::string_view steps) {
  return "<policies><inbound>" + std::string(steps) + "</inbound></policies>";
}

std::string backend(std::string_view steps) {
  return "<policies><backend>" + std::string(steps) + "</backend></policies>";
}

void check_good(std::string_view xml) {
  CAPTURE(xml);
  for (const Problem& problem : check_policy(xml, PolicyScope::api).errors) {
    FAIL_CHECK(problem.message);
  }
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("every element of the first set is taken where it may stand", "[config][policy]") {
  check_good(R"(<?xml version="1.0" encoding="utf-8"?>
<!-- a comment & what is in it -->
<policies>
  <inbound>
    <base />
    <ip-filter action="allow"><address>10.0.0.0/8</address><address> ::1 </address><address-range from="1.2.3.4" to="1.2.3.9" /></ip-filter>
    <rate-limit calls="20" renewal-period="90" />
    <authentication-certificate certificate-id="orders-client" />
    <authentication-certificate thumbprint="ca06f56b258b7a0d4f2b05470939478651151984" />
    <authentication-basic username="u" password="p" />
    <set-backend-service backend-id="orders" />
    <set-backend-service base-url="https://a.example/v2" />
    <set-header name="X-A" exists-action="append"><value>1</value><value><![CDATA[<2>]]></value></set-header>
    <set-header name="X-B" exists-action="delete" />
    <set-query-parameter name="a b" exists-action="skip"><value>&amp;&#x20;</value></set-query-parameter>
    <rewrite-uri template="/v2/{id}?x={id}&amp;y=1" copy-unmatched-params="false" />
    <set-method> POST </set-method>
  </inbound>
  <backend><forward-request timeout="60" follow-redirects="false" buffer-request-body="false" fail-on-error-status-code="true" /></backend>
  <outbound><base /><set-header name="Server" exists-action="delete" /></outbound>
  <on-error><base /><return-response><set-status code="503" reason="Later" /><set-header name="Retry-After"><value>9</value></set-header>
    <set-body> busy </set-body></return-response></on-error>
</policies>)");
}

TEST_CASE("an error names element, line and column", "[config][policy]") {
  CHECK(error_of("<policies>\n  <inbound>\n    <sat-header name=\"a\" />\n  </inbound>\n</policies>")
            .starts_with("Error in element 'sat-header' on line 3, column 6: unknown policy; did you mean \"set-header\"?"));
  CHECK(error_of("<policies><inbound>\n<!-- é --><choose/></inbound></policies>")
            .starts_with("Error in element 'choose' on line 2, column 12: unknown policy; expected one of: base, "));
  CHECK(error_of("\xef\xbb\xbf<policies><x/></policies>").starts_with("Error in element 'x' on line 1, column 12: "));
}

TEST_CASE("what is not well-formed XML is refused", "[config][policy]") {
  for (const char* bad : {"",
                          "  ",
                          "policies",
                          "<policies>",
                          "<policies></inbound>",
                          "<policies><inbound></policies></inbound>",
                          "<policies/><policies/>",
                          "<policies/>x",
                          "x<policies/>",
                          "<policies>&nbsp;</policies>",
                          "<policies>&#0;</policies>",
                          "<policies>&</policies>",
                          "<policies a=b/>",
                          "<policies a='<'/>",
                          "<policies a='1/>",
                          "<policies><!-- </policies>",
                          "<policies><![CDATA[</policies>",
                          "<>",
                          "<?xml version='1.0' encoding='utf-16'?><policies/>",
                          "<policies>\x01</policies>",
                          "<policies>\xff</policies>",
                          "</policies>",
                          "<policies",
                          "<policies><inbound//></policies>"}) {
    CAPTURE(bad);
    CHECK(error_of(bad).starts_with("Error in element '"));
  }
}

TEST_CASE("a document type is refused, and with it all entities", "[config][policy]") {
  CHECK(has(error_of("<!DOCTYPE policies [<!ENTITY x \"y\">]><policies>&x;</policies>"), "expected no document type"));
  CHECK(has(error_of("<policies><?php x ?></policies>"), "expected no processing instructions"));
}

TEST_CASE("limits of documents are kept", "[config][policy]") {
  CHECK(has(error_of("<policies><!--" + std::string(policy_bytes_max, 'x') + "--></policies>"), "expected at most 262144"));
  std::string deep;
  for (std::size_t i = 0; i <= policy_depth_max; ++i) {
    deep += "<policies>";
  }
  CHECK(has(error_of(deep), "nested at most 16 deep"));
  std::string many;
  for (std::size_t i = 0; i < policy_elements_max; ++i) {
    many += "<a/>";
  }
  CHECK(has(error_of("<policies>" + many + "</policies>"), "at most 5000 elements"));
  const std::string long_value(policy_value_bytes_max + 1, 'x');
  CHECK(has(error_of(inbound("<set-header name='a'><value>" + long_value + "</value></set-header>")), "values of at most 8192 bytes"));
  check_good(inbound("<return-response><set-body>" + long_value + "</set-body></return-response>"));
}

TEST_CASE("unknown and repeated sections, attributes and elements out of place are refused", "[config][policy]") {
  CHECK(has(error_of("<policies><inbund/></policies>"), "'inbund' on line 1, column 12: not expected inside <policies>; did you mean"));
  CHECK(has(error_of("<policies><inbound/><inbound/></policies>"), "expected each section once"));
  CHECK(has(error_of("<policy/>"), "expected the element <policies>"));
  CHECK(has(error_of("<policies><inbound x='1'/></policies>"), "unknown attribute 'x'"));
  CHECK(has(error_of("<policies>x<inbound/></policies>"), "expected no text"));
  CHECK(has(error_of(inbound("x")), "expected elements, found text"));
  CHECK(has(error_of(inbound("<base/><base/>")), "at most once in a section"));
  CHECK(has(error_of(inbound("<forward-request/>")), "not allowed in the section inbound; it may stand in: backend"));
  CHECK(has(error_of(backend("<authentication-certificate certificate-id='a'/>")), "may stand in: inbound"));
  CHECK(has(error_of(inbound("<set-header nam='x'><value>1</value></set-header>")), "2 errors"));
  CHECK(has(error_of(inbound("<set-method a='1'>GET</set-method>")), "unknown attribute 'a'; expected none"));
  CHECK(has(error_of(inbound("<base a='1' a='2'/>")), "2 errors"));
  CHECK(has(error_of(inbound("<set-header name='x' name='y'><value>1</value></set-header>")), "the attribute name is there twice"));
  CHECK(has(error_of(inbound("<rate-limit calls='1' renewal-period='1'/>"), PolicyScope::global), "not allowed in the global scope"));
}

TEST_CASE("expressions and named values are refused wherever they stand, escaped or not", "[config][policy]") {
  CHECK(has(error_of(inbound("<set-header name='x'><value>@(context.RequestId)</value></set-header>")), "policy expressions"));
  CHECK(has(error_of(inbound("<set-header name='x'><value> @{ return 1; } </value></set-header>")), "policy expressions"));
  CHECK(has(error_of(inbound("<set-backend-service backend-id='@(&quot;a&quot;)'/>")), "policy expressions"));
  CHECK(has(error_of(inbound("<set-header name='x'><value>a{{secret-1}}b</value></set-header>")), "named values"));
  check_good(inbound("<return-response><set-body>{\"a\":{\"b\":{{}}}}</set-body></return-response>"));
}

TEST_CASE("a certificate is named by id or thumbprint, never brought along", "[config][policy]") {
  CHECK(has(error_of(inbound("<authentication-certificate body='MII' password='s3cret'/>")), "would keep a private key"));
  CHECK_FALSE(has(error_of(inbound("<authentication-certificate body='MII' password='s3cret'/>")), "s3cret"));
  CHECK(
      has(error_of(inbound("<authentication-certificate/>")), "expected either the attribute certificate-id or the attribute thumbprint"));
  CHECK(has(error_of(inbound("<authentication-certificate certificate-id='a' thumbprint='b'/>")), "expected either"));
  CHECK(has(error_of(inbound("<authentication-certificate thumbprint='12'/>")), "expected 40 (SHA-1) or 64 (SHA-256)"));
}

TEST_CASE("values that cannot be meant are refused", "[config][policy]") {
  for (const char* bad : {
           "<set-header name='Content-Length'><value>1</value></set-header>",
           "<set-header name='transfer-encoding' exists-action='delete'/>",
           "<set-header name='Connection'><value>close</value></set-header>",
           "<set-header name='Transfer_Encoding'><value>chunked</value></set-header>",
           "<set-header name='Upgrade'><value>x</value></set-header>",
           "<set-header name='TE'><value>x</value></set-header>",
           "<set-header name='Trailer'><value>x</value></set-header>",
           "<set-header name='Expect'><value>x</value></set-header>",
           "<set-header name='Keep-Alive'><value>x</value></set-header>",
           "<set-header name='Proxy-Connection'><value>x</value></set-header>",
           "<set-header name='a b'><value>x</value></set-header>",
           "<set-header name='a'><value>x&#10;y</value></set-header>",
           "<set-header name='a'/>",
           "<set-header name='a' exists-action='replace'><value>x</value></set-header>",
           "<set-header name='Host' exists-action='delete'/>",
           "<set-header name='Host'><value>a/b</value></set-header>",
           "<set-query-parameter name='a'/>",
           "<set-method>GET IT</set-method>",
           "<set-method>CONNECT</set-method>",
           "<set-backend-service/>",
           "<set-backend-service base-url='ftp://a'/>",
           "<rewrite-uri/>",
           "<rewrite-uri template='/a b'/>",
           "<rewrite-uri template='/{a'/>",
           "<rewrite-uri template='/../a'/>",
           "<rewrite-uri template='/a' copy-unmatched-params='yes'/>",
           "<ip-filter action='deny'><address>1.2.3.4</address></ip-filter>",
           "<ip-filter action='allow'/>",
           "<ip-filter action='allow'><address>10.0.0.1/8</address></ip-filter>",
           "<ip-filter action='allow'><address-range from='1.2.3.4' to='::1'/></ip-filter>",
           "<ip-filter action='allow'><address-range from='1.2.3.4' to='1.2.3.3'/></ip-filter>",
           "<rate-limit calls='0' renewal-period='1'/>",
           "<rate-limit calls='1' renewal-period='301'/>",
           "<return-response><set-status code='199'/></return-response>",
           "<return-response><set-status code='204'/><set-body>x</set-body></return-response>",
           "<return-response><set-header name='Content-Length'><value>1</value></set-header></return-response>",
           "<return-response response-variable-name='x'/>",
           "<authentication-basic username='a:b' password='x'/>",
           "<authentication-basic username='a'/>",
       }) {
    CAPTURE(bad);
    CHECK(error_of(inbound(bad)).starts_with("Error in element '"));
  }
  for (const char* bad : {"timeout='0'", "timeout='1' timeout-ms='1'", "follow-redirects='true'", "buffer-request-body='true'",
                          "buffer-response='true'", "http-version='2'", "fail-on-error-status-code='1'", "continue-timeout='1'"}) {
    CAPTURE(bad);
    CHECK(error_of(backend("<forward-request " + std::string(bad) + "/>")).starts_with("Error in element 'forward-request'"));
  }
}

TEST_CASE("a document tells what it names, once each", "[config][policy]") {
  const PolicyReferences references =
      policy_references(inbound("<authentication-certificate certificate-id='a'/><authentication-certificate "
                                "certificate-id='a'/><set-backend-service backend-id='b'/>"
                                "<authentication-certificate thumbprint='ca06f56b258b7a0d4f2b05470939478651151984'/>"));
  CHECK(references.certificate_ids == std::vector<std::string>{"a"});
  CHECK(references.thumbprints == std::vector<std::string>{"CA06F56B258B7A0D4F2B05470939478651151984"});
  CHECK(references.backend_ids == std::vector<std::string>{"b"});
  CHECK(policy_references("<policies>").certificate_ids.empty());
}

TEST_CASE("setting the gateway's certificate leaves all else as it is", "[config][policy]") {
  const std::string xml = "<policies>\n  <inbound>\n    <base />\n    <!-- kept -->\n  </inbound>\n</policies>";
  const std::string with =
      "<policies>\n  <inbound>\n    <base />\n    <authentication-certificate certificate-id=\"c\" />\n"
      "    <!-- kept -->\n  </inbound>\n</policies>";
  CHECK(with_gateway_certificate(xml, "c").value() == with);
  CHECK(with_gateway_certificate(with, "").value() == xml);
  CHECK(has(with_gateway_certificate(with, "d").value(), "certificate-id=\"d\" />\n    <!-- kept -->"));
  CHECK_FALSE(has(with_gateway_certificate(with, "d").value(), "\"c\""));
  const std::string two = inbound(
      "<authentication-certificate thumbprint='ca06f56b258b7a0d4f2b05470939478651151984'/><base/>"
      "<authentication-certificate certificate-id='c'></authentication-certificate>");
  CHECK(with_gateway_certificate(two, "d").value() == inbound("<base/><authentication-certificate certificate-id=\"d\" />"));
  CHECK(with_gateway_certificate("<policies/>", "c").value() ==
        "<policies><inbound><base /><authentication-certificate certificate-id=\"c\" /></inbound></policies>");
  CHECK(with_gateway_certificate("<policies><inbound/></policies>", "c").value() ==
        inbound("<authentication-certificate certificate-id=\"c\" />"));
  CHECK_FALSE(with_gateway_certificate("<policies>", "c").has_value());
  const std::string fresh = with_gateway_certificate("", "a\"b").value();
  check_good(fresh);
  CHECK(policy_references(fresh).certificate_ids == std::vector<std::string>{"a\"b"});
  CHECK(with_gateway_certificate(fresh, "").value() == with_gateway_certificate("", "").value());
}
