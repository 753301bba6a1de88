/* Whether one linear equation has a solution: the native twin of src/wengert/program/equation.py. */

#include "codes.h"

enum { MOST_TERMS = 32, STEPS = 4000 };

typedef struct {
    int64_t coefficient, bound;
} Term;

static inline bool comes_before(Term a, Term b)
{
    return a.coefficient != b.coefficient ? a.coefficient < b.coefficient : a.bound < b.bound;
}

static void sort(Term *terms, int count)
{
    for (int k = 1; k < count; k++) {
        Term term = terms[k];
        int at = k;
        for (; at > 0 && comes_before(term, terms[at - 1]); at--)
            terms[at] = terms[at - 1];
        terms[at] = term;
    }
}

/* Fewer terms with the same sums, in ascending order; how many. */
static int merge(Term *terms, int count)
{
    int merged = 0;
    sort(terms, count);
    for (int k = 0; k < count; k++) {
        const Term term = terms[k];
        int into = 0;
        for (; into < merged; into++) {
            const Term other = terms[into];
            if (term.coefficient % other.coefficient == 0 &&
                other.bound >= term.coefficient / other.coefficient - 1)
                break;
        }
        if (into == merged)
            terms[merged++] = term;
        else
            terms[into].bound += term.coefficient / terms[into].coefficient * term.bound;
    }
    sort(terms, merged);
    return merged;
}

/* Whether terms in ascending order have a sum; if the search is long, they may. */
static bool has_sum(const Term *terms, int count, int64_t total)
{
    int64_t most[MOST_TERMS + 1] = {0}, steps[MOST_TERMS + 1] = {0};
    for (int k = 0; k < count; k++) {
        most[k + 1] = most[k] + terms[k].coefficient * terms[k].bound;
        steps[k + 1] = (int64_t)gcd((uint64_t)steps[k], (uint64_t)terms[k].coefficient);
    }
    struct {
        int64_t rest;
        int left; /* terms, the largest first */
    } waiting[STEPS + 1];
    int depth = 1, budget = STEPS;
    waiting[0].rest = total;
    waiting[0].left = count;
    while (depth > 0) {
        const int left = waiting[--depth].left;
        const int64_t rest = waiting[depth].rest;
        if (rest < 0 || rest > most[left] || (steps[left] ? rest % steps[left] : rest))
            continue;
        if (left == 0)
            return true;
        const Term term = terms[left - 1];
        const int64_t over = rest - most[left - 1];
        const int64_t low = over > 0 ? (over - 1) / term.coefficient + 1 : 0;
        const int64_t most_times = rest / term.coefficient;
        const int64_t high = term.bound < most_times ? term.bound : most_times;
        if (high - low >= budget)
            return true;
        budget -= high < low ? 1 : (int)(high - low + 1);
        if (budget < 0)
            return true;
        for (int64_t x = low; x <= high; x++) {
            waiting[depth].rest = rest - term.coefficient * x;
            waiting[depth++].left = left - 1;
        }
    }
    return false;
}

/* A number that may be too large, which is no error: -1 with an exception set, 0, or 1. */
static int small_number(PyObject *given, int64_t *number)
{
    int overflow;
    *number = PyLong_AsLongLongAndOverflow(given, &overflow);
    if (*number == -1 && PyErr_Occurred())
        return -1;
    return !overflow && *number > -(INT64_C(1) << 57) && *number < INT64_C(1) << 57;
}

/* solvable(terms, total): whether the sum of coefficient times x, each x from 0 to its bound, can be
 * the total; None where the numbers are too large to say. */
PyObject *solvable(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *given, *whole;
    int64_t total, reach = 0, step = 0;
    if (!PyArg_ParseTuple(args, "O!O", &PyList_Type, &given, &whole))
        return NULL;
    Term terms[MOST_TERMS];
    int count = 0, fits = small_number(whole, &total);
    for (Py_ssize_t k = 0; k < PyList_GET_SIZE(given) && fits == 1; k++) {
        PyObject *pair = PyList_GET_ITEM(given, k);
        if (!PyTuple_Check(pair) || PyTuple_GET_SIZE(pair) != 2) {
            PyErr_SetString(PyExc_TypeError, "solvable() takes pairs of a coefficient and a bound");
            return NULL;
        }
        Term term;
        fits = small_number(PyTuple_GET_ITEM(pair, 0), &term.coefficient);
        if (fits != 1 || term.coefficient == 0)
            continue;
        fits = small_number(PyTuple_GET_ITEM(pair, 1), &term.bound);
        if (fits != 1 || term.bound <= 0)
            continue;
        const bool negative = term.coefficient < 0;
        term.coefficient = negative ? -term.coefficient : term.coefficient;
        if (count == MOST_TERMS || term.coefficient > (INT64_C(1) << 57) / term.bound) {
            fits = 0;
            break;
        }
        reach += term.coefficient * term.bound;
        total += negative ? term.coefficient * term.bound : 0;
        step = (int64_t)gcd((uint64_t)step, (uint64_t)term.coefficient);
        terms[count++] = term;
    }
    if (fits != 1)
        return fits < 0 ? NULL : Py_NewRef(Py_None);
    if (total < 0 || total > reach || (step ? total % step : total))
        Py_RETURN_FALSE;
    return PyBool_FromLong(count < 2 || has_sum(terms, merge(terms, count), total));
}
