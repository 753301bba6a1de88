/* The tape of a recording: columns that grow. */

#include "tape.h"

#include <string.h>

PyTypeObject *tape_type;
int64_t input_code, constant_code;
Recording recording;

/* Raise what a function of recorded.py makes; always false. */
bool raise_from(PyObject *maker, PyObject *arg)
{
    PyObject *error = arg == NULL ? PyObject_CallNoArgs(maker) : PyObject_CallOneArg(maker, arg);
    if (error != NULL)
        PyErr_SetObject((PyObject *)Py_TYPE(error), error);
    Py_XDECREF(error);
    return false;
}

/* Whether the collector leaves a type alone: its objects have no room for what it would write. */
bool is_uncollected(PyTypeObject *type)
{
    if (!PyType_IS_GC(type))
        return true;
    PyErr_SetString(PyExc_ImportError, "wengert._native does not know the types of this Python");
    return false;
}

/* --- columns ----------------------------------------------------------------------------------- */

static bool new_column(Column *column)
{
    PyObject *bytes = PyByteArray_FromStringAndSize(NULL, 0);
    if (bytes == NULL)
        return false;
    Py_XSETREF(column->bytes, bytes);
    column->items = NULL;
    column->used = column->room = 0;
    return true;
}

static bool grow(Column *column, Py_ssize_t more)
{
    enum { SMALLEST = 1024 };
    Py_ssize_t room = column->room < SMALLEST ? SMALLEST : column->room;
    if (room > PY_SSIZE_T_MAX / 2 - more) {
        PyErr_NoMemory();
        return false;
    }
    room += room / 2 + more;
    if (PyByteArray_Resize(column->bytes, room) < 0)
        return false;
    column->items = PyByteArray_AS_STRING(column->bytes);
    column->room = room;
    return true;
}

static inline bool make_room(Column *column, Py_ssize_t more)
{
    return LIKELY(column->room - column->used >= more) || grow(column, more);
}

static inline void put_number(Column *column, int32_t number)
{
    memcpy(column->items + column->used, &number, sizeof number);
    column->used += (Py_ssize_t)sizeof number;
}

/* The column as it stands, a new reference; it must not grow while NumPy looks at it. */
static PyObject *trimmed(Column *column)
{
    if (PyByteArray_Resize(column->bytes, column->used) < 0)
        return NULL;
    column->items = PyByteArray_AS_STRING(column->bytes);
    column->room = column->used;
    return Py_NewRef(column->bytes);
}

/* --- operations -------------------------------------------------------------------------------- */

static int32_t number_in_python(Tape *tape, PyObject *operation)
{
    PyObject *fresh = PyLong_FromSsize_t(PyDict_GET_SIZE(tape->numbers));
    PyObject *number =
        fresh == NULL ? NULL : PyDict_SetDefault(tape->numbers, operation, fresh); /* borrowed */
    long result = number == NULL ? UNKNOWN : PyLong_AsLong(number);
    Py_XDECREF(fresh);
    return (int32_t)result;
}

static Member *place_of_member(Tape *tape, int op, double constant)
{
    uint64_t bits;
    memcpy(&bits, &constant, sizeof bits);
    bits = (bits ^ (uint64_t)op) * 0x9E3779B97F4A7C15U;
    return &tape->members[bits >> 58];
}

/* The number of an operation on this tape; UNKNOWN with an exception set. */
int32_t operation_number(Tape *tape, int op, double constant, PyObject *row, bool guards)
{
    bool is_member = op == OP_POWI || op == OP_POWC;
    Member *member = is_member ? place_of_member(tape, op, constant) : NULL;
    if (is_member && member->op == op && memcmp(&member->constant, &constant, sizeof constant) == 0)
        return member->number;
    if (!is_member && op != OP_ROW && tape->known[op][guards] != UNKNOWN)
        return tape->known[op][guards];
    PyObject *named = op == OP_ROW ? Py_NewRef(row) : python_row(op, constant);
    PyObject *operation =
        named == NULL ? NULL
                      : PyObject_CallFunctionObjArgs(recording.operation, named,
                                                     guards ? Py_True : Py_False, NULL);
    int32_t number = operation == NULL ? UNKNOWN : number_in_python(tape, operation);
    Py_XDECREF(named);
    Py_XDECREF(operation);
    if (number != UNKNOWN && is_member)
        *member = (Member){constant, op, number};
    else if (number != UNKNOWN && op != OP_ROW)
        tape->known[op][guards] = number;
    return number;
}

