/* Reverse and forward mode of a straight stretch: the native twins of src/wengert/derive/sweep.py.
 *
 * A sweep down checks every operand and finds out what depends on what is wanted; the derivative is
 * written in a sweep up or down. Columns grow as they are written. */

#include "derive.h"

#include <string.h>

enum { OPS, OPERANDS, LINES, TABLE, CONSTANTS, INPUTS, VALUES, SEED_ITEMS, SEED_CODES, LABELLED,
       BUFFERS };
enum { NEW_OPS, NEW_LINES, NEW_OPERANDS, COLUMNS };

typedef struct {
    Py_buffer buffers[BUFFERS];
    int buffer_count;
    /* the stretch */
    const int32_t *ops, *lines;
    const Code *operands;
    int64_t count, operand_count;
    Code first, start, constants_start;
    int64_t input_count, value_count;
    /* what its operations contribute, and one of them at work */
    Contributions known;
    Code *environment;
    uint8_t *needed; /* per step */
    /* what is written */
    PyObject *columns[COLUMNS];
    int32_t *new_ops, *new_lines, line;
    Code *new_operands;
    Py_ssize_t items, item_room, reads, read_room;
    const double *constants;
    Code *constant_codes; /* -1 where a constant is not used yet */
    double *new_constants;
    int32_t constant_count, new_constant_count;
} Work;

/* --- writing ----------------------------------------------------------------------------------- */

static bool resize(Work *w)
{
    if (PyByteArray_Resize(w->columns[NEW_OPS], w->item_room * 4) < 0 ||
        PyByteArray_Resize(w->columns[NEW_LINES], w->lines == NULL ? 0 : w->item_room * 4) < 0 ||
        PyByteArray_Resize(w->columns[NEW_OPERANDS], w->read_room * 8) < 0)
        return false;
    w->new_ops = (int32_t *)(void *)PyByteArray_AS_STRING(w->columns[NEW_OPS]);
    w->new_lines = (int32_t *)(void *)PyByteArray_AS_STRING(w->columns[NEW_LINES]);
    w->new_operands = (Code *)(void *)PyByteArray_AS_STRING(w->columns[NEW_OPERANDS]);
    return true;
}

/* Room for so many more; the columns double, so that this is seldom. */
static bool make_room(Work *w, Py_ssize_t items, Py_ssize_t reads)
{
    if (LIKELY(w->items + items <= w->item_room && w->reads + reads <= w->read_room))
        return true;
    if (w->item_room > PY_SSIZE_T_MAX / 64 || w->read_room > PY_SSIZE_T_MAX / 64) {
        PyErr_NoMemory();
        return false;
    }
    w->item_room = 2 * w->item_room + items;
    w->read_room = 2 * w->read_room + reads;
    return resize(w);
}

static inline Code written(Work *w, int32_t op, int32_t reads)
{
    w->new_ops[w->items] = op;
    if (w->lines != NULL)
        w->new_lines[w->items] = w->line;
    w->reads += reads;
    return w->start + w->items++;
}

static Code constant(Work *w, int32_t number)
{
    Code *code = &w->constant_codes[number];
    if (*code < 0) {
        *code = (Code)CONSTANT_MEMORY << SHIFT | (w->constants_start + w->new_constant_count);
        w->new_constants[w->new_constant_count++] = w->constants[number];
    }
    return *code;
}

static inline Code apply(Work *w, const Step *step)
{
    Code *reads = w->new_operands + w->reads;
    for (int32_t k = 0; k < step->reads; k++) {
        int32_t arg = step->args[k];
        reads[k] = LIKELY(arg >= 0) ? w->environment[arg] : constant(w, -1 - arg);
    }
    return written(w, step->op, step->reads);
}

/* Add a term to a sum: what is not there yet is 0, and all else a code and 1. */
static inline void add_to(Work *w, Code *sum, Code term)
{
    if (*sum != 0) {
        Code *reads = w->new_operands + w->reads;
        reads[0] = *sum - 1;
        reads[1] = term;
        term = written(w, w->known.add, 2);
    }
    *sum = term + 1;
}

