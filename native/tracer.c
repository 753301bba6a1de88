/* Recorded numbers: every operation on one is written down on its tape.
 *
 * Recorded numbers and plain ones are combined here, by the same evaluators as Values. Everything
 * else an operator may meet is left to the class Recorded, which knows what to do, or to say. */

#define ROWS_RECORDED
#include "tape.h"

PyTypeObject *tracer_type;

enum { MOST_OPERANDS = 8 };

/* --- making them ------------------------------------------------------------------------------- */

/* Most recorded numbers die young, and the next one takes their place. */
#ifdef WENGERT_SANITIZE
enum { MOST_RESTING = 0 }; /* so that the sanitizer sees every access to one that was freed */
#else
enum { MOST_RESTING = 256 };
#endif
static Tracer *resting[MOST_RESTING + 1];
static int resting_count;

PyObject *new_tracer(Tape *tape, int64_t code, double number, bool is_truth)
{
    Tracer *tracer =
        resting_count > 0 ? resting[--resting_count] : PyObject_Malloc(sizeof(Tracer));
    if (UNLIKELY(tracer == NULL))
        return PyErr_NoMemory();
    Py_SET_REFCNT((PyObject *)tracer, 1);
    Py_SET_TYPE((PyObject *)tracer, tracer_type); /* not counted: the type is never freed */
    tracer->tape = (Tape *)Py_NewRef((PyObject *)tape);
    tracer->code = code;
    tracer->number = number;
    tracer->is_truth = is_truth;
    return (PyObject *)tracer;
}

static void tracer_dealloc(PyObject *self)
{
    Tape *tape = ((Tracer *)self)->tape;
    if (resting_count < MOST_RESTING)
        resting[resting_count++] = (Tracer *)self;
    else
        PyObject_Free(self);
    Py_DECREF(tape);
}

/* --- what operations meet ---------------------------------------------------------------------- */

/* A recorded or plain number; false, with no exception, for all else. */
static inline bool seen(PyObject *object, Arg *arg, Tape **tape, bool *same)
{
    if (LIKELY(is_tracer(object))) {
        Tracer *tracer = (Tracer *)object;
        if (*tape == NULL)
            *tape = tracer->tape;
        *same &= *tape == tracer->tape;
        *arg = (Arg){tracer->number, tracer->code};
        return true;
    }
    arg->code = PLAIN;
    return plain_number(object, &arg->number);
}

/* An operation on numbers of two recordings: Python knows which one it belongs to. */
static PyObject *joined(int op, PyObject *x, PyObject *y)
{
    PyObject *row = python_row(op, 0.0), *args = PyTuple_Pack(2, x, y), *result = NULL;
    if (row != NULL && args != NULL)
        result = PyObject_CallFunctionObjArgs(recording.joined, row, args, NULL);
    Py_XDECREF(row);
    Py_XDECREF(args);
    return result;
}

/* Write an operation down whose result is known: plain numbers become constants. */
static PyObject *written(Tape *tape, int32_t number, int line, Py_ssize_t count, const Arg *args,
                         double result, bool is_truth)
{
    int64_t codes[MOST_OPERANDS];
    for (Py_ssize_t k = 0; k < count; k++) {
        codes[k] = args[k].code;
        if (codes[k] == PLAIN && !add_constant(tape, args[k].number, &codes[k]))
            return NULL;
    }
    if (!append(tape, number, line, count, codes, result))
        return NULL;
    return new_tracer(tape, tape->length - 1, result, is_truth);
}

/* The same for an operation of the table, here in the user's code. */
static inline PyObject *recorded_here(Tape *tape, int op, Py_ssize_t count, const Arg *args,
                                      double result, bool is_truth)
{
    if (UNLIKELY(tape->closed)) {
        raise_from(recording.closed_error, NULL);
        return NULL;
    }
    int32_t number = tape->known[op][false];
    if (UNLIKELY(number == UNKNOWN) &&
        (number = operation_number(tape, op, 0.0, NULL, false)) == UNKNOWN)
        return NULL;
    int line = line_here(tape);
    return line < 0 ? NULL : written(tape, number, line, count, args, result, is_truth);
}

