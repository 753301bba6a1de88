/* Value numbering of straight lists: the native twin of src/wengert/program/numbering.py.
 *
 * An operand is a coded address, with items in place of places of the value memory.
 * The list is read once downwards and once upwards. Rules come from Python as integers; rows are
 * evaluated by their scalars in Python, which happens only where all operands are constants. */

#include "codes.h"

#include <math.h>
#include <string.h>

enum { MOST = 8 };                 /* operands of an operation, letters of a rule */
enum { AHEAD = 16 };               /* items that memory is told of before their turn */
enum { PINNED = 1, NEEDED = 2, ROOT = 4 };
enum { LETTER, NUMBER, ROW, CONSTANT_LETTER };
enum { A_CONSTANT, ASKED_FOR, ANYTHING, CLASSES }; /* of operands, behind the operations */
enum { ITEMS, COUNTS, READS, LIVE, KEPT }; /* what Python is given, as bytearrays */

typedef struct {
    int reads;
    bool guards, commutes;
    PyObject *scalar; /* borrowed; None for a move */
    int32_t plain;    /* the same row without a guard; -1 where there is none */
    int32_t first_rule;
    const uint64_t *marks; /* per operand and class of what it may be, the rules that allow it */
} Operation;

typedef struct {
    Code kind, number;
} Symbol;

typedef struct {
    Symbol *pattern, *replacement;
    Py_ssize_t pattern_length, replacement_length;
    double *numbers;
    PyObject *let; /* borrowed */
    Code asked, answer; /* of `let`, the last time; the answer is -1 where the rule does not apply */
    Py_ssize_t applied;
    uint64_t mark;
    int32_t next; /* the next rule for the same operation; -1 at the end */
} Rule;

/* What is known of an item, side by side because it is asked for together; numbering.py reads it. */
typedef struct {
    Code value;
    int32_t op;
    uint32_t start; /* of its operands */
} Item;

/* In the hash table of items. The upper half of the hash stands beside the item, because to look
 * at the item itself is to wait for memory. */
typedef struct {
    uint32_t hash;
    int32_t item; /* twice its number, and 1 more where a guard stands for the plain operation */
} Entry;

static const int32_t EMPTY = -1;

typedef struct {
    Operation *operations;
    Rule *rules;
    Py_ssize_t operation_count, rule_count;
    uint64_t *marks;
    uint64_t rule_numbers; /* which numbers rules ask for: one bit for many of them */
    int32_t move;
    Py_ssize_t count;
    Item *items;
    const uint8_t *flags;
    uint8_t *live, *arity;
    /* operands of all items in a row */
    Code *reads;
    Py_ssize_t used, room;
    /* the constant memory, and per place of the given one the first that has the same number */
    double *constants;
    int32_t *first_place;
    Py_ssize_t given, constant_count, constant_room;
    Entry *table;
    int32_t *numbers; /* a hash table of places in the constant memory */
    size_t table_mask, number_mask;
    Py_ssize_t numbers_used;
    Py_ssize_t folded, merged, held;
    PyObject *kept[KEPT];
} List;

static inline uint64_t mixed(uint64_t hash, uint64_t with)
{
    hash = (hash ^ with) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ (hash >> 29);
}

static inline uint64_t bits_of(double number)
{
    uint64_t bits;
    memcpy(&bits, &number, sizeof bits);
    return bits;
}

static inline bool is_item(Code code)
{
    return is_in(VALUE_MEMORY, code);
}

static inline bool is_constant(Code code)
{
    return is_in(CONSTANT_MEMORY, code);
}

static inline double number_of_code(const List *list, Code code)
{
    return list->constants[code & PLACE_BITS];
}

/* An array of at least one element, so that NULL always means failure. */
static void *array_of(Py_ssize_t count, size_t size)
{
    void *array = count < 0 || (size_t)count > PY_SSIZE_T_MAX / size - 1
                      ? NULL
                      : PyMem_RawMalloc(((size_t)count + 1) * size);
    if (array == NULL)
        PyErr_NoMemory();
    return array;
}

