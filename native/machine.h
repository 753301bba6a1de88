/* Instructions, as machine.c obeys them for one example and blocks.c for many at once:
 * src/wengert/run/instructions.py has the meaning. */

#ifndef WENGERT_MACHINE_H
#define WENGERT_MACHINE_H

#include "node.h"

enum {
    MOVE = -1, LOOP = -2, WHILE = -3, LEAVE = -4, GUARD = -5, FIND = -6, RUN = -7,
    MOST_LOOPS = 16, MOST_OPERANDS = 3
};

/* What the fields mean depends on the instruction. The operation is given as the number of a row,
 * and kept as the row's own number; `first` says which row it is. */
typedef struct {
    int64_t op;
    int64_t to, x, y, w;        /* operands; of a loop: its counter, and the operands it moves */
    int64_t first, count, stop; /* of a loop: where its parts begin; how often it runs; its end */
} Instruction;

/* A row that instructions apply. */
typedef struct {
    int op;
    double constant;
    PyObject *scalar; /* for a row that C does not know */
} Row;

/* A place that is looked up, wraps around, or may leave its memory. */
typedef struct {
    int64_t start, base, step, size, window, checked, is_looked_up, entry;
} Found;

/* An operation of a straight stretch: its row, or MOVE; how much it reads; whether it guards. */
typedef struct {
    int64_t row, reads, guards;
} Operation;

/* A statement of a straight stretch, with what is needed to obey it. */
typedef struct {
    int32_t op, row; /* the row's own number, or MOVE; which of the machine's rows it is */
    int32_t reads;   /* operands, without the one that a guard expects */
    bool guards;
    int64_t x, y, to; /* places; `y` is one that can be read, even if it is not wanted */
} Statement;

typedef struct {
    Py_buffer ops, operations, starts, places, targets;
    Statement *statements; /* made of these */
    int64_t number;
} Straight;

typedef struct {
    Py_buffer bases, strides, found, steps, entries, index;
    Instruction *code;
    int64_t *moves; /* of each operand: how far the loop moves it that keeps it up to date */
    bool *is_result; /* of each operand: whether an instruction writes to it */
    Row *rows;
    Straight *runs;
    Py_ssize_t row_count, run_count;
    int64_t count, operands, depth, roots, size, finds;
    int64_t shared; /* so many places, the first ones, are the same for all examples */
    bool asks_python;
} Machine;

/* Where a FIND stands at the loops' counters. */
typedef enum { THERE, OUTSIDE, BEYOND, BEYOND_INDEX } Whereabouts;

const Machine *machine_in(PyObject *capsule);
Whereabouts find_place(const Machine *machine, const int64_t *counters, int64_t number,
                       int64_t *place);
bool raise_whereabouts(const Machine *machine, Whereabouts where, int64_t number, int64_t place);
double seconds_now(void);

#endif