/* Start on an item: compute the partials of those of its operands that have a bit. */
static bool start_on(Work *w, int64_t item, const Code *operands, unsigned passing)
{
    const Rule *rule = &w->known.rules[w->ops[item]];
    if (!make_room(w, rule->most_items, rule->most_reads))
        return false;
    if (w->lines != NULL)
        w->line = w->lines[item];
    w->environment[RESULT] = w->first + item;
    for (int32_t k = 0; k < rule->term_count; k++)
        w->environment[FIRST_OPERAND + k] = operands[k];
    if (rule->step_count == 0)
        return true;
    for (int32_t k = 0; k < rule->term_count; k++)
        if (passing >> k & 1)
            for (int32_t n = 0; n < rule->terms[k].need_count; n++)
                w->needed[rule->terms[k].needs[n]] = 1;
    Code *made = w->environment + FIRST_OPERAND + rule->term_count;
    for (int32_t k = 0; k < rule->step_count; k++) {
        if (w->needed[k])
            made[k] = apply(w, &rule->steps[k]);
        w->needed[k] = 0;
    }
    return true;
}

/* A flow times the partial. */
static inline Code product(Work *w, const Term *term, Code flow)
{
    if (term->kind == FLOW_ITSELF)
        return flow;
    w->environment[FLOW] = flow;
    return apply(w, &term->last);
}

/* --- what is read ------------------------------------------------------------------------------ */

static const int64_t NOWHERE = INT64_MAX;

/* A number for each item, then for each input, then for each place of the value memory; -1 for
 * what derivatives do not pass through, and NOWHERE behind the end of the inputs. */
static inline int64_t slot_of(const Work *w, Code code)
{
    Code item = code - w->first, place = code & PLACE_BITS;
    if (LIKELY((uint64_t)item < (uint64_t)w->count))
        return item;
    if (is_in(INPUT_MEMORY, code))
        return place < w->input_count ? w->count + place : NOWHERE;
    if (is_in(VALUE_MEMORY, code))
        return w->count + w->input_count + place;
    return -1;
}

/* Whether an item may read there: before itself, or what there is outside. */
static inline bool may_read(const Work *w, int64_t slot, int64_t item)
{
    if (LIKELY(slot < w->count))
        return slot < item;
    slot -= w->count;
    return slot < w->input_count + w->value_count;
}

static bool out_of_reach(void)
{
    PyErr_SetString(PyExc_IndexError, "an item reads what does not stand before it");
    return false;
}

/* --- adjoints outside the stretch -------------------------------------------------------------- */

typedef struct {
    Code operand, sum;
} Pair;

/* What was reached outside, in that order, found by a hash table: a stretch may be short, and the
 * memories around it large. */
typedef struct {
    Pair *pairs;
    int32_t *table; /* the number of a pair, and 1 */
    size_t room;    /* 2 to the power `bits`, and twice that of the pairs */
    int bits;
    int32_t count;
} Reached;

/* The place in the table. Operands are mostly read in turn or in steps, so neighbours stay
 * neighbours, and what goes round the table comes to lie beside what is there. */
static inline size_t entry_of(const Reached *reached, Code operand)
{
    uint64_t place = (uint64_t)(operand & PLACE_BITS), memory = (uint64_t)operand >> SHIFT;
    size_t at = (size_t)(place + (place >> reached->bits) + memory * 0x9E3779B9u) &
                (reached->room - 1);
    while (reached->table[at] && reached->pairs[reached->table[at] - 1].operand != operand)
        at = (at + 1) & (reached->room - 1);
    return at;
}

static bool reach_more(Reached *reached)
{
    int bits = reached->bits ? reached->bits + 1 : 8;
    size_t room = (size_t)1 << bits;
    Pair *pairs = room > INT32_MAX ? NULL
                                   : PyMem_RawRealloc(reached->pairs, room / 2 * sizeof *pairs);
    if (pairs != NULL)
        reached->pairs = pairs;
    int32_t *table = pairs == NULL ? NULL : PyMem_RawCalloc(room, sizeof *table);
    if (table == NULL) {
        PyErr_NoMemory();
        return false;
    }
    PyMem_RawFree(reached->table);
    reached->table = table;
    reached->room = room;
    reached->bits = bits;
    for (int32_t k = 0; k < reached->count; k++)
        table[entry_of(reached, pairs[k].operand)] = k + 1;
    return true;
}

