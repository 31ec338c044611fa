// SPDX-License-Identifier: GPL-3.0-or-later
#include <catch2/catch_test_macros.hpp>
#include <map>
#include <string>

#include "signet/config/policy.h"
#include "signet/config/snapshot.h"
#include "support/test_pki.h"

using namespace signet;
using namespace signet::config;
using signet::test::TestPki;

namespace {

class PolicyFiles final : public Files {
 public:
  std::map<std::string, std::string> files;

  Result<std::string> read(const std::string& path, std::size_t) override {
    const auto file = files.find(path);
    if (file == files.end()) {
      return fail(ErrorKind::config, Origin::internal, path + ": cannot be read: No such file or directory");
    }
    return file->second;
  }
  Result<std::vector<std::string>> list(const std::string& directory, std::size_t) override {
    return fail(ErrorKind::config, Origin::internal, directory + ": cannot be read");
  }
  std::optional<std::string> environment(const std::string&) override { return std::nullopt; }
};

PolicyDocument policy(std::string xml) {
  return PolicyDocument{.xml = std::move(xml), .file = {}, .source = Source{.pointer = "/policy"}};
}

std::string inbound(const std::string& steps) {
  return "<policies><inbound><base/>" + steps + "</inbound></policies>";
}

/// Back ends "a" and "b" over TLS, "plain" over http, "pool" of a and b; certificates "client" and "other"; one API.
struct Gateway {
  PolicyFiles files;
  Material material;
  Config config;
  Built built;

  Gateway() {
    for (const auto& [id, name] : {std::pair{"client", "client"}, std::pair{"other", "other-client"}}) {
      config.certificates.push_back(Certificate{.id = id, .loaded = TestPki::instance().certificate(name)});
    }
    for (const char* id : {"a", "b", "plain"}) {
      const bool tls = std::string(id) != "plain";
      Backend backend{.id = id};
      backend.url = parse_url(std::string(tls ? "https://" : "http://") + id + ".example/v2").value();
      backend.tls.validate_certificate_chain = false;
      backend.source.pointer = "/backends/" + backend.id;
      config.backends.push_back(backend);
    }
    config.backends[0].credentials.certificate_ids.push_back({.value = "client"});
    config.backends[0].credentials.header.push_back({.name = "X-Key", .values = {"of-a"}});
    config.backends[0].credentials.query.push_back({.name = "k", .values = {"1&2"}});
    config.backends[0].credentials.authorization = Authorization{.scheme = "Bearer", .parameter = "t"};
    Backend pool{.id = "pool"};
    pool.type = BackendType::pool;
    pool.pool = {PoolMember{.backend_id = {.value = "a"}, .weight = 3}, PoolMember{.backend_id = {.value = "b"}, .priority = 1}};
    config.backends.push_back(pool);
    Api api{.id = "api", .path = "x"};
    api.backend_id = {.value = "a", .source = {.pointer = "/apis/0/backendId"}};
    config.apis.push_back(api);
  }

  Api& api() { return config.apis.front(); }

  const Route& route() {
    built = build_snapshot(config, files, {.now = {}, .material = &material});
    for (const Problem& problem : built.report.errors) {
      FAIL(problem.text());
    }
    return *built.snapshot->route("", "/x");
  }

  const Plan& plan(const std::string& xml) {
    api().policy = policy(xml);
    return *route().plan;
  }

  std::string error(const std::string& xml) {
    api().policy = policy(xml);
    return error();
  }

  std::string error() {
    built = build_snapshot(config, files, {.now = {}, .material = &material});
    CHECK(built.snapshot == nullptr);
    return built.report.errors.size() == 1 ? built.report.errors.front().text() : std::to_string(built.report.errors.size()) + " errors";
  }
};

const NameEdit& edit_of(const NameEdits& edits, std::string_view name) {
  for (const NameEdit& edit : edits) {
    if (edit.name == name) {
      return edit;
    }
  }
  FAIL("no edit of " << name);
  return edits.front();
}

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

using Values = std::vector<std::string>;

}  // namespace

