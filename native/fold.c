/* Folding what repeats; src/wengert/program/fold.py is the readable meaning, and says why. */

#include "node.h"

enum { PERIODS = 64, SLOTS = 20, MULTIPLES = 8, REACH = 16, WORK = 64, WORK_MORE = 1 << 20 };
enum { GRAM, ITEM, STRIDE };
static const uint64_t GOLDEN = 0x9E3779B97F4A7C15u;

typedef struct {
    uint32_t period, start, count;
} Repeat;

typedef struct {
    uint64_t key;
    int32_t id; /* 0 where the place is free; no loop has it, as there are plain items below */
} Known;

typedef struct {
    uint64_t gram;
    int64_t end; /* where it ended, and 1; 0 where nothing is remembered */
} Remembered;

typedef struct {
    uint32_t size;
    int32_t *ids, *starts;
    uint64_t *hashes;
    int32_t kinds;
    int64_t work;

    int64_t *loops; /* count, period and body, one loop after the other */
    size_t loops_size, loops_room;
    int32_t loop_count;
    Known *known;
    size_t known_room; /* a power of two */

    /* for one pass */
    uint64_t *grams;
    uint32_t *periods, *support, *covered;
    uint8_t *used;
    Remembered *remembered;
    Repeat *repeats;
    size_t repeat_count, repeat_room;
} Folding;

static inline uint64_t mixed(uint64_t x)
{
    x = (x ^ (x >> 33)) * 0xFF51AFD7ED558CCDu;
    x = (x ^ (x >> 29)) * 0xC4CEB9FE1A85EC53u;
    return x ^ (x >> 32);
}

static inline uint64_t coefficient(unsigned series, uint64_t k)
{
    return mixed(((k << 3) + series) * GOLDEN) | 1;
}

/* The array with room for `wanted` items or more; NULL after an error, which leaves it as it was. */
static void *grown(void *array, size_t *room, size_t wanted, size_t item_size)
{
    size_t more = *room * 2 > wanted ? *room * 2 : wanted;
    if (more < 64)
        more = 64;
    void *grown_array = PyMem_Realloc(array, more * item_size);
    if (grown_array == NULL)
        PyErr_NoMemory();
    else
        *room = more;
    return grown_array;
}

/* --- which periods ----------------------------------------------------------------------------- */

static inline bool is_regular(const Folding *f, uint64_t i, uint64_t p)
{
    const int32_t *id = f->ids + i;
    const uint64_t *h = f->hashes + i;
    return *id == *(id - p) && *id == *(id - 2 * p) &&
           *h - *(h - p) == *(h - p) - *(h - 2 * p);
}

static inline void propose(Folding *f, uint64_t i, uint64_t distance, int least, int below,
                           uint64_t reach)
{
    for (int multiple = least; multiple < below; multiple++) {
        uint64_t p = distance * (uint64_t)multiple;
        if (2 * p > i || p > reach)
            return;
        if (is_regular(f, i, p)) {
            f->periods[i] = (uint32_t)p;
            f->support[p]++;
            return;
        }
    }
}

/* Sets `periods` and `support`; whether any n-gram repeats. */
static bool find_periods(Folding *f, uint32_t width, int least, int below, int bits)
{
    bool any = false;
    const uint64_t reach = (uint64_t)REACH * width;
    memset(f->periods, 0, f->size * sizeof *f->periods);
    memset(f->support, 0, (f->size / 2 + 1) * sizeof *f->support);
    if (width == 1) {
        size_t ids = (size_t)f->kinds + (size_t)f->loop_count;
        int64_t *last = PyMem_Calloc(ids, sizeof *last);
        if (last == NULL) {
            PyErr_NoMemory();
            return false;
        }
        for (uint32_t i = 0; i < f->size; i++) {
            int64_t before = last[f->ids[i]];
            last[f->ids[i]] = (int64_t)i + 1;
            if (before) {
                any = true;
                propose(f, i, i + 1 - (uint64_t)before, least, below, reach);
            }
        }
        PyMem_Free(last);
        return any;
    }
    memset(f->remembered, 0, sizeof *f->remembered << bits);
    for (uint32_t i = width - 1; i < f->size; i++) {
        uint64_t gram = f->grams[i];
        Remembered *slot = &f->remembered[gram >> (64 - bits)];
        int64_t before = slot->gram == gram ? slot->end : 0;
        *slot = (Remembered){gram, (int64_t)i + 1};
        if (before) {
            any = true;
            propose(f, i, i + 1 - (uint64_t)before, least, below, reach);
        }
    }
    return any;
}