/* Where the adjoint of an operand outside is summed; NULL with an exception set. */
static inline Code *sum_outside(Reached *reached, Code operand)
{
    if (2 * (size_t)reached->count >= reached->room && !reach_more(reached))
        return NULL;
    size_t at = entry_of(reached, operand);
    if (reached->table[at] == 0) {
        reached->pairs[reached->count] = (Pair){operand, 0};
        reached->table[at] = ++reached->count;
    }
    return &reached->pairs[reached->table[at] - 1].sum;
}

/* --- reverse mode ------------------------------------------------------------------------------ */

/* Per item, one bit for each operand through which derivatives by something wanted pass. */
static bool find_passing(const Work *w, uint8_t *passing)
{
    const uint8_t *inputs = w->buffers[INPUTS].buf, *values = w->buffers[VALUES].buf;
    const Code *operands = w->operands;
    for (int64_t item = 0; item < w->count; item++) {
        const Rule *rule = &w->known.rules[w->ops[item]];
        unsigned found = 0;
        for (int32_t k = 0; k < rule->term_count; k++) {
            int64_t slot = slot_of(w, operands[k]), outside = slot - w->count;
            if (slot < 0)
                continue;
            if (UNLIKELY(!may_read(w, slot, item)))
                return out_of_reach();
            bool wanted = outside < 0                ? passing[slot] != 0
                          : outside < w->input_count ? inputs[outside] != 0
                                                     : values[outside - w->input_count] != 0;
            found |= (unsigned)(wanted && rule->terms[k].kind != NOTHING) << k;
        }
        passing[item] = (uint8_t)found;
        operands += rule->reads;
    }
    return true;
}

static bool put_seeds(Work *w, const uint8_t *passing, Code *adjoints)
{
    const int64_t *items = w->buffers[SEED_ITEMS].buf;
    const Code *codes = w->buffers[SEED_CODES].buf;
    Py_ssize_t seeds = w->buffers[SEED_ITEMS].len / 8;
    if (seeds != w->buffers[SEED_CODES].len / 8)
        return misfit("the seeds do not fit together");
    for (Py_ssize_t k = 0; k < seeds; k++) {
        int64_t item = items[k];
        if (item < 0 || item >= w->count || codes[k] < 0) {
            PyErr_SetString(PyExc_IndexError, "a seed is for no item, or is none");
            return false;
        }
        if (!make_room(w, 1, 2))
            return false;
        if (w->lines != NULL)
            w->line = w->lines[item];
        if (passing[item])
            add_to(w, &adjoints[item], codes[k]);
    }
    return true;
}

static bool go_back(Work *w, const uint8_t *passing, Code *adjoints, Reached *reached)
{
    const Code *operands = w->operands + w->operand_count;
    for (int64_t item = w->count; item-- > 0;) {
        const Rule *rule = &w->known.rules[w->ops[item]];
        operands -= rule->reads;
        if (adjoints[item] == 0)
            continue;
        if (!start_on(w, item, operands, passing[item]))
            return false;
        for (int32_t k = 0; k < rule->term_count; k++) {
            if (!(passing[item] >> k & 1))
                continue;
            int64_t slot = slot_of(w, operands[k]);
            Code *sum = slot < w->count ? &adjoints[slot] : sum_outside(reached, operands[k]);
            if (UNLIKELY(sum == NULL))
                return false;
            add_to(w, sum, product(w, &rule->terms[k], adjoints[item] - 1));
        }
    }
    return true;
}

/* --- from and to Python ------------------------------------------------------------------------ */