bool add_constant(Tape *tape, double number, int64_t *code)
{
    if (!make_room(&tape->constants, sizeof number))
        return false;
    *code = constant_code + tape->constants.used / (Py_ssize_t)sizeof number;
    memcpy(tape->constants.items + tape->constants.used, &number, sizeof number);
    tape->constants.used += (Py_ssize_t)sizeof number;
    return true;
}

/* Write one operation down. */
bool append(Tape *tape, int32_t number, int line, Py_ssize_t count, const int64_t *codes,
            double result)
{
    if (UNLIKELY(tape->closed))
        return raise_from(recording.closed_error, NULL);
    Py_ssize_t size = count * (Py_ssize_t)sizeof *codes;
    if (!make_room(&tape->ops, sizeof number) || !make_room(&tape->lines, sizeof number) ||
        !make_room(&tape->operands, size) || !make_room(&tape->results, sizeof result))
        return false;
    put_number(&tape->ops, number);
    put_number(&tape->lines, line);
    memcpy(tape->operands.items + tape->operands.used, codes, (size_t)size);
    tape->operands.used += size;
    memcpy(tape->results.items + tape->results.used, &result, sizeof result);
    tape->results.used += (Py_ssize_t)sizeof result;
    tape->length++;
    return true;
}

/* Make a guard of a comparison just recorded, unless it is no longer the last item. */
bool make_guard_of_last(Tape *tape, int64_t code, double expected, bool *made)
{
    *made = false;
    if (tape->closed)
        return raise_from(recording.closed_error, NULL);
    if (code != tape->length - 1 || tape->ops.used == 0)
        return true;
    int32_t last;
    char *place = tape->ops.items + tape->ops.used - sizeof last;
    memcpy(&last, place, sizeof last);
    for (int op = OP_ROW + 1; op < OP_COUNT; op++) {
        if (!is_comparison(op) || tape->known[op][false] != last)
            continue;
        int32_t guard = operation_number(tape, op, 0.0, NULL, true);
        int64_t constant;
        if (guard == UNKNOWN || !make_room(&tape->operands, sizeof constant) ||
            !add_constant(tape, expected, &constant))
            return false;
        memcpy(tape->ops.items + tape->ops.used - sizeof last, &guard, sizeof guard);
        memcpy(tape->operands.items + tape->operands.used, &constant, sizeof constant);
        tape->operands.used += (Py_ssize_t)sizeof constant;
        *made = true;
        return true;
    }
    return true;
}

/* --- as a Python object ------------------------------------------------------------------------ */

/* Keep the numbers of the stretch that ends here. */
static bool keep_results(Tape *tape)
{
    if (tape->results.used == 0)
        return true;
    PyObject *numbers = trimmed(&tape->results);
    PyObject *pair = numbers == NULL ? NULL : Py_BuildValue("nN", tape->start, numbers);
    bool done = pair != NULL && PyList_Append(tape->past, pair) == 0;
    Py_XDECREF(pair);
    return done;
}

static bool begin(Tape *tape, Py_ssize_t start)
{
    if (!keep_results(tape))
        return false;
    PyObject *labels = PyDict_New();
    if (labels == NULL || !new_column(&tape->ops) || !new_column(&tape->operands) ||
        !new_column(&tape->lines) || !new_column(&tape->results)) {
        Py_XDECREF(labels);
        return false;
    }
    Py_XSETREF(tape->labels, labels);
    tape->length = tape->start = start;
    return true;
}

