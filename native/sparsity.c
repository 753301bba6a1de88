/* Sets of columns in a graph of places; src/wengert/derive/reach.py has the meaning.
 *
 * A set is a row of blocks, each of 64 columns of which one at least is in the set, ascending.
 * Equal sets are kept once, so that the same two meet once however often they do. */

#include "node.h"

enum { NONE = -1, OPEN = -2, EMPTY = 0 }; /* instead of the number of a set */

typedef struct {
    Py_buffer columns, targets, sources, roots;
    int64_t count, inputs, width, edges, asked;
    const int32_t *column, *target, *source, *root;
} Graph;

typedef struct {
    int64_t *starts; /* of the blocks of each set */
    uint64_t *hashes;
    size_t count, room;
    uint64_t *bits;
    int32_t *blocks;
    size_t used, blocks_room;
    int32_t *table; /* the number of a set, and 1 */
    size_t table_room; /* a power of two */
    uint64_t *gathering; /* by block, the set in the making */
    int32_t *touched;    /* the blocks in it */
    int64_t touched_count, width;
} Sets;

typedef struct {
    int32_t *head, *read; /* the cells that each one depends on */
    int32_t *number, *low, *cursor, *path, *waiting;
    int32_t *order;        /* live cells by component, operands first; the last of one is ~cell */
    int32_t *uses, *set;   /* how many read it, and its set */
    uint8_t *wanted;
    int64_t live;
    Sets sets;
} Reach;

static void *fail(void)
{
    PyErr_NoMemory();
    return NULL;
}

/* The array with room for `wanted` items or more; NULL after an error, which leaves it as it was. */
static void *with_room(void *array, size_t *room, size_t wanted, size_t item_size)
{
    if (wanted <= *room)
        return array;
    size_t more = *room * 2 > wanted ? *room * 2 : wanted + 64;
    void *grown = more > PY_SSIZE_T_MAX / item_size ? NULL : PyMem_Realloc(array, more * item_size);
    if (grown == NULL)
        return fail();
    *room = more;
    return grown;
}

static inline uint64_t mixed(uint64_t x)
{
    x *= 0x9E3779B97F4A7C15u;
    return x ^ x >> 32;
}

static inline int lowest_bit(uint64_t bits)
{
#if defined(__GNUC__)
    return __builtin_ctzll(bits);
#else
    int at = 0;
    while (!(bits >> at & 1))
        at++;
    return at;
#endif
}

/* --- what is given ----------------------------------------------------------------------------- */

static void release_graph(Graph *g)
{
    PyBuffer_Release(&g->columns);
    PyBuffer_Release(&g->targets);
    PyBuffer_Release(&g->sources);
    PyBuffer_Release(&g->roots);
}

static bool within(const int32_t *numbers, int64_t count, int64_t low, int64_t high)
{
    int32_t least = INT32_MAX, most = INT32_MIN;
    for (int64_t k = 0; k < count; k++) {
        least = numbers[k] < least ? numbers[k] : least;
        most = numbers[k] > most ? numbers[k] : most;
    }
    return count == 0 || (least >= low && most < high);
}

/* Whether all numbers are those of cells and columns. Releases the graph if not. */
static bool look_at_graph(Graph *g)
{
    g->column = g->columns.buf;
    g->target = g->targets.buf;
    g->source = g->sources.buf;
    g->root = g->roots.buf;
    g->inputs = (int64_t)(g->columns.len / 4);
    g->edges = (int64_t)(g->targets.len / 4);
    g->asked = (int64_t)(g->roots.len / 4);
    bool fits = g->count >= g->inputs && g->count < INT32_MAX && g->width >= 0 &&
                g->width < INT32_MAX && g->edges < INT32_MAX && g->asked < INT32_MAX &&
                (int64_t)(g->sources.len / 4) == g->edges &&
                within(g->column, g->inputs, -1, g->width) &&
                within(g->target, g->edges, g->inputs, g->count) &&
                within(g->source, g->edges, 0, g->count) && within(g->root, g->asked, 0, g->count);
    if (!fits) {
        PyErr_SetString(PyExc_ValueError, "the cells and columns do not fit together");
        release_graph(g);
    }
    return fits;
}

/* --- sets -------------------------------------------------------------------------------------- */

