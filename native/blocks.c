/* Runs instructions for many examples, a block of them at a time: src/wengert/run/blocks.py has the
 * meaning.
 *
 * A place is a number for each example of the block, or one that all examples share. So an
 * instruction is met once for a block, and what it does is a loop over examples. Guards take
 * examples out and the others go on; a while loop goes on as long as one of them is in it, and what
 * is done there is kept for those alone. */

#include "lanes.h"
#include "machine.h"
#include "rows.h"

enum {
    STEPS = 4096,  /* instructions between two looks at the clock */
    MOST_WIDTH = 1 << 16,
    EIGHT = 8,     /* examples that are done at the least, and sums that are added up apart */
    ALL_SHARED = 7 /* as flags of operands */
};

static const double TURN = 0.01; /* seconds between two looks for Ctrl-C */

/* The numbers of a leaf of the arguments or results: those of an example follow each other from a
 * place on. */
typedef struct {
    Py_buffer view;
    int64_t place, numbers;
    bool sums;
} Leaf;

/* One run for a block. Lanes are numbers that are -1 where they are in it, and else 0. */
typedef struct {
    const Machine *machine;
    const int64_t *bases, *strides;
    const double *shared;
    double *own;
    int64_t width; /* examples of the block, a multiple of eight */
    double **at;   /* of each operand: where its first example is */
    int64_t *move; /* how far its loop moves it */
    uint8_t *is_shared;
    double *spare[MOST_OPERANDS], *result;
    int64_t k[MOST_LOOPS];
    int64_t *going;      /* lanes whose guards have held so far */
    int64_t *lanes;      /* two rows for each loop: those inside, and those that leave */
    const int64_t *mask; /* lanes whose results are kept; NULL for all */
    int64_t condition;   /* the operand that a LEAVE has met */
    const volatile int32_t *stop;
    PyThreadState *thread; /* NULL where this holds the interpreter lock */
    int64_t done;          /* instructions since the last look at the clock */
    double looked;         /* when it last looked for Ctrl-C */
} Block;

static inline int64_t round_up(int64_t count)
{
    return (count + EIGHT - 1) / EIGHT * EIGHT;
}

/* --- the interpreter lock ---------------------------------------------------------------------- */

static void take_lock(Block *block)
{
    if (block->thread != NULL)
        PyEval_RestoreThread(block->thread);
}

static void give_lock(Block *block)
{
    if (block->thread != NULL)
        block->thread = PyEval_SaveThread();
}

/* Whether to go on; if not, an exception may be set. */
static bool goes_on(Block *block)
{
    block->done = 0;
    if (*block->stop)
        return false;
    const double now = seconds_now();
    if (now - block->looked <= TURN && now >= block->looked)
        return true;
    if (block->thread == NULL) {
        Py_BEGIN_ALLOW_THREADS
        Py_END_ALLOW_THREADS
    }
    take_lock(block);
    const bool goes = PyErr_CheckSignals() == 0;
    give_lock(block);
    block->looked = seconds_now();
    return goes;
}

static bool fail(Block *block, Whereabouts where, int64_t number, int64_t place)
{
    take_lock(block);
    raise_whereabouts(block->machine, where, number, place);
    give_lock(block);
    return false;
}

/* --- places ------------------------------------------------------------------------------------ */

static inline double *address_of(const Block *block, int64_t place)
{
    const int64_t own = place - block->machine->shared;
    return own < 0 ? (double *)block->shared + place : block->own + own * block->width;
}

/* Lets an operand stand at a place, from which its loop moves it to a last one. */
static bool put_operand(Block *block, int64_t r, int64_t place, int64_t last)
{
    const Machine *machine = block->machine;
    const bool is_shared = place < machine->shared;
    if (place < 0 || place >= machine->size || last < 0 || last >= machine->size ||
        is_shared != (last < machine->shared) || (is_shared && machine->is_result[r]))
        return fail(block, OUTSIDE, 0, 0);
    block->at[r] = address_of(block, place);
    block->is_shared[r] = is_shared;
    block->move[r] = machine->moves[r] * (is_shared ? 1 : block->width);
    return true;
}

