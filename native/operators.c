/* Building graphs: Python's operators, the methods of the one-operand rows, sums and products.
 *
 * Two Values, or a Value and a plain number, are combined here. Everything else an operator may
 * meet is left to the class Operand, which knows what to do, or what to say. */

#include "node.h"
#define ROWS_METHODS
#include "rows.h"

/* --- lifting numbers --------------------------------------------------------------------------- */

/* An operand as a Value: itself, or a new leaf; NULL with an exception set. */
static Node *lifted(PyObject *object, const char *where)
{
    double number;
    if (is_value(object))
        return (Node *)Py_NewRef(object);
    if (!plain_number(object, &number) && !number_of(object, where, &number))
        return NULL;
    return leaf(number);
}

/* --- applying any operation -------------------------------------------------------------------- */

enum { MOST_OPERANDS = 8 };

/* The class of a result: a subclass wins over Value. */
static PyTypeObject *class_of_result(Py_ssize_t count, Node *const *operands)
{
    PyTypeObject *type = value_type;
    for (Py_ssize_t k = 0; k < count; k++) {
        PyTypeObject *other = Py_TYPE(operands[k]);
        if (type == value_type || PyType_IsSubtype(other, type))
            type = other;
    }
    return type;
}

/* The result of any operation on any Values. */
static PyObject *apply_op(int op, double constant, PyObject *row, Py_ssize_t count,
                          Node *const *operands)
{
    double data;
    if (!value_of(op, constant, row, count, operands, &data))
        return NULL;
    PyTypeObject *type = class_of_result(count, operands);
    if (type == value_type && op != OP_ROW) {
        if (count == 1)
            return unary_with(data, op, operands[0], constant);
        if (count == 2)
            return binary_of(data, op, operands[0], operands[1]);
    }
    Node *node = new_node(type);
    if (node == NULL)
        return NULL;
    Annex *annex = PyMem_Calloc(1, sizeof(Annex) + (size_t)count * sizeof(Node *));
    if (annex == NULL) {
        Py_DECREF(node);
        return PyErr_NoMemory();
    }
    uint64_t states = 0;
    for (Py_ssize_t k = 0; k < count; k++) {
        annex->operands[k] = (Node *)Py_NewRef((PyObject *)operands[k]);
        states |= operands[k]->state;
    }
    annex->count = count;
    annex->constant = constant;
    annex->row = op == OP_ROW ? Py_NewRef(row) : NULL;
    node->annex = annex;
    node->data = data;
    node->state |= (uint64_t)op | ANNEXED;
    return finished(node, states);
}

/* Operand's protocol: the result of a row on operands, of which at least one is a Value. */
PyObject *value_apply(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    int op;
    double constant;
    Node *operands[MOST_OPERANDS];
    PyObject *result = NULL;
    if (count != 2 || !PyTuple_Check(args[1]) || PyTuple_GET_SIZE(args[1]) > MOST_OPERANDS) {
        PyErr_SetString(PyExc_TypeError, "_apply() takes a row and a tuple of its operands.");
        return NULL;
    }
    PyObject *row = args[0], *given = args[1];
    if (!op_of_row(row, &op, &constant))
        return NULL;
    Py_ssize_t nin = PyTuple_GET_SIZE(given), ready = 0;
    PyObject *name = NULL;
    const char *where = "";
    for (; ready < nin; ready++) {
        PyObject *arg = PyTuple_GET_ITEM(given, ready);
        if (name == NULL && !is_value(arg)) { /* only errors need it */
            name = PyObject_GetAttrString(row, "name");
            where = name == NULL ? NULL : PyUnicode_AsUTF8(name);
            if (where == NULL)
                break;
        }
        operands[ready] = lifted(arg, where);
        if (operands[ready] == NULL)
            break;
    }
    if (ready == nin)
        result = apply_op(op, constant, row, nin, operands);
    for (Py_ssize_t k = 0; k < ready; k++)
        Py_DECREF(operands[k]);
    Py_XDECREF(name);
    return result;
}

/* Primitive.__call__, as in wg.hypot(x, 1.0), for Values and plain numbers; `original` for the rest.
 * In Python, finding out what was given takes ten times as long as the operation. */