static bool more_sets(Sets *s)
{
    size_t room = s->room;
    int64_t *starts = with_room(s->starts, &room, s->count + 2, sizeof *starts);
    if (starts == NULL)
        return false;
    s->starts = starts;
    room = s->room;
    uint64_t *hashes = with_room(s->hashes, &room, s->count + 2, sizeof *hashes);
    if (hashes == NULL)
        return false;
    s->hashes = hashes;
    s->room = room;
    return true;
}

static bool more_blocks(Sets *s, size_t wanted)
{
    size_t room = s->blocks_room;
    uint64_t *bits = with_room(s->bits, &room, wanted, sizeof *bits);
    if (bits == NULL)
        return false;
    s->bits = bits;
    room = s->blocks_room;
    int32_t *blocks = with_room(s->blocks, &room, wanted, sizeof *blocks);
    if (blocks == NULL)
        return false;
    s->blocks = blocks;
    s->blocks_room = room;
    return true;
}

static bool same_blocks(const Sets *s, size_t a, int64_t start, int64_t size)
{
    int64_t from = s->starts[a];
    return s->starts[a + 1] - from == size &&
           memcmp(s->bits + from, s->bits + start, (size_t)size * sizeof *s->bits) == 0 &&
           memcmp(s->blocks + from, s->blocks + start, (size_t)size * sizeof *s->blocks) == 0;
}

static bool more_table(Sets *s)
{
    size_t room = s->table_room * 2;
    int32_t *table = PyMem_Calloc(room, sizeof *table);
    if (table == NULL)
        return fail() != NULL;
    for (size_t k = 0; k < s->count; k++) {
        size_t at = s->hashes[k] & (room - 1);
        while (table[at])
            at = (at + 1) & (room - 1);
        table[at] = (int32_t)k + 1;
    }
    PyMem_Free(s->table);
    s->table = table;
    s->table_room = room;
    return true;
}

/* The number of the set whose blocks have just been put behind the others; NONE after an error. */
static int32_t number_set(Sets *s, int64_t size)
{
    int64_t start = s->starts[s->count];
    uint64_t hash = 0;
    for (int64_t k = start; k < start + size; k++) {
        hash = mixed(hash ^ s->bits[k]);
        hash = mixed(hash ^ (uint64_t)s->blocks[k]);
    }
    size_t at = hash & (s->table_room - 1);
    for (; s->table[at]; at = (at + 1) & (s->table_room - 1)) {
        size_t known = (size_t)s->table[at] - 1;
        if (s->hashes[known] == hash && same_blocks(s, known, start, size))
            return (int32_t)known;
    }
    if (s->count + 2 > s->room && !more_sets(s))
        return NONE;
    s->table[at] = (int32_t)s->count + 1;
    s->hashes[s->count++] = hash;
    s->starts[s->count] = start + size;
    if (s->count * 2 > s->table_room && !more_table(s))
        return NONE;
    return (int32_t)s->count - 1;
}

static bool open_sets(Sets *s, int64_t width)
{
    size_t blocks = (size_t)(width + 63) / 64 + 1;
    s->width = (int64_t)blocks;
    s->table_room = 1024;
    s->table = PyMem_Calloc(s->table_room, sizeof *s->table);
    s->gathering = PyMem_Calloc(blocks, sizeof *s->gathering);
    s->touched = PyMem_Malloc(blocks * sizeof *s->touched);
    if (s->table == NULL || s->gathering == NULL || s->touched == NULL)
        return fail() != NULL;
    if (!more_sets(s) || !more_blocks(s, 64))
        return false;
    s->starts[0] = 0;
    return number_set(s, 0) == EMPTY;
}

static void close_sets(Sets *s)
{
    PyMem_Free(s->starts);
    PyMem_Free(s->hashes);
    PyMem_Free(s->bits);
    PyMem_Free(s->blocks);
    PyMem_Free(s->table);
    PyMem_Free(s->gathering);
    PyMem_Free(s->touched);
}

/* The set of one column. */
static int32_t single(Sets *s, int32_t column)
{
    size_t at = (size_t)s->starts[s->count];
    if (at + 1 > s->blocks_room && !more_blocks(s, at + 1))
        return NONE;
    s->blocks[at] = column / 64;
    s->bits[at] = (uint64_t)1 << column % 64;
    return number_set(s, 1);
}

