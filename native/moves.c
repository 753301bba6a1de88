/* How the loops around them move the operands of items; src/wengert/program/moves.py has the
 * meaning. */

#include "stretch.h"

enum { MOST_LOOPS = 64 };

/* --- of one item ------------------------------------------------------------------------------- */

typedef struct {
    int64_t count, step, k;
    int64_t strides[MOST_READS];
} Level;

/* The difference, which wraps around. */
static inline int64_t less(int64_t a, int64_t b)
{
    return (int64_t)((uint64_t)a - (uint64_t)b);
}

/* Whether all items are of one kind; drops from `affine` the slots that do not move steadily. */
static bool moves_steadily(const Columns *c, int64_t item, Level *levels, int depth, int reads,
                           unsigned *affine)
{
    const int32_t id = c->ids[item];
    const int64_t *first = c->operand + c->offset[item];
    int64_t wanted[MOST_READS], at = item;
    for (int slot = 0; slot < reads; slot++)
        wanted[slot] = first[slot];
    for (;;) {
        if (c->ids[at] != id || c->offset[at + 1] - c->offset[at] != reads)
            return false;
        const int64_t *found = c->operand + c->offset[at];
        for (int slot = 0; slot < reads; slot++)
            if (UNLIKELY(found[slot] != wanted[slot]))
                *affine &= ~(1u << slot);
        int d = depth - 1;
        for (; d >= 0; d--) {
            Level *level = &levels[d];
            if (++level->k < level->count) {
                at += level->step;
                for (int slot = 0; slot < reads; slot++)
                    wanted[slot] = (int64_t)((uint64_t)wanted[slot] + (uint64_t)level->strides[slot]);
                break;
            }
            level->k = 0;
            at -= (level->count - 1) * level->step;
            for (int slot = 0; slot < reads; slot++)
                wanted[slot] = (int64_t)((uint64_t)wanted[slot] - (uint64_t)(level->count - 1) *
                                                                      (uint64_t)level->strides[slot]);
        }
        if (d < 0)
            return true;
    }
}

static PyObject *strides_list(const Level *levels, int depth, int reads, unsigned affine)
{
    PyObject *list = PyList_New(reads);
    for (int slot = 0; slot < reads && list != NULL; slot++) {
        PyObject *strides = affine >> slot & 1 ? PyTuple_New(depth) : Py_NewRef(Py_None);
        for (int d = 0; d < depth && strides != NULL && strides != Py_None; d++) {
            PyObject *stride = PyLong_FromLongLong(levels[d].strides[slot]);
            if (stride == NULL)
                Py_CLEAR(strides);
            else
                PyTuple_SET_ITEM(strides, d, stride);
        }
        if (strides == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, slot, strides);
    }
    return list;
}

/* Reads the enclosing loops; whether all that they lead to from there lies within the columns. */
static bool read_loops(const Columns *c, PyObject *around, int64_t low, int64_t high, Level *levels)
{
    Py_ssize_t depth = PyTuple_GET_SIZE(around);
    if (depth > MOST_LOOPS) {
        PyErr_SetString(PyExc_ValueError, "too many loops");
        return false;
    }
    int64_t last = high;
    bool fits = low >= 0 && low <= high && high < c->size;
    for (Py_ssize_t d = 0; d < depth && fits; d++) {
        long long count, step;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(around, d), "LL", &count, &step))
            return false;
        fits = count > 1 && step > 0 && (count - 1) <= (c->size - 1 - last) / step;
        if (fits)
            last += (count - 1) * step;
        levels[d] = (Level){.count = count, .step = step};
    }
    if (!fits)
        PyErr_SetString(PyExc_ValueError, "the loops lead out of the columns");
    return fits;
}

/* How far each loop moves the operands of an item at first. */
static void find_strides(const Columns *c, int64_t item, Level *levels, int depth, int reads)
{
    for (int d = 0; d < depth; d++) {
        int64_t next = item + levels[d].step;
        if (c->offset[next + 1] - c->offset[next] != reads)
            continue; /* then they do not do the same */
        const int64_t *from = c->operand + c->offset[item], *to = c->operand + c->offset[next];
        for (int slot = 0; slot < reads; slot++)
            levels[d].strides[slot] = less(to[slot], from[slot]);
    }
}

