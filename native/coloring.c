/* Coloring patterns, and turning them; src/wengert/derive/greedy.py and pattern.py have the
 * meaning. */

#include "node.h"

enum { LONG_ROW = 256 }; /* longer rows are not searched, but remember the colors in them */

typedef struct {
    Py_buffer starts, columns;
    const int64_t *start;
    const int32_t *column;
    int64_t rows, entries;
} Pattern;

static void release_pattern(Pattern *p)
{
    PyBuffer_Release(&p->starts);
    PyBuffer_Release(&p->columns);
}

/* Whether the rows are rows of columns below `width`. */
static bool look_at_pattern(Pattern *p, int64_t width)
{
    p->start = p->starts.buf;
    p->column = p->columns.buf;
    p->rows = (int64_t)(p->starts.len / 8) - 1;
    p->entries = (int64_t)(p->columns.len / 4);
    bool fits = p->rows >= 0 && p->rows < INT32_MAX && width >= 0 && width < INT32_MAX &&
                p->start[0] == 0 && p->start[p->rows] == p->entries;
    for (int64_t k = 0; k < p->rows && fits; k++)
        fits = p->start[k] <= p->start[k + 1] && p->start[k + 1] <= p->entries;
    for (int64_t k = 0; k < p->entries && fits; k++)
        fits = p->column[k] >= 0 && p->column[k] < width;
    if (!fits)
        PyErr_SetString(PyExc_ValueError, "the rows and columns do not fit together");
    return fits;
}

/* Whether each of so many vertices comes once; `seen` is zero at first. */
static bool is_order(const Py_buffer *order, int64_t count, int32_t *seen)
{
    const int32_t *vertex = order->buf;
    bool fits = (int64_t)(order->len / 4) == count;
    for (int64_t k = 0; k < count && fits; k++)
        fits = vertex[k] >= 0 && vertex[k] < count && !seen[vertex[k]]++;
    if (!fits)
        PyErr_SetString(PyExc_ValueError, "the order is not one of the vertices");
    return fits;
}