/* Puts a set into the one in the making. */
static inline void gather(Sets *s, int32_t set)
{
    for (int64_t k = s->starts[set]; k < s->starts[set + 1]; k++) {
        int32_t block = s->blocks[k];
        if (!s->gathering[block])
            s->touched[s->touched_count++] = block;
        s->gathering[block] |= s->bits[k];
    }
}

static int ascending(const void *a, const void *b)
{
    int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Brings the blocks of the set in the making into order. */
static void sort_touched(Sets *s)
{
    int32_t *touched = s->touched;
    int64_t count = s->touched_count;
    if (count > 16 && count > s->width / 16) {
        count = 0;
        for (int64_t block = 0; block < s->width; block++)
            if (s->gathering[block])
                touched[count++] = (int32_t)block;
    } else if (count > 16) {
        qsort(touched, (size_t)count, sizeof *touched, ascending);
    } else {
        for (int64_t k = 1; k < count; k++) {
            int32_t block = touched[k];
            int64_t at = k;
            for (; at > 0 && touched[at - 1] > block; at--)
                touched[at] = touched[at - 1];
            touched[at] = block;
        }
    }
}

/* The number of the set in the making. */
static int32_t gathered(Sets *s)
{
    int64_t count = s->touched_count;
    size_t at = (size_t)s->starts[s->count];
    if (at + (size_t)count > s->blocks_room && !more_blocks(s, at + (size_t)count))
        return NONE;
    sort_touched(s);
    for (int64_t k = 0; k < count; k++) {
        int32_t block = s->touched[k];
        s->blocks[at + (size_t)k] = block;
        s->bits[at + (size_t)k] = s->gathering[block];
        s->gathering[block] = 0;
    }
    s->touched_count = 0;
    return number_set(s, count);
}

/* --- the graph --------------------------------------------------------------------------------- */

static void close_reach(Reach *r)
{
    PyMem_Free(r->head);
    PyMem_Free(r->read);
    PyMem_Free(r->number);
    PyMem_Free(r->low);
    PyMem_Free(r->cursor);
    PyMem_Free(r->path);
    PyMem_Free(r->waiting);
    PyMem_Free(r->order);
    PyMem_Free(r->uses);
    PyMem_Free(r->set);
    PyMem_Free(r->wanted);
    close_sets(&r->sets);
}

static bool open_reach(Reach *r, const Graph *g)
{
    size_t cells = (size_t)g->count + 2, edges = (size_t)g->edges + 1;
    int32_t **arrays[] = {&r->number, &r->low,  &r->cursor, &r->path,
                          &r->waiting, &r->order, &r->uses,  &r->set, &r->head};
    r->read = PyMem_Malloc(edges * sizeof *r->read);
    r->wanted = PyMem_Calloc(cells, 1);
    bool done = r->read != NULL && r->wanted != NULL;
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++) {
        *arrays[k] = PyMem_Calloc(cells, sizeof **arrays[k]);
        done = done && *arrays[k] != NULL;
    }
    return done ? open_sets(&r->sets, g->width) : fail() != NULL;
}

/* Sorts the edges by target. */
static void collect_reads(Reach *r, const Graph *g)
{
    int32_t *head = r->head;
    for (int64_t k = 0; k < g->edges; k++)
        head[g->target[k] + 2]++;
    for (int64_t k = 2; k < g->count + 2; k++)
        head[k] += head[k - 1];
    for (int64_t k = 0; k < g->edges; k++)
        r->read[head[g->target[k] + 1]++] = g->source[k];
}

/* Tarjan's strongly connected components of all that the roots depend on. */
static void find_components(Reach *r, const Graph *g)
{
    int32_t *number = r->number, *low = r->low, *path = r->path, *waiting = r->waiting;
    int32_t clock = 0, depth = 0, held = 0;
    for (int64_t k = 0; k < g->asked; k++) {
        int32_t entered = number[g->root[k]] ? NONE : g->root[k];
        while (depth > 0 || entered != NONE) {
            if (entered != NONE) {
                number[entered] = low[entered] = ++clock;
                r->cursor[entered] = r->head[entered];
                path[depth++] = waiting[held++] = entered;
                entered = NONE;
            }
            int32_t cell = path[depth - 1];
            while (r->cursor[cell] < r->head[cell + 1]) {
                int32_t source = r->read[r->cursor[cell]++];
                r->uses[source]++;
                if (!number[source]) {
                    entered = source;
                    break;
                }
                if (low[source] && number[source] < low[cell]) /* 0 where it is complete */
                    low[cell] = number[source];
            }
            if (entered != NONE)
                continue;
            depth--;
            if (depth > 0 && low[cell] < low[path[depth - 1]])
                low[path[depth - 1]] = low[cell];
            if (low[cell] != number[cell])
                continue;
            int32_t member;
            do {
                member = waiting[--held];
                low[member] = 0;
                r->order[r->live++] = member == cell ? ~member : member;
            } while (member != cell);
        }
    }
}