/* A hash table of which every byte is 0xff, so that its numbers are EMPTY. */
static void *hash_table(size_t entries, size_t size, size_t *mask)
{
    size_t count = 64;
    while (count < 2 * entries)
        count *= 2;
    void *table = array_of((Py_ssize_t)count, size);
    if (table != NULL)
        memset(table, 0xff, count * size);
    *mask = count - 1;
    return table;
}

/* --- constants --------------------------------------------------------------------------------- */

static bool grow_numbers(List *list)
{
    size_t mask;
    int32_t *table = hash_table(4 * (size_t)list->numbers_used, sizeof *table, &mask);
    if (table == NULL)
        return false;
    for (size_t k = 0; k <= list->number_mask; k++) {
        int32_t place = list->numbers[k];
        if (place == EMPTY)
            continue;
        size_t at = mixed(0, bits_of(list->constants[place])) & mask;
        while (table[at] != EMPTY)
            at = (at + 1) & mask;
        table[at] = place;
    }
    PyMem_RawFree(list->numbers);
    list->numbers = table;
    list->number_mask = mask;
    return true;
}

/* The place in the table that is for a number. */
static size_t slot_of(const List *list, double number)
{
    uint64_t bits = bits_of(number);
    size_t at = mixed(0, bits) & list->number_mask;
    while (list->numbers[at] != EMPTY && bits_of(list->constants[list->numbers[at]]) != bits)
        at = (at + 1) & list->number_mask;
    return at;
}

/* The first place with the number that is at this one; -1 with an exception set. */
static Code shared_constant(List *list, Py_ssize_t place)
{
    size_t at = slot_of(list, list->constants[place]);
    if (list->numbers[at] == EMPTY) {
        list->numbers[at] = (int32_t)place;
        if (2 * (size_t)++list->numbers_used > list->number_mask) {
            if (!grow_numbers(list))
                return -1;
            at = slot_of(list, list->constants[place]);
        }
    }
    return (Code)CONSTANT_MEMORY << SHIFT | list->numbers[at];
}

/* The place of a number; a new one, if it is the first of its kind. -1 with an exception set. */
static Code constant(List *list, double number)
{
    if (number != number)
        number = NAN; /* one for all, as in the memory of a program */
    size_t at = slot_of(list, number);
    if (list->numbers[at] != EMPTY)
        return (Code)CONSTANT_MEMORY << SHIFT | list->numbers[at];
    if (list->constant_count == list->constant_room) {
        Py_ssize_t room = 2 * list->constant_room + 64;
        double *new = room > INT32_MAX ? NULL
                                       : PyMem_RawRealloc(list->constants,
                                                          (size_t)room * sizeof *new);
        if (new == NULL) {
            PyErr_NoMemory();
            return -1;
        }
        list->constants = new;
        list->constant_room = room;
    }
    list->constants[list->constant_count] = number;
    return shared_constant(list, list->constant_count++);
}

/* Find, for each place of the given memory, the first with the same number. */
static bool share_constants(List *list)
{
    for (Py_ssize_t k = 0; k < list->given; k++) {
        if (k + AHEAD < list->given) {
            uint64_t bits = bits_of(list->constants[k + AHEAD]);
            PREFETCH(&list->numbers[mixed(0, bits) & list->number_mask]);
        }
        Code code = shared_constant(list, k);
        if (code < 0)
            return false;
        list->first_place[k] = (int32_t)(code & PLACE_BITS);
    }
    return true;
}

/* A Python function of floats; NULL with an exception set. */
static PyObject *call(PyObject *function, const double *numbers, int count)
{
    PyObject *args[MOST], *made = NULL;
    int known = 0;
    while (known < count && (args[known] = PyFloat_FromDouble(numbers[known])) != NULL)
        known++;
    if (known == count)
        made = PyObject_Vectorcall(function, args, (size_t)count, NULL);
    while (known-- > 0)
        Py_DECREF(args[known]);
    return made;
}

/* --- rules ------------------------------------------------------------------------------------- */

/* Ask a rule's `let` for a number: its place, -1 if the rule does not apply, -2 with an exception
 * set. */