/* The same for the operands from one number to another, for so many rounds of the loop that has
 * this counter. */
static bool put_operands(Block *block, int64_t from, int64_t to, int64_t counter, int64_t rounds)
{
    const int64_t depth = block->machine->depth;
    for (int64_t r = from; r < to; r++) {
        const int64_t *stride = block->strides + r * depth;
        int64_t place = block->bases[r];
        for (int64_t d = 0; d < depth; d++)
            place += stride[d] * block->k[d];
        const int64_t last = counter < 0 ? place : place + stride[counter] * (rounds - 1);
        if (!put_operand(block, r, place, last))
            return false;
    }
    return true;
}

/* --- operations -------------------------------------------------------------------------------- */

static void fill(double *to, double number, int64_t width)
{
    for (int64_t l = 0; l < width; l++)
        to[l] = number;
}

/* Asks Python for the value of a row, for the lanes that are in it. */
static bool ask(Block *block, const Row *row, int64_t reads, double *to,
                const double *const *operands, int shared)
{
    bool good = true;
    take_lock(block);
    for (int64_t l = 0; l < block->width && good; l++) {
        double numbers[MOST_OPERANDS];
        if (!block->going[l] || (block->mask != NULL && !block->mask[l]))
            continue;
        for (int64_t k = 0; k < reads; k++)
            numbers[k] = operands[k][shared >> k & 1 ? 0 : l];
        to[l] = call_scalar(row->scalar, (Py_ssize_t)reads, numbers);
        good = !(to[l] != to[l] && PyErr_Occurred());
    }
    give_lock(block);
    block->done += block->width;
    return good;
}

/* Lets each of an operation's operands be a number for each example. */
static void spread(Block *block, const double **operands, int shared)
{
    for (int k = 0; k < MOST_OPERANDS; k++)
        if (shared >> k & 1) {
            fill(block->spare[k], *operands[k], block->width);
            operands[k] = block->spare[k];
        }
}

/* The value of an operation on numbers. */
static double value_on_numbers(int64_t op, double constant, const double *const *operands)
{
    double numbers[MOST_OPERANDS][EIGHT];
    for (int k = 0; k < MOST_OPERANDS; k++)
        fill(numbers[k], *operands[k], EIGHT);
    if (op != MOVE)
        lane_loops[op](numbers[0], numbers[0], numbers[1], numbers[2], constant, 1, 0);
    return numbers[0][0];
}

/* An operation of a row, or a move; where it has fewer operands, the first stands for the others.
 * False with an exception set where Python was asked and raised. */
static bool apply(Block *block, int64_t op, const Row *row, int64_t reads, double *target,
                  const double **operands, int shared)
{
    const int64_t width = block->width;
    double *to = block->mask == NULL ? target : block->result;
    const double constant = row == NULL ? 0.0 : row->constant;
    if (op != MOVE && lane_loops[op] == NULL) {
        if (!ask(block, row, reads, to, operands, shared))
            return false;
    } else if (shared == ALL_SHARED) {
        fill(to, value_on_numbers(op, constant, operands), width);
    } else if (op == MOVE) {
        memmove(to, operands[0], (size_t)width * sizeof *to);
    } else {
        if (reads == 3 && shared)
            spread(block, operands, shared);
        lane_loops[op](to, operands[0], operands[1], operands[2], constant,
                       width / EIGHT, reads == 2 ? shared & 3 : 0);
    }
    if (block->mask != NULL)
        for (int64_t l = 0; l < width; l++)
            target[l] = block->mask[l] ? to[l] : target[l];
    return true;
}

/* Takes the lanes out that have another result than is expected. */
static void guard(Block *block, const double *result, const double *expected, bool is_shared)
{
    for (int64_t l = 0; l < block->width; l++)
        if (result[l] != expected[is_shared ? 0 : l] && (block->mask == NULL || block->mask[l]))
            block->going[l] = 0;
}