/* strides_of(ids, operands, offsets, item, around) -> per slot, strides or None */
PyObject *strides_of(PyObject *module, PyObject *args)
{
    (void)module;
    Columns c;
    long long item;
    PyObject *around, *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*y*LO!", &c.first, &c.operands, &c.offsets, &item,
                          &PyTuple_Type, &around))
        return NULL;
    c.ids = c.first.buf;
    c.operand = c.operands.buf;
    c.offset = c.offsets.buf;
    c.size = (int64_t)(c.offsets.len / 8) - 1;
    Level levels[MOST_LOOPS];
    Py_ssize_t depth = PyTuple_GET_SIZE(around);
    int reads = item >= 0 && item < c.size ? (int)(c.offset[item + 1] - c.offset[item]) : 0;
    if (read_loops(&c, around, item, item, levels)) {
        unsigned affine = (1u << reads) - 1;
        find_strides(&c, item, levels, (int)depth, reads);
        if (moves_steadily(&c, item, levels, (int)depth, reads, &affine))
            result = strides_list(levels, (int)depth, reads, affine);
        else
            result = PyList_New(0);
    }
    release(&c);
    return result;
}

/* --- moves of many items ----------------------------------------------------------------------- */

/* Kinds of items together with how the loops move their operands, numbered. A key is a kind, which
 * operands move steadily, and the strides slot by slot. */
typedef struct {
    int64_t *keys; /* `width` numbers each */
    int32_t *table; /* the number of a key, and 1 */
    size_t width, count, room; /* room: a power of two, twice that of the keys */
} Moves;

static uint64_t hash_of(const int64_t *key, size_t width)
{
    uint64_t hash = 0;
    for (size_t k = 0; k < width; k++)
        hash = (hash ^ (uint64_t)key[k]) * 0x9E3779B97F4A7C15u + (hash >> 29);
    return hash ^ hash >> 32;
}

static size_t place_of(const Moves *moves, const int64_t *key)
{
    size_t at = (size_t)hash_of(key, moves->width) & (moves->room - 1);
    while (moves->table[at] && memcmp(moves->keys + (size_t)(moves->table[at] - 1) * moves->width,
                                      key, moves->width * sizeof *key) != 0)
        at = (at + 1) & (moves->room - 1);
    return at;
}

static bool more_moves(Moves *moves)
{
    size_t room = moves->room ? moves->room * 2 : 64;
    int64_t *keys = PyMem_Realloc(moves->keys, room / 2 * moves->width * sizeof *keys);
    if (keys != NULL)
        moves->keys = keys;
    int32_t *table = PyMem_Calloc(room, sizeof *table);
    if (keys == NULL || table == NULL) {
        PyMem_Free(table);
        PyErr_NoMemory();
        return false;
    }
    PyMem_Free(moves->table);
    moves->table = table;
    moves->room = room;
    for (size_t k = 0; k < moves->count; k++)
        table[place_of(moves, keys + k * moves->width)] = (int32_t)k + 1;
    return true;
}

/* The number of a key; -1 with an exception set. */
static int32_t number_of_key(Moves *moves, const int64_t *key)
{
    if (2 * moves->count >= moves->room && !more_moves(moves))
        return -1;
    size_t at = place_of(moves, key);
    if (!moves->table[at]) {
        memcpy(moves->keys + moves->count * moves->width, key, moves->width * sizeof *key);
        moves->table[at] = (int32_t)++moves->count;
    }
    return moves->table[at] - 1;
}

