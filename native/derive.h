/* What operations contribute to derivatives: Python gives it as integers, and derive.c uses it.
 *
 * Nothing here knows a derivative. An operation has steps that compute its partials; each of its
 * operands has a last step, which multiplies a flow (the adjoint of the result, or the tangent of
 * the operand) with the partial. src/wengert/derive/encoded.py writes the integers. */

#ifndef WENGERT_DERIVE_H
#define WENGERT_DERIVE_H

#include "codes.h"

enum { MOST_TERMS = 8 };                   /* operands of an operation: one bit for each */
enum { NOTHING, FLOW_ITSELF, MULTIPLIED }; /* what a flow becomes on its way past an operation */
enum { FLOW, RESULT, FIRST_OPERAND };      /* the environment of steps, which stand behind operands */

typedef struct {
    int32_t op, reads;
    const int32_t *args; /* numbers of the environment; constant k as -1 - k */
} Step;

typedef struct {
    int32_t kind, need_count;
    const int32_t *needs; /* the steps that the partial needs, in order */
    Step last;
} Term;

typedef struct {
    int32_t reads, step_count, term_count;
    const Step *steps;
    const Term *terms;
    Py_ssize_t most_items, most_reads; /* that one statement can come to */
} Rule;

typedef struct {
    Rule *rules;
    Step *steps;
    Term *terms;
    int32_t rule_count, add; /* the number of the operation that sums */
    int32_t most_steps;
} Contributions;

bool read_contributions(Contributions *known, const Py_buffer *table, int32_t constants);
void free_contributions(Contributions *known);
void *zeros(int64_t count, size_t size);
bool misfit(const char *what);

#endif