static Code let(List *list, const Rule *rule, const double *given, int known)
{
    PyObject *made = call(rule->let, given, known);
    if (made == NULL)
        return -2;
    double number = made == Py_None ? 0.0 : PyFloat_AsDouble(made);
    bool applies = made != Py_None;
    Py_DECREF(made);
    if (!applies)
        return -1;
    if (number == -1.0 && PyErr_Occurred())
        return -2;
    Code place = constant(list, number);
    return place < 0 ? -2 : place;
}

/* What the letters of a rule stand for: 1 if it applies, 0 if not, -1 with an exception set. */
static int matches(List *list, Rule *rule, const Code *reads, Code *bound)
{
    Code waiting[64];
    double given[MOST];
    Code only = -1;
    int depth = 0, known = 0, arity = list->operations[rule->pattern[0].number].reads;
    for (int k = arity; k-- > 0;)
        waiting[depth++] = reads[k];
    for (int k = 0; k < MOST; k++)
        bound[k] = -1;
    for (Py_ssize_t at = 1; at < rule->pattern_length; at++) {
        Symbol symbol = rule->pattern[at];
        Code code = waiting[--depth];
        switch (symbol.kind) {
        case ROW: {
            if (!is_item(code) || list->items[code].op != symbol.number ||
                list->flags[code] & ROOT) /* its operands may have changed since */
                return 0;
            const Code *below = list->reads + list->items[code].start;
            for (int k = list->operations[symbol.number].reads; k-- > 0;)
                waiting[depth++] = below[k];
            break;
        }
        case NUMBER:
            if (!is_constant(code) || bits_of(number_of_code(list, code)) !=
                                          bits_of(rule->numbers[symbol.number]))
                return 0;
            break;
        default:
            if (bound[symbol.number] != -1 && bound[symbol.number] != code)
                return 0;
            bound[symbol.number] = code;
            if (symbol.kind == CONSTANT_LETTER) {
                if (!is_constant(code))
                    return 0;
                given[known++] = number_of_code(list, code);
                only = code;
            }
        }
    }
    if (rule->let == Py_None)
        return 1;
    if (known != 1 || rule->asked != only) {
        rule->answer = let(list, rule, given, known);
        rule->asked = rule->answer == -2 ? -1 : only;
    }
    bound[0] = rule->answer;
    return rule->answer < 0 ? (int)rule->answer + 1 : 1;
}

/* The operand that a letter or number of a replacement stands for; -1 with an exception set. */
static Code replaced(List *list, const Rule *rule, Symbol symbol, const Code *bound)
{
    return symbol.kind == NUMBER ? constant(list, rule->numbers[symbol.number])
                                 : bound[symbol.number];
}

/* Whether rules ask for such a number; if they do, perhaps. */
static inline uint64_t mark_of_number(double number)
{
    return UINT64_C(1) << (mixed(0, bits_of(number)) >> 58);
}

/* The rules that allow an operand as the one with this number: most operations have none. */
static inline uint64_t rules_that_allow(const List *list, const Operation *operation, int k,
                                        Code code)
{
    Py_ssize_t class = list->operation_count;
    if (is_item(code))
        class = list->items[code].op;
    else if (!is_constant(code))
        class += ANYTHING;
    else if (list->rule_numbers & mark_of_number(number_of_code(list, code)))
        class += ASKED_FOR;
    else
        class += A_CONSTANT;
    return operation->marks[k * (list->operation_count + CLASSES) + class];
}

/* Rewrite an operation by the first rule that applies: 1 if there is one, -1 with an exception.
 * The operation -1 means that the result is the first operand. */
static int rewrite(List *list, int32_t *op, Code *reads)
{
    const Operation *operation = &list->operations[*op];
    uint64_t marks = ~UINT64_C(0);
    for (int k = 0; k < operation->reads; k++)
        marks &= rules_that_allow(list, operation, k, reads[k]);
    if (marks == 0)
        return 0;
    for (int32_t k = operation->first_rule; k >= 0; k = list->rules[k].next) {
        Rule *rule = &list->rules[k];
        if (!(rule->mark & marks))
            continue;
        Code bound[MOST];
        int found = matches(list, rule, reads, bound);
        if (UNLIKELY(found < 0))
            return -1;
        if (found == 0)
            continue;
        rule->applied++;
        bool is_row = rule->replacement[0].kind == ROW;
        for (Py_ssize_t at = is_row; at < rule->replacement_length; at++) {
            reads[at - is_row] = replaced(list, rule, rule->replacement[at], bound);
            if (reads[at - is_row] < 0)
                return -1;
        }
        *op = is_row ? (int32_t)rule->replacement[0].number : -1;
        return 1;
    }
    return 0;
}

