/* Runs instructions for one example, one after the other: src/wengert/run/instructions.py has the
 * meaning.
 *
 * An instruction names its operands by number. Where an operand stands is kept up to date by the
 * loops around: what a loop moves, it moves at the end of each round. */

#include "machine.h"
#include "rows.h"

#include <time.h>

enum { PATIENCE = 1 << 18 }; /* instructions between two looks for Ctrl-C */

static const double TURN = 0.01; /* seconds */

/* One run of a machine. */
typedef struct {
    const Machine *machine;
    const int64_t *bases, *strides;
    double *m;
    int64_t *place; /* of each operand */
    int64_t k[MOST_LOOPS];
    int64_t done; /* instructions since it last looked for Ctrl-C */
    double gave_way; /* when */
    PyObject *failed;
} Work;

/* --- making one -------------------------------------------------------------------------------- */

static const char *const NAME = "wengert._native.machine";

static void free_machine(Machine *machine)
{
    Py_buffer *buffers[] = {&machine->bases, &machine->strides, &machine->found,
                            &machine->steps, &machine->entries, &machine->index};
    for (size_t k = 0; k < sizeof buffers / sizeof *buffers; k++)
        PyBuffer_Release(buffers[k]);
    for (Py_ssize_t k = 0; k < machine->run_count; k++) {
        Straight *run = &machine->runs[k];
        PyBuffer_Release(&run->ops);
        PyBuffer_Release(&run->operations);
        PyBuffer_Release(&run->starts);
        PyBuffer_Release(&run->places);
        PyBuffer_Release(&run->targets);
        PyMem_Free(run->statements);
    }
    for (Py_ssize_t k = 0; k < machine->row_count; k++)
        Py_XDECREF(machine->rows[k].scalar);
    PyMem_Free(machine->rows);
    PyMem_Free(machine->runs);
    PyMem_Free(machine->code);
    PyMem_Free(machine->moves);
    PyMem_Free(machine->is_result);
    PyMem_Free(machine);
}

static void forget(PyObject *capsule)
{
    Machine *machine = PyCapsule_GetPointer(capsule, NAME);
    if (machine != NULL)
        free_machine(machine);
}

static bool is_operand(const Machine *machine, int64_t number)
{
    return number >= 0 && number < machine->operands;
}

/* Whether a row can be applied to so many operands. */
static bool takes(const Machine *machine, int64_t row, int64_t reads)
{
    if (row < 0 || row >= machine->row_count || reads < 1 || reads > MOST_OPERANDS)
        return false;
    const int op = machine->rows[row].op;
    return op == OP_ROW || arity_of_op(op) == reads;
}

/* Whether an instruction names what there is. */
static bool is_sound(const Machine *machine, const Instruction *at, int64_t pc, int64_t end)
{
    const bool reads = is_operand(machine, at->x) && is_operand(machine, at->y) &&
                       is_operand(machine, at->w) && is_operand(machine, at->to);
    const bool moves = at->x >= 0 && at->x <= at->y && at->y <= machine->operands && at->to >= 0 &&
                       at->to < machine->depth && at->stop > pc && at->stop <= end;
    switch (at->op) {
    case LOOP:
        return moves && at->count >= 0;
    case WHILE:
        return moves && at->w > pc && at->w <= at->first && at->first <= at->count &&
               at->count <= at->stop;
    case LEAVE:
        return is_operand(machine, at->x);
    case GUARD:
        return reads && is_operand(machine, at->first) && at->count >= 0 &&
               at->count <= MOST_OPERANDS;
    case FIND:
        return is_operand(machine, at->x) && at->y >= 0 && at->y < machine->finds;
    case RUN:
        return at->x >= 0 && at->x < machine->run_count;
    case MOVE:
        return reads;
    default:
        return reads && at->op >= 0 && takes(machine, at->op, at->count);
    }
}

/* Whether the instructions in a range are sound, loops closed within it. */
static bool are_sound(const Machine *machine, int64_t pc, int64_t end, int depth)
{
    while (pc < end) {
        const Instruction *at = &machine->code[pc];
        if (depth > MOST_LOOPS || !is_sound(machine, at, pc, end))
            return false;
        if (at->op == LOOP && !are_sound(machine, pc + 1, at->stop, depth + 1))
            return false;
        if (at->op == WHILE && !(are_sound(machine, pc + 1, at->w, depth + 1) &&
                                 are_sound(machine, at->w, at->first, depth + 1) &&
                                 are_sound(machine, at->first, at->count, depth + 1) &&
                                 are_sound(machine, at->count, at->stop, depth + 1)))
            return false;
        pc = at->op == LOOP || at->op == WHILE ? at->stop : pc + 1;
    }
    return true;
}

