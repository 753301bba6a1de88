/* Folding what repeats; src/wengert/program/fold.py is the readable meaning, and says why. */

#include "node.h"

enum { PERIODS = 64, MULTIPLES = 8, REACH = 16, WIDER = 4, RARE = 64, FEW = 4, NEW = 64 };
enum { WORK = 64, WORK_MORE = 1 << 20 };
enum { GRAM, ITEM, STRIDE };
static const uint64_t GOLDEN = 0x9E3779B97F4A7C15u;

typedef struct {
    uint32_t period, start, count;
} Repeat;

typedef struct {
    Repeat *items;
    size_t count, room;
} Repeats;

typedef struct {
    uint64_t key;
    int32_t id; /* 0 where the place is free; no loop has it, as there are plain items below */
} Known;

/* Items, in order, and the period that each was found regular with. */
typedef struct {
    uint32_t *items, *periods, count;
} Proposals;

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
    uint32_t *distances; /* how far before it ended last; 0 where it did not */
    uint32_t *asked;     /* the distance at which an item was asked already; 0 for none */
    uint32_t *last;      /* a table of n-grams: where each ended last, and 1 */
    int last_bits;
    uint32_t last_count;
    Proposals proposals;
    uint32_t *support, *covered;
    uint8_t *used;
    Repeats repeats, best;
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
    if (LIKELY(*h - *(h - p) != *(h - p) - *(h - 2 * p))) /* tells soonest */
        return false;
    return *id == *(id - p) && *id == *(id - 2 * p);
}

/* Has every item propose the first multiple of its distance that it is regular with. What it was
 * asked already, when the reach was shorter, it is not asked again. */
static void propose(Folding *f, int least, int below, uint64_t reach, uint64_t before)
{
    Proposals *to = &f->proposals;
    to->count = 0;
    for (uint32_t i = 2; i < f->size; i++) {
        uint64_t distance = f->distances[i];
        uint64_t asked = before && f->asked[i] == distance ? before : 0;
        if (!distance || distance * (uint64_t)(below - 1) <= asked)
            continue;
        uint64_t most = reach < i / 2 ? reach : i / 2;
        if (i % FEW && most >= 2 * FEW)
            most = 2 * FEW - 1; /* what repeats at longer periods has other items to ask */
        for (uint64_t p = distance * (uint64_t)least; p <= most && p < distance * (uint64_t)below;
             p += distance)
            if (p > asked && is_regular(f, i, p)) {
                to->items[to->count] = i;
                to->periods[to->count++] = (uint32_t)p;
                break;
            }
    }
}

/* --- which n-grams repeat ---------------------------------------------------------------------- */

static inline uint32_t *place_of(const Folding *f, uint64_t gram)
{
    const size_t mask = ((size_t)1 << f->last_bits) - 1;
    size_t at = (size_t)(gram >> (64 - f->last_bits));
    while (f->last[at] && f->grams[f->last[at] - 1] != gram)
        at = (at + 1) & mask;
    return &f->last[at];
}

static bool more_grams(Folding *f)
{
    uint32_t *before = f->last;
    size_t room = (size_t)1 << f->last_bits;
    f->last = PyMem_Calloc(2 * room, sizeof *f->last);
    if (f->last == NULL) {
        f->last = before;
        PyErr_NoMemory();
        return false;
    }
    f->last_bits++;
    for (size_t k = 0; k < room; k++)
        if (before[k])
            *place_of(f, f->grams[before[k] - 1]) = before[k];
    PyMem_Free(before);
    return true;
}

static bool clear_grams(Folding *f)
{
    enum { BITS = 10 };
    PyMem_Free(f->last);
    f->last_bits = BITS;
    f->last_count = 0;
    f->last = PyMem_Calloc((size_t)1 << BITS, sizeof *f->last);
    if (f->last == NULL)
        PyErr_NoMemory();
    return f->last != NULL;
}

/* Finds the distances between equal items; whether there are any. */
static bool find_items(Folding *f)
{
    bool any = false;
    size_t ids = (size_t)f->kinds + (size_t)f->loop_count;
    uint32_t *last = PyMem_Calloc(ids, sizeof *last);
    if (last == NULL) {
        PyErr_NoMemory();
        return false;
    }
    for (uint32_t i = 0; i < f->size; i++) {
        uint32_t before = last[f->ids[i]];
        last[f->ids[i]] = i + 1;
        f->distances[i] = before ? i + 1 - before : 0;
        any |= before != 0;
    }
    PyMem_Free(last);
    return any;
}

/* Finds the distances between equal n-grams, of wide ones for some; whether there are any. */
static bool find_grams(Folding *f, uint32_t width)
{
    bool any = false;
    const uint32_t one_in = width < REACH ? 1 : width / WIDER < RARE ? width / WIDER : RARE;
    if (!clear_grams(f))
        return false;
    memset(f->distances, 0, f->size * sizeof *f->distances);
    for (uint32_t i = width - 1; i < f->size; i++) {
        if (f->grams[i] >> 32 & (one_in - 1))
            continue;
        uint32_t *place = place_of(f, f->grams[i]);
        if (*place) {
            f->distances[i] = i + 1 - *place;
            any = true;
        }
        const bool is_new = !*place;
        *place = i + 1;
        if (is_new && 2 * ++f->last_count >= (uint32_t)1 << f->last_bits && !more_grams(f))
            return false;
    }
    return any;
}

