/* Which places an address can mean: the native twin of src/wengert/program/extents.py. */

#include "codes.h"

static const int64_t FAR = (int64_t)1 << 58; /* stands for a bound that nobody knows */

enum { ROUNDS = 2, AXIS = 3 }; /* where an Axis has its rounds, and how long it is */

/* The names that are looked at, and what is called; found once. */
static struct {
    PyObject *base, *strides, *lookup, *start; /* of addresses and lookups */
    PyObject *extent, *plain;
} names;

typedef struct {
    int64_t low, high;
    uint64_t step;
} Reach;

static bool find_names(void)
{
    PyObject *address = PyImport_ImportModule("wengert.program.address");
    PyObject *extents = PyImport_ImportModule("wengert.program.extents");
    if (address != NULL && extents != NULL) {
        names.base = PyUnicode_InternFromString("base");
        names.strides = PyUnicode_InternFromString("strides");
        names.lookup = PyUnicode_InternFromString("lookup");
        names.start = PyUnicode_InternFromString("start");
        names.plain = PyObject_GetAttrString(extents, "extent_plain");
        names.extent = PyObject_GetAttrString(address, "Extent");
    }
    Py_XDECREF(address);
    Py_XDECREF(extents);
    return names.extent != NULL;
}

/* --- what can be said in 64 bits; all else is left to the plain twin ---------------------------- */

static bool read_number(PyObject *given, int64_t *number)
{
    int overflow = 1;
    if (given != NULL && PyLong_CheckExact(given))
        *number = PyLong_AsLongLongAndOverflow(given, &overflow);
    return overflow == 0;
}

/* Of base + Σ strides·k. */
static bool affine_reach(PyObject *base, PyObject *strides, PyObject *axes, Reach *reach)
{
    if (!read_number(base, &reach->low) || strides == NULL || !PyTuple_CheckExact(strides) ||
        PyTuple_GET_SIZE(strides) != PyTuple_GET_SIZE(axes))
        return false;
    reach->high = reach->low;
    reach->step = 0;
    for (Py_ssize_t k = 0; k < PyTuple_GET_SIZE(axes); k++) {
        PyObject *axis = PyTuple_GET_ITEM(axes, k);
        int64_t stride, last, moved;
        if (!read_number(PyTuple_GET_ITEM(strides, k), &stride) || stride < -FAR || stride > FAR)
            return false;
        if (stride == 0)
            continue;
        if (!PyTuple_Check(axis) || PyTuple_GET_SIZE(axis) != AXIS)
            return false;
        PyObject *rounds = PyTuple_GET_ITEM(axis, ROUNDS);
        if (rounds == Py_None)
            last = FAR / (stride < 0 ? -stride : stride);
        else if (!read_number(rounds, &last) || __builtin_sub_overflow(last, 1, &last))
            return false;
        int64_t *end = (stride < 0) == (last < 0) ? &reach->high : &reach->low;
        if (__builtin_mul_overflow(stride, last, &moved) ||
            __builtin_add_overflow(*end, moved, end))
            return false;
        if (last != 0)
            reach->step = gcd(reach->step, (uint64_t)(stride < 0 ? -stride : stride));
    }
    return true;
}

/* Moves a reach by what table[from.low : from.high + 1 : from.step] holds, if that is anything. */
static bool look_up(const int64_t *entries, int64_t length, const Reach *from, Reach *reach)
{
    const int64_t start = from->low > 0 ? from->low : 0;
    const int64_t last = from->high < length ? from->high : length - 1;
    if (start > last)
        return true;
    const int64_t step = from->step > 0 && from->step < INT64_MAX ? (int64_t)from->step : 1;
    const int64_t first = entries[start];
    int64_t low = first, high = first;
    uint64_t apart = 0;
    for (int64_t left = (last - start) / step, at = start; left > 0; left--) {
        const int64_t entry = entries[at += step];
        low = entry < low ? entry : low;
        high = entry > high ? entry : high;
        if (apart != 1) {
            const uint64_t distance = (uint64_t)entry - (uint64_t)first;
            apart = gcd(apart, entry < first ? 0 - distance : distance);
        }
    }
    reach->step = gcd(reach->step, apart);
    return !__builtin_add_overflow(reach->low, low, &reach->low) &&
           !__builtin_add_overflow(reach->high, high, &reach->high);
}

static bool looked_up_reach(PyObject *lookup, PyObject *axes, PyObject *index, Reach *reach)
{
    PyObject *start = PyObject_GetAttr(lookup, names.start);
    PyObject *strides = start == NULL ? NULL : PyObject_GetAttr(lookup, names.strides);
    Reach from;
    Py_buffer table;
    bool known = affine_reach(start, strides, axes, &from) &&
                 PyObject_GetBuffer(index, &table, PyBUF_C_CONTIGUOUS) == 0;
    if (known) {
        known = table.itemsize == (Py_ssize_t)sizeof(int64_t) &&
                look_up(table.buf, table.len / table.itemsize, &from, reach);
        PyBuffer_Release(&table);
    }
    Py_XDECREF(start);
    Py_XDECREF(strides);
    return known;
}

static PyObject *made_extent(const Reach *reach)
{
    PyTypeObject *type = (PyTypeObject *)(void *)names.extent;
    PyObject *made = type->tp_alloc(type, 3); /* a named tuple */
    for (int k = 0; k < 3 && made != NULL; k++) {
        PyObject *number = k == 2 ? PyLong_FromUnsignedLongLong(reach->step)
                                  : PyLong_FromLongLong(k ? reach->high : reach->low);
        if (number == NULL)
            Py_CLEAR(made);
        else
            PyTuple_SET_ITEM(made, k, number);
    }
    return made;
}

/* extent(address, axes, index): the places that an address can mean */
PyObject *extent(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    if (count != 3) {
        PyErr_SetString(PyExc_TypeError, "extent() takes an address, axes and an index table");
        return NULL;
    }
    if (names.extent == NULL && !find_names())
        return NULL;
    PyObject *address = args[0], *axes = args[1];
    PyObject *base = PyObject_GetAttr(address, names.base);
    PyObject *strides = base == NULL ? NULL : PyObject_GetAttr(address, names.strides);
    PyObject *lookup = strides == NULL ? NULL : PyObject_GetAttr(address, names.lookup);
    Reach reach;
    const bool known =
        lookup != NULL && PyTuple_CheckExact(axes) && affine_reach(base, strides, axes, &reach) &&
        (lookup == Py_None || looked_up_reach(lookup, axes, args[2], &reach));
    Py_XDECREF(base);
    Py_XDECREF(strides);
    Py_XDECREF(lookup);
    if (known)
        return made_extent(&reach);
    PyErr_Clear();
    return PyObject_Vectorcall(names.plain, args, 3, NULL);
}
