/* A node of the graph, as C sees it, and what the files of the native engine share.
 *
 * The plain engine, src/wengert/plain.py, is the readable meaning of all this; here is what makes
 * it fast. A node takes 80 bytes: it points at its operands, an operation is a small number, and
 * what only few nodes have is in an annex. */

#ifndef WENGERT_NODE_H
#define WENGERT_NODE_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <structmember.h>

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#if defined(__GNUC__) || defined(__clang__)
#define LIKELY(condition) __builtin_expect(!!(condition), 1)
#define UNLIKELY(condition) __builtin_expect(!!(condition), 0)
#define PREFETCH(address) __builtin_prefetch(address)
#else
#define LIKELY(condition) (condition)
#define UNLIKELY(condition) (condition)
#define PREFETCH(address) ((void)(address))
#endif

typedef struct Node Node;

/* For a node with more than two operands, with notes, or of a row that C does not know. */
typedef struct {
    PyObject *notes; /* wengert.node.Notes, or NULL */
    PyObject *row;   /* for OP_ROW */
    double constant; /* for the member of a family, as in x**3 */
    Py_ssize_t next; /* the operand that the traversal under way visits next */
    Py_ssize_t count;
    Node *operands[];
} Annex;

struct Node {
    PyObject_HEAD
    double data;
    union {
        double grad;
        Node *buried; /* once dead: the next dead node, see nodes.c */
    };
    union {
        Node *operands[2];
        struct {
            Node *operand;
            double constant;
        };
        Annex *annex;
        Node *free; /* once freed: the next free place of the slab */
    };
    /* From the low end: operation, number of operands (or ANNEXED), flags; from bit 16 on the
     * number of the last traversal that came here. At a billion traversals a second, 48 bits last
     * for three days, and at the ten million that Python can ask for, for a year. */
    uint64_t state;
    PyObject *weakrefs;
};

enum {
    OPERATION = 0xff,
    ARITY = 0x300,
    ARITY_SHIFT = 8,
    ANNEXED = 0x300, /* as the number of operands: they are in the annex */
    COLLECTED = 0x400, /* the cyclic collector knows the node */
    SEEN_SHIFT = 16,
};

static inline int op_of(const Node *node)
{
    return (int)(node->state & OPERATION);
}

static inline bool is_annexed(const Node *node)
{
    return (node->state & ARITY) == ANNEXED;
}

static inline Py_ssize_t arity_of(const Node *node)
{
    return is_annexed(node) ? node->annex->count
                            : (Py_ssize_t)((node->state & ARITY) >> ARITY_SHIFT);
}

static inline Node *const *operands_of(const Node *node)
{
    return is_annexed(node) ? node->annex->operands : node->operands;
}

static inline double constant_of(const Node *node)
{
    return is_annexed(node) ? node->annex->constant : node->constant;
}

static inline PyObject *notes_of(const Node *node)
{
    return is_annexed(node) ? node->annex->notes : NULL;
}

/* --- the type ---------------------------------------------------------------------------------- */

extern PyTypeObject *value_type;

static inline bool is_exact(PyObject *object)
{
    return Py_IS_TYPE(object, value_type);
}

static inline bool is_value(PyObject *object)
{
    return PyObject_TypeCheck(object, value_type);
}

/* --- slabs.c: memory --------------------------------------------------------------------------- */

/* What the cyclic collector keeps before an object; module.c makes sure of its size. */
enum { COLLECTOR_HEAD = 2 * sizeof(void *), PLACE = COLLECTOR_HEAD + sizeof(Node) };

enum { SLAB_SIZE = 1 << 20 };

typedef struct Slab {
    struct Slab *next, *previous; /* among the slabs that have room */
    Node *free;
    char *fresh, *end; /* the places that were never used */
    uint32_t used;
    bool has_room; /* it is in the list of those; the current slab is not */
} Slab;

extern Slab *current_slab;

Node *place_from_next_slab(void);
void slab_has_room(Slab *slab);
void trim_slabs(void);
Py_ssize_t slab_count(void);

static inline Node *fresh_place(Slab *slab)
{
    char *place = slab->fresh;
    slab->fresh = place + PLACE;
    memset(place, 0, PLACE);
    return (Node *)(place + COLLECTOR_HEAD);
}

#ifdef WENGERT_SANITIZE