PyObject *call_primitive(PyObject *original, PyObject *const *args, Py_ssize_t count,
                         PyObject *keywords)
{
    int op;
    double constant, number;
    Node *operands[MOST_OPERANDS];
    Py_ssize_t nin = count - 1, ready = 0;
    bool has_value = false, is_plain = keywords == NULL && nin >= 1 && nin <= MOST_OPERANDS;
    for (Py_ssize_t k = 0; is_plain && k < nin; k++) {
        if (is_exact(args[k + 1]))
            has_value = true;
        else
            is_plain = plain_number(args[k + 1], &number);
    }
    if (is_plain && has_value) {
        if (!op_of_row(args[0], &op, &constant))
            return NULL;
        is_plain = op != OP_ROW && arity_of_op(op) == nin;
    }
    if (!is_plain || !has_value) {
        bool is_recorded = false;
        PyObject *recorded =
            keywords == NULL ? call_on_recorded(args, count, &is_recorded) : NULL;
        return is_recorded ? recorded : PyObject_Vectorcall(original, args, (size_t)count, keywords);
    }
    PyObject *result = NULL;
    for (; ready < nin; ready++) {
        operands[ready] = lifted(args[ready + 1], "");
        if (operands[ready] == NULL)
            break;
    }
    if (ready == nin)
        result = apply_op(op, constant, NULL, nin, operands);
    while (ready-- > 0)
        Py_DECREF(operands[ready]);
    return result;
}

/* A one-operand operation on a Value of any class. */
PyObject *unary(int op, PyObject *x)
{
    Node *operand = (Node *)x;
    return apply_op(op, 0.0, NULL, 1, &operand);
}

/* --- operators --------------------------------------------------------------------------------- */

static const struct {
    int op;
    const char *straight, *reflected;
} operators[OPERATORS] = {
    [ADD] = {OP_ADD, "__add__", "__radd__"},
    [SUB] = {OP_SUB, "__sub__", "__rsub__"},
    [MUL] = {OP_MUL, "__mul__", "__rmul__"},
    [DIV] = {OP_DIV, "__truediv__", "__rtruediv__"},
    [FLOORDIV] = {OP_FLOORDIV, "__floordiv__", "__rfloordiv__"},
    [MOD] = {OP_MOD, "__mod__", "__rmod__"},
    [POW] = {OP_POW, "__pow__", "__rpow__"},
};

static PyObject *in_python[OPERATORS][2]; /* Operand's own methods */

bool load_operators(PyObject *operand_class)
{
    for (int k = 0; k < OPERATORS; k++) {
        in_python[k][0] = PyObject_GetAttrString(operand_class, operators[k].straight);
        in_python[k][1] = PyObject_GetAttrString(operand_class, operators[k].reflected);
        if (in_python[k][0] == NULL || in_python[k][1] == NULL)
            return false;
    }
    return true;
}

PyObject *operator_in_python(int which, bool reflected)
{
    return in_python[which][reflected];
}

/* What Operand makes of it; `is_first` says whether x is the operand. */
PyObject *ask_operand(int which, PyObject *x, PyObject *y, bool is_first)
{
    PyObject *both[] = {is_first ? x : y, is_first ? y : x};
    return PyObject_Vectorcall(in_python[which][!is_first], both, 2, NULL);
}

/* The operation for an exponent that has a row of its own, and the exponent as a double; OP_NONE
 * for what Python must look at. */
int own_exponent(PyObject *given, double *exponent)
{
    enum { LARGEST = 1 << 30 };
    if (PyFloat_CheckExact(given)) {
        *exponent = PyFloat_AS_DOUBLE(given);
        return *exponent == *exponent ? OP_POWC : OP_NONE;
    }
    if (PyLong_CheckExact(given)) {
        int overflow;
        long n = PyLong_AsLongAndOverflow(given, &overflow);
        *exponent = (double)n;
        return !overflow && n >= -LARGEST && n <= LARGEST ? OP_POWI : OP_NONE;
    }
    return OP_NONE;
}