TEST_CASE("the last back end wins, and a certificate of the policy wins wherever the call goes", "[config][policy]") {
  Gateway gateway;
  const Plan& plan = gateway.plan(inbound("<authentication-certificate certificate-id='other'/><set-backend-service backend-id='b'/>"));
  REQUIRE(plan.destinations.size() == 1);
  CHECK(plan.destinations[0].upstream->id == "b");
  CHECK(plan.destinations[0].upstream->certificate_id == "other");
  CHECK(plan.destinations[0].fields.empty());
}

TEST_CASE("a thumbprint in a policy finds its certificate, and one that nobody has is named", "[config][policy]") {
  Gateway gateway;
  const std::string sha256 = TestPki::instance().certificate("other-client")->thumbprint_sha256();
  const std::string sha1 = TestPki::instance().certificate("other-client")->thumbprint_sha1();
  for (const std::string& thumbprint : {sha1, sha256}) {
    const Plan& plan = gateway.plan(inbound("<authentication-certificate thumbprint='" + thumbprint + "'/>"));
    CHECK(plan.destinations.at(0).upstream->certificate_id == "other");
  }
  CHECK(gateway.error(inbound("<authentication-certificate thumbprint='" + std::string(40, '0') + "'/>")) ==
        "/policy: Error in element 'authentication-certificate' on line 1, column 28: no certificate has the thumbprint " +
            std::string(40, '0'));
  CHECK(has(gateway.error(inbound("<authentication-certificate certificate-id='othr'/>")), "did you mean \"other\"?"));
  CHECK(has(gateway.error(inbound("<set-backend-service backend-id='c'/>")), "no backend has the id \"c\""));
}

TEST_CASE("a backend's credentials come first, and the policy wins over them", "[config][policy]") {
  Gateway gateway;
  const Plan& plan =
      gateway.plan(inbound("<set-header name='x-key'><value>mine</value></set-header>"
                           "<set-header name='X-New' exists-action='skip'><value>n</value></set-header>"
                           "<set-header name='Host'><value>h.example</value></set-header>"));
  const Destination& destination = plan.destinations.at(0);
  CHECK(destination.host == "h.example");
  CHECK(edit_of(destination.fields, "X-Key").drop);
  CHECK(edit_of(destination.fields, "X-Key").added == Values{"mine"});
  CHECK(edit_of(destination.fields, "Authorization").added == Values{"Bearer t"});
  CHECK(edit_of(destination.fields, "X-New").if_absent == Values{"n"});
  CHECK(edit_of(destination.query, "k").added == Values{"1%262"});
  CHECK(edit_of(gateway.plan(inbound("<authentication-basic username='u' password='pw'/>")).destinations.at(0).fields, "Authorization")
            .added == Values{"Basic dTpwdw=="});
}

TEST_CASE("several steps on one name come to one edit", "[config][policy]") {
  Gateway gateway;
  const auto edit = [&gateway](std::initializer_list<std::pair<std::string, std::string>> steps) {
    std::string xml;
    for (const auto& [action, value] : steps) {
      xml += "<set-header name='N' exists-action='" + action + "'><value>" + value + "</value></set-header>";
    }
    const NameEdit& folded = edit_of(gateway.plan(inbound(xml)).destinations.at(0).fields, "N");
    std::string text = folded.drop ? "drop" : "keep";
    for (const std::string& value : folded.if_absent) {
      text += " ?" + value;
    }
    for (const std::string& value : folded.added) {
      text += " +" + value;
    }
    return text;
  };
  CHECK(edit({{"override", "1"}, {"append", "2"}}) == "drop +1 +2");
  CHECK(edit({{"append", "1"}, {"override", "2"}}) == "drop +2");
  CHECK(edit({{"append", "1"}, {"skip", "2"}}) == "keep +1");
  CHECK(edit({{"skip", "1"}, {"skip", "2"}}) == "keep ?1");
  CHECK(edit({{"skip", "1"}, {"append", "2"}}) == "keep ?1 +2");
  CHECK(edit({{"delete", ""}, {"skip", "2"}}) == "drop +2");
  CHECK(edit({{"override", "1"}, {"skip", "2"}}) == "drop +1");
  CHECK(edit({{"override", "1"}, {"delete", ""}}) == "drop");
}

