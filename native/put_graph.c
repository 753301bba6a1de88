/* Writing the graph of a Value down on a tape, as Recording.put_graph has it. */

#include "tape.h"

#include <string.h>

enum { MOST_OPERANDS = 16, BETWEEN_SIGNALS = 1 << 16 };

/* Where each node is kept: open addressing, never more than two thirds full. */
typedef struct {
    struct Entry {
        const Node *node;
        int64_t code;
    } *entries;
    size_t mask;
} Codes;

static bool new_codes(Codes *codes, Py_ssize_t count)
{
    size_t room = 16;
    while (room / 3 * 2 < (size_t)count)
        room *= 2;
    codes->mask = room - 1;
    codes->entries = PyMem_Calloc(room, sizeof *codes->entries);
    if (codes->entries == NULL)
        PyErr_NoMemory();
    return codes->entries != NULL;
}

static struct Entry *entry_of(const Codes *codes, const Node *node)
{
    uint64_t bits = (uint64_t)(uintptr_t)node * 0x9E3779B97F4A7C15U;
    size_t at = (size_t)(bits >> 20) & codes->mask;
    while (codes->entries[at].node != NULL && codes->entries[at].node != node)
        at = (at + 1) & codes->mask;
    return &codes->entries[at];
}

/* The label and the source of a node that has notes. */
static bool noted(Tape *tape, Node *node, int *line)
{
    PyObject *label = PyObject_GetAttrString((PyObject *)node, "label"), *source = NULL;
    bool done = label != NULL;
    if (done && PyObject_IsTrue(label) == 1) {
        PyObject *place = PyLong_FromSsize_t(tape->length - tape->start);
        done = place != NULL && PyDict_SetItem(tape->labels, place, label) == 0;
        Py_XDECREF(place);
    }
    if (done) {
        source = PyObject_CallOneArg(recording.source_of, (PyObject *)node);
        *line = source == NULL ? -1 : number_of_source(tape, source);
        done = *line >= 0;
    }
    Py_XDECREF(label);
    Py_XDECREF(source);
    return done;
}

static bool put_node(Tape *tape, const Codes *codes, Node *node, int line)
{
    int64_t operands[MOST_OPERANDS];
    int op = op_of(node);
    Py_ssize_t count = arity_of(node);
    if (op == OP_NONE || count > MOST_OPERANDS)
        return raise_from(recording.unknown_operation, (PyObject *)node);
    for (Py_ssize_t k = 0; k < count; k++) {
        const struct Entry *entry = entry_of(codes, operands_of(node)[k]);
        if (entry->node == NULL) {
            PyErr_SetString(PyExc_RuntimeError, "the graph changed while it was recorded");
            return false;
        }
        operands[k] = entry->code;
    }
    PyObject *row = op == OP_ROW ? node->annex->row : NULL;
    int32_t number = operation_number(tape, op, constant_of(node), row, false);
    if (number == UNKNOWN || (notes_of(node) != NULL && !noted(tape, node, &line)))
        return false;
    return append(tape, number, line, count, operands, node->data);
}

/* put_graph(root): the leaves, which become inputs, and where the root is kept. */
PyObject *tape_put_graph(PyObject *self, PyObject *root)
{
    Tape *tape = (Tape *)self;
    Codes codes = {NULL, 0};
    if (!is_value(root))
        return PyObject_CallFunctionObjArgs(recording.put_graph, self, root, NULL);
    PyObject *order = topological_order(NULL, &root, 1), *leaves = NULL, *result = NULL;
    if (order == NULL || (leaves = PyList_New(0)) == NULL ||
        !new_codes(&codes, PyList_GET_SIZE(order)))
        goto done;
    int64_t code = 0;
    int nowhere = -1;
    for (Py_ssize_t k = 0; k < PyList_GET_SIZE(order); k++) {
        Node *node = (Node *)PyList_GET_ITEM(order, k);
        if (arity_of(node) == 0) {
            code = input_code + PyList_GET_SIZE(leaves);
            if (PyList_Append(leaves, (PyObject *)node) < 0)
                goto done;
        } else {
            if (nowhere < 0 && (nowhere = number_of_text(tape, "")) < 0)
                goto done;
            code = tape->length;
            if (!put_node(tape, &codes, node, nowhere))
                goto done;
        }
        *entry_of(&codes, node) = (struct Entry){node, code};
        if (k % BETWEEN_SIGNALS == 0 && PyErr_CheckSignals() < 0)
            goto done;
    }
    result = Py_BuildValue("OL", leaves, (long long)code);
done:
    PyMem_Free(codes.entries);
    Py_XDECREF(order);
    Py_XDECREF(leaves);
    return result;
}