static PyObject *tape_new(PyTypeObject *type, PyObject *args, PyObject *keywords)
{
    static char *names[] = {"example", NULL};
    PyObject *example = NULL;
    if (!PyArg_ParseTupleAndKeywords(args, keywords, "|O:Tape", names, &example))
        return NULL;
    Tape *tape = (Tape *)type->tp_alloc(type, 0);
    if (tape == NULL)
        return NULL;
    tape->example = PyObject_CallFunctionObjArgs(recording.doubles, example, NULL);
    tape->statements = PyList_New(0);
    tape->bodies = PyList_New(0);
    tape->repeated = PyList_New(0);
    tape->past = PyList_New(0);
    tape->given = PyDict_New();
    tape->index = PyList_New(0);
    tape->spliced = PyDict_New();
    tape->numbers = PyDict_New();
    tape->sources = PyDict_New();
    for (int op = 0; op < OP_COUNT; op++)
        tape->known[op][false] = tape->known[op][true] = UNKNOWN;
    if (tape->example == NULL || tape->statements == NULL || tape->bodies == NULL ||
        tape->repeated == NULL || tape->past == NULL || tape->given == NULL ||
        tape->index == NULL || tape->numbers == NULL || tape->sources == NULL ||
        tape->spliced == NULL || !new_column(&tape->constants) || !begin(tape, 0))
        Py_CLEAR(tape);
    return (PyObject *)tape;
}

static void tape_dealloc(PyObject *self)
{
    Tape *tape = (Tape *)self;
    PyTypeObject *type = Py_TYPE(self);
    Py_XDECREF(tape->example);
    Py_XDECREF(tape->statements);
    Py_XDECREF(tape->bodies);
    Py_XDECREF(tape->repeated);
    Py_XDECREF(tape->past);
    Py_XDECREF(tape->given);
    Py_XDECREF(tape->outer);
    Py_XDECREF(tape->captured);
    Py_XDECREF(tape->spliced);
    Py_XDECREF(tape->index);
    Py_XDECREF(tape->labels);
    Py_XDECREF(tape->numbers);
    Py_XDECREF(tape->sources);
    Py_XDECREF(tape->ops.bytes);
    Py_XDECREF(tape->operands.bytes);
    Py_XDECREF(tape->lines.bytes);
    Py_XDECREF(tape->constants.bytes);
    Py_XDECREF(tape->results.bytes);
    for (int k = 0; k < PLACES; k++)
        Py_XDECREF(tape->places[k].code);
    type->tp_free(self);
    Py_DECREF(type);
}

static PyObject *tape_begin(PyObject *self, PyObject *start)
{
    Py_ssize_t place = PyLong_AsSsize_t(start);
    if ((place == -1 && PyErr_Occurred()) || !begin((Tape *)self, place))
        return NULL;
    Py_RETURN_NONE;
}

static PyObject *tape_columns(PyObject *self, PyObject *unused)
{
    (void)unused;
    Tape *tape = (Tape *)self;
    PyObject *ops = trimmed(&tape->ops), *operands = NULL, *lines = NULL, *all = NULL;
    if (ops != NULL && (operands = trimmed(&tape->operands)) != NULL &&
        (lines = trimmed(&tape->lines)) != NULL)
        all = PyTuple_Pack(3, ops, operands, lines);
    Py_XDECREF(ops);
    Py_XDECREF(operands);
    Py_XDECREF(lines);
    return all;
}

static PyObject *tape_constants(PyObject *self, PyObject *unused)
{
    (void)unused;
    return trimmed(&((Tape *)self)->constants);
}

static PyObject *tape_constant(PyObject *self, PyObject *given)
{
    int64_t code;
    double number = PyFloat_AsDouble(given);
    if ((number == -1.0 && PyErr_Occurred()) || !add_constant((Tape *)self, number, &code))
        return NULL;
    return PyLong_FromLongLong(code);
}

static PyObject *tape_number_here(PyObject *self, PyObject *given)
{
    const Column *results = &((Tape *)self)->results;
    double number;
    Py_ssize_t k = PyLong_AsSsize_t(given);
    if (k == -1 && PyErr_Occurred())
        return NULL;
    if (k < 0 || k >= results->used / (Py_ssize_t)sizeof number) {
        PyErr_SetString(PyExc_IndexError, "nothing is recorded there");
        return NULL;
    }
    memcpy(&number, results->items + k * (Py_ssize_t)sizeof number, sizeof number);
    return PyFloat_FromDouble(number);
}

