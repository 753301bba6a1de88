/* Which operation is which row of the table, and what C asks Python about rows. */

#include "node.h"
#define ROWS_DATA
#include "rows.h"

#include <stdarg.h>

static PyObject *rows[OP_COUNT]; /* the row of each operation, or the family */
static PyObject *scalars[OP_COUNT]; /* its value on floats */
static PyObject *op_by_row; /* {row: operation} */
static PyObject *name_text, *params_text;

Py_ssize_t arity_of_op(int op)
{
    return op_arity[op];
}

bool load_rows(PyObject *primitives)
{
    PyObject *table = PyObject_GetAttrString(primitives, "TABLE");
    op_by_row = PyDict_New();
    name_text = PyUnicode_InternFromString("name");
    params_text = PyUnicode_InternFromString("params");
    if (table == NULL || op_by_row == NULL || name_text == NULL || params_text == NULL)
        return false;
    for (int op = OP_ROW + 1; op < OP_COUNT; op++) {
        rows[op] = PyMapping_GetItemString(table, op_names[op]);
        PyObject *number = PyLong_FromLong(op);
        if (rows[op] == NULL || number == NULL || PyDict_SetItem(op_by_row, rows[op], number) < 0)
            return false;
        Py_DECREF(number);
        if (op != OP_POWI && op != OP_POWC) {
            scalars[op] = PyObject_GetAttrString(rows[op], "scalar");
            if (scalars[op] == NULL)
                return false;
        }
    }
    Py_DECREF(table);
    return true;
}

/* The operation of a row, and the constant of a family's member. */
bool op_of_row(PyObject *row, int *op, double *constant)
{
    *constant = 0.0;
    PyObject *number = PyDict_GetItemWithError(op_by_row, row);
    if (number != NULL) {
        *op = (int)PyLong_AsLong(number);
        return true;
    }
    *op = OP_ROW;
    PyObject *name = PyErr_Occurred() ? NULL : PyObject_GetAttr(row, name_text);
    if (name == NULL)
        return false;
    bool is_powi = PyUnicode_CompareWithASCIIString(name, "powi") == 0;
    bool is_powc = PyUnicode_CompareWithASCIIString(name, "powc") == 0;
    Py_DECREF(name);
    if (!is_powi && !is_powc)
        return true;
    PyObject *params = PyObject_GetAttr(row, params_text);
    PyObject *param = params == NULL ? NULL : PySequence_GetItem(params, 0);
    Py_XDECREF(params);
    if (param == NULL)
        return false;
    double value = PyFloat_AsDouble(param);
    Py_DECREF(param);
    if (PyErr_Occurred())
        return false;
    if (value != value || (is_powi && value == -9007199254740992.0))
        return true; /* rows that cannot be found again, and one whose derivative has none */
    *constant = value;
    *op = is_powi ? OP_POWI : OP_POWC;
    return true;
}

/* The row of an operation, a new reference. */
PyObject *python_row(int op, double constant)
{
    if (op != OP_POWI && op != OP_POWC)
        return Py_NewRef(rows[op]);
    PyObject *param =
        op == OP_POWI ? PyLong_FromDouble(constant) : PyFloat_FromDouble(constant);
    if (param == NULL)
        return NULL;
    PyObject *row = PyObject_CallOneArg(rows[op], param);
    Py_DECREF(param);
    return row;
}

/* The row that made a node, a new reference; None if none did. */
PyObject *row_of(Node *node)
{
    int op = op_of(node);
    if (op == OP_NONE)
        return Py_NewRef(Py_None);
    if (op == OP_ROW)
        return Py_NewRef(node->annex->row);
    return python_row(op, constant_of(node));
}

/* A function of the row on doubles; NaN with an exception set if it raises. */
double call_scalar(PyObject *scalar, Py_ssize_t count, const double *numbers)
{
    PyObject *args[8] = {NULL};
    PyObject *result = NULL;
    double number = (double)NAN;
    bool ok = count < 8;
    for (Py_ssize_t k = 0; ok && k < count; k++)
        ok = (args[k + 1] = PyFloat_FromDouble(numbers[k])) != NULL;
    if (ok)
        result = PyObject_Vectorcall(scalar, args + 1, (size_t)count | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                     NULL);
    if (result != NULL) {
        number = PyFloat_AsDouble(result);
        Py_DECREF(result);
    }
    for (Py_ssize_t k = 1; k <= count && k < 8; k++)
        Py_XDECREF(args[k]);
    return number;
}

double call_row(int op, ...)
{
    double numbers[4];
    va_list arguments;
    va_start(arguments, op);
    for (int k = 0; k < op_arity[op]; k++)
        numbers[k] = va_arg(arguments, double);
    va_end(arguments);
    return call_scalar(scalars[op], op_arity[op], numbers);
}

/* The value of an operation on nodes; false with an exception set. */
bool value_of(int op, double constant, PyObject *row, Py_ssize_t count, Node *const *operands,
              double *result)
{
    if (op != OP_ROW) {
        if (count == op_arity[op])
            return evaluate(op, constant, operands, result);
    } else if (count < 7) {
        double numbers[7];
        for (Py_ssize_t k = 0; k < count; k++)
            numbers[k] = operands[k]->data;
        PyObject *scalar = PyObject_GetAttrString(row, "scalar");
        if (scalar == NULL)
            return false;
        *result = call_scalar(scalar, count, numbers);
        Py_DECREF(scalar);
        return !PyErr_Occurred();
    }
    PyErr_SetString(python.graph_error, "A row and its operands do not fit.");
    return false;
}

/* One step of the chain rule, in Python: for rows that C does not know and for own operations. */
bool push_in_python(Node *node)
{
    PyObject *done = PyObject_CallOneArg(python.push, (PyObject *)node);
    Py_XDECREF(done);
    return done != NULL;
}