static bool value_at(int op, double constant, PyObject *row, Py_ssize_t count, const Arg *args,
                     double *result)
{
    Node nodes[MOST_OPERANDS], *operands[MOST_OPERANDS];
    for (Py_ssize_t k = 0; k < count; k++) {
        nodes[k].data = args[k].number;
        operands[k] = &nodes[k];
    }
    return value_of(op, constant, row, count, operands, result);
}

/* Any operation at all. */
static PyObject *apply_op(Tape *tape, int op, double constant, PyObject *row, Py_ssize_t count,
                          const Arg *args, bool is_truth)
{
    double result;
    if (tape->closed) {
        raise_from(recording.closed_error, NULL);
        return NULL;
    }
    if (!value_at(op, constant, row, count, args, &result))
        return NULL;
    int32_t number = operation_number(tape, op, constant, row, false);
    int line = number == UNKNOWN ? -1 : line_here(tape);
    return line < 0 ? NULL : written(tape, number, line, count, args, result, is_truth);
}

static bool gives_truth(int op, PyObject *const *args, Py_ssize_t count)
{
    if (!is_of_truths(op))
        return is_comparison(op);
    for (Py_ssize_t k = 0; k < count; k++)
        if (!is_tracer(args[k]) || !((Tracer *)args[k])->is_truth)
            return false;
    return true;
}

/* Operand's protocol: the result of a row on a tuple of operands. */
static PyObject *tracer_apply(PyObject *self, PyObject *const *given, Py_ssize_t count)
{
    int op;
    double constant;
    Arg args[MOST_OPERANDS];
    if (count != 2 || !PyTuple_Check(given[1]) || PyTuple_GET_SIZE(given[1]) > MOST_OPERANDS) {
        PyErr_SetString(PyExc_TypeError, "_apply() takes a row and a tuple of its operands.");
        return NULL;
    }
    PyObject *row = given[0], *operands = given[1], *name = PyObject_GetAttrString(row, "name");
    PyObject *result = NULL;
    if (name == NULL || !op_of_row(row, &op, &constant))
        goto done;
    Tape *tape = ((Tracer *)self)->tape;
    Py_ssize_t nin = PyTuple_GET_SIZE(operands);
    for (Py_ssize_t k = 0; k < nin; k++) {
        bool same = true;
        PyObject *arg = PyTuple_GET_ITEM(operands, k);
        if (!seen(arg, &args[k], &tape, &same)) {
            PyObject *number = PyObject_CallFunction(recording.recordable, "OO", arg, name);
            if (number == NULL)
                goto done;
            args[k] = (Arg){PyFloat_AsDouble(number), PLAIN};
            Py_DECREF(number);
        } else if (!same) {
            result = PyObject_CallFunctionObjArgs(recording.joined, row, operands, NULL);
            goto done;
        }
    }
    bool is_truth = gives_truth(op, PySequence_Fast_ITEMS(operands), nin);
    result = apply_op(tape, op, constant, row, nin, args, is_truth);
done:
    Py_XDECREF(name);
    return result;
}

/* A row called on recorded and plain numbers; `is_ours` says whether it was. */
PyObject *call_on_recorded(PyObject *const *given, Py_ssize_t count, bool *is_ours)
{
    int op;
    double constant;
    Arg args[MOST_OPERANDS];
    Tape *tape = NULL;
    bool same = true;
    Py_ssize_t nin = count - 1;
    *is_ours = false;
    if (nin < 1 || nin > MOST_OPERANDS)
        return NULL;
    for (Py_ssize_t k = 0; k < nin; k++)
        if (!seen(given[k + 1], &args[k], &tape, &same))
            return NULL;
    if (tape == NULL || !same)
        return NULL;
    *is_ours = true;
    if (!op_of_row(given[0], &op, &constant))
        return NULL;
    *is_ours = op != OP_ROW && arity_of_op(op) == nin;
    if (!*is_ours)
        return NULL;
    bool is_truth = gives_truth(op, given + 1, nin);
    return apply_op(tape, op, constant, NULL, nin, args, is_truth);
}