/* The periods with most support, in ascending order. */
static int best_periods(const Folding *f, uint32_t *best)
{
    int count = 0;
    for (uint32_t p = 1; p <= f->size / 2; p++) { /* equal support: the shorter one stays ahead */
        uint32_t support = f->support[p];
        if (!support || (count == PERIODS && support <= f->support[best[count - 1]]))
            continue;
        int at = count < PERIODS ? count++ : count - 1;
        for (; at > 0 && f->support[best[at - 1]] < support; at--)
            best[at] = best[at - 1];
        best[at] = p;
    }
    for (int k = 1; k < count; k++) {
        uint32_t p = best[k];
        int at = k;
        for (; at > 0 && best[at - 1] > p; at--)
            best[at] = best[at - 1];
        best[at] = p;
    }
    return count;
}

/* --- what repeats ------------------------------------------------------------------------------ */

static bool take_run(Folding *f, uint64_t p, uint64_t at, uint64_t stop, uint64_t *end)
{
    if (at < *end)
        at = *end;
    if (stop < at + p)
        return true;
    uint64_t count = (stop - at) / p + 2;
    if (memchr(f->used + at, 1, count * p) != NULL)
        return true;
    memset(f->used + at, 1, count * p);
    *end = at + count * p;
    if (f->repeat_count == f->repeat_room) {
        Repeat *more = grown(f->repeats, &f->repeat_room, f->repeat_count + 1, sizeof *more);
        if (more == NULL)
            return false;
        f->repeats = more;
    }
    f->repeats[f->repeat_count++] = (Repeat){(uint32_t)p, (uint32_t)at, (uint32_t)count};
    return true;
}

