/* Objects of dataclasses with slots, made at once; src/wengert/program/quick.py has the meaning. */

#include "node.h"

enum { MOST_FIELDS = 8, MOST_CLASSES = 64 };

/* How to make the objects of a class: where each field is kept, and what it is by default. */
typedef struct {
    PyTypeObject *type;
    Py_ssize_t count;
    PyObject *names[MOST_FIELDS], *defaults[MOST_FIELDS];
    Py_ssize_t offsets[MOST_FIELDS];
} Making;

static Making makings[MOST_CLASSES];
static int classes;

static const Making *making_of(PyObject *type)
{
    int k = 0;
    while ((PyObject *)makings[k].type != type)
        k++;
    return &makings[k];
}

/* Finds a value for each field; false where the call is not as it should be. */
static bool arrange(const Making *making, PyObject *const *args, Py_ssize_t given, PyObject *names,
                    PyObject **values)
{
    const Py_ssize_t named = names == NULL ? 0 : PyTuple_GET_SIZE(names);
    if (given + named > making->count)
        return false;
    for (Py_ssize_t k = 0; k < making->count; k++)
        values[k] = k < given ? args[k] : NULL;
    for (Py_ssize_t n = 0; n < named; n++) {
        Py_ssize_t k = given;
        while (k < making->count && making->names[k] != PyTuple_GET_ITEM(names, n))
            k++;
        if (k == making->count)
            return false;
        values[k] = args[given + n];
    }
    for (Py_ssize_t k = given; k < making->count; k++)
        if (values[k] == NULL && (values[k] = making->defaults[k]) == NULL)
            return false;
    return true;
}

/* The call as any class takes it, which says what is wrong with it. */
static PyObject *usual_call(PyObject *type, PyObject *const *args, Py_ssize_t given,
                            PyObject *names)
{
    PyObject *result = NULL, *keywords = PyDict_New(), *positional = PyTuple_New(given);
    bool done = keywords != NULL && positional != NULL;
    for (Py_ssize_t k = 0; k < given && done; k++)
        PyTuple_SET_ITEM(positional, k, Py_NewRef(args[k]));
    for (Py_ssize_t k = 0; names != NULL && k < PyTuple_GET_SIZE(names) && done; k++)
        done = PyDict_SetItem(keywords, PyTuple_GET_ITEM(names, k), args[given + k]) == 0;
    if (done)
        result = PyType_Type.tp_call(type, positional, keywords);
    Py_XDECREF(keywords);
    Py_XDECREF(positional);
    return result;
}

static PyObject *make(PyObject *type, PyObject *const *args, size_t flags, PyObject *names)
{
    const Making *making = making_of(type);
    const Py_ssize_t given = PyVectorcall_NARGS(flags);
    PyObject *values[MOST_FIELDS];
    if (!arrange(making, args, given, names, values))
        return usual_call(type, args, given, names);
    PyObject *made = making->type->tp_alloc(making->type, 0);
    if (made == NULL)
        return NULL;
    for (Py_ssize_t k = 0; k < making->count; k++)
        *(PyObject **)(void *)((char *)made + making->offsets[k]) = Py_NewRef(values[k]);
    return made;
}

/* Where the objects of a class keep a field; -1 where there is no slot of that name. */
static Py_ssize_t offset_of(PyObject *type, PyObject *name)
{
    PyObject *slot = PyObject_GetAttr(type, name);
    Py_ssize_t offset = -1;
    if (slot != NULL && Py_IS_TYPE(slot, &PyMemberDescr_Type)) {
        const PyMemberDescrObject *member = (const PyMemberDescrObject *)(const void *)slot;
        if ((PyObject *)member->d_common.d_type == type && member->d_member->type == T_OBJECT_EX)
            offset = member->d_member->offset;
    }
    if (slot != NULL && offset < 0)
        PyErr_SetString(PyExc_TypeError, "make_quickly() takes classes with slots for all fields");
    Py_XDECREF(slot);
    return offset;
}

/* make_quickly(class, names, defaults): the last fields have the defaults */
PyObject *make_quickly(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *type, *names, *defaults;
    if (!PyArg_ParseTuple(args, "O!O!O!", &PyType_Type, &type, &PyTuple_Type, &names,
                          &PyTuple_Type, &defaults))
        return NULL;
    Making making = {.type = (PyTypeObject *)(void *)type, .count = PyTuple_GET_SIZE(names)};
    const Py_ssize_t required = making.count - PyTuple_GET_SIZE(defaults);
    if (!(making.type->tp_flags & Py_TPFLAGS_HEAPTYPE) || required < 0 ||
        making.count > MOST_FIELDS || making.type->tp_vectorcall != NULL) {
        PyErr_SetString(PyExc_TypeError, "make_quickly() takes a class of few fields, once");
        return NULL;
    }
    for (Py_ssize_t k = 0; k < making.count; k++) {
        making.names[k] = PyTuple_GET_ITEM(names, k);
        making.defaults[k] = k < required ? NULL : PyTuple_GET_ITEM(defaults, k - required);
        if ((making.offsets[k] = offset_of(type, making.names[k])) < 0)
            return NULL;
    }
    if (classes < MOST_CLASSES) { /* what comes after that is made as usual */
        Py_INCREF(type); /* for ever */
        Py_INCREF(names);
        Py_INCREF(defaults);
        makings[classes++] = making;
        making.type->tp_vectorcall = make;
    }
    Py_RETURN_NONE;
}