static bool look_at(Work *w, size_t size_outside)
{
    w->ops = w->buffers[OPS].buf;
    w->count = (int64_t)(w->buffers[OPS].len / 4);
    w->operands = w->buffers[OPERANDS].buf;
    w->operand_count = (int64_t)(w->buffers[OPERANDS].len / 8);
    w->lines = w->buffers[LINES].len > 0 ? w->buffers[LINES].buf : NULL;
    w->constants = w->buffers[CONSTANTS].buf;
    w->input_count = (int64_t)((size_t)w->buffers[INPUTS].len / size_outside);
    w->value_count = (int64_t)((size_t)w->buffers[VALUES].len / size_outside);
    Py_ssize_t constants = w->buffers[CONSTANTS].len / 8;
    Code most = PLACE_BITS / 4;
    if ((w->lines != NULL && w->buffers[LINES].len / 4 != w->count) || constants > INT32_MAX / 2 ||
        w->first < 0 || w->start < 0 || w->constants_start < 0 || w->first > most ||
        w->start > most || w->constants_start > most)
        return misfit("the columns do not fit together");
    w->constant_count = (int32_t)constants;
    w->constant_codes = zeros(constants, sizeof *w->constant_codes);
    w->new_constants = zeros(constants, sizeof *w->new_constants);
    if (w->constant_codes == NULL || w->new_constants == NULL ||
        !read_contributions(&w->known, &w->buffers[TABLE], w->constant_count))
        return false;
    w->needed = zeros(w->known.most_steps, 1);
    w->environment = zeros(FIRST_OPERAND + MOST_TERMS + w->known.most_steps,
                           sizeof *w->environment);
    if (w->needed == NULL || w->environment == NULL)
        return false;
    memset(w->constant_codes, 0xff, (size_t)constants * sizeof *w->constant_codes);
    int64_t reads = 0;
    for (int64_t item = 0; item < w->count; item++) {
        if (w->ops[item] < 0 || w->ops[item] >= w->known.rule_count)
            return misfit("there is no such operation");
        reads += w->known.rules[w->ops[item]].reads;
    }
    if (reads != w->operand_count)
        return misfit("the columns do not fit together");
    for (int k = 0; k < COLUMNS; k++)
        if ((w->columns[k] = PyByteArray_FromStringAndSize(NULL, 0)) == NULL)
            return false;
    w->item_room = 2 * (Py_ssize_t)w->count + 64; /* memory that is not used is not touched */
    w->read_room = 2 * w->item_room;
    return resize(w);
}

/* The columns written, the constants, and two arrays more; NULL with an exception set. */
static PyObject *result(Work *w, PyObject *more, PyObject *still_more)
{
    w->item_room = w->items;
    w->read_room = w->reads;
    PyObject *constants = NULL;
    if (more != NULL && still_more != NULL && resize(w))
        constants = PyByteArray_FromStringAndSize((const char *)w->new_constants,
                                                  w->new_constant_count * 8);
    PyObject *made = constants == NULL ? NULL
                                       : PyTuple_Pack(6, w->columns[NEW_OPS],
                                                      w->columns[NEW_OPERANDS],
                                                      w->columns[NEW_LINES], constants, more,
                                                      still_more);
    Py_XDECREF(constants);
    Py_XDECREF(more);
    Py_XDECREF(still_more);
    return made;
}

static void release(Work *w)
{
    void *memory[] = {w->needed, w->environment, w->constant_codes, w->new_constants};
    free_contributions(&w->known);
    for (size_t k = 0; k < sizeof memory / sizeof *memory; k++)
        PyMem_RawFree(memory[k]);
    for (int k = 0; k < COLUMNS; k++)
        Py_XDECREF(w->columns[k]);
    for (int k = 0; k < w->buffer_count; k++)
        PyBuffer_Release(&w->buffers[k]);
}

/* The adjoints of the labelled items, -1 where there is none. */
static PyObject *of_labelled(const Work *w, const Code *adjoints)
{
    const int64_t *items = w->buffers[LABELLED].buf;
    Py_ssize_t count = w->buffers[LABELLED].len / 8;
    PyObject *made = PyByteArray_FromStringAndSize(NULL, count * 8);
    Code *codes = made == NULL ? NULL : (Code *)(void *)PyByteArray_AS_STRING(made);
    for (Py_ssize_t k = 0; codes != NULL && k < count; k++) {
        if (items[k] < 0 || items[k] >= w->count) {
            PyErr_SetString(PyExc_IndexError, "a label is for no item");
            Py_CLEAR(made);
            break;
        }
        codes[k] = adjoints[items[k]] - 1;
    }
    return made;
}