static bool is_sound_run(const Machine *machine, const Straight *run)
{
    const int64_t count = (int64_t)(run->ops.len / 4), most = (int64_t)(run->operations.len / 24);
    const int64_t places = (int64_t)(run->places.len / 8);
    const int32_t *op = run->ops.buf;
    const int64_t *start = run->starts.buf, *place = run->places.buf, *target = run->targets.buf;
    const Operation *operations = run->operations.buf;
    if (run->starts.len / 8 != count + 1 || run->targets.len / 8 != count)
        return false;
    for (int64_t k = 0; k < most; k++) {
        const Operation *each = &operations[k];
        const int64_t reads = each->reads - (each->guards != 0);
        if (!(each->row == MOVE ? reads == 1 : takes(machine, each->row, reads)))
            return false;
    }
    for (int64_t k = 0; k < count; k++)
        if (op[k] < 0 || op[k] >= most || start[k] < 0 ||
            start[k] > places - operations[op[k]].reads || target[k] < machine->shared ||
            target[k] >= machine->size)
            return false;
    for (int64_t k = 0; k < places; k++)
        if (place[k] < 0 || place[k] >= machine->size)
            return false;
    return true;
}

/* Puts together, for each statement of a sound run, what is needed to obey it. */
static bool put_together(const Machine *machine, Straight *run)
{
    const int64_t count = (int64_t)(run->ops.len / 4);
    const int32_t *op = run->ops.buf;
    const int64_t *start = run->starts.buf, *places = run->places.buf, *target = run->targets.buf;
    const Operation *operations = run->operations.buf;
    run->statements = PyMem_Malloc(((size_t)count + 1) * sizeof *run->statements);
    if (run->statements == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (int64_t k = 0; k < count; k++) {
        const Operation *each = &operations[op[k]];
        const int64_t *place = places + start[k], reads = each->reads - (each->guards != 0);
        const bool moves = each->row == MOVE;
        run->statements[k] = (Statement){
            .op = moves ? MOVE : machine->rows[each->row].op,
            .row = moves ? 0 : (int32_t)each->row,
            .reads = (int32_t)reads,
            .guards = each->guards != 0,
            .x = place[0],
            .y = place[reads > 1],
            .to = target[k],
        };
    }
    return true;
}

static bool read_runs(Machine *machine, PyObject *runs)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(runs);
    machine->runs = PyMem_Calloc((size_t)count + 1, sizeof *machine->runs);
    if (machine->runs == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (; machine->run_count < count; machine->run_count++) {
        Straight *run = &machine->runs[machine->run_count];
        long long number;
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(runs, machine->run_count), "y*y*y*y*y*L", &run->ops,
                              &run->operations, &run->starts, &run->places, &run->targets,
                              &number))
            return false;
        run->number = number;
    }
    return true;
}

static bool read_rows(Machine *machine, PyObject *rows)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(rows);
    machine->rows = PyMem_Calloc((size_t)count + 1, sizeof *machine->rows);
    if (machine->rows == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (; machine->row_count < count; machine->row_count++) {
        Row *row = &machine->rows[machine->row_count];
        PyObject *given = PyTuple_GET_ITEM(rows, machine->row_count);
        if (!op_of_row(given, &row->op, &row->constant))
            return false;
        if (asks_python(row->op)) {
            machine->asks_python = true;
            if ((row->scalar = PyObject_GetAttrString(given, "scalar")) == NULL)
                return false;
        }
    }
    return true;
}

/* Whether an instruction reads and writes operands of the loops around it alone, or of none: those
 * of other loops stand where these have left them. `from` and `to` say between which instructions
 * each operand stands where it should. */
static bool is_in_scope(const Instruction *at, int64_t pc, const int64_t *from, const int64_t *to)
{
    const int64_t used[] = {at->x, at->to, at->y, at->w, at->op == GUARD ? at->first : at->x};
    const int count = at->op >= MOVE || at->op == GUARD ? 5 : at->op == LEAVE ? 1 : 0;
    for (int k = 0; k < count; k++)
        if (pc <= from[used[k]] || pc >= to[used[k]])
            return false;
    return true;
}

