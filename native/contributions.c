/* Reading what operations contribute to derivatives, and refusing what is no such thing. */

#include "derive.h"

#include <string.h>

bool misfit(const char *what)
{
    PyErr_SetString(PyExc_ValueError, what);
    return false;
}

/* Memory for at least one element, so that NULL always means failure; zeros, where it matters. */
void *zeros(int64_t count, size_t size)
{
    void *memory = (uint64_t)count >= PY_SSIZE_T_MAX / size
                       ? NULL
                       : PyMem_RawCalloc((size_t)count + 1, size);
    if (memory == NULL)
        PyErr_NoMemory();
    return memory;
}

typedef struct {
    const int32_t *next, *end;
    int32_t constants; /* how many there are */
} Cursor;

/* So many integers of the table; NULL if there are fewer. */
static const int32_t *take(Cursor *cursor, int64_t count)
{
    if (count < 0 || count > cursor->end - cursor->next)
        return NULL;
    const int32_t *taken = cursor->next;
    cursor->next += count;
    return taken;
}

static bool read_step(Cursor *cursor, Step *step)
{
    const int32_t *head = take(cursor, 2);
    if (head == NULL || head[0] < 0)
        return false;
    *step = (Step){head[0], head[1], take(cursor, head[1])};
    for (int32_t k = 0; step->args != NULL && k < step->reads; k++)
        if (step->args[k] < -cursor->constants)
            return false;
    return step->args != NULL;
}

/* Whether all that a step reads is there: what stands before the steps, and steps marked as made. */
static bool finds_its_operands(const Step *step, int32_t steps_start, int32_t end,
                               const uint8_t *made)
{
    for (int32_t k = 0; k < step->reads; k++)
        if (step->args[k] >= end ||
            (step->args[k] >= steps_start && !made[step->args[k] - steps_start]))
            return false;
    return true;
}

static bool read_term(Cursor *cursor, const Rule *rule, Term *term, uint8_t *made)
{
    const int32_t *head = take(cursor, 2);
    if (head == NULL || head[0] < NOTHING || head[0] > MULTIPLIED)
        return false;
    *term = (Term){.kind = head[0], .need_count = head[1], .needs = take(cursor, head[1])};
    if (term->needs == NULL || !read_step(cursor, &term->last))
        return false;
    int32_t steps_start = FIRST_OPERAND + rule->term_count;
    memset(made, 0, (size_t)rule->step_count);
    for (int32_t k = 0; k < term->need_count; k++) {
        int32_t need = term->needs[k];
        if (need < 0 || need >= rule->step_count ||
            !finds_its_operands(&rule->steps[need], steps_start, steps_start + need, made))
            return false;
        made[need] = 1;
    }
    return finds_its_operands(&term->last, steps_start, steps_start + rule->step_count, made);
}

static bool read_rule(Cursor *cursor, Rule *rule, Step *steps, Term *terms, uint8_t *made)
{
    const int32_t *head = take(cursor, 3);
    if (head == NULL || head[0] < 0 || head[1] < 0 || head[2] < 0 || head[2] > head[0] ||
        head[2] > MOST_TERMS || head[1] > cursor->end - cursor->next)
        return false;
    *rule = (Rule){.reads = head[0], .step_count = head[1], .term_count = head[2],
                   .steps = steps, .terms = terms};
    for (int32_t k = 0; k < rule->step_count; k++) {
        if (!read_step(cursor, &steps[k]))
            return false;
        rule->most_reads += steps[k].reads;
    }
    for (int32_t k = 0; k < rule->term_count; k++) {
        if (!read_term(cursor, rule, &terms[k], made))
            return false;
        rule->most_reads += terms[k].last.reads + 2; /* and those of a sum */
    }
    rule->most_items = rule->step_count + 2 * rule->term_count;
    return true;
}

static bool read_rules(Contributions *known, Cursor *cursor, uint8_t *made)
{
    Step *steps = known->steps;
    Term *terms = known->terms;
    for (int32_t k = 0; k < known->rule_count; k++) {
        Rule *rule = &known->rules[k];
        if (!read_rule(cursor, rule, steps, terms, made))
            return misfit("this is no table of contributions");
        steps += rule->step_count;
        terms += rule->term_count;
        if (rule->step_count > known->most_steps)
            known->most_steps = rule->step_count;
    }
    return true;
}

/* The table: the number of the sum, how many rules there are, and the rules; false with an
 * exception set. */
bool read_contributions(Contributions *known, const Py_buffer *table, int32_t constants)
{
    int64_t length = (int64_t)(table->len / 4);
    Cursor cursor = {table->buf, (const int32_t *)table->buf + length, constants};
    const int32_t *head = take(&cursor, 2);
    if (length > INT32_MAX / 8 || head == NULL || head[1] < 0 || head[1] > length)
        return misfit("this is no table of contributions");
    known->add = head[0];
    known->rule_count = head[1];
    known->rules = zeros(known->rule_count, sizeof *known->rules);
    known->steps = zeros(length, sizeof *known->steps);
    known->terms = zeros(length, sizeof *known->terms);
    uint8_t *made = zeros(length, 1);
    bool done = known->rules != NULL && known->steps != NULL && known->terms != NULL &&
                made != NULL && read_rules(known, &cursor, made);
    PyMem_RawFree(made);
    return done;
}

void free_contributions(Contributions *known)
{
    PyMem_RawFree(known->rules);
    PyMem_RawFree(known->steps);
    PyMem_RawFree(known->terms);
}