/* A one-operand operation. */
PyObject *record_unary(int op, PyObject *x)
{
    Tracer *tracer = (Tracer *)x;
    Arg arg = {tracer->number, tracer->code};
    return apply_op(tracer->tape, op, 0.0, NULL, 1, &arg, false);
}

/* --- operators --------------------------------------------------------------------------------- */

#define OPERATOR(function, which, row, code)                                                      \
    static PyObject *function(PyObject *x, PyObject *y)                                           \
    {                                                                                             \
        Arg args[2];                                                                              \
        Tape *tape = NULL;                                                                        \
        bool same = true;                                                                         \
        if (UNLIKELY(!seen(x, &args[0], &tape, &same) || !seen(y, &args[1], &tape, &same)))       \
            return ask_operand(which, x, y, is_tracer(x));                                        \
        if (UNLIKELY(!same))                                                                      \
            return joined(code, x, y);                                                            \
        return recorded_here(tape, code, 2, args, value_##row(args[0].number, args[1].number),    \
                             false);                                                              \
    }

OPERATOR(tracer_add, ADD, add, OP_ADD)
OPERATOR(tracer_sub, SUB, sub, OP_SUB)
OPERATOR(tracer_mul, MUL, mul, OP_MUL)
OPERATOR(tracer_div, DIV, div, OP_DIV)
OPERATOR(tracer_floordiv, FLOORDIV, floordiv, OP_FLOORDIV)
OPERATOR(tracer_mod, MOD, mod, OP_MOD)
OPERATOR(tracer_pow_of_two, POW, pow, OP_POW)

/* The exponents that have a row of their own, as in Operand.__pow__. */
static PyObject *tracer_pow(PyObject *x, PyObject *y, PyObject *modulus)
{
    if (modulus != Py_None) {
        PyObject *args[] = {x, y, modulus};
        return PyObject_Vectorcall(operator_in_python(POW, false), args, 3, NULL);
    }
    if (!is_tracer(x) || is_tracer(y))
        return tracer_pow_of_two(x, y);
    double exponent;
    int op = own_exponent(y, &exponent);
    if (op == OP_NONE)
        return ask_operand(POW, x, y, true);
    Tracer *base = (Tracer *)x;
    Arg arg = {base->number, base->code};
    return apply_op(base->tape, op, exponent, NULL, 1, &arg, false);
}

static PyObject *tracer_negative(PyObject *self)
{
    return record_unary(OP_NEG, self);
}

static PyObject *tracer_positive(PyObject *self)
{
    return Py_NewRef(self);
}

static PyObject *tracer_absolute(PyObject *self)
{
    return record_unary(OP_ABS, self);
}

/* --- what decides the path --------------------------------------------------------------------- */

static PyObject *tracer_compare(PyObject *self, PyObject *other, int how)
{
    static const int ops[] = {[Py_LT] = OP_LESS,    [Py_LE] = OP_LESS_EQUAL,
                              [Py_EQ] = OP_EQUAL,   [Py_NE] = OP_NOT_EQUAL,
                              [Py_GT] = OP_GREATER, [Py_GE] = OP_GREATER_EQUAL};
    Arg args[2];
    Tape *tape = NULL;
    bool same = true;
    seen(self, &args[0], &tape, &same);
    if (!seen(other, &args[1], &tape, &same) || !same) {
        PyObject *row = python_row(ops[how], 0.0), *result = NULL;
        if (row != NULL)
            result = PyObject_CallFunctionObjArgs(recording.compared, self, row, other, NULL);
        Py_XDECREF(row);
        return result;
    }
    return apply_op(tape, ops[how], 0.0, NULL, 2, args, true);
}

static Py_hash_t tracer_hash(PyObject *self)
{
    PyObject *number = PyObject_CallOneArg(recording.hash, self);
    Py_hash_t hash = number == NULL ? -1 : PyObject_Hash(number);
    Py_XDECREF(number);
    return hash;
}