static bool run_straight(Block *block, const Straight *run)
{
    const Machine *machine = block->machine;
    const int64_t count = (int64_t)(run->ops.len / 4);
    const int32_t *op = run->ops.buf;
    const int64_t *start = run->starts.buf, *places = run->places.buf, *target = run->targets.buf;
    const Operation *operations = run->operations.buf;
    for (int64_t k = 0; k < count; k++) {
        const Operation *each = &operations[op[k]];
        const int64_t *place = places + start[k], reads = each->reads - (each->guards != 0);
        const Row *row = each->row < 0 ? NULL : &machine->rows[each->row];
        const double *operands[MOST_OPERANDS];
        int shared = 0;
        for (int n = 0; n < MOST_OPERANDS; n++) {
            const int64_t here = place[n < reads ? n : 0];
            operands[n] = address_of(block, here);
            shared |= (here < machine->shared) << n;
        }
        double *to = address_of(block, target[k]);
        if (!apply(block, row ? row->op : MOVE, row, reads, to, operands, shared))
            return false;
        if (each->guards)
            guard(block, to, address_of(block, place[reads]), place[reads] < machine->shared);
        if (UNLIKELY(++block->done > STEPS) && !goes_on(block))
            return false;
    }
    return true;
}

/* --- loops ------------------------------------------------------------------------------------- */

static int obey(Block *block, int64_t pc, int64_t end);

/* The end of a round: what the loop moves is moved; false where this does not go on. */
static inline bool next_round(Block *block, const Instruction *at, int64_t pc)
{
    for (int64_t r = at->x; r < at->y; r++)
        block->at[r] += block->move[r];
    block->k[at->to]++;
    block->done += at->stop - pc;
    return LIKELY(block->done <= STEPS) || goes_on(block);
}

static bool run_loop(Block *block, const Instruction *at, int64_t pc)
{
    block->k[at->to] = 0;
    if (!put_operands(block, at->x, at->y, at->to, at->count))
        return false;
    for (int64_t round = 0; round < at->count; round++)
        if (obey(block, pc + 1, at->stop) < 0 || !next_round(block, at, pc))
            return false;
    block->k[at->to] = 0;
    return true;
}

/* Runs instructions for some lanes. Where these are all that still matter, results need no mask. */
static int obey_for(Block *block, const int64_t *lanes, int64_t pc, int64_t end)
{
    const int64_t *around = block->mask;
    bool all = around == NULL;
    for (int64_t l = 0; l < block->width && all; l++)
        all = lanes[l] || !block->going[l];
    block->mask = all ? NULL : lanes;
    const int left = obey(block, pc, end);
    block->mask = around;
    return left;
}

/* Parts the lanes in a while loop by its condition. Returns whether some leave, and some stay. */
static void part(Block *block, int64_t *inside, int64_t *leaving, bool has_condition, bool *some_leave,
                 bool *some_stay)
{
    const double *condition = block->at[block->condition];
    const int64_t step = !block->is_shared[block->condition];
    *some_leave = *some_stay = false;
    for (int64_t l = 0; l < block->width; l++) {
        const int64_t here = inside[l] & block->going[l];
        const bool leaves = has_condition && condition[l * step] == 0.0;
        leaving[l] = leaves ? here : 0;
        inside[l] = leaves ? 0 : here;
        *some_leave = *some_leave || leaving[l];
        *some_stay = *some_stay || inside[l];
    }
}

static bool run_while(Block *block, const Instruction *at, int64_t pc)
{
    int64_t *inside = block->lanes + 2 * at->to * block->width, *leaving = inside + block->width;
    bool some_leave, some_stay = false;
    for (int64_t l = 0; l < block->width; l++) {
        inside[l] = block->going[l] & (block->mask == NULL ? -1 : block->mask[l]);
        some_stay = some_stay || inside[l];
    }
    if (!some_stay)
        return true;
    block->k[at->to] = 0;
    if (!put_operands(block, at->x, at->y, -1, 1) || obey_for(block, inside, pc + 1, at->w) < 0)
        return false;
    for (;;) {
        const int left = obey_for(block, inside, at->w, at->first);
        if (left < 0)
            return false;
        part(block, inside, leaving, left == 1, &some_leave, &some_stay);
        if (some_leave && obey_for(block, leaving, at->count, at->stop) < 0)
            return false;
        if (!some_stay)
            break;
        if (obey_for(block, inside, at->first, at->count) < 0 || !next_round(block, at, pc))
            return false;
    }
    block->k[at->to] = 0;
    return true;
}