/* The set of all that a component depends on; NONE after an error. */
static int32_t set_of_component(Reach *r, const int32_t *members, int64_t size)
{
    Sets *s = &r->sets;
    int32_t *waiting = r->path;
    int64_t held = size;
    int32_t only = NONE;
    bool several = false;
    for (int64_t k = 0; k < size; k++) {
        waiting[k] = members[k] < 0 ? ~members[k] : members[k];
        r->set[waiting[k]] = OPEN;
    }
    while (held > 0) {
        int32_t cell = waiting[--held];
        for (int32_t k = r->head[cell]; k < r->head[cell + 1]; k++) {
            int32_t source = r->read[k], set = r->set[source];
            if (set == NONE)
                waiting[held++] = source; /* it is read here alone, so it comes once */
            else if (set > EMPTY && set != only) {
                if (only == NONE) {
                    only = set;
                    continue;
                }
                if (!several)
                    gather(s, only);
                several = true;
                gather(s, set);
            }
        }
    }
    return several ? gathered(s) : only == NONE ? EMPTY : only;
}

static bool find_sets(Reach *r, const Graph *g)
{
    for (int64_t k = 0; k < g->count; k++)
        r->set[k] = NONE;
    for (int64_t k = 0; k < g->inputs; k++) {
        r->set[k] = g->column[k] < 0 ? EMPTY : single(&r->sets, g->column[k]);
        if (r->set[k] == NONE)
            return false;
    }
    for (int64_t k = 0; k < r->live;) {
        int64_t end = k;
        while (r->order[end] >= 0)
            end++;
        end++;
        int32_t first = r->order[k] < 0 ? ~r->order[k] : r->order[k];
        bool inlined = end == k + 1 && r->uses[first] == 1 && !r->wanted[first];
        if (first >= g->inputs && !inlined) {
            int32_t set = set_of_component(r, r->order + k, end - k);
            if (set == NONE)
                return false;
            for (int64_t j = k; j < end; j++)
                r->set[r->order[j] < 0 ? ~r->order[j] : r->order[j]] = set;
        }
        k = end;
    }
    return true;
}

/* --- rows of columns --------------------------------------------------------------------------- */

/* How many columns a row of blocks has. */
static int64_t population(const uint64_t *bits, int64_t count)
{
    int64_t total = 0;
    for (int64_t k = 0; k < count; k++)
        for (uint64_t left = bits[k]; left; left &= left - 1)
            total++;
    return total;
}

static int32_t *put_block(int32_t *to, int32_t block, uint64_t bits)
{
    for (; bits; bits &= bits - 1)
        *to++ = block * 64 + lowest_bit(bits);
    return to;
}

static PyObject *rows_of_roots(const Reach *r, const Graph *g)
{
    const Sets *s = &r->sets;
    PyObject *result = NULL, *columns = NULL;
    PyObject *starts = PyBytes_FromStringAndSize(NULL, (g->asked + 1) * (Py_ssize_t)sizeof(int64_t));
    if (starts == NULL)
        return NULL;
    int64_t *start = (int64_t *)(void *)PyBytes_AS_STRING(starts);
    start[0] = 0;
    for (int64_t k = 0; k < g->asked; k++) {
        int32_t set = r->set[g->root[k]];
        int64_t from = s->starts[set];
        start[k + 1] = start[k] + population(s->bits + from, s->starts[set + 1] - from);
    }
    columns = PyBytes_FromStringAndSize(NULL, start[g->asked] * (Py_ssize_t)sizeof(int32_t));
    if (columns != NULL) {
        int32_t *to = (int32_t *)(void *)PyBytes_AS_STRING(columns);
        for (int64_t k = 0; k < g->asked; k++) {
            int32_t set = r->set[g->root[k]];
            for (int64_t b = s->starts[set]; b < s->starts[set + 1]; b++)
                to = put_block(to, s->blocks[b], s->bits[b]);
        }
        result = PyTuple_Pack(2, starts, columns);
    }
    Py_DECREF(starts);
    Py_XDECREF(columns);
    return result;
}