/* --- down and up ------------------------------------------------------------------------------- */

/* The row's value on constants; false with an exception set. */
static bool evaluate(const List *list, const Operation *operation, const Code *reads, int count,
                     double *result)
{
    double numbers[MOST];
    for (int k = 0; k < count; k++)
        numbers[k] = number_of_code(list, reads[k]);
    PyObject *made = call(operation->scalar, numbers, count);
    if (made == NULL)
        return false;
    *result = PyFloat_AsDouble(made);
    Py_DECREF(made);
    return *result != -1.0 || !PyErr_Occurred();
}

/* Whether the operands of an operation that commutes go by in the other order. */
static inline bool swaps(const List *list, int32_t op, const Code *reads)
{
    return list->operations[op].commutes && reads[1] < reads[0];
}

static inline uint64_t hash_of(const List *list, int32_t op, const Code *reads)
{
    int count = list->operations[op].reads;
    bool swap = swaps(list, op, reads);
    uint64_t hash = mixed(mixed(0, (uint64_t)op), (uint64_t)reads[swap]);
    if (count > 1)
        hash = mixed(hash, (uint64_t)reads[!swap]);
    for (int k = 2; k < count; k++)
        hash = mixed(hash, (uint64_t)reads[k]);
    return hash;
}

static bool same_operands(const List *list, int32_t op, const Code *reads, const Code *its)
{
    int count = list->operations[op].reads;
    bool swap = swaps(list, op, reads), its_swap = swaps(list, op, its);
    bool same = reads[swap] == its[its_swap] && (count < 2 || reads[!swap] == its[!its_swap]);
    for (int k = 2; same && k < count; k++)
        same = reads[k] == its[k];
    return same;
}

/* The first item with this operation on these operands; `me`, and it is kept, if there is none.
 * A guard is kept once more as the plain operation that it is too: `as_plain`. */
static int32_t first_equal(List *list, int32_t me, int32_t op, const Code *reads, bool as_plain)
{
    uint64_t hash = hash_of(list, op, reads);
    uint32_t upper = (uint32_t)(hash >> 32);
    for (size_t at = hash & list->table_mask;; at = (at + 1) & list->table_mask) {
        Entry entry = list->table[at];
        if (entry.item == EMPTY) {
            list->table[at] = (Entry){upper, 2 * me + as_plain};
            return me;
        }
        if (entry.hash != upper)
            continue;
        const Item *other = &list->items[entry.item >> 1];
        int32_t its_op = entry.item & 1 ? list->operations[other->op].plain : other->op;
        if (its_op == op && same_operands(list, op, reads, list->reads + other->start))
            return entry.item >> 1;
    }
}

/* The next item, its operands already at the end of `reads`; false with an exception set. */
static bool put(List *list, int32_t me, int32_t op, int flag)
{
    Code *reads = list->reads + list->used;
    const Operation *operation = &list->operations[op];
    Item *item = &list->items[me];
    *item = (Item){me, op, (uint32_t)list->used};
    if (flag & ROOT)
        goto stays;
    if (operation->scalar == Py_None) {
        item->value = reads[0];
        goto found;
    }
    for (;;) {
        bool constants = true;
        for (int k = 0; k < operation->reads; k++)
            constants = constants && is_constant(reads[k]);
        if (UNLIKELY(constants)) {
            double result;
            int count = operation->reads;
            if (!evaluate(list, operation, reads, count - operation->guards, &result))
                return false;
            if (!operation->guards || result == number_of_code(list, reads[count - 1])) {
                *(operation->guards ? &list->held : &list->folded) += 1;
                item->value = constant(list, result);
                if (item->value < 0)
                    return false;
                break;
            }
        }
        int rewritten = operation->guards ? 0 : rewrite(list, &op, reads);
        if (rewritten < 0)
            return false;
        if (rewritten == 0) {
            item->op = op;
            item->value = first_equal(list, me, op, reads, false);
            list->merged += item->value != me;
            if (operation->guards && item->value == me && operation->plain >= 0)
                first_equal(list, me, operation->plain, reads, true);
            break;
        }
        if (op < 0) {
            item->value = reads[0];
            break;
        }
        operation = &list->operations[op];
    }
found:
    if (item->value != me) {
        if (!(flag & PINNED))
            return true; /* nobody will read it, and the next item may have its place in `reads` */
        item->op = list->move;
        reads[0] = item->value;
    }
stays:
    list->used += list->operations[item->op].reads;
    return true;
}

