/* Items of one shape; src/wengert/program/shapes.py has the meaning. */

#include "stretch.h"

/* A part of a stretch: its items, from number `first` of the stretch on. */
typedef struct {
    const Columns *c;
    int64_t count, first, start;
} Part;

/* Which of these items an operand of item i is; -1 if none. */
static inline int64_t item_of(const Part *part, int64_t operand, int64_t i)
{
    const uint64_t item = (uint64_t)part->c->operand[operand] - (uint64_t)(part->start + part->first);
    return item < (uint64_t)i ? (int64_t)item : -1; /* other memories have higher codes */
}

/* How often the operation changes on the way to each item; the most of all. */
static int32_t early_levels(const Part *part, int32_t *level)
{
    const Columns *c = part->c;
    int32_t most = 0;
    for (int64_t i = 0; i < part->count; i++) {
        const int64_t at = part->first + i;
        level[i] = 0;
        for (int64_t k = c->offset[at]; k < c->offset[at + 1]; k++) {
            const int64_t before = item_of(part, k, i);
            if (before < 0)
                continue;
            const int32_t after = level[before] + (c->ids[before] != c->ids[i]);
            if (after > level[i])
                level[i] = after;
        }
        if (level[i] > most)
            most = level[i];
    }
    return most;
}

/* Sorts items by a key, those of equal keys in the order in which they come; `room` has one more
 * place than there are keys. */
static void sort_by(const int32_t *key, int32_t keys, const int32_t *from, int32_t *to,
                    int64_t count, int32_t *room)
{
    memset(room, 0, ((size_t)keys + 1) * sizeof *room);
    for (int64_t i = 0; i < count; i++)
        room[key[i] + 1]++;
    for (int32_t k = 0; k < keys; k++)
        room[k + 1] += room[k];
    for (int64_t i = 0; i < count; i++) {
        const int32_t item = from == NULL ? (int32_t)i : from[i];
        to[room[key[item]]++] = item;
    }
}

/* What the search for groups works with. */
typedef struct {
    int32_t *level, *order, *spare; /* of each item */
    int32_t *room; /* of each level or kind, or both */
    int32_t *edge; /* where each group begins, and where the last one ends */
    int32_t kinds, levels;
    int64_t groups;
} Work;

/* Sorts the items by their level and kind. */
static void sort_groups(const Part *part, Work *w)
{
    const int32_t *ids = part->c->ids;
    const int32_t count = (int32_t)part->count;
    w->groups = 0;
    if ((int64_t)w->levels * w->kinds < count) {
        const int32_t keys = w->levels * w->kinds;
        for (int32_t i = 0; i < count; i++)
            w->spare[i] = w->level[i] * w->kinds + ids[i];
        sort_by(w->spare, keys, NULL, w->order, count, w->room);
        for (int32_t k = 0, begin = 0; k < keys; begin = w->room[k++]) /* now, where each key ends */
            if (w->room[k] > begin)
                w->edge[w->groups++] = begin;
    } else {
        sort_by(ids, w->kinds, NULL, w->spare, count, w->room);
        sort_by(w->level, w->levels, w->spare, w->order, count, w->room);
        for (int32_t k = 0; k < count; k++) {
            const int32_t item = w->order[k], before = k > 0 ? w->order[k - 1] : -1;
            if (k == 0 || ids[item] != ids[before] || w->level[item] != w->level[before])
                w->edge[w->groups++] = k;
        }
    }
    w->edge[w->groups] = count;
}

/* Lets items that are alone wait for the next ones of their kind that are, if all that need them
 * allow; how many do. */