/* How far loops move which operands: each belongs to one loop, or to none. */
static bool read_moves(Machine *machine)
{
    int64_t *from = PyMem_Malloc(((size_t)machine->operands + 1) * sizeof *from);
    int64_t *to = PyMem_Malloc(((size_t)machine->operands + 1) * sizeof *to);
    bool fits = from != NULL && to != NULL;
    if (!fits)
        PyErr_NoMemory();
    for (int64_t r = 0; fits && r < machine->operands; r++) {
        from[r] = -1;
        to[r] = r < machine->roots ? machine->count : -1;
    }
    int64_t next = machine->roots;
    for (int64_t pc = 0; fits && pc < machine->count; pc++) {
        const Instruction *at = &machine->code[pc];
        if (at->op == LOOP || at->op == WHILE) {
            fits = at->x == next;
            next = at->y;
            for (int64_t r = at->x; fits && r < at->y; r++) {
                machine->moves[r] = ((int64_t *)machine->strides.buf)[r * machine->depth + at->to];
                fits = at->op == LOOP || machine->moves[r] == 0;
                from[r] = pc;
                to[r] = at->stop;
            }
        }
        fits = fits && is_in_scope(at, pc, from, to);
    }
    PyMem_Free(from);
    PyMem_Free(to);
    return fits;
}

/* Takes the instructions over, each with the number of its row. */
static bool read_code(Machine *machine, const Py_buffer *given)
{
    machine->count = (int64_t)(given->len / (Py_ssize_t)sizeof(Instruction));
    machine->code = PyMem_Malloc((size_t)given->len + sizeof(Instruction));
    machine->moves = PyMem_Calloc((size_t)machine->operands + 1, sizeof *machine->moves);
    machine->is_result = PyMem_Calloc((size_t)machine->operands + 1, sizeof *machine->is_result);
    if (machine->code == NULL || machine->moves == NULL || machine->is_result == NULL) {
        PyErr_NoMemory();
        return false;
    }
    memcpy(machine->code, given->buf, (size_t)given->len);
    if (!are_sound(machine, 0, machine->count, 0) || !read_moves(machine))
        return false;
    for (int64_t pc = 0; pc < machine->count; pc++) {
        Instruction *at = &machine->code[pc];
        if (at->op >= MOVE)
            machine->is_result[at->to] = true;
        if (at->op >= 0) {
            at->first = at->op;
            at->op = machine->rows[at->first].op;
        }
    }
    return true;
}

static bool is_whole(const Machine *machine)
{
    const Found *found = machine->found.buf;
    bool fits = machine->depth <= MOST_LOOPS && machine->roots >= 0 &&
                machine->roots <= machine->operands && machine->shared >= 0 &&
                machine->shared <= machine->size &&
                machine->strides.len / 8 == machine->operands * machine->depth &&
                machine->steps.len / 8 == machine->finds * machine->depth &&
                machine->entries.len / 8 == machine->finds * machine->depth;
    for (Py_ssize_t k = 0; k < machine->run_count && fits; k++)
        fits = is_sound_run(machine, &machine->runs[k]);
    for (int64_t k = 0; k < machine->finds && fits; k++)
        fits = found[k].step > 0 && found[k].size > 0;
    return fits;
}

/* machine(instructions, rows, runs, (bases, strides), (found, steps, entries), index, depth, roots,
 *         size, shared): made ready to run */
