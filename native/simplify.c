/* Value numbering of straight lists: the native twin of src/wengert/program/numbering.py.
 *
 * The list is read once downwards and once upwards. Rules come from Python as integers; rows are
 * evaluated by their scalars in Python, which happens only where all operands are constants. */

#include "node.h"

#include <string.h>

typedef int64_t Code; /* an operand: an item, or a memory's code above SHIFT and a place */

enum { SHIFT = 56, CONSTANT = 2 }; /* as in address.py */
enum { MOST = 8 };                 /* operands of an operation, letters of a rule */
enum { PINNED = 1, NEEDED = 2, ROOT = 4 };
enum { LETTER, NUMBER, ROW, CONSTANT_LETTER };
static const Code LOW_BITS = ((Code)1 << SHIFT) - 1;

typedef struct {
    int reads;
    bool guards, commutes;
    PyObject *scalar; /* borrowed; None for a move */
    int32_t plain;    /* the same row without a guard; -1 where there is none */
    int32_t first_rule, rules_end;
} Operation;

typedef struct {
    Code kind, number;
} Symbol;

/* What a rule asks of an operand at first sight. */
typedef struct {
    int32_t class;  /* an operation, or one of these */
    uint64_t bits; /* of a number */
} Glance;

enum { ANYTHING = -3, A_CONSTANT = -2, A_NUMBER = -1 };

typedef struct {
    Glance glances[MOST];
    Symbol *pattern, *replacement;
    Py_ssize_t pattern_length, replacement_length;
    double *numbers;
    PyObject *let; /* borrowed */
    Py_ssize_t applied;
    int32_t next; /* the next rule for the same operation; -1 at the end */
} Rule;

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
    int32_t move;
    /* per item */
    Py_ssize_t count;
    int32_t *ops;
    uint8_t *arity;
    int64_t *starts;
    Code *value;
    uint8_t *live;
    /* operands of all items in a row */
    Code *reads;
    Py_ssize_t used, room;
    /* the constant memory */
    double *constants;
    Py_ssize_t constant_count, constant_room;
    Entry *items;
    int32_t *numbers; /* a hash table of places in the constant memory */
    size_t item_mask, number_mask;
    Py_ssize_t numbers_used;
    Py_ssize_t folded, merged, held;
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
    return code >> SHIFT == 0;
}

static inline bool is_constant(Code code)
{
    return code >> SHIFT == CONSTANT;
}

static inline double number_of_code(const List *list, Code code)
{
    return list->constants[code & LOW_BITS];
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

/* The first place that was met with this number; -1 with an exception set. */
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
    return (Code)CONSTANT << SHIFT | list->numbers[at];
}

/* The place of a number; a new one, if it is the first of its kind. -1 with an exception set. */
static Code constant(List *list, double number)
{
    size_t at = slot_of(list, number);
    if (list->numbers[at] != EMPTY)
        return (Code)CONSTANT << SHIFT | list->numbers[at];
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

/* What the letters of a rule stand for: 1 if it applies, 0 if not, -1 with an exception set. */
static int matches(List *list, const Rule *rule, const Code *reads, Code *bound)
{
    Code waiting[64];
    double given[MOST];
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
            if (!is_item(code) || list->ops[code] != symbol.number)
                return 0;
            const Code *below = list->reads + list->starts[code];
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
            }
        }
    }
    if (rule->let == Py_None)
        return 1;
    PyObject *made = call(rule->let, given, known);
    if (made == NULL)
        return -1;
    double number = made == Py_None ? 0.0 : PyFloat_AsDouble(made);
    bool applies = made != Py_None;
    Py_DECREF(made);
    if (!applies)
        return 0;
    if (number == -1.0 && PyErr_Occurred())
        return -1;
    bound[0] = constant(list, number);
    return bound[0] < 0 ? -1 : 1;
}

/* The operand that a letter or number of a replacement stands for; -1 with an exception set. */
static Code replaced(List *list, const Rule *rule, Symbol symbol, const Code *bound)
{
    return symbol.kind == NUMBER ? constant(list, rule->numbers[symbol.number])
                                 : bound[symbol.number];
}

/* Whether a rule may apply. Most do not, and so most of the time is spent here. */
static inline bool may_match(const Rule *rule, const Glance *seen, int count)
{
    for (int k = 0; k < count; k++) {
        int32_t class = rule->glances[k].class;
        if (class != ANYTHING && class != seen[k].class &&
            !(class == A_NUMBER && seen[k].class == A_CONSTANT &&
              seen[k].bits == rule->glances[k].bits))
            return false;
    }
    return true;
}

/* Rewrite an operation by the first rule that applies: 1 if there is one, -1 with an exception.
 * The operation -1 means that the result is the first operand. */