/* put(operation, operands, number, source=None) */
static PyObject *tape_put(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    enum { MOST = 16 };
    Tape *tape = (Tape *)self;
    int64_t codes[MOST];
    if (count < 3 || count > 4) {
        PyErr_SetString(PyExc_TypeError,
                        "put() takes an operation, its operands, a number and a source.");
        return NULL;
    }
    double result = PyFloat_AsDouble(args[2]);
    if (result == -1.0 && PyErr_Occurred())
        return NULL;
    if (tape->closed) {
        raise_from(recording.closed_error, NULL);
        return NULL;
    }
    PyObject *operands = PySequence_Tuple(args[1]), *place = NULL;
    if (operands == NULL)
        return NULL;
    Py_ssize_t size = PyTuple_GET_SIZE(operands);
    if (size > MOST) {
        PyErr_SetString(PyExc_ValueError, "put() takes 16 operands at most.");
        goto done;
    }
    for (Py_ssize_t k = 0; k < size; k++) {
        codes[k] = PyLong_AsLongLong(PyTuple_GET_ITEM(operands, k));
        if (codes[k] == -1 && PyErr_Occurred())
            goto done;
    }
    int32_t number = number_in_python(tape, args[0]);
    if (number == UNKNOWN)
        goto done;
    int line = count == 4 && args[3] != Py_None ? number_of_source(tape, args[3]) : line_here(tape);
    if (line >= 0 && append(tape, number, line, size, codes, result))
        place = PyLong_FromSsize_t(tape->length - 1);
done:
    Py_DECREF(operands);
    return place;
}

static PyObject *tape_tracer(PyObject *self, PyObject *args)
{
    long long code;
    double number;
    int is_truth = false;
    if (!PyArg_ParseTuple(args, "Ld|p:tracer", &code, &number, &is_truth))
        return NULL;
    return new_tracer((Tape *)self, code, number, is_truth);
}

static PyObject *tape_inputs(PyObject *self, PyObject *unused)
{
    (void)unused;
    Tape *tape = (Tape *)self;
    Py_buffer view;
    if (PyObject_GetBuffer(tape->example, &view, PyBUF_C_CONTIGUOUS) < 0)
        return NULL;
    Py_ssize_t count = view.len / (Py_ssize_t)sizeof(double);
    PyObject *list = PyList_New(count);
    for (Py_ssize_t k = 0; list != NULL && k < count; k++) {
        PyObject *tracer = new_tracer(tape, input_code + k, ((double *)view.buf)[k], false);
        if (tracer == NULL)
            Py_CLEAR(list);
        else
            PyList_SET_ITEM(list, k, tracer);
    }
    PyBuffer_Release(&view);
    return list;
}

static PyMethodDef methods[] = {
    {"_begin", tape_begin, METH_O, NULL},
    {"_columns", tape_columns, METH_NOARGS, NULL},
    {"_constants", tape_constants, METH_NOARGS, NULL},
    {"constant", tape_constant, METH_O, "The coded address of a new constant."},
    {"put", (PyCFunction)(void (*)(void))tape_put, METH_FASTCALL,
     "Write one operation down, which gives a number for the example; its place."},
    {"tracer", tape_tracer, METH_VARARGS,
     "The operand that stands for what is kept at a coded address."},
    {"_number_here", tape_number_here, METH_O, NULL},
    {"put_graph", tape_put_graph, METH_O, "Write a Value's graph down."},
    {"inputs", tape_inputs, METH_NOARGS, "The operands that stand for the inputs."},
    {NULL, NULL, 0, NULL},
};

static PyMemberDef members[] = {
    {"example", T_OBJECT, offsetof(Tape, example), READONLY, NULL},
    {"bodies", T_OBJECT, offsetof(Tape, bodies), READONLY, NULL},
    {"repeated", T_OBJECT, offsetof(Tape, repeated), READONLY, NULL},
    {"_past", T_OBJECT, offsetof(Tape, past), READONLY, NULL},
    {"_given", T_OBJECT, offsetof(Tape, given), READONLY, NULL},
    {"_locals", T_INT, offsetof(Tape, locals), 0, NULL},
    {"statements", T_OBJECT, offsetof(Tape, statements), READONLY, NULL},
    {"index", T_OBJECT, offsetof(Tape, index), READONLY, NULL},
    {"length", T_PYSSIZET, offsetof(Tape, length), READONLY, NULL},
    {"outer", T_OBJECT, offsetof(Tape, outer), 0, NULL},
    {"captured", T_OBJECT, offsetof(Tape, captured), 0, NULL},
    {"spliced", T_OBJECT, offsetof(Tape, spliced), READONLY, NULL},
    {"closed", T_BOOL, offsetof(Tape, closed), 0, NULL},
    {"_start", T_PYSSIZET, offsetof(Tape, start), READONLY, NULL},
    {"_labels", T_OBJECT, offsetof(Tape, labels), READONLY, NULL},
    {"_numbers", T_OBJECT, offsetof(Tape, numbers), READONLY, NULL},
    {"_sources", T_OBJECT, offsetof(Tape, sources), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "The operations of one recording, in order."},
    {Py_tp_new, tape_new},
    {Py_tp_dealloc, tape_dealloc},
    {Py_tp_traverse, visit_nothing},
    {Py_tp_free, PyObject_Free},
    {Py_tp_methods, methods},
    {Py_tp_members, members},
    {0, NULL},
};

