/* What the functions that look at a straight stretch of a program have in common. */

#ifndef WENGERT_STRETCH_H
#define WENGERT_STRETCH_H

#include "codes.h"

enum { MOST_READS = 16 };

/* What they are called with; buffers of 32 and of 64 bits. */
typedef struct {
    Py_buffer first, operands, offsets;
    const int32_t *ids; /* or the operations */
    const int64_t *operand, *offset;
    int64_t size, operand_count;
} Columns;

static inline void release(Columns *c)
{
    PyBuffer_Release(&c->first);
    PyBuffer_Release(&c->operands);
    PyBuffer_Release(&c->offsets);
}

/* Whether the offsets lead to operands, at most so many for each item; and whether the first
 * column is as long, if it is to be the whole one. Releases them if not. */
static inline bool look_at(Columns *c, bool whole)
{
    c->ids = c->first.buf;
    c->operand = c->operands.buf;
    c->offset = c->offsets.buf;
    c->size = (int64_t)(c->offsets.len / 8) - 1;
    c->operand_count = (int64_t)(c->operands.len / 8);
    bool fits = c->size >= 0 && c->size < INT32_MAX && c->offset[0] >= 0 &&
                c->offset[c->size] <= c->operand_count &&
                (!whole || c->first.len / 4 == c->size);
    for (int64_t i = 0; i < c->size && fits; i++)
        fits = c->offset[i] <= c->offset[i + 1] && c->offset[i + 1] - c->offset[i] <= MOST_READS;
    if (!fits) {
        PyErr_SetString(PyExc_ValueError, "the columns do not fit together");
        release(c);
    }
    return fits;
}

#endif