TEST_CASE("scopes splice at base, and a section without it leaves the outer steps out", "[config][policy]") {
  Gateway gateway;
  const auto set = [](const std::string& value) {
    return "<set-header name='N' exists-action='append'><value>" + value + "</value></set-header>";
  };
  gateway.config.policy = policy("<policies><inbound>" + set("global") + "</inbound></policies>");
  gateway.api().policy = policy("<policies><inbound>" + set("before") + "<base/>" + set("after") + "</inbound></policies>");
  CHECK(edit_of(gateway.route().plan->destinations.at(0).fields, "N").added == Values{"before", "global", "after"});
  gateway.api().operations.push_back(Operation{.id = "op", .method = "GET", .url_template = "/o", .policy = policy(inbound(set("op")))});
  gateway.api().operations.push_back(Operation{.id = "bare", .method = "GET", .url_template = "/b"});
  const Route& route = gateway.route();
  TemplateValues values;
  CHECK(edit_of(route.operations->find("GET", "/o", values)->plan->destinations.at(0).fields, "N").added ==
        Values{"before", "global", "after", "op"});
  CHECK(route.operations->find("GET", "/b", values)->plan == route.plan);
  gateway.api().operations.clear();
  CHECK(edit_of(gateway.plan("<policies><inbound>" + set("alone") + "</inbound></policies>").destinations.at(0).fields, "N").added ==
        Values{"alone"});
}

TEST_CASE("backendId and certificateId stand behind the outer steps and in front of the API's own", "[config][policy]") {
  Gateway gateway;
  gateway.config.policy = policy("<policies><inbound><set-backend-service backend-id='b'/></inbound></policies>");
  gateway.api().certificate_id = {.value = "other", .source = {}};
  CHECK(gateway.route().plan->destinations.at(0).upstream->id == "a");
  CHECK(gateway.route().plan->destinations.at(0).upstream->certificate_id == "other");
  const Plan& plan = gateway.plan(inbound("<set-backend-service backend-id='b'/><authentication-certificate certificate-id='client'/>"));
  CHECK(plan.destinations.at(0).upstream->id == "b");
  CHECK(plan.destinations.at(0).upstream->certificate_id == "client");
}

TEST_CASE("a pool becomes its members, under their own credentials or the policy's certificate", "[config][policy]") {
  Gateway gateway;
  gateway.api().backend_id.value = "pool";
  const Plan& own = *gateway.route().plan;
  CHECK(own.pool_id == "pool");
  REQUIRE(own.destinations.size() == 2);
  CHECK(own.destinations[0].upstream->certificate_id == "client");
  CHECK(own.destinations[0].weight == 3);
  CHECK(own.destinations[1].upstream->certificate == nullptr);
  CHECK(own.destinations[1].priority == 1);
  CHECK(own.destinations[1].fields.empty());
  const Plan& chosen = gateway.plan(inbound("<authentication-certificate certificate-id='other'/>"));
  for (const Destination& destination : chosen.destinations) {
    CHECK(destination.upstream->certificate_id == "other");
  }
  gateway.config.backends.back().pool.push_back(PoolMember{.backend_id = {.value = "plain"}});
  CHECK(has(gateway.error(), "on line 1, column 28: a client certificate for an http:// back end"));
  gateway.api().policy.reset();
  gateway.config.backends.back().pool.back().backend_id.value = "pool";
  CHECK(has(gateway.error(), "\"pool\" is a pool itself"));
}

