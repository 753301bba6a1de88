/* What entries of the index table lie between: the native twin of src/wengert/program/extents.py. */

#include "codes.h"

/* spread(table, start, stop, step): the smallest and the largest of table[start:stop:step], and
 * the greatest common divisor of their distances; None where the slice is empty. */
PyObject *spread(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    if (count != 4) {
        PyErr_SetString(PyExc_TypeError, "spread() takes a table, a start, a stop and a step");
        return NULL;
    }
    Py_ssize_t slice[3];
    for (int k = 0; k < 3; k++) {
        slice[k] = PyNumber_AsSsize_t(args[k + 1], NULL); /* what is too large is cut off */
        if (slice[k] == -1 && PyErr_Occurred())
            return NULL;
    }
    Py_buffer table;
    if (PyObject_GetBuffer(args[0], &table, PyBUF_C_CONTIGUOUS) != 0)
        return NULL;
    Py_ssize_t length = table.len / (Py_ssize_t)sizeof(int64_t);
    Py_ssize_t start = slice[0], stop = slice[1] < length ? slice[1] : length, step = slice[2];
    PyObject *result = NULL;
    if (start < 0 || step < 1)
        PyErr_SetString(PyExc_ValueError, "spread() starts in the table, and goes up");
    else if (start >= stop)
        result = Py_NewRef(Py_None);
    else {
        const int64_t *entries = table.buf;
        int64_t first = entries[start], low = first, high = first;
        uint64_t apart = 0;
        for (Py_ssize_t left = (stop - 1 - start) / step; left > 0; left--) {
            int64_t entry = entries[start += step];
            low = entry < low ? entry : low;
            high = entry > high ? entry : high;
            if (apart != 1) {
                uint64_t distance = (uint64_t)entry - (uint64_t)first;
                apart = gcd(apart, entry < first ? 0 - distance : distance);
            }
        }
        result = Py_BuildValue("LLK", (long long)low, (long long)high, (unsigned long long)apart);
    }
    PyBuffer_Release(&table);
    return result;
}