static int tracer_bool(PyObject *self)
{
    Tracer *tracer = (Tracer *)self;
    Tape *tape = tracer->tape;
    bool truth = tracer->number != 0.0, made;
    if (!make_guard_of_last(tape, tracer->code, truth, &made))
        return -1;
    if (!made) {
        int64_t codes[3] = {tracer->code};
        int32_t number = operation_number(tape, OP_NOT_EQUAL, 0.0, NULL, true);
        int line = number == UNKNOWN ? -1 : line_here(tape);
        if (line < 0 || !add_constant(tape, 0.0, &codes[1]) ||
            !add_constant(tape, truth, &codes[2]) || !append(tape, number, line, 3, codes, truth))
            return -1;
    }
    return truth;
}

/* --- sums and products ------------------------------------------------------------------------- */

enum { BETWEEN_SIGNALS = 1 << 16 };

/* One operation of a sum or product, again and again. */
typedef struct {
    Tape *tape;
    int op, line;
    int32_t number;
} Step;

/* total = total op next, which is a plain number as long as both are. */
static bool accumulate(const Step *step, Arg *total, Arg next)
{
    Arg args[2] = {*total, next};
    int64_t codes[2];
    if (!value_at(step->op, 0.0, NULL, 2, args, &total->number))
        return false;
    if (args[0].code == PLAIN && next.code == PLAIN)
        return true;
    for (int k = 0; k < 2; k++) {
        codes[k] = args[k].code;
        if (codes[k] == PLAIN && !add_constant(step->tape, args[k].number, &codes[k]))
            return false;
    }
    total->code = step->tape->length;
    return append(step->tape, step->number, step->line, 2, codes, total->number);
}

static bool prepare(Step *step, Tape *tape, int op)
{
    *step = (Step){tape, op, line_here(tape), operation_number(tape, op, 0.0, NULL, false)};
    return step->line >= 0 && step->number != UNKNOWN;
}

static PyObject *result_of(Tape *tape, Arg total)
{
    return total.code == PLAIN ? PyFloat_FromDouble(total.number)
                               : new_tracer(tape, total.code, total.number, false);
}

/* All elements are recorded numbers of one tape, or plain ones. */
static bool all_seen(PyObject *list, Tape **tape)
{
    Arg arg;
    bool same = true;
    for (Py_ssize_t k = 0; k < PyList_GET_SIZE(list); k++)
        if (!seen(PyList_GET_ITEM(list, k), &arg, tape, &same) || !same)
            return false;
    return true;
}

/* An element of a list that may have changed since it was looked at. */
static bool element(PyObject *list, Py_ssize_t k, Tape *tape, Arg *arg)
{
    bool same = true;
    if (k < PyList_GET_SIZE(list) && seen(PyList_GET_ITEM(list, k), arg, &tape, &same) && same)
        return true;
    PyErr_SetString(PyExc_RuntimeError, "a list changed while it was summed up");
    return false;
}

/* _reduce(elements, row) */
static PyObject *tracer_reduce(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    int op;
    double constant;
    Tape *tape = NULL;
    if (count != 2 || !PyList_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "_reduce() takes a list and a row.");
        return NULL;
    }
    if (!op_of_row(args[1], &op, &constant))
        return NULL;
    Py_ssize_t size = PyList_GET_SIZE(args[0]);
    if (size == 0 || op == OP_ROW || arity_of_op(op) != 2 || !all_seen(args[0], &tape) ||
        tape == NULL || tape->closed)
        Py_RETURN_NOTIMPLEMENTED;
    if (size == 1)
        return Py_NewRef(PyList_GET_ITEM(args[0], 0));
    Arg total, next;
    Step step;
    if (!prepare(&step, tape, op) || !element(args[0], 0, tape, &total))
        return NULL;
    for (Py_ssize_t k = 1; k < size; k++)
        if (!element(args[0], k, tape, &next) || !accumulate(&step, &total, next) ||
            (k % BETWEEN_SIGNALS == 0 && PyErr_CheckSignals() < 0))
            return NULL;
    return result_of(tape, total);
}