bool load_tape(PyObject *recording_module)
{
    static PyType_Spec spec = {
        .name = "wengert.program.recorder.Tape",
        .basicsize = sizeof(Tape),
        .flags = Py_TPFLAGS_DEFAULT,
        .slots = slots,
    };
    PyObject *base = PyObject_GetAttrString(recording_module, "Recording");
    if (base == NULL)
        return false;
    tape_type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, base);
    Py_DECREF(base);
    return tape_type != NULL && is_uncollected(tape_type);
}

/* --- both types -------------------------------------------------------------------------------- */

static bool coded(PyObject *address, const char *memory, int64_t *code)
{
    PyObject *number = PyObject_CallMethod(address, "coded", "si", memory, 0);
    *code = number == NULL ? -1 : PyLong_AsLongLong(number);
    Py_XDECREF(number);
    return *code >= 0;
}

static bool load_names(PyObject *recorded, PyObject *recording_module, PyObject *statements)
{
    PyObject *source = PyImport_ImportModule("wengert.source");
    PyObject *number = PyObject_GetAttrString(recorded, "Recorded");
    PyObject *tape = PyObject_GetAttrString(recording_module, "Recording");
    PyObject *capture = PyImport_ImportModule("wengert.program.capture");
    const struct {
        PyObject *from, **into;
        const char *name;
    } names[] = {
        {recorded, &recording.recordable, "recordable"},
        {recorded, &recording.closed_error, "closed_error"},
        {capture, &recording.joined, "joined"},
        {recording_module, &recording.unknown_operation, "unknown_operation"},
        {recording_module, &recording.source_of, "source_of"},
        {recording_module, &recording.doubles, "doubles"},
        {statements, &recording.operation, "Operation"},
        {source, &recording.is_library, "is_library"},
        {source, &recording.place_name, "place_name"},
        {number, &recording.compared, "_compared"},
        {number, &recording.hash, "__hash__"},
        {tape, &recording.put_graph, "put_graph"},
    };
    bool done = source != NULL && capture != NULL && number != NULL && tape != NULL;
    for (size_t k = 0; done && k < sizeof names / sizeof *names; k++)
        done = (*names[k].into = PyObject_GetAttrString(names[k].from, names[k].name)) != NULL;
    Py_XDECREF(source);
    Py_XDECREF(capture);
    Py_XDECREF(number);
    Py_XDECREF(tape);
    return done;
}

/* recorder(recorded, recording, address, statements), modules of wengert.program: the types Tape
 * and Tracer */
PyObject *make_recorder(PyObject *module, PyObject *const *args, Py_ssize_t count)
{
    (void)module;
    int64_t value_code = 0;
    if (count != 4) {
        PyErr_SetString(PyExc_TypeError, "recorder() takes four modules.");
        return NULL;
    }
    PyObject *recorded = args[0], *recording_module = args[1], *address = args[2];
    if (tracer_type == NULL &&
        !(coded(address, "value", &value_code) && coded(address, "input", &input_code) &&
          coded(address, "constant", &constant_code) &&
          load_names(recorded, recording_module, args[3]) && load_tape(recording_module) &&
          load_tracer(recorded)))
        return NULL;
    if (value_code != 0) {
        PyErr_SetString(PyExc_SystemError, "the value memory is not number 0");
        return NULL;
    }
    return PyTuple_Pack(2, tape_type, tracer_type);
}
