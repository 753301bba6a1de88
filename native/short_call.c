/* A call of a kernel that takes microseconds: from the arguments to the result in one step.
 * src/wengert/run/short_call.py makes these, and knows when. */

#include <stddef.h>

#include "node.h"

enum { MOST_NUMBERS = 256, MOST_DEPTH = 8 };

typedef void Kernel(const void *table, int64_t begin, int64_t end, void *scratch);

typedef struct {
    PyObject_HEAD
    vectorcallfunc call;
    Kernel *kernel;
    double *given, *results, *why; /* where the kernel looks for arguments, and puts results */
    void *scratch;
    Py_ssize_t result_count;
    PyObject *table;     /* bytes: what the kernel is told */
    PyObject *arguments; /* what they are: None is a number, bytes are the shape of an array, and
                            tuples and lists have parts */
    PyObject *result;    /* what it is: the same, but for what makes an array instead of a shape */
    PyObject *array;     /* the type of arrays */
    PyObject *kept;      /* what owns all that */
} ShortCall;

static PyTypeObject short_call_type;

/* The parts of a tuple or a list; -1 if it is neither. */
static Py_ssize_t parts_of(PyObject *given, PyObject ***parts)
{
    if (PyTuple_CheckExact(given)) {
        *parts = &PyTuple_GET_ITEM(given, 0);
        return PyTuple_GET_SIZE(given);
    }
    if (PyList_CheckExact(given)) {
        *parts = ((PyListObject *)given)->ob_item;
        return PyList_GET_SIZE(given);
    }
    return -1;
}

/* --- arguments ---------------------------------------------------------------------------------- */

static bool read_number(PyObject *given, double **at)
{
    if (PyFloat_Check(given))
        *(*at)++ = PyFloat_AS_DOUBLE(given);
    else if (PyLong_CheckExact(given)) {
        const double number = PyLong_AsDouble(given);
        if (number == -1.0 && PyErr_Occurred()) {
            PyErr_Clear();
            return false;
        }
        *(*at)++ = number;
    } else
        return false;
    return true;
}

static bool read_array(const ShortCall *call, PyObject *shape, PyObject *given, double **at)
{
    if ((PyObject *)Py_TYPE(given) != call->array)
        return false;
    Py_buffer view;
    if (PyObject_GetBuffer(given, &view, PyBUF_C_CONTIGUOUS | PyBUF_FORMAT) < 0) {
        PyErr_Clear();
        return false;
    }
    bool fits = view.itemsize == sizeof(double) && strcmp(view.format, "d") == 0 &&
                (size_t)PyBytes_GET_SIZE(shape) == (size_t)view.ndim * sizeof(int64_t);
    for (int axis = 0; fits && axis < view.ndim; axis++) {
        int64_t size;
        memcpy(&size, PyBytes_AS_STRING(shape) + (size_t)axis * sizeof size, sizeof size);
        fits = size == view.shape[axis];
    }
    if (fits) {
        memcpy(*at, view.buf, (size_t)view.len);
        *at += view.len / (Py_ssize_t)sizeof(double);
    }
    PyBuffer_Release(&view);
    return fits;
}

/* Put the numbers of arguments from `*at` on; false if they are something else. */
static bool read_all(const ShortCall *call, PyObject *what, PyObject *given, double **at)
{
    if (what == Py_None)
        return read_number(given, at);
    if (PyBytes_CheckExact(what))
        return read_array(call, what, given, at);
    PyObject **wanted, **parts;
    const Py_ssize_t count = parts_of(what, &wanted);
    if (Py_TYPE(what) != Py_TYPE(given) || parts_of(given, &parts) != count)
        return false;
    for (Py_ssize_t k = 0; k < count; k++)
        if (!read_all(call, wanted[k], parts[k], at))
            return false;
    return true;
}

/* --- results ------------------------------------------------------------------------------------ */

typedef struct {
    const double *at, *end;
} Numbers;

static PyObject *made_array(PyObject *make, Numbers *numbers)
{
    PyObject *array = PyObject_CallNoArgs(make);
    Py_buffer view;
    if (array == NULL || PyObject_GetBuffer(array, &view, PyBUF_CONTIG) < 0) {
        Py_XDECREF(array);
        return NULL;
    }
    const Py_ssize_t count = view.len / (Py_ssize_t)sizeof(double);
    if (count > numbers->end - numbers->at) {
        PyErr_SetString(PyExc_ValueError, "an array of more numbers than there are");
        Py_CLEAR(array);
    } else {
        memcpy(view.buf, numbers->at, (size_t)view.len);
        numbers->at += count;
    }
    PyBuffer_Release(&view);
    return array;
}

static PyObject *made(PyObject *what, Numbers *numbers)
{
    if (what == Py_None)
        return PyFloat_FromDouble(*numbers->at++);
    PyObject **wanted;
    const Py_ssize_t count = parts_of(what, &wanted);
    if (count < 0)
        return made_array(what, numbers);
    const bool is_tuple = PyTuple_CheckExact(what);
    PyObject *result = is_tuple ? PyTuple_New(count) : PyList_New(count);
    for (Py_ssize_t k = 0; result != NULL && k < count; k++) {
        PyObject *part = made(wanted[k], numbers);
        if (part == NULL)
            Py_CLEAR(result);
        else if (is_tuple)
            PyTuple_SET_ITEM(result, k, part);
        else
            PyList_SET_ITEM(result, k, part);
    }
    return result;
}