/* An operator on an exact Value and a plain number, and on anything else. */
static PyObject *mixed(int which, PyObject *x, PyObject *y)
{
    double number;
    PyObject *other = is_exact(x) ? y : x;
    if (!(is_exact(x) || is_exact(y)) || !plain_number(other, &number))
        return ask_operand(which, x, y, is_value(x));
    Node *constant = leaf(number);
    if (constant == NULL)
        return NULL;
    Node *const pair[] = {other == x ? constant : (Node *)x, other == y ? constant : (Node *)y};
    PyObject *result = NULL;
    double data;
    if (value_of(operators[which].op, 0.0, NULL, 2, pair, &data))
        result = binary_of(data, operators[which].op, pair[0], pair[1]);
    Py_DECREF(constant);
    return result;
}

#define OPERATOR(function, which, row)                                                            \
    static PyObject *function(PyObject *x, PyObject *y)                                           \
    {                                                                                             \
        if (LIKELY(is_exact(x) && is_exact(y)))                                                   \
            return binary_of(value_##row(((Node *)x)->data, ((Node *)y)->data),                   \
                             operators[which].op, (Node *)x, (Node *)y);                          \
        return mixed(which, x, y);                                                                \
    }

OPERATOR(value_add_operator, ADD, add)
OPERATOR(value_sub_operator, SUB, sub)
OPERATOR(value_mul_operator, MUL, mul)
OPERATOR(value_div_operator, DIV, div)
OPERATOR(value_floordiv_operator, FLOORDIV, floordiv)
OPERATOR(value_mod_operator, MOD, mod)

/* The exponents that have a row of their own, as in Operand.__pow__. */
static PyObject *value_pow_operator(PyObject *x, PyObject *y, PyObject *modulus)
{
    if (modulus != Py_None) {
        PyObject *args[] = {x, y, modulus};
        return PyObject_Vectorcall(in_python[POW][0], args, 3, NULL);
    }
    if (!is_exact(x))
        return mixed(POW, x, y);
    Node *base = (Node *)x;
    if (is_exact(y))
        return binary_of(value_pow(base->data, ((Node *)y)->data), OP_POW, base, (Node *)y);
    double exponent;
    switch (own_exponent(y, &exponent)) {
    case OP_POWC:
        return unary_with(value_powc(base->data, exponent), OP_POWC, base, exponent);
    case OP_POWI:
        return unary_with(value_powi(base->data, exponent), OP_POWI, base, exponent);
    default:
        return ask_operand(POW, x, y, true);
    }
}

static PyObject *value_positive(PyObject *self)
{
    return Py_NewRef(self);
}

