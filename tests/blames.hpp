// What a user sees of an error: its type, who complains about what, and the user's own line.
#pragma once

#include "check.hpp"

/// Checks that `expression` throws an E whose message starts with `start` and ends in the line of
/// this very check.
#define CHECK_BLAMES(E, start, expression)                                  \
  do {                                                                      \
    const std::string blamed_line = check::here();                          \
    const std::string blamed_text = check::message<E>([&] { expression; }); \
    CAPTURE(blamed_line);                                                   \
    CAPTURE(blamed_text);                                                   \
    CHECK(blamed_text.starts_with(start));                                  \
    CHECK(blamed_text.ends_with(" (" + blamed_line + ")"));                 \
  } while (false)