/* dependences(count, columns, targets, sources, roots, width) -> starts and columns, as bytes */
PyObject *dependences(PyObject *module, PyObject *args)
{
    (void)module;
    Graph g;
    long long count, width;
    if (!PyArg_ParseTuple(args, "Ly*y*y*y*L", &count, &g.columns, &g.targets, &g.sources, &g.roots,
                          &width))
        return NULL;
    g.count = count;
    g.width = width;
    if (!look_at_graph(&g))
        return NULL;
    Reach r = {0};
    PyObject *rows = NULL;
    if (open_reach(&r, &g)) {
        collect_reads(&r, &g);
        for (int64_t k = 0; k < g.asked; k++)
            r.wanted[g.root[k]] = 1;
        find_components(&r, &g);
        if (find_sets(&r, &g))
            rows = rows_of_roots(&r, &g);
    }
    close_reach(&r);
    release_graph(&g);
    return rows;
}

/* --- second derivatives ------------------------------------------------------------------------ */

typedef struct {
    Py_buffer owners, left, right;
    const int32_t *owner, *a, *b;
    int64_t count;
} Meetings;

typedef struct {
    uint64_t *pairs; /* of sets that meet, each once */
    size_t count, room;
    uint64_t *table; /* a pair, or 0: the empty set meets none */
    size_t table_room;
    int64_t *starts; /* per column, the sets that meet it */
    int32_t *met;
} Met;

static bool put_pair(Met *m, uint64_t pair)
{
    if (m->count * 2 >= m->table_room) {
        size_t room = m->table_room ? m->table_room * 2 : 1024;
        uint64_t *table = PyMem_Calloc(room, sizeof *table);
        if (table == NULL)
            return fail() != NULL;
        for (size_t k = 0; k < m->count; k++) {
            size_t at = mixed(m->pairs[k]) & (room - 1);
            while (table[at])
                at = (at + 1) & (room - 1);
            table[at] = m->pairs[k];
        }
        PyMem_Free(m->table);
        m->table = table;
        m->table_room = room;
    }
    size_t at = mixed(pair) & (m->table_room - 1);
    while (m->table[at] && m->table[at] != pair)
        at = (at + 1) & (m->table_room - 1);
    if (m->table[at])
        return true;
    uint64_t *pairs = with_room(m->pairs, &m->room, m->count + 1, sizeof *pairs);
    if (pairs == NULL)
        return false;
    m->pairs = pairs;
    m->table[at] = m->pairs[m->count++] = pair;
    return true;
}

static bool find_pairs(Met *m, const Reach *r, const Meetings *given)
{
    for (int64_t k = 0; k < given->count; k++) {
        if (!r->number[given->owner[k]])
            continue;
        int32_t a = r->set[given->a[k]], b = r->set[given->b[k]];
        if (a <= EMPTY || b <= EMPTY)
            continue;
        if (!put_pair(m, a < b ? (uint64_t)a << 32 | (uint32_t)b : (uint64_t)b << 32 | (uint32_t)a))
            return false;
    }
    return true;
}

/* Counts a set for each column of another; or puts it down, if there is somewhere. */
static void meet(const Sets *s, int32_t set, int32_t other, int64_t *starts, int32_t *met)
{
    for (int64_t k = s->starts[set]; k < s->starts[set + 1]; k++)
        for (uint64_t bits = s->bits[k]; bits; bits &= bits - 1) {
            int64_t *at = &starts[s->blocks[k] * 64 + lowest_bit(bits)];
            if (met != NULL)
                met[*at] = other;
            ++*at;
        }
}

static void meet_all(const Met *m, const Sets *s, int64_t *starts, int32_t *met)
{
    for (size_t k = 0; k < m->count; k++) {
        int32_t a = (int32_t)(m->pairs[k] >> 32), b = (int32_t)(m->pairs[k] & 0xFFFFFFFFu);
        meet(s, a, b, starts, met);
        if (a != b)
            meet(s, b, a, starts, met);
    }
}