static int rewrite(List *list, int32_t *op, Code *reads)
{
    Glance seen[MOST];
    int count = list->operations[*op].reads;
    for (int k = 0; k < count; k++)
        if (is_item(reads[k]))
            seen[k].class = list->ops[reads[k]];
        else if (is_constant(reads[k]))
            seen[k] = (Glance){A_CONSTANT, bits_of(number_of_code(list, reads[k]))};
        else
            seen[k].class = ANYTHING;
    for (int32_t k = list->operations[*op].first_rule; k >= 0; k = list->rules[k].next) {
        Rule *rule = &list->rules[k];
        if (!may_match(rule, seen, count))
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

/* The first item with this operation on these operands; `me`, and it is kept, if there is none.
 * A guard is kept once more as the plain operation that it is too: `as_plain`. */
static int32_t first_equal(List *list, int32_t me, int32_t op, const Code *reads, bool as_plain)
{
    int count = list->operations[op].reads;
    bool swap = list->operations[op].commutes && reads[1] < reads[0];
    Code first = reads[swap], second = count > 1 ? reads[!swap] : 0;
    uint64_t hash = mixed(mixed(mixed(0, (uint64_t)op), (uint64_t)first), (uint64_t)second);
    for (int k = 2; k < count; k++)
        hash = mixed(hash, (uint64_t)reads[k]);
    uint32_t upper = (uint32_t)(hash >> 32);
    for (size_t at = hash & list->item_mask;; at = (at + 1) & list->item_mask) {
        Entry entry = list->items[at];
        if (entry.item == EMPTY) {
            list->items[at] = (Entry){upper, 2 * me + as_plain};
            return me;
        }
        int32_t other = entry.item >> 1;
        if (entry.hash != upper)
            continue;
        int32_t its_op = list->ops[other];
        if ((entry.item & 1 ? list->operations[its_op].plain : its_op) != op)
            continue;
        const Code *its = list->reads + list->starts[other];
        bool its_swap = list->operations[op].commutes && its[1] < its[0];
        bool equal = its[its_swap] == first && (count < 2 || its[!its_swap] == second);
        for (int k = 2; equal && k < count; k++)
            equal = its[k] == reads[k];
        if (equal)
            return other;
    }
}

/* The next item, its operands already at the end of `reads`; false with an exception set. */
static bool put(List *list, int32_t me, int32_t op, int flag)
{
    Code *reads = list->reads + list->used;
    const Operation *operation = &list->operations[op];
    int count = operation->reads;
    list->ops[me] = op;
    list->starts[me] = list->used;
    list->value[me] = me;
    if (flag & ROOT)
        goto done;
    if (operation->scalar == Py_None) {
        list->value[me] = reads[0];
        goto found;
    }
    for (;;) {
        bool constants = true;
        for (int k = 0; k < count; k++)
            constants = constants && is_constant(reads[k]);
        if (UNLIKELY(constants)) {
            double result;
            if (!evaluate(list, operation, reads, count - operation->guards, &result))
                return false;
            if (!operation->guards || result == number_of_code(list, reads[count - 1])) {
                *(operation->guards ? &list->held : &list->folded) += 1;
                list->value[me] = constant(list, result);
                if (list->value[me] < 0)
                    return false;
                break;
            }
        }
        int rewritten = operation->guards ? 0 : rewrite(list, &op, reads);
        if (rewritten < 0)
            return false;
        if (rewritten == 0) {
            list->ops[me] = op;
            list->value[me] = first_equal(list, me, op, reads, false);
            list->merged += list->value[me] != me;
            if (operation->guards && list->value[me] == me && operation->plain >= 0)
                first_equal(list, me, operation->plain, reads, true);
            break;
        }
        if (op < 0) {
            list->value[me] = reads[0];
            break;
        }
        operation = &list->operations[op];
        count = operation->reads;
    }
found:
    if (list->value[me] != me && flag & PINNED) {
        list->ops[me] = list->move;
        reads[0] = list->value[me];
        count = 1;
    }
done:
    list->arity[me] = (uint8_t)count;
    list->used += count;
    return true;
}

static bool make_room(List *list)
{
    if (list->room - list->used >= MOST)
        return true;
    Py_ssize_t room = list->room + list->room / 2 + 64;
    Code *new = PyMem_RawRealloc(list->reads, (size_t)room * sizeof *new);
    if (new == NULL) {
        PyErr_NoMemory();
        return false;
    }
    list->reads = new;
    list->room = room;
    return true;
}

/* Every item in order. Operands are checked, since an item may only read what stands before it. */
static bool go_down(List *list, const int32_t *ops, const Code *operands, Py_ssize_t length,
                    const uint8_t *flags, Py_ssize_t constants)
{
    Py_ssize_t at = 0;
    for (Py_ssize_t me = 0; me < list->count; me++) {
        if ((me & 0xffff) == 0xffff && PyErr_CheckSignals() < 0)
            return false;
        if (!make_room(list))
            return false;
        if (ops[me] < 0 || ops[me] >= list->operation_count ||
            length - at < list->operations[ops[me]].reads)
            goto wrong;
        Code *reads = list->reads + list->used;
        for (int k = 0; k < list->operations[ops[me]].reads; k++) {
            Code code = operands[at++];
            if (is_item(code)) {
                if (code >= me)
                    goto wrong;
                code = list->value[code];
            } else if (is_constant(code)) {
                if ((code & LOW_BITS) >= constants)
                    goto wrong;
                code = shared_constant(list, (Py_ssize_t)(code & LOW_BITS));
                if (code < 0)
                    return false;
            } else if (code < 0)
                goto wrong;
            reads[k] = code;
        }
        if (!put(list, (int32_t)me, ops[me], flags[me]))
            return false;
    }
    return true;
wrong:
    PyErr_SetString(PyExc_ValueError, "an item reads what does not stand before it");
    return false;
}

/* Mark what must stay. */
static void go_up(List *list, const uint8_t *flags)
{
    memset(list->live, 0, (size_t)list->count);
    for (Py_ssize_t k = 0; k < list->count; k++)
        if (flags[k] & NEEDED && is_item(list->value[k]))
            list->live[list->value[k]] = 1;
    for (Py_ssize_t k = list->count; k-- > 0;) {
        bool guards = list->operations[list->ops[k]].guards && list->value[k] == k;
        if (!list->live[k] && !(flags[k] & (PINNED | ROOT)) && !guards)
            continue;
        list->live[k] = 1;
        for (int r = 0; r < list->arity[k]; r++) {
            Code code = list->reads[list->starts[k] + r];
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
        if (!list->live[k])
            list->arity[k] = 0;
        for (int r = 0; r < list->arity[k]; r++)
            list->reads[used++] = list->reads[list->starts[k] + r];
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

/* Note what a rule asks of the operands themselves. */
static void glance(const List *list, Rule *rule)
{
    Py_ssize_t at = 1;
    for (int k = 0; k < list->operations[rule->pattern[0].number].reads; k++) {
        Symbol symbol = rule->pattern[at];
        Glance *found = &rule->glances[k];
        *found = (Glance){ANYTHING, 0};
        if (symbol.kind == ROW)
            found->class = (int32_t)symbol.number;
        else if (symbol.kind == CONSTANT_LETTER)
            found->class = A_CONSTANT;
        else if (symbol.kind == NUMBER)
            *found = (Glance){A_NUMBER, bits_of(rule->numbers[symbol.number])};
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
    glance(list, rule);
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
    for (Py_ssize_t k = count; k-- > 0;) {
        Operation *operation = &list->operations[list->rules[k].pattern[0].number];
        list->rules[k].next = operation->first_rule;
        operation->first_rule = (int32_t)k;
    }
    return true;
}

static bool allocate(List *list, Py_ssize_t operands, const double *constants)
{
    Py_ssize_t count = list->count;
    list->ops = array_of(count, sizeof *list->ops);
    list->arity = array_of(count, sizeof *list->arity);
    list->starts = array_of(count, sizeof *list->starts);
    list->value = array_of(count, sizeof *list->value);
    list->live = array_of(count, sizeof *list->live);
    list->room = operands + MOST;
    list->reads = array_of(list->room, sizeof *list->reads);
    list->constant_room = list->constant_count;
    list->constants = array_of(list->constant_room, sizeof *list->constants);
    size_t entries = (size_t)count; /* a guard makes two, and the table must never be full */
    for (Py_ssize_t k = 0; k < list->operation_count; k++)
        if (list->operations[k].guards)
            entries = (size_t)count + (size_t)count / 2 + 1;
    list->items = hash_table(entries, sizeof *list->items, &list->item_mask);
    list->numbers = hash_table(64, sizeof *list->numbers, &list->number_mask);
    if (list->ops == NULL || list->arity == NULL || list->starts == NULL || list->value == NULL ||
        list->live == NULL || list->reads == NULL || list->constants == NULL ||
        list->items == NULL || list->numbers == NULL)
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
    void *arrays[] = {list->operations, list->rules, list->ops, list->arity, list->starts,
                      list->value, list->live, list->reads, list->constants, list->items,
                      list->numbers};
    for (size_t k = 0; k < sizeof arrays / sizeof *arrays; k++)
        PyMem_RawFree(arrays[k]);
}

static PyObject *bytes_of(const void *array, Py_ssize_t count, size_t size)
{
    return PyByteArray_FromStringAndSize(array, count * (Py_ssize_t)size);
}

static PyObject *result(const List *list)
{
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
    Py_ssize_t count = list->count;
    return Py_BuildValue("NNNNNNNnnn", bytes_of(list->ops, count, sizeof *list->ops),
                         bytes_of(list->arity, count, sizeof *list->arity),
                         bytes_of(list->reads, list->used, sizeof *list->reads),
                         bytes_of(list->value, count, sizeof *list->value),
                         bytes_of(list->live, count, sizeof *list->live),
                         bytes_of(list->constants, list->constant_count, sizeof *list->constants),
                         applied, list->folded, list->merged, list->held);
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
    Py_ssize_t length = operands.len / (Py_ssize_t)sizeof(Code), given = list.constant_count;
    if (flags.len != list.count || list.count > INT32_MAX / 4 || given > INT32_MAX / 4)
        PyErr_SetString(PyExc_ValueError, "the columns do not fit each other, or are too long");
    else if (read_operations(&list, table, plain) && read_rules(&list, rules) &&
             allocate(&list, length, constants.buf) &&
             go_down(&list, ops.buf, operands.buf, length, flags.buf, given)) {
        go_up(&list, flags.buf);
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