/* _dot(xs, ys) */
static PyObject *tracer_dot(PyObject *self, PyObject *const *args, Py_ssize_t count)
{
    (void)self;
    Tape *tape = NULL;
    if (count != 2 || !PyList_Check(args[0]) || !PyList_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "_dot() takes two lists.");
        return NULL;
    }
    Py_ssize_t size = PyList_GET_SIZE(args[0]);
    if (size == 0 || PyList_GET_SIZE(args[1]) != size || !all_seen(args[0], &tape) ||
        !all_seen(args[1], &tape) || tape == NULL || tape->closed)
        Py_RETURN_NOTIMPLEMENTED;
    Step add, mul;
    if (!prepare(&mul, tape, OP_MUL) || !prepare(&add, tape, OP_ADD))
        return NULL;
    Arg total = {0.0, PLAIN}, product, next;
    for (Py_ssize_t k = 0; k < size; k++) {
        if (!element(args[0], k, tape, &product) || !element(args[1], k, tape, &next) ||
            !accumulate(&mul, &product, next) ||
            (k > 0 && !accumulate(&add, &total, product)) ||
            (k % BETWEEN_SIGNALS == 0 && PyErr_CheckSignals() < 0))
            return NULL;
        if (k == 0)
            total = product;
    }
    return result_of(tape, total);
}

/* --- the type ---------------------------------------------------------------------------------- */

static PyMethodDef own_methods[] = {
    {"_apply", (PyCFunction)(void (*)(void))tracer_apply, METH_FASTCALL, NULL},
    {"_reduce", (PyCFunction)(void (*)(void))tracer_reduce, METH_FASTCALL, NULL},
    {"_dot", (PyCFunction)(void (*)(void))tracer_dot, METH_FASTCALL, NULL},
};

static PyMemberDef members[] = {
    {"_tape", T_OBJECT, offsetof(Tracer, tape), READONLY, NULL},
    {"_code", T_LONGLONG, offsetof(Tracer, code), READONLY, NULL},
    {"_data", T_DOUBLE, offsetof(Tracer, number), READONLY, NULL},
    {"_is_truth", T_BOOL, offsetof(Tracer, is_truth), READONLY, NULL},
    {NULL, 0, 0, 0, NULL},
};

bool load_tracer(PyObject *recorded)
{
    enum { OWN = sizeof own_methods / sizeof *own_methods };
    static PyMethodDef methods[OWN + 256];
    static PyType_Slot slots[] = {
        {Py_tp_doc, "A number that is being recorded."},
        {Py_tp_dealloc, tracer_dealloc},
        {Py_tp_traverse, visit_nothing},
        {Py_tp_free, PyObject_Free},
        {Py_tp_methods, methods},
        {Py_tp_members, members},
        {Py_tp_richcompare, tracer_compare},
        {Py_tp_hash, tracer_hash},
        {Py_nb_add, tracer_add},
        {Py_nb_subtract, tracer_sub},
        {Py_nb_multiply, tracer_mul},
        {Py_nb_true_divide, tracer_div},
        {Py_nb_floor_divide, tracer_floordiv},
        {Py_nb_remainder, tracer_mod},
        {Py_nb_power, tracer_pow},
        {Py_nb_positive, tracer_positive},
        {Py_nb_negative, tracer_negative},
        {Py_nb_absolute, tracer_absolute},
        {Py_nb_bool, tracer_bool},
        {0, NULL},
    };
    static PyType_Spec spec = {
        .name = "wengert.program.recorder.Tracer",
        .basicsize = sizeof(Tracer),
        .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_DISALLOW_INSTANTIATION,
        .slots = slots,
    };
    int count = 0;
    for (; count < OWN; count++)
        methods[count] = own_methods[count];
    for (PyMethodDef *method = recorded_methods; method->ml_name != NULL && count < OWN + 255;
         method++)
        methods[count++] = *method;
    PyObject *base = PyObject_GetAttrString(recorded, "Recorded");
    if (base == NULL)
        return false;
    tracer_type = (PyTypeObject *)PyType_FromSpecWithBases(&spec, base);
    Py_DECREF(base);
    if (tracer_type != NULL)
        tracer_type->tp_name = "Tracer";
    return tracer_type != NULL && is_uncollected(tracer_type);
}