static bool make_room(List *list)
{
    if (list->room - list->used >= MOST)
        return true;
    Py_ssize_t room = list->room + list->room / 2 + 64;
    if (PyByteArray_Resize(list->kept[READS], room * (Py_ssize_t)sizeof(Code)) < 0)
        return false;
    list->reads = (Code *)PyByteArray_AS_STRING(list->kept[READS]);
    list->room = room;
    return true;
}

/* Whether there are all operations, and their operands. */
static bool is_whole(const List *list, const int32_t *ops, Py_ssize_t length)
{
    for (Py_ssize_t k = 0; k < list->count && length >= 0; k++) {
        if (ops[k] < 0 || ops[k] >= list->operation_count)
            return false;
        length -= list->operations[ops[k]].reads;
    }
    return length >= 0;
}

/* What an operand stands for before its item; -1 if it is none. */
static inline Code canonical(const List *list, Py_ssize_t me, Code code)
{
    if (is_item(code))
        return code < me ? list->items[code].value : -1;
    if (!is_constant(code))
        return code;
    Code place = code & PLACE_BITS;
    return place < list->given ? (Code)CONSTANT_MEMORY << SHIFT | list->first_place[place] : -1;
}

/* Where an item is likely to be looked for when its turn comes. */
static inline const Entry *likely_entry(const List *list, Py_ssize_t me, int32_t op,
                                        const Code *operands)
{
    Code reads[MOST];
    for (int k = 0; k < list->operations[op].reads; k++) {
        Code code = canonical(list, me, operands[k]);
        reads[k] = code < 0 ? operands[k] : code;
    }
    return &list->table[hash_of(list, op, reads) & list->table_mask];
}

/* Every item in order. Operands are checked, since an item may only read what stands before it. */
static bool go_down(List *list, const int32_t *ops, const Code *operands, Py_ssize_t length)
{
    if (!is_whole(list, ops, length))
        goto wrong;
    const Code *ahead = operands;
    for (Py_ssize_t k = 0; k < list->count && k < AHEAD; k++)
        ahead += list->operations[ops[k]].reads;
    for (Py_ssize_t me = 0; me < list->count; me++) {
        if ((me & 0xffff) == 0xffff && PyErr_CheckSignals() < 0)
            return false;
        if (!make_room(list))
            return false;
        if (me + AHEAD < list->count) {
            int32_t op = ops[me + AHEAD];
            PREFETCH(likely_entry(list, me, op, ahead));
            ahead += list->operations[op].reads;
        }
        Code *reads = list->reads + list->used;
        for (int k = 0; k < list->operations[ops[me]].reads; k++) {
            reads[k] = canonical(list, me, *operands++);
            if (reads[k] < 0)
                goto wrong;
        }
        if (!put(list, (int32_t)me, ops[me], list->flags[me]))
            return false;
    }
    return true;
wrong:
    PyErr_SetString(PyExc_ValueError, "an item reads what does not stand before it");
    return false;
}

/* Mark what must stay. */
static void go_up(List *list)
{
    const uint8_t *flags = list->flags;
    memset(list->live, 0, (size_t)list->count);
    for (Py_ssize_t k = 0; k < list->count; k++)
        if (flags[k] & NEEDED && is_item(list->items[k].value))
            list->live[list->items[k].value] = 1;
    for (Py_ssize_t k = list->count; k-- > 0;) {
        const Item *item = &list->items[k];
        const Operation *operation = &list->operations[item->op];
        if (!list->live[k] && !(flags[k] & (PINNED | ROOT)) &&
            !(operation->guards && item->value == k))
            continue;
        list->live[k] = 1;
        for (int r = 0; r < operation->reads; r++) {
            Code code = list->reads[item->start + (uint32_t)r];
            if (is_item(code))
                list->live[code] = 1;
        }
    }
}

