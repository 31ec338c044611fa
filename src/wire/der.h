// SPDX-License-Identifier: GPL-3.0-or-later
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "signet/base/bytes.h"
#include "secret_bytes.h"

/// A bounded walk over BER and DER (X.690), for files that come from anywhere, and a small DER writer.
///
/// A Reader is a cursor over the elements at one level. It never throws and never reads outside its bytes; the first fault is remembered in
/// a flag that all readers of one walk share, and from then on every reader is at its end and answers with empty values. So a walk is
/// written straight down, and asks once, at its end, whether all of it was well-formed:
///
///     bool damaged = false;
///     der::Reader file(bytes, der::Rules::der, damaged);
///     der::Reader certificate = file.enter(der::sequence);
///     const ByteView serial = certificate.read(der::integer).content;
///     if (damaged) …
namespace signet::wire::der {

/// First identifier octet: class, constructed bit and number. High tag numbers (over 30) appear in none of our formats and are faults.
using Tag = std::uint8_t;

inline constexpr Tag constructed_bit = 0x20;
inline constexpr Tag boolean = 0x01;
inline constexpr Tag integer = 0x02;
inline constexpr Tag bit_string = 0x03;
inline constexpr Tag octet_string = 0x04;
inline constexpr Tag null = 0x05;
inline constexpr Tag object_identifier = 0x06;
inline constexpr Tag utf8_string = 0x0c;
inline constexpr Tag sequence = 0x30;
inline constexpr Tag set = 0x31;
inline constexpr Tag numeric_string = 0x12;
inline constexpr Tag printable_string = 0x13;
inline constexpr Tag t61_string = 0x14;
inline constexpr Tag ia5_string = 0x16;
inline constexpr Tag utc_time = 0x17;
inline constexpr Tag generalized_time = 0x18;
inline constexpr Tag visible_string = 0x1a;
inline constexpr Tag universal_string = 0x1c;
inline constexpr Tag bmp_string = 0x1e;

/// [number], primitive (IMPLICIT string) and constructed (EXPLICIT, or IMPLICIT sequence).
[[nodiscard]] constexpr Tag context(unsigned number) {
  return static_cast<Tag>(0x80U | number);
}
[[nodiscard]] constexpr Tag context_constructed(unsigned number) {
  return static_cast<Tag>(0xa0U | number);
}

enum class Rules : std::uint8_t {
  ber,  ///< indefinite lengths, padded lengths and strings in pieces are taken
  der,  ///< they are faults
};

/// Nesting that is followed. A PFX needs about 12 levels within one octet string.
inline constexpr unsigned depth_max = 32;

struct Element {
  Tag tag = 0;
  ByteView content;  ///< without end-of-contents octets
  ByteView whole;    ///< with header (and end-of-contents octets)

  [[nodiscard]] bool is_constructed() const { return (tag & constructed_bit) != 0; }
};

class Reader {
 public:
  /// `damaged` outlives the reader and all readers entered from it.
  Reader(ByteView bytes, Rules rules, bool& damaged) : rest_(bytes), damaged_(&damaged), rules_(rules) {}

  [[nodiscard]] bool at_end() const { return *damaged_ || rest_.empty(); }
  /// Is there another element, and does it have this tag?
  [[nodiscard]] bool next_is(Tag tag) const { return !at_end() && static_cast<Tag>(rest_.front()) == tag; }
  [[nodiscard]] ByteView rest() const { return *damaged_ ? ByteView{} : rest_; }

  /// The next element, whatever it is. At the end: a fault.
  Element read();
  /// The next element, which must have this tag.
  Element read(Tag tag);
  /// Into the next element, which must have this (constructed) tag.
  Reader enter(Tag tag);
  /// Into an element that was read before.
  [[nodiscard]] Reader enter(const Element& element) const;
  /// A string of this primitive tag, its pieces (BER) put together.
  SecretBytes read_string(Tag tag);
  /// A non-negative INTEGER that fits; anything else is a fault.
  std::uint32_t read_uint32();
  /// The octets of a non-negative INTEGER, without leading zeros. A negative one is a fault.
  ByteView read_unsigned();
  /// The octets of a BIT STRING with no unused bits.
  ByteView read_bit_string();

  /// Marks the walk as damaged unless everything was read.
  void expect_end();
  void fault() { *damaged_ = true; }
  [[nodiscard]] bool damaged() const { return *damaged_; }

 private:
  bool append_pieces(const Element& element, Tag primitive, unsigned depth, SecretBytes& out);

  ByteView rest_;
  bool* damaged_;
  Rules rules_;
  unsigned depth_ = 0;
};

/// Header and total length of the element at the front of `bytes`, or nothing if it is no element or does not fit.
[[nodiscard]] std::optional<Element> first_element(ByteView bytes, Rules rules);

/// The length that a definite header at the front of `bytes` claims for the whole element, even if `bytes` is shorter.
[[nodiscard]] std::optional<std::uint64_t> claimed_size(ByteView bytes);

/// "1.2.840.113549.1.1.1"; empty for octets that are no object identifier.
[[nodiscard]] std::string oid_text(ByteView oid);

/// Builds DER from the inside out. All functions append to `out`.
void write(SecretBytes& out, Tag tag, ByteView content);
/// INTEGER of unsigned octets: leading zeros dropped, a sign octet added.
void write_unsigned(SecretBytes& out, ByteView octets);

}  // namespace signet::wire::der
