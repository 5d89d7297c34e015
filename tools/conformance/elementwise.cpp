// Arithmetic, functions and comparisons.
#include <xtape/tools/conformance/binding.hpp>

namespace conformance {

static const Bindings table{
    {"neg", [](const Call& c) { return -c.in(0); }},
    {"abs", [](const Call& c) { return abs(c.in(0)); }},
    {"sign", [](const Call& c) { return sign(c.in(0)); }},
    {"sqrt", [](const Call& c) { return sqrt(c.in(0)); }},
    {"square", [](const Call& c) { return square(c.in(0)); }},
    {"exp", [](const Call& c) { return exp(c.in(0)); }},
    {"add", [](const Call& c) { return c.in(0) + c.in(1); }},
    {"sub", [](const Call& c) { return c.in(0) - c.in(1); }},
    {"mul", [](const Call& c) { return c.in(0) * c.in(1); }},
    {"div", [](const Call& c) { return c.in(0) / c.in(1); }},
};

}  // namespace conformance