static int64_t delay(const Part *part, Work *w)
{
    const Columns *c = part->c;
    int32_t *latest = w->spare, *next = w->room; /* the level that is allowed; the next's */
    int64_t moved = 0;
    for (int64_t i = 0; i < part->count; i++)
        latest[i] = -1; /* not alone */
    for (int64_t g = 0; g < w->groups; g++)
        if (w->edge[g] + 1 == w->edge[g + 1])
            latest[w->order[w->edge[g]]] = INT32_MAX;
    for (int32_t k = 0; k < w->kinds; k++)
        next[k] = INT32_MAX;
    for (int64_t i = part->count - 1; i >= 0; i--) {
        const int32_t kind = c->ids[i];
        if (latest[i] >= 0) {
            if (next[kind] > w->level[i] && next[kind] <= latest[i] && next[kind] != INT32_MAX) {
                w->level[i] = next[kind];
                moved++;
            }
            next[kind] = w->level[i];
        }
        const int64_t at = part->first + i;
        for (int64_t k = c->offset[at]; k < c->offset[at + 1]; k++) {
            const int64_t before = item_of(part, k, i);
            if (before < 0 || latest[before] < 0)
                continue;
            const int32_t bound = w->level[i] - (c->ids[before] != kind);
            latest[before] = bound < latest[before] ? bound : latest[before];
        }
    }
    return moved;
}

static PyObject *grouped(const Part *part, const Work *w)
{
    PyObject *numbers = PyBytes_FromStringAndSize(NULL, part->count * (Py_ssize_t)sizeof(int64_t));
    PyObject *edges = PyBytes_FromStringAndSize(NULL, (w->groups + 1) * (Py_ssize_t)sizeof(int64_t));
    PyObject *result = NULL;
    if (numbers != NULL && edges != NULL) {
        int64_t *number = (int64_t *)(void *)PyBytes_AS_STRING(numbers);
        int64_t *edge = (int64_t *)(void *)PyBytes_AS_STRING(edges);
        for (int64_t k = 0; k < part->count; k++)
            number[k] = part->first + w->order[k];
        for (int64_t g = 0; g <= w->groups; g++)
            edge[g] = w->edge[g];
        result = PyTuple_Pack(2, numbers, edges);
    }
    Py_XDECREF(numbers);
    Py_XDECREF(edges);
    return result;
}

static PyObject *order_items(const Part *part, int32_t kinds, int64_t most)
{
    const size_t count = (size_t)part->count;
    PyObject *result = NULL;
    Work w = {.kinds = kinds};
    w.level = PyMem_Malloc((count + 1) * sizeof *w.level);
    w.order = PyMem_Malloc((count + 1) * sizeof *w.order);
    w.spare = PyMem_Malloc((count + 1) * sizeof *w.spare);
    w.room = PyMem_Malloc((count + (size_t)kinds + 2) * sizeof *w.room);
    w.edge = PyMem_Malloc((count + 1) * sizeof *w.edge);
    if (w.level && w.order && w.spare && w.room && w.edge) {
        w.levels = early_levels(part, w.level) + 1;
        sort_groups(part, &w);
        if (w.groups > most && delay(part, &w))
            sort_groups(part, &w);
        result = grouped(part, &w);
    } else {
        PyErr_NoMemory();
    }
    PyMem_Free(w.level);
    PyMem_Free(w.order);
    PyMem_Free(w.spare);
    PyMem_Free(w.room);
    PyMem_Free(w.edge);
    return result;
}

/* ordered(ids, operands, offsets, first, start, most) -> the numbers of the items, group by group,
 * and where each group begins; numbers of 64 bits, as bytes */
PyObject *ordered(PyObject *module, PyObject *args)
{
    (void)module;
    Columns c;
    long long first, start, most;
    if (!PyArg_ParseTuple(args, "y*y*y*LLL", &c.first, &c.operands, &c.offsets, &first, &start,
                          &most) ||
        !look_at(&c, false))
        return NULL;
    const Part part = {&c, (int64_t)(c.first.len / 4), first, start};
    int32_t kinds = 0;
    bool fits = first >= 0 && first <= c.size && part.count <= c.size - first && start >= 0 &&
                start <= PLACE_BITS / 2;
    for (int64_t i = 0; i < part.count && fits; i++) {
        fits = c.ids[i] >= 0 && c.ids[i] < c.size;
        if (c.ids[i] >= kinds)
            kinds = c.ids[i] + 1;
    }
    PyObject *result = NULL;
    if (fits)
        result = order_items(&part, kinds, most);
    else
        PyErr_SetString(PyExc_ValueError, "the columns do not fit together");
    release(&c);
    return result;
}