/* Where the best periods go on for three times, the shortest first. */
static bool find_repeats(Folding *f)
{
    uint32_t best[PERIODS];
    int count = best_periods(f, best);
    /* For each of the best, the items that were found with it, in order. */
    uint32_t first[PERIODS + 1] = {0};
    for (int k = 0; k < count; k++) {
        first[k + 1] = first[k] + f->support[best[k]];
        f->covered[best[k]] = first[k];
        f->support[best[k]] = UINT32_MAX;
    }
    uint32_t *seen = PyMem_Malloc(((size_t)first[count] + 1) * sizeof *seen);
    if (seen == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (uint32_t i = 0; i < f->size; i++) {
        uint32_t p = f->periods[i];
        if (p && f->support[p] == UINT32_MAX)
            seen[f->covered[p]++] = i;
    }
    memset(f->used, 0, f->size);
    f->repeat_count = 0;
    bool done = true;
    for (int k = 0; k < count && done; k++) {
        uint64_t p = best[k], end = 0, stop = 0;
        for (uint32_t s = first[k]; s < first[k + 1] && done; s++) {
            uint64_t low = seen[s], high = low + 1;
            if (low < stop)
                continue;
            while (low > 2 * p && is_regular(f, low - 1, p))
                low--;
            while (high < f->size && is_regular(f, high, p))
                high++;
            stop = high;
            done = take_run(f, p, low - 2 * p, high - 2 * p, &end);
        }
    }
    PyMem_Free(seen);
    return done;
}

/* --- loops ------------------------------------------------------------------------------------- */

static bool add_loop(Folding *f, const Repeat *run)
{
    size_t wanted = f->loops_size + 2 + run->period;
    if (wanted > f->loops_room) {
        int64_t *more = grown(f->loops, &f->loops_room, wanted, sizeof *more);
        if (more == NULL)
            return false;
        f->loops = more;
    }
    int64_t *to = f->loops + f->loops_size;
    *to++ = run->count;
    *to++ = run->period;
    for (uint32_t k = 0; k < run->period; k++)
        *to++ = f->ids[run->start + k];
    f->loops_size = wanted;
    f->loop_count++;
    return true;
}

static bool more_known(Folding *f)
{
    size_t room = f->known_room ? f->known_room * 2 : 256;
    Known *known = PyMem_Calloc(room, sizeof *known);
    if (known == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (size_t k = 0; k < f->known_room; k++) {
        if (f->known[k].id) {
            size_t at = f->known[k].key & (room - 1);
            while (known[at].id)
                at = (at + 1) & (room - 1);
            known[at] = f->known[k];
        }
    }
    PyMem_Free(f->known);
    f->known = known;
    f->known_room = room;
    return true;
}

/* The identity of a loop; -1 after an error. */
static int32_t loop_id(Folding *f, const Repeat *run, uint64_t *hash)
{
    const uint32_t p = run->period;
    const int32_t *ids = f->ids + run->start;
    const uint64_t *h = f->hashes + run->start;
    uint64_t key = 0, total = 0;
    for (uint32_t k = 0; k < p; k++) {
        uint64_t item = coefficient(ITEM, k);
        key += mixed((uint64_t)ids[k] + 7) * item + (h[k + p] - h[k]) * coefficient(STRIDE, k);
        total += h[k] * item;
    }
    *hash = total;
    key += run->count * GOLDEN + p;
    if (2 * (size_t)f->loop_count >= f->known_room && !more_known(f))
        return -1;
    size_t at = key & (f->known_room - 1);
    while (f->known[at].id && f->known[at].key != key)
        at = (at + 1) & (f->known_room - 1);
    if (!f->known[at].id) {
        int32_t id = f->kinds + f->loop_count;
        if (!add_loop(f, run))
            return -1;
        f->known[at] = (Known){key, id};
    }
    return f->known[at].id;
}

/* Puts a loop in the place of each run. */
static bool replace(Folding *f)
{
    for (size_t k = 0; k < f->repeat_count; k++) {
        const Repeat *run = &f->repeats[k];
        uint64_t hash;
        int32_t id = loop_id(f, run, &hash);
        if (id < 0)
            return false;
        f->ids[run->start] = id;
        f->hashes[run->start] = hash;
        f->used[run->start] = 0;
    }
    uint32_t to = 0;
    for (uint32_t i = 0; i < f->size; i++) {
        if (!f->used[i]) {
            f->ids[to] = f->ids[i];
            f->hashes[to] = f->hashes[i];
            f->starts[to] = f->starts[i];
            to++;
        }
    }
    f->size = to;
    return true;
}

/* --- the whole --------------------------------------------------------------------------------- */

static int bits_for(uint32_t count)
{
    int bits = 2;
    for (; count; count >>= 1)
        bits++;
    return bits < SLOTS ? bits : SLOTS;
}

/* Folds at the shortest n-grams that lead to anything: 1; 0 if none does, -1 after an error. */
static int fold_once(Folding *f, int least, int below)
{
    const int bits = bits_for(f->size);
    uint32_t width = 1;
    for (unsigned level = 0; width <= f->size / 3 && f->work > 0; level++) {
        f->work -= f->size;
        if (PyErr_CheckSignals() < 0)
            return -1;
        if (!find_periods(f, width, least, below, bits))
            return PyErr_Occurred() ? -1 : 0;
        if (!find_repeats(f))
            return -1;
        if (f->repeat_count)
            return replace(f) ? 1 : -1;
        if (width == 1)
            for (uint32_t i = 0; i < f->size; i++)
                f->grams[i] = mixed((uint64_t)f->ids[i] + 1);
        uint64_t factor = coefficient(GRAM, level);
        for (uint32_t i = f->size - 1; i >= 2 * width - 1; i--)
            f->grams[i] += f->grams[i - width] * factor;
        width *= 2;
    }
    return 0;
}

static bool fold_all(Folding *f)
{
    size_t n = f->size;
    f->work = WORK * (int64_t)n + WORK_MORE;
    f->grams = PyMem_Malloc((n + 1) * sizeof *f->grams);
    f->periods = PyMem_Malloc((n + 1) * sizeof *f->periods);
    f->support = PyMem_Malloc((n / 2 + 1) * sizeof *f->support);
    f->covered = PyMem_Malloc((n / 2 + 1) * sizeof *f->covered);
    f->used = PyMem_Malloc(n + 1);
    f->remembered = PyMem_Malloc(sizeof *f->remembered << bits_for(f->size));
    int found = -1;
    if (!f->grams || !f->periods || !f->support || !f->covered || !f->used || !f->remembered)
        PyErr_NoMemory();
    else
        do {
            found = fold_once(f, 1, 2);
            if (found == 0)
                found = fold_once(f, 2, MULTIPLES + 1);
        } while (found > 0);
    PyMem_Free(f->grams);
    PyMem_Free(f->periods);
    PyMem_Free(f->support);
    PyMem_Free(f->covered);
    PyMem_Free(f->used);
    PyMem_Free(f->remembered);
    PyMem_Free(f->repeats);
    PyMem_Free(f->known);
    return found == 0;
}

/* fold(ids, hashes, kinds) -> ids, starts and loops, as bytes; numbers of 32, 64 bits; 32, 32, 64. */
PyObject *fold(PyObject *module, PyObject *args)
{
    (void)module;
    Py_buffer ids, hashes;
    int kinds;
    if (!PyArg_ParseTuple(args, "y*y*i", &ids, &hashes, &kinds))
        return NULL;
    PyObject *result = NULL;
    size_t n = (size_t)ids.len / sizeof(int32_t);
    Folding f = {.kinds = kinds};
    if (n >= INT32_MAX / 2 || (size_t)hashes.len != n * sizeof(uint64_t) || kinds < 1 ||
        kinds > INT32_MAX / 2) {
        PyErr_SetString(PyExc_ValueError, "fold() takes as many hashes as items, below 2**30");
        goto done;
    }
    f.size = (uint32_t)n;
    f.ids = PyMem_Malloc((n + 1) * sizeof *f.ids);
    f.starts = PyMem_Malloc((n + 1) * sizeof *f.starts);
    f.hashes = PyMem_Malloc((n + 1) * sizeof *f.hashes);
    if (!f.ids || !f.starts || !f.hashes) {
        PyErr_NoMemory();
        goto done;
    }
    memcpy(f.ids, ids.buf, n * sizeof *f.ids);
    memcpy(f.hashes, hashes.buf, n * sizeof *f.hashes);
    for (size_t i = 0; i < n; i++) {
        if (f.ids[i] < 0 || f.ids[i] >= kinds) {
            PyErr_SetString(PyExc_ValueError, "fold() takes identities below kinds");
            goto done;
        }
        f.starts[i] = (int32_t)i;
    }
    if (fold_all(&f))
        result = Py_BuildValue(
            "y#y#y#", (char *)f.ids, (Py_ssize_t)(f.size * sizeof *f.ids), (char *)f.starts,
            (Py_ssize_t)(f.size * sizeof *f.starts), f.loops != NULL ? (char *)f.loops : "",
            (Py_ssize_t)(f.loops_size * sizeof *f.loops));
done:
    PyMem_Free(f.ids);
    PyMem_Free(f.starts);
    PyMem_Free(f.hashes);
    PyMem_Free(f.loops);
    PyBuffer_Release(&ids);
    PyBuffer_Release(&hashes);
    return result;
}
