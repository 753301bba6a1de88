/* Looking at a straight stretch of a program; src/wengert/program/stretch.py has the meaning. */

#include "stretch.h"

/* --- kinds ------------------------------------------------------------------------------------- */

typedef struct {
    int64_t *signatures;
    int32_t *table; /* the number of a signature, and 1 */
    size_t room;    /* a power of two */
    int32_t count;
} Kinds;

static inline size_t place_of(const Kinds *kinds, int64_t signature)
{
    size_t at = (size_t)(((uint64_t)signature * 0x9E3779B97F4A7C15u) >> 20) & (kinds->room - 1);
    while (kinds->table[at] && kinds->signatures[kinds->table[at] - 1] != signature)
        at = (at + 1) & (kinds->room - 1);
    return at;
}

static bool more_kinds(Kinds *kinds)
{
    size_t room = kinds->room ? kinds->room * 2 : 256;
    int64_t *signatures = PyMem_Realloc(kinds->signatures, room / 2 * sizeof *signatures);
    if (signatures != NULL)
        kinds->signatures = signatures;
    int32_t *table = PyMem_Calloc(room, sizeof *table);
    if (signatures == NULL || table == NULL) {
        PyMem_Free(table);
        PyErr_NoMemory();
        return false;
    }
    PyMem_Free(kinds->table);
    kinds->table = table;
    kinds->room = room;
    for (int32_t k = 0; k < kinds->count; k++)
        table[place_of(kinds, signatures[k])] = k + 1;
    return true;
}

/* kinds_of(ops, operands, offsets) -> numbers of 32 bits and signatures of 64, as bytes */
PyObject *kinds_of(PyObject *module, PyObject *args)
{
    (void)module;
    Columns c;
    if (!PyArg_ParseTuple(args, "y*y*y*", &c.first, &c.operands, &c.offsets) ||
        !look_at(&c, true))
        return NULL;
    Kinds kinds = {0};
    PyObject *result = NULL;
    PyObject *numbers = PyBytes_FromStringAndSize(NULL, c.size * (Py_ssize_t)sizeof(int32_t));
    bool done = numbers != NULL && more_kinds(&kinds);
    int32_t *number = done ? (int32_t *)(void *)PyBytes_AS_STRING(numbers) : NULL;
    for (int64_t i = 0; i < c.size && done; i++) {
        int64_t signature = (int64_t)((uint64_t)(uint32_t)c.ids[i] << 32);
        int shift = 0;
        for (int64_t k = c.offset[i]; k < c.offset[i + 1]; k++, shift += 2)
            signature |= (c.operand[k] >> SHIFT & 3) << shift;
        size_t at = place_of(&kinds, signature);
        if (!kinds.table[at]) {
            if (2 * (size_t)kinds.count + 2 >= kinds.room) {
                done = more_kinds(&kinds);
                if (!done)
                    break;
                at = place_of(&kinds, signature);
            }
            kinds.signatures[kinds.count++] = signature;
            kinds.table[at] = kinds.count;
        }
        number[i] = kinds.table[at] - 1;
    }
    if (done)
        result = Py_BuildValue("Oy#", numbers, (char *)kinds.signatures,
                               (Py_ssize_t)((size_t)kinds.count * sizeof *kinds.signatures));
    Py_XDECREF(numbers);
    PyMem_Free(kinds.signatures);
    PyMem_Free(kinds.table);
    release(&c);
    return result;
}

/* --- hashes ------------------------------------------------------------------------------------ */

/* hashes_of(ids, operands, offsets, weights) -> numbers of 64 bits, as bytes */
PyObject *hashes_of(PyObject *module, PyObject *args)
{
    (void)module;
    Columns c;
    Py_buffer weights;
    if (!PyArg_ParseTuple(args, "y*y*y*y*", &c.first, &c.operands, &c.offsets, &weights))
        return NULL;
    if (!look_at(&c, true)) {
        PyBuffer_Release(&weights);
        return NULL;
    }
    const uint64_t *weight = weights.buf;
    const int64_t kinds = (int64_t)(weights.len / (MOST_READS * 8));
    PyObject *hashes = PyBytes_FromStringAndSize(NULL, c.size * (Py_ssize_t)sizeof(uint64_t));
    uint64_t *hash = hashes != NULL ? (uint64_t *)(void *)PyBytes_AS_STRING(hashes) : NULL;
    for (int64_t i = 0; i < c.size && hash != NULL; i++) {
        if (c.ids[i] < 0 || c.ids[i] >= kinds) {
            PyErr_SetString(PyExc_ValueError, "hashes_of() takes weights for every kind");
            Py_CLEAR(hashes);
            break;
        }
        const uint64_t *factor = weight + (size_t)c.ids[i] * MOST_READS;
        uint64_t sum = 0;
        for (int64_t k = c.offset[i]; k < c.offset[i + 1]; k++)
            sum += (uint64_t)(c.operand[k] & PLACE_BITS) * *factor++;
        hash[i] = sum;
    }
    PyBuffer_Release(&weights);
    release(&c);
    return hashes;
}

/* --- changes ----------------------------------------------------------------------------------- */

/* changes_of(ids, operands, offsets, items, kinds) -> numbers of 64 bits, as bytes: per kind and
 * slot, how many of the steps from one item of the kind to the next differ from the step before. */
PyObject *changes_of(PyObject *module, PyObject *args)
{
    (void)module;
    Columns c;
    Py_buffer items;
    int kinds;
    if (!PyArg_ParseTuple(args, "y*y*y*y*i", &c.first, &c.operands, &c.offsets, &items, &kinds))
        return NULL;
    if (!look_at(&c, true)) {
        PyBuffer_Release(&items);
        return NULL;
    }
    PyObject *result = NULL;
    size_t room = kinds > 0 ? (size_t)kinds * MOST_READS : 1;
    int64_t *last = PyMem_Calloc(room, sizeof *last), *step = PyMem_Calloc(room, sizeof *step);
    int64_t *seen = PyMem_Calloc(room, sizeof *seen), *changes = PyMem_Calloc(room, sizeof *changes);
    const int64_t *item = items.buf, count = (int64_t)(items.len / 8);
    bool fits = last != NULL && step != NULL && seen != NULL && changes != NULL;
    if (!fits)
        PyErr_NoMemory();
    for (int64_t k = 0; k < count && fits; k++) {
        const int64_t i = item[k];
        fits = i >= 0 && i < c.size && c.ids[i] >= 0 && c.ids[i] < kinds;
        if (!fits) {
            PyErr_SetString(PyExc_ValueError, "the columns do not fit together");
            break;
        }
        const int64_t before = seen[c.ids[i]]++;
        size_t at = (size_t)c.ids[i] * MOST_READS;
        for (int64_t o = c.offset[i]; o < c.offset[i + 1]; o++, at++) {
            int64_t moved = (int64_t)((uint64_t)c.operand[o] - (uint64_t)last[at]);
            changes[at] += before > 1 && moved != step[at];
            last[at] = c.operand[o];
            step[at] = moved;
        }
    }
    if (fits)
        result = PyBytes_FromStringAndSize((char *)changes, (Py_ssize_t)(room * sizeof *changes));
    PyMem_Free(last);
    PyMem_Free(step);
    PyMem_Free(seen);
    PyMem_Free(changes);
    PyBuffer_Release(&items);
    release(&c);
    return result;
}