/* Whether an operand is the value of an item from `low` on in some rounds only, or of several. */
static bool wanders(const Columns *c, int64_t item, int slot, const Level *levels, int depth,
                    bool steady, int64_t low)
{
    const int64_t first = c->operand[c->offset[item] + slot];
    if (!is_in(VALUE_MEMORY, first))
        return false;
    int64_t most = first - low;
    bool varies = false;
    if (steady) { /* then it is furthest in a corner */
        for (int d = 0; d < depth; d++) {
            int64_t apart = less(levels[d].strides[slot], levels[d].step);
            varies |= apart != 0;
            if (apart > 0)
                most = (int64_t)((uint64_t)most + (uint64_t)apart * (uint64_t)(levels[d].count - 1));
        }
        return varies && most >= 0;
    }
    int64_t k[MOST_LOOPS] = {0}, at = item;
    for (int d = 0; d >= 0;) {
        int64_t within = less(less(c->operand[c->offset[at] + slot], at - item), low);
        varies |= within != first - low;
        most = within > most ? within : most;
        for (d = depth - 1; d >= 0; d--) {
            at += levels[d].step;
            if (++k[d] < levels[d].count)
                break;
            at -= levels[d].count * levels[d].step;
            k[d] = 0;
        }
    }
    return varies && most >= 0;
}

/* moves_of(ids, operands, offsets, low, high, start, around) -> numbers of 32 bits, as bytes; none
 * where not all rounds do the same; None where an operand wanders into these items */
PyObject *moves_of(PyObject *module, PyObject *args)
{
    (void)module;
    Columns c;
    long long low, high, start;
    PyObject *around, *result = NULL;
    if (!PyArg_ParseTuple(args, "y*y*y*LLLO!", &c.first, &c.operands, &c.offsets, &low, &high, &start,
                          &PyTuple_Type, &around) ||
        !look_at(&c, true))
        return NULL;
    Level levels[MOST_LOOPS];
    Moves moves = {0};
    int64_t *key = NULL;
    const int depth = (int)PyTuple_GET_SIZE(around);
    if (start < 0 || start > PLACE_BITS / 2) {
        PyErr_SetString(PyExc_ValueError, "the columns do not fit together");
        goto done;
    }
    if (!read_loops(&c, around, low, high - 1, levels))
        goto done;
    int most = 0;
    for (int64_t i = low; i < high; i++) {
        int reads = (int)(c.offset[i + 1] - c.offset[i]);
        most = reads > most ? reads : most;
    }
    moves.width = 2 + (size_t)most * (size_t)depth;
    key = PyMem_Malloc(moves.width * sizeof *key);
    PyObject *numbers =
        PyBytes_FromStringAndSize(NULL, (high - low) * (Py_ssize_t)sizeof(int32_t));
    if (key == NULL || numbers == NULL) {
        PyErr_NoMemory();
        Py_XDECREF(numbers);
        goto done;
    }
    int32_t *number = (int32_t *)(void *)PyBytes_AS_STRING(numbers);
    bool in_order = true;
    result = numbers;
    for (int64_t i = low; i < high && result == numbers; i++) {
        const int reads = (int)(c.offset[i + 1] - c.offset[i]);
        unsigned affine = (1u << reads) - 1;
        find_strides(&c, i, levels, depth, reads);
        if (!moves_steadily(&c, i, levels, depth, reads, &affine)) {
            result = PyBytes_FromStringAndSize(NULL, 0);
            break;
        }
        memset(key, 0, moves.width * sizeof *key);
        key[0] = c.ids[i];
        key[1] = affine;
        for (int slot = 0; slot < reads; slot++) {
            const bool steady = affine >> slot & 1;
            in_order &= !wanders(&c, i, slot, levels, depth, steady, start + low);
            for (int d = 0; d < depth && steady; d++)
                key[2 + slot * depth + d] = levels[d].strides[slot];
        }
        number[i - low] = number_of_key(&moves, key);
        if (number[i - low] < 0)
            result = NULL;
    }
    if (result == numbers && !in_order)
        result = Py_NewRef(Py_None);
    if (result != numbers)
        Py_DECREF(numbers);
done:
    PyMem_Free(key);
    PyMem_Free(moves.keys);
    PyMem_Free(moves.table);
    release(&c);
    return result;
}
