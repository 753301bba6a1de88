/* Addresses in columns: a memory's number in the upper bits, the place below; as in address.py. */

#ifndef WENGERT_CODES_H
#define WENGERT_CODES_H

#include "node.h"

typedef int64_t Code;

enum { VALUE_MEMORY = 0, INPUT_MEMORY = 1, CONSTANT_MEMORY = 2, SHIFT = 56 };

static const Code PLACE_BITS = ((Code)1 << SHIFT) - 1;

static inline bool is_in(int memory, Code code)
{
    return code >> SHIFT == memory;
}

/* The greatest common divisor: places that lie apart by a multiple of it alone can meet. */
static inline uint64_t gcd(uint64_t a, uint64_t b)
{
    while (b != 0) {
        uint64_t rest = a % b;
        a = b;
        b = rest;
    }
    return a;
}

#endif
