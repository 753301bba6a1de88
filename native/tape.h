/* The tape of a recording, as C sees it; src/wengert/program/tape.py is the readable meaning. */

#ifndef WENGERT_TAPE_H
#define WENGERT_TAPE_H

#include "node.h"

PyObject *record_unary(int op, PyObject *x); /* rows.h has the methods that call it */

#include "rows.h"

/* A growing array. Its memory is a bytearray's, so that it goes to NumPy without a copy; growing a
 * large one moves pages, not bytes, where the system can do that. */
typedef struct {
    PyObject *bytes;
    char *items;
    Py_ssize_t used, room; /* in bytes */
} Column;

/* Where in the user's code an instruction is. */
typedef struct {
    PyCodeObject *code;
    int offset;
    int line; /* number of the source, or LIBRARY */
} Place;

/* The number of an operation with a constant, such as x**3. */
typedef struct {
    double constant;
    int op;
    int32_t number;
} Member;

enum { PLACES = 512, MEMBERS = 64, LIBRARY = -1, UNKNOWN = -1 };

typedef struct {
    PyObject_HEAD
    PyObject *example; /* the numbers of the inputs, an array of NumPy's */
    PyObject *statements, *bodies, *repeated, *index, *labels;
    PyObject *numbers; /* {Operation: number} */
    PyObject *sources; /* {"model.py:12": number} */
    PyObject *past;    /* [(where a stretch began, the example's numbers in it)] */
    PyObject *given;   /* {place: the example's number}, for what loops leave */
    PyObject *outer, *captured; /* the tape around it, and what it takes in of those; may be NULL */
    PyObject *spliced; /* the programs in it, and where their tables are */
    int locals;
    Py_ssize_t start, length;
    bool closed;
    Column ops, operands, lines, constants, results;
    int32_t known[OP_COUNT][2]; /* the number of a row's operation, and of the guard on it */
    Member members[MEMBERS];
    Place places[PLACES];
} Tape;

/* A recorded number. */
typedef struct {
    PyObject_HEAD
    Tape *tape;
    int64_t code;
    double number;
    bool is_truth;
} Tracer;

/* What is applied to: a recorded number, or a plain one, which will be a constant. */
typedef struct {
    double number;
    int64_t code; /* PLAIN for a plain number */
} Arg;

enum { PLAIN = -1 };

extern PyTypeObject *tape_type, *tracer_type;
extern int64_t input_code, constant_code; /* of the first place; values begin at 0 */

/* What C calls of wengert.program and wengert.source. */
typedef struct {
    PyObject *recordable, *closed_error, *joined, *compared, *hash;
    PyObject *unknown_operation, *source_of, *doubles, *operation, *is_library, *place_name, *put_graph;
} Recording;

extern Recording recording;

/* Tapes and recorded numbers form no cycles, so the cyclic collector need not know them. A type
 * inherits being collected from a class written in Python, unless it has a slot of the collector's
 * of its own. */
static inline int visit_nothing(PyObject *self, visitproc visit, void *arg)
{
    (void)self;
    (void)visit;
    (void)arg;
    return 0;
}

static inline bool is_tracer(PyObject *object)
{
    return Py_IS_TYPE(object, tracer_type);
}

/* tape.c */
bool load_tape(PyObject *recording_module);
bool is_uncollected(PyTypeObject *type);
bool raise_from(PyObject *maker, PyObject *arg);
int32_t operation_number(Tape *tape, int op, double constant, PyObject *row, bool guards);
bool add_constant(Tape *tape, double number, int64_t *code);
bool append(Tape *tape, int32_t number, int line, Py_ssize_t count, const int64_t *codes,
            double result);
bool make_guard_of_last(Tape *tape, int64_t code, double expected, bool *made);

/* places.c */
int line_here(Tape *tape);
int number_of_source(Tape *tape, PyObject *name);
int number_of_text(Tape *tape, const char *text);

/* put_graph.c */
PyObject *tape_put_graph(PyObject *self, PyObject *root);

/* tracer.c */
bool load_tracer(PyObject *recorded);
PyObject *new_tracer(Tape *tape, int64_t code, double number, bool is_truth);

#endif