/* --- columns ----------------------------------------------------------------------------------- */

/* Of some items, or of their operands in a slot: the first, the stride or 0, and if there is no
 * stride, how far each is from the first. */
static PyObject *column_of(const int64_t *item, int64_t count, const Columns *c, int64_t slot)
{
    const int64_t *const offset = c->offset;
#define NUMBER(k) (slot < 0 ? item[k] : c->operand[offset[item[k]] + slot])
    const uint64_t first = (uint64_t)NUMBER(0), stride = count > 1 ? (uint64_t)NUMBER(1) - first : 0;
    int64_t k = 2;
    while (k < count && (uint64_t)NUMBER(k) - first == (uint64_t)k * stride)
        k++;
    if (k >= count)
        return Py_BuildValue("LLO", (long long)first, (long long)stride, Py_None);
    PyObject *table = PyBytes_FromStringAndSize(NULL, count * (Py_ssize_t)sizeof(int64_t));
    if (table == NULL)
        return NULL;
    int64_t *to = (int64_t *)(void *)PyBytes_AS_STRING(table);
    for (k = 0; k < count; k++)
        to[k] = (int64_t)((uint64_t)NUMBER(k) - first);
#undef NUMBER
    return Py_BuildValue("LLN", (long long)first, 0LL, table);
}

/* The columns of the items of one group; NULL with an exception set. */
static PyObject *columns_of_group(const int64_t *item, int64_t count, const Columns *c)
{
    bool fits = count > 0;
    int64_t reads = 0;
    for (int64_t k = 0; k < count && fits; k++) {
        fits = item[k] >= 0 && item[k] < c->size;
        if (fits && k == 0)
            reads = c->offset[item[0] + 1] - c->offset[item[0]];
        fits = fits && c->offset[item[k] + 1] - c->offset[item[k]] == reads;
    }
    if (!fits) {
        PyErr_SetString(PyExc_ValueError, "the columns do not fit together");
        return NULL;
    }
    PyObject *columns = PyList_New(reads + 1);
    for (int64_t slot = -1; slot < reads && columns != NULL; slot++) {
        PyObject *column = column_of(item, count, c, slot);
        if (column == NULL)
            Py_CLEAR(columns);
        else
            PyList_SET_ITEM(columns, slot + 1, column);
    }
    return columns;
}

/* columns_of(ids, operands, offsets, order, edges) -> group by group, for the items themselves and
 * for their operands in each slot: the first, the stride, and a table of how far each is from the
 * first, or None */
PyObject *columns_of(PyObject *module, PyObject *args)
{
    (void)module;
    Columns c;
    Py_buffer order, edges;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*", &c.first, &c.operands, &c.offsets, &order, &edges))
        return NULL;
    if (!look_at(&c, true)) {
        PyBuffer_Release(&order);
        PyBuffer_Release(&edges);
        return NULL;
    }
    const int64_t *item = order.buf, *edge = edges.buf;
    const Py_ssize_t groups = edges.len / 8 - 1;
    PyObject *result = PyList_New(groups < 0 ? 0 : groups);
    for (Py_ssize_t g = 0; g < groups && result != NULL; g++) {
        const bool within = edge[g] >= 0 && edge[g] < edge[g + 1] && edge[g + 1] <= order.len / 8;
        PyObject *columns =
            within ? columns_of_group(item + edge[g], edge[g + 1] - edge[g], &c) : NULL;
        if (!within)
            PyErr_SetString(PyExc_ValueError, "the columns do not fit together");
        if (columns == NULL)
            Py_CLEAR(result);
        else
            PyList_SET_ITEM(result, g, columns);
    }
    PyBuffer_Release(&order);
    PyBuffer_Release(&edges);
    release(&c);
    return result;
}