/* Keep the operands of what stays only. */
static void close_up(List *list)
{
    Py_ssize_t used = 0;
    for (Py_ssize_t k = 0; k < list->count; k++) {
        list->arity[k] = list->live[k] ? (uint8_t)list->operations[list->items[k].op].reads : 0;
        for (int r = 0; r < list->arity[k]; r++)
            list->reads[used++] = list->reads[list->items[k].start + (uint32_t)r];
    }
    list->used = used;
}

/* --- from and to Python ------------------------------------------------------------------------ */

static bool read_operations(List *list, PyObject *table, PyObject *plain)
{
    list->operation_count = PyList_GET_SIZE(table);
    list->operations = array_of(list->operation_count, sizeof *list->operations);
    if (list->operations == NULL)
        return false;
    if (PyList_GET_SIZE(plain) != list->operation_count) {
        PyErr_SetString(PyExc_ValueError, "the operations do not fit each other");
        return false;
    }
    for (Py_ssize_t k = 0; k < list->operation_count; k++) {
        Operation *operation = &list->operations[k];
        int guards, commutes;
        if (!PyArg_ParseTuple(PyList_GET_ITEM(table, k), "ippO", &operation->reads, &guards,
                              &commutes, &operation->scalar))
            return false;
        operation->guards = guards;
        operation->commutes = commutes;
        operation->first_rule = -1;
        operation->plain = (int32_t)PyLong_AsLong(PyList_GET_ITEM(plain, k));
        if (PyErr_Occurred())
            return false;
        if (operation->reads < 1 || operation->reads > MOST || operation->plain < -1 ||
            operation->plain >= list->operation_count || (commutes && operation->reads < 2)) {
            PyErr_SetString(PyExc_ValueError, "an operation has from 1 to 8 operands");
            return false;
        }
    }
    return true;
}

/* Symbols from a list of kinds and numbers. They are one term: every operation has its operands. */
static Symbol *symbols(List *list, PyObject *codes, Py_ssize_t numbers, Py_ssize_t *length)
{
    *length = PyList_GET_SIZE(codes) / 2;
    Symbol *made = array_of(*length, sizeof *made);
    int missing = 1, known = 0;
    for (Py_ssize_t k = 0; made != NULL && k < *length; k++) {
        Code kind = PyLong_AsLongLong(PyList_GET_ITEM(codes, 2 * k));
        Code number = PyLong_AsLongLong(PyList_GET_ITEM(codes, 2 * k + 1));
        Code most = kind == ROW ? list->operation_count : kind == NUMBER ? numbers : MOST;
        if (PyErr_Occurred() || kind < LETTER || kind > CONSTANT_LETTER || number < 0 ||
            number >= most || missing == 0)
            goto wrong;
        made[k] = (Symbol){kind, number};
        missing += kind == ROW ? list->operations[number].reads - 1 : -1;
        known += kind == CONSTANT_LETTER;
    }
    if (made == NULL || (missing == 0 && *length <= 32 && known <= MOST))
        return made;
wrong:
    PyMem_RawFree(made);
    if (!PyErr_Occurred())
        PyErr_SetString(PyExc_ValueError, "this is no pattern of a rule");
    return NULL;
}