static bool find(Block *block, const Instruction *at)
{
    int64_t place;
    const Whereabouts where = find_place(block->machine, block->k, at->y, &place);
    return where == THERE ? put_operand(block, at->x, place, place)
                          : fail(block, where, at->y, place);
}

static inline int flags_of(const Block *block, const Instruction *at)
{
    return block->is_shared[at->x] | block->is_shared[at->y] << 1 | block->is_shared[at->w] << 2;
}

/* Runs instructions: 0; 1 where a loop is left; -1 where it is not to go on. */
static int obey(Block *block, int64_t pc, int64_t end)
{
    const Machine *machine = block->machine;
    while (pc < end) {
        const Instruction *at = &machine->code[pc];
        switch (at->op) {
        case LOOP:
            if (!run_loop(block, at, pc))
                return -1;
            pc = at->stop;
            continue;
        case WHILE:
            if (!run_while(block, at, pc))
                return -1;
            pc = at->stop;
            continue;
        case LEAVE:
            block->condition = at->x;
            return 1;
        case GUARD:
            guard(block, block->at[at->to], block->at[at->first], block->is_shared[at->first]);
            break;
        case FIND:
            if (!find(block, at))
                return -1;
            break;
        case RUN:
            if (!run_straight(block, &machine->runs[at->x]))
                return -1;
            break;
        default: {
            const double *operands[] = {block->at[at->x], block->at[at->y], block->at[at->w]};
            const Row *row = at->op < 0 ? NULL : &machine->rows[at->first];
            const int shared = flags_of(block, at), both = X_SHARED | Y_SHARED;
            const int usual = at->count == 2 ? shared & both : shared;
            if (LIKELY((usual == 0 || (at->count == 2 && usual != both)) && row != NULL &&
                       block->mask == NULL && lane_loops[at->op] != NULL))
                lane_loops[at->op](block->at[at->to], operands[0], operands[1], operands[2],
                                   row->constant, block->width / EIGHT, usual);
            else if (!apply(block, at->op, row, at->count, block->at[at->to], operands, shared))
                return -1;
        }
        }
        pc++;
    }
    return 0;
}

/* --- examples ---------------------------------------------------------------------------------- */

static inline double *number_at(const Leaf *leaf, int64_t example, int64_t number)
{
    const Py_ssize_t *strides = leaf->view.strides;
    return (double *)((char *)leaf->view.buf + example * strides[0] + number * strides[1]);
}

/* Takes the arguments of examples over; behind the last one, the last one again. */
static void read_leaf(Block *block, const Leaf *leaf, int64_t example, int64_t count)
{
    for (int64_t n = 0; n < leaf->numbers; n++) {
        double *to = address_of(block, leaf->place + n);
        for (int64_t l = 0; l < count; l++)
            to[l] = *number_at(leaf, example + l, n);
        for (int64_t l = count; l < block->width; l++)
            to[l] = to[count - 1];
    }
}

static void write_leaf(const Block *block, const Leaf *leaf, int64_t example, int64_t count)
{
    for (int64_t n = 0; n < leaf->numbers; n++) {
        const double *from = address_of(block, leaf->place + n);
        for (int64_t l = 0; l < count; l++)
            *number_at(leaf, example + l, n) = from[l];
    }
}

/* Adds the results of a block to sums, of which there are eight for each number. */
static void add_leaf(const Block *block, const Leaf *leaf, int64_t count)
{
    for (int64_t n = 0; n < leaf->numbers; n++) {
        const double *from = address_of(block, leaf->place + n);
        double sums[EIGHT];
        for (int64_t s = 0; s < EIGHT; s++)
            sums[s] = *number_at(leaf, n, s);
        for (int64_t l = 0; l + EIGHT <= count; l += EIGHT)
            for (int64_t s = 0; s < EIGHT; s++)
                sums[s] += from[l + s];
        for (int64_t l = count / EIGHT * EIGHT; l < count; l++)
            sums[l % EIGHT] += from[l];
        for (int64_t s = 0; s < EIGHT; s++)
            *number_at(leaf, n, s) = sums[s];
    }
}

