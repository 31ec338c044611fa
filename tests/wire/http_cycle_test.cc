// SPDX-License-Identifier: GPL-3.0-or-later
#include "signet/wire/http_cycle.h"

#include <catch2/catch_test_macros.hpp>
#include <string>

#include "signet/wire/http_writer.h"

namespace signet::wire {

TEST_CASE("What becomes of a connection when its cycle stops", "[http_cycle]") {
  using Half = HttpCycle::Half;
  const HttpCycle good{.request = Half::complete, .response = Half::complete, .request_keeps_alive = true, .response_keeps_alive = true};
  CHECK(afterwards(good) == Afterwards::reuse);
  const auto changed = [&](auto change) {
    HttpCycle cycle = good;
    change(cycle);
    return afterwards(cycle);
  };
  CHECK(changed([](HttpCycle& c) { c.request_keeps_alive = false; }) == Afterwards::close);
  CHECK(changed([](HttpCycle& c) { c.response_keeps_alive = false; }) == Afterwards::close);
  CHECK(changed([](HttpCycle& c) { c.surplus = true; }) == Afterwards::close);
  CHECK(changed([](HttpCycle& c) { c.switched = true; }) == Afterwards::close);
  // The rest of the request's body would be taken for the next request.
  CHECK(changed([](HttpCycle& c) { c.request = Half::head_done; }) == Afterwards::close);
  CHECK(changed([](HttpCycle& c) { c.response = Half::head_done; }) == Afterwards::abort);
  CHECK(changed([](HttpCycle& c) { c.response = Half::waiting; }) == Afterwards::abort);
  CHECK(afterwards({}) == Afterwards::close);
}

TEST_CASE("Messages are written from their parts", "[http_writer]") {
  ByteBuffer out;
  write_request_line("GET", "/a?b", out);
  write_field("Host", "h", out);
  write_content_length(18446744073709551615U, out);
  end_head(out);
  CHECK(out.text() == "GET /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551615\r\n\r\n");
  out.clear();
  write_status_line(404, "", out);
  write_status_line(299, "Fine", out);
  write_chunk(as_bytes("0123456789abcdef"), out);
  write_chunk({}, out);
  write_last_chunk(out);
  end_head(out);
  CHECK(out.text() == "HTTP/1.1 404 Not Found\r\nHTTP/1.1 299 Fine\r\n10\r\n0123456789abcdef\r\n0\r\n\r\n");
}

}  // namespace signet::wire