PyObject *machine_of(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *rows, *runs;
    Py_buffer instructions;
    long long depth, roots, size, shared;
    Machine *machine = PyMem_Calloc(1, sizeof *machine);
    if (machine == NULL)
        return PyErr_NoMemory();
    if (!PyArg_ParseTuple(args, "y*O!O!(y*y*)(y*y*y*)y*LLLL", &instructions, &PyTuple_Type, &rows,
                          &PyTuple_Type, &runs, &machine->bases, &machine->strides, &machine->found,
                          &machine->steps, &machine->entries, &machine->index, &depth, &roots,
                          &size, &shared)) {
        memset(machine, 0, sizeof *machine);
        free_machine(machine);
        return NULL;
    }
    machine->operands = (int64_t)(machine->bases.len / 8);
    machine->finds = (int64_t)(machine->found.len / (Py_ssize_t)sizeof(Found));
    machine->depth = depth;
    machine->roots = roots;
    machine->size = size;
    machine->shared = shared;
    bool fits = read_rows(machine, rows) && read_runs(machine, runs) && is_whole(machine) &&
                read_code(machine, &instructions);
    PyBuffer_Release(&instructions);
    for (Py_ssize_t k = 0; k < machine->run_count && fits; k++)
        fits = put_together(machine, &machine->runs[k]);
    if (!fits && !PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "the instructions do not fit together");
    PyObject *capsule = fits ? PyCapsule_New(machine, NAME, forget) : NULL;
    if (capsule == NULL)
        free_machine(machine);
    return capsule;
}

/* --- running one ------------------------------------------------------------------------------- */

const Machine *machine_in(PyObject *capsule)
{
    return PyCapsule_GetPointer(capsule, NAME);
}

/* Says what is wrong about a place. Returns false. */
bool raise_whereabouts(const Machine *machine, Whereabouts where, int64_t number, int64_t place)
{
    if (where == OUTSIDE) {
        PyErr_SetString(PyExc_SystemError, "a place outside of the memory");
        return false;
    }
    const Found *found = (const Found *)machine->found.buf + number;
    const int64_t size = where == BEYOND ? found->size : (int64_t)(machine->index.len / 8);
    PyErr_Format(python.program_error, "A while loop reaches place %lld of a memory of %lld.",
                 (long long)place, (long long)size);
    return false;
}

/* The value of an operation; NaN with an exception set where Python was asked and raised. */
static inline double value_of_op(int64_t op, const Row *row, int64_t reads, double x, double y,
                                 double w)
{
    switch (op) {
#define ROW_CASE(OP, VALUE) \
    case OP:                \
        return VALUE;
        ROW_CASES(x, y, w, row->constant)
#undef ROW_CASE
    case MOVE:
        return x;
    default: {
        const double numbers[MOST_OPERANDS] = {x, y, w};
        return call_scalar(row->scalar, (Py_ssize_t)reads, numbers);
    }
    }
}

/* Tells Python that a guard does not hold; false if that raised. */
static bool tell(Work *work, int64_t number, const int64_t *counters, int64_t depth,
                 const double *operands, int64_t count, double result, double expected)
{
    PyObject *at = PyTuple_New(depth), *given = PyTuple_New(count), *said = NULL;
    bool made = at != NULL && given != NULL;
    for (int64_t d = 0; d < depth && made; d++) {
        PyObject *counter = PyLong_FromLongLong(counters[d]);
        made = counter != NULL;
        if (made)
            PyTuple_SET_ITEM(at, d, counter);
    }
    for (int64_t k = 0; k < count && made; k++) {
        PyObject *operand = PyFloat_FromDouble(operands[k]);
        made = operand != NULL;
        if (made)
            PyTuple_SET_ITEM(given, k, operand);
    }
    if (made)
        said = PyObject_CallFunction(work->failed, "LOOdd", (long long)number, at, given, result,
                                     expected);
    Py_XDECREF(at);
    Py_XDECREF(given);
    Py_XDECREF(said);
    return said != NULL;
}

/* Where the operands from one number to another stand at the loops' counters; and whether they
 * stay in the memory for so many rounds of a loop. */
static bool put_operands(Work *work, int64_t from, int64_t to, int64_t counter, int64_t rounds)
{
    const int64_t depth = work->machine->depth, size = work->machine->size;
    for (int64_t r = from; r < to; r++) {
        const int64_t *stride = work->strides + r * depth;
        int64_t place = work->bases[r];
        for (int64_t d = 0; d < depth; d++)
            place += stride[d] * work->k[d];
        const int64_t last = counter < 0 ? place : place + stride[counter] * (rounds - 1);
        if (place < 0 || place >= size || last < 0 || last >= size)
            return raise_whereabouts(work->machine, OUTSIDE, 0, 0);
        work->place[r] = place;
    }
    return true;
}

/* The quotient, rounded down. */
static inline int64_t floored(int64_t a, int64_t b)
{
    return a / b - (a % b != 0 && (a < 0) != (b < 0));
}