/* The wider ones, from those that there are. */
static void widen_grams(Folding *f, uint32_t width, unsigned level)
{
    if (width == 1)
        for (uint32_t i = 0; i < f->size; i++)
            f->grams[i] = mixed((uint64_t)f->ids[i] + 1);
    const uint64_t factor = coefficient(GRAM, level + 1); /* the first would be 1 */
    for (uint32_t i = f->size - 1; i >= WIDER * width - 1; i--)
        for (uint32_t k = 1; k < WIDER; k++)
            f->grams[i] = f->grams[i] * factor + f->grams[i - k * width];
}

/* --- what repeats ------------------------------------------------------------------------------ */

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
    Repeats *repeats = &f->repeats;
    if (repeats->count == repeats->room) {
        Repeat *more = grown(repeats->items, &repeats->room, repeats->count + 1, sizeof *more);
        if (more == NULL)
            return false;
        repeats->items = more;
    }
    repeats->items[repeats->count++] = (Repeat){(uint32_t)p, (uint32_t)at, (uint32_t)count};
    return true;
}

/* Where the best of the periods proposed go on for three times, the shortest first. */
static bool find_repeats(Folding *f)
{
    const Proposals *proposals = &f->proposals;
    f->repeats.count = 0;
    if (!proposals->count)
        return true;
    memset(f->support, 0, (f->size / 2 + 1) * sizeof *f->support);
    for (uint32_t k = 0; k < proposals->count; k++)
        f->support[proposals->periods[k]]++;
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
    for (uint32_t k = 0; k < proposals->count; k++) {
        uint32_t p = proposals->periods[k];
        if (f->support[p] == UINT32_MAX)
            seen[f->covered[p]++] = proposals->items[k];
    }
    memset(f->used, 0, f->size);
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

/* Puts a loop in the place of each run of the best. */
static bool replace(Folding *f)
{
    memset(f->used, 0, f->size);
    for (size_t k = 0; k < f->best.count; k++) {
        const Repeat *run = &f->best.items[k];
        memset(f->used + run->start, 1, (size_t)run->period * run->count);
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

/* How many items fewer there are when these repeats are replaced. */
static size_t saving(const Repeats *repeats)
{
    size_t fewer = 0;
    for (size_t k = 0; k < repeats->count; k++)
        fewer += (size_t)repeats->items[k].period * repeats->items[k].count - 1;
    return fewer;
}

/* What was found last becomes the best if it is better, or anyway. */
static void keep(Folding *f, bool anyway)
{
    if (anyway || saving(&f->repeats) > saving(&f->best)) {
        Repeats repeats = f->best;
        f->best = f->repeats;
        f->repeats = repeats;
    }
}

/* Folds at the shortest n-grams whose distances lead to much, single items to anything; if none do,
 * what was best, small multiples too. 1; 0 if that was not much, -1 after an error. */
static int fold_once(Folding *f)
{
    const uint32_t much = f->size / NEW;
    uint32_t width = 1;
    bool found = false;
    f->best.count = 0;
    for (unsigned level = 0; width <= f->size / 3 && f->work > 0; level++) {
        f->work -= f->size;
        if (PyErr_CheckSignals() < 0)
            return -1;
        if (!(width == 1 ? find_items(f) : find_grams(f, width))) {
            if (PyErr_Occurred())
                return -1;
            break;
        }
        const uint64_t reach = (uint64_t)REACH * width;
        const uint64_t before = width > 1 ? reach / WIDER : 0;
        propose(f, 1, 2, reach, before);
        if (!find_repeats(f))
            return -1;
        found = saving(&f->repeats) > (width == 1 ? 0 : much);
        keep(f, found);
        if (found)
            break;
        if (width < REACH) {
            propose(f, 2, MULTIPLES + 1, reach, before);
            if (!find_repeats(f))
                return -1;
            keep(f, false);
        }
        memcpy(f->asked, f->distances, f->size * sizeof *f->asked);
        widen_grams(f, width, level);
        width *= WIDER;
    }
    found |= saving(&f->best) > much;
    return replace(f) ? found : -1;
}

static bool fold_all(Folding *f)
{
    size_t n = f->size;
    f->work = WORK * (int64_t)n + WORK_MORE;
    f->grams = PyMem_Malloc((n + 1) * sizeof *f->grams);
    f->distances = PyMem_Malloc((n + 1) * sizeof *f->distances);
    f->asked = PyMem_Malloc((n + 1) * sizeof *f->asked);
    f->proposals.items = PyMem_Malloc((n + 1) * sizeof *f->proposals.items);
    f->proposals.periods = PyMem_Malloc((n + 1) * sizeof *f->proposals.periods);
    f->support = PyMem_Malloc((n / 2 + 1) * sizeof *f->support);
    f->covered = PyMem_Malloc((n / 2 + 1) * sizeof *f->covered);
    f->used = PyMem_Malloc(n + 1);
    int found = -1;
    if (!f->grams || !f->distances || !f->asked || !f->proposals.items ||
        !f->proposals.periods || !f->support || !f->covered || !f->used)
        PyErr_NoMemory();
    else
        do
            found = fold_once(f);
        while (found > 0);
    PyMem_Free(f->grams);
    PyMem_Free(f->distances);
    PyMem_Free(f->asked);
    PyMem_Free(f->proposals.items);
    PyMem_Free(f->proposals.periods);
    PyMem_Free(f->support);
    PyMem_Free(f->covered);
    PyMem_Free(f->used);
    PyMem_Free(f->last);
    PyMem_Free(f->repeats.items);
    PyMem_Free(f->best.items);
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
