/* Making nodes, changing what they hold, and freeing them.
 *
 * Nodes point at older nodes only, so they form no cycles, and the cyclic collector need not know
 * them: it would cost more than all else. There is one exception. An operation of the user's own
 * has a closure, which may refer to any node made later. So the collector is shown such a node, and
 * every node that depends on one: a cycle can lead through no others. */

#include "node.h"
#include "rows.h"

bool surroundings_matter;

static const char SWEEPING[] =
    "The operands of a node cannot change while backward, forward or zero_grad runs.";

/* --- making them ------------------------------------------------------------------------------- */

void show_to_collector(Node *node)
{
    if (!(node->state & COLLECTED)) {
        node->state |= COLLECTED;
        if (is_exact((PyObject *)node))
            PyObject_GC_Track(node);
    }
}

/* Let Python note what `scope` and `debug_nans` ask for; false if that raises. */
bool surround(Node *node)
{
    PyObject *ambient;
    if (PyContextVar_Get(python.ambient, NULL, &ambient) < 0)
        return false;
    bool inside = ambient != Py_None;
    Py_XDECREF(ambient);
    if (!inside)
        return true;
    PyObject *done = PyObject_CallOneArg(python.surround, (PyObject *)node);
    Py_XDECREF(done);
    return done != NULL;
}

/* A leaf with the number 0 of Value or a subclass. */
Node *new_node(PyTypeObject *type)
{
    return (Node *)type->tp_alloc(type, 0);
}

PyObject *value_alloc(PyTypeObject *type, Py_ssize_t items)
{
    if (type != value_type)
        return PyType_GenericAlloc(type, items);
    Node *node = exact_node(0.0, 0);
    if (node != NULL)
        node->operands[0] = node->operands[1] = NULL;
    return (PyObject *)node;
}

static Annex *new_annex(Py_ssize_t count)
{
    Annex *annex = PyMem_Calloc(1, sizeof(Annex) + (size_t)count * sizeof(Node *));
    if (annex == NULL)
        PyErr_NoMemory();
    else
        annex->count = count;
    return annex;
}

/* The node's annex, which it gets if it has none; NULL with MemoryError set. */
Annex *annex_of(Node *node)
{
    if (is_annexed(node))
        return node->annex;
    Py_ssize_t count = arity_of(node);
    Annex *annex = new_annex(count);
    if (annex == NULL)
        return NULL;
    for (Py_ssize_t k = 0; k < count; k++)
        annex->operands[k] = node->operands[k];
    if (count == 1)
        annex->constant = node->constant;
    node->annex = annex;
    node->state |= ANNEXED;
    return annex;
}

/* --- changing what they hold ------------------------------------------------------------------- */

static bool fits(int op, Py_ssize_t count)
{
    if (op <= OP_ROW || count == 0 || count == arity_of_op(op))
        return true;
    PyErr_SetString(python.graph_error, "A node's row and its operands do not fit.");
    return false;
}

/* Give a node other operands, a tuple. */
bool set_operands(Node *node, PyObject *operands)
{
    if (!PyTuple_Check(operands)) {
        PyErr_SetString(python.operand_error, "_operands is a tuple of Values.");
        return false;
    }
    Py_ssize_t count = PyTuple_GET_SIZE(operands), before = arity_of(node);
    if (count == 0 && before == 0)
        return true;
    if (before > 0 && sweeps > 0) {
        PyErr_SetString(python.graph_error, SWEEPING);
        return false;
    }
    if (!fits(op_of(node), count))
        return false;
    uint64_t states = 0;
    for (Py_ssize_t k = 0; k < count; k++) {
        PyObject *operand = PyTuple_GET_ITEM(operands, k);
        if (!is_value(operand)) {
            PyErr_SetString(python.operand_error, "_operands is a tuple of Values.");
            return false;
        }
        states |= ((Node *)operand)->state;
    }
    Annex *annex = new_annex(count);
    if (annex == NULL)
        return false;
    for (Py_ssize_t k = 0; k < count; k++)
        annex->operands[k] = (Node *)Py_NewRef(PyTuple_GET_ITEM(operands, k));
    annex->constant = before <= 1 ? constant_of(node) : 0.0;

    Annex *old = annex_of(node);
    if (old == NULL) {
        for (Py_ssize_t k = 0; k < count; k++)
            Py_DECREF(annex->operands[k]);
        PyMem_Free(annex);
        return false;
    }
    annex->notes = old->notes;
    annex->row = old->row;
    node->annex = annex;
    if (count <= 2 && annex->notes == NULL && annex->row == NULL && annex->constant == 0.0) {
        node->operands[0] = node->operands[1] = NULL;
        for (Py_ssize_t k = 0; k < count; k++)
            node->operands[k] = annex->operands[k];
        node->state = (node->state & ~(uint64_t)ARITY) | (uint64_t)count << ARITY_SHIFT;
        PyMem_Free(annex);
    }
    if (states & COLLECTED)
        show_to_collector(node);
    for (Py_ssize_t k = 0; k < before; k++)
        Py_DECREF(old->operands[k]);
    PyMem_Free(old);
    return true;
}