#define UNARY_OPERATOR(function, row, code)                                                       \
    static PyObject *function(PyObject *self)                                                     \
    {                                                                                             \
        if (LIKELY(is_exact(self)))                                                               \
            return unary_of(value_##row(((Node *)self)->data), code, (Node *)self);               \
        return unary(code, self);                                                                 \
    }

UNARY_OPERATOR(value_negative, neg, OP_NEG)
UNARY_OPERATOR(value_absolute, abs, OP_ABS)

static int value_bool(PyObject *self)
{
    return ((Node *)self)->data != 0.0;
}

PyType_Slot operator_slots[] = {
    {Py_nb_add, value_add_operator},
    {Py_nb_subtract, value_sub_operator},
    {Py_nb_multiply, value_mul_operator},
    {Py_nb_true_divide, value_div_operator},
    {Py_nb_floor_divide, value_floordiv_operator},
    {Py_nb_remainder, value_mod_operator},
    {Py_nb_power, value_pow_operator},
    {Py_nb_positive, value_positive},
    {Py_nb_negative, value_negative},
    {Py_nb_absolute, value_absolute},
    {Py_nb_bool, value_bool},
    {0, NULL},
};

/* --- sums and products ------------------------------------------------------------------------- */

/* A running result: a number as long as only numbers were met, then a node. */
typedef struct {
    Node *node; /* NULL: it is the number */
    double number;
} Running;

/* Combine two, from the left; the operands stay the caller's. */
static bool combine(int op, const Running *x, const Running *y, Running *result)
{
    *result = (Running){NULL, 0.0};
    if (x->node == NULL && y->node == NULL) {
        Node first = {.data = x->number}, second = {.data = y->number};
        Node *const pair[] = {&first, &second};
        return value_of(op, 0.0, NULL, 2, pair, &result->number);
    }
    Node *first = x->node != NULL ? (Node *)Py_NewRef((PyObject *)x->node) : leaf(x->number);
    Node *second = first == NULL     ? NULL
                   : y->node != NULL ? (Node *)Py_NewRef((PyObject *)y->node)
                                     : leaf(y->number);
    if (second != NULL) {
        Node *const pair[] = {first, second};
        result->node = (Node *)apply_op(op, 0.0, NULL, 2, pair);
    }
    Py_XDECREF(first);
    Py_XDECREF(second);
    return result->node != NULL;
}

static bool element(PyObject *object, Running *result)
{
    *result = (Running){NULL, 0.0};
    if (is_value(object)) {
        result->node = (Node *)object;
        return true;
    }
    return plain_number(object, &result->number);
}

static PyObject *as_object(Running result)
{
    return result.node != NULL ? (PyObject *)result.node : PyFloat_FromDouble(result.number);
}

/* total = total op next, taking `next` over if it is owned. */
static bool accumulate(int op, Running *total, Running next, bool owned)
{
    Running result;
    bool done = combine(op, total, &next, &result);
    Py_XDECREF(total->node);
    if (owned)
        Py_XDECREF(next.node);
    *total = done ? result : (Running){NULL, 0.0};
    return done;
}

/* _reduce(elements, row): functools.reduce(row, elements) for a list of Values and plain numbers;
 * NotImplemented if there is anything else in it. */
PyObject *value_reduce(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    int op;
    double constant;
    if (count != 2 || !PyList_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "_reduce() takes a list and a row.");
        return NULL;
    }
    if (!op_of_row(args[1], &op, &constant))
        return NULL;
    Py_ssize_t size = PyList_GET_SIZE(args[0]);
    Running next;
    for (Py_ssize_t k = 0; k < size; k++)
        if (!element(PyList_GET_ITEM(args[0], k), &next))
            Py_RETURN_NOTIMPLEMENTED;
    if (size == 0 || op == OP_ROW || arity_of_op(op) != 2)
        Py_RETURN_NOTIMPLEMENTED;
    Running total;
    element(PyList_GET_ITEM(args[0], 0), &total);
    Py_XINCREF(total.node);
    for (Py_ssize_t k = 1; k < size && k < PyList_GET_SIZE(args[0]); k++) {
        element(PyList_GET_ITEM(args[0], k), &next);
        if (!accumulate(op, &total, next, false))
            return NULL;
    }
    return as_object(total);
}

/* _dot(xs, ys): the sum of products of two lists of one length; NotImplemented as above. */
PyObject *value_dot(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    if (count != 2 || !PyList_Check(args[0]) || !PyList_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "_dot() takes two lists.");
        return NULL;
    }
    Py_ssize_t size = PyList_GET_SIZE(args[0]);
    Running x, y, total = {NULL, 0.0};
    if (size == 0 || PyList_GET_SIZE(args[1]) != size)
        Py_RETURN_NOTIMPLEMENTED;
    for (Py_ssize_t k = 0; k < size; k++)
        if (!element(PyList_GET_ITEM(args[0], k), &x) ||
            !element(PyList_GET_ITEM(args[1], k), &y))
            Py_RETURN_NOTIMPLEMENTED;
    for (Py_ssize_t k = 0; k < size; k++) {
        Running product;
        if (PyList_GET_SIZE(args[0]) != size || PyList_GET_SIZE(args[1]) != size) {
            PyErr_SetString(PyExc_RuntimeError, "a list changed size during dot()");
            Py_XDECREF(total.node);
            return NULL;
        }
        element(PyList_GET_ITEM(args[0], k), &x);
        element(PyList_GET_ITEM(args[1], k), &y);
        if (!combine(OP_MUL, &x, &y, &product)) {
            Py_XDECREF(total.node);
            return NULL;
        }
        if (k == 0)
            total = product;
        else if (!accumulate(OP_ADD, &total, product, true))
            return NULL;
    }
    return as_object(total);
}