/* Where a place is that is found anew; where that is beyond its memory, what it would be there. */
Whereabouts find_place(const Machine *machine, const int64_t *counters, int64_t number,
                       int64_t *place)
{
    const int64_t depth = machine->depth, entries = (int64_t)(machine->index.len / 8);
    const Found *found = (const Found *)machine->found.buf + number;
    const int64_t *step = (const int64_t *)machine->steps.buf + number * depth;
    const int64_t *entry_step = (const int64_t *)machine->entries.buf + number * depth;
    int64_t entry = found->entry;
    *place = found->base;
    for (int64_t d = 0; d < depth; d++) {
        *place += step[d] * counters[d];
        entry += entry_step[d] * counters[d];
    }
    if (found->is_looked_up) {
        if (entry < 0 || entry >= entries) {
            *place = entry;
            return found->checked ? BEYOND_INDEX : OUTSIDE;
        }
        *place = floored(*place + ((const int64_t *)machine->index.buf)[entry], found->step);
    }
    if (found->window)
        *place -= floored(*place, found->size) * found->size;
    else if (*place < 0 || *place >= found->size)
        return found->checked ? BEYOND : OUTSIDE;
    *place += found->start;
    return *place < 0 || *place >= machine->size ? OUTSIDE : THERE;
}
double seconds_now(void)
{
    struct timespec now;
    return timespec_get(&now, TIME_UTC) ? (double)now.tv_sec + 1e-9 * (double)now.tv_nsec : 0.0;
}

/* Looks for Ctrl-C, and now and then lets other threads run: who waits for the lock asks for it
 * only if it was not released for five milliseconds. False with an exception set. */
static bool give_way(Work *work)
{
    const double now = seconds_now();
    if (now - work->gave_way > TURN || now < work->gave_way) {
        Py_BEGIN_ALLOW_THREADS
        Py_END_ALLOW_THREADS
        work->gave_way = seconds_now();
    }
    return PyErr_CheckSignals() == 0;
}

/* Whether a guard holds, or it could be told that it does not. */
static bool guarded(Work *work, const Straight *run, int64_t k, double result)
{
    const int64_t *place = (const int64_t *)run->places.buf + ((int64_t *)run->starts.buf)[k];
    const int64_t reads = run->statements[k].reads;
    if (result == work->m[place[reads]])
        return true;
    double operands[MOST_OPERANDS] = {0.0};
    for (int64_t r = 0; r < reads; r++)
        operands[r] = work->m[place[r]];
    return tell(work, run->number, &k, 1, operands, reads, result, work->m[place[reads]]);
}

static bool run_straight(Work *work, const Straight *run)
{
    const int64_t count = (int64_t)(run->ops.len / 4);
    const int64_t *start = run->starts.buf, *places = run->places.buf;
    const Row *rows = work->machine->rows;
    double *const m = work->m;
    for (int64_t k = 0; k < count; k++) {
        const Statement *at = &run->statements[k];
        const double w = UNLIKELY(at->reads > 2) ? m[places[start[k] + 2]] : 0.0;
        const double result = value_of_op(at->op, &rows[at->row], at->reads, m[at->x], m[at->y], w);
        m[at->to] = result;
        if (UNLIKELY(result != result) && PyErr_Occurred())
            return false;
        if (UNLIKELY(at->guards) && !guarded(work, run, k, result))
            return false;
        if ((k & (PATIENCE - 1)) == PATIENCE - 1 && !give_way(work))
            return false;
    }
    return true;
}

static int obey(Work *work, int64_t pc, int64_t end);

/* The end of a round: what the loop moves is moved; false with an exception set. */
static inline bool next_round(Work *work, const Instruction *at, int64_t pc)
{
    const int64_t *moves = work->machine->moves;
    int64_t *place = work->place;
    for (int64_t r = at->x; r < at->y; r++)
        place[r] += moves[r];
    work->k[at->to]++;
    work->done += at->stop - pc;
    if (UNLIKELY(work->done > PATIENCE)) {
        work->done = 0;
        return give_way(work);
    }
    return true;
}

static bool run_loop(Work *work, const Instruction *at, int64_t pc)
{
    work->k[at->to] = 0;
    if (!put_operands(work, at->x, at->y, at->to, at->count))
        return false;
    for (int64_t round = 0; round < at->count; round++)
        if (obey(work, pc + 1, at->stop) < 0 || !next_round(work, at, pc))
            return false;
    work->k[at->to] = 0;
    return true;
}