static void release(Leaf *leaves, Py_ssize_t count)
{
    for (Py_ssize_t k = 0; k < count; k++)
        PyBuffer_Release(&leaves[k].view);
    PyMem_Free(leaves);
}

/* Whether an array holds the numbers of examples, or sums, where a leaf's places are. */
static bool is_sound_leaf(const Machine *machine, Leaf *leaf, int64_t examples)
{
    const Py_buffer *view = &leaf->view;
    if (view->ndim != 2 || view->format == NULL || strcmp(view->format, "d") != 0 ||
        (uintptr_t)view->buf % 8 != 0 || view->strides[0] % 8 != 0 || view->strides[1] % 8 != 0)
        return false;
    leaf->numbers = view->shape[leaf->sums ? 0 : 1];
    return (leaf->sums ? view->shape[1] == EIGHT : view->shape[0] >= examples) &&
           leaf->place >= machine->shared && leaf->numbers <= machine->size &&
           leaf->place <= machine->size - leaf->numbers;
}

/* Leaves, given as (place, array) or (place, array, whether it holds sums). */
static Leaf *read_leaves(const Machine *machine, PyObject *given, int flags, int64_t examples)
{
    const Py_ssize_t count = PyTuple_GET_SIZE(given);
    Leaf *leaves = PyMem_Calloc((size_t)count + 1, sizeof *leaves);
    if (leaves == NULL) {
        PyErr_NoMemory();
        return NULL;
    }
    for (Py_ssize_t k = 0; k < count; k++) {
        long long place;
        int sums = 0;
        PyObject *array;
        if (!PyTuple_Check(PyTuple_GET_ITEM(given, k))) {
            PyErr_SetString(PyExc_TypeError, "a leaf is a tuple");
            release(leaves, k);
            return NULL;
        }
        if (!PyArg_ParseTuple(PyTuple_GET_ITEM(given, k), "LO|p", &place, &array, &sums) ||
            PyObject_GetBuffer(array, &leaves[k].view, flags | PyBUF_FORMAT) < 0) {
            release(leaves, k);
            return NULL;
        }
        leaves[k].place = place;
        leaves[k].sums = sums;
        if (!is_sound_leaf(machine, &leaves[k], examples)) {
            PyErr_SetString(PyExc_ValueError, "a leaf that does not fit");
            release(leaves, k + 1);
            return NULL;
        }
    }
    return leaves;
}

/* --- blocks ------------------------------------------------------------------------------------ */

/* Memory for blocks of so many examples, in one piece. NULL if there is not so much. */
static void *make_room(Block *block, int64_t width)
{
    const Machine *machine = block->machine;
    const int64_t places = machine->size - machine->shared + MOST_OPERANDS + 1;
    const int64_t operands = machine->operands + 1, masks = 1 + 2 * MOST_LOOPS;
    if (places > INT64_MAX / 16 / width)
        return NULL;
    const size_t numbers = (size_t)((places + masks) * width), each = sizeof(double);
    char *room = PyMem_RawMalloc(64 + numbers * each + (size_t)operands * 17);
    if (room == NULL)
        return NULL;
    block->own = (double *)(((uintptr_t)room + 63) & ~(uintptr_t)63);
    for (int64_t k = 0; k < places * width; k++)
        block->own[k] = (double)NAN;
    block->result = block->own + (machine->size - machine->shared) * width;
    for (int k = 0; k < MOST_OPERANDS; k++)
        block->spare[k] = block->result + (k + 1) * width;
    block->going = (int64_t *)(block->own + places * width);
    block->lanes = block->going + width;
    block->at = (double **)(block->going + masks * width);
    block->move = (int64_t *)(block->at + operands);
    block->is_shared = (uint8_t *)(block->move + operands);
    return room;
}