/* Pairs of what was reached outside the stretch and its adjoint. */
static PyObject *of_reached(const Reached *reached)
{
    Py_ssize_t count = reached->count;
    PyObject *made = PyByteArray_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(Pair));
    Pair *pairs = made == NULL ? NULL : (Pair *)(void *)PyByteArray_AS_STRING(made);
    for (Py_ssize_t k = 0; made != NULL && k < count; k++)
        pairs[k] = (Pair){reached->pairs[k].operand, reached->pairs[k].sum - 1};
    return made;
}

/* reversed_columns(ops, operands, lines, table, constants, inputs, values, seed_items, seed_codes,
 *                  labelled, first, start, constants_start) */
PyObject *reversed_columns(PyObject *module, PyObject *args)
{
    (void)module;
    Work w = {.buffer_count = BUFFERS};
    Py_buffer *b = w.buffers;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*y*y*y*y*y*LLL", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5],
                          &b[6], &b[7], &b[8], &b[9], &w.first, &w.start, &w.constants_start))
        return NULL;
    uint8_t *passing = NULL;
    Code *adjoints = NULL;
    Reached reached = {0};
    PyObject *made = NULL;
    if (look_at(&w, 1)) {
        passing = zeros(w.count, 1);
        adjoints = zeros(w.count, sizeof *adjoints);
    }
    if (passing != NULL && adjoints != NULL && find_passing(&w, passing) &&
        put_seeds(&w, passing, adjoints) && go_back(&w, passing, adjoints, &reached))
        made = result(&w, of_labelled(&w, adjoints), of_reached(&reached));
    PyMem_RawFree(passing);
    PyMem_RawFree(adjoints);
    PyMem_RawFree(reached.pairs);
    PyMem_RawFree(reached.table);
    release(&w);
    return made;
}

/* --- forward mode ------------------------------------------------------------------------------ */

static bool go_forward(Work *w, Code *tangents)
{
    const Code *inputs = w->buffers[INPUTS].buf, *values = w->buffers[VALUES].buf;
    const Code *operands = w->operands;
    for (int64_t item = 0; item < w->count; operands += w->known.rules[w->ops[item++]].reads) {
        const Rule *rule = &w->known.rules[w->ops[item]];
        Code flows[MOST_TERMS], sum = 0;
        unsigned passing = 0;
        for (int32_t k = 0; k < rule->term_count; k++) {
            int64_t slot = slot_of(w, operands[k]), outside = slot - w->count;
            if (slot < 0)
                continue;
            if (UNLIKELY(!may_read(w, slot, item)))
                return out_of_reach();
            flows[k] = outside < 0                ? tangents[slot]
                       : outside < w->input_count ? inputs[outside]
                                                  : values[outside - w->input_count];
            passing |= (unsigned)(flows[k] >= 0 && rule->terms[k].kind != NOTHING) << k;
        }
        if (passing && !start_on(w, item, operands, passing))
            return false;
        for (int32_t k = 0; k < rule->term_count; k++)
            if (passing >> k & 1)
                add_to(w, &sum, product(w, &rule->terms[k], flows[k]));
        tangents[item] = sum - 1;
    }
    return true;
}

/* tangents_of_columns(ops, operands, lines, table, constants, inputs, values, first, start,
 *                     constants_start) */
PyObject *tangents_of_columns(PyObject *module, PyObject *args)
{
    (void)module;
    Work w = {.buffer_count = VALUES + 1};
    Py_buffer *b = w.buffers;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*y*y*LLL", &b[0], &b[1], &b[2], &b[3], &b[4], &b[5], &b[6],
                          &w.first, &w.start, &w.constants_start))
        return NULL;
    PyObject *made = NULL;
    if (look_at(&w, sizeof(Code))) {
        PyObject *tangents = PyByteArray_FromStringAndSize(NULL, (Py_ssize_t)w.count * 8);
        if (tangents != NULL &&
            !go_forward(&w, (Code *)(void *)PyByteArray_AS_STRING(tangents)))
            Py_CLEAR(tangents);
        if (tangents != NULL)
            made = result(&w, tangents, Py_NewRef(Py_None));
    }
    release(&w);
    return made;
}