/* --- calls -------------------------------------------------------------------------------------- */

/* call(args): the result; None if these are other arguments, or the kernel cannot say. */
static PyObject *call_short(PyObject *self, PyObject *const *args, size_t flags, PyObject *names)
{
    const ShortCall *call = (ShortCall *)self;
    if (PyVectorcall_NARGS(flags) != 1 || names != NULL) {
        PyErr_SetString(PyExc_TypeError, "a short call takes a tuple");
        return NULL;
    }
    double *at = call->given;
    if (!read_all(call, call->arguments, args[0], &at))
        Py_RETURN_NONE;
    *call->why = 0.0;
    call->kernel(PyBytes_AS_STRING(call->table), 0, 1, call->scratch);
    uint64_t why;
    memcpy(&why, call->why, sizeof why);
    if (why != 0)
        Py_RETURN_NONE;
    /* To make objects may run the collector, and that code which calls this again. */
    double results[MOST_NUMBERS];
    memcpy(results, call->results, sizeof(double) * (size_t)call->result_count);
    Numbers numbers = {results, results + call->result_count};
    return made(call->result, &numbers);
}

/* How many numbers an array of a shape has; -1 if that is no shape of a few. */
static Py_ssize_t count_in(PyObject *shape)
{
    const char *bytes = PyBytes_AS_STRING(shape);
    const Py_ssize_t length = PyBytes_GET_SIZE(shape), step = sizeof(int64_t);
    Py_ssize_t count = length % step ? -1 : 1;
    for (Py_ssize_t k = 0; count >= 0 && k < length; k += step) {
        int64_t axis;
        memcpy(&axis, bytes + k, sizeof axis);
        count = axis < 0 || axis > MOST_NUMBERS ? -1 : count * (Py_ssize_t)axis;
        if (count > MOST_NUMBERS)
            count = -1;
    }
    return count;
}

/* How many numbers arguments or a result are; -1 if it is neither. What makes arrays is not asked:
 * it is seen when it has made one. */
static Py_ssize_t count_of(PyObject *what, int depth)
{
    if (what == Py_None)
        return 1;
    if (PyBytes_CheckExact(what))
        return count_in(what);
    PyObject **parts;
    const Py_ssize_t size = parts_of(what, &parts);
    if (size < 0)
        return PyCallable_Check(what) ? 0 : -1;
    Py_ssize_t count = 0;
    for (Py_ssize_t k = 0; depth > 0 && k < size; k++) {
        const Py_ssize_t below = count_of(parts[k], depth - 1);
        if (below < 0)
            return -1;
        count += below;
    }
    return depth > 0 && count <= MOST_NUMBERS ? count : -1;
}

/* short_call(kernel, memory, counts, table, scratch, arguments, result, array, kept): `kernel` and
 * `scratch` are addresses; at the address `memory` there are so many arguments and results, and a
 * word for why the kernel could not say. */
PyObject *short_call(PyObject *module, PyObject *args)
{
    (void)module;
    unsigned long long kernel, memory, scratch;
    Py_ssize_t given, results;
    PyObject *table, *arguments, *result, *array, *kept;
    if (!PyArg_ParseTuple(args, "KK(nn)SKOOOO", &kernel, &memory, &given, &results, &table, &scratch,
                          &arguments, &result, &array, &kept))
        return NULL;
    if (kernel == 0 || memory == 0 || results < 0 || results > MOST_NUMBERS ||
        count_of(arguments, MOST_DEPTH) != given || count_of(result, MOST_DEPTH) < 0 ||
        count_of(result, MOST_DEPTH) > results) {
        PyErr_SetString(PyExc_ValueError, "no kernel, no memory, or other arguments or results");
        return NULL;
    }
    ShortCall *call = PyObject_New(ShortCall, &short_call_type);
    if (call == NULL)
        return NULL;
    call->call = call_short;
    call->kernel = (Kernel *)(uintptr_t)kernel;
    call->given = (double *)(uintptr_t)memory;
    call->results = call->given + given;
    call->why = call->results + results;
    call->scratch = (void *)(uintptr_t)scratch;
    call->result_count = results;
    call->table = Py_NewRef(table);
    call->arguments = Py_NewRef(arguments);
    call->result = Py_NewRef(result);
    call->array = Py_NewRef(array);
    call->kept = Py_NewRef(kept);
    return (PyObject *)call;
}

static void free_short_call(PyObject *self)
{
    ShortCall *call = (ShortCall *)self;
    Py_DECREF(call->table);
    Py_DECREF(call->arguments);
    Py_DECREF(call->result);
    Py_DECREF(call->array);
    Py_DECREF(call->kept);
    PyObject_Free(self);
}

static PyTypeObject short_call_type = {
    PyVarObject_HEAD_INIT(NULL, 0)
    .tp_name = "wengert._native.ShortCall",
    .tp_basicsize = sizeof(ShortCall),
    .tp_dealloc = free_short_call,
    .tp_call = PyVectorcall_Call,
    .tp_vectorcall_offset = offsetof(ShortCall, call),
    .tp_flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_VECTORCALL | Py_TPFLAGS_DISALLOW_INSTANTIATION,
};

bool ready_short_calls(void)
{
    return PyType_Ready(&short_call_type) == 0;
}