/* A block for each node, so that the sanitizer sees every access to one that was freed. */
static inline Node *take_place(void)
{
    char *place = calloc(1, PLACE);
    if (place == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    return (Node *)(place + COLLECTOR_HEAD);
}

static inline void give_back(Node *node)
{
    free((char *)node - COLLECTOR_HEAD);
}

#else

/* Room for a node: its contents are not set. */
static inline Node *take_place(void)
{
    Slab *slab = current_slab;
    Node *node = slab->free;
    if (LIKELY(node != NULL))
        slab->free = node->free;
    else if (LIKELY(slab->fresh < slab->end))
        node = fresh_place(slab);
    else
        return place_from_next_slab();
    slab->used++;
    return node;
}

static inline void give_back(Node *node)
{
    Slab *slab = (Slab *)((uintptr_t)node & ~(uintptr_t)(SLAB_SIZE - 1));
    node->free = slab->free;
    slab->free = node;
    slab->used--;
    if (UNLIKELY(slab->used == 0 || !slab->has_room) && slab != current_slab)
        slab_has_room(slab);
}

#endif

/* --- nodes.c: making and freeing them ---------------------------------------------------------- */

extern bool surroundings_matter; /* whether `scope` or `debug_nans` was ever entered */

void show_to_collector(Node *node);
bool surround(Node *node);
Node *new_node(PyTypeObject *type);
Node *annexed_node(PyTypeObject *type, int op, Py_ssize_t count, Node *const *operands);
Annex *annex_of(Node *node);
bool set_operands(Node *node, PyObject *operands);
bool set_notes(Node *node, PyObject *notes);
bool set_row(Node *node, PyObject *row);
bool watch_own(Node *node);
void value_dealloc(PyObject *self);
int value_traverse(PyObject *self, visitproc visit, void *arg);
int value_clear(PyObject *self);
PyObject *value_alloc(PyTypeObject *type, Py_ssize_t items);

/* A node of the very type Value, but for its operands. */
static inline Node *exact_node(double data, uint64_t state)
{
    Node *node = take_place();
    if (UNLIKELY(node == NULL))
        return NULL;
    Py_SET_REFCNT((PyObject *)node, 1);
    Py_SET_TYPE((PyObject *)node, value_type); /* not counted: the type is never freed */
    node->data = data;
    node->grad = 0.0;
    node->state = state;
    node->weakrefs = NULL;
    return node;
}

static inline Node *leaf(double data)
{
    Node *node = exact_node(data, 0);
    if (LIKELY(node != NULL)) {
        node->operands[0] = node->operands[1] = NULL;
        if (UNLIKELY(surroundings_matter) && !surround(node))
            Py_CLEAR(node);
    }
    return node;
}

/* What every new node needs once it is complete; takes it over. */
static inline PyObject *finished(Node *node, uint64_t operands_state)
{
    if (UNLIKELY(operands_state & COLLECTED))
        show_to_collector(node);
    if (UNLIKELY(surroundings_matter) && !surround(node))
        Py_CLEAR(node);
    return (PyObject *)node;
}

/* The result of an operation on one exact Value; `constant` is for members of families. */
static inline PyObject *unary_with(double data, int op, Node *x, double constant)
{
    Node *node = exact_node(data, (uint64_t)op | 1 << ARITY_SHIFT);
    if (UNLIKELY(node == NULL))
        return NULL;
    node->operand = (Node *)Py_NewRef((PyObject *)x);
    node->constant = constant;
    return finished(node, x->state);
}

static inline PyObject *unary_of(double data, int op, Node *x)
{
    return unary_with(data, op, x, 0.0);
}

/* The result of an operation on two exact Values. */
static inline PyObject *binary_of(double data, int op, Node *x, Node *y)
{
    Node *node = exact_node(data, (uint64_t)op | 2 << ARITY_SHIFT);
    if (UNLIKELY(node == NULL))
        return NULL;
    node->operands[0] = (Node *)Py_NewRef((PyObject *)x);
    node->operands[1] = (Node *)Py_NewRef((PyObject *)y);
    return finished(node, x->state | y->state);
}

/* --- rows.c: operations ------------------------------------------------------------------------ */

bool load_rows(PyObject *primitives);
Py_ssize_t arity_of_op(int op);
bool op_of_row(PyObject *row, int *op, double *constant);
PyObject *row_of(Node *node);
PyObject *python_row(int op, double constant);
double call_row(int op, ...);
double call_scalar(PyObject *scalar, Py_ssize_t count, const double *numbers);
bool value_of(int op, double constant, PyObject *row, Py_ssize_t count, Node *const *operands,
              double *result);
bool push_in_python(Node *node);

/* --- graph.c: whole graphs --------------------------------------------------------------------- */

extern int sweeps; /* how many walks along graphs are under way: their nodes must stay */

PyObject *value_backward(PyObject *self, PyObject *unused);
PyObject *value_forward(PyObject *self, PyObject *unused);
PyObject *value_zero_grad(PyObject *self, PyObject *unused);
PyObject *topological_order(PyObject *module, PyObject *const *roots, Py_ssize_t count);

/* --- simplify.c: value numbering of programs --------------------------------------------------- */
PyObject *number_values(PyObject *module, PyObject *args);
PyObject *make_quickly(PyObject *module, PyObject *args);
PyObject *extent(PyObject *module, PyObject *const *args, Py_ssize_t count);

/* --- operators.c: building graphs -------------------------------------------------------------- */

enum { ADD, SUB, MUL, DIV, FLOORDIV, MOD, POW, OPERATORS };

/* The double of an exact float or int; false, with no exception, for all else. */
static inline bool plain_number(PyObject *object, double *number)
{
    if (LIKELY(PyFloat_CheckExact(object))) {
        *number = PyFloat_AS_DOUBLE(object);
        return true;
    }
    if (PyLong_CheckExact(object)) {
        *number = PyLong_AsDouble(object);
        if (*number == -1.0 && PyErr_Occurred()) {
            PyErr_Clear(); /* too large: Python decides */
            return false;
        }
        return true;
    }
    return false;
}

extern PyType_Slot operator_slots[];
extern PyMethodDef row_methods[];
bool load_operators(PyObject *operand_class);
PyObject *unary(int op, PyObject *x);
PyObject *operator_in_python(int which, bool reflected);
PyObject *ask_operand(int which, PyObject *x, PyObject *y, bool is_first);
int own_exponent(PyObject *given, double *exponent);
PyObject *call_primitive(PyObject *original, PyObject *const *args, Py_ssize_t count,
                         PyObject *keywords);
PyObject *value_apply(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *value_reduce(PyObject *self, PyObject *const *args, Py_ssize_t count);
PyObject *value_dot(PyObject *self, PyObject *const *args, Py_ssize_t count);

/* --- equation.c: whether addresses meet -------------------------------------------------------- */

PyObject *solvable(PyObject *module, PyObject *args);

/* --- fold.c, stretch.c, shapes.c and moves.c: finding loops ------------------------------------ */

PyObject *fold(PyObject *module, PyObject *args);
PyObject *kinds_of(PyObject *module, PyObject *args);
PyObject *hashes_of(PyObject *module, PyObject *args);
PyObject *strides_of(PyObject *module, PyObject *args);
PyObject *moves_of(PyObject *module, PyObject *args);
PyObject *ordered(PyObject *module, PyObject *args);
PyObject *changes_of(PyObject *module, PyObject *args);
PyObject *columns_of(PyObject *module, PyObject *args);

/* --- derive.c: derivatives of straight stretches ----------------------------------------------- */

PyObject *reversed_columns(PyObject *module, PyObject *args);
PyObject *tangents_of_columns(PyObject *module, PyObject *args);

/* --- sparsity.c and coloring.c: patterns of derivatives ----------------------------------------- */

PyObject *dependences(PyObject *module, PyObject *args);
PyObject *interactions(PyObject *module, PyObject *args);
PyObject *transposed(PyObject *module, PyObject *args);
PyObject *color_columns(PyObject *module, PyObject *args);
PyObject *color_stars(PyObject *module, PyObject *args);

/* --- tape.c, tracer.c: recording; see tape.h ---------------------------------------------------- */

PyObject *make_recorder(PyObject *module, PyObject *const *args, Py_ssize_t count);
PyObject *call_on_recorded(PyObject *const *args, Py_ssize_t count, bool *is_recorded);


/* --- machine.c: running programs --------------------------------------------------------------- */

PyObject *machine_of(PyObject *module, PyObject *args);
PyObject *run_machine(PyObject *module, PyObject *args);
PyObject *run_blocks(PyObject *module, PyObject *args);

/* --- short_call.c: calls of compiled functions ------------------------------------------------- */

PyObject *short_call(PyObject *module, PyObject *args);
bool ready_short_calls(void);

/* --- module.c: helpers written in Python ------------------------------------------------------- */

typedef struct {
    PyObject *surround, *checked_number, *compared, *push, *push_finite, *made_non_finite;
    PyObject *ambient, *node_init, *graph_error, *operand_error, *program_error;
} Python;

extern Python python;

bool number_of(PyObject *given, const char *where, double *number);

#endif