/* Mark what a rule allows as the operands themselves. */
static void mark(List *list, const Rule *rule)
{
    const Operation *operation = &list->operations[rule->pattern[0].number];
    Py_ssize_t classes = list->operation_count + CLASSES, at = 1;
    uint64_t *marks = list->marks + (operation->marks - list->marks);
    for (int k = 0; k < operation->reads; k++, marks += classes) {
        Symbol symbol = rule->pattern[at];
        uint64_t *constants = marks + list->operation_count;
        if (symbol.kind == ROW)
            marks[symbol.number] |= rule->mark;
        else if (symbol.kind == LETTER)
            for (Py_ssize_t class = 0; class < classes; class++)
                marks[class] |= rule->mark;
        else
            constants[ASKED_FOR] |= rule->mark;
        if (symbol.kind == CONSTANT_LETTER)
            constants[A_CONSTANT] |= rule->mark;
        if (symbol.kind == NUMBER)
            list->rule_numbers |= mark_of_number(rule->numbers[symbol.number]);
        for (int missing = 1; missing > 0; at++)
            missing += rule->pattern[at].kind == ROW
                           ? list->operations[rule->pattern[at].number].reads - 1
                           : -1;
    }
}

static bool read_rule(List *list, PyObject *given, Rule *rule)
{
    PyObject *pattern, *replacement, *numbers;
    if (!PyArg_ParseTuple(given, "O!O!O!O", &PyList_Type, &pattern, &PyList_Type, &replacement,
                          &PyList_Type, &numbers, &rule->let))
        return false;
    Py_ssize_t count = PyList_GET_SIZE(numbers);
    rule->numbers = array_of(count, sizeof *rule->numbers);
    rule->pattern = symbols(list, pattern, count, &rule->pattern_length);
    if (rule->numbers == NULL || rule->pattern == NULL)
        return false;
    rule->replacement = symbols(list, replacement, count, &rule->replacement_length);
    if (rule->replacement == NULL)
        return false;
    bool fits = rule->pattern[0].kind == ROW;
    for (Py_ssize_t k = 1; k < rule->replacement_length; k++)
        fits = fits && rule->replacement[k].kind != ROW;
    if (!fits) {
        PyErr_SetString(PyExc_ValueError, "a rule makes one operation of a term");
        return false;
    }
    for (Py_ssize_t k = 0; k < count; k++)
        rule->numbers[k] = PyFloat_AsDouble(PyList_GET_ITEM(numbers, k));
    rule->asked = -1;
    return !PyErr_Occurred();
}

static bool read_rules(List *list, PyObject *given)
{
    Py_ssize_t count = PyList_GET_SIZE(given);
    list->rules = array_of(count, sizeof *list->rules);
    if (list->rules == NULL)
        return false;
    memset(list->rules, 0, ((size_t)count + 1) * sizeof *list->rules);
    list->rule_count = count;
    for (Py_ssize_t k = 0; k < count; k++)
        if (!read_rule(list, PyList_GET_ITEM(given, k), &list->rules[k]))
            return false;
    Py_ssize_t marks = 0;
    for (Py_ssize_t k = 0; k < list->operation_count; k++)
        marks += list->operations[k].reads * (list->operation_count + CLASSES);
    list->marks = array_of(marks, sizeof *list->marks);
    if (list->marks == NULL)
        return false;
    memset(list->marks, 0, (size_t)marks * sizeof *list->marks);
    uint64_t *next = list->marks;
    for (Py_ssize_t k = 0; k < list->operation_count; k++) {
        list->operations[k].marks = next;
        next += list->operations[k].reads * (list->operation_count + CLASSES);
    }
    for (Py_ssize_t k = count; k-- > 0;) {
        Rule *rule = &list->rules[k];
        Operation *operation = &list->operations[rule->pattern[0].number];
        rule->next = operation->first_rule;
        rule->mark = UINT64_C(1) << k % 64;
        operation->first_rule = (int32_t)k;
        mark(list, rule);
    }
    return true;
}

/* A bytearray of which nothing is known yet; NULL with an exception set. */
static void *kept(List *list, int which, Py_ssize_t count, size_t size)
{
    list->kept[which] = PyByteArray_FromStringAndSize(NULL, count * (Py_ssize_t)size);
    return list->kept[which] == NULL ? NULL : PyByteArray_AS_STRING(list->kept[which]);
}