TEST_CASE("a certificate for a back end without TLS is an error at its element", "[config][policy]") {
  Gateway gateway;
  const std::string certificate = "<authentication-certificate certificate-id='other'/>";
  CHECK(has(gateway.error(inbound(certificate + "<set-backend-service backend-id='plain'/>")), "'authentication-certificate' on line 1"));
  CHECK(has(gateway.error(inbound(certificate + "<set-backend-service base-url='http://c.example'/>")), "for an http:// back end"));
}

TEST_CASE("what stands behind an answer of the inbound section is dead", "[config][policy]") {
  Gateway gateway;
  const Plan& plan =
      gateway.plan(inbound("<ip-filter action='forbid'><address>10.0.0.0/8</address></ip-filter><return-response><set-status "
                           "code='403'/></return-response><rate-limit calls='1' renewal-period='1'/>"));
  REQUIRE(plan.gates.size() == 2);
  const IpFilter& filter = std::get<IpFilter>(plan.gates[0]);
  CHECK_FALSE(filter.admits(*parse_endpoint("10.255.255.255:1")));
  CHECK_FALSE(filter.admits(*parse_endpoint("[::ffff:10.0.0.1]:1")));
  CHECK(filter.admits(*parse_endpoint("11.0.0.0:1")));
  CHECK(std::get<CannedResponse>(plan.gates[1]).status == 403);
  CHECK(plan.destinations.empty());
}

TEST_CASE("a policy decides whether, how long and with what answer a call is forwarded", "[config][policy]") {
  Gateway gateway;
  CHECK_FALSE(gateway.plan("<policies><backend/></policies>").forwards);
  const Plan& plan = gateway.plan(
      "<policies><backend><forward-request timeout='9' fail-on-error-status-code='true'/></backend><outbound><set-header name='S' "
      "exists-action='delete'/></outbound><on-error><return-response><set-status code='503'/></return-response></on-error></policies>");
  CHECK(plan.forwards);
  CHECK(plan.response_timeout == std::chrono::seconds(9));
  CHECK(plan.fail_on_error_status);
  CHECK(edit_of(plan.response_fields, "S").drop);
  CHECK(plan.error_response->status == 503);
  CHECK(has(gateway.error("<policies><backend><base/><forward-request/></backend></policies>"), "a call is forwarded once"));
  CHECK(has(gateway.error("<policies><backend><base/><set-backend-service backend-id='b'/></backend></policies>"), "has no effect behind"));
}

TEST_CASE("a rewritten path takes the parameters of the operation, and only those", "[config][policy]") {
  Gateway gateway;
  gateway.api().operations.push_back(Operation{.id = "op", .method = "GET", .url_template = "/{a}/{*b}"});
  gateway.api().policy = policy(inbound("<rewrite-uri template='/v/{b}?q={a}' copy-unmatched-params='false'/>"));
  TemplateValues values;
  const Plan& plan = *gateway.route().operations->find("GET", "/1/2/3", values)->plan;
  REQUIRE(plan.rewrite);
  REQUIRE(plan.rewrite->path.size() == 2);
  CHECK(plan.rewrite->path[0].text == "/v/");
  CHECK(plan.rewrite->path[1].parameter == 1);
  REQUIRE(plan.rewrite->query.size() == 2);
  CHECK(plan.rewrite->query[1].parameter == 0);
  CHECK_FALSE(plan.rewrite->copy_query);
  CHECK(has(gateway.error(inbound("<rewrite-uri template='/{c}'/>")), "names the parameter {c}, which the urlTemplate"));
}

TEST_CASE("the window of a rate limit goes on while scope, calls and period stay", "[config][policy][reload]") {
  Gateway gateway;
  const auto window = [&gateway](const std::string& calls) {
    return std::get<RateLimit>(gateway.plan(inbound("<rate-limit calls='" + calls + "' renewal-period='9'/>")).gates.at(0)).window;
  };
  const auto first = window("5");
  CHECK(window("5") == first);
  CHECK(window("6") != first);
}

