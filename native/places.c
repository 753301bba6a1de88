/* Where in the user's code an operation is recorded.
 *
 * Looking at the frame costs little; what an instruction of it is called, "model.py:12", is found
 * out once and remembered. */

#include "tape.h"

/* The number of a source, "model.py:12"; -1 with an exception set. */
int number_of_source(Tape *tape, PyObject *name)
{
    PyObject *fresh = PyLong_FromSsize_t(PyDict_GET_SIZE(tape->sources));
    PyObject *number = fresh == NULL ? NULL : PyDict_SetDefault(tape->sources, name, fresh);
    long result = number == NULL ? -1 : PyLong_AsLong(number);
    Py_XDECREF(fresh);
    return (int)result;
}

int number_of_text(Tape *tape, const char *text)
{
    PyObject *name = PyUnicode_FromString(text);
    int number = name == NULL ? -1 : number_of_source(tape, name);
    Py_XDECREF(name);
    return number;
}

static Place *place_of(Tape *tape, PyCodeObject *code, int offset)
{
    uint64_t bits = (uint64_t)(uintptr_t)code / 16 * 31 + (uint64_t)offset / 2;
    return &tape->places[bits * 0x9E3779B97F4A7C15U >> 55];
}

/* Find out where an instruction is, and remember it. */
static bool look_up(Tape *tape, PyCodeObject *code, int offset, int *line)
{
    PyObject *file = PyObject_GetAttrString((PyObject *)code, "co_filename");
    PyObject *library = file == NULL ? NULL : PyObject_CallOneArg(recording.is_library, file);
    int is_library = library == NULL ? -1 : PyObject_IsTrue(library);
    Py_XDECREF(library);
    *line = LIBRARY;
    bool done = is_library >= 0;
    if (is_library == 0) {
        int number = PyCode_Addr2Line(code, offset);
        PyObject *name =
            PyObject_CallFunction(recording.place_name, "Oi", file, number < 0 ? 0 : number);
        *line = name == NULL ? -1 : number_of_source(tape, name);
        Py_XDECREF(name);
        done = *line >= 0;
    }
    Py_XDECREF(file);
    if (done) {
        Place *place = place_of(tape, code, offset);
        PyCodeObject *before = place->code;
        *place = (Place){(PyCodeObject *)Py_NewRef((PyObject *)code), offset, *line};
        Py_XDECREF(before);
    }
    return done;
}

/* The number of the innermost place that is neither Wengert's code nor NumPy's; -1 with an
 * exception set. */
int line_here(Tape *tape)
{
    PyFrameObject *frame = PyEval_GetFrame(), *outer; /* borrowed */
    Py_XINCREF(frame);
    while (frame != NULL) {
        int offset = PyFrame_GetLasti(frame), line;
        PyCodeObject *code = PyFrame_GetCode(frame);
        Place *place = place_of(tape, code, offset);
        bool done = true;
        if (LIKELY(place->code == code && place->offset == offset))
            line = place->line;
        else
            done = look_up(tape, code, offset, &line);
        Py_DECREF(code);
        if (!done || line != LIBRARY) {
            Py_DECREF(frame);
            return done ? line : -1;
        }
        outer = PyFrame_GetBack(frame);
        Py_DECREF(frame);
        frame = outer;
    }
    return PyErr_Occurred() ? -1 : number_of_text(tape, ""); /* no memory for a frame, or none */
}