static bool run_while(Work *work, const Instruction *at, int64_t pc)
{
    work->k[at->to] = 0;
    if (!put_operands(work, at->x, at->y, -1, 1) || obey(work, pc + 1, at->w) < 0)
        return false;
    for (;;) {
        const int left = obey(work, at->w, at->first);
        if (left < 0)
            return false;
        if (left)
            break;
        if (obey(work, at->first, at->count) < 0 || !next_round(work, at, pc))
            return false;
    }
    if (obey(work, at->count, at->stop) < 0)
        return false;
    work->k[at->to] = 0;
    return true;
}

/* Runs instructions: 0; 1 where a loop is left; -1 with an exception set. */
static int obey(Work *work, int64_t pc, int64_t end)
{
    double *const m = work->m;
    const int64_t *const place = work->place;
    const Row *const rows = work->machine->rows;
    while (pc < end) {
        const Instruction *at = &work->machine->code[pc];
        switch (at->op) {
        case LOOP:
            if (!run_loop(work, at, pc))
                return -1;
            pc = at->stop;
            continue;
        case WHILE:
            if (!run_while(work, at, pc))
                return -1;
            pc = at->stop;
            continue;
        case LEAVE:
            if (m[place[at->x]] == 0.0)
                return 1;
            break;
        case GUARD: {
            const double result = m[place[at->to]], expected = m[place[at->first]];
            if (result != expected) {
                const double operands[MOST_OPERANDS] = {m[place[at->x]], m[place[at->y]], m[place[at->w]]};
                if (!tell(work, at->stop, work->k, work->machine->depth, operands, at->count, result,
                          expected))
                    return -1;
            }
            break;
        }
        case FIND: {
            const Whereabouts where = find_place(work->machine, work->k, at->y, &work->place[at->x]);
            if (where != THERE) {
                raise_whereabouts(work->machine, where, at->y, work->place[at->x]);
                return -1;
            }
            break;
        }
        case RUN:
            if (!run_straight(work, &work->machine->runs[at->x]))
                return -1;
            break;
        default: {
            const double result =
                value_of_op(at->op, &rows[at->first], at->count, m[place[at->x]], m[place[at->y]],
                            m[place[at->w]]);
            m[place[at->to]] = result;
            if (UNLIKELY(result != result) && PyErr_Occurred())
                return -1;
        }
        }
        pc++;
    }
    return 0;
}

/* run_machine(machine, memory, counters, failed): runs it at these counters of the loops around;
 * failed(number, counters, operands, result, expected) is told of each guard that does not hold */
PyObject *run_machine(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *capsule, *counters, *failed;
    Py_buffer memory;
    if (!PyArg_ParseTuple(args, "Ow*O!O", &capsule, &memory, &PyTuple_Type, &counters, &failed))
        return NULL;
    const Machine *machine = machine_in(capsule);
    bool done = machine != NULL;
    if (done && (memory.len / 8 != machine->size || PyTuple_GET_SIZE(counters) > MOST_LOOPS)) {
        PyErr_SetString(PyExc_ValueError, "another memory, or more loops");
        done = false;
    }
    Work work = {.machine = machine, .m = memory.buf, .failed = failed, .gave_way = seconds_now()};
    for (Py_ssize_t d = 0; done && d < PyTuple_GET_SIZE(counters); d++) {
        work.k[d] = PyLong_AsLongLong(PyTuple_GET_ITEM(counters, d));
        done = !(work.k[d] == -1 && PyErr_Occurred());
    }
    if (done) {
        work.bases = machine->bases.buf;
        work.strides = machine->strides.buf;
        work.place = PyMem_Malloc(((size_t)machine->operands + 1) * sizeof *work.place);
        if (work.place == NULL) {
            PyErr_NoMemory();
            done = false;
        }
    }
    if (done) {
        memset(work.place, 0, (size_t)machine->operands * sizeof *work.place);
        done = put_operands(&work, 0, machine->roots, -1, 1) && obey(&work, 0, machine->count) >= 0;
    }
    PyMem_Free(work.place);
    PyBuffer_Release(&memory);
    if (!done)
        return NULL;
    Py_RETURN_NONE;
}