/* A node with an operation of the user's own is shown to the collector. */
bool watch_own(Node *node)
{
    PyObject *notes = notes_of(node);
    if (notes == NULL || node->state & COLLECTED)
        return true;
    PyObject *own = PyObject_GetAttrString(notes, "own");
    if (own == NULL)
        return false;
    if (own != Py_None)
        show_to_collector(node);
    Py_DECREF(own);
    return true;
}

/* Give a node other notes; NULL for none. */
bool set_notes(Node *node, PyObject *notes)
{
    if (notes == NULL && !is_annexed(node))
        return true;
    Annex *annex = annex_of(node);
    if (annex == NULL)
        return false;
    PyObject *before = annex->notes;
    annex->notes = Py_XNewRef(notes);
    Py_XDECREF(before);
    return watch_own(node);
}

/* Say which row made a node: a Primitive, or None. */
bool set_row(Node *node, PyObject *row)
{
    int op = OP_NONE;
    double constant = 0.0;
    if (row != Py_None && !op_of_row(row, &op, &constant))
        return false;
    if (!fits(op, arity_of(node)))
        return false;
    if (op != OP_NONE && (op == OP_ROW || constant != 0.0 || is_annexed(node))) {
        Annex *annex = annex_of(node);
        if (annex == NULL)
            return false;
        annex->constant = constant;
        Py_XSETREF(annex->row, op == OP_ROW ? Py_NewRef(row) : NULL);
    }
    node->state = (node->state & ~(uint64_t)OPERATION) | (uint64_t)op;
    return watch_own(node);
}

/* --- freeing them ------------------------------------------------------------------------------ */

/* The dead nodes whose operands are still to be released, and whether someone is about it: a chain
 * of any length is freed by one loop. Releasing notes, weak references and nodes of subclasses runs
 * arbitrary code; what dies meanwhile only joins the list. */
static Node *graveyard;
static bool reaping;

static void reap(void);

static inline void bury(Node *node)
{
    if (UNLIKELY(node->state & COLLECTED || !is_exact((PyObject *)node)))
        PyObject_GC_UnTrack(node);
    if (UNLIKELY(node->weakrefs != NULL))
        PyObject_ClearWeakRefs((PyObject *)node);
    node->buried = graveyard;
    graveyard = node;
}

static inline void release(Node *node)
{
    Py_ssize_t references = Py_REFCNT(node);
    if (LIKELY(references > 1)) {
        Py_SET_REFCNT((PyObject *)node, references - 1);
    } else if (LIKELY(is_exact((PyObject *)node))) {
        Py_SET_REFCNT((PyObject *)node, 0);
        bury(node);
    } else {
        Py_DECREF(node);
    }
}

static void release_annex(Annex *annex)
{
    for (Py_ssize_t k = 0; k < annex->count; k++)
        release(annex->operands[k]);
    PyObject *notes = annex->notes, *row = annex->row;
    PyMem_Free(annex);
    Py_XDECREF(notes);
    Py_XDECREF(row);
}

static void reap(void)
{
    reaping = true;
    while (graveyard != NULL) {
        Node *node = graveyard;
        graveyard = node->buried;
        switch (node->state & ARITY) {
        case ANNEXED:
            release_annex(node->annex);
            break;
        case 2 << ARITY_SHIFT:
            release(node->operands[1]); /* fall through */
        case 1 << ARITY_SHIFT:
            release(node->operands[0]);
        }
        PyTypeObject *type = Py_TYPE(node);
        if (LIKELY(type == value_type)) {
            if (UNLIKELY(node->state & COLLECTED))
                memset((char *)node - COLLECTOR_HEAD, 0, COLLECTOR_HEAD);
            give_back(node);
        } else {
            type->tp_free(node);
            Py_DECREF(type);
        }
    }
    reaping = false;
}

void value_dealloc(PyObject *self)
{
    bury((Node *)self);
    if (!reaping)
        reap();
}

/* --- the cyclic collector ---------------------------------------------------------------------- */

int value_traverse(PyObject *self, visitproc visit, void *arg)
{
    Node *node = (Node *)self;
    Node *const *operands = operands_of(node);
    Py_ssize_t count = arity_of(node);
    for (Py_ssize_t k = 0; k < count; k++)
        Py_VISIT(operands[k]);
    Py_VISIT(notes_of(node));
    if (!is_exact(self))
        Py_VISIT(Py_TYPE(self));
    return 0;
}

/* Only what leads back to newer nodes is let go: operands are older. */
int value_clear(PyObject *self)
{
    Node *node = (Node *)self;
    if (is_annexed(node))
        Py_CLEAR(node->annex->notes);
    return 0;
}