/* One block. */
static bool run_block(Block *block, const Leaf *inputs, Py_ssize_t input_count, const Leaf *outputs,
                      Py_ssize_t output_count, uint8_t *failed, int64_t example, int64_t count)
{
    const Machine *machine = block->machine;
    block->width = round_up(count);
    block->mask = NULL;
    memset(block->k, 0, sizeof block->k);
    for (int64_t r = 0; r < machine->operands; r++)
        block->at[r] = block->own;
    memset(block->is_shared, 0, (size_t)machine->operands);
    for (int64_t l = 0; l < block->width; l++)
        block->going[l] = l < count ? -1 : 0;
    for (Py_ssize_t k = 0; k < input_count; k++)
        read_leaf(block, &inputs[k], example, count);
    if (!put_operands(block, 0, machine->roots, -1, 1) || obey(block, 0, machine->count) < 0)
        return false;
    for (Py_ssize_t k = 0; k < output_count; k++)
        if (outputs[k].sums)
            add_leaf(block, &outputs[k], count);
        else
            write_leaf(block, &outputs[k], example, count);
    for (int64_t l = 0; l < count; l++)
        failed[example + l] |= !block->going[l];
    block->done += machine->count;
    return block->done <= STEPS || goes_on(block);
}

/* run_blocks(machine, shared, inputs, outputs, failed, stop, begin, end, width): runs it for the
 * examples from one to another, so many at a time. `shared` are the numbers that all examples
 * share; `inputs` and `outputs` are leaves; `failed` becomes 1 for examples of which a guard does
 * not hold; it stops soon after `stop` becomes 1. */
PyObject *run_blocks(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *capsule, *given_inputs, *given_outputs;
    Py_buffer shared, failed, stop;
    long long begin, end, width;
    if (!PyArg_ParseTuple(args, "Oy*O!O!w*y*LLL", &capsule, &shared, &PyTuple_Type, &given_inputs,
                          &PyTuple_Type, &given_outputs, &failed, &stop, &begin, &end, &width))
        return NULL;
    const Machine *machine = machine_in(capsule);
    const Py_ssize_t input_count = PyTuple_GET_SIZE(given_inputs);
    const Py_ssize_t output_count = PyTuple_GET_SIZE(given_outputs);
    Leaf *inputs = NULL, *outputs = NULL;
    void *room = NULL;
    bool done = false;
    Block block = {.machine = machine, .shared = shared.buf, .stop = stop.buf};
    if (machine == NULL)
        goto out;
    if (shared.len / 8 != machine->shared || stop.len < 4 || begin < 0 || begin > end ||
        end > failed.len || width < EIGHT || width > MOST_WIDTH || width % EIGHT != 0) {
        PyErr_SetString(PyExc_ValueError, "other shared numbers, or examples, or a wrong width");
        goto out;
    }
    inputs = read_leaves(machine, given_inputs, PyBUF_STRIDES, end);
    outputs = inputs == NULL ? NULL
                             : read_leaves(machine, given_outputs, PyBUF_STRIDES | PyBUF_WRITABLE, end);
    if (outputs == NULL)
        goto out;
    block.bases = machine->bases.buf;
    block.strides = machine->strides.buf;
    if (end - begin < width)
        width = round_up(end - begin);
    room = width ? make_room(&block, width) : NULL;
    if (room == NULL && width) {
        PyErr_NoMemory();
        goto out;
    }
    block.looked = seconds_now();
    block.thread = machine->asks_python ? NULL : PyEval_SaveThread();
    done = true;
    for (int64_t example = begin; example < end && done; example += width)
        done = run_block(&block, inputs, input_count, outputs, output_count, failed.buf, example,
                         end - example < width ? end - example : width);
    take_lock(&block);
    PyMem_RawFree(room);
    done = done || !PyErr_Occurred(); /* being told to stop is no error */
out:
    if (inputs != NULL)
        release(inputs, input_count);
    if (outputs != NULL)
        release(outputs, output_count);
    PyBuffer_Release(&shared);
    PyBuffer_Release(&failed);
    PyBuffer_Release(&stop);
    if (!done)
        return NULL;
    Py_RETURN_NONE;
}