/* transposed(starts, columns, width) -> starts, rows, and the number of each entry, as bytes */
PyObject *transposed(PyObject *module, PyObject *args)
{
    (void)module;
    Pattern p;
    long long width;
    if (!PyArg_ParseTuple(args, "y*y*L", &p.starts, &p.columns, &width))
        return NULL;
    PyObject *starts = NULL, *rows = NULL, *entries = NULL, *result = NULL;
    int64_t *next = NULL;
    if (!look_at_pattern(&p, width))
        goto done;
    next = PyMem_Calloc((size_t)width + 2, sizeof *next);
    starts = PyBytes_FromStringAndSize(NULL, (width + 1) * (Py_ssize_t)sizeof(int64_t));
    rows = PyBytes_FromStringAndSize(NULL, p.entries * (Py_ssize_t)sizeof(int32_t));
    entries = PyBytes_FromStringAndSize(NULL, p.entries * (Py_ssize_t)sizeof(int64_t));
    if (next == NULL || starts == NULL || rows == NULL || entries == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    int32_t *row = (int32_t *)(void *)PyBytes_AS_STRING(rows);
    int64_t *entry = (int64_t *)(void *)PyBytes_AS_STRING(entries);
    for (int64_t k = 0; k < p.entries; k++)
        next[p.column[k] + 1]++;
    for (int64_t k = 0; k < width; k++)
        next[k + 1] += next[k];
    memcpy(PyBytes_AS_STRING(starts), next, ((size_t)width + 1) * sizeof *next);
    for (int64_t i = 0; i < p.rows; i++)
        for (int64_t k = p.start[i]; k < p.start[i + 1]; k++) {
            int64_t at = next[p.column[k]]++;
            row[at] = (int32_t)i;
            entry[at] = k;
        }
    result = PyTuple_Pack(3, starts, rows, entries);
done:
    PyMem_Free(next);
    Py_XDECREF(starts);
    Py_XDECREF(rows);
    Py_XDECREF(entries);
    release_pattern(&p);
    return result;
}

/* --- counts by row and color -------------------------------------------------------------------- */

/* Per row, a table of the colors in it, with a place for each of its entries: color % entries, or
 * where that is taken, the next. */
typedef struct {
    int32_t *colors; /* and 1 */
    int32_t *firsts, *counts;
} Table;

static bool open_table(Table *t, int64_t entries)
{
    size_t room = (size_t)entries + 1;
    t->colors = PyMem_Calloc(room, sizeof *t->colors);
    t->firsts = PyMem_Malloc(room * sizeof *t->firsts);
    t->counts = PyMem_Calloc(room, sizeof *t->counts);
    return t->colors != NULL && t->firsts != NULL && t->counts != NULL;
}

static void close_table(Table *t)
{
    PyMem_Free(t->colors);
    PyMem_Free(t->firsts);
    PyMem_Free(t->counts);
}

/* Where a color stands in a row, or would stand; -1 where there is no place left. */
static inline int64_t find_color(const Table *t, const Pattern *p, int32_t row, int32_t color)
{
    int64_t from = p->start[row], size = p->start[row + 1] - from;
    int64_t at = size > 0 ? color % size : 0;
    for (int64_t k = 0; k < size; k++) {
        int32_t found = t->colors[from + at];
        if (found == 0 || found == color + 1)
            return from + at;
        if (++at == size)
            at = 0;
    }
    return -1;
}

static inline int32_t count_color(const Table *t, const Pattern *p, int32_t row, int32_t color)
{
    int64_t at = find_color(t, p, row, color);
    return at < 0 ? 0 : t->counts[at];
}

/* Counts one more; where it stands, or -1 where there is no place left: only in patterns whose
 * rows and columns disagree. */
static inline int64_t put_color(Table *t, const Pattern *p, int32_t row, int32_t color,
                                int32_t first)
{
    int64_t at = find_color(t, p, row, color);
    if (at >= 0 && t->counts[at]++ == 0) {
        t->colors[at] = color + 1;
        t->firsts[at] = first;
    }
    return at;
}

/* --- columns ----------------------------------------------------------------------------------- */

typedef struct {
    Pattern rows, columns;
    int32_t *color, *forbidden; /* by column; by color, the last column to which it was forbidden */
    int32_t *below;             /* per row, all colors below are used in it */
    Table used;                 /* in long rows */
} Coloring;

static inline bool is_long(const Coloring *c, int32_t row)
{
    return c->rows.start[row + 1] - c->rows.start[row] > LONG_ROW;
}

static bool is_used(const Coloring *c, int32_t column, int32_t color)
{
    if (c->forbidden[color] == column + 1)
        return true;
    for (int64_t k = c->columns.start[column]; k < c->columns.start[column + 1]; k++) {
        int32_t row = c->columns.column[k];
        if (is_long(c, row) && count_color(&c->used, &c->rows, row, color))
            return true;
    }
    return false;
}

static void color_column(Coloring *c, int32_t column)
{
    int64_t from = c->columns.start[column], end = c->columns.start[column + 1];
    int32_t color = 0;
    bool any_long = false;
    for (int64_t k = from; k < end; k++) {
        int32_t row = c->columns.column[k];
        if (is_long(c, row)) {
            any_long = true;
            color = c->below[row] > color ? c->below[row] : color;
            continue;
        }
        for (int64_t j = c->rows.start[row]; j < c->rows.start[row + 1]; j++) {
            int32_t other = c->color[c->rows.column[j]];
            if (other >= 0)
                c->forbidden[other] = column + 1;
        }
    }
    while (is_used(c, column, color))
        color++;
    c->color[column] = color;
    for (int64_t k = from; k < end && any_long; k++) {
        int32_t row = c->columns.column[k];
        if (!is_long(c, row))
            continue;
        put_color(&c->used, &c->rows, row, color, column);
        while (count_color(&c->used, &c->rows, row, c->below[row]))
            c->below[row]++;
    }
}

/* color_columns(starts, columns, starts of the transposed, rows, order) -> colors, as bytes */
PyObject *color_columns(PyObject *module, PyObject *args)
{
    (void)module;
    Coloring c = {0};
    Py_buffer order;
    if (!PyArg_ParseTuple(args, "y*y*y*y*y*", &c.rows.starts, &c.rows.columns, &c.columns.starts,
                          &c.columns.columns, &order))
        return NULL;
    PyObject *colors = NULL;
    int64_t width = (int64_t)(c.columns.starts.len / 8) - 1;
    if (!look_at_pattern(&c.rows, width) || !look_at_pattern(&c.columns, c.rows.rows))
        goto done;
    c.forbidden = PyMem_Calloc((size_t)width + 1, sizeof *c.forbidden);
    c.below = PyMem_Calloc((size_t)c.rows.rows + 1, sizeof *c.below);
    colors = PyBytes_FromStringAndSize(NULL, width * (Py_ssize_t)sizeof(int32_t));
    if (c.forbidden == NULL || c.below == NULL || colors == NULL ||
        !open_table(&c.used, c.rows.entries)) {
        Py_CLEAR(colors);
        PyErr_NoMemory();
        goto done;
    }
    c.color = (int32_t *)(void *)PyBytes_AS_STRING(colors);
    if (!is_order(&order, width, c.forbidden)) {
        Py_CLEAR(colors);
        goto done;
    }
    memset(c.forbidden, 0, (size_t)width * sizeof *c.forbidden);
    for (int64_t k = 0; k < width; k++)
        c.color[k] = -1;
    for (int64_t k = 0; k < width; k++)
        color_column(&c, ((const int32_t *)order.buf)[k]);
done:
    PyMem_Free(c.forbidden);
    PyMem_Free(c.below);
    close_table(&c.used);
    release_pattern(&c.rows);
    release_pattern(&c.columns);
    PyBuffer_Release(&order);
    return colors;
}

/* --- stars ------------------------------------------------------------------------------------- */

typedef struct {
    Pattern graph;
    int32_t *color, *forbidden;
    Table around;         /* by vertex and color: how many neighbours, and the first */
    int32_t *hubs;        /* per vertex, the last link to a hub of a star in which it is a leaf */
    int32_t *hub, *before; /* links */
    int32_t links, most;
} Stars;

static inline void link_hub(Stars *s, int32_t leaf, int32_t hub)
{
    if (s->links == s->most)
        return; /* only where the pattern is not symmetric */
    s->hub[s->links] = hub;
    s->before[s->links] = s->hubs[leaf];
    s->hubs[leaf] = s->links++;
}

static inline int32_t neighbours_of_color(const Stars *s, int32_t vertex, int32_t color)
{
    return count_color(&s->around, &s->graph, vertex, color);
}

static void forbid(Stars *s, int32_t vertex)
{
    const Pattern *g = &s->graph;
    for (int64_t k = g->start[vertex]; k < g->start[vertex + 1]; k++) {
        int32_t w = g->column[k];
        if (w == vertex || s->color[w] < 0)
            continue;
        s->forbidden[s->color[w]] = vertex + 1;
        for (int32_t link = s->hubs[w]; link >= 0; link = s->before[link])
            s->forbidden[s->color[s->hub[link]]] = vertex + 1;
        if (neighbours_of_color(s, vertex, s->color[w]) < 2)
            continue;
        for (int64_t j = g->start[w]; j < g->start[w + 1]; j++) {
            int32_t x = g->column[j];
            if (x != w && s->color[x] >= 0)
                s->forbidden[s->color[x]] = vertex + 1;
        }
    }
}

static void color_vertex(Stars *s, int32_t vertex)
{
    const Pattern *g = &s->graph;
    forbid(s, vertex);
    int32_t color = 0;
    while (s->forbidden[color] == vertex + 1)
        color++;
    s->color[vertex] = color;
    for (int64_t k = g->start[vertex]; k < g->start[vertex + 1]; k++) {
        int32_t w = g->column[k];
        if (w == vertex)
            continue;
        int64_t at = put_color(&s->around, &s->graph, w, color, vertex);
        if (s->color[w] < 0 || at < 0)
            continue;
        if (s->around.counts[at] == 2)
            link_hub(s, s->around.firsts[at], w);
        if (s->around.counts[at] >= 2)
            link_hub(s, vertex, w);
        if (neighbours_of_color(s, vertex, s->color[w]) > 1)
            link_hub(s, w, vertex);
    }
}

/* color_stars(starts, columns, order) -> colors, as bytes */
PyObject *color_stars(PyObject *module, PyObject *args)
{
    (void)module;
    Stars s = {0};
    Py_buffer order;
    if (!PyArg_ParseTuple(args, "y*y*y*", &s.graph.starts, &s.graph.columns, &order))
        return NULL;
    PyObject *colors = NULL;
    int64_t size = (int64_t)(s.graph.starts.len / 8) - 1;
    if (!look_at_pattern(&s.graph, size))
        goto done;
    if (s.graph.entries >= INT32_MAX / 2) {
        PyErr_SetString(PyExc_ValueError, "the pattern has too many entries");
        goto done;
    }
    s.most = (int32_t)s.graph.entries * 2;
    s.forbidden = PyMem_Calloc((size_t)size + 1, sizeof *s.forbidden);
    s.hubs = PyMem_Malloc(((size_t)size + 1) * sizeof *s.hubs);
    s.hub = PyMem_Malloc(((size_t)s.most + 1) * sizeof *s.hub);
    s.before = PyMem_Malloc(((size_t)s.most + 1) * sizeof *s.before);
    colors = PyBytes_FromStringAndSize(NULL, size * (Py_ssize_t)sizeof(int32_t));
    if (s.forbidden == NULL || s.hubs == NULL || s.hub == NULL || s.before == NULL ||
        colors == NULL || !open_table(&s.around, s.graph.entries)) {
        Py_CLEAR(colors);
        PyErr_NoMemory();
        goto done;
    }
    s.color = (int32_t *)(void *)PyBytes_AS_STRING(colors);
    if (!is_order(&order, size, s.forbidden)) {
        Py_CLEAR(colors);
        goto done;
    }
    memset(s.forbidden, 0, (size_t)size * sizeof *s.forbidden);
    for (int64_t k = 0; k < size; k++)
        s.color[k] = s.hubs[k] = -1;
    for (int64_t k = 0; k < size; k++)
        color_vertex(&s, ((const int32_t *)order.buf)[k]);
done:
    PyMem_Free(s.forbidden);
    PyMem_Free(s.hubs);
    PyMem_Free(s.hub);
    PyMem_Free(s.before);
    close_table(&s.around);
    release_pattern(&s.graph);
    PyBuffer_Release(&order);
    return colors;
}