/* Sorts what meets by column. */
static bool sort_met(Met *m, const Sets *s, int64_t width)
{
    m->starts = PyMem_Calloc((size_t)width + 2, sizeof *m->starts);
    if (m->starts == NULL)
        return fail() != NULL;
    meet_all(m, s, m->starts + 2, NULL);
    for (int64_t k = 2; k < width + 2; k++)
        m->starts[k] += m->starts[k - 1];
    m->met = PyMem_Malloc(((size_t)m->starts[width + 1] + 1) * sizeof *m->met);
    if (m->met == NULL)
        return fail() != NULL;
    meet_all(m, s, m->starts + 1, m->met);
    return true;
}

/* Whether all columns are in the set in the making. */
static bool is_full(const Sets *s, int64_t width)
{
    if (s->touched_count < (width + 63) / 64)
        return false;
    for (int64_t block = 0; block < width / 64; block++)
        if (~s->gathering[block])
            return false;
    return width % 64 == 0 || s->gathering[width / 64] == ((uint64_t)1 << width % 64) - 1;
}

static PyObject *rows_of_met(const Met *m, Sets *s, int64_t width)
{
    size_t room = 0, used = 0;
    int32_t *columns = NULL;
    PyObject *starts = PyBytes_FromStringAndSize(NULL, (width + 1) * (Py_ssize_t)sizeof(int64_t));
    PyObject *result = NULL;
    if (starts == NULL)
        return NULL;
    int64_t *start = (int64_t *)(void *)PyBytes_AS_STRING(starts);
    start[0] = 0;
    for (int64_t row = 0; row < width; row++) {
        for (int64_t k = m->starts[row + 1]; k-- > m->starts[row];) { /* the largest are last */
            gather(s, m->met[k]);
            if (k % 16 == 0 && is_full(s, width))
                break;
        }
        sort_touched(s);
        int32_t *grown = with_room(columns, &room, used + (size_t)s->touched_count * 64 + 1,
                                   sizeof *columns);
        if (grown == NULL)
            goto done;
        columns = grown;
        int32_t *to = columns + used;
        for (int64_t k = 0; k < s->touched_count; k++) {
            int32_t block = s->touched[k];
            to = put_block(to, block, s->gathering[block]);
            s->gathering[block] = 0;
        }
        s->touched_count = 0;
        used = (size_t)(to - columns);
        start[row + 1] = (int64_t)used;
    }
    result = Py_BuildValue("Oy#", starts, columns == NULL ? "" : (char *)columns,
                           (Py_ssize_t)(used * sizeof *columns));
done:
    PyMem_Free(columns);
    Py_DECREF(starts);
    return result;
}

/* interactions(count, columns, targets, sources, roots, width, owners, left, right)
 * -> starts and columns, as bytes */
PyObject *interactions(PyObject *module, PyObject *args)
{
    (void)module;
    Graph g;
    Meetings given;
    long long count, width;
    if (!PyArg_ParseTuple(args, "Ly*y*y*y*Ly*y*y*", &count, &g.columns, &g.targets, &g.sources,
                          &g.roots, &width, &given.owners, &given.left, &given.right))
        return NULL;
    g.count = count;
    g.width = width;
    given.owner = given.owners.buf;
    given.a = given.left.buf;
    given.b = given.right.buf;
    given.count = (int64_t)(given.owners.len / 4);
    Reach r = {0};
    Met m = {0};
    PyObject *rows = NULL;
    if (look_at_graph(&g)) {
        if ((int64_t)(given.left.len / 4) != given.count ||
            (int64_t)(given.right.len / 4) != given.count ||
            !within(given.owner, given.count, 0, g.count) ||
            !within(given.a, given.count, 0, g.count) || !within(given.b, given.count, 0, g.count))
            PyErr_SetString(PyExc_ValueError, "the meetings are not those of cells");
        else if (open_reach(&r, &g)) {
            collect_reads(&r, &g);
            find_components(&r, &g);
            for (int64_t k = 0; k < given.count; k++)
                if (r.number[given.owner[k]])
                    r.wanted[given.a[k]] = r.wanted[given.b[k]] = 1;
            if (find_sets(&r, &g) && find_pairs(&m, &r, &given) && sort_met(&m, &r.sets, g.width))
                rows = rows_of_met(&m, &r.sets, g.width);
        }
        close_reach(&r);
        release_graph(&g);
    }
    PyMem_Free(m.pairs);
    PyMem_Free(m.table);
    PyMem_Free(m.starts);
    PyMem_Free(m.met);
    PyBuffer_Release(&given.owners);
    PyBuffer_Release(&given.left);
    PyBuffer_Release(&given.right);
    return rows;
}