static bool allocate(List *list, Py_ssize_t operands, const double *constants)
{
    Py_ssize_t count = list->count;
    list->room = operands + MOST;
    list->items = kept(list, ITEMS, count, sizeof *list->items);
    list->arity = kept(list, COUNTS, count, sizeof *list->arity);
    list->reads = kept(list, READS, list->room, sizeof *list->reads);
    list->live = kept(list, LIVE, count, sizeof *list->live);
    list->given = list->constant_room = list->constant_count;
    list->constants = array_of(list->constant_room, sizeof *list->constants);
    list->first_place = array_of(list->constant_room, sizeof *list->first_place);
    size_t entries = (size_t)count; /* a guard makes two, and the table must never be full */
    for (Py_ssize_t k = 0; k < list->operation_count; k++)
        if (list->operations[k].guards)
            entries = (size_t)count + (size_t)count / 2 + 1;
    list->table = hash_table(entries, sizeof *list->table, &list->table_mask);
    list->numbers = hash_table(64, sizeof *list->numbers, &list->number_mask);
    if (list->items == NULL || list->arity == NULL || list->reads == NULL || list->live == NULL ||
        list->constants == NULL || list->first_place == NULL || list->table == NULL ||
        list->numbers == NULL)
        return false;
    if (list->constant_count > 0)
        memcpy(list->constants, constants, (size_t)list->constant_count * sizeof *constants);
    return true;
}

static void release(List *list)
{
    for (Py_ssize_t k = 0; k < list->rule_count; k++) {
        PyMem_RawFree(list->rules[k].pattern);
        PyMem_RawFree(list->rules[k].replacement);
        PyMem_RawFree(list->rules[k].numbers);
    }
    void *arrays[] = {list->operations, list->rules, list->marks, list->constants,
                      list->first_place, list->table, list->numbers};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
        PyMem_RawFree(arrays[k]);
    for (int k = 0; k < KEPT; k++)
        Py_XDECREF(list->kept[k]);
}

static PyObject *result(List *list)
{
    if (PyByteArray_Resize(list->kept[READS], list->used * (Py_ssize_t)sizeof(Code)) < 0)
        return NULL;
    PyObject *applied = PyList_New(list->rule_count);
    for (Py_ssize_t k = 0; applied != NULL && k < list->rule_count; k++) {
        PyObject *times = PyLong_FromSsize_t(list->rules[k].applied);
        if (times == NULL)
            Py_CLEAR(applied);
        else
            PyList_SET_ITEM(applied, k, times);
    }
    if (applied == NULL)
        return NULL;
    PyObject *constants =
        PyByteArray_FromStringAndSize((const char *)list->constants,
                                      list->constant_count * (Py_ssize_t)sizeof(double));
    return Py_BuildValue("OOOONNnnn", list->kept[ITEMS], list->kept[COUNTS], list->kept[READS],
                         list->kept[LIVE], constants, applied, list->folded, list->merged,
                         list->held);
}

/* number_values(ops, operands, flags, table, plain, move, rules, constants) */
PyObject *number_values(PyObject *module, PyObject *args)
{
    (void)module;
    Py_buffer ops, operands, flags, constants;
    PyObject *table, *plain, *rules, *made = NULL;
    List list = {0};
    if (!PyArg_ParseTuple(args, "y*y*y*O!O!iO!y*", &ops, &operands, &flags, &PyList_Type, &table,
                          &PyList_Type, &plain, &list.move, &PyList_Type, &rules, &constants))
        return NULL;
    list.count = ops.len / (Py_ssize_t)sizeof(int32_t);
    list.constant_count = constants.len / (Py_ssize_t)sizeof(double);
    list.flags = flags.buf;
    Py_ssize_t length = operands.len / (Py_ssize_t)sizeof(Code);
    if (flags.len != list.count || list.count > INT32_MAX / 4 || length > INT32_MAX ||
        list.constant_count > INT32_MAX / 4)
        PyErr_SetString(PyExc_ValueError, "the columns do not fit each other, or are too long");
    else if (read_operations(&list, table, plain) && read_rules(&list, rules) &&
             allocate(&list, length, constants.buf) && share_constants(&list) &&
             go_down(&list, ops.buf, operands.buf, length)) {
        go_up(&list);
        close_up(&list);
        made = result(&list);
    }
    release(&list);
    PyBuffer_Release(&ops);
    PyBuffer_Release(&operands);
    PyBuffer_Release(&flags);
    PyBuffer_Release(&constants);
    return made;
}