TEST_CASE("a policy's file is read like other material, and its faults have its name and line", "[config][policy][reload]") {
  Gateway gateway;
  gateway.api().policy = PolicyDocument{.xml = {}, .file = {.value = "p.xml", .source = {.pointer = "/apis/0/policyFile"}}, .source = {}};
  CHECK(gateway.error() == "/apis/0/policyFile: policy of apis/api: p.xml: cannot be read: No such file or directory");
  gateway.files.files["p.xml"] = "<policies>\n<inbound><base/><set-backend-service backend-id='b'/></inbound></policies>";
  CHECK(gateway.route().plan->destinations.at(0).upstream->id == "b");
  CHECK(gateway.built.snapshot->config().apis[0].policy->xml == gateway.files.files["p.xml"]);
  gateway.files.files.erase("p.xml");
  CHECK(gateway.route().plan->destinations.at(0).upstream->id == "b");
  REQUIRE(gateway.built.report.warnings.size() == 1);
  CHECK(has(gateway.built.report.warnings[0].text(), "the policy read before stays in force"));
  gateway.files.files["p.xml"] = "<policies>\n<inbound><base/><set-backend-service backend-id='c'/></inbound></policies>";
  CHECK(gateway.error().starts_with("p.xml:2:18: Error in element 'set-backend-service' on line 2, column 18: "));
}

TEST_CASE("an API without policy has a trivial plan, one without a back end no destination", "[config][policy]") {
  Gateway gateway;
  gateway.config.backends[0].credentials.header.clear();
  const Plan& plan = *gateway.route().plan;
  CHECK(plan.gates.empty());
  CHECK(plan.response_fields.empty());
  CHECK(plan.forwards);
  CHECK(plan.response_timeout == Duration::zero());
  gateway.api().backend_id.value.clear();
  CHECK(gateway.route().plan->destinations.empty());
}

TEST_CASE("two operations that take the same calls are an error", "[config][operations]") {
  Gateway gateway;
  gateway.api().operations.push_back(Operation{.id = "one", .method = "GET", .url_template = "/a/{x}"});
  gateway.api().operations.push_back(Operation{.id = "two", .method = "GET", .url_template = "/a/{y}"});
  CHECK(has(gateway.error(), "operation \"two\" of API \"api\" takes the same calls as operation \"one\""));
}

TEST_CASE("the effective policy shows each step with its origin, and no secret", "[config][policy]") {
  Gateway gateway;
  gateway.api().policy =
      policy(inbound("\n<authentication-basic username='u' password='s3cret'/>"
                     "<set-header name='X-Api-Key'><value>s3cret</value></set-header>"));
  gateway.route();
  const auto effective = effective_policy(gateway.built.snapshot->config(), "api", std::nullopt).value();
  REQUIRE(effective);
  std::vector<std::string> origins;
  for (const EffectiveStep& step : effective->steps) {
    CHECK_FALSE(has(step.element, "s3cret"));
    CHECK_FALSE(has(step.element, "of-a"));
    origins.emplace_back(policy_origin_name(step.origin));
  }
  CHECK(origins == Values{"backend credentials", "backend credentials", "backend credentials", "backend credentials", "backendId", "api",
                          "api", "built-in"});
  CHECK(effective->steps[5].section == "inbound");
  CHECK(effective->steps[5].line == 2);
  CHECK(effective->steps[5].column == 2);
  CHECK(effective->steps[5].element == R"(<authentication-basic username="u" password="***" />)");
  CHECK(effective->backend_id == "a");
  CHECK(effective->backend_url == "https://a.example/v2");
  CHECK(effective->certificate_id == "client");
  CHECK_FALSE(effective_policy(gateway.config, "nobody", std::nullopt).value().has_value());
  CHECK_FALSE(effective_policy(gateway.config, "api", "nobody").value().has_value());
}
